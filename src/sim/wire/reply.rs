//! Replies as they are sent, in each protocol.

use super::protocol::Protocol;
use super::refusal::Refusal;
use super::{cbor, query};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use time::UtcDateTime;
use time::macros::format_description;

/// A reply before it is sent.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn of(protocol: Protocol, operation: &str, result: Result<Value, Refusal>) -> Reply {
        let mut headers = vec![];
        let (status, value, code) = match result {
            Ok(value) => (200, value, None),
            Err(Refusal { status, code, message, retry_after }) => {
                headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
                (status, json!({"__type": code, "message": message}), Some(code))
            }
        };
        let body = match protocol {
            Protocol::Cbor => {
                headers.push(("smithy-protocol", "rpc-v2-cbor".to_string()));
                headers.push(("content-type", "application/cbor".to_string()));
                cbor::encode(&value)
            }
            Protocol::Json(version) => {
                headers.push(("content-type", format!("application/x-amz-json-{version}")));
                value.to_string().into_bytes()
            }
            Protocol::Rest => {
                headers.push(("content-type", "application/json".to_string()));
                headers.extend(code.clone().map(|code| ("x-amzn-errortype", code)));
                value.to_string().into_bytes()
            }
            Protocol::Query => {
                headers.push(("content-type", "text/xml".to_string()));
                query::xml(operation, &value).into_bytes()
            }
        };
        // CloudWatch once spoke query; its clients still look here for the code of that time.
        if let (Protocol::Cbor | Protocol::Json("1.0"), Some(code)) = (protocol, code) {
            headers.push(("x-amzn-query-error", format!("{code};Sender")));
        }
        Reply { status, headers, body }
    }

    /// The response, its Date header at `now`, its body sent in some way.
    pub fn response(self, now: i64, body: impl FnOnce(Vec<u8>) -> Body) -> Response {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let number = REPLIES.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let common = [("x-amzn-requestid", id), ("date", http_date(now))];
        for (name, value) in self.headers.into_iter().chain(common) {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// So that no two replies have the same request id.
static REPLIES: AtomicU64 = AtomicU64::new(0);

/// A moment as HTTP's Date header has it.
fn http_date(now: i64) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let moment = UtcDateTime::from_unix_timestamp(now).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(format).unwrap_or_default()
}
