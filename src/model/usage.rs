//! Usage as CloudWatch answers it: per invocation id, metric and minute.

use super::ids::{Endpoint, words};
use super::service::ServiceReading;
use super::time::{Minute, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many metrics one call of GetMetricData takes (AWS: "up to 500 metrics").
pub const QUERIES_PER_CALL: usize = 500;

/// How long ListMetrics shows a series after its last datapoint, in seconds.
pub(crate) const LISTED_FOR: u64 = 14 * 86_400;

/// How long a new series may take to show in ListMetrics (AWS: up to 15 minutes), with reserve.
pub(crate) const LISTING_LAG: u64 = 20 * 60;

/// How late CloudWatch may publish a minute, in minutes after its end: 45 seconds to six minutes mostly, half an
/// hour in its bad hours.
pub(crate) const LATE_MINUTES: i64 = 30;

/// The first minute of which CloudWatch still has one-minute data: it keeps them for 15 days.
pub(crate) fn oldest_readable(at: Timestamp) -> Minute {
    at.minus(15 * 86_400).minute() + 1
}

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
    /// What an idle id is read by: everything that a call can end in, since one whose calls all fail publishes no
    /// invocations.
    pub(crate) const OF_IDLE: [Metric; 4] =
        [Metric::Invocations, Metric::Throttles, Metric::ClientErrors, Metric::ServerErrors];

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
        match self {
            Metric::Invocations
            | Metric::Throttles
            | Metric::ClientErrors
            | Metric::ServerErrors
            | Metric::InputTokens
            | Metric::OutputTokens
            | Metric::CacheReadTokens
            | Metric::CacheWriteTokens
            | Metric::CacheReadTokensOtherName
            | Metric::CacheWriteTokensOtherName
            | Metric::EstimatedTokens
            | Metric::OutputImages
            | Metric::LegacyInvocations => true,
            Metric::LatencyAverage
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyMaximum
            | Metric::FirstTokenAverage
            | Metric::FirstTokenP50
            | Metric::FirstTokenP90
            | Metric::FirstTokenP99
            | Metric::FirstTokenMaximum => false,
        }
    }

    /// The metric that stands for all statistics of the same CloudWatch metric: up to five of them, read
    /// together, are billed as one.
    pub fn billed_as(self) -> Metric {
        match self {
            Metric::LatencyAverage
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyMaximum => Metric::LatencyAverage,
            Metric::FirstTokenAverage
            | Metric::FirstTokenP50
            | Metric::FirstTokenP90
            | Metric::FirstTokenP99
            | Metric::FirstTokenMaximum => Metric::FirstTokenAverage,
            sum => sum,
        }
    }
}

/// A set of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MetricSet(u32);

impl MetricSet {
    pub(crate) fn has(self, metric: Metric) -> bool {
        self.0 & (1 << metric as u32) != 0
    }

    pub(crate) fn with(self, metric: Metric) -> MetricSet {
        MetricSet(self.0 | 1 << metric as u32)
    }

    pub(crate) fn union(self, other: MetricSet) -> MetricSet {
        MetricSet(self.0 | other.0)
    }

    pub(crate) fn without(self, other: MetricSet) -> MetricSet {
        MetricSet(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Metric> + Clone {
        Metric::ALL.iter().copied().filter(move |&metric| self.has(metric))
    }

    /// What is billed for reading them all of one id.
    pub(crate) fn billed(self) -> MetricSet {
        self.iter().map(Metric::billed_as).collect()
    }

    /// Whether a statistic of the same CloudWatch metric is among them: ListMetrics shows no statistics.
    pub(crate) fn has_any_statistic_of(self, metric: Metric) -> bool {
        self.billed().has(metric.billed_as())
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<I: IntoIterator<Item = Metric>>(metrics: I) -> MetricSet {
        metrics.into_iter().fold(MetricSet::default(), MetricSet::with)
    }
}

/// A value of each of some metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    metrics: MetricSet,
    /// In the order of the metrics.
    values: Box<[f64]>,
}

impl Values {
    pub fn get(&self, metric: Metric) -> Option<f64> {
        let before = self.metrics.0 & ((1 << metric as u32) - 1);
        self.metrics.has(metric).then(|| self.values[before.count_ones() as usize])
    }
}

impl FromIterator<(Metric, f64)> for Values {
    fn from_iter<I: IntoIterator<Item = (Metric, f64)>>(values: I) -> Values {
        let values: BTreeMap<Metric, f64> = values.into_iter().collect();
        Values { metrics: values.keys().copied().collect(), values: values.into_values().collect() }
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
    /// Minutes of today from before the exporter came, which fill day quotas; likewise.
    pub today: Vec<SeriesReading>,
    /// What was read of quotas that are no model's.
    pub service: ServiceReading,
    /// What was read of tiers and projects.
    pub parts: ServiceReading,
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

impl SeriesReading {
    /// The value of a minute, if there is a datapoint.
    pub(crate) fn point(&self, minute: Minute) -> Option<f64> {
        self.points.iter().rev().find(|(at, _)| *at == minute).map(|&(_, value)| value)
    }
}

/// A successful collection, as it enters the snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed<T> {
    pub at: Timestamp,
    pub value: T,
}
