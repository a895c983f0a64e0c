//! The counter of what an invocation id was charged.

use super::hold::Hold;
use crate::model::day::Tokens;
use crate::model::time::{Minute, Timestamp};

/// Settled tokens as they become a counter, which never falls.
#[derive(Clone, Debug, Default)]
pub(super) struct ChargeCounter {
    /// Minutes that are not counted yet: CloudWatch may still publish their estimate.
    pub waiting: Vec<Minute>,
    /// Tokens not yet in `charged`; negative parts take back what an estimate replaces.
    pending: Tokens,
    charged: f64,
    /// The largest value that `charged` had.
    counted: f64,
    /// From when it began to count; `None` before.
    hold: Option<Hold>,
}

impl ChargeCounter {
    pub(super) fn add(&mut self, tokens: Tokens) {
        self.pending += tokens;
    }

    /// Counts what is pending. Without a burndown its output waits: what is known goes on without it.
    pub(super) fn charge(&mut self, factor: Option<f64>, now: Timestamp) {
        let output = self.pending.output;
        self.charged += self.pending.without_output() + factor.unwrap_or(0.0) * output;
        self.pending = match factor {
            Some(_) => Tokens::default(),
            None => Tokens { output, ..Tokens::default() },
        };
        self.counted = self.counted.max(self.charged);
        self.hold.get_or_insert(Hold::since(now));
    }

    pub(super) fn is_charge_due(&self, factor: Option<f64>) -> bool {
        let rest = Tokens { output: 0.0, ..self.pending };
        self.hold.is_none() || rest != Tokens::default() || (factor.is_some() && self.pending.output != 0.0)
    }

    /// `None` before anything could be counted.
    pub(super) fn counted(&self) -> Option<f64> {
        self.hold.map(|hold| if hold.is_over() { self.counted } else { 0.0 })
    }

    /// Output tokens that are not counted, since nobody knows their burndown.
    pub(super) fn uncounted_output(&self) -> f64 {
        if self.hold.is_some() { self.pending.output.max(0.0) } else { 0.0 }
    }

    /// Goes on where an earlier process stopped.
    pub(super) fn resume(&mut self, pending: Tokens, charged: f64, counted: f64, hold: Option<Hold>) {
        *self = ChargeCounter { waiting: Vec::new(), pending, charged, counted, hold };
    }

    /// What `resume` takes.
    pub(super) fn kept(&self) -> (Tokens, f64, f64, Option<Hold>) {
        (self.pending, self.charged, self.counted, self.hold)
    }

    pub(super) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    pub(super) fn hold_mut(&mut self) -> Option<&mut Hold> {
        self.hold.as_mut()
    }
}
