//! What reading a target costs, before any budget slows it.

use super::cadence::{ALARM, ALARM_ROUND, Activity, Heat, activities, interval, metrics, wanted};
use super::{parts, service};
use crate::model::budget::{Load, Stretch};
use crate::model::ids::Endpoint;
use crate::model::settings::{Cadence, Settings};
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::model::usage::{Metric, MetricSet};
use std::collections::BTreeMap;

const DAY: f64 = 86_400.0;

/// The metrics that are billed a day for a target as busy as it is now.
pub(crate) fn load(state: &TargetState, settings: &Settings, cadence: &Cadence, now: Timestamp) -> Load {
    let tripwire = &state.memory.tripwire;
    let mut load = Load::default();
    if tripwire.is_shown() {
        load.tripwire = DAY / settings.usage_interval as f64;
    }
    if tripwire.is_believed(Metric::Invocations) {
        load.normal += DAY / calls_interval(settings, cadence, &Stretch::default()) as f64;
    }
    load.tripwire += parts::load(state, now);
    load = load + service::load(state, settings);
    for (id, activity) in activities(state, settings, cadence, now) {
        let Some(known) = state.memory.ids.get(id) else { continue };
        let wanted = wanted(id, known.history.listed, &known.resolution, settings);
        let believed = tripwire.is_believed(Metric::Throttles) && id.endpoint == Endpoint::Runtime;
        for ((pace, interval), metrics) in billed(&activity, wanted, believed, settings, cadence) {
            let daily = f64::from(metrics) * DAY / interval as f64;
            match pace {
                Heat::Idle => load.idle += daily,
                Heat::Normal => load.normal += daily,
                Heat::Hot | Heat::Refused => load.hot += daily,
            }
        }
    }
    load
}

/// How many metrics of an id as busy as that are billed how often, as seconds between two readings: for a price told
/// beforehand. Assumed are a token quota with an estimate in every minute, and a series of the refusals of all ids.
pub(crate) fn assumed(
    heat: Heat,
    wanted: MetricSet,
    settings: &Settings,
    cadence: &Cadence,
) -> BTreeMap<u64, u32> {
    let estimate = MetricSet::default().with(Metric::EstimatedTokens);
    let activity = Activity::new(heat, [(heat, estimate)]);
    let mut assumed = BTreeMap::new();
    for ((_, interval), metrics) in billed(&activity, wanted, true, settings, cadence) {
        *assumed.entry(interval).or_default() += metrics;
    }
    assumed
}

/// The metrics that an hour of refusals on one normal id adds, assumed likewise, where so many ids are known and so many
/// of them are hot.
pub(crate) fn storm(
    wanted: MetricSet,
    (ids, hot): (f64, f64),
    settings: &Settings,
    cadence: &Cadence,
) -> f64 {
    const HOUR: f64 = 3600.0;
    let hourly = |heat| -> f64 {
        let assumed = assumed(heat, wanted, settings, cadence).into_iter();
        assumed.map(|(interval, metrics)| f64::from(metrics) * HOUR / interval as f64).sum()
    };
    let hours = 1.0 + settings.lookback_minutes as f64 / 60.0;
    let refused = (hourly(Heat::Refused) - hourly(Heat::Normal)) * hours;
    // The throttles of every id are read once, and the refused one wholly.
    let found = ids + f64::from(wanted.billed().iter().count() as u32);
    // In the rounds that come sooner: throttles of all ids, and what may wake of those that are read every round.
    let sooner = (ALARM / ALARM_ROUND).saturating_sub(ALARM / settings.usage_interval);
    let alarm = sooner as f64 * (1.0 + 2.0 * (hot + 1.0));
    refused + found + alarm
}

/// How many metrics of an id are billed how often: by the heat they are read by, and the seconds between two readings.
fn billed(
    activity: &Activity,
    wanted: MetricSet,
    believed: bool,
    settings: &Settings,
    cadence: &Cadence,
) -> BTreeMap<(Heat, u64), u32> {
    let mut billed = BTreeMap::new();
    for metric in metrics(activity, wanted).billed().iter() {
        // The tripwire has already answered these.
        if believed && activity.idle && metric == Metric::Throttles {
            continue;
        }
        let (interval, pace) = interval(activity, metric, believed, settings, cadence, &Stretch::default());
        *billed.entry((pace, interval)).or_default() += 1;
    }
    billed
}

/// Seconds between two readings of the calls of all ids together: what they are held against comes no sooner.
pub(crate) fn calls_interval(settings: &Settings, cadence: &Cadence, stretch: &Stretch) -> u64 {
    (cadence.normal_interval.max(settings.usage_interval) as f64 * stretch.normal) as u64
}
