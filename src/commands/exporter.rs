//! Asks a running exporter's API.

use anyhow::{Result, anyhow};
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to an exporter.
pub(super) struct Exporter {
    client: Client,
    url: Url,
}

/// What it answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Of the snapshot that it is made of.
    pub(super) tag: Option<String>,
    pub(super) body: String,
}

/// What an error of the API says.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Exporter {
    pub(super) fn new(url: &str) -> Result<Exporter> {
        let client = Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let url = Url::parse(&format!("{url}/api/v1/")).map_err(|error| anyhow!("--url {url}: {error}"))?;
        Ok(Exporter { client, url })
    }

    /// The body of an answer that is as wanted.
    pub(super) async fn text(&self, name: &str, query: &[(&str, &str)]) -> Result<String, String> {
        let answer = self.answer(name, query, None).await?;
        if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(self.refusal(&answer)) }
    }

    /// The document that it answers with, asked by those parameters that are told.
    pub(super) async fn document(&self, name: &str, query: &[(&str, Option<&str>)]) -> Result<Value, String> {
        let told: Vec<(&str, &str)> =
            query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let text = self.text(name, &told).await?;
        serde_json::from_str(&text).map_err(|error| self.not_understood(&error))
    }

    /// `known`: the tag of the snapshot of which the answer is there already.
    pub(super) async fn answer(
        &self,
        name: &str,
        query: &[(&str, &str)],
        known: Option<&str>,
    ) -> Result<Answer, String> {
        let mut url = self.url.join(name).map_err(|error| error.to_string())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.get(url);
        if let Some(tag) = known {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let failed = |error: reqwest::Error| format!("no answer from {}: {}", self.host(), root(&error));
        let answer = request.send().await.map_err(failed)?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(String::from);
        Ok(Answer { status: answer.status(), tag, body: answer.text().await.map_err(failed)? })
    }

    /// Why it is none that is wanted.
    pub(super) fn refusal(&self, Answer { status, body, .. }: &Answer) -> String {
        let problem = serde_json::from_str::<Problem>(body).ok();
        match problem {
            Some(problem) if *status != StatusCode::NOT_FOUND || body.contains("\"parameter\"") => {
                problem.detail
            }
            // Another program, an older exporter, or one without its API.
            _ if *status == StatusCode::NOT_FOUND => {
                format!(
                    "{} is not there: expected an exporter of this version with --web.enable-api",
                    self.url
                )
            }
            _ => format!("{} answers {status}", self.url),
        }
    }

    /// Why an answer is not understood.
    pub(super) fn not_understood(&self, error: &serde_json::Error) -> String {
        format!("{} answers what is not understood: {error}", self.url)
    }

    fn host(&self) -> String {
        let port = self.url.port_or_known_default().map_or(String::new(), |port| format!(":{port}"));
        format!("{}{port}", self.url.host_str().unwrap_or_default())
    }
}

/// What lies at the ground of an error: reqwest's own words only repeat the URL.
fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
