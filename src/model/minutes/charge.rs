//! The counter of what an invocation id was charged.

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
    /// Since when it counts: it stays 0 for a while, so that Prometheus sees where it began.
    since: Option<Timestamp>,
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
        self.since.get_or_insert(now);
    }

    pub(super) fn is_charge_due(&self, factor: Option<f64>) -> bool {
        let rest = Tokens { output: 0.0, ..self.pending };
        self.since.is_none() || rest != Tokens::default() || (factor.is_some() && self.pending.output != 0.0)
    }

    /// `None` before anything could be counted.
    pub(super) fn counted(&self, now: Timestamp, hold: u64) -> Option<f64> {
        let since = self.since?;
        Some(if now < since.plus(hold) { 0.0 } else { self.counted })
    }

    /// Output tokens that are not counted, since nobody knows their burndown.
    pub(super) fn uncounted_output(&self) -> f64 {
        if self.since.is_some() { self.pending.output.max(0.0) } else { 0.0 }
    }

    /// Goes on where an earlier process stopped.
    pub(super) fn resume(&mut self, pending: Tokens, charged: f64, counted: f64, since: Option<Timestamp>) {
        *self = ChargeCounter { waiting: Vec::new(), pending, charged, counted, since };
    }

    /// What `resume` takes.
    pub(super) fn kept(&self) -> (Tokens, f64, f64, Option<Timestamp>) {
        (self.pending, self.charged, self.counted, self.since)
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }
}
