//! What a target's observations mean now: everything that /metrics says about it, as values.

use super::ids::{Scope, State, UsageSource, Variant, words};
use super::matching::{ModelQuota, QuotaKey, Resolution, Unmapped};
use super::meter::MeasuredBy;
use super::parts::Part;
use super::quota::ServiceQuota;
use super::time::Timestamp;
use super::usage::{InvocationId, Metric, Values};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The evaluation of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Model quotas, sorted by key. Includes rows of state `NoSuchQuota` (empty code) for ids in use. Most are spent by
    /// nobody: what is equal in several targets is kept once.
    pub quotas: Vec<Arc<QuotaStatus>>,
    /// Every invocation id known, sorted.
    pub ids: Vec<IdStatus>,
    /// Per pool.
    pub throttling: Vec<ThrottleStatus>,
    /// The models of all ids that CloudWatch has shown within the last 14 days, and those whose quotas they
    /// spend: known also while usage cannot be read.
    pub models_in_use: BTreeSet<Arc<str>>,
    /// Traffic of the last 24 hours that no quota, or not every quota, could be found for.
    pub unmapped: Vec<(InvocationId, Unmapped)>,
    /// Quotas that are no model's, and that a series of CloudWatch measures; sorted by code.
    pub service: Vec<ServiceStatus>,
    /// How many rows of models carry a UsageMetric: none did in 2026.
    pub model_rows_with_usage_metric: usize,
    /// The calls of ApplyGuardrail, where there were any within three hours.
    pub guardrails: Option<GuardrailStatus>,
    /// Undocumented metrics of the mantle endpoint, by Model.
    pub mantle: Vec<MantleStatus>,
    /// Batch inference, by ModelId.
    pub batch: Vec<BatchStatus>,
    /// The tiers and projects of ids, and the reserved tiers that calls were made to.
    pub parts: Vec<PartStatus>,
    pub overflows: Vec<OverflowStatus>,
    /// Whether ids were listed and their minutes read, and not too long ago: `ids` and `throttling` are empty where
    /// they were not.
    pub usage_known: bool,
    /// The end of the last minute read for every id.
    pub complete_until: Option<Timestamp>,
    /// The newest datapoint of any id (its minute's start).
    pub newest_datapoint: Option<Timestamp>,
}

/// One model quota with what is known of its usage. `None` is unknown, and absent from /metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaStatus {
    pub quota: Arc<ModelQuota>,
    pub state: State,
    pub usage_source: UsageSource,
    /// Whether an invocation id of the last 14 days spends it, or jobs or units are counted against it.
    pub is_spent: bool,
    /// The newest settled minute known for all ids; day quotas: since the day began, each id weighed.
    pub usage: Option<f64>,
    /// The largest single minute of the look-back window; day quotas: as `usage`.
    pub peak: Option<f64>,
    /// `usage / limit`, where the limit is known and above 0.
    pub ratio: Option<f64>,
    /// The largest of the window's minutes, each over the limit that was in force in it.
    pub peak_ratio: Option<f64>,
    /// Threshold and whole seconds of the look-back window at or above it.
    pub above_threshold: Vec<(f64, u64)>,
    /// The largest ratio among the throttled minutes of the window.
    pub throttled_ratio: Option<f64>,
    /// Day quotas: when today's pace spends the limit, if before the reset.
    pub exhaustion: Option<Timestamp>,
    /// Tokens per minute with estimate and tokens both there: the burndown they imply.
    pub implied_burndown: Option<f64>,
    /// Counters: settled charge of each id since it was first seen.
    pub charged: Vec<(InvocationId, f64)>,
    /// Output tokens of an id that `charged`, and the usage of a day quota, lack: nobody knows their burndown.
    pub uncounted: Vec<(InvocationId, f64)>,
}

/// One quota that is no model's, with what is known of its usage.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceStatus {
    pub row: Arc<ServiceQuota>,
    pub by: MeasuredBy,
    /// Whether the fullest span may have held more: its limit is one of seconds, and minutes are known.
    pub is_lower_bound: bool,
    /// In the unit of the limit: the newest settled minute's rate, or how many there are.
    pub usage: Option<f64>,
    /// The largest one of what was first seen within the look-back window, and of that window itself.
    pub peak: Option<f64>,
    pub ratio: Option<f64>,
    pub peak_ratio: Option<f64>,
    /// The end of the newest minute that is known; `None` where a list was counted.
    pub complete_until: Option<Timestamp>,
}

/// The calls of all guardrails together, as ApplyGuardrail counts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuardrailStatus {
    /// Of the newest settled minute.
    pub calls: Option<f64>,
    pub throttles: Option<f64>,
    pub client_errors: Option<f64>,
    pub server_errors: Option<f64>,
    pub intervened: Option<f64>,
    /// Window label and throttles / (calls + throttles) of its closed minutes; absent without attempts.
    pub ratio: Vec<(&'static str, f64)>,
    pub attempts: Vec<(&'static str, f64)>,
    pub throttled_seconds: u64,
}

/// What the mantle endpoint publishes of a model without AWS saying what it means, as the newest datapoint has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MantleStatus {
    pub model_id: Arc<str>,
    pub burndown_consumed: Option<f64>,
    pub equivalent_reservation_units: Option<f64>,
}

/// What batch inference has to do for a model, and does, as the newest datapoint says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchStatus {
    pub model_id: Arc<str>,
    pub records_pending: Option<f64>,
    pub tokens_pending: Option<f64>,
    pub input_tokens: Option<f64>,
    pub output_tokens: Option<f64>,
}

/// One tier or project of an id in the hour that was read last: calls that the id's own series holds, too.
#[derive(Clone, Debug, PartialEq)]
pub struct PartStatus {
    pub id: InvocationId,
    pub resolution: Arc<Resolution>,
    pub part: Part,
    /// What is counted of it and wholly known.
    pub counts: BTreeMap<Metric, f64>,
}

/// The calls of an id to the reserved tier in that hour.
#[derive(Clone, Debug, PartialEq)]
pub struct OverflowStatus {
    pub id: InvocationId,
    pub resolution: Arc<Resolution>,
    /// The share that another tier served.
    pub ratio: f64,
}

/// One invocation id.
#[derive(Clone, Debug, PartialEq)]
pub struct IdStatus {
    pub id: InvocationId,
    pub resolution: Arc<Resolution>,
    /// The newest settled minute, metric by metric; absent where unknown.
    pub minute: Values,
    /// Counters of Sum metrics since the id was first seen.
    pub totals: Values,
    /// Whether any datapoint was seen within the last 14 days.
    pub last_datapoint: Option<Timestamp>,
}

/// The label of the newest minute with refusals, once its calls are published.
pub(crate) const NEWEST_MINUTE: &str = "1m";

/// The windows of throttle ratios and attempts: label, and length in minutes.
pub(crate) const THROTTLE_WINDOWS: [(&str, i64); 2] = [("5m", 5), ("30m", 30)];

/// The window of throttled seconds and of the cause, in minutes.
pub(crate) const THROTTLED_WINDOW: i64 = 15;

/// The longest of them, in minutes: so many have to be kept.
pub(crate) const THROTTLE_LOOKBACK: i64 = {
    let [(_, short), (_, long)] = THROTTLE_WINDOWS;
    let ratios = if short > long { short } else { long };
    if ratios > THROTTLED_WINDOW { ratios } else { THROTTLED_WINDOW }
};

words! {
    /// Why calls are refused: the label `cause`.
    Cause {
        RequestsPerMinute = "requests_per_minute",
        TokensPerMinute = "tokens_per_minute",
        TokensPerDay = "tokens_per_day",
        /// Refused while settled use is well below every limit: input + max_tokens is reserved at admission.
        Reservation = "reservation",
        ZeroQuota = "zero_quota",
        /// 5xx with few throttles: no quota raise helps.
        Capacity = "capacity",
        Unknown = "unknown",
    }
}

/// Whose refusals are added up: the calls of one model and scope; or those of one id of which either is unknown, or
/// which has a capacity of its own (a custom model deployment, a provisioned throughput).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pool {
    pub model: Option<Arc<str>>,
    pub scope: Option<Scope>,
    /// The id, where it stands alone: two such ids need not spend the same quota.
    pub id: Option<InvocationId>,
}

impl Pool {
    /// The pool that the calls of an id are added to.
    pub fn of(id: &InvocationId, resolution: &Resolution) -> Pool {
        let (model, scope) = (resolution.model.clone(), resolution.scope);
        let stands_alone = model.is_none() || scope.is_none() || resolution.id_type.has_own_capacity();
        Pool { model, scope, id: stands_alone.then(|| id.clone()) }
    }

    /// Whether a quota is one of this pool's model. A custom deployment has rows of its own.
    pub fn is_of_model(&self, key: &QuotaKey) -> bool {
        self.model.as_ref() == Some(&key.model)
            && self.id.is_some() == (key.variant == Variant::CustomDeployment)
    }

    /// The id where the pool is one, else the model.
    pub fn name(&self) -> &str {
        let id = self.id.as_ref().map(|id| id.id.as_ref());
        id.or(self.model.as_deref()).unwrap_or("unknown")
    }
}

/// The throttling of one pool, all its ids added minute by minute: from closed minutes, and from younger ones what is
/// seen of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ThrottleStatus {
    pub pool: Pool,
    /// Window label (`5m`, `30m`; `1m` while calls are refused) and throttles / (invocations + throttles); absent
    /// without attempts.
    pub ratio: Vec<(&'static str, f64)>,
    /// Window label and invocations + throttles.
    pub attempts: Vec<(&'static str, f64)>,
    /// Throttled minutes of the last 15, in seconds.
    pub throttled_seconds: u64,
    /// While throttled within the last 15 minutes.
    pub cause: Option<Cause>,
    /// So many models, this one among them, are refused together for a reason that is none of theirs: the cause is
    /// then unknown. 0: nothing of the kind.
    pub together: usize,
}

impl ThrottleStatus {
    /// Whether calls were tried within the shortest window, and not one was accepted.
    pub(crate) fn is_refused_entirely(&self) -> bool {
        self.ratio.first().is_some_and(|(_, ratio)| *ratio == 1.0)
    }
}
