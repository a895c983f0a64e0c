//! Protocols: how a request says in which of AWS's protocols it is spelled.

use axum::http::HeaderMap;

/// How a request is spelled, and so its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    Cbor,
    /// The version of AWS JSON.
    Json(&'static str),
    Rest,
    Query,
}

/// The protocol that the headers of a request tell.
pub fn protocol(headers: &HeaderMap) -> Protocol {
    let content = text(headers, "content-type");
    if text(headers, "smithy-protocol") == "rpc-v2-cbor" {
        Protocol::Cbor
    } else if headers.contains_key("x-amz-target") {
        Protocol::Json(if content.ends_with("1.0") { "1.0" } else { "1.1" })
    } else if content.starts_with("application/x-www-form-urlencoded") {
        Protocol::Query
    } else {
        Protocol::Rest
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
