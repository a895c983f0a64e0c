//! Service Quotas, service code `bedrock`.

use super::cloudwatch::MOST;
use super::connection::Connection;
use super::error::malformed;
use super::pages::{Pace, list};
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::quota::{ClosedRequest, IncreaseRequest, QuotaList, ServiceQuota, UsageMetric};
use crate::model::time::Timestamp;
use aws_sdk_servicequotas::types::{
    AppliedLevelEnum, ErrorCode, MetricInfo, PeriodUnit, QuotaPeriod, RequestStatus, ServiceQuota as SdkRow,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const SERVICE: &str = "bedrock";
const APPLIED: &str = "servicequotas:ListServiceQuotas";
const DEFAULTS: &str = "servicequotas:ListAWSDefaultServiceQuotas";
const HISTORY: &str = "servicequotas:ListRequestedServiceQuotaChangeHistory";
/// AWS's rates, in calls a second per account and region.
const LIST_RATE: u32 = 10;
const HISTORY_RATE: u32 = 5;

/// A row of one of the two lists. The SDK's own has many fields more, and a fleet reads thousands of rows at once.
struct Row {
    code: Option<String>,
    name: Option<String>,
    /// `None` where AWS has none; or why what it says is not to be taken.
    value: Result<Option<f64>, (ErrorClass, String)>,
    adjustable: bool,
    /// Whether it is about the account, and not about a resource of it.
    of_account: bool,
    period: Option<u64>,
    usage_metric: Option<Box<UsageMetric>>,
}

impl From<SdkRow> for Row {
    fn from(row: SdkRow) -> Row {
        Row {
            value: value(&row),
            adjustable: row.adjustable,
            of_account: row.quota_applied_at_level != Some(AppliedLevelEnum::Resource),
            period: row.period.as_ref().and_then(seconds),
            usage_metric: row.usage_metric.and_then(usage_metric).map(Box::new),
            code: row.quota_code,
            name: row.quota_name,
        }
    }
}

impl Connection {
    /// Applied values outer-joined with defaults by quota code, and the open increase requests.
    ///
    /// Without the applied list there is nothing. A *denied* default list or history costs only what it
    /// feeds; any other failure of the defaults is a failed reading, so that the last one is kept. A value
    /// that cannot be read or taken is its row's `error`; where no row has one, the reading has failed.
    pub async fn quotas(&self) -> (Option<QuotaList>, Vec<CollectError>) {
        let (applied, defaults, requests) = tokio::join!(self.applied(), self.defaults(), self.requests());
        let mut errors = Vec::new();
        let (requests, closed) = requests.map_err(|error| errors.push(error)).ok().unzip();
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
            QuotaList { quotas, requests, closed: closed.unwrap_or_default() }
        });
        (list, errors)
    }

    async fn applied(&self) -> Result<Vec<Row>, CollectError> {
        let client = self.service_quotas();
        let call = || client.list_service_quotas().service_code(SERVICE).max_results(100);
        let rows = list!(&Pace::new(LIST_RATE), APPLIED, client, call(), quotas, Row::from).await?;
        with_values(APPLIED, rows)
    }

    async fn defaults(&self) -> Result<Vec<Row>, CollectError> {
        let client = self.service_quotas();
        let call = || client.list_aws_default_service_quotas().service_code(SERVICE).max_results(100);
        let rows = list!(&Pace::new(LIST_RATE), DEFAULTS, client, call(), quotas, Row::from).await?;
        with_values(DEFAULTS, rows)
    }

    /// The requests for more that are open, and those that AWS has closed.
    async fn requests(&self) -> Result<(Vec<IncreaseRequest>, Vec<ClosedRequest>), CollectError> {
        let client = self.service_quotas();
        let call =
            || client.list_requested_service_quota_change_history().service_code(SERVICE).max_results(100);
        let changes = list!(&Pace::new(HISTORY_RATE), HISTORY, client, call(), requested_quotas).await?;
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for change in changes {
            let (Some(status), Some(quota_code)) = (change.status, change.quota_code) else { continue };
            let request = IncreaseRequest {
                quota_code,
                status: status.as_str().to_string(),
                desired: change.desired_value.filter(|v| (0.0..MOST).contains(v)),
                created: change.created.map(|at| Timestamp(at.secs())),
            };
            match status {
                RequestStatus::Pending | RequestStatus::CaseOpened => open.push(request),
                RequestStatus::Approved
                | RequestStatus::CaseClosed
                | RequestStatus::Denied
                | RequestStatus::InvalidRequest
                | RequestStatus::NotApproved => closed.push(ClosedRequest {
                    request,
                    changed: change.last_updated.map(|at| Timestamp(at.secs())),
                }),
                // One that is new to the SDK: nobody knows whether it is open.
                _ => {}
            }
        }
        Ok((open, closed))
    }
}

/// The rows about the account, if any of them has a value to be taken.
fn with_values(list: &str, mut rows: Vec<Row>) -> Result<Vec<Row>, CollectError> {
    // Wherever Bedrock is, both lists have hundreds of rows: an answer without any is none, and limits stay as they were.
    if rows.is_empty() {
        return Err(malformed(list, "found no quota at all, expected those of the service"));
    }
    rows.retain(|row| row.of_account);
    let is_unread = |row: &Row| !matches!(row.value, Ok(Some(_)));
    let Some(first) = rows.first().filter(|_| rows.iter().all(is_unread)) else { return Ok(rows) };
    let (class, why) = first.value.clone().err().unwrap_or((ErrorClass::Malformed, "no Value".into()));
    let code = first.code.as_deref().unwrap_or_default();
    Err(CollectError::new(class, format!("{list}: no row has a value, {code}: {why}")))
}

/// The outer join. A row whose value no quota can have, or that AWS could not look up, carries that as its
/// `error`: its value is not known this time; nor is that of a code with rows that do not agree.
fn join(applied: Vec<Row>, defaults: Vec<Row>) -> (Vec<Arc<ServiceQuota>>, Vec<CollectError>) {
    let mut nameless = None;
    let (of_applied, of_defaults) = (contradictions(&applied), contradictions(&defaults));
    let mut odd = Vec::new();
    odd.extend(complaint(APPLIED, &of_applied));
    odd.extend(complaint(DEFAULTS, &of_defaults));
    let mut rows: BTreeMap<String, ServiceQuota> = BTreeMap::new();
    let all = applied.into_iter().map(|row| (APPLIED, row));
    for (list, row) in all.chain(defaults.into_iter().map(|row| (DEFAULTS, row))) {
        let Some(code) = row.code.filter(|code| !code.is_empty()) else {
            nameless = Some(malformed(list, "a row without QuotaCode"));
            continue;
        };
        let contradictions = if list == DEFAULTS { &of_defaults } else { &of_applied };
        let (value, error) = match (contradictions.get(&code), row.value) {
            (Some(why), _) => (None, Some(why.clone())),
            (None, Ok(value)) => (value, None),
            (None, Err((_, why))) => (None, Some(why)),
        };
        let quota = rows.entry(code.clone()).or_insert_with(|| ServiceQuota { code, ..Default::default() });
        if let Some(name) = row.name {
            quota.name = name;
        }
        // A row without an applied value stands in the list of defaults alone.
        quota.period = quota.period.or(row.period);
        quota.usage_metric = quota.usage_metric.take().or(row.usage_metric.map(|metric| *metric));
        if list == DEFAULTS {
            quota.default = quota.default.or(value);
            quota.adjustable = quota.adjustable.or(Some(row.adjustable));
            continue;
        }
        quota.listed = true;
        quota.applied = quota.applied.or(value);
        quota.adjustable = Some(row.adjustable);
        quota.error = error;
    }
    odd.extend(nameless);
    (rows.into_values().map(Arc::new).collect(), odd)
}

/// Codes of which a list has several rows that differ in name or value, and how. Which of them holds, nobody knows.
fn contradictions(rows: &[Row]) -> BTreeMap<String, String> {
    let mut last: BTreeMap<&str, &Row> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for row in rows {
        let code = row.code.as_deref().unwrap_or_default();
        let Some(before) = last.insert(code, row) else { continue };
        if (&before.name, &before.value) != (&row.name, &row.value) {
            found.insert(code.to_string(), format!("listed as {} and as {}", told(before), told(row)));
        }
    }
    found
}

fn told(row: &Row) -> String {
    let value = match &row.value {
        Ok(Some(value)) => value.to_string(),
        Ok(None) | Err(_) => "no value".to_string(),
    };
    format!("“{}”: {value}", row.name.as_deref().unwrap_or_default())
}

fn complaint(list: &str, contradictions: &BTreeMap<String, String>) -> Option<CollectError> {
    let (code, why) = contradictions.first_key_value()?;
    let more = match contradictions.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more codes likewise"),
    };
    Some(malformed(list, format!("{code} is {why}, expected once{more}")))
}

/// The series of CloudWatch that a row names, if it names one.
fn usage_metric(metric: MetricInfo) -> Option<UsageMetric> {
    let mut dimensions: Vec<_> = metric.metric_dimensions.unwrap_or_default().into_iter().collect();
    dimensions.sort();
    Some(UsageMetric {
        namespace: metric.metric_namespace?,
        name: metric.metric_name?,
        dimensions,
        statistic: metric.metric_statistic_recommendation.unwrap_or_default(),
    })
}

/// A row's Period; `None` for one of no whole seconds, or of a unit that is not known.
fn seconds(period: &QuotaPeriod) -> Option<u64> {
    let unit = match period.period_unit()? {
        PeriodUnit::Second => 1,
        PeriodUnit::Minute => 60,
        PeriodUnit::Hour => 3600,
        PeriodUnit::Day => 86_400,
        PeriodUnit::Week => 7 * 86_400,
        _ => return None,
    };
    let value = u64::try_from(period.period_value()?).ok().filter(|value| *value > 0)?;
    Some(value * unit)
}

/// The value of a row, `None` where AWS has none, or why what it says is not to be taken.
fn value(row: &SdkRow) -> Result<Option<f64>, (ErrorClass, String)> {
    let Some(reason) = &row.error_reason else {
        return match row.value.filter(|value| !(0.0..MOST).contains(value)) {
            None => Ok(row.value),
            Some(found) => Err((ErrorClass::Malformed, format!("{found} is no quota value"))),
        };
    };
    let class = match reason.error_code() {
        Some(ErrorCode::DependencyAccessDeniedError) => ErrorClass::AccessDenied,
        Some(ErrorCode::DependencyThrottlingError) => ErrorClass::Throttled,
        Some(ErrorCode::DependencyServiceError) => ErrorClass::Server,
        _ => ErrorClass::Other,
    };
    let code = reason.error_code().map_or("unknown", |code| code.as_str());
    Err((class, format!("{code}: {}", reason.error_message().unwrap_or_default())))
}
