//! What happens next.

use super::book::{Book, StepKind};
use super::burst::BurstRamp;
use super::call::{Answer, Call, Dimension, Outcome};
use super::rate::RateRamp;
use super::reached::{Finding, Reached, Wish};
use super::settings::Settings;
use super::spending::Bound;
use std::collections::VecDeque;

/// Seconds between two dimensions: every quota of a minute is full again.
const REST: f64 = 60.0;
/// Failed calls of one step that end the run.
const FAILED: u64 = 3;
/// Refusals that CloudWatch counts in a minute may have been sent so many seconds after it: its clock is another.
const CLOCKS: f64 = 5.0;

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Make this call now, and ask again.
    Call(Call),
    /// Nothing until then, unless an answer comes; infinity: until an answer comes.
    Wait(f64),
    Done,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Every dimension was ramped.
    Complete,
    /// At a limit of its own.
    Limit(Bound),
    /// Others were refused, or might be.
    Others(String),
    Interrupted,
    Failed(String),
    Capacity,
}

/// What is seen of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Refused calls of all who share the quotas, since the run began and until then, as CloudWatch counts them.
    Refusals { count: f64, until: f64 },
    /// Whether any were refused of late, as an exporter tells: our own are among them.
    Throttled(bool),
    /// Nobody can tell any more, and why.
    Nothing(String),
}

enum Ramp {
    Rate(RateRamp),
    Burst(BurstRamp),
}

enum Stage {
    /// For the next dimension.
    Ready,
    Ramp(Dimension, Ramp),
    Rest(f64),
}

/// A run.
pub struct Probe {
    pub settings: Settings,
    pub book: Book,
    pub findings: Vec<Finding>,
    pub end: Option<End>,
    /// Seconds since the epoch.
    pub began: f64,
    pub ended: Option<f64>,
    queue: VecDeque<Dimension>,
    stage: Stage,
}

impl End {
    pub fn word(&self) -> &'static str {
        match self {
            End::Complete => "complete",
            End::Limit(_) => "limit",
            End::Others(_) => "others",
            End::Interrupted => "interrupted",
            End::Failed(_) => "failed",
            End::Capacity => "capacity",
        }
    }
}

impl Probe {
    pub fn new(settings: Settings, now: f64) -> Probe {
        let book = Book::new(settings.predicted, settings.prices);
        let queue = settings.dimensions.iter().copied().collect();
        let (findings, stage) = (Vec::new(), Stage::Ready);
        Probe { settings, book, findings, end: None, began: now, ended: None, queue, stage }
    }

    /// What to do next. A call that is handed out counts as made.
    pub fn next(&mut self, now: f64) -> Next {
        let deadline = self.settings.limits.minutes.map_or(f64::INFINITY, |most| self.began + most * 60.0);
        if self.end.is_none() && now >= deadline {
            self.stop(End::Limit(Bound::Minutes), now);
        }
        while self.end.is_none() {
            let wish = match &mut self.stage {
                Stage::Rest(until) if now < *until => return Next::Wait(until.min(deadline)),
                Stage::Ready | Stage::Rest(_) => {
                    self.begin(now);
                    continue;
                }
                Stage::Ramp(_, Ramp::Rate(ramp)) => ramp.next(&mut self.book, now),
                Stage::Ramp(_, Ramp::Burst(ramp)) => ramp.next(&mut self.book, now),
            };
            match wish {
                Wish::Call { input, max_tokens } => {
                    let call = Call { number: self.book.calls.len(), input, max_tokens };
                    if let Some(bound) = self.book.spending.exceeded(&self.settings.limits, &call) {
                        self.stop(End::Limit(bound), now);
                        break;
                    }
                    self.book.send(call, now);
                    return Next::Call(call);
                }
                Wish::Wait(until) if until > now => return Next::Wait(until.min(deadline)),
                Wish::Wait(_) => {}
                Wish::Over(reached) => self.over(reached, now),
            }
        }
        Next::Done
    }

    /// A call was answered.
    pub fn answered(&mut self, number: usize, answer: Answer, now: f64) {
        let (retry_after, message) = (answer.retry_after, answer.message.clone());
        let Some(record) = self.book.answered(number, answer, now) else { return };
        let (outcome, step) = (record.outcome(), record.step);
        if self.end.is_some() {
            return;
        }
        let is_first = self.book.steps[step].kind == StepKind::First;
        if outcome == Some(Outcome::Failed) && (is_first || self.book.steps[step].failed >= FAILED) {
            self.stop(End::Failed(message), now);
            return;
        }
        let Stage::Ramp(dimension, ramp) = &mut self.stage else { return };
        if self.book.steps[step].dimension != *dimension {
            return;
        }
        let reached = match ramp {
            Ramp::Rate(ramp) => ramp.answered(&mut self.book, number, now),
            Ramp::Burst(ramp) => ramp.answered(&mut self.book, number, now),
        };
        if let Some(seconds) = retry_after {
            match ramp {
                Ramp::Rate(ramp) => ramp.pause(now + seconds),
                Ramp::Burst(ramp) => ramp.pause(now + seconds),
            }
        }
        if let Some(reached) = reached {
            self.over(reached, now);
        }
    }

    /// Something was seen of others.
    pub fn others(&mut self, seen: Seen, now: f64) {
        match seen {
            Seen::Refusals { count, until } => {
                let own = self.book.refused_before(until + CLOCKS);
                if count > own as f64 {
                    let why =
                        format!("CloudWatch counts {count} refused calls, of which {own} are the probe's");
                    self.stop(End::Others(why), now);
                }
            }
            // Which of the refusals are its own an exporter does not tell.
            Seen::Throttled(true) if self.book.refused_before(f64::INFINITY) == 0 => {
                self.stop(
                    End::Others("the exporter sees refused calls, and none is the probe's".into()),
                    now,
                );
            }
            Seen::Throttled(_) => {}
            Seen::Nothing(why) => {
                self.stop(End::Others(format!("others can no longer be watched: {why}")), now)
            }
        }
    }

    /// Ends the run, if it has not ended yet.
    pub fn stop(&mut self, end: End, now: f64) {
        if self.end.is_some() {
            return;
        }
        let level = match &self.stage {
            Stage::Ramp(_, Ramp::Rate(ramp)) => ramp.held(),
            Stage::Ramp(_, Ramp::Burst(ramp)) => ramp.held(),
            Stage::Ready | Stage::Rest(_) => None,
        };
        if let Stage::Ramp(dimension, _) = self.stage {
            self.find(dimension, Reached::Held { level });
        }
        while let Some(dimension) = self.queue.pop_front() {
            self.find(dimension, Reached::Skipped("the run ended before it".to_string()));
        }
        self.finish(end, now);
    }

    fn finish(&mut self, end: End, now: f64) {
        self.book.close(now);
        (self.stage, self.end, self.ended) = (Stage::Ready, Some(end), Some(now));
    }

    fn find(&mut self, dimension: Dimension, reached: Reached) {
        let predicted = self.settings.predicted.limit(dimension);
        self.findings.push(Finding { dimension, predicted, reached });
    }

    /// Begins the next dimension.
    fn begin(&mut self, now: f64) {
        let Some(dimension) = self.queue.pop_front() else {
            self.finish(End::Complete, now);
            return;
        };
        let hold = self.settings.hold;
        let ramp = match dimension {
            Dimension::Reservation => {
                BurstRamp::new(hold, self.settings.largest_output, &self.book).map(Ramp::Burst)
            }
            _ => Ok(Ramp::Rate(RateRamp::new(dimension, hold, &self.book))),
        };
        match ramp {
            Ok(ramp) => self.stage = Stage::Ramp(dimension, ramp),
            Err(why) => self.find(dimension, Reached::Skipped(why)),
        }
    }

    /// A dimension is over.
    fn over(&mut self, reached: Reached, now: f64) {
        let Stage::Ramp(dimension, _) = self.stage else { return };
        let is_short = matches!(reached, Reached::Capacity { .. });
        // What was measured is the better prediction from here on.
        if let Reached::Found { value, .. } = reached {
            match dimension {
                Dimension::Requests => self.book.predicted.requests = Some(value),
                Dimension::Tokens => self.book.predicted.tokens = Some(value),
                Dimension::Reservation => {}
            }
        }
        self.find(dimension, reached);
        self.book.close(now);
        self.stage = if self.queue.is_empty() { Stage::Ready } else { Stage::Rest(now + REST) };
        if is_short {
            self.stop(End::Capacity, now);
        }
    }
}
