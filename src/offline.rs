//! What the AWS CLI prints as JSON, read into the core's lists. Pure: text in, values or one message out.

use crate::model::catalog::{CustomModelDeployment, FoundationModel, InferenceProfile, ProfileKind};
use crate::model::quota::{QuotaList, ServiceQuota, UsageMetric};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A file's path, for messages, and its content.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub path: &'a str,
    pub content: &'a str,
}

/// `aws service-quotas list-service-quotas` and `list-aws-default-service-quotas`, joined by quota code.
/// Where a row gives values by region (`ValueByRegion`), `region` picks one.
///
/// # Errors
/// One message that names the file, what was expected and what was found.
pub fn quotas(
    applied: Option<File>,
    defaults: Option<File>,
    region: Option<&str>,
) -> Result<QuotaList, String> {
    let mut joined: BTreeMap<String, ServiceQuota> = BTreeMap::new();
    for row in applied.map(quota_rows).transpose()?.into_iter().flatten() {
        let value = row.value(region);
        joined.entry(row.code.clone()).or_insert_with(|| ServiceQuota {
            applied: value,
            listed: true,
            ..row.into_quota()
        });
    }
    for row in defaults.map(quota_rows).transpose()?.into_iter().flatten() {
        let value = row.value(region);
        let quota = joined
            .entry(row.code.clone())
            .or_insert_with(|| ServiceQuota { error: None, ..row.into_quota() });
        quota.default = value;
    }
    Ok(QuotaList { quotas: joined.into_values().map(Arc::new).collect(), ..QuotaList::default() })
}

/// `aws bedrock list-foundation-models`.
///
/// # Errors
/// One message that names the file, what was expected and what was found.
pub fn models(file: File) -> Result<Vec<Arc<FoundationModel>>, String> {
    let rows: Vec<ModelRow> =
        rows(file, &["modelSummaries", "models"], "aws bedrock list-foundation-models")?;
    let model = |row: ModelRow| FoundationModel {
        id: row.id,
        name: row.name,
        provider: row.provider,
        inference_types: row.types,
        lifecycle: row.lifecycle.and_then(|l| l.status),
        end_of_life: None,
    };
    Ok(rows.into_iter().map(model).map(Arc::new).collect())
}

/// `aws bedrock list-inference-profiles`, of either type.
///
/// # Errors
/// One message that names the file, what was expected and what was found.
pub fn profiles(file: File, region: Option<&str>) -> Result<Vec<Arc<InferenceProfile>>, String> {
    let keys = ["inferenceProfileSummaries", "inferenceProfiles"];
    let rows: Vec<ProfileRow> = rows(file, &keys, "aws bedrock list-inference-profiles")?;
    Ok(rows.into_iter().map(|row| Arc::new(row.into_profile(region))).collect())
}

/// `aws bedrock list-custom-model-deployments`.
///
/// # Errors
/// One message that names the file, what was expected and what was found.
pub fn deployments(file: File) -> Result<Vec<CustomModelDeployment>, String> {
    let rows: Vec<DeploymentRow> =
        rows(file, &["modelDeploymentSummaries"], "aws bedrock list-custom-model-deployments")?;
    let deployment = |row: DeploymentRow| CustomModelDeployment {
        arn: row.arn,
        name: row.name,
        model_arn: row.model_arn,
        status: row.status.unwrap_or_default(),
    };
    Ok(rows.into_iter().map(deployment).collect())
}

/// The rows under the first of `keys` that the file has.
fn rows<T: for<'a> Deserialize<'a>>(file: File, keys: &[&str], command: &str) -> Result<Vec<T>, String> {
    let File { path, content } = file;
    let expected = format!("expected the JSON that `{command}` prints, {{\"{}\": […]}}", keys[0]);
    let document: Value =
        serde_json::from_str(content).map_err(|e| format!("{path}: {expected}, found no JSON: {e}"))?;
    let Some((key, list)) = keys.iter().find_map(|key| Some((*key, document.get(key)?))) else {
        return Err(format!("{path}: {expected}, found {}", shape(&document)));
    };
    let Some(list) = list.as_array() else {
        return Err(format!("{path}: {expected}, found {key}: {}", shape(list)));
    };
    if is_truncated(&document) {
        return Err(format!(
            "{path}: expected the whole list, found {} {key} and a NextToken, so that more follow: run \
             `{command}` without --max-items, --no-paginate and --starting-token",
            list.len()
        ));
    }
    let row = |(at, value): (usize, &Value)| {
        T::deserialize(value).map_err(|e| format!("{path}: {key}[{at}]: {e}, found {}", shape(value)))
    };
    list.iter().enumerate().map(row).collect()
}

/// Whether the file holds a part of a list. What a whole list lacks does not exist; what a part lacks may
/// stand in the rest, and every absence would be a guess.
fn is_truncated(document: &Value) -> bool {
    let is_token = |key: &str| key.eq_ignore_ascii_case("NextToken");
    let object = document.as_object().into_iter().flatten();
    object
        .into_iter()
        .any(|(key, value)| is_token(key) && value.as_str().is_some_and(|token| !token.is_empty()))
}

fn shape(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "an empty object".to_string(),
        Value::Object(map) => {
            let keys: Vec<&str> = map.keys().take(5).map(String::as_str).collect();
            format!("an object with {}", keys.join(", "))
        }
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Null => "null".to_string(),
        other => format!("`{other}`"),
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct QuotaRow {
    #[serde(rename = "QuotaCode")]
    code: String,
    #[serde(rename = "QuotaName")]
    name: String,
    #[serde(rename = "ServiceCode")]
    service: Option<String>,
    #[serde(rename = "Value")]
    value: Option<f64>,
    #[serde(rename = "ValueByRegion", default)]
    by_region: BTreeMap<String, f64>,
    #[serde(rename = "Adjustable")]
    adjustable: Option<bool>,
    #[serde(rename = "QuotaAppliedAtLevel")]
    level: Option<String>,
    #[serde(rename = "ErrorReason")]
    error: Option<ErrorReason>,
    #[serde(rename = "UsageMetric")]
    usage_metric: Option<MetricRow>,
    #[serde(rename = "Period")]
    period: Option<PeriodRow>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct PeriodRow {
    #[serde(rename = "PeriodValue", default)]
    value: u64,
    #[serde(rename = "PeriodUnit", default)]
    unit: String,
}

impl PeriodRow {
    fn seconds(self) -> Option<u64> {
        let unit = match self.unit.as_str() {
            "SECOND" => 1,
            "MINUTE" => 60,
            "HOUR" => 3600,
            "DAY" => 86_400,
            "WEEK" => 7 * 86_400,
            _ => return None,
        };
        self.value.checked_mul(unit).filter(|seconds| *seconds > 0)
    }
}

#[derive(Deserialize)]
struct ErrorReason {
    #[serde(rename = "ErrorCode", default)]
    code: String,
    #[serde(rename = "ErrorMessage", default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct MetricRow {
    #[serde(rename = "MetricNamespace", default)]
    namespace: String,
    #[serde(rename = "MetricName", default)]
    name: String,
    #[serde(rename = "MetricDimensions", default)]
    dimensions: BTreeMap<String, String>,
    #[serde(rename = "MetricStatisticRecommendation", default)]
    statistic: String,
}

fn quota_rows(file: File) -> Result<Vec<QuotaRow>, String> {
    let rows: Vec<QuotaRow> = rows(file, &["Quotas"], "aws service-quotas list-service-quotas")?;
    match rows.iter().find_map(|row| row.service.as_deref().filter(|service| *service != "bedrock")) {
        Some(other) => {
            Err(format!("{}: expected quotas of the service code bedrock, found {other}", file.path))
        }
        None => Ok(rows.into_iter().filter(|row| row.level.as_deref() != Some("RESOURCE")).collect()),
    }
}

impl QuotaRow {
    fn value(&self, region: Option<&str>) -> Option<f64> {
        let by_region = region.and_then(|r| self.by_region.get(r).or_else(|| self.by_region.get("other")));
        by_region.copied().or(self.value)
    }

    fn into_quota(self) -> ServiceQuota {
        ServiceQuota {
            code: self.code,
            name: self.name,
            applied: None,
            default: None,
            listed: false,
            adjustable: self.adjustable,
            error: self.error.map(|e| format!("{}: {}", e.code, e.message)),
            usage_metric: self.usage_metric.map(|m| UsageMetric {
                namespace: m.namespace,
                name: m.name,
                dimensions: m.dimensions.into_iter().collect(),
                statistic: m.statistic,
            }),
            period: self.period.and_then(PeriodRow::seconds),
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ModelRow {
    #[serde(rename = "modelId")]
    id: String,
    #[serde(rename = "modelName")]
    name: Option<String>,
    #[serde(rename = "providerName")]
    provider: Option<String>,
    #[serde(rename = "inferenceTypesSupported", default)]
    types: Vec<String>,
    #[serde(alias = "modelLifecycle")]
    lifecycle: Option<Lifecycle>,
}

#[derive(Deserialize)]
struct Lifecycle {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ProfileRow {
    #[serde(rename = "inferenceProfileId")]
    id: String,
    #[serde(rename = "inferenceProfileArn")]
    arn: Option<String>,
    #[serde(rename = "inferenceProfileName")]
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    models: Vec<ProfileModel>,
    /// The public listing gives the base model and regions in place of `models`.
    #[serde(rename = "modelId")]
    model: Option<String>,
    #[serde(rename = "destinationRegionsBySourceRegion", default)]
    destinations: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct ProfileModel {
    #[serde(rename = "modelArn")]
    arn: String,
}

impl ProfileRow {
    fn into_profile(self, region: Option<&str>) -> InferenceProfile {
        let mut model_arns: Vec<String> = self.models.into_iter().map(|m| m.arn).collect();
        if let (Some(model), true) = (self.model, model_arns.is_empty()) {
            let arn = |region: &str| format!("arn:aws:bedrock:{region}::foundation-model/{model}");
            let regions: BTreeSet<&str> = match region.and_then(|r| self.destinations.get(r)) {
                _ if self.id.starts_with("global.") => BTreeSet::from([""]),
                Some(regions) => regions.iter().map(String::as_str).collect(),
                None if self.destinations.is_empty() => BTreeSet::from(["unknown"]),
                None => self.destinations.values().flatten().map(String::as_str).collect(),
            };
            model_arns = regions.into_iter().map(arn).collect();
        }
        let kind = match self.kind.as_deref() {
            Some("APPLICATION") => ProfileKind::Application,
            _ => ProfileKind::SystemDefined,
        };
        let (id, name) = (self.id, self.name);
        let arn = self.arn.unwrap_or_default();
        InferenceProfile { id, arn, name, kind, model_arns }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct DeploymentRow {
    #[serde(rename = "customModelDeploymentArn")]
    arn: String,
    #[serde(rename = "customModelDeploymentName")]
    name: String,
    #[serde(rename = "modelArn")]
    model_arn: String,
    status: Option<String>,
}
