//! Service Quotas, service code `bedrock`.

use super::cloudwatch::MOST;
use super::error::{classify, malformed};
use super::{Connection, pages};
use crate::model::quota::{IncreaseRequest, QuotaList, ServiceQuota, UsageMetric};
use crate::model::snapshot::{CollectError, ErrorClass};
use crate::model::time::Timestamp;
use aws_sdk_servicequotas::types::{AppliedLevelEnum, ErrorCode, RequestStatus};
use std::collections::BTreeMap;
use std::sync::Arc;

const SERVICE: &str = "bedrock";
const APPLIED: &str = "servicequotas:ListServiceQuotas";
const DEFAULTS: &str = "servicequotas:ListAWSDefaultServiceQuotas";
const HISTORY: &str = "servicequotas:ListRequestedServiceQuotaChangeHistory";
/// AWS's rates, in calls a second per account and region.
const LIST_RATE: u32 = 10;
const HISTORY_RATE: u32 = 5;

type Row = aws_sdk_servicequotas::types::ServiceQuota;

impl Connection {
    /// Applied values outer-joined with defaults by quota code, and the open increase requests.
    ///
    /// Without the applied list there is nothing. A *denied* default list or history costs only what it
    /// feeds; any other failure of the defaults is a failed reading, so that the last one is kept.
    pub async fn quotas(&self) -> (Option<QuotaList>, Vec<CollectError>) {
        let (applied, defaults, requests) = tokio::join!(self.applied(), self.defaults(), self.requests());
        let mut errors = Vec::new();
        let requests = requests.map_err(|error| errors.push(error)).ok();
        let defaults = match defaults {
            Ok(rows) => Some(rows),
            Err(error) => {
                let denied = error.class == ErrorClass::AccessDenied;
                errors.push(error);
                denied.then(Vec::new)
            }
        };
        let applied = applied.map_err(|error| errors.push(error)).ok();
        let list = applied.zip(defaults).map(|(applied, defaults)| {
            let (quotas, odd) = join(applied, defaults);
            errors.extend(odd);
            let quotas = quotas.into_iter().map(Arc::new).collect();
            QuotaList { quotas, requests }
        });
        (list, errors)
    }

    async fn applied(&self) -> Result<Vec<Row>, CollectError> {
        let client = self.service_quotas();
        pages::all(APPLIED, LIST_RATE, |token| {
            let call = client.list_service_quotas();
            let call = call.service_code(SERVICE).max_results(100).set_next_token(token);
            async move {
                let page = call.send().await.map_err(|e| classify(APPLIED, e))?;
                Ok((page.quotas.unwrap_or_default(), page.next_token))
            }
        })
        .await
    }

    async fn defaults(&self) -> Result<Vec<Row>, CollectError> {
        let client = self.service_quotas();
        pages::all(DEFAULTS, LIST_RATE, |token| {
            let call = client.list_aws_default_service_quotas();
            let call = call.service_code(SERVICE).max_results(100).set_next_token(token);
            async move {
                let page = call.send().await.map_err(|e| classify(DEFAULTS, e))?;
                Ok((page.quotas.unwrap_or_default(), page.next_token))
            }
        })
        .await
    }

    async fn requests(&self) -> Result<Vec<IncreaseRequest>, CollectError> {
        let client = self.service_quotas();
        let changes = pages::all(HISTORY, HISTORY_RATE, |token| {
            let call = client.list_requested_service_quota_change_history();
            let call = call.service_code(SERVICE).max_results(100).set_next_token(token);
            async move {
                let page = call.send().await.map_err(|e| classify(HISTORY, e))?;
                Ok((page.requested_quotas.unwrap_or_default(), page.next_token))
            }
        })
        .await?;
        let open = changes.into_iter().filter_map(|change| {
            let status =
                change.status.filter(|s| [RequestStatus::Pending, RequestStatus::CaseOpened].contains(s))?;
            Some(IncreaseRequest {
                quota_code: change.quota_code?,
                status: status.as_str().to_string(),
                desired: change.desired_value.filter(|v| (0.0..MOST).contains(v)),
                created: change.created.map(|at| Timestamp(at.secs())),
            })
        });
        Ok(open.collect())
    }
}

/// The outer join. A row whose value no quota can have, or that AWS could not look up, carries that as its
/// `error`: its value is not known this time.
fn join(applied: Vec<Row>, defaults: Vec<Row>) -> (Vec<ServiceQuota>, Vec<CollectError>) {
    let mut errors: Vec<CollectError> = Vec::new();
    let mut say = |error: CollectError| {
        if errors.iter().all(|said| said.class != error.class) {
            errors.push(error);
        }
    };
    let mut rows: BTreeMap<String, ServiceQuota> = BTreeMap::new();
    let on_account = |row: &Row| row.quota_applied_at_level != Some(AppliedLevelEnum::Resource);
    let all = applied.into_iter().filter(on_account).map(|row| (APPLIED, row));
    for (list, row) in all.chain(defaults.into_iter().map(|row| (DEFAULTS, row))) {
        let Some(code) = row.quota_code.clone().filter(|code| !code.is_empty()) else {
            say(malformed(list, "a row without QuotaCode"));
            continue;
        };
        let unread = unread(&row);
        if let Some((Some(class), why)) = &unread {
            say(CollectError { class: *class, message: format!("{list}: {code}: {why}") });
        }
        let value = row.value.filter(|_| unread.is_none());
        let quota = rows.entry(code.clone()).or_insert_with(|| ServiceQuota { code, ..Default::default() });
        if let Some(name) = row.quota_name {
            quota.name = name;
        }
        if list == DEFAULTS {
            quota.default = quota.default.or(value);
            quota.adjustable = quota.adjustable.or(Some(row.adjustable));
            continue;
        }
        quota.listed = true;
        quota.applied = quota.applied.or(value);
        quota.adjustable = Some(row.adjustable);
        quota.error = unread.map(|(_, why)| why);
        quota.usage_metric = row.usage_metric.and_then(|metric| {
            let mut dimensions: Vec<_> = metric.metric_dimensions.unwrap_or_default().into_iter().collect();
            dimensions.sort();
            Some(UsageMetric {
                namespace: metric.metric_namespace?,
                name: metric.metric_name?,
                dimensions,
                statistic: metric.metric_statistic_recommendation?,
            })
        });
    }
    (rows.into_values().collect(), errors)
}

/// Why the value of a row is not to be taken. No class: nothing failed, AWS has none here.
fn unread(row: &Row) -> Option<(Option<ErrorClass>, String)> {
    if let Some(reason) = &row.error_reason {
        let class = match reason.error_code() {
            Some(ErrorCode::DependencyAccessDeniedError) => Some(ErrorClass::AccessDenied),
            Some(ErrorCode::DependencyThrottlingError) => Some(ErrorClass::Throttled),
            Some(ErrorCode::DependencyServiceError) => Some(ErrorClass::Server),
            _ => None,
        };
        let code = reason.error_code().map_or("unknown", |code| code.as_str());
        return Some((class, format!("{code}: {}", reason.error_message().unwrap_or_default())));
    }
    let impossible = row.value.filter(|value| !(0.0..MOST).contains(value));
    impossible.map(|value| (Some(ErrorClass::Malformed), format!("{value} is no quota value")))
}
