//! What an invocation id has spent of token quotas since the UTC day began.

use super::time::{Minute, Timestamp};
use super::usage::Metric;
use std::ops::{Add, AddAssign, Sub};

/// Tokens, apart as far as their worth may still depend on the burndown: minutes with an estimate count
/// in `estimated` alone, all others in the other three.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tokens {
    pub estimated: f64,
    pub input: f64,
    pub output: f64,
    pub cache_write: f64,
}

impl Tokens {
    /// The metrics that tell what a minute spends of token quotas.
    pub(crate) const METRICS: [Metric; 4] =
        [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens, Metric::EstimatedTokens];

    pub(crate) fn of(metric: Metric, value: f64) -> Tokens {
        let mut tokens = Tokens::default();
        match metric {
            Metric::EstimatedTokens => tokens.estimated = value,
            Metric::InputTokens => tokens.input = value,
            Metric::OutputTokens => tokens.output = value,
            Metric::CacheWriteTokens => tokens.cache_write = value,
            _ => {}
        }
        tokens
    }

    /// Input + cache write + burndown × output, or CloudWatch's estimate; `None` if the burndown matters
    /// and is unknown.
    pub(crate) fn charge(self, factor: Option<f64>) -> Option<f64> {
        let output = if self.output == 0.0 { 0.0 } else { factor? * self.output };
        Some(self.without_output() + output)
    }

    /// What is spent whatever the burndown is.
    pub(crate) fn without_output(self) -> f64 {
        self.estimated + self.input + self.cache_write
    }
}

impl Add for Tokens {
    type Output = Tokens;
    fn add(self, other: Tokens) -> Tokens {
        Tokens {
            estimated: self.estimated + other.estimated,
            input: self.input + other.input,
            output: self.output + other.output,
            cache_write: self.cache_write + other.cache_write,
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        *self = *self + other;
    }
}

impl Sub for Tokens {
    type Output = Tokens;
    fn sub(self, other: Tokens) -> Tokens {
        Tokens {
            estimated: self.estimated - other.estimated,
            input: self.input - other.input,
            output: self.output - other.output,
            cache_write: self.cache_write - other.cache_write,
        }
    }
}

impl std::iter::Sum for Tokens {
    fn sum<I: Iterator<Item = Tokens>>(tokens: I) -> Tokens {
        tokens.fold(Tokens::default(), Tokens::add)
    }
}

/// One UTC day: the minutes from before the exporter came, and every minute since.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Day {
    start: Timestamp,
    /// Minutes from here on are in `tokens`.
    covered_from: Minute,
    tokens: Tokens,
    /// The part of the day before `covered_from`; `None` while unknown.
    before: Option<Tokens>,
}

impl Day {
    /// Begins with the first minute read. What came before is read once, unless the id is known to have
    /// been quiet.
    pub(crate) fn begin(first: Minute, quiet_before: Option<Minute>) -> Day {
        let mut day = Day::default();
        day.lose_until(first);
        if quiet_before.is_some_and(|quiet| first <= quiet) {
            day.before = Some(Tokens::default());
        }
        day
    }

    /// Minutes before `minute` are lost: the day has to be read again until there.
    pub(crate) fn lose_until(&mut self, minute: Minute) {
        let start = minute.start().day_start();
        let before = (minute.start() == start).then(Tokens::default);
        *self = Day { start, covered_from: minute, tokens: Tokens::default(), before };
    }

    pub(crate) fn add(&mut self, minute: Minute, tokens: Tokens) {
        let start = minute.start().day_start();
        if start > self.start {
            *self = Day { start, covered_from: start.minute(), tokens, before: Some(Tokens::default()) };
        } else if start == self.start && minute >= self.covered_from {
            self.tokens += tokens;
        }
    }

    /// Everything taken so far of the day that `minute` lies in, if it is this day and nothing is missing.
    pub(crate) fn total(&self, minute: Minute) -> Option<Tokens> {
        let same_day = minute.start().day_start() == self.start;
        self.before.filter(|_| same_day).map(|before| before + self.tokens)
    }

    /// The minutes still to be read, as `from .. until`.
    pub(crate) fn missing(&self) -> Option<(Minute, Minute)> {
        self.before.is_none().then(|| (self.start.minute(), self.covered_from))
    }

    /// Fills in the minutes that were missing, if all of them are known. `tokens`: what one of them spent.
    pub(crate) fn fill(&mut self, tokens: impl Fn(Minute) -> Option<Tokens>) {
        if let Some((from, until)) = self.missing() {
            self.before = from.until(until).map(tokens).sum();
        }
    }
}
