//! Service Quotas: applied and default values, increase requests.

use super::members::{choice, only};
use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use super::spoil::spoil;
use crate::sim::world::quotas::{QuotaRow, UsageMetric, period};
use crate::sim::world::{IncreaseRequest, noise};
use serde_json::{Value, json};

const PAGING: Paging = Paging {
    size: Some("MaxResults"),
    token: "NextToken",
    usual: 100,
    most: 100,
    bad_size: "ValidationException",
    bad_token: ("InvalidPaginationTokenException", "Invalid NextToken."),
};
const LEVELS: [&str; 3] = ["ACCOUNT", "RESOURCE", "ALL"];
const STATUSES: [&str; 7] =
    ["PENDING", "CASE_OPENED", "APPROVED", "DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST"];
/// The one operation that changes the world.
pub const INCREASE: &str = "RequestServiceQuotaIncrease";
/// Requests of an account and region that may be open at once.
const MOST_OPEN: usize = 20;
/// How long requests are remembered, in seconds.
const HISTORY: i64 = 90 * 86_400;

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let service = input["ServiceCode"].as_str();
    let mut reply = match operation {
        "ListServiceQuotas" => {
            bedrock_only(service)?;
            only(input, &["ServiceCode", "NextToken", "MaxResults", "QuotaCode", "QuotaAppliedAtLevel"])?;
            PAGING.page(scene, input, applied(scene, input)?)?.reply("Quotas", |row| quota(scene, &row))
        }
        "ListAWSDefaultServiceQuotas" => {
            bedrock_only(service)?;
            only(input, &["ServiceCode", "NextToken", "MaxResults"])?;
            PAGING
                .page(scene, input, scene.view().default_quotas())?
                .reply("Quotas", |row| quota(scene, &row))
        }
        "GetServiceQuota" => {
            bedrock_only(service)?;
            one(scene, input, scene.view().quotas())?
        }
        "GetAWSDefaultServiceQuota" => {
            bedrock_only(service)?;
            one(scene, input, scene.view().default_quotas())?
        }
        "ListRequestedServiceQuotaChangeHistory" => {
            only(input, &["ServiceCode", "Status", "NextToken", "MaxResults", "QuotaRequestedAtLevel"])?;
            let status = choice(input, "Status", &STATUSES)?;
            let level = choice(input, "QuotaRequestedAtLevel", &LEVELS)?;
            let asked = |r: &&IncreaseRequest| {
                service.is_none_or(|s| s == "bedrock")
                    && status.is_none_or(|s| s == r.status)
                    && level != Some("RESOURCE")
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

/// What a request for more adds to the world, and the answer. A quota has one open request at a time; AWS takes only
/// values above what holds and above its default, and for Bedrock a support case does the rest.
pub fn increase(scene: &Scene, input: &Value) -> Result<(IncreaseRequest, Value), Refusal> {
    bedrock_only(input["ServiceCode"].as_str())?;
    only(input, &["ServiceCode", "QuotaCode", "DesiredValue", "SupportCaseAllowed"])?;
    let invalid = |message: &str| Refusal::new(400, "ValidationException", message);
    let code = input["QuotaCode"].as_str().ok_or_else(|| invalid("QuotaCode is required."))?;
    let desired = input["DesiredValue"].as_f64().filter(|value| (0.0..=1e10).contains(value));
    let desired = desired.ok_or_else(|| invalid("DesiredValue is required, from 0 to 10000000000."))?;
    let rows = scene.view().default_quotas();
    let row = rows.iter().find(|row| row.code == code);
    let row = row.ok_or_else(|| no_such("The request failed because the specified quota does not exist."))?;
    let holds = [scene.world.limit(scene.region, code, scene.now), row.value]
        .into_iter()
        .flatten()
        .fold(0.0, f64::max);
    if !row.adjustable || desired <= holds {
        let message = if row.adjustable {
            "You must provide a quota value greater than the current quota value."
        } else {
            "The specified quota is not adjustable."
        };
        return Err(Refusal::new(400, "IllegalArgumentException", message));
    }
    let open = |r: &&IncreaseRequest| ["PENDING", "CASE_OPENED"].contains(&r.status.as_str());
    let mut requests = scene.region.requests.iter().filter(open);
    if requests.clone().any(|request| request.code == code) {
        let message = "Only one open service quota increase request is allowed per quota.";
        return Err(Refusal::new(400, "ResourceAlreadyExistsException", message));
    }
    if requests.nth(MOST_OPEN - 1).is_some() {
        let message = "You have exceeded the number of open service quota increase requests.";
        return Err(Refusal::new(400, "QuotaExceededException", message));
    }
    let asked = IncreaseRequest {
        code: code.into(),
        desired,
        status: "PENDING".into(),
        created: scene.now,
        updated: scene.now,
    };
    let reply = json!({"RequestedQuota": request(scene, &asked)});
    Ok((asked, reply))
}

/// The rows that the request's filters let through. AWS shows those of the account when no level is asked for.
fn applied<'a>(scene: &Scene<'a>, input: &Value) -> Result<Vec<QuotaRow<'a>>, Refusal> {
    let level = choice(input, "QuotaAppliedAtLevel", &LEVELS)?;
    let code = input["QuotaCode"].as_str();
    let mut rows = scene.view().quotas();
    rows.retain(|row| code.is_none_or(|code| code == row.code));
    rows.retain(|row| level.is_none_or(|level| level == "ALL" || level == row.level));
    Ok(rows)
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

fn one(scene: &Scene, input: &Value, rows: Vec<QuotaRow>) -> Result<Value, Refusal> {
    only(input, &["ServiceCode", "QuotaCode"])?;
    let row = rows.iter().find(|row| input["QuotaCode"] == row.code);
    let missing = || no_such("The request failed because the specified quota does not exist.");
    Ok(json!({"Quota": quota(scene, row.ok_or_else(missing)?)}))
}

fn arn(scene: &Scene, code: &str) -> String {
    format!("arn:aws:servicequotas:{}:{}:bedrock/{code}", scene.region.name, scene.account.id)
}

fn quota(scene: &Scene, row: &QuotaRow) -> Value {
    let mut json = json!({
        "ServiceCode": "bedrock",
        "ServiceName": "Amazon Bedrock",
        "QuotaArn": arn(scene, row.code),
        "QuotaCode": row.code,
        "QuotaName": row.name,
        "Unit": "None",
        "Adjustable": row.adjustable,
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": row.level,
    });
    if let Some(metric) = row.usage_metric() {
        json["UsageMetric"] = usage_metric(&metric);
    }
    if let Some(seconds) = period(row.name) {
        json["Period"] = json!({"PeriodValue": seconds, "PeriodUnit": "SECOND"});
    }
    if let Some(value) = row.value {
        json["Value"] = json!(value);
    }
    if let Some(code) = row.error {
        json["ErrorReason"] = json!({"ErrorCode": code, "ErrorMessage": "The value could not be read."});
    }
    json
}

fn usage_metric(metric: &UsageMetric) -> Value {
    json!({
        "MetricNamespace": "AWS/Usage",
        "MetricName": metric.name,
        "MetricDimensions":
            {"Class": "None", "Resource": metric.resource, "Service": "Bedrock", "Type": metric.of},
        "MetricStatisticRecommendation": metric.statistic,
    })
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
        "LastUpdated": request.updated,
        "Requester": json!({"accountId": scene.account.id}).to_string(),
        "GlobalQuota": false,
        "Unit": "None",
        "QuotaRequestedAtLevel": "ACCOUNT",
    })
}
