//! The ramp of a rate: requests or tokens a minute.

use super::book::{Book, StepKind};
use super::call::{Dimension, Outcome, Record, Refusal};
use super::reached::{Reached, Wish};

/// From a step to the next.
const GROWTH: f64 = 1.5;
/// Where a quota is predicted, the base is this part of it.
const BASE: f64 = 0.5;
/// A minute, where no quota is known.
const UNKNOWN_REQUESTS: f64 = 10.0;
const UNKNOWN_TOKENS: f64 = 10_000.0;
/// So many calls are counted at least while refusals last: the limit is then told to within one call of them.
const COUNTED: u64 = 40;
/// Refusals are counted for so many minutes at most, however few calls get in.
const LONGEST: f64 = 5.0;
/// Seconds between two judgements.
const JUDGED_EVERY: f64 = 1.0;
/// Calls a minute that a limit of tokens is to have room for, so that one call is a small part of it.
const CALLS: f64 = 60.0;
/// How many times the predicted limit a ramp may offer; calls must not meet the limit of requests meanwhile.
const OVERSHOOT: f64 = 4.5;
/// Tokens of input, so that any model takes it, and no call is nothing.
const INPUT: (f64, f64) = (100.0, 8000.0);
/// A caller that is behind by more than this many seconds does not catch up.
const BEHIND: f64 = 5.0;
/// A step in which less than this part of its calls was made shows the caller's limit and not Bedrock's.
const MADE: f64 = 0.8;
/// Seconds after a step back in which refusals tell nothing: what was spent by the minute is there again with the next.
const GRACE: f64 = 60.0;
/// More calls under way than this are not made: the model is too slow for the level.
const UNDER_WAY: usize = 256;

#[derive(Debug)]
pub(super) struct RateRamp {
    dimension: Dimension,
    /// Tokens of each call's input.
    input: u64,
    /// What a call comes to, in units of the level.
    weight: f64,
    hold: f64,
    level: f64,
    /// The highest level that held.
    held: Option<f64>,
    /// The level that was refused, while it is stepped back from.
    refused: f64,
    next: f64,
    judge_at: f64,
}

impl RateRamp {
    pub(super) fn new(dimension: Dimension, hold: f64, book: &Book) -> RateRamp {
        let predicted = book.predicted.limit(dimension);
        let (unknown, input) = match dimension {
            Dimension::Requests => (UNKNOWN_REQUESTS, 1),
            _ => (UNKNOWN_TOKENS, input_size(predicted, book.predicted.requests)),
        };
        let weight = if dimension == Dimension::Requests { 1.0 } else { input as f64 };
        let level = predicted.map_or(unknown, |limit| limit * BASE);
        RateRamp { dimension, input, weight, hold, level, held: None, refused: 0.0, next: 0.0, judge_at: 0.0 }
    }

    pub(super) fn held(&self) -> Option<f64> {
        self.held
    }

    /// The shortest answers, so that nothing but the input counts.
    const MAX_TOKENS: u64 = 1;

    pub(super) fn next(&mut self, book: &mut Book, now: f64) -> Wish {
        let Some(step) = book.steps.last().filter(|step| step.dimension == self.dimension) else {
            return self.begin(book, StepKind::First, self.level, now);
        };
        if step.kind == StepKind::First {
            let is_sent = step.sent > 0;
            return if is_sent { Wish::Wait(f64::INFINITY) } else { self.call() };
        }
        let ends = step.from + self.hold + grace(step.kind);
        let reached = match step.kind {
            StepKind::Sustained => self.after_refusals(book, now),
            _ if now >= ends => self.after_hold(book, now),
            _ => None,
        };
        if let Some(reached) = reached {
            return Wish::Over(reached);
        }
        if now < self.next {
            let ends = if now < ends { ends } else { f64::INFINITY };
            return Wish::Wait(self.next.min(ends));
        }
        if book.under_way() >= UNDER_WAY {
            return Wish::Wait(now + 0.1);
        }
        let due = if now - self.next > BEHIND { now } else { self.next };
        self.next = due + 60.0 * self.weight / self.level;
        self.call()
    }

    pub(super) fn answered(&mut self, book: &mut Book, number: usize, now: f64) -> Option<Reached> {
        let record = &book.calls[number];
        let (outcome, of_step, sent) = (record.outcome()?, record.step, record.sent);
        if let (Dimension::Tokens, Outcome::Done(used)) = (self.dimension, outcome) {
            self.weight = book.predicted.charge(used).max(1.0);
        }
        let newest = book.place();
        let kind = book.steps[newest].kind;
        match (kind, outcome) {
            (StepKind::First, Outcome::Done(_)) => {
                self.begin(book, StepKind::Base, self.level, now);
                None
            }
            (StepKind::First, Outcome::Refused(_)) => Some(Reached::FirstRefused),
            (_, Outcome::Refused(_)) => {
                self.refused(book, of_step, sent, now);
                None
            }
            _ => None,
        }
    }

    /// AWS asks to wait.
    pub(super) fn pause(&mut self, until: f64) {
        self.next = self.next.max(until);
    }

    fn refused(&mut self, book: &mut Book, of_step: usize, sent: f64, now: f64) {
        let newest = book.place();
        let climbs = |kind| matches!(kind, StepKind::Base | StepKind::Up);
        let kind = book.steps[newest].kind;
        // An answer may come when its step is over; while the ramp climbs, the next one meets the same limit.
        let late = of_step + 1 == newest && climbs(book.steps[of_step].kind) && climbs(kind);
        let is_grace = sent < book.steps[newest].from + grace(kind);
        if of_step != newest && !late || is_grace {
            return;
        }
        match kind {
            StepKind::Base | StepKind::Up => {
                self.refused = self.level;
                let back = self.held.unwrap_or(self.level / 2.0);
                self.begin(book, StepKind::Back, back, now);
            }
            StepKind::Back | StepKind::Again => {
                self.begin(book, StepKind::Sustained, self.level, now);
            }
            StepKind::First | StepKind::Sustained | StepKind::Narrow => {}
        }
    }

    /// What follows when a step was held to its end.
    fn after_hold(&mut self, book: &mut Book, now: f64) -> Option<Reached> {
        let step = book.steps.last()?;
        if (step.sent + 1) as f64 * self.weight < MADE * self.level * self.hold / 60.0 {
            return Some(Reached::OwnPace { level: self.level });
        }
        match step.kind {
            StepKind::Back => {
                self.begin(book, StepKind::Again, self.refused, now);
            }
            _ => {
                self.held = Some(self.held.map_or(self.level, |held| held.max(self.level)));
                self.begin(book, StepKind::Up, self.level * GROWTH, now);
            }
        }
        None
    }

    fn after_refusals(&mut self, book: &mut Book, now: f64) -> Option<Reached> {
        let step = book.steps.last()?;
        if 2 * step.short > step.refused && now >= step.from + self.hold {
            return Some(Reached::Capacity { level: self.level });
        }
        if now < self.judge_at {
            return None;
        }
        self.judge_at = now + JUDGED_EVERY;
        let counted = match first_refusal(book) {
            Some(first) => counted(first, book, now)?,
            None if now < step.from + self.hold => return None,
            None => Counted::default(),
        };
        if counted.refused == 0 {
            // They did not last.
            self.held = Some(self.held.map_or(self.level, |held| held.max(self.level)));
            self.begin(book, StepKind::Up, self.level * GROWTH, now);
            return None;
        }
        (counted.calls >= COUNTED || counted.minutes >= LONGEST).then(|| counted.reached())
    }

    fn begin(&mut self, book: &mut Book, kind: StepKind, level: f64, now: f64) -> Wish {
        book.open(self.dimension, kind, level, RateRamp::MAX_TOKENS, now);
        (self.level, self.next) = (level, self.next.max(now));
        Wish::Wait(now)
    }

    fn call(&self) -> Wish {
        Wish::Call { input: self.input, max_tokens: RateRamp::MAX_TOKENS }
    }
}

fn grace(kind: StepKind) -> f64 {
    if kind == StepKind::Back { GRACE } else { 0.0 }
}

/// Tokens of input of the calls that ramp tokens: one call is a small part of the limit, and all of them together stay
/// below the limit of requests.
fn input_size(tokens: Option<f64>, requests: Option<f64>) -> u64 {
    let Some(tokens) = tokens else { return 1000 };
    let by_requests = requests.map_or(0.0, |requests| OVERSHOOT * tokens / requests.max(1.0));
    (tokens / CALLS).max(by_requests).clamp(INPUT.0, INPUT.1).round() as u64
}

/// What got in during whole minutes from the first refusal on.
#[derive(Default)]
struct Counted {
    calls: u64,
    units: f64,
    minutes: f64,
    /// In the last of them.
    refused: u64,
}

impl Counted {
    fn reached(&self) -> Reached {
        Reached::Found { value: self.units / self.minutes, calls: self.calls }
    }
}

/// When the first call of the newest step was sent that a quota refused.
fn first_refusal(book: &Book) -> Option<f64> {
    book.of_step().iter().find(|record| is_of_quota(record)).map(|record| record.sent)
}

fn is_of_quota(record: &Record) -> bool {
    record.outcome() == Some(Outcome::Refused(Refusal::Quota))
}

/// While calls are refused, what comes in is taken at once, so that a minute lets in a minute's worth, whether a
/// bucket fills evenly or the clock's minutes are counted. `None`: no whole minute is over and answered.
fn counted(from: f64, book: &Book, now: f64) -> Option<Counted> {
    let minutes = ((now - from) / 60.0).floor();
    if minutes < 1.0 {
        return None;
    }
    let (last, until) = (from + (minutes - 1.0) * 60.0, from + minutes * 60.0);
    let is_within = |record: &&Record| record.sent >= from && record.sent < until;
    let mut counted = Counted { minutes, ..Counted::default() };
    for record in book.of_step().iter().filter(is_within) {
        match record.outcome()? {
            Outcome::Done(used) => {
                counted.calls += 1;
                counted.units += match book.steps[record.step].dimension {
                    Dimension::Requests => 1.0,
                    _ => book.predicted.charge(used),
                };
            }
            // The first one began it.
            _ if record.sent > from.max(last) && is_of_quota(record) => counted.refused += 1,
            _ => {}
        }
    }
    Some(counted)
}
