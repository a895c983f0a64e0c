//! Faults on the way: answers that never come, break off, or are errors.

use super::Sim;
use super::desk::{Call, Verdict};
use super::faults::Kind;
use super::wire::{Refusal, Reply, throttled};
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use std::io;
use std::time::Duration;
use time::UtcDateTime;
use time::macros::format_description;

const HUGE: usize = 50 << 20;

/// What comes instead of an answer: nothing, ever, or a connection that breaks.
pub async fn instead(sim: &Sim, faults: &[Kind]) -> Option<Response> {
    if faults.contains(&Kind::Timeout) {
        sim.closed().await;
        return Some(broken());
    }
    faults.contains(&Kind::Reset).then(broken)
}

/// A body that fails at once takes the connection with it, before anything is sent.
fn broken() -> Response {
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(reset())])))
}

fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "simulated")
}

/// The error that a fault answers with.
pub fn refusal(call: &Call, faults: &[Kind]) -> Option<Refusal> {
    let xml = matches!(call.service.as_str(), "sts");
    faults.iter().find_map(|kind| {
        Some(match kind {
            Kind::Status { status, code } => {
                let plain = of_status(&call.service, *status);
                Refusal { status: *status, code: code.clone().unwrap_or(plain.code), ..plain }
            }
            Kind::AccessDenied => {
                let Call { service, operation, account, .. } = call;
                let prefix = if service == "monitoring" { "cloudwatch" } else { service };
                let message = format!(
                    "User: arn:aws:sts::{account}:assumed-role/demo/demo is not authorized to perform: {prefix}:{operation}"
                );
                let code = if xml { "AccessDenied" } else { "AccessDeniedException" };
                Refusal::new(if service == "bedrock" || xml { 403 } else { 400 }, code, message)
            }
            Kind::ExpiredToken => {
                let code = if xml { "ExpiredToken" } else { "ExpiredTokenException" };
                Refusal::new(403, code, "The security token included in the request is expired")
            }
            _ => return None,
        })
    })
}

fn of_status(service: &str, status: u16) -> Refusal {
    match status {
        429 => throttled(service),
        503 => Refusal::new(503, "ServiceUnavailable", "Service is unavailable"),
        500.. => Refusal::new(status, "InternalServerException", "The request failed on our side"),
        _ => Refusal::new(status, "ValidationException", "simulated"),
    }
}

/// The reply as it is sent, faults of sending included.
pub fn during(reply: Reply, verdict: &Verdict) -> Response {
    let skew = verdict.faults.iter().find_map(|kind| match kind {
        Kind::ClockSkew { seconds } => Some(*seconds),
        _ => None,
    });
    let date = date(verdict.now + skew.unwrap_or(0));
    let mut reply = reply;
    for kind in &verdict.faults {
        match kind {
            Kind::ContentType => {
                reply.headers = vec![("content-type", "text/html".into())];
                reply.body = b"<!DOCTYPE html><title>Welcome</title>".to_vec();
            }
            Kind::HugeBody => return reply.with_body(date, |body| Body::from(padded(&body))),
            Kind::Slow => return reply.with_body(date, slow),
            Kind::Truncated => {
                reply.headers.push(("content-length", reply.body.len().to_string()));
                return reply.with_body(date, half);
            }
            _ => {}
        }
    }
    reply.response(date)
}

fn padded(body: &[u8]) -> Vec<u8> {
    let mut padded = vec![b' '; HUGE];
    padded.extend_from_slice(body);
    padded
}

fn slow(body: Vec<u8>) -> Body {
    Body::from_stream(stream::iter(body).then(|byte| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, io::Error>(Bytes::from(vec![byte]))
    }))
}

fn half(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    Body::from_stream(stream::iter([Ok(Bytes::from(body)), Err(reset())]))
}

/// A moment as HTTP's Date header has it.
fn date(now: i64) -> Option<String> {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    UtcDateTime::from_unix_timestamp(now).ok()?.format(format).ok()
}
