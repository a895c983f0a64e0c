//! Faults on the way: answers that never come, break off, or are errors.

use super::line::Reset;
use super::protocol::Protocol;
use super::refusal::{Refusal, throttled};
use super::reply::Reply;
use crate::sim::call::ApiCall;
use crate::sim::desk::Verdict;
use crate::sim::faults::Kind;
use crate::sim::handle::Sim;
use crate::sim::policy::action;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use std::io;
use std::time::Duration;

const HUGE: usize = 50 << 20;

/// What comes instead of an answer: nothing, ever, or a connection that breaks.
pub async fn instead(sim: &Sim, line: &Reset, faults: &[Kind]) -> Option<Response> {
    if faults.contains(&Kind::Timeout) {
        sim.closed().await;
        return Some(broken());
    }
    faults.contains(&Kind::Reset).then(|| {
        line.set();
        broken()
    })
}

/// A body that fails at once takes the connection with it, before anything is sent.
fn broken() -> Response {
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(reset())])))
}

fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "simulated")
}

/// The error that a fault answers with.
pub fn refusal(call: &ApiCall, faults: &[Kind]) -> Option<Refusal> {
    // These two speak, or once spoke, query.
    let query = matches!(call.service.as_str(), "sts" | "monitoring");
    faults.iter().find_map(|kind| {
        Some(match kind {
            Kind::Status { status, code } => {
                let plain = of_status(&call.service, *status);
                Refusal { status: *status, code: code.clone().unwrap_or(plain.code), ..plain }
            }
            // AWS names the status, not the code.
            Kind::Overloaded { retry_after } => Refusal {
                retry_after: *retry_after,
                ..Refusal::new(529, "OverloadedException", "The model is overloaded, try again later.")
            },
            Kind::AccessDenied => {
                let ApiCall { service, account, .. } = call;
                let user = format!("arn:aws:sts::{account}:assumed-role/demo/demo");
                let message = format!("User: {user} is not authorized to perform: {}", action(call));
                let code = if query { "AccessDenied" } else { "AccessDeniedException" };
                let json = matches!(service.as_str(), "servicequotas" | "organizations");
                Refusal::new(if json { 400 } else { 403 }, code, message)
            }
            Kind::ExpiredToken => {
                let code = if query { "ExpiredToken" } else { "ExpiredTokenException" };
                Refusal::new(403, code, "The security token included in the request is expired")
            }
            _ => return None,
        })
    })
}

/// The error that repeats the request, as AWS does.
pub fn wrong_signature(protocol: Protocol, parts: &Parts, faults: &[Kind]) -> Option<Refusal> {
    let code = match protocol {
        _ if !faults.contains(&Kind::WrongSignature) => return None,
        Protocol::Query | Protocol::Cbor => "SignatureDoesNotMatch",
        _ => "InvalidSignatureException",
    };
    let signed = ["host", "x-amz-date", "x-amz-security-token"];
    let signed: Vec<(&str, &str)> =
        signed.into_iter().filter_map(|name| Some((name, parts.headers.get(name)?.to_str().ok()?))).collect();
    let headers: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let (method, path, names) = (&parts.method, parts.uri.path(), names.join(";"));
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let message = format!(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request \
         should have been\n'{method}\n{path}\n\n{headers}\n{names}\n{hash}'\n\nThe String-to-Sign should have \
         been\n'AWS4-HMAC-SHA256\n{hash}'\n"
    );
    Some(Refusal::new(403, code, message))
}

fn of_status(service: &str, status: u16) -> Refusal {
    match status {
        503 if service == "bedrock-runtime" => {
            Refusal::new(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")
        }
        429 => throttled(service),
        503 => Refusal::new(503, "ServiceUnavailable", "Service is unavailable"),
        500.. => Refusal::new(status, "InternalServerException", "The request failed on our side"),
        _ => Refusal::new(status, "ValidationException", "simulated"),
    }
}

/// The reply as it is sent, faults of sending included.
pub fn during(sim: &Sim, mut reply: Reply, verdict: &Verdict) -> Response {
    let skew = |kind: &Kind| if let Kind::ClockSkew { seconds } = kind { *seconds } else { 0 };
    let now = verdict.now + verdict.faults.iter().map(skew).sum::<i64>();
    for kind in &verdict.faults {
        match kind {
            Kind::ContentType => {
                reply.headers = vec![("content-type", "text/html".into())];
                reply.body = b"<!DOCTYPE html><title>Welcome</title>".to_vec();
            }
            Kind::EmptyBody => reply.body = Vec::new(),
            Kind::HugeBody => return reply.response(now, |body| Body::from(padded(&body))),
            Kind::Slow => return reply.response(now, |body| slow(sim.clone(), body)),
            Kind::Truncated => {
                reply.headers.push(("content-length", reply.body.len().to_string()));
                return reply.response(now, half);
            }
            _ => {}
        }
    }
    reply.response(now, Body::from)
}

fn padded(body: &[u8]) -> Vec<u8> {
    let mut padded = vec![b' '; HUGE];
    padded.extend_from_slice(body);
    padded
}

fn slow(sim: Sim, body: Vec<u8>) -> Body {
    let bytes = stream::iter(body).then(|byte| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, io::Error>(Bytes::from(vec![byte]))
    });
    Body::from_stream(bytes.take_until(Box::pin(async move { sim.closed().await })))
}

fn half(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let first = stream::iter([Ok(Bytes::from(body))]);
    // A little later, lest the first half be dropped unsent.
    let end = stream::once(tokio::time::sleep(Duration::from_millis(100))).map(|()| Err(reset()));
    Body::from_stream(first.chain(end))
}
