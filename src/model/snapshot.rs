//! The state of the world as the one writer publishes it.

use super::catalog::Catalog;
use super::evaluation::Evaluation;
use super::ids::{Target, words};
use super::matching::Rules;
use super::quota::QuotaList;
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, Metric, Observed, UsageReading};
use std::collections::BTreeMap;
use std::sync::Arc;

words! {
    /// The collectors of a target: the label `collector`.
    Collector {
        Quotas = "quotas",
        Catalog = "catalog",
        Usage = "usage",
    }
}

words! {
    /// The closed set of ways a collection fails: the label `class`.
    ErrorClass {
        Throttled = "throttled",
        AccessDenied = "access_denied",
        ExpiredCredentials = "expired_credentials",
        ClockSkew = "clock_skew",
        Timeout = "timeout",
        Network = "network",
        Server = "server",
        Malformed = "malformed",
        Other = "other",
    }
}

/// One failure, as it is logged and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectError {
    pub class: ErrorClass,
    /// Names the call and what AWS said; never a secret.
    pub message: String,
}

/// What a collector brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Quotas(QuotaList),
    Catalog(Catalog),
    Usage(UsageReading),
}

/// One finished collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub target: Target,
    pub collector: Collector,
    pub started: Timestamp,
    pub seconds: f64,
    /// `None`: nothing was got.
    pub observation: Option<Observation>,
    /// What failed, wholly or in part (a denied list beside others that were read).
    pub errors: Vec<CollectError>,
}

/// What the pure core needs to know of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seconds after its end from which a minute is used.
    pub delay: u64,
    /// Seconds after its end from which a minute no longer grows.
    pub settle: u64,
    /// Look-back window of peaks, in minutes.
    pub lookback_minutes: i64,
    /// Ratios for above_threshold_seconds.
    pub thresholds: Vec<f64>,
    /// Seconds between usage, ListMetrics, quotas and catalog collections.
    pub usage_interval: u64,
    pub discovery_interval: u64,
    pub quotas_interval: u64,
    pub catalog_interval: u64,
    /// Seconds until a failed collector's last good values go.
    pub usage_max_age: u64,
    pub quotas_max_age: u64,
    pub catalog_max_age: u64,
    /// Seconds a newborn counter is held at 0: two scrapes.
    pub counter_hold: u64,
    /// The latency statistics to read.
    pub statistics: Vec<Metric>,
    /// The user's overrides.
    pub rules: Rules,
    /// Output burndown by the user, by base model id; goes before the shipped table.
    pub burndown: BTreeMap<String, f64>,
}

/// How a collector is doing at a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectorState {
    pub last_attempt: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    /// Whether the last attempt brought everything it asked for.
    pub up: bool,
    pub seconds: f64,
    /// Counted since the start, by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The message of the last failure, for the status page; gone after a success.
    pub last_error: Option<String>,
}

/// Everything known of one target.
#[derive(Clone, Debug)]
pub struct TargetState {
    pub target: Target,
    pub quotas: Option<Observed<Arc<QuotaList>>>,
    pub catalog: Option<Observed<Arc<Catalog>>>,
    pub collectors: BTreeMap<Collector, CollectorState>,
    /// Made anew whenever any of the above changes or `now` moves on by a minute.
    pub evaluation: Arc<Evaluation>,
}

/// What to read of a target next. Pure: `due(&state, settings, now)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    pub quotas: bool,
    pub catalog: bool,
    pub usage: Option<UsageRequest>,
}

/// What to ask ListMetrics for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Everything it still knows: ids with a datapoint of the last two weeks. Once after a start, since
    /// an id that is quiet now may have spent of the day's tokens.
    All,
    /// Ids with a datapoint of the last three hours.
    Recent,
}

/// One usage round: whether to ask ListMetrics first, and what to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageRequest {
    pub discover: Option<Discovery>,
    /// Ids newly discovered in this round are read over this span, all metrics.
    pub new_ids: Option<(Minute, Minute)>,
    pub minutes: Vec<SeriesRequest>,
    /// Period 3600, hours' first minutes.
    pub hours: Vec<SeriesRequest>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRequest {
    pub id: InvocationId,
    pub metric: Metric,
    pub from: Minute,
    pub until: Minute,
}

/// All targets at one point in time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub at: Timestamp,
    pub targets: BTreeMap<Target, Arc<TargetState>>,
}
