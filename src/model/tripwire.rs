//! The tripwire: the throttles of all ids together, one query a round. It is what makes it safe to read calm
//! ids seldom: while it shows nothing that hot ids do not explain, nobody else is refused.

use super::ids::Endpoint;
use super::minutes::{Ages, History, Metrics, closed};
use super::snapshot::{SeriesRequest, Settings, TargetState};
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, ListedId, Metric, SeriesReading, UsageReading};
use std::collections::BTreeMap;
use std::sync::Arc;

/// CloudWatch's InvocationThrottles without dimensions, as far as ListMetrics has shown such series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tripwire {
    history: Option<Arc<History>>,
    /// It once held less than its ids together: it is no sum over all of them.
    doubted: bool,
}

impl Tripwire {
    /// Whether the target has series without dimensions at all. CloudWatch lists InvocationThrottles among
    /// them only after a first refusal, so it is asked for before that.
    pub fn is_shown(&self) -> bool {
        self.history.is_some()
    }

    /// Whether its zeros are everybody's: only where ListMetrics has shown the series itself.
    pub fn is_believed(&self) -> bool {
        !self.doubted
            && self.history.as_ref().is_some_and(|h| h.listed.is_some_and(|l| l.has(Metric::Throttles)))
    }

    pub fn show(&mut self, listed: &ListedId, at: Timestamp) {
        let history = self.history.get_or_insert_with(|| Arc::new(History::new(at, None)));
        Arc::make_mut(history).show(listed);
    }

    /// The query of a round; `first`: from where it is read the first time.
    pub fn request(&self, first: Minute, until: Minute) -> Option<SeriesRequest> {
        let history = self.history.as_ref()?;
        let from = history.settled_until(Metric::Throttles).unwrap_or(first);
        let id = InvocationId::account_wide();
        (from < until).then_some(SeriesRequest { id, metric: Metric::Throttles, from, until })
    }

    pub fn observe(&mut self, reading: &UsageReading, ages: &Ages) {
        let (Some(history), Some(answer)) = (&mut self.history, answer(reading)) else { return };
        Arc::make_mut(history).ingest(Metrics::default().with(Metric::Throttles), &[answer], ages);
    }

    pub fn doubt(&mut self) {
        self.doubted = true;
    }
}

/// What a round's answers say of all throttles, minute by minute: all together, and those of known ids.
pub(crate) struct Account<'a> {
    answer: &'a SeriesReading,
    minutes: Vec<(Minute, f64, f64)>,
}

impl<'a> Account<'a> {
    pub fn new(state: &TargetState, reading: &'a UsageReading) -> Option<Account<'a>> {
        let answer = answer(reading)?;
        let of_ids = reading.minutes.iter().filter(|s| s.metric == Metric::Throttles);
        let read: BTreeMap<&InvocationId, &SeriesReading> =
            of_ids.filter(|s| !s.id.is_account_wide()).map(|s| (&s.id, s)).collect();
        let ids: Vec<&InvocationId> = state.memory.ids.keys().filter(|id| !read.contains_key(id)).collect();
        let known = |id: &InvocationId, minute| {
            let known = state.memory.ids.get(id)?;
            known.history.cell(Metric::Throttles, minute).point()
        };
        let own = |minute: Minute| {
            let now = read.iter().filter_map(|(id, s)| point(s, minute).or_else(|| known(id, minute)));
            now.chain(ids.iter().filter_map(|id| known(id, minute))).sum()
        };
        let minutes = answer.from.until(answer.until);
        let minutes = minutes.map(|m| (m, point(answer, m).unwrap_or(0.0), own(m))).collect();
        Some(Account { answer, minutes })
    }

    /// Whether calls were refused that no known id explains.
    pub fn is_short(&self) -> bool {
        self.minutes.iter().any(|(_, all, own)| *all > own + 0.5)
    }

    /// Whether ids were refused more calls than all ids together, in minutes that no longer grow.
    pub fn is_contradicted(&self, settled: Minute) -> bool {
        let mut minutes = self.minutes.iter().filter(|(minute, ..)| *minute < settled);
        self.answer.complete && minutes.any(|(_, all, own)| *own > all + 0.5)
    }

    /// Where every refusal is explained, nobody else was refused: what asking those ids would have answered.
    pub fn nobody_else(&self, state: &TargetState, reading: &UsageReading) -> Vec<SeriesReading> {
        if !self.answer.complete || self.is_short() {
            return Vec::new();
        }
        let asked =
            |id: &InvocationId| reading.minutes.iter().any(|s| s.metric == Metric::Throttles && s.id == *id);
        let ids = state.memory.ids.keys().filter(|id| id.endpoint == Endpoint::Runtime && !asked(id));
        let nothing =
            |id: &InvocationId| SeriesReading { id: id.clone(), points: Vec::new(), ..self.answer.clone() };
        ids.map(nothing).collect()
    }
}

fn answer(reading: &UsageReading) -> Option<&SeriesReading> {
    reading.minutes.iter().find(|series| series.id.is_account_wide())
}

fn point(series: &SeriesReading, minute: Minute) -> Option<f64> {
    series.points.iter().rev().find(|(at, _)| *at == minute).map(|&(_, value)| value)
}

/// The first minute a tripwire is read from: every throttle that may still make an id hot.
pub(crate) fn first(settings: &Settings, now: Timestamp) -> Minute {
    closed(settings, now) - settings.lookback_minutes
}
