//! The ramp of what is reserved: so many calls at once, with more and more max_tokens.
//!
//! Between two bursts the quotas have time to fill, so each burst tells by itself whether its reservations fit.

use super::book::{Book, StepKind};
use super::call::{Dimension, Outcome};
use super::reached::{Reached, Wish};

/// From a step to the next.
const GROWTH: f64 = 1.25;
/// The base reserves this part of the predicted limit.
const BASE: f64 = 0.5;
/// Tokens of each call's input.
const INPUT: u64 = 20;
/// Calls at once, where no limit of tokens is known.
const UNKNOWN: u64 = 10;
/// More are not made at once: they would not all arrive before the first is over.
const MOST_AT_ONCE: u64 = 100;
/// A burst takes no more than this part of a minute's requests.
const OF_REQUESTS: f64 = 0.5;
/// Bursts for which a step of the climb is held.
const HELD_FOR: u32 = 2;
/// How much longer than needed the quotas fill between two bursts.
const RESERVE: f64 = 1.2;
/// Seconds between two bursts, at least.
const SHORTEST: f64 = 5.0;
/// What was refused and what held are told apart to this.
const NARROW: f64 = 1.02;

#[derive(Debug)]
pub(super) struct BurstRamp {
    at_once: u64,
    /// As the first answer counted it.
    input: f64,
    /// The most that a call has cost so far, in tokens of quota.
    charge: f64,
    hold: f64,
    largest_output: u64,
    max_tokens: u64,
    /// The largest max_tokens that held.
    held: Option<u64>,
    refused: u64,
    /// Of the burst: how many calls are still to be sent.
    unsent: u64,
    bursts: u32,
    /// Of the newest burst: its first call, and when it was sent.
    first: usize,
    sent_at: f64,
    not_before: f64,
}

impl BurstRamp {
    /// # Errors
    /// Why the dimension cannot be ramped.
    pub(super) fn new(hold: f64, largest_output: u64, book: &Book) -> Result<BurstRamp, String> {
        let at_once = match book.predicted.tokens {
            None => UNKNOWN,
            Some(tokens) => at_once(tokens, book.predicted.requests, largest_output)?,
        };
        let base = book.predicted.tokens.map_or(largest_output as f64 / 8.0, |t| BASE * t / at_once as f64);
        let max_tokens = (base as u64).saturating_sub(INPUT).clamp(1, largest_output);
        Ok(BurstRamp {
            at_once,
            input: INPUT as f64,
            charge: 0.0,
            hold,
            largest_output,
            max_tokens,
            held: None,
            refused: 0,
            unsent: 0,
            bursts: 0,
            first: 0,
            sent_at: f64::NEG_INFINITY,
            not_before: 0.0,
        })
    }

    pub(super) fn held(&self) -> Option<f64> {
        self.held.map(|max_tokens| self.reserved(max_tokens))
    }

    pub(super) fn next(&mut self, book: &mut Book, now: f64) -> Wish {
        let Some(step) = book.steps.last().filter(|step| step.dimension == Dimension::Reservation) else {
            self.begin(book, StepKind::First, self.max_tokens, now);
            return Wish::Wait(now);
        };
        if step.kind == StepKind::First {
            return if step.sent > 0 { Wish::Wait(f64::INFINITY) } else { self.call(1) };
        }
        if self.unsent > 0 {
            let starts = if self.unsent == self.at_once { self.starts(book) } else { now };
            if now < starts {
                return Wish::Wait(starts);
            }
            if self.unsent == self.at_once {
                (self.first, self.sent_at) = (book.calls.len(), now);
            }
            self.unsent -= 1;
            return self.call(self.max_tokens);
        }
        Wish::Wait(f64::INFINITY)
    }

    pub(super) fn answered(&mut self, book: &mut Book, number: usize, now: f64) -> Option<Reached> {
        let record = &book.calls[number];
        let (kind, outcome) = (book.steps[record.step].kind, record.outcome()?);
        if let Outcome::Done(used) = outcome {
            self.input = (used.input + used.cache_write) as f64;
            self.charge = self.charge.max(book.predicted.charge(used));
        }
        match (kind, outcome) {
            (StepKind::First, Outcome::Done(_)) => {
                self.begin(book, StepKind::Base, self.max_tokens, now);
                None
            }
            (StepKind::First, Outcome::Refused(_)) => Some(Reached::FirstRefused),
            _ => self.after_burst(book, now),
        }
    }

    /// AWS asks to wait.
    pub(super) fn pause(&mut self, until: f64) {
        self.not_before = self.not_before.max(until);
    }

    /// What follows when every call of a burst was answered.
    fn after_burst(&mut self, book: &mut Book, now: f64) -> Option<Reached> {
        let burst = book.calls.get(self.first..)?;
        if self.unsent > 0 || burst.iter().any(|record| record.answered.is_none()) {
            return None;
        }
        let refused = burst.iter().filter(|record| record.is_refused()).count() as u64;
        let step = book.steps.last()?;
        let kind = step.kind;
        if refused > 0 && matches!(kind, StepKind::Back | StepKind::Again) && 2 * step.short > step.refused {
            return Some(Reached::Capacity { level: step.level });
        }
        match (kind, refused > 0) {
            (StepKind::Narrow, is_refused) => return self.narrow(book, is_refused, now),
            (StepKind::Base | StepKind::Up, true) => {
                self.refused = self.max_tokens;
                let back = self.held.unwrap_or(self.max_tokens / 2).max(1);
                self.begin(book, StepKind::Back, back, now);
            }
            // A level that held is refused: something else spends the quota.
            (StepKind::Back, true) => return Some(Reached::Unclear),
            (StepKind::Again, true) => return self.narrow(book, true, now),
            (StepKind::Back, false) => {
                self.held = Some(self.held.map_or(self.max_tokens, |held| held.max(self.max_tokens)));
                self.begin(book, StepKind::Again, self.refused, now);
            }
            _ => return self.up(book, now),
        }
        None
    }

    fn up(&mut self, book: &mut Book, now: f64) -> Option<Reached> {
        self.bursts += 1;
        if self.bursts < HELD_FOR {
            self.unsent = self.at_once;
            return None;
        }
        self.held = Some(self.held.map_or(self.max_tokens, |held| held.max(self.max_tokens)));
        if self.max_tokens >= self.largest_output {
            return Some(Reached::Held { level: self.held() });
        }
        let next = (self.max_tokens as f64 * GROWTH).ceil() as u64;
        self.begin(book, StepKind::Up, next.min(self.largest_output), now);
        None
    }

    /// Halves what lies between the level that held and the one that was refused.
    fn narrow(&mut self, book: &mut Book, is_refused: bool, now: f64) -> Option<Reached> {
        if is_refused {
            self.refused = self.refused.min(self.max_tokens);
        } else {
            self.held = Some(self.held.map_or(self.max_tokens, |held| held.max(self.max_tokens)));
        }
        let held = self.held?;
        let (low, high) = (self.reserved(held), self.reserved(self.refused));
        let middle = held.midpoint(self.refused);
        if high <= low * NARROW || middle == held {
            return Some(Reached::Found { value: low.midpoint(high), calls: self.at_once });
        }
        self.begin(book, StepKind::Narrow, middle, now);
        None
    }

    /// When the quotas are full again.
    fn starts(&self, book: &Book) -> f64 {
        let fills =
            |spent: f64, limit: Option<f64>| limit.map(|limit| RESERVE * 60.0 * spent / limit.max(1.0));
        let calls = self.at_once as f64;
        let needs =
            [fills(calls * self.charge, book.predicted.tokens), fills(calls, book.predicted.requests)];
        let pause = match needs {
            [None, None] => self.hold / 2.0,
            _ => needs.into_iter().flatten().fold(SHORTEST, f64::max),
        };
        self.not_before.max(self.sent_at + pause)
    }

    fn begin(&mut self, book: &mut Book, kind: StepKind, max_tokens: u64, now: f64) {
        (self.max_tokens, self.unsent, self.bursts) = (max_tokens, self.at_once, 0);
        let max_tokens = if kind == StepKind::First { 1 } else { max_tokens };
        book.open(Dimension::Reservation, kind, self.reserved(max_tokens), max_tokens, now);
    }

    fn reserved(&self, max_tokens: u64) -> f64 {
        self.at_once as f64 * (self.input + max_tokens as f64)
    }

    fn call(&self, max_tokens: u64) -> Wish {
        Wish::Call { input: INPUT, max_tokens }
    }
}

/// So many that the limit is met at half of the largest max_tokens.
fn at_once(tokens: f64, requests: Option<f64>, largest_output: u64) -> Result<u64, String> {
    let wanted = (2.0 * tokens / largest_output as f64).ceil().max(2.0);
    let by_requests = requests.map_or(f64::INFINITY, |requests| (requests * OF_REQUESTS).floor());
    let most = by_requests.min(MOST_AT_ONCE as f64);
    let calls = wanted.min(most);
    if calls < 1.0 || calls * (largest_output as f64) < tokens * GROWTH {
        return Err(format!(
            "{most} calls at once, with a max_tokens of {largest_output} each, reserve less than the limit of tokens \
             ({tokens}): tell a larger max_tokens that the model takes"
        ));
    }
    Ok(calls as u64)
}
