//! What an invocation id has spent of token quotas since the UTC day began.

use super::time::{Minute, Timestamp};
use super::usage::{Metric, SeriesReading};
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
    pub const METRICS: [Metric; 4] =
        [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens, Metric::EstimatedTokens];

    pub fn of(metric: Metric, value: f64) -> Tokens {
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
    pub fn charge(self, factor: Option<f64>) -> Option<f64> {
        let output = if self.output == 0.0 { 0.0 } else { factor? * self.output };
        Some(self.estimated + self.input + self.cache_write + output)
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

/// One UTC day: hours closed before the exporter came, and every minute since.
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
    /// Begins with the first minute read. What came before is filled from whole hours, unless the id is
    /// known to have been quiet.
    pub fn begin(first: Minute, quiet_before: Option<Minute>) -> Day {
        let start = first.start().day_start();
        if quiet_before.is_some_and(|quiet| first <= quiet) {
            return Day {
                start,
                covered_from: first,
                tokens: Tokens::default(),
                before: Some(Tokens::default()),
            };
        }
        let mut day = Day { start, ..Day::default() };
        day.lose_until(first);
        day
    }

    /// Minutes before `minute` are lost: whole hours have to fill the day again.
    pub fn lose_until(&mut self, minute: Minute) {
        let hour = Minute((minute.0 + 59).div_euclid(60) * 60);
        let start = hour.start().day_start();
        let before = (hour.start() == start).then(Tokens::default);
        *self = Day { start, covered_from: hour, tokens: Tokens::default(), before };
    }

    pub fn add(&mut self, minute: Minute, tokens: Tokens) {
        let start = minute.start().day_start();
        if start > self.start {
            *self = Day { start, covered_from: start.minute(), tokens, before: Some(Tokens::default()) };
        } else if start == self.start && minute >= self.covered_from {
            self.tokens += tokens;
        }
    }

    /// Everything taken so far of the day that `minute` lies in, if it is this day and nothing is missing.
    pub fn total(&self, minute: Minute) -> Option<Tokens> {
        let same_day = minute.start().day_start() == self.start;
        self.before.filter(|_| same_day).map(|before| before + self.tokens)
    }

    /// The hours still to be read, as minutes `from .. until`.
    pub fn missing_hours(&self) -> Option<(Minute, Minute)> {
        self.before.is_none().then(|| (self.start.minute(), self.covered_from))
    }

    /// Fills the hours before the first minute, if the answers hold all of them for every metric in `wanted`.
    pub fn fill(&mut self, readings: &[&SeriesReading], wanted: &[Metric]) {
        let Some((from, until)) = self.missing_hours() else { return };
        let hours = (from.0..until.0).step_by(60).map(Minute);
        let filled = hours.map(|hour| {
            let mut known = Tokens::default();
            for &metric in wanted {
                known += Tokens::of(metric, hourly(readings, metric, hour)?);
            }
            let estimate = known.estimated;
            Some(if estimate > 0.0 { Tokens::of(Metric::EstimatedTokens, estimate) } else { known })
        });
        self.before = filled.sum();
    }
}

impl std::iter::Sum for Tokens {
    fn sum<I: Iterator<Item = Tokens>>(tokens: I) -> Tokens {
        tokens.fold(Tokens::default(), Tokens::add)
    }
}

/// The sum of one closed hour; `None` if unknown. Under two spellings it is the larger one.
fn hourly(readings: &[&SeriesReading], metric: Metric, hour: Minute) -> Option<f64> {
    let covering = readings.iter().filter(|r| r.metric == metric && r.from <= hour && hour < r.until);
    let values = covering.map(|reading| {
        reading.point(hour).filter(|v| v.is_finite() && *v >= 0.0).or(reading.complete.then_some(0.0))
    });
    values.reduce(|a, b| Some(a?.max(b?))).flatten()
}
