//! Service Quotas: applied and default values, increase requests.

use super::faults::spoil;
use super::lists::Quota;
use super::pages::page;
use super::wire::{Refusal, Scene, unknown_operation};
use super::world::{Applied, IncreaseRequest};
use serde_json::{Value, json};

const LARGEST_PAGE: u64 = 100;
/// How long requests are remembered, in seconds.
const HISTORY: i64 = 90 * 86_400;

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let service = input["ServiceCode"].as_str();
    let mut reply = match operation {
        "ListServiceQuotas" => {
            bedrock_only(service)?;
            paged(scene, input, "Quotas", applied(scene))?
        }
        "ListAWSDefaultServiceQuotas" => {
            bedrock_only(service)?;
            paged(scene, input, "Quotas", defaults(scene))?
        }
        "ListRequestedServiceQuotaChangeHistory" => {
            let status = input["Status"].as_str();
            let asked = |r: &&IncreaseRequest| {
                service.is_none_or(|s| s == "bedrock")
                    && status.is_none_or(|s| s == r.status)
                    && (scene.now - HISTORY..=scene.now).contains(&r.created)
            };
            let rows = scene.region.requests.iter().filter(asked).map(|r| request(scene, r)).collect();
            paged(scene, input, "RequestedQuotas", rows)?
        }
        "GetServiceQuota" | "GetAWSDefaultServiceQuota" => {
            bedrock_only(service)?;
            let rows = if operation == "GetServiceQuota" { applied(scene) } else { defaults(scene) };
            let row = rows.into_iter().find(|row| row["QuotaCode"] == input["QuotaCode"]);
            let row =
                row.ok_or_else(|| no_such("The request failed because the specified quota does not exist."))?;
            json!({"Quota": row})
        }
        _ => return Err(unknown_operation(operation)),
    };
    spoil(&mut reply, scene.faults);
    Ok(reply)
}

fn no_such(message: &str) -> Refusal {
    Refusal::new(400, "NoSuchResourceException", message)
}

fn bedrock_only(service: Option<&str>) -> Result<(), Refusal> {
    match service {
        Some("bedrock") => Ok(()),
        None => Err(Refusal::new(400, "ValidationException", "ServiceCode is required.")),
        Some(_) => Err(no_such("The request failed because the specified service does not exist.")),
    }
}

fn paged(scene: &Scene, input: &Value, list: &str, rows: Vec<Value>) -> Result<Value, Refusal> {
    let size = match &input["MaxResults"] {
        Value::Null => LARGEST_PAGE,
        size => size.as_u64().filter(|n| (1..=LARGEST_PAGE).contains(n)).ok_or_else(|| {
            Refusal::new(400, "ValidationException", "MaxResults must be between 1 and 100.")
        })?,
    };
    let bad = Refusal::new(400, "InvalidPaginationTokenException", "Invalid NextToken.");
    let (rows, next) = page(scene, rows, input["NextToken"].as_str(), size as usize, bad)?;
    let mut reply = json!({ list: rows });
    if let Some(next) = next {
        reply["NextToken"] = json!(next);
    }
    Ok(reply)
}

fn defaults(scene: &Scene) -> Vec<Value> {
    let world = scene.sim.world();
    let value = |q| world.lists.default_value(q, &scene.region.name);
    world.quota_rows(scene.region).into_iter().map(|q| row(scene, q, Some(value(q)))).collect()
}

fn applied(scene: &Scene) -> Vec<Value> {
    let world = scene.sim.world();
    let mut rows = Vec::new();
    for quota in world.quota_rows(scene.region) {
        let default = world.lists.default_value(quota, &scene.region.name);
        match scene.region.applied(&quota.code, scene.now) {
            Some(Applied::DefaultOnly) => {}
            Some(Applied::NoValue) => rows.push(row(scene, quota, None)),
            Some(Applied::Error(code)) => {
                let mut broken = row(scene, quota, Some(default));
                broken["ErrorReason"] =
                    json!({"ErrorCode": code, "ErrorMessage": "The value could not be read."});
                rows.push(broken);
            }
            Some(Applied::Value(value)) => rows.push(row(scene, quota, Some(*value))),
            Some(Applied::Resource(_)) | None => rows.push(row(scene, quota, Some(default))),
        }
        let resources = scene.region.quotas.iter().filter(|c| c.code == quota.code && c.from <= scene.now);
        for change in resources {
            if let Applied::Resource(value) = change.applied {
                let mut resource = row(scene, quota, Some(value));
                resource["QuotaAppliedAtLevel"] = json!("RESOURCE");
                rows.push(resource);
            }
        }
    }
    rows
}

fn arn(scene: &Scene, code: &str) -> String {
    format!("arn:aws:servicequotas:{}:{}:bedrock/{code}", scene.region.name, scene.account.id)
}

fn row(scene: &Scene, quota: &Quota, value: Option<f64>) -> Value {
    let mut row = json!({
        "ServiceCode": "bedrock",
        "ServiceName": "Amazon Bedrock",
        "QuotaArn": arn(scene, &quota.code),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Unit": "None",
        "Adjustable": quota.adjustable.unwrap_or(false),
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": "ACCOUNT",
    });
    if let Some(value) = value {
        row["Value"] = json!(value);
    }
    row
}

fn request(scene: &Scene, request: &IncreaseRequest) -> Value {
    let lists = &scene.sim.world().lists;
    let id = format!("{:016x}{:016x}", super::noise::hash(&[&request.code]), request.created);
    json!({
        "Id": id,
        "CaseId": format!("{}", request.created),
        "ServiceCode": "bedrock",
        "ServiceName": "Amazon Bedrock",
        "QuotaCode": request.code,
        "QuotaName": lists.quota(&request.code).map(|q| q.name.as_str()),
        "QuotaArn": arn(scene, &request.code),
        "DesiredValue": request.desired,
        "Status": request.status,
        "Created": request.created,
        "LastUpdated": request.created,
        "Requester": json!({"accountId": scene.account.id}).to_string(),
        "GlobalQuota": false,
        "Unit": "None",
        "QuotaRequestedAtLevel": "ACCOUNT",
    })
}
