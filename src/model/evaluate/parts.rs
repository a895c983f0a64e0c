//! What the tiers and projects of each id did in the hour that was read last.

use crate::model::evaluation::{OverflowStatus, PartStatus};
use crate::model::matching::Resolution;
use crate::model::meter::SeriesName;
use crate::model::parts::{Counts, Division, Part, divisions};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::model::usage::{InvocationId, Metric};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of the parts of a target's calls.
pub(super) struct Parts<'a> {
    state: &'a TargetState,
    settings: &'a Settings,
    now: Timestamp,
}

impl<'a> Parts<'a> {
    pub(super) fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Parts<'a> {
        Parts { state, settings, now }
    }

    /// Every part, and what the reserved tier had to leave to others.
    pub(super) fn statuses(&self) -> (Vec<PartStatus>, Vec<OverflowStatus>) {
        let (mut parts, mut overflows) = (Vec::new(), Vec::new());
        for division in divisions(&self.state.memory.parts.listed) {
            let (id, resolution) = (&division.id, self.resolution(&division.id));
            let status = |part: &Part, counts| PartStatus {
                id: id.clone(),
                resolution: resolution.clone(),
                part: part.clone(),
                counts,
            };
            parts.extend(division.parts.iter().map(|(part, series)| status(part, self.counts(series))));
            let rest = self.rest(&division);
            if !rest.is_empty() {
                parts.push(status(&Part::Project(None), rest));
            }
            let overflow = self.overflow(&division);
            overflows.extend(overflow.map(|ratio| OverflowStatus {
                id: id.clone(),
                resolution: resolution.clone(),
                ratio,
            }));
        }
        (parts, overflows)
    }

    fn resolution(&self, id: &InvocationId) -> Arc<Resolution> {
        let memory = &self.state.memory;
        let known = memory.ids.get(id).map(|known| known.resolution.clone());
        known.unwrap_or_else(|| Arc::new(memory.index.resolve(id)))
    }

    fn counts(&self, series: &Counts) -> BTreeMap<Metric, f64> {
        series.iter().filter_map(|(metric, series)| Some((*metric, self.sum(series)?))).collect()
    }

    /// The sum of the hour; `None`: not all of it is known, or it is too old.
    fn sum(&self, series: &SeriesName) -> Option<f64> {
        let answer = self.state.memory.parts.answers.get(series)?;
        let is_known = answer.complete && self.now.since(answer.at) <= self.settings.parts_max_age();
        is_known.then(|| answer.points.values().sum())
    }

    /// What the listed projects leave of all calls. A minute that grew between two series of one answer may make them
    /// more than all: then nobody knows.
    fn rest(&self, division: &Division) -> BTreeMap<Metric, f64> {
        let of_projects = |metric: Metric| {
            let series = division.parts.values().filter_map(|counts| counts.get(&metric));
            series.into_iter().try_fold(0.0, |sum, series| Some(sum + self.sum(series)?))
        };
        let rest = |(metric, whole): (Metric, SeriesName)| {
            let rest = self.sum(&whole)? - of_projects(metric)?;
            (rest >= 0.0).then_some((metric, rest))
        };
        division.whole().into_iter().filter_map(rest).collect()
    }

    /// The share of the calls to the reserved tier that another one served; `None`: there were no such calls, or not all
    /// is known of them.
    fn overflow(&self, division: &Division) -> Option<f64> {
        let (mut all, mut others) = (0.0, 0.0);
        let reserved = division.parts.iter().filter(|(part, _)| part.is_reserved());
        for (part, series) in reserved {
            // A part of which calls were never listed has only refusals.
            let Some(series) = series.get(&Metric::Invocations) else { continue };
            let calls = self.sum(series)?;
            all += calls;
            others += if part.is_overflow() { calls } else { 0.0 };
        }
        (all > 0.0).then(|| others / all)
    }
}
