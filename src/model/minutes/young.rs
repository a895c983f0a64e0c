//! Minutes that are too young to be used: what is seen in them is a fact, what is not may only be late.

use crate::model::time::Minute;
use crate::model::usage::{Metric, SeriesReading};

/// The calls and refusals that CloudWatch has shown of minutes that are not closed yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Young(Vec<(Metric, Minute, f64)>);

impl Young {
    /// What of them decides whether somebody is woken.
    const METRICS: [Metric; 2] = [Metric::Invocations, Metric::Throttles];

    /// Takes in a round's datapoints, and forgets the minutes that are closed by now: their columns have them.
    pub(super) fn see(&mut self, readings: &[&SeriesReading], closed: Minute) {
        self.0.retain(|(_, minute, _)| *minute >= closed);
        for reading in readings.iter().filter(|reading| Young::METRICS.contains(&reading.metric)) {
            let young = reading.points.iter().filter(|(minute, value)| {
                *minute >= closed && *minute < reading.until && value.is_finite() && *value >= 0.0
            });
            for &(minute, value) in young {
                self.0.retain(|(metric, at, _)| (*metric, *at) != (reading.metric, minute));
                self.0.push((reading.metric, minute, value));
            }
        }
    }

    pub(super) fn point(&self, metric: Metric, minute: Minute) -> Option<f64> {
        let found = self.0.iter().find(|(of, at, _)| (*of, *at) == (metric, minute));
        found.map(|&(_, _, value)| value)
    }
}
