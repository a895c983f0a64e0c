//! How often each invocation id is read: by what happens on it, and by what may be spent.
//!
//! CloudWatch bills the metrics requested, not the datapoints: one query for five minutes costs a fifth of
//! five queries and holds the same minutes. So calm ids lose freshness and nothing else.

use crate::model::budget::Stretch;
use crate::model::ids::{Endpoint, QuotaKind};
use crate::model::matching::{QuotaKey, Resolution};
use crate::model::settings::{Cadence, Settings};
use crate::model::state::{Known, TargetState};
use crate::model::time::Timestamp;
use crate::model::usage::{InvocationId, Metric, MetricSet};
use std::collections::BTreeMap;

/// Without a series that adds up the throttles of all ids, those of idle ids are read this often, in seconds.
const IDLE_THROTTLES: u64 = 120;

/// How much attention an id, or the quota it spends, needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heat {
    Idle,
    Normal,
    Hot,
}

/// How busy an id is, and with it how often it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Activity {
    /// Of the hottest id among those that share a quota with it.
    pub heat: Heat,
    /// Whether the id itself is idle: how its calls ended tells that it still is.
    pub idle: bool,
}

/// The activity of every known id. A cadence belongs to a quota, not to an id: what a quota has spent is known
/// only for the minutes that are known of all its ids, so the hottest of them sets the pace for all.
pub(crate) fn activities<'a>(
    state: &'a TargetState,
    settings: &Settings,
    cadence: &Cadence,
    now: Timestamp,
) -> BTreeMap<&'a InvocationId, Activity> {
    let ids = &state.memory.ids;
    let own: BTreeMap<&InvocationId, Heat> =
        ids.iter().map(|(id, known)| (id, own_heat(known, settings, now))).collect();
    let mut quotas: BTreeMap<&QuotaKey, Heat> = BTreeMap::new();
    for (id, known) in ids {
        for key in spent(known) {
            let heat = quotas.entry(key).or_insert(Heat::Idle);
            *heat = own[id].max(*heat);
        }
    }
    for status in state.evaluation.quotas.iter().filter(|q| q.peak_ratio >= Some(cadence.hot_ratio)) {
        // A peak of the past does not make a quota hot whose ids have all fallen silent since.
        if let Some(heat @ Heat::Normal) = quotas.get_mut(&status.quota.key) {
            *heat = Heat::Hot;
        }
    }
    let mut activities = BTreeMap::new();
    for (id, known) in ids {
        let shared = spent(known).filter_map(|key| quotas.get(key).copied()).max();
        let heat = own[id].max(shared.unwrap_or(own[id]));
        activities.insert(id, Activity { heat, idle: own[id] == Heat::Idle });
    }
    activities
}

fn own_heat(known: &Known, settings: &Settings, now: Timestamp) -> Heat {
    let history = &known.history;
    let mut window = (settings.closed(now) - settings.lookback_minutes).until(now.minute());
    // Refusals first: an id whose calls are all refused has nothing else to show, and is not idle.
    if window.any(|minute| history.is_throttled(minute)) {
        Heat::Hot
    } else if history.is_idle(settings.idle_minutes()) {
        Heat::Idle
    } else {
        Heat::Normal
    }
}

/// The quotas that reading an id tells something about; model units and jobs are counted elsewhere.
pub(crate) fn spent(known: &Known) -> impl Iterator<Item = &QuotaKey> {
    let keys = known.resolution.charges.iter().filter_map(|charge| charge.quota.as_ref());
    keys.filter(|key| !matches!(key.kind, QuotaKind::BatchJobs | QuotaKind::ModelUnits))
}

/// The metrics to read of an id: what ListMetrics shows for it, always its invocations and throttles
/// (a model refused from its first call on has no other), and the latencies that the config names or
/// that estimate a concurrency.
pub(crate) fn wanted(
    id: &InvocationId,
    listed: Option<MetricSet>,
    resolution: &Resolution,
    settings: &Settings,
) -> MetricSet {
    let always = match id.endpoint {
        Endpoint::Runtime => [Metric::Invocations, Metric::Throttles].into_iter().collect(),
        Endpoint::Mantle => MetricSet::default().with(Metric::Invocations),
    };
    let Some(listed) = listed else { return always };
    let sums = listed.iter().filter(|metric| metric.is_sum());
    let concurrent = resolution.charges.iter().any(|charge| charge.kind == QuotaKind::ConcurrentRequests);
    let little = concurrent.then_some(Metric::LatencyAverage);
    let timings = settings.statistics.iter().copied().chain(little);
    let timings = timings.filter(|&metric| listed.has_any_statistic_of(metric));
    sums.chain(timings).collect::<MetricSet>().union(always)
}

/// What is read of an id as busy as that.
pub(crate) fn metrics(activity: Activity, wanted: MetricSet) -> MetricSet {
    wanted.iter().filter(|metric| !activity.idle || Metric::OF_IDLE.contains(metric)).collect()
}

/// Seconds between two readings of a metric. `believed`: the throttles of all ids together are read every
/// round, and their zeros are everybody's.
pub(crate) fn interval(
    activity: Activity,
    metric: Metric,
    believed: bool,
    settings: &Settings,
    cadence: &Cadence,
    stretch: &Stretch,
) -> u64 {
    let round = settings.usage_interval;
    // Nobody else would tell of this id's refusals.
    let alarm = metric == Metric::Throttles && !believed;
    let (interval, factor) = match activity.heat {
        _ if metric == Metric::Throttles && activity.idle && believed => {
            (cadence.idle_interval, stretch.idle)
        }
        Heat::Hot => (round, stretch.hot),
        Heat::Normal if alarm => (round, stretch.normal),
        Heat::Normal => (cadence.normal_interval, stretch.normal),
        Heat::Idle if alarm => (IDLE_THROTTLES, stretch.idle),
        Heat::Idle => (cadence.idle_interval, stretch.idle),
    };
    (interval.max(round) as f64 * factor) as u64
}
