//! What CloudWatch answered for a metric, minute by minute.

use super::cells::Cell;
use crate::model::time::Minute;
use crate::model::usage::{Metric, SeriesReading};
use std::collections::BTreeMap;

/// One answer a metric: metrics that come under two spellings are joined, never added.
pub(super) fn answers(readings: &[&SeriesReading], closed: Minute) -> BTreeMap<Metric, Answer> {
    let mut answers: BTreeMap<Metric, Answer> = BTreeMap::new();
    for reading in readings {
        let answer = Answer::new(reading, closed);
        let joined = match answers.remove(&reading.metric) {
            Some(other) => other.join(answer),
            None => answer,
        };
        answers.insert(reading.metric, joined);
    }
    answers
}

/// What one answer, or the answers for both spellings, says minute by minute.
pub(super) struct Answer {
    pub metric: Metric,
    pub from: Minute,
    pub cells: Vec<Cell>,
}

impl Answer {
    pub(super) fn new(reading: &SeriesReading, closed: Minute) -> Answer {
        let (from, until) = (reading.from, reading.until.min(closed));
        let blank = if reading.complete { Cell::Absent } else { Cell::Unknown };
        let mut cells = vec![blank; (until.0 - from.0).max(0) as usize];
        for &(minute, value) in &reading.points {
            if minute >= from && minute < until {
                let sane = value.is_finite() && value >= 0.0;
                cells[(minute.0 - from.0) as usize] = if sane { Cell::Point(value) } else { Cell::Unknown };
            }
        }
        Answer { metric: reading.metric, from, cells }
    }

    /// Joins the answer for the other spelling; minutes that only one of them covers count as it says.
    pub(super) fn join(self, other: Answer) -> Answer {
        let from = self.from.min(other.from);
        let until = self.until().max(other.until());
        let cells = from.until(until).map(|m| match (self.get(m), other.get(m)) {
            (Some(a), Some(b)) => a.or_spelled(b),
            (a, b) => a.or(b).unwrap_or(Cell::Unknown),
        });
        Answer { metric: self.metric, from, cells: cells.collect() }
    }

    pub(super) fn until(&self) -> Minute {
        self.from + self.cells.len() as i64
    }

    pub(super) fn get(&self, minute: Minute) -> Option<Cell> {
        usize::try_from(minute.0 - self.from.0).ok().and_then(|i| self.cells.get(i)).copied()
    }

    pub(super) fn minutes(&self) -> impl Iterator<Item = (Minute, Cell)> {
        self.from.until(self.until()).zip(self.cells.iter().copied())
    }
}
