//! What reading a target costs, before any budget slows it.

use super::cadence::{Activity, Heat, activities, interval, metrics, wanted};
use super::{parts, service};
use crate::model::budget::{Load, Stretch};
use crate::model::ids::Endpoint;
use crate::model::settings::{Cadence, Settings};
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::model::usage::{Metric, MetricSet};

const DAY: f64 = 86_400.0;

/// The metrics that are billed a day for a target as busy as it is now.
pub(crate) fn load(state: &TargetState, settings: &Settings, cadence: &Cadence, now: Timestamp) -> Load {
    let tripwire = &state.memory.tripwire;
    let mut load = Load::default();
    if tripwire.is_shown() {
        let calls = tripwire.is_believed(Metric::Invocations);
        load.tripwire = (1.0 + f64::from(calls)) * DAY / settings.usage_interval as f64;
    }
    let (watched, calm) = service::load(state, settings);
    (load.tripwire, load.idle) = (load.tripwire + watched + parts::load(state, now), load.idle + calm);
    for (id, activity) in activities(state, settings, cadence, now) {
        let Some(known) = state.memory.ids.get(id) else { continue };
        let wanted = wanted(id, known.history.listed, &known.resolution, settings);
        let believed = tripwire.is_believed(Metric::Throttles) && id.endpoint == Endpoint::Runtime;
        let daily = daily(activity, wanted, believed, settings, cadence);
        match activity.heat {
            Heat::Idle => load.idle += daily,
            Heat::Normal => load.normal += daily,
            Heat::Hot => load.hot += daily,
        }
    }
    load
}

fn daily(
    activity: Activity,
    wanted: MetricSet,
    believed: bool,
    settings: &Settings,
    cadence: &Cadence,
) -> f64 {
    let mut daily = 0.0;
    for metric in metrics(activity, wanted).billed().iter() {
        // The tripwire has already answered these.
        if believed && activity.idle && metric == Metric::Throttles {
            continue;
        }
        let interval = interval(activity, metric, believed, settings, cadence, &Stretch::default());
        daily += DAY / interval as f64;
    }
    daily
}
