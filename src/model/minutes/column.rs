//! One metric of an invocation id: its minutes, which of them are final, and its counter.

use super::ages::Ages;
use super::answer::Answer;
use super::cells::{Cell, Cells};
use super::hold::Hold;
use crate::model::counters::Counter;
use crate::model::time::Minute;
use crate::model::usage::{LATE_MINUTES, Metric, oldest_readable};
use std::ops::{Range, RangeInclusive};

/// A metric with a datapoint in seven of ten minutes up to its last one is steady: a minute without one is then
/// more likely late than silent. Looked at are so many minutes, the newest few of which may well be late.
const STEADY: RangeInclusive<usize> = 10..=20;

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub metric: Metric,
    /// Of its counter, from when it was first asked for.
    pub hold: Hold,
    /// Every minute before it was read after it had settled; `None` before the first answer.
    pub settled: Option<Minute>,
    /// Minutes that were read, but may still grow: not settled when they were read, or without a datapoint
    /// where one was to be expected.
    pub growing: Vec<Minute>,
    /// The first minute that its counter counts.
    pub counted_from: Minute,
    /// What all minutes read add up to.
    pub total: f64,
    /// What an earlier process had published: until all of it was read again there is less in `total`.
    floor: f64,
    /// From `History::first` on; what lies beyond is unknown.
    pub cells: Cells,
}

impl Column {
    pub(super) fn new(metric: Metric, ages: &Ages) -> Column {
        Column {
            metric,
            hold: Hold::since(ages.at),
            settled: None,
            growing: Vec::new(),
            counted_from: ages.counted_from,
            total: 0.0,
            floor: 0.0,
            cells: Cells::new(),
        }
    }

    /// Goes on where an earlier process stopped.
    pub(super) fn resume(&mut self, counter: Counter, from: Minute) {
        (self.total, self.floor) = (counter.before, counter.total);
        (self.hold, self.counted_from) = (Hold::resumed(counter.born), from.max(self.counted_from));
    }

    /// The counter, which never falls.
    pub(super) fn published(&self) -> f64 {
        self.total.max(self.floor)
    }

    pub(super) fn cell(&self, first: Minute, minute: Minute) -> Cell {
        index(first, minute).map_or(Cell::Unknown, |at| self.cells.get(at))
    }

    pub(super) fn set(&mut self, first: Minute, minute: Minute, cell: Cell) {
        if let Some(at) = index(first, minute) {
            self.cells.set(at, cell);
        }
    }

    /// The first minute that is not final; `None` if it was never read.
    pub(super) fn first_open(&self) -> Option<Minute> {
        Some(self.growing.iter().copied().fold(self.settled?, Minute::min))
    }

    /// From where its minutes are needed to take in the next answer.
    pub(super) fn needed_from(&self) -> Option<Minute> {
        Some(self.first_open()? - *STEADY.end() as i64)
    }

    /// From where it is read the next time: half an hour of what has settled as well, since CloudWatch
    /// publishes some minutes late and bills no datapoints; `None` if it was never read.
    pub(super) fn read_from(&self) -> Option<Minute> {
        Some(self.first_open()?.min(self.settled? - LATE_MINUTES))
    }

    /// Moves `settled` on over what the answer knows for good; returns from where. What CloudWatch no
    /// longer keeps is skipped.
    pub(super) fn settle(&mut self, answer: &Answer, ages: &Ages) -> Minute {
        let expired = oldest_readable(ages.at).min(answer.from);
        let from = self.settled.map_or(answer.from, |settled| settled.max(expired));
        let mut until = from;
        while until < ages.settled && answer.get(until).is_some_and(|cell| cell != Cell::Unknown) {
            until = until + 1;
        }
        self.settled = Some(until);
        from
    }

    /// Notes which minutes of an answer may still grow. Those before `from` were final: they stay so.
    pub(super) fn note_growing(&mut self, first: Minute, from: Minute, answer: &Answer, ages: &Ages) {
        let known = |minute: Minute| answer.get(minute).is_some_and(|cell| cell != Cell::Unknown);
        let before = std::mem::take(&mut self.growing);
        self.growing.extend(before.iter().copied().filter(|&minute| !known(minute)));
        let expected = self.steady(first).map(|steady| steady.start + 1..steady.end + ages.grace);
        for minute in answer.from.until(answer.until()).filter(|&minute| known(minute)) {
            let late = expected.as_ref().is_some_and(|minutes| minutes.contains(&minute))
                && (minute >= from || before.contains(&minute))
                && minute >= ages.settled - ages.grace
                && self.cell(first, minute) == Cell::Absent;
            if minute >= ages.settled || late {
                self.growing.push(minute);
            }
        }
    }

    /// The minutes in which it was steady, up to its last datapoint; `None` if it was not.
    pub(super) fn steady(&self, first: Minute) -> Option<Range<Minute>> {
        let has_point = |at: &usize| self.cells.get(*at).point().is_some();
        let until = (0..self.cells.len()).rev().find(has_point)? + 1;
        let from = until.saturating_sub(*STEADY.end());
        let points = (from..until).filter(has_point).count();
        let steady = until - from >= *STEADY.start() && 10 * points >= 7 * (until - from);
        (steady && self.metric.is_sum()).then(|| first + from as i64..first + until as i64)
    }

    /// Forgets what lies before `until`. A minute that stayed unknown so long is given up if later ones
    /// were counted: they could not be told from uncounted ones.
    pub(super) fn forget(&mut self, first: Minute, until: Minute) {
        let count = self.cells.len().min(index(first, until).unwrap_or(0));
        if let Some(settled) = self.settled.filter(|&settled| settled < until) {
            let mut waiting = index(first, settled).unwrap_or(0)..count;
            if waiting.any(|at| self.cells.get(at).point().is_some()) {
                self.settled = Some(until);
            }
        }
        self.cells.forget(count);
        self.growing.retain(|&minute| minute >= until);
    }
}

fn index(first: Minute, minute: Minute) -> Option<usize> {
    minute.0.checked_sub(first.0).and_then(|i| usize::try_from(i).ok())
}
