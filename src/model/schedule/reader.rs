//! What of an id is due, and over which minutes it is read.

use super::cadence::{self, Activity, wanted};
use crate::model::request::SeriesRequest;
use crate::model::settings::{Cadence, Settings};
use crate::model::state::{Known, TargetState};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric, MetricSet, oldest_readable};
use std::collections::BTreeMap;

/// What of an id is due.
pub(super) struct Reader<'a> {
    pub state: &'a TargetState,
    pub settings: &'a Settings,
    pub now: Timestamp,
    /// `None`: everything is read in every round.
    activities: Option<(Cadence, BTreeMap<&'a InvocationId, Activity>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Reader<'a> {
        let activities =
            settings.cadence.map(|cadence| (cadence, cadence::activities(state, settings, &cadence, now)));
        Reader { state, settings, now, activities }
    }

    /// Everything that is read of an id while it is as it is.
    pub(super) fn metrics(&self, id: &InvocationId, known: &Known) -> MetricSet {
        let wanted = wanted(id, known.history.listed, &known.resolution, self.settings);
        self.activity(id).map_or(wanted, |activity| cadence::metrics(activity, wanted))
    }

    pub(super) fn activity(&self, id: &InvocationId) -> Option<&Activity> {
        self.activities.as_ref().and_then(|(_, activities)| activities.get(id))
    }

    /// Whether the next round would come too late for a metric.
    pub(super) fn is_due(&self, id: &InvocationId, known: &Known, metric: Metric) -> bool {
        let (Some((cadence, _)), Some(activity)) = (&self.activities, self.activity(id)) else { return true };
        let Some(read) = known.history.settled_until(metric) else { return true };
        if read >= self.settings.settled(self.now) && !may_wake(metric) {
            return false; // nothing has settled since: the rounds of an alarm come closer than minutes
        }
        if metric == Metric::Throttles && self.is_audit_due(id, known, activity) {
            return true;
        }
        let memory = &self.state.memory;
        let believed = memory.tripwire.is_believed(Metric::Throttles);
        let (interval, _) =
            cadence::interval(activity, metric, believed, self.settings, cadence, &memory.stretch);
        // An idle id's rounds must not be late: what it did since has to fit into the look-back window.
        let late = if activity.idle { self.settings.usage_interval / 10 } else { 0 };
        is_late(read, interval, late, self.settings, self.now)
    }

    /// The zeros of an id's throttles may come from the tripwire: reading them with its details shows whether that is
    /// right.
    fn is_audit_due(&self, id: &InvocationId, known: &Known, activity: &Activity) -> bool {
        let others = self.metrics(id, known).without(MetricSet::default().with(Metric::Throttles));
        let slowest = others.iter().map(|metric| activity.pace(metric)).min();
        let mut details = others.iter().filter(|&metric| Some(activity.pace(metric)) == slowest);
        !activity.idle && details.any(|metric| self.is_due(id, known, metric))
    }

    pub(super) fn series(
        &self,
        id: &InvocationId,
        known: &Known,
        metrics: impl Iterator<Item = Metric>,
        (new_from, closed): (Minute, Minute),
    ) -> Vec<SeriesRequest> {
        let oldest = oldest_readable(self.now);
        let mut requests = Vec::new();
        for metric in metrics {
            let until = read_until(metric, closed, self.now);
            let unread = || known.history.resumes_from(metric).map_or(new_from, |from| from.min(new_from));
            let from = known.history.read_from(metric).unwrap_or_else(unread).max(oldest);
            if from < until {
                let names = known.history.names(metric);
                requests.extend(names.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
            }
        }
        requests
    }
}

/// Whether the next round would come too late for what is read until a minute, and every so many seconds.
pub(super) fn is_late(read: Minute, interval: u64, late: u64, settings: &Settings, now: Timestamp) -> bool {
    let next = settings.settled(now.plus(settings.usage_interval + late));
    interval <= settings.usage_interval || next.0 - read.0 > interval as i64 / 60
}

/// The first minute that is not read of a metric. Young minutes are read of what may wake somebody: CloudWatch bills
/// no datapoints, and a refusal that is seen is a fact.
pub(super) fn read_until(metric: Metric, closed: Minute, now: Timestamp) -> Minute {
    if may_wake(metric) { now.minute() } else { closed }
}

/// Whether a datapoint of a metric may be worth a page as soon as it is published.
fn may_wake(metric: Metric) -> bool {
    [Metric::Invocations, Metric::Throttles].contains(&metric.canonical())
}
