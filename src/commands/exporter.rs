//! The API of a running exporter, for the tools that ask it.

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// Where it is, and the way there.
#[derive(Clone)]
pub(super) struct Exporter {
    client: reqwest::Client,
    base: String,
}

impl Exporter {
    /// # Errors
    /// If `--url` is none, or not HTTP.
    pub(super) fn new(url: &str) -> Result<Exporter> {
        let base = url.trim_end_matches('/').to_string();
        let is_http = Url::parse(&base).is_ok_and(|url| url.scheme() == "http" && url.has_host());
        ensure!(is_http, "--url: found {url:?}, expected http://HOST:PORT of a running exporter");
        Ok(Exporter { client: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?, base })
    }

    /// An answer of `/api/v1/PATH`, asked with those parameters that are told.
    ///
    /// # Errors
    /// In the words of the exporter, where it is one.
    pub(super) async fn get(&self, path: &str, parameters: &[(&str, Option<&str>)]) -> Result<Value> {
        let told = parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let url = Url::parse_with_params(&format!("{}/api/v1/{path}", self.base), told)?;
        let answer = self.client.get(url.clone()).send().await;
        let answer = answer.with_context(|| format!("no answer from {}", self.base))?;
        let status = answer.status();
        let body = answer.text().await.with_context(|| format!("no whole answer from {}", self.base))?;
        let document: Option<Value> = serde_json::from_str(&body).ok();
        match document {
            Some(document) if status.is_success() => Ok(document),
            Some(problem) if problem["detail"].is_string() => {
                bail!("{status}: {}", problem["detail"].as_str().unwrap_or_default())
            }
            _ => bail!("{url} answers {status}, and no JSON of the exporter's API"),
        }
    }
}
