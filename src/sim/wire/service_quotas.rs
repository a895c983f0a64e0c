//! Service Quotas: applied and default values, increase requests.

use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use super::spoil::spoil;
use crate::sim::world::lists::Quota;
use crate::sim::world::noise;
use crate::sim::world::{Applied, IncreaseRequest};
use serde_json::{Value, json};

const PAGING: Paging = Paging {
    size: Some("MaxResults"),
    token: "NextToken",
    usual: 100,
    most: 100,
    bad_size: "ValidationException",
    bad_token: ("InvalidPaginationTokenException", "Invalid NextToken."),
};
/// How long requests are remembered, in seconds.
const HISTORY: i64 = 90 * 86_400;

/// A row as one of the two lists shows it.
struct Row<'a> {
    quota: &'a Quota,
    value: Option<f64>,
    level: &'static str,
    error: Option<&'a str>,
}

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let service = input["ServiceCode"].as_str();
    let mut reply = match operation {
        "ListServiceQuotas" => {
            bedrock_only(service)?;
            PAGING.page(scene, input, applied(scene))?.reply("Quotas", |row| quota(scene, &row))
        }
        "ListAWSDefaultServiceQuotas" => {
            bedrock_only(service)?;
            PAGING.page(scene, input, defaults(scene))?.reply("Quotas", |row| quota(scene, &row))
        }
        "GetServiceQuota" => {
            bedrock_only(service)?;
            one(scene, input, applied(scene))?
        }
        "GetAWSDefaultServiceQuota" => {
            bedrock_only(service)?;
            one(scene, input, defaults(scene))?
        }
        "ListRequestedServiceQuotaChangeHistory" => {
            let status = input["Status"].as_str();
            let asked = |r: &&IncreaseRequest| {
                service.is_none_or(|s| s == "bedrock")
                    && status.is_none_or(|s| s == r.status)
                    && (scene.now - HISTORY..=scene.now).contains(&r.created)
            };
            let rows = scene.region.requests.iter().filter(asked).collect();
            PAGING.page(scene, input, rows)?.reply("RequestedQuotas", |row| request(scene, row))
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

fn one(scene: &Scene, input: &Value, rows: Vec<Row>) -> Result<Value, Refusal> {
    let row = rows.iter().find(|row| input["QuotaCode"] == row.quota.code);
    let missing = || no_such("The request failed because the specified quota does not exist.");
    Ok(json!({"Quota": quota(scene, row.ok_or_else(missing)?)}))
}

fn defaults<'a>(scene: &Scene<'a>) -> Vec<Row<'a>> {
    let (world, region) = (scene.world, scene.region);
    let rows = world.quota_rows(region).into_iter();
    rows.map(|quota| {
        let value = Some(world.lists.default_value(quota, &region.name));
        Row { quota, value, level: "ACCOUNT", error: None }
    })
    .collect()
}

fn applied<'a>(scene: &Scene<'a>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for default in defaults(scene) {
        let quota = default.quota;
        match scene.region.applied(&quota.code, scene.now) {
            Some(Applied::DefaultOnly) => {}
            Some(Applied::NoValue) => rows.push(Row { value: None, ..default }),
            Some(Applied::Error(code)) => rows.push(Row { error: Some(code), ..default }),
            Some(Applied::Value(value)) => rows.push(Row { value: Some(*value), ..default }),
            Some(Applied::Resource(_)) | None => rows.push(default),
        }
        let resources = scene.region.resource_values(&quota.code, scene.now);
        rows.extend(resources.map(|v| Row { quota, value: Some(v), level: "RESOURCE", error: None }));
    }
    rows
}

fn arn(scene: &Scene, code: &str) -> String {
    format!("arn:aws:servicequotas:{}:{}:bedrock/{code}", scene.region.name, scene.account.id)
}

fn quota(scene: &Scene, row: &Row) -> Value {
    let mut json = json!({
        "ServiceCode": "bedrock",
        "ServiceName": "Amazon Bedrock",
        "QuotaArn": arn(scene, &row.quota.code),
        "QuotaCode": row.quota.code,
        "QuotaName": row.quota.name,
        "Unit": "None",
        "Adjustable": row.quota.adjustable.unwrap_or(false),
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": row.level,
    });
    if let Some(value) = row.value {
        json["Value"] = json!(value);
    }
    if let Some(code) = row.error {
        json["ErrorReason"] = json!({"ErrorCode": code, "ErrorMessage": "The value could not be read."});
    }
    json
}

fn request(scene: &Scene, request: &IncreaseRequest) -> Value {
    let lists = &scene.world.lists;
    let id = format!("{:016x}{:016x}", noise::hash(&[&request.code]), request.created);
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
