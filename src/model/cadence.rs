//! How often each invocation id is read: by what happens on it, and by what may be spent.
//!
//! CloudWatch bills the metrics requested, not the datapoints: one query for five minutes costs a fifth of
//! five queries and holds the same minutes. So calm ids lose freshness and nothing else.

use super::ids::{Endpoint, QuotaKind};
use super::matching::QuotaKey;
use super::minutes::{Metrics, closed};
use super::schedule::wanted;
use super::snapshot::{Known, Settings, TargetState};
use super::time::Timestamp;
use super::usage::{InvocationId, Metric};
use std::collections::BTreeMap;
use std::iter::Sum;

/// GetMetricData's price: $0.01 per 1,000 metrics requested.
pub const DOLLARS_PER_METRIC: f64 = 0.00001;

/// Without a series that adds up the throttles of all ids, those of idle ids are read this often, in seconds.
const IDLE_THROTTLES: u64 = 120;

/// No budget makes an interval longer than this, in seconds.
const LONGEST: u64 = 3600;

/// When ids count as hot or idle, and how often they are read. In seconds; hot ids are read in every round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// A quota whose peak ratio is at least this makes its ids hot, as does a throttle in the look-back window.
    pub hot_ratio: f64,
    pub normal_interval: u64,
    pub idle_interval: u64,
    /// An id without a datapoint for so long is idle.
    pub idle_after: u64,
}

impl Cadence {
    /// How long an id may go unread, in seconds.
    pub(crate) fn longest(&self, budget: Option<f64>) -> u64 {
        let stretched = if budget.is_some() { LONGEST } else { 0 };
        self.idle_interval.max(self.normal_interval).max(stretched)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heat {
    Idle,
    Normal,
    Hot,
}

/// How an id is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// Of the hottest id among those that share a quota with it.
    pub heat: Heat,
    /// Whether the id itself is idle: its Invocations alone tell that it still is.
    pub idle: bool,
}

/// The pace of every known id. A cadence belongs to a quota: what it spent is known for the minutes that are
/// known of all its ids.
pub(crate) fn paces<'a>(
    state: &'a TargetState,
    settings: &Settings,
    cadence: &Cadence,
    now: Timestamp,
) -> BTreeMap<&'a InvocationId, Pace> {
    let own = |known: &Known| own_heat(known, settings, now);
    let mut quotas: BTreeMap<&QuotaKey, Heat> = BTreeMap::new();
    for known in state.memory.ids.values() {
        for key in spent(known) {
            let heat = quotas.entry(key).or_insert(Heat::Idle);
            *heat = own(known).max(*heat);
        }
    }
    for status in state.evaluation.quotas.iter().filter(|q| q.peak_ratio >= Some(cadence.hot_ratio)) {
        if let Some(heat @ Heat::Normal) = quotas.get_mut(&status.quota.key) {
            *heat = Heat::Hot;
        }
    }
    let pace = |known: &Known| {
        let own = own(known);
        let shared = spent(known).filter_map(|key| quotas.get(key).copied()).max();
        Pace { heat: own.max(shared.unwrap_or(own)), idle: own == Heat::Idle }
    };
    state.memory.ids.iter().map(|(id, known)| (id, pace(known))).collect()
}

fn own_heat(known: &Known, settings: &Settings, now: Timestamp) -> Heat {
    let (history, until) = (&known.history, closed(settings, now));
    let throttled = |minute| history.cell(Metric::Throttles, minute).point().is_some_and(|n| n > 0.0);
    if (until - settings.lookback_minutes).until(until).any(throttled) {
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

/// What is read of an id at its pace.
pub(crate) fn metrics(pace: Pace, wanted: Metrics) -> Metrics {
    let alone = [Metric::Invocations, Metric::Throttles];
    wanted.iter().filter(|metric| !pace.idle || alone.contains(metric)).collect()
}

/// Seconds between two readings of a metric. `believed`: the throttles of all ids together are read every
/// round, and their zeros are everybody's.
pub(crate) fn interval(
    pace: Pace,
    metric: Metric,
    believed: bool,
    settings: &Settings,
    cadence: &Cadence,
    stretch: &Stretch,
) -> u64 {
    let round = settings.usage_interval;
    let alarm = metric == Metric::Throttles && !believed;
    let (interval, factor) = match pace.heat {
        _ if metric == Metric::Throttles && pace.idle && believed => (cadence.idle_interval, stretch.idle),
        Heat::Hot => (round, stretch.hot),
        Heat::Normal if alarm => (round, stretch.normal),
        Heat::Normal => (cadence.normal_interval, stretch.normal),
        Heat::Idle if alarm => (IDLE_THROTTLES, stretch.idle),
        Heat::Idle => (cadence.idle_interval, stretch.idle),
    };
    (interval.max(round) as f64 * factor) as u64
}

/// What reading a target takes at intervals that are not stretched: metrics billed a day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// The throttles of all ids together.
    pub tripwire: f64,
    pub idle: f64,
    pub normal: f64,
    pub hot: f64,
}

impl Load {
    pub fn of(state: &TargetState, settings: &Settings, cadence: &Cadence, now: Timestamp) -> Load {
        let tripwire = &state.memory.tripwire;
        let mut load = Load::default();
        if tripwire.is_shown() {
            load.tripwire = 86_400.0 / settings.usage_interval as f64;
        }
        for (id, pace) in paces(state, settings, cadence, now) {
            let Some(known) = state.memory.ids.get(id) else { continue };
            let all = wanted(id, known.history.listed, &known.resolution, settings);
            let believed = tripwire.is_believed() && id.endpoint == Endpoint::Runtime;
            let daily = |metric| {
                let no_stretch = Stretch::default();
                86_400.0 / interval(pace, metric, believed, settings, cadence, &no_stretch) as f64
            };
            let free = |metric| believed && pace.idle && metric == Metric::Throttles;
            let reads = billed(metrics(pace, all)).into_iter().filter(|&metric| !free(metric)).map(daily);
            *match pace.heat {
                Heat::Idle => &mut load.idle,
                Heat::Normal => &mut load.normal,
                Heat::Hot => &mut load.hot,
            } += reads.sum::<f64>();
        }
        load
    }

    fn total(&self) -> f64 {
        self.tripwire + self.idle + self.normal + self.hot
    }
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Load>>(loads: I) -> Load {
        loads.fold(Load::default(), |a, b| Load {
            tripwire: a.tripwire + b.tripwire,
            idle: a.idle + b.idle,
            normal: a.normal + b.normal,
            hot: a.hot + b.hot,
        })
    }
}

/// One metric for each that is billed: up to five statistics of one are billed once.
fn billed(metrics: Metrics) -> Vec<Metric> {
    let sums = metrics.iter().filter(|metric| metric.is_sum());
    let latency = metrics.iter().find(|m| !m.is_sum() && *m < Metric::FirstTokenAverage);
    let first_token = metrics.iter().find(|m| *m >= Metric::FirstTokenAverage);
    sums.chain(latency).chain(first_token).collect()
}

/// By how much a budget stretches the intervals of each heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub idle: f64,
    pub normal: f64,
    pub hot: f64,
}

impl Default for Stretch {
    fn default() -> Stretch {
        Stretch { idle: 1.0, normal: 1.0, hot: 1.0 }
    }
}

impl Stretch {
    /// What keeps `load` within so many dollars a day, the calmest ids stretched first. Every id is still
    /// read at least once an hour, even if that is more than the budget.
    pub fn within(budget: f64, load: &Load, settings: &Settings, cadence: &Cadence) -> Stretch {
        let mut over = load.total() - budget / DOLLARS_PER_METRIC;
        let mut stretch = |load: f64, interval: u64| {
            if over < 1.0 || load <= 0.0 {
                return 1.0;
            }
            let most = (LONGEST as f64 / interval as f64).max(1.0);
            let needed = load / (load - over).max(load / most);
            // In quarters, so that not every id that comes or goes changes the plan.
            let factor = ((needed * 4.0 - 1e-6).ceil() / 4.0).min(most);
            over -= load - load / factor;
            factor
        };
        Stretch {
            idle: stretch(load.idle, cadence.idle_interval),
            normal: stretch(load.normal, cadence.normal_interval),
            hot: stretch(load.hot, settings.usage_interval),
        }
    }

    /// Whether it slows any reading of `load`.
    pub fn slows(&self, load: &Load) -> bool {
        [(self.idle, load.idle), (self.normal, load.normal), (self.hot, load.hot)]
            .iter()
            .any(|(factor, load)| *factor > 1.0 && *load > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CADENCE: Cadence =
        Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 3600 };
    /// $1 a day for idle ids, $4 for normal ones, $5 for hot ones.
    const LOAD: Load = Load { tripwire: 0.0, idle: 1e5, normal: 4e5, hot: 5e5 };

    fn stretch(dollars: f64) -> (f64, f64, f64) {
        let settings = crate::plan::plan(&crate::config::Config::default()).unwrap().settings;
        let Stretch { idle, normal, hot } = Stretch::within(dollars, &LOAD, &settings, &CADENCE);
        (idle, normal, hot)
    }

    #[test]
    fn a_budget_slows_the_calmest_first_and_nobody_beyond_an_hour() {
        let table = [
            (20.0, (1.0, 1.0, 1.0)),
            (10.0, (1.0, 1.0, 1.0)),
            (9.5, (2.0, 1.0, 1.0)),
            (9.25, (4.0, 1.0, 1.0)),
            (7.25, (4.0, 2.0, 1.0)),
            (0.01, (4.0, 12.0, 60.0)),
        ];
        for (dollars, expected) in table {
            assert_eq!(stretch(dollars), expected, "${dollars} a day");
        }
    }

    #[test]
    fn what_is_stretched_fits_the_budget_while_that_is_possible() {
        for cents in 67..1100 {
            let dollars = f64::from(cents) / 100.0;
            let (idle, normal, hot) = stretch(dollars);
            let spent = LOAD.idle / idle + LOAD.normal / normal + LOAD.hot / hot;
            assert!(spent * DOLLARS_PER_METRIC <= dollars + 1e-4, "${dollars}: {spent}");
            let slowed = Stretch { idle, normal, hot }.slows(&LOAD);
            assert_eq!(slowed, dollars < 10.0);
        }
    }
}
