//! HTTP in AWS's own protocols: who asks for what, and how replies and refusals look.
//!
//! | service | protocol | told by |
//! |---|---|---|
//! | CloudWatch | Smithy RPC v2 CBOR, or AWS JSON 1.0 | `smithy-protocol`, or `X-Amz-Target` |
//! | Service Quotas, Organizations | AWS JSON 1.1 | `X-Amz-Target` |
//! | Bedrock, Account, OAM | REST JSON | method and path |
//! | STS | query, answered in XML | form |
//!
//! The credential scope of the signature names service and region, the access key the account: by the
//! 12 digits after its first four letters, else it is the world's first. The signature itself is not
//! verified, nor is its date.

use super::desk::{Call, Verdict};
use super::faults::Kind;
use super::line::Reset;
use super::world::{Account, Region};
use super::{Sim, account, bedrock, cbor, cloudwatch, mishap, oam, organizations, service_quotas, sts};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use time::UtcDateTime;
use time::macros::format_description;

/// Where services are that have no regions.
const HOME: &str = "us-east-1";
/// No request of these APIs is larger.
const LARGEST_REQUEST: usize = 4 << 20;

/// An error as AWS words it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status, code: code.into(), message: message.into() }
    }
}

/// Where an operation happens.
pub struct Scene<'a> {
    pub sim: &'a Sim,
    pub account: &'a Account,
    pub region: &'a Region,
    /// Simulated seconds since the epoch.
    pub now: i64,
    pub faults: &'a [Kind],
}

/// How a request is spelled, and so its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    Cbor,
    /// The version of AWS JSON.
    Json(&'static str),
    Rest,
    Query,
}

/// What a signature says of its maker.
struct Signer<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

/// Answers everything that is not for the admin.
pub async fn answer(
    State(sim): State<Sim>,
    ConnectInfo(line): ConnectInfo<Reset>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let protocol = protocol(&parts.headers);
    let admitted = match to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => admit(&sim, protocol, &parts, &body).await,
        Err(_) => Err(Refusal::new(413, "RequestEntityTooLarge", "The request is too large.")),
    };
    let (call, input, verdict) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let now = sim.clock().await.now();
            return Reply::of(protocol, "", Err(refusal)).response(now, Body::from);
        }
    };
    if let Some(failed) = mishap::instead(&sim, &line, &verdict.faults).await {
        return failed;
    }
    let result = perform(&sim, &call, &input, &verdict);
    mishap::during(&sim, Reply::of(protocol, &call.operation, result), &verdict)
}

async fn admit(
    sim: &Sim,
    protocol: Protocol,
    parts: &Parts,
    body: &Bytes,
) -> Result<(Call, Value, Verdict), Refusal> {
    let signer = signer(&parts.headers, protocol)?;
    let account = sim.account_of(signer.access_key);
    let unknown_key = || {
        Refusal::new(403, invalid_token(protocol), "The security token included in the request is invalid.")
    };
    let account = account.ok_or_else(unknown_key)?;
    if signer.access_key.starts_with("ASIA") && !parts.headers.contains_key("x-amz-security-token") {
        return Err(unknown_key());
    }
    match signer.service {
        "sts" => {}
        "organizations" | "account" if signer.region == HOME => {}
        "organizations" | "account" => {
            let message = format!("Credential should be scoped to a valid region, not '{}'.", signer.region);
            return Err(Refusal::new(403, "InvalidSignatureException", message));
        }
        _ if sim.world().region(&account, signer.region).is_none() => return Err(unknown_key()),
        _ => {}
    }
    let (operation, input) = read(protocol, signer.service, parts, body)?;
    let metrics = if operation == "GetMetricData" { cloudwatch::billed(&input) } else { 0 };
    let call = Call { service: signer.service.into(), operation, account, region: signer.region.to_string() };
    let verdict = sim.admit(call.clone(), metrics).await;
    Ok((call, input, verdict))
}

fn perform(sim: &Sim, call: &Call, input: &Value, verdict: &Verdict) -> Result<Value, Refusal> {
    if let Some(refusal) = mishap::refusal(call, &verdict.faults) {
        return Err(refusal);
    }
    if verdict.throttled {
        return Err(throttled(&call.service));
    }
    let world = sim.world();
    let nowhere = Region::default();
    let account = world.account(&call.account).ok_or_else(|| unknown_operation(&call.operation))?;
    let region = world.region(&call.account, &call.region).unwrap_or(&nowhere);
    let scene = Scene { sim, account, region, now: verdict.now, faults: &verdict.faults };
    match call.service.as_str() {
        "monitoring" => cloudwatch::perform(&scene, &call.operation, input),
        "servicequotas" => service_quotas::perform(&scene, &call.operation, input),
        "bedrock" => bedrock::perform(&scene, &call.operation, input),
        "sts" => sts::perform(&scene, &call.operation, input),
        "organizations" => organizations::perform(&scene, &call.operation, input),
        "account" => account::perform(&scene, &call.operation, input),
        "oam" => oam::perform(&scene, &call.operation, input),
        _ => Err(unknown_operation(&call.operation)),
    }
}

/// The error AWS's services each have for calls that come too fast.
pub fn throttled(service: &str) -> Refusal {
    match service {
        "servicequotas" | "organizations" => Refusal::new(400, "TooManyRequestsException", "Rate exceeded"),
        "account" => Refusal::new(429, "TooManyRequestsException", "Rate exceeded"),
        "bedrock" => {
            Refusal::new(429, "ThrottlingException", "Too many requests, please wait before trying again.")
        }
        _ => Refusal::new(400, "Throttling", "Rate exceeded"),
    }
}

pub fn unknown_operation(operation: &str) -> Refusal {
    Refusal::new(404, "UnknownOperationException", format!("{operation} is not simulated."))
}

fn protocol(headers: &HeaderMap) -> Protocol {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let content = text("content-type");
    if text("smithy-protocol") == "rpc-v2-cbor" {
        Protocol::Cbor
    } else if headers.contains_key("x-amz-target") {
        Protocol::Json(if content.ends_with("1.0") { "1.0" } else { "1.1" })
    } else if content.starts_with("application/x-www-form-urlencoded") {
        Protocol::Query
    } else {
        Protocol::Rest
    }
}

fn invalid_token(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Query => "InvalidClientTokenId",
        _ => "UnrecognizedClientException",
    }
}

fn signer(headers: &HeaderMap, protocol: Protocol) -> Result<Signer<'_>, Refusal> {
    let suffix = if protocol == Protocol::Query { "" } else { "Exception" };
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        let code = format!("MissingAuthenticationToken{suffix}");
        return Err(Refusal::new(403, &code, "Missing Authentication Token"));
    };
    parse_signer(authorization.to_str().unwrap_or_default()).ok_or_else(|| {
        let code = format!("IncompleteSignature{suffix}");
        Refusal::new(403, &code, "Authorization header is no complete AWS4-HMAC-SHA256 signature.")
    })
}

fn parse_signer(authorization: &str) -> Option<Signer<'_>> {
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| fields.split(',').find_map(|f| f.trim().strip_prefix(name));
    field("SignedHeaders=")?;
    let signature = field("Signature=")?;
    let hexadecimal = signature.len() == 64 && signature.bytes().all(|b| b.is_ascii_hexdigit());
    let scope: Vec<&str> = field("Credential=")?.split('/').collect();
    match scope[..] {
        [access_key, _date, region, service, "aws4_request"] if hexadecimal => {
            Some(Signer { access_key, region, service })
        }
        _ => None,
    }
}

/// The operation and its input.
fn read(protocol: Protocol, service: &str, parts: &Parts, body: &Bytes) -> Result<(String, Value), Refusal> {
    let malformed = |e: &dyn std::fmt::Display| Refusal::new(400, "SerializationException", e.to_string());
    let json = |body: &Bytes| match body.is_empty() {
        true => Ok(json!({})),
        false => serde_json::from_slice(body).map_err(|e| malformed(&e)),
    };
    let path = parts.uri.path();
    match protocol {
        Protocol::Cbor => {
            let operation = path.strip_prefix("/service/GraniteServiceVersion20100801/operation/");
            let operation = operation.ok_or_else(|| unknown_operation(path))?;
            Ok((operation.into(), cbor::decode(body).map_err(|e| malformed(&e))?))
        }
        Protocol::Json(_) => {
            let target = parts.headers.get("x-amz-target").and_then(|t| t.to_str().ok()).unwrap_or_default();
            let prefix = match service {
                "monitoring" => "GraniteServiceVersion20100801.",
                "organizations" => "AWSOrganizationsV20161128.",
                _ => "ServiceQuotasV20190624.",
            };
            let operation = target.strip_prefix(prefix).ok_or_else(|| unknown_operation(target))?;
            Ok((operation.into(), json(body)?))
        }
        Protocol::Query => {
            let input = form(std::str::from_utf8(body).unwrap_or_default());
            Ok((input["Action"].as_str().unwrap_or_default().into(), input))
        }
        Protocol::Rest => {
            let routed = match service {
                "account" => account::route(parts.method.as_str(), path).map(|name| (name, json!({}))),
                "oam" => oam::route(parts.method.as_str(), path).map(|name| (name, json!({}))),
                _ => bedrock::route(&parts.method, path),
            };
            let (operation, mut input) =
                routed.ok_or_else(|| unknown_operation(&format!("{} {path}", parts.method)))?;
            merge(&mut input, form(parts.uri.query().unwrap_or_default()));
            merge(&mut input, json(body)?);
            Ok((operation.into(), input))
        }
    }
}

fn merge(input: &mut Value, more: Value) {
    if let (Value::Object(input), Value::Object(more)) = (input, more) {
        input.extend(more);
    }
}

/// The fields of a form, all of them strings.
fn form(text: &str) -> Value {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(k, v)| (unescape(k), json!(unescape(v)))).collect::<serde_json::Map<_, _>>().into()
}

/// Undoes percent-encoding.
pub fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16)).unwrap_or(0) as u8;
                digit() << 4 | digit()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A reply before it is sent.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn of(protocol: Protocol, operation: &str, result: Result<Value, Refusal>) -> Reply {
        let (status, value, code) = match result {
            Ok(value) => (200, value, None),
            Err(Refusal { status, code, message }) => {
                (status, json!({"__type": code, "message": message}), Some(code))
            }
        };
        let mut headers = vec![];
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
                sts::xml(operation, &value).into_bytes()
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
        let id = "00000000-0000-4000-8000-000000000000".to_string();
        let common = [("x-amzn-requestid", id), ("date", http_date(now))];
        for (name, value) in self.headers.into_iter().chain(common) {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A moment as HTTP's Date header has it.
fn http_date(now: i64) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let moment = UtcDateTime::from_unix_timestamp(now).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(format).unwrap_or_default()
}
