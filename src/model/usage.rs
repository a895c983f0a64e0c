//! Usage as CloudWatch answers it: per invocation id, metric and minute.

use super::ids::{Endpoint, words};
use super::time::{Minute, Timestamp};
use std::sync::Arc;

/// How many metrics one call of GetMetricData takes (AWS: "up to 500 metrics").
pub const QUERIES_PER_CALL: usize = 500;

words! {
    /// A CloudWatch metric with one statistic, as this exporter reads it.
    Metric {
        /// Sum of Invocations; in AWS/BedrockMantle: Inferences.
        Invocations = "invocations",
        Throttles = "throttles",
        ClientErrors = "client_errors",
        ServerErrors = "server_errors",
        InputTokens = "input_tokens",
        OutputTokens = "output_tokens",
        CacheReadTokens = "cache_read_tokens",
        CacheWriteTokens = "cache_write_tokens",
        /// CacheReadInputTokens, the other spelling of the same metric: never added to the first.
        CacheReadTokensOtherName = "cache_read_tokens_other_name",
        /// CacheWriteInputTokens, likewise.
        CacheWriteTokensOtherName = "cache_write_tokens_other_name",
        /// Sum of EstimatedTPMQuotaUsage, in tokens.
        EstimatedTokens = "estimated_tokens",
        OutputImages = "output_images",
        LegacyInvocations = "legacy_invocations",
        /// InvocationLatency, milliseconds.
        LatencyAverage = "latency_average",
        LatencyP50 = "latency_p50",
        LatencyP90 = "latency_p90",
        LatencyP99 = "latency_p99",
        LatencyMaximum = "latency_maximum",
        /// TimeToFirstToken, milliseconds.
        FirstTokenAverage = "first_token_average",
        FirstTokenP50 = "first_token_p50",
        FirstTokenP90 = "first_token_p90",
        FirstTokenP99 = "first_token_p99",
        FirstTokenMaximum = "first_token_maximum",
    }
}

impl Metric {
    /// The metric whose other spelling this is, or itself.
    pub fn canonical(self) -> Metric {
        match self {
            Metric::CacheReadTokensOtherName => Metric::CacheReadTokens,
            Metric::CacheWriteTokensOtherName => Metric::CacheWriteTokens,
            metric => metric,
        }
    }

    /// Sum metrics: a minute without a datapoint in a complete answer is 0. The others are then absent.
    pub fn is_sum(self) -> bool {
        self < Metric::LatencyAverage
    }
}

/// An invocation id as CloudWatch spells it, with the namespace it was seen in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationId {
    pub endpoint: Endpoint,
    /// The value of the dimension `ModelId` (runtime) or `Model` (mantle).
    pub id: Arc<str>,
}

impl InvocationId {
    pub fn runtime(id: &str) -> InvocationId {
        InvocationId { endpoint: Endpoint::Runtime, id: id.into() }
    }

    pub fn mantle(id: &str) -> InvocationId {
        InvocationId { endpoint: Endpoint::Mantle, id: id.into() }
    }

    /// No single id: the series of the runtime endpoint that have no dimensions and add up all ids.
    pub fn account_wide() -> InvocationId {
        InvocationId::runtime("")
    }

    pub fn is_account_wide(&self) -> bool {
        self.id.is_empty()
    }
}

/// One reading of a target's usage: which minutes were asked for, and what was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageReading {
    /// Every id that ListMetrics shows now (`None`: not asked this time).
    pub listed: Option<Vec<ListedId>>,
    /// Minutes read at period 60, ids in no order.
    pub minutes: Vec<SeriesReading>,
    /// Closed hours read at period 3600 to fill day quotas after a start: stamps are the hours'
    /// first minutes.
    pub hours: Vec<SeriesReading>,
}

/// An id that ListMetrics shows, with the metrics listed for its exact dimension set.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedId {
    pub id: InvocationId,
    pub metrics: Vec<Metric>,
}

/// The answer for one id and metric over the minutes `from .. until`.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesReading {
    pub id: InvocationId,
    /// Never another spelling: a metric that CloudWatch has under two names comes twice.
    pub metric: Metric,
    pub from: Minute,
    pub until: Minute,
    /// Whether every page came with StatusCode Complete. If not, minutes without a point are unknown.
    pub complete: bool,
    /// In no order; a minute may come twice, the later one counts.
    pub points: Vec<(Minute, f64)>,
}

/// A successful collection, as it enters the snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed<T> {
    pub at: Timestamp,
    pub value: T,
}
