//! Quotas and catalog, as a snapshot file writes them.

use super::text::timestamp;
use crate::model::catalog::{
    BatchJob, Catalog, CustomModel, CustomModelDeployment, FoundationModel, ImportedModel, InferenceProfile,
    ProfileKind, ProvisionedThroughput, Tags,
};
use crate::model::quota::{ClosedRequest, IncreaseRequest, QuotaList, ServiceQuota, UsageMetric};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize, Serialize)]
pub(super) struct RawQuota {
    code: String,
    name: String,
    applied: Option<f64>,
    default: Option<f64>,
    listed: bool,
    adjustable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metric: Option<RawUsageMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
}

#[derive(Deserialize, Serialize)]
struct RawUsageMetric {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    statistic: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct RawRequest {
    quota_code: String,
    status: String,
    desired: Option<f64>,
    created: Option<String>,
    /// Of closed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct RawCatalog {
    models: Option<Vec<RawModel>>,
    profiles: Option<Vec<RawProfile>>,
    provisioned: Option<Vec<RawProvisioned>>,
    deployments: Option<Vec<RawDeployment>>,
    custom_models: Option<Vec<RawCustomModel>>,
    imported: Option<Vec<RawImported>>,
    batch_jobs: Option<Vec<RawJob>>,
    tags: Option<BTreeMap<String, Tags>>,
}

#[derive(Deserialize, Serialize)]
struct RawModel {
    id: String,
    name: Option<String>,
    provider: Option<String>,
    inference_types: Vec<String>,
    lifecycle: Option<String>,
    end_of_life: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct RawProfile {
    id: String,
    arn: String,
    name: Option<String>,
    application: bool,
    model_arns: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct RawProvisioned {
    arn: String,
    name: String,
    model_arn: String,
    foundation_model_arn: String,
    model_units: f64,
    desired_model_units: f64,
    status: String,
    commitment: Option<String>,
    commitment_expires: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct RawDeployment {
    arn: String,
    name: String,
    model_arn: String,
    status: String,
}

#[derive(Deserialize, Serialize)]
struct RawCustomModel {
    arn: String,
    status: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct RawImported {
    arn: String,
    name: String,
}

#[derive(Deserialize, Serialize)]
struct RawJob {
    arn: String,
    model_id: String,
    status: String,
}

impl From<&ServiceQuota> for RawQuota {
    fn from(quota: &ServiceQuota) -> RawQuota {
        let metric = |metric: &UsageMetric| RawUsageMetric {
            namespace: metric.namespace.clone(),
            name: metric.name.clone(),
            dimensions: metric.dimensions.clone(),
            statistic: metric.statistic.clone(),
        };
        RawQuota {
            code: quota.code.clone(),
            name: quota.name.clone(),
            applied: quota.applied,
            default: quota.default,
            listed: quota.listed,
            adjustable: quota.adjustable,
            error: quota.error.clone(),
            usage_metric: quota.usage_metric.as_ref().map(metric),
            period: quota.period,
        }
    }
}

impl RawQuota {
    fn into_quota(self) -> Result<ServiceQuota, String> {
        let mut values = [self.applied, self.default].into_iter().flatten();
        if let Some(value) = values.find(|value| *value < 0.0) {
            return Err(format!("quota {}: found the value {value}, expected 0 or more", self.code));
        }
        let metric = |raw: RawUsageMetric| UsageMetric {
            namespace: raw.namespace,
            name: raw.name,
            dimensions: raw.dimensions,
            statistic: raw.statistic,
        };
        Ok(ServiceQuota {
            code: self.code,
            name: self.name,
            applied: self.applied,
            default: self.default,
            listed: self.listed,
            adjustable: self.adjustable,
            error: self.error,
            usage_metric: self.usage_metric.map(metric),
            period: self.period,
        })
    }
}

/// The rows sorted by code, as everything that looks one up expects them.
pub(super) fn quota_list(
    rows: Vec<RawQuota>,
    requests: Option<Vec<IncreaseRequest>>,
    closed: Vec<ClosedRequest>,
) -> Result<QuotaList, String> {
    let rows: Result<Vec<ServiceQuota>, String> = rows.into_iter().map(RawQuota::into_quota).collect();
    let mut rows = rows?;
    rows.sort_by(|a, b| a.code.cmp(&b.code));
    if let Some(twice) = rows.windows(2).find(|pair| pair[0].code == pair[1].code) {
        return Err(format!("quota {}: found twice, expected once", twice[0].code));
    }
    Ok(QuotaList { quotas: rows.into_iter().map(Arc::new).collect(), requests, closed })
}

impl From<&IncreaseRequest> for RawRequest {
    fn from(request: &IncreaseRequest) -> RawRequest {
        RawRequest {
            quota_code: request.quota_code.clone(),
            status: request.status.clone(),
            desired: request.desired,
            created: text(request.created),
            changed: None,
        }
    }
}

impl From<&ClosedRequest> for RawRequest {
    fn from(closed: &ClosedRequest) -> RawRequest {
        RawRequest { changed: text(closed.changed), ..RawRequest::from(&closed.request) }
    }
}

impl RawRequest {
    pub(super) fn into_closed(mut self) -> Result<ClosedRequest, String> {
        let changed = time(self.changed.take())?;
        Ok(ClosedRequest { request: self.into_request()?, changed })
    }

    pub(super) fn into_request(self) -> Result<IncreaseRequest, String> {
        Ok(IncreaseRequest {
            quota_code: self.quota_code,
            status: self.status,
            desired: self.desired,
            created: time(self.created)?,
        })
    }
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn time(text: Option<String>) -> Result<Option<Timestamp>, String> {
    text.as_deref().map(timestamp).transpose()
}

fn map<'a, T: 'a, R>(list: Option<&'a Vec<T>>, raw: impl Fn(&'a T) -> R) -> Option<Vec<R>> {
    list.map(|list| list.iter().map(raw).collect())
}

impl From<&Catalog> for RawCatalog {
    fn from(catalog: &Catalog) -> RawCatalog {
        RawCatalog {
            models: map(catalog.models.as_ref(), |model| RawModel::from(&**model)),
            profiles: map(catalog.profiles.as_ref(), |profile| RawProfile::from(&**profile)),
            provisioned: map(catalog.provisioned.as_ref(), RawProvisioned::from),
            deployments: map(catalog.deployments.as_ref(), |deployment| RawDeployment {
                arn: deployment.arn.clone(),
                name: deployment.name.clone(),
                model_arn: deployment.model_arn.clone(),
                status: deployment.status.clone(),
            }),
            custom_models: map(catalog.custom_models.as_ref(), |model| RawCustomModel {
                arn: model.arn.clone(),
                status: model.status.clone(),
            }),
            imported: map(catalog.imported.as_ref(), |model| RawImported {
                arn: model.arn.clone(),
                name: model.name.clone(),
            }),
            batch_jobs: map(catalog.batch_jobs.as_ref(), |job| RawJob {
                arn: job.arn.clone(),
                model_id: job.model_id.clone(),
                status: job.status.clone(),
            }),
            tags: catalog.tags.clone(),
        }
    }
}

impl From<&FoundationModel> for RawModel {
    fn from(model: &FoundationModel) -> RawModel {
        RawModel {
            id: model.id.clone(),
            name: model.name.clone(),
            provider: model.provider.clone(),
            inference_types: model.inference_types.clone(),
            lifecycle: model.lifecycle.clone(),
            end_of_life: text(model.end_of_life),
        }
    }
}

impl From<&InferenceProfile> for RawProfile {
    fn from(profile: &InferenceProfile) -> RawProfile {
        RawProfile {
            id: profile.id.clone(),
            arn: profile.arn.clone(),
            name: profile.name.clone(),
            application: profile.kind == ProfileKind::Application,
            model_arns: profile.model_arns.clone(),
        }
    }
}

impl From<&ProvisionedThroughput> for RawProvisioned {
    fn from(provisioned: &ProvisionedThroughput) -> RawProvisioned {
        RawProvisioned {
            arn: provisioned.arn.clone(),
            name: provisioned.name.clone(),
            model_arn: provisioned.model_arn.clone(),
            foundation_model_arn: provisioned.foundation_model_arn.clone(),
            model_units: provisioned.model_units,
            desired_model_units: provisioned.desired_model_units,
            status: provisioned.status.clone(),
            commitment: provisioned.commitment.clone(),
            commitment_expires: text(provisioned.commitment_expires),
        }
    }
}

impl RawModel {
    fn into_model(self) -> Result<Arc<FoundationModel>, String> {
        Ok(Arc::new(FoundationModel {
            id: self.id,
            name: self.name,
            provider: self.provider,
            inference_types: self.inference_types,
            lifecycle: self.lifecycle,
            end_of_life: time(self.end_of_life)?,
        }))
    }
}

impl RawProfile {
    fn into_profile(self) -> Arc<InferenceProfile> {
        let kind = if self.application { ProfileKind::Application } else { ProfileKind::SystemDefined };
        let RawProfile { id, arn, name, model_arns, .. } = self;
        Arc::new(InferenceProfile { id, arn, name, kind, model_arns })
    }
}

impl RawProvisioned {
    fn into_provisioned(self) -> Result<ProvisionedThroughput, String> {
        Ok(ProvisionedThroughput {
            arn: self.arn,
            name: self.name,
            model_arn: self.model_arn,
            foundation_model_arn: self.foundation_model_arn,
            model_units: self.model_units,
            desired_model_units: self.desired_model_units,
            status: self.status,
            commitment: self.commitment,
            commitment_expires: time(self.commitment_expires)?,
        })
    }
}

impl RawCatalog {
    pub(super) fn into_catalog(self) -> Result<Catalog, String> {
        let models = self.models.map(|all| all.into_iter().map(RawModel::into_model).collect());
        let provisioned =
            self.provisioned.map(|all| all.into_iter().map(RawProvisioned::into_provisioned).collect());
        let deployment = |raw: RawDeployment| CustomModelDeployment {
            arn: raw.arn,
            name: raw.name,
            model_arn: raw.model_arn,
            status: raw.status,
        };
        let custom = |raw: RawCustomModel| CustomModel { arn: raw.arn, status: raw.status };
        let imported = |raw: RawImported| ImportedModel { arn: raw.arn, name: raw.name };
        let job = |raw: RawJob| BatchJob { arn: raw.arn, model_id: raw.model_id, status: raw.status };
        Ok(Catalog {
            models: models.transpose()?,
            profiles: self.profiles.map(|all| all.into_iter().map(RawProfile::into_profile).collect()),
            provisioned: provisioned.transpose()?,
            deployments: self.deployments.map(|all| all.into_iter().map(deployment).collect()),
            custom_models: self.custom_models.map(|all| all.into_iter().map(custom).collect()),
            imported: self.imported.map(|all| all.into_iter().map(imported).collect()),
            batch_jobs: self.batch_jobs.map(|all| all.into_iter().map(job).collect()),
            tags: self.tags,
        })
    }
}
