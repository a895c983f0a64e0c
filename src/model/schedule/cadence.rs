//! How often each metric of each invocation id is read: by what happens on the id, by what the metric decides, and by
//! what may be spent.
//!
//! CloudWatch bills the metrics requested, not the datapoints: one query for five minutes costs a fifth of
//! five queries and holds the same minutes. So calm ids, and details of any, lose freshness and nothing else.

use crate::model::budget::Stretch;
use crate::model::decisive::{deciding, spent};
use crate::model::ids::{Endpoint, QuotaKind};
use crate::model::matching::{QuotaKey, Resolution};
use crate::model::settings::{Cadence, Settings};
use crate::model::state::{Known, TargetState};
use crate::model::time::Timestamp;
use crate::model::usage::{InvocationId, Metric, MetricSet};
use std::collections::BTreeMap;

/// Without a series that adds up the throttles of all ids, those of idle ids are read this often, in seconds.
const IDLE_THROTTLES: u64 = 120;

/// How long after calls began to be refused usage is read this often, both in seconds: whether that is worth a page
/// shows with the next datapoints, and each may come at any moment.
pub(super) const ALARM: u64 = 180;
pub(super) const ALARM_ROUND: u64 = 20;

/// How much attention an id, the quota it spends, or one of its metrics needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heat {
    Idle,
    Normal,
    Hot,
    /// Calls are refused: how they end is read in every round, for the page and for its cause.
    Refused,
}

/// How busy an id is, and with it how often each of its metrics is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Activity {
    /// Of the hottest id among those that share a quota with it.
    pub heat: Heat,
    /// Whether the id itself is idle: how its calls ended tells that it still is.
    pub idle: bool,
    /// Metrics that are read in every round, and those that are read like what decides of normal ids. All others are
    /// read like idle ids.
    hot: MetricSet,
    normal: MetricSet,
}

impl Activity {
    /// Of an id with this heat of its own. `quotas`: what it spends, each by the metrics that decide about it and with
    /// the heat of the hottest id that shares it.
    pub(crate) fn new(own: Heat, quotas: impl IntoIterator<Item = (Heat, MetricSet)>) -> Activity {
        let idle = own == Heat::Idle;
        let none = MetricSet::default();
        let mut activity = Activity { heat: own, idle, hot: none, normal: none };
        for (heat, deciding) in quotas {
            activity.heat = activity.heat.max(heat);
            // Of a silent id its calls alone tell that it spends nothing of a quota that others spend.
            activity.read(if idle { none.with(Metric::Invocations) } else { deciding }, heat);
        }
        let outcomes: MetricSet = Metric::OF_IDLE.into_iter().collect();
        match activity.heat {
            Heat::Refused => activity.read(outcomes, Heat::Refused),
            // Who is near a limit is refused first. Of an idle id all ids together tell.
            Heat::Hot if !idle => activity.read(none.with(Metric::Throttles), Heat::Hot),
            _ => {}
        }
        // Whoever looks at a hot id looks at its details as well.
        if activity.heat >= Heat::Hot {
            activity.read(Metric::ALL.iter().copied().collect(), Heat::Normal);
        } else if !idle {
            // Pages hang on the failures of AWS as well.
            activity.read([Metric::Invocations, Metric::ServerErrors].into_iter().collect(), Heat::Normal);
        }
        activity
    }

    fn read(&mut self, metrics: MetricSet, heat: Heat) {
        match heat {
            Heat::Idle => {}
            Heat::Normal => self.normal = self.normal.union(metrics),
            Heat::Hot | Heat::Refused => self.hot = self.hot.union(metrics),
        }
    }

    /// By the heat of which ids a metric is read. The statistics of one CloudWatch metric are billed together.
    pub(crate) fn pace(&self, metric: Metric) -> Heat {
        if self.hot.has(metric.billed_as()) {
            Heat::Hot
        } else if self.normal.has(metric.billed_as()) {
            Heat::Normal
        } else {
            Heat::Idle
        }
    }
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
    // First what each quota needs, by the hottest of its ids; then what that asks of every id that shares it.
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
        let shared = |key: &QuotaKey| quotas.get(key).copied().unwrap_or(own[id]);
        let quotas = spent(known).map(|key| (shared(key), deciding(key.kind, &known.history)));
        activities.insert(id, Activity::new(own[id], quotas));
    }
    activities
}

fn own_heat(known: &Known, settings: &Settings, now: Timestamp) -> Heat {
    let history = &known.history;
    let mut window = (settings.closed(now) - settings.lookback_minutes).until(now.minute());
    // Refusals first: an id whose calls are all refused has nothing else to show, and is not idle.
    if window.any(|minute| history.is_throttled(minute)) {
        Heat::Refused
    } else if history.is_idle(settings.idle_minutes()) {
        Heat::Idle
    } else {
        Heat::Normal
    }
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
    // Before it is listed nobody knows what else it publishes, and every metric asked for is billed.
    let Some(listed) = listed else { return always };
    let sums = listed.iter().filter(|metric| metric.is_sum());
    let concurrent = resolution.charges.iter().any(|charge| charge.kind == QuotaKind::ConcurrentRequests);
    let little = concurrent.then_some(Metric::LatencyAverage);
    let timings = settings.statistics.iter().copied().chain(little);
    let timings = timings.filter(|&metric| listed.has_any_statistic_of(metric));
    sums.chain(timings).collect::<MetricSet>().union(always)
}

/// What is read of an id as busy as that.
pub(crate) fn metrics(activity: &Activity, wanted: MetricSet) -> MetricSet {
    wanted.iter().filter(|metric| !activity.idle || Metric::OF_IDLE.contains(metric)).collect()
}

/// Seconds between two readings of a metric, and the heat whose share of a budget that takes. `believed`: the throttles
/// of all ids together are read every round, and their zeros are everybody's.
pub(crate) fn interval(
    activity: &Activity,
    metric: Metric,
    believed: bool,
    settings: &Settings,
    cadence: &Cadence,
    stretch: &Stretch,
) -> (u64, Heat) {
    let round = settings.usage_interval;
    // Nobody else would tell of this id's refusals.
    let alarm = metric == Metric::Throttles && !believed;
    let pace = if alarm { activity.heat } else { activity.pace(metric) };
    let (interval, factor) = match pace {
        Heat::Hot | Heat::Refused => (round, stretch.hot),
        Heat::Normal if alarm => (round, stretch.normal),
        Heat::Normal => (cadence.normal_interval, stretch.normal),
        Heat::Idle if alarm => (IDLE_THROTTLES, stretch.idle),
        Heat::Idle => (cadence.idle_interval, stretch.idle),
    };
    // A longer round is the user's wish, and holds for every heat.
    ((interval.max(round) as f64 * factor) as u64, pace)
}
