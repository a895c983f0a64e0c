//! HTTP in AWS's own protocols: who asks for what, and how replies and refusals look.
//!
//! | service | protocol | told by |
//! |---|---|---|
//! | CloudWatch | Smithy RPC v2 CBOR, or AWS JSON 1.0 | `smithy-protocol`, or `X-Amz-Target` |
//! | Service Quotas, Organizations | AWS JSON 1.1 | `X-Amz-Target` |
//! | Bedrock, its runtime, Account, OAM | REST JSON, and event streams | method and path |
//! | STS | query, answered in XML | form |
//!
//! The credential scope of the signature names service and region, the access key the account: by the
//! 12 digits after its first four letters, else it is the world's first. The signature itself is not
//! verified, nor is its date.

pub mod protocol;
pub mod refusal;
pub mod scene;

pub mod cbor;
pub mod line;
pub mod query;
pub mod reply;
pub mod signer;

pub mod members;
pub mod pages;
pub mod spoil;

pub mod account;
pub mod bedrock;
pub mod cloudwatch;
pub mod oam;
pub mod organizations;
pub mod runtime;
pub mod service_quotas;
pub mod sts;

pub mod mishap;

use super::call::ApiCall;
use super::desk::Verdict;
use super::handle::Sim;
use super::world::Region;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use line::Reset;
use protocol::{Protocol, protocol};
use query::form;
use refusal::{Refusal, throttled, unknown_operation};
use reply::Reply;
use scene::Scene;
use serde_json::{Value, json};
use signer::{Signer, account_of, invalid_token, signer};

/// Where services are that have no regions.
const HOME: &str = "us-east-1";
/// AWS still answers it, an emulation in half would mislead.
const NO_QUERY: &str = "The simulated CloudWatch speaks AWS JSON 1.0 and Smithy RPC v2 CBOR, not the Query protocol of \
    older SDKs: newer ones, such as boto3 1.43, can be used.";
/// No request of these APIs is larger.
const LARGEST_REQUEST: usize = 4 << 20;

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
    if call.service == runtime::SERVICE {
        return runtime::answer(&sim, &call, &input, &verdict).await;
    }
    let result = match mishap::wrong_signature(protocol, &parts, &verdict.faults) {
        Some(refusal) => Err(refusal),
        None => perform(&sim, &call, &input, &verdict),
    };
    mishap::during(&sim, Reply::of(protocol, &call.operation, result), &verdict)
}

async fn admit(
    sim: &Sim,
    protocol: Protocol,
    parts: &Parts,
    body: &Bytes,
) -> Result<(ApiCall, Value, Verdict), Refusal> {
    let signer = match protocol {
        Protocol::Query if sts::needs_no_signature(body) => {
            Signer { access_key: "", region: HOME, service: "sts" }
        }
        _ => signer(&parts.headers, protocol)?,
    };
    let world = sim.world();
    let unknown_key = || {
        Refusal::new(403, invalid_token(protocol), "The security token included in the request is invalid.")
    };
    let account = account_of(&world, signer.access_key).ok_or_else(unknown_key)?.id.clone();
    if signer.access_key.starts_with("ASIA") && !parts.headers.contains_key("x-amz-security-token") {
        return Err(unknown_key());
    }
    match signer.service {
        "sts" if account::is_opt_in(signer.region) && world.region(&account, signer.region).is_none() => {
            return Err(unknown_key());
        }
        "sts" => {}
        "organizations" | "account" if signer.region == HOME => {}
        "organizations" | "account" => {
            let message = format!("Credential should be scoped to a valid region, not '{}'.", signer.region);
            return Err(Refusal::new(403, "InvalidSignatureException", message));
        }
        _ if world.region(&account, signer.region).is_none() => return Err(unknown_key()),
        _ => {}
    }
    if (protocol, signer.service) == (Protocol::Query, "monitoring") {
        return Err(Refusal::new(400, "UnsupportedProtocol", NO_QUERY));
    }
    let (operation, input) = read(protocol, signer.service, parts, body)?;
    let metrics = if operation == "GetMetricData" { cloudwatch::billed(&input) } else { 0 };
    let invoked = protocol == Protocol::Rest && runtime::route(&parts.method, parts.uri.path()).is_some();
    let service = if invoked { runtime::SERVICE } else { signer.service };
    let call = ApiCall { service: service.into(), operation, account, region: signer.region.to_string() };
    let verdict = sim.admit(call.clone(), metrics).await;
    Ok((call, input, verdict))
}

fn perform(sim: &Sim, call: &ApiCall, input: &Value, verdict: &Verdict) -> Result<Value, Refusal> {
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
    let scene = Scene { world: &world, account, region, now: verdict.now, faults: &verdict.faults };
    match call.service.as_str() {
        "monitoring" => cloudwatch::perform(&scene, &call.operation, input),
        "servicequotas" if call.operation == service_quotas::INCREASE => {
            let (asked, reply) = service_quotas::increase(&scene, input)?;
            sim.change(|world| {
                let region = world.region_mut(&call.account, &call.region);
                region.into_iter().for_each(|region| region.requests.push(asked.clone()));
            });
            Ok(reply)
        }
        "servicequotas" => service_quotas::perform(&scene, &call.operation, input),
        "bedrock" => bedrock::perform(&scene, &call.operation, input),
        "sts" => sts::perform(&scene, &call.operation, input),
        "organizations" => organizations::perform(&scene, &call.operation, input),
        "account" => account::perform(&scene, &call.operation, input),
        "oam" => oam::perform(&scene, &call.operation, input),
        _ => Err(unknown_operation(&call.operation)),
    }
}

/// The operation and its input.
fn read(protocol: Protocol, service: &str, parts: &Parts, body: &Bytes) -> Result<(String, Value), Refusal> {
    let path = parts.uri.path();
    match protocol {
        Protocol::Cbor => {
            let operation = path.strip_prefix("/service/GraniteServiceVersion20100801/operation/");
            let operation = operation.ok_or_else(|| unknown_operation(path))?;
            Ok((operation.into(), cbor::decode(body).map_err(malformed)?))
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
                _ => runtime::route(&parts.method, path).or_else(|| bedrock::route(&parts.method, path)),
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

/// The body as JSON; an empty one has no members.
fn json(body: &Bytes) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(malformed)
}

fn malformed(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(400, "SerializationException", error.to_string())
}
