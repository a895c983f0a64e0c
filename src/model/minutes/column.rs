//! One metric of an invocation id: its minutes, which of them are final, and its counter.

use super::ages::Ages;
use super::answer::Answer;
use super::cells::{Cell, Cells};

use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{Metric, oldest_readable};

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub metric: Metric,
    /// When it was first asked for: its counter stays 0 for a while.
    pub born: Timestamp,
    /// Every minute before it was read after it had settled; `None` before the first answer.
    pub settled: Option<Minute>,
    /// Minutes that were read, but not yet after they had settled.
    pub growing: Vec<Minute>,
    pub total: f64,
    /// From `History::first` on; what lies beyond is unknown.
    pub cells: Cells,
}

impl Column {
    pub fn new(metric: Metric, born: Timestamp) -> Column {
        Column { metric, born, settled: None, growing: Vec::new(), total: 0.0, cells: Cells::new() }
    }

    pub fn cell(&self, first: Minute, minute: Minute) -> Cell {
        index(first, minute).map_or(Cell::Unknown, |at| self.cells.get(at))
    }

    pub fn set(&mut self, first: Minute, minute: Minute, cell: Cell) {
        if let Some(at) = index(first, minute) {
            self.cells.set(at, cell);
        }
    }

    /// Moves `settled` on over what the answer knows for good; returns from where. What CloudWatch no
    /// longer keeps is skipped.
    pub fn settle(&mut self, answer: &Answer, ages: &Ages) -> Minute {
        let expired = oldest_readable(ages.at).min(answer.from);
        let from = self.settled.map_or(answer.from, |settled| settled.max(expired));
        let mut until = from;
        while until < ages.settled && answer.get(until).is_some_and(|cell| cell != Cell::Unknown) {
            until = until + 1;
        }
        self.settled = Some(until);
        from
    }

    /// Forgets what lies before `until`. A minute that stayed unknown so long is given up if later ones
    /// were counted: they could not be told from uncounted ones.
    pub fn forget(&mut self, first: Minute, until: Minute, keep: i64) {
        let count = self.cells.len().min(index(first, until).unwrap_or(0));
        if let Some(settled) = self.settled.filter(|&settled| settled < until) {
            let mut waiting = index(first, settled).unwrap_or(0)..count;
            if waiting.any(|at| self.cells.get(at).point().is_some()) {
                self.settled = Some(until);
            }
        }
        self.cells.forget(count, keep as usize);
        self.growing.retain(|&minute| minute >= until);
    }
}

fn index(first: Minute, minute: Minute) -> Option<usize> {
    minute.0.checked_sub(first.0).and_then(|i| usize::try_from(i).ok())
}
