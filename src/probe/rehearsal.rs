//! A run as quotas and the arithmetic of reservations predict it: what it would do, and cost.

use super::call::{Answer, Call, Outcome, Refusal, Used};
use super::machine::{End, Next, Probe};
use super::settings::{Predicted, Settings};
use super::spending::Bound;
use std::collections::VecDeque;

/// Seconds that a short answer takes.
const LATENCY: f64 = 1.0;
/// Tokens of a short answer.
const OUTPUT: u64 = 5;
/// Seconds after which a rehearsal ends that has no limit of its own.
const LONGEST: f64 = 7200.0;

/// Runs against what is predicted, from second 0.
pub fn rehearse(settings: &Settings) -> Probe {
    let mut probe = Probe::new(settings.clone(), 0.0);
    let mut quotas = Quotas::new(&settings.predicted);
    let mut answers: VecDeque<(f64, Call, bool)> = VecDeque::new();
    let mut now = 0.0;
    while now < LONGEST {
        let until = match probe.next(now) {
            Next::Call(call) => {
                answers.push_back((now + LATENCY, call, quotas.admit(call, now)));
                continue;
            }
            Next::Wait(until) => until,
            Next::Done => return probe,
        };
        match answers.front().copied().filter(|(at, ..)| *at <= until) {
            Some((at, call, is_admitted)) => {
                answers.pop_front();
                now = now.max(at);
                probe.answered(call.number, Answer::of(quotas.settle(call, is_admitted, now)), now);
            }
            None => now = until,
        }
    }
    probe.stop(End::Limit(Bound::Minutes), now);
    probe
}

/// The quotas of a minute as buckets that fill evenly. A call takes its input and max_tokens, and gives back at its
/// end what it did not use.
struct Quotas {
    requests: Bucket,
    tokens: Bucket,
    predicted: Predicted,
}

struct Bucket {
    limit: f64,
    level: f64,
    at: f64,
}

impl Bucket {
    fn new(limit: Option<f64>) -> Bucket {
        let limit = limit.unwrap_or(f64::INFINITY);
        Bucket { limit, level: limit, at: 0.0 }
    }

    fn fill(&mut self, now: f64) -> f64 {
        self.level = (self.level + (now - self.at) * self.limit / 60.0).min(self.limit);
        self.at = now;
        self.level
    }
}

impl Quotas {
    fn new(predicted: &Predicted) -> Quotas {
        let (requests, tokens) = (Bucket::new(predicted.requests), Bucket::new(predicted.tokens));
        Quotas { requests, tokens, predicted: *predicted }
    }

    fn admit(&mut self, call: Call, now: f64) -> bool {
        let reserved = (call.input + call.max_tokens) as f64;
        let is_admitted = self.requests.fill(now) >= 1.0 && self.tokens.fill(now) >= reserved;
        if is_admitted {
            self.requests.level -= 1.0;
            self.tokens.level -= reserved;
        }
        is_admitted
    }

    fn settle(&mut self, call: Call, is_admitted: bool, now: f64) -> Outcome {
        if !is_admitted {
            return Outcome::Refused(Refusal::Quota);
        }
        let used = Used { input: call.input, cache_write: 0, output: call.max_tokens.min(OUTPUT) };
        self.tokens.fill(now);
        self.tokens.level += (call.input + call.max_tokens) as f64 - self.predicted.charge(used);
        Outcome::Done(used)
    }
}
