//! A round's refusals of all ids together, held against those of the ids one by one.

use crate::model::ids::Endpoint;
use crate::model::state::TargetState;
use crate::model::time::Minute;
use crate::model::tripwire;
use crate::model::usage::{InvocationId, Metric, SeriesReading, UsageReading};
use std::collections::BTreeMap;

/// Refusals are whole numbers that come as floats: a difference below this is none.
const ROUNDING: f64 = 0.5;

/// The refusals of one minute.
struct Refusals {
    minute: Minute,
    /// Of all ids together, as the tripwire's series says.
    all: f64,
    /// Of the ids known, added up.
    known: f64,
}

/// What a round's answers say of refusals minute by minute, where they hold an answer of the tripwire's.
pub(crate) struct Reconciliation<'a> {
    answer: &'a SeriesReading,
    minutes: Vec<Refusals>,
}

impl<'a> Reconciliation<'a> {
    pub fn new(state: &TargetState, reading: &'a UsageReading) -> Option<Reconciliation<'a>> {
        let answer = tripwire::answer(reading)?;
        let throttles = reading.minutes.iter().filter(|series| series.metric == Metric::Throttles);
        let read: BTreeMap<&InvocationId, &SeriesReading> = throttles
            .filter(|series| !series.id.is_account_wide())
            .map(|series| (&series.id, series))
            .collect();
        let mut minutes = Vec::new();
        for minute in answer.from.until(answer.until) {
            let all = answer.point(minute).unwrap_or(0.0);
            minutes.push(Refusals { minute, all, known: of_ids(state, &read, minute) });
        }
        Some(Reconciliation { answer, minutes })
    }

    /// Whether calls were refused that no known id explains.
    pub fn is_short(&self) -> bool {
        self.minutes.iter().any(|refusals| refusals.all > refusals.known + ROUNDING)
    }

    /// Whether ids were refused more calls than all ids together, in minutes that no longer grow.
    pub fn is_contradicted(&self, settled: Minute) -> bool {
        let mut minutes = self.minutes.iter().filter(|refusals| refusals.minute < settled);
        self.answer.complete && minutes.any(|refusals| refusals.known > refusals.all + ROUNDING)
    }

    /// Where every refusal is explained, nobody else was refused: what asking those ids would have answered.
    pub fn nobody_else(&self, state: &TargetState, reading: &UsageReading) -> Vec<SeriesReading> {
        if !self.answer.complete || self.is_short() {
            return Vec::new();
        }
        let asked = |id: &InvocationId| {
            reading.minutes.iter().any(|series| series.metric == Metric::Throttles && series.id == *id)
        };
        let unasked = state.memory.ids.keys().filter(|id| id.endpoint == Endpoint::Runtime && !asked(id));
        let mut answers = Vec::new();
        for id in unasked {
            answers.push(SeriesReading { id: id.clone(), points: Vec::new(), ..self.answer.clone() });
        }
        answers
    }
}

/// The refusals of all known ids in a minute: by this round's answer, or else by what was read before.
fn of_ids(state: &TargetState, read: &BTreeMap<&InvocationId, &SeriesReading>, minute: Minute) -> f64 {
    let mut sum = 0.0;
    for (id, series) in read {
        let before = || state.memory.ids.get(*id).and_then(|known| known.history.throttles(minute));
        sum += series.point(minute).or_else(before).unwrap_or(0.0);
    }
    for (id, known) in &state.memory.ids {
        if !read.contains_key(id) {
            sum += known.history.throttles(minute).unwrap_or(0.0);
        }
    }
    sum
}
