//! Quotas as Service Quotas lists them, applied and default values joined by quota code.

use super::time::Timestamp;
use std::sync::Arc;

/// One row of Service Quotas, service code `bedrock`: the outer join of ListServiceQuotas (applied)
/// and ListAWSDefaultServiceQuotas (default). Rows applied at RESOURCE level are not account limits
/// and never get here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceQuota {
    /// For example `L-254CACF4`; the same in every region.
    pub code: String,
    pub name: String,
    /// The applied value; `None` where ListServiceQuotas omits the row or its value.
    pub applied: Option<f64>,
    /// AWS's default value; `None` where ListAWSDefaultServiceQuotas omits the row or its value.
    pub default: Option<f64>,
    /// Whether ListServiceQuotas lists the row at all.
    pub listed: bool,
    pub adjustable: Option<bool>,
    /// The ErrorReason of a 200 reply, code and message; the value is then not to be trusted.
    pub error: Option<String>,
    /// The CloudWatch metric the row says it is measured by: rows of control planes (Agents, Flows, …) have one in
    /// AWS/Usage, rows of model inference have none.
    pub usage_metric: Option<UsageMetric>,
    /// The span that a rate is counted over, in seconds, where the row has a Period of whole seconds.
    pub period: Option<u64>,
}

impl ServiceQuota {
    /// The value in force, if it can be trusted.
    pub fn limit(&self) -> Option<f64> {
        if self.error.is_some() { None } else { self.applied }
    }
}

/// The UsageMetric of a quota row.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageMetric {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
    /// As AWS recommends it; empty where it does not.
    pub statistic: String,
}

/// An increase request that is still open (PENDING or CASE_OPENED).
#[derive(Clone, Debug, PartialEq)]
pub struct IncreaseRequest {
    pub quota_code: String,
    /// As AWS spells it: `PENDING`, `CASE_OPENED`.
    pub status: String,
    pub desired: Option<f64>,
    pub created: Option<Timestamp>,
}

/// A request for more that AWS has closed. Its status says how; what the limit was before, AWS tells nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedRequest {
    /// Its status as AWS spells it: `APPROVED`, `DENIED`, `NOT_APPROVED`, `CASE_CLOSED`, `INVALID_REQUEST`.
    pub request: IncreaseRequest,
    /// When AWS last changed it, which is when it was closed, or later.
    pub changed: Option<Timestamp>,
}

/// One reading of a target's quotas. `None` is a list that could not be read (its error is reported
/// beside it), never an empty one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaList {
    /// Sorted by code, each code once. Targets share the rows that are equal.
    pub quotas: Vec<Arc<ServiceQuota>>,
    pub requests: Option<Vec<IncreaseRequest>>,
    /// Those of the last 90 days that AWS has closed; none where `requests` could not be read.
    pub closed: Vec<ClosedRequest>,
}
