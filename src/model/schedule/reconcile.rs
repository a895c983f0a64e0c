//! A round's calls or refusals of all ids together, held against those of the ids one by one.

use crate::model::ids::Endpoint;
use crate::model::minutes::Cell;
use crate::model::state::{Known, TargetState};
use crate::model::time::Minute;
use crate::model::tripwire;
use crate::model::usage::{InvocationId, LATE_MINUTES, Metric, SeriesReading, UsageReading};
use std::collections::BTreeMap;

/// Counts are whole numbers that come as floats: a difference below this is none.
const ROUNDING: f64 = 0.5;

/// The calls or refusals of one minute.
struct Counted {
    minute: Minute,
    /// Of all ids together, as the series without dimensions says.
    all: f64,
    /// Of the ids known, added up.
    known: f64,
    /// Whether that is known of every id.
    is_whole: bool,
}

/// What a round's answers say of one metric minute by minute, where they hold one for all ids together.
pub(crate) struct Reconciliation<'a> {
    answer: &'a SeriesReading,
    minutes: Vec<Counted>,
}

impl<'a> Reconciliation<'a> {
    pub(crate) fn new(
        state: &TargetState,
        reading: &'a UsageReading,
        metric: Metric,
    ) -> Option<Reconciliation<'a>> {
        let answer = tripwire::answer(reading, metric)?;
        let of_metric = reading.minutes.iter().filter(|series| series.metric == metric);
        let read: BTreeMap<&InvocationId, &SeriesReading> = of_metric
            .filter(|series| series.id.endpoint == Endpoint::Runtime && !series.id.is_account_wide())
            .map(|series| (&series.id, series))
            .collect();
        let mut minutes = Vec::new();
        for minute in answer.from.until(answer.until) {
            let all = answer.point(minute).unwrap_or(0.0);
            let (known, is_whole) = of_ids(state, &read, metric, minute);
            minutes.push(Counted { minute, all, known, is_whole });
        }
        Some(Reconciliation { answer, minutes })
    }

    /// Whether calls were made or refused that no known id explains. In minutes that are not closed those of a known
    /// id may only be published later than the sum: there they count while no id is known to be refused at all.
    pub(crate) fn is_short(&self, closed: Minute) -> bool {
        let is_calm = self.minutes.iter().all(|counted| counted.known < ROUNDING);
        self.is_short_before(if is_calm { self.answer.until } else { closed })
    }

    /// The same in the minutes before another.
    pub(crate) fn is_short_before(&self, end: Minute) -> bool {
        let mut minutes = self.minutes.iter().filter(|counted| counted.minute < end);
        minutes.any(|counted| counted.all > counted.known + ROUNDING)
    }

    /// The same in the minutes before another that are known of every id: of those that are read more seldom nobody
    /// can tell yet.
    pub(crate) fn shows_strangers(&self, end: Minute) -> bool {
        let mut minutes = self.minutes.iter().filter(|counted| counted.minute < end && counted.is_whole);
        minutes.any(|counted| counted.all > counted.known + ROUNDING)
    }

    /// Whether ids had more than all ids together, in minutes of which everything is published.
    pub(crate) fn is_contradicted(&self, settled: Minute) -> bool {
        let mut minutes = self.minutes.iter().filter(|counted| counted.minute < settled - LATE_MINUTES);
        self.answer.complete && minutes.any(|counted| counted.known > counted.all + ROUNDING)
    }

    /// Where every refusal is explained, nobody else was refused: what asking those ids would have answered.
    pub(crate) fn nobody_else(
        &self,
        state: &TargetState,
        reading: &UsageReading,
        closed: Minute,
    ) -> Vec<SeriesReading> {
        if !self.answer.complete || self.is_short_before(closed) {
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

/// The calls or refusals of all known ids in a minute, and whether they are known of every one: by this round's answer,
/// or else by what was read before.
fn of_ids(
    state: &TargetState,
    read: &BTreeMap<&InvocationId, &SeriesReading>,
    metric: Metric,
    minute: Minute,
) -> (f64, bool) {
    let ids = &state.memory.ids;
    let before = |id| ids.get(id).map_or(Cell::Unknown, |known: &Known| known.history.cell(metric, minute));
    let (mut sum, mut is_whole) = (0.0, true);
    for (id, series) in read {
        let covers = series.complete && (series.from..series.until).contains(&minute);
        sum += series.point(minute).or_else(|| before(id).point()).unwrap_or(0.0);
        is_whole &= covers || before(id) != Cell::Unknown;
    }
    for id in ids.keys().filter(|id| id.endpoint == Endpoint::Runtime && !read.contains_key(id)) {
        sum += before(id).point().unwrap_or(0.0);
        is_whole &= before(id) != Cell::Unknown;
    }
    (sum, is_whole)
}
