//! How much of each quota is left, and what rate is safe.

use super::described::described;
use super::safe_rate::{SafeRate, Seen, safe_rate};
use super::source::{Place, Query, Source};
use crate::model::evaluation::{QuotaStatus, ThrottleStatus};
use crate::model::ids::{Scope, State, UsageSource};
use crate::model::matching::{Charge, QuotaKey};
use crate::model::state::TargetState;
use crate::model::usage::InvocationId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

described! {
    /// One quota with what is left of it. Numbers are in the quota's own unit, per minute or, for
    /// `tokens_per_day`, per day (UTC).
    Headroom {
        #[serde(flatten)]
        place: Place,
        model: String,
        endpoint: &'static str,
        scope: &'static str,
        variant: &'static str,
        quota: &'static str,
        /// Empty where no such quota exists.
        quota_code: String,
        quota_name: String,
        state: &'static str,
        limit: Option<f64>,
        default: Option<f64>,
        /// In the newest settled minute; of a day quota since the day began.
        used: Option<f64>,
        /// In the largest minute of the look-back window.
        peak: Option<f64>,
        /// What `used` leaves of the limit.
        remaining: Option<f64>,
        /// The most that was used in a minute in which calls were refused.
        observed_ceiling: Option<f64>,
        /// Whether calls of this model and scope were refused within the last 15 minutes.
        throttled: Option<bool>,
        cause: Option<&'static str>,
        /// How old the newest minute is that is known of every id, when the snapshot was made.
        data_age_seconds: Option<u64>,
        safe_rate: Option<SafeRate>,
        /// Of each number above that is null: why it is not known.
        unknown: BTreeMap<&'static str, &'static str>,
    }
}

described! {
    /// A quantity that calls of an invocation id may spend, though nobody can tell from which quota.
    Unsettled {
        #[serde(flatten)]
        place: Place,
        model_id: String,
        quota: &'static str,
        reason: String,
    }
}

/// What calls of the query's invocation id spend at a target beside the quotas of its headroom. Empty without an id. What is
/// certain not to exist is no such quantity.
pub fn unsettled(source: Source<'_>, state: &TargetState, query: &Query) -> Vec<Unsettled> {
    let Some(id) = &query.model_id else { return Vec::new() };
    let unsettled = charges(state, id).into_iter().filter(|charge| charge.quota.is_none());
    unsettled
        .map(|charge| Unsettled {
            place: source.place(&state.target),
            model_id: id.clone(),
            quota: charge.kind.word(),
            reason: charge.reason,
        })
        .collect()
}

/// Why calls of the query's invocation id spend no quota of some quantity, in words; of the first target that knows.
pub fn why_none(source: Source<'_>, query: &Query) -> Option<String> {
    let id = query.model_id.as_ref()?;
    let mut charges = source.targets(query).flat_map(|state| charges(state, id));
    charges.find(|charge| charge.quota_code().is_none()).map(|charge| charge.reason)
}

fn charges(state: &TargetState, id: &str) -> Vec<Charge> {
    state.memory.index.resolve(&InvocationId::runtime(id)).charges
}

/// The quotas of a target that the query asks for, those without a row included.
pub fn headroom(source: Source<'_>, state: &TargetState, query: &Query) -> Vec<Headroom> {
    wanted(state, query).map(|status| of_quota(source, state, status)).collect()
}

/// Of the quotas that the query asks for, so many at most, of all targets: those that the largest minute of the
/// look-back window brought nearest their limits, the fullest first. Those of which that is not known are none.
pub fn fullest(source: Source<'_>, query: &Query, most: usize) -> Vec<Headroom> {
    let mut all: Vec<(f64, &TargetState, &QuotaStatus)> = Vec::new();
    for state in source.targets(query) {
        let known = wanted(state, query).filter_map(|status| Some((status.peak_ratio?, &**state, status)));
        all.extend(known);
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(most);
    all.into_iter().map(|(_, state, status)| of_quota(source, state, status)).collect()
}

fn wanted<'a>(state: &'a TargetState, query: &'a Query) -> impl Iterator<Item = &'a QuotaStatus> {
    let spent = query.model_id.as_ref().map(|id| spent_by(state, id));
    let quotas = &state.evaluation.quotas[..];
    let ranges = match (&spent, &query.model) {
        (_, Some(model)) => vec![of_model(quotas, model)],
        (Some(keys), None) => {
            let models: BTreeSet<&str> = keys.iter().map(|key| &*key.model).collect();
            models.into_iter().map(|model| of_model(quotas, model)).collect()
        }
        (None, None) => vec![quotas],
    };
    ranges.into_iter().flatten().map(|status| &**status).filter(move |status| {
        let key = &status.quota.key;
        spent.as_ref().is_none_or(|keys| keys.contains(key))
            && query.scope.as_ref().is_none_or(|scope| scope == key.scope.word())
    })
}

/// Quotas are sorted by their keys, which begin with the model: a fleet has a hundred thousand.
fn of_model<'a>(quotas: &'a [Arc<QuotaStatus>], model: &str) -> &'a [Arc<QuotaStatus>] {
    let from = quotas.partition_point(|status| *status.quota.key.model < *model);
    let rest = &quotas[from..];
    &rest[..rest.partition_point(|status| *status.quota.key.model == *model)]
}

/// The quotas that calls of an invocation id spend.
fn spent_by(state: &TargetState, id: &str) -> Vec<QuotaKey> {
    let index = &state.memory.index;
    let ids = [InvocationId::runtime(id), InvocationId::mantle(id)];
    let charges = ids.iter().flat_map(|id| index.resolve(id).charges);
    charges.filter_map(|charge| charge.quota).collect()
}

fn of_quota(source: Source<'_>, state: &TargetState, status: &QuotaStatus) -> Headroom {
    let quota = &status.quota;
    let key = &quota.key;
    let pools = || state.evaluation.throttling.iter().filter(|throttling| spends(throttling, key));
    let refused = pools().filter(|throttling| throttling.throttled_seconds > 0);
    let cause = refused.max_by_key(|throttling| throttling.throttled_seconds).and_then(|pool| pool.cause);
    let ceiling = status.throttled_ratio.zip(quota.limit).map(|(ratio, limit)| ratio * limit);
    let throttled = pools().map(|throttling| throttling.throttled_seconds > 0).reduce(|a, b| a || b);
    let is_measured = status.usage.is_some() || status.peak.is_some();
    let cannot_be_measured =
        status.usage_source == UsageSource::None && state.evaluation.complete_until.is_some();
    let seen = match (is_measured, throttled.is_some() || cannot_be_measured) {
        (true, _) => Seen::Measured,
        (false, true) => Seen::Unmeasured,
        (false, false) => Seen::Unread,
    };
    let at = source.snapshot.at;
    let mut headroom = Headroom {
        place: source.place(&state.target),
        model: key.model.to_string(),
        endpoint: key.endpoint.word(),
        scope: key.scope.word(),
        variant: key.variant.word(),
        quota: key.kind.word(),
        quota_code: key.code.to_string(),
        quota_name: quota.name.clone(),
        state: status.state.word(),
        limit: quota.limit,
        default: quota.default,
        used: status.usage,
        peak: status.peak,
        remaining: quota.limit.zip(status.usage).map(|(limit, used)| (limit - used).max(0.0)),
        observed_ceiling: ceiling,
        throttled,
        cause: cause.map(|cause| cause.word()),
        data_age_seconds: state.evaluation.complete_until.map(|until| at.since(until)),
        safe_rate: safe_rate(key.kind, quota.limit, ceiling, cause, seen),
        unknown: BTreeMap::new(),
    };
    headroom.unknown = unknown(&headroom, status, state.evaluation.usage_known);
    headroom
}

/// Whether calls of the pool spend the quota. A regional row is shared by on-demand and cross-region calls.
fn spends(throttling: &ThrottleStatus, key: &QuotaKey) -> bool {
    let scope = throttling.pool.scope;
    let is_shared =
        key.scope == Scope::Regional && matches!(scope, Some(Scope::OnDemand | Scope::CrossRegion));
    throttling.pool.is_of_model(key) && (scope == Some(key.scope) || is_shared)
}

/// Why each number that is null is not known.
fn unknown(
    headroom: &Headroom,
    status: &QuotaStatus,
    usage_known: bool,
) -> BTreeMap<&'static str, &'static str> {
    let limit = match status.state {
        State::Error => "Service Quotas answered with an error for this quota",
        State::NoSuchQuota => "no quota names this model in this scope",
        State::NotListed => "only AWS's default is listed: no applied value",
        State::Zero | State::Unknown | State::Unmeasurable | State::Ok => "Service Quotas lists no value",
    };
    let used = match (headroom.data_age_seconds, status.usage_source) {
        (None, _) => "usage was not read yet",
        _ if !usage_known => "usage could not be read of late",
        (_, UsageSource::None) => "nothing that CloudWatch publishes measures it",
        _ => "not every id that spends it could be read, or its weight is not known",
    };
    let remaining = if headroom.limit.is_none() { limit } else { used };
    let safe_rate = match (status.quota.key.kind.is_rate(), headroom.limit) {
        (false, _) => "what is limited is in flight or in place, and has no rate",
        (_, None) => limit,
        _ if headroom.observed_ceiling == Some(0.0) => {
            "every call was refused in the fullest minute with refused calls"
        }
        _ => used,
    };
    let default = if status.state == State::NoSuchQuota { limit } else { "AWS lists no default" };
    let throttled = match headroom.data_age_seconds {
        Some(_) if usage_known => "no call was seen of late",
        _ => used,
    };
    let ceiling = "no minute with refused calls is in the look-back window, or use in it is not known";
    [
        ("limit", headroom.limit.is_none(), limit),
        ("default", headroom.default.is_none(), default),
        ("used", headroom.used.is_none(), used),
        ("peak", headroom.peak.is_none(), used),
        ("remaining", headroom.remaining.is_none(), remaining),
        ("observed_ceiling", headroom.observed_ceiling.is_none(), ceiling),
        ("throttled", headroom.throttled.is_none(), throttled),
        ("data_age_seconds", headroom.data_age_seconds.is_none(), "usage was not read yet"),
        ("safe_rate", headroom.safe_rate.is_none(), safe_rate),
    ]
    .into_iter()
    .filter_map(|(field, is_null, why)| is_null.then_some((field, why)))
    .collect()
}
