//! The timeline: steps, and the calls of each.

use super::call::{Answer, Call, Dimension, Outcome, Record, Refusal};
use super::settings::{Predicted, Prices};
use super::spending::Spending;
use crate::model::ids::words;

words! {
    /// What a step is for.
    StepKind {
        /// One call, whose answer tells how many tokens its input has.
        First = "first",
        /// Where a ramp begins.
        Base = "base",
        Up = "up",
        /// Back at a level that held before, after a refusal.
        Back = "back",
        /// The refused level once more.
        Again = "again",
        /// Refused again: the calls that get in are counted.
        Sustained = "sustained",
        /// Between a level that held and one that was refused.
        Narrow = "narrow",
    }
}

/// A level that was held for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub dimension: Dimension,
    pub kind: StepKind,
    /// Requests or tokens a minute; of a reservation, tokens held at once.
    pub level: f64,
    pub max_tokens: u64,
    /// Seconds since the epoch.
    pub from: f64,
    /// `None`: it is the newest one.
    pub until: Option<f64>,
    pub sent: u64,
    pub admitted: u64,
    pub refused: u64,
    /// Of those refused, for want of capacity.
    pub short: u64,
    pub failed: u64,
    /// What the admitted calls came to, in units of the level.
    pub units: f64,
    /// The first call of the step.
    pub first: usize,
}

/// Everything that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    pub steps: Vec<Step>,
    pub calls: Vec<Record>,
    pub spending: Spending,
    pub(super) predicted: Predicted,
}

impl Book {
    pub(super) fn new(predicted: Predicted, prices: Option<Prices>) -> Book {
        Book { steps: Vec::new(), calls: Vec::new(), spending: Spending::new(prices), predicted }
    }

    /// Ends the newest step and begins another.
    pub(super) fn open(
        &mut self,
        dimension: Dimension,
        kind: StepKind,
        level: f64,
        max_tokens: u64,
        now: f64,
    ) {
        self.close(now);
        self.steps.push(Step {
            dimension,
            kind,
            level,
            max_tokens,
            from: now,
            until: None,
            sent: 0,
            admitted: 0,
            refused: 0,
            short: 0,
            failed: 0,
            units: 0.0,
            first: self.calls.len(),
        });
    }

    pub(super) fn close(&mut self, now: f64) {
        if let Some(step) = self.steps.last_mut() {
            step.until.get_or_insert(now);
        }
    }

    pub(super) fn send(&mut self, call: Call, now: f64) {
        if let Some(step) = self.steps.last_mut() {
            step.sent += 1;
        }
        self.spending.sent(&call);
        let step = self.steps.len().saturating_sub(1);
        self.calls.push(Record { step, call, sent: now, answered: None });
    }

    /// Writes an answer down; `None`: there is no such call, or it was answered already.
    pub(super) fn answered(&mut self, number: usize, answer: Answer, now: f64) -> Option<&Record> {
        let record = self.calls.get_mut(number).filter(|record| record.answered.is_none())?;
        self.spending.over(&record.call, answer.outcome);
        let step = self.steps.get_mut(record.step)?;
        match answer.outcome {
            Outcome::Done(used) => {
                step.admitted += 1;
                step.units += match step.dimension {
                    Dimension::Requests => 1.0,
                    Dimension::Tokens => self.predicted.charge(used),
                    Dimension::Reservation => (used.input + used.cache_write + record.call.max_tokens) as f64,
                };
            }
            Outcome::Refused(refusal) => {
                step.refused += 1;
                step.short += u64::from(refusal == Refusal::Capacity);
            }
            Outcome::Failed => step.failed += 1,
        }
        record.answered = Some((now, answer));
        Some(record)
    }

    /// The newest step's place; steps are opened before calls are made.
    pub(super) fn place(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// The calls of the newest step.
    pub(super) fn of_step(&self) -> &[Record] {
        let first = self.steps.last().map_or(0, |step| step.first);
        &self.calls[first.min(self.calls.len())..]
    }

    pub(super) fn under_way(&self) -> usize {
        let answered: u64 = self.steps.iter().map(|step| step.admitted + step.refused + step.failed).sum();
        self.calls.len() - answered as usize
    }

    /// Calls refused of those sent before a moment.
    pub fn refused_before(&self, moment: f64) -> usize {
        self.calls.iter().filter(|record| record.sent < moment && record.is_refused()).count()
    }
}
