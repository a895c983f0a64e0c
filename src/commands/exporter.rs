//! Asks a running exporter's API.

use super::access::why_tls;
use super::request::{Stream, answer, encrypted};
use crate::cli::Access;
use crate::report::safe::printable;
use anyhow::{Result, anyhow, ensure};
use form_urlencoded::Serializer;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, HeaderValue, IF_NONE_MATCH, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Request, Response, StatusCode, Uri};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// More is no answer: the rows of four hundred targets' quotas are less.
const LONGEST: usize = 64 << 20;
/// Of all answers but exports for gateways.
const JSON: &str = "application/json";

/// The way to an exporter.
pub(super) struct Exporter {
    /// Of its API, with a slash at its end.
    url: Uri,
    /// Where it is https.
    tls: Option<Arc<ClientConfig>>,
    user: Option<HeaderValue>,
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
    /// `url`: as `--url` has it.
    ///
    /// # Errors
    /// If that is no URL, what belongs to it by `access` cannot be read, or the two do not fit.
    pub(super) fn new(url: &str, access: &Access) -> Result<Exporter> {
        // What may be a password is not repeated.
        ensure!(
            !url.contains('@'),
            "--url: found a user in it, expected --basic-auth.username and --basic-auth.password-file beside it"
        );
        let api: Uri = format!("{url}/api/v1/").parse().map_err(|error| anyhow!("--url {url}: {error}"))?;
        let is_tls = api.scheme_str() == Some("https");
        ensure!(
            is_tls || (access.ca_file.is_none() && access.cert_file.is_none()),
            "--url {url}: found http, expected https beside --tls.ca-file and --tls.cert-file"
        );
        let config = is_tls.then(|| access.client_config(access.verifier()?).map(Arc::new));
        Ok(Exporter { url: api, tls: config.transpose()?, user: access.authorization()? })
    }

    /// The body of an answer that is as wanted, of that media type.
    pub(super) async fn text(
        &self,
        name: &str,
        query: &[(&str, &str)],
        media_type: &str,
    ) -> Result<String, String> {
        let answer = self.ask(name, query, None, media_type).await?;
        if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(self.refusal(&answer)) }
    }

    /// The document that it answers with, asked by those parameters that are told.
    pub(super) async fn document(&self, name: &str, query: &[(&str, Option<&str>)]) -> Result<Value, String> {
        let told: Vec<(&str, &str)> =
            query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let text = self.text(name, &told, JSON).await?;
        serde_json::from_str(&text).map_err(|error| self.not_understood(&error))
    }

    /// What it answers, as JSON. `known`: the tag of the snapshot of which the answer is there already.
    pub(super) async fn answer(
        &self,
        name: &str,
        query: &[(&str, &str)],
        known: Option<&str>,
    ) -> Result<Answer, String> {
        self.ask(name, query, known, JSON).await
    }

    async fn ask(
        &self,
        name: &str,
        query: &[(&str, &str)],
        known: Option<&str>,
        media_type: &str,
    ) -> Result<Answer, String> {
        let mut path = format!("{}{name}", self.url.path());
        if !query.is_empty() {
            path = format!("{path}?{}", Serializer::new(String::new()).extend_pairs(query).finish());
        }
        let answer = timeout(PATIENCE, self.get(&path, known)).await;
        let answer = answer.unwrap_or_else(|_| Err(anyhow!("none within {} s", PATIENCE.as_secs())));
        let failed = |error| {
            let why = why_tls(&error).unwrap_or_else(|| error.root_cause().to_string());
            format!("no answer from {}: {why}", self.host())
        };
        let (head, body) = answer.map_err(failed)?.into_parts();
        let tag = head.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(String::from);
        let body = if head.status == StatusCode::OK {
            let wrong = |found| format!("{}{name}: found {found} of an exporter", self.url);
            whole(&head.headers, body, media_type).map_err(wrong)?
        } else {
            String::from_utf8_lossy(&body).into_owned()
        };
        Ok(Answer { status: head.status, tag, body })
    }

    async fn get(&self, path: &str, known: Option<&str>) -> Result<Response<Bytes>> {
        let host = self.url.host().unwrap_or_default().trim_matches(['[', ']']);
        let mut stream: Box<dyn Stream> = Box::new(TcpStream::connect((host, self.port())).await?);
        if let Some(config) = &self.tls {
            stream = encrypted(stream, host, config.clone()).await?;
        }
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::get(path).header(HOST, authority);
        if let Some(user) = &self.user {
            request = request.header(AUTHORIZATION, user);
        }
        if let Some(tag) = known {
            request = request.header(IF_NONE_MATCH, tag);
        }
        answer(stream, request.body(Empty::new())?, LONGEST).await
    }

    fn port(&self) -> u16 {
        self.url.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 })
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
            _ if *status == StatusCode::UNAUTHORIZED && self.user.is_some() => {
                format!("{} answers {status}: the exporter refuses this user or password", self.url)
            }
            _ if *status == StatusCode::UNAUTHORIZED => {
                let flags = "--basic-auth.username and --basic-auth.password-file";
                format!("{} answers {status}: it wants a user, by {flags}", self.url)
            }
            _ if body.contains("HTTPS") => format!("{} answers {status}: expected https", self.url),
            _ => format!("{} answers {status}", self.url),
        }
    }

    /// Why an answer is not understood.
    pub(super) fn not_understood(&self, error: &serde_json::Error) -> String {
        format!("{} answers what is not understood: {error}", self.url)
    }

    fn host(&self) -> String {
        format!("{}:{}", self.url.host().unwrap_or_default(), self.port())
    }
}

/// The text of an answer that is the exporter's own and whole. What stands in between, a proxy that wants its user signed
/// in above all, answers with a page of its own, and with status 200. What is wrong goes on with "of an exporter".
fn whole(headers: &HeaderMap, body: Bytes, media_type: &str) -> Result<String, String> {
    let told = headers.get(CONTENT_TYPE).and_then(|told| told.to_str().ok()).unwrap_or_default();
    let found = told.split(';').next().unwrap_or_default().trim();
    if !found.eq_ignore_ascii_case(media_type) {
        let found = if found.is_empty() { "no Content-Type" } else { found };
        return Err(format!("{}, expected {media_type}", printable(found)));
    }
    // One that ends with its connection may have lost its end.
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        return Err(
            "neither Content-Length nor chunks, expected an answer that says where it ends".to_string()
        );
    }
    String::from_utf8(body.into()).map_err(|_| format!("bytes that are not UTF-8, expected {media_type}"))
}
