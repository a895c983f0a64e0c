//! What is spent of a quota, minute by minute: the ids that share it added up as the daemon adds them.

use super::distribution::Distribution;
use super::{IdSpan, UsageSpan};
use crate::model::day::Tokens;
use crate::model::ids::QuotaKind;
use crate::model::minutes::Cell;
use crate::model::time::Minute;
use crate::model::usage::Metric;

/// One id that spends a quota.
#[derive(Clone, Copy, Debug)]
pub struct Spender<'a> {
    pub id: &'a IdSpan,
    /// What one unit of its usage spends of the limit.
    pub weight: f64,
    /// The burndown of its output tokens on each UTC day of the span, where known.
    pub factors: &'a [Option<f64>],
}

/// The usage of one quota over a span. A minute is known only where it is known for every spender.
#[derive(Clone, Debug)]
pub struct Spent {
    pub kind: QuotaKind,
    from: Minute,
    /// NaN: unknown.
    values: Vec<f64>,
    /// Whether any spender was asked for a call in the minute, made or refused.
    traffic: Vec<bool>,
    /// Whether any spender was refused a call in the minute.
    throttled: Vec<bool>,
}

/// The day of a minute, counted from the day that `from` lies in.
pub(super) fn day_of(from: Minute, minute: Minute) -> usize {
    (minute.0.div_euclid(1440) - from.0.div_euclid(1440)).max(0) as usize
}

impl Spent {
    pub fn new(span: &UsageSpan, kind: QuotaKind, spenders: &[Spender]) -> Spent {
        let len = span.len();
        let (mut values, mut traffic, mut throttled) = (vec![0.0; len], vec![false; len], vec![false; len]);
        for spender in spenders {
            for (value, spends) in values.iter_mut().zip(spender.spends(span, kind)) {
                *value += spends.map_or(f64::NAN, |units| units * spender.weight);
            }
            let calls = spender.id.sums(Metric::Invocations, len);
            let refused = spender.id.sums(Metric::Throttles, len);
            for (at, (calls, refused)) in calls.zip(refused).enumerate() {
                throttled[at] |= refused > Some(0.0);
                traffic[at] |= calls > Some(0.0) || refused > Some(0.0);
            }
        }
        if kind == QuotaKind::TokensPerDay {
            since_midnight(span.from, &mut values);
        }
        Spent { kind, from: span.from, values, traffic, throttled }
    }

    pub fn value(&self, at: usize) -> Option<f64> {
        self.values.get(at).copied().filter(|value| !value.is_nan())
    }

    pub fn is_throttled(&self, at: usize) -> bool {
        self.throttled.get(at).copied().unwrap_or(false)
    }

    pub fn has_traffic(&self, at: usize) -> bool {
        self.traffic.get(at).copied().unwrap_or(false)
    }

    /// Every known minute.
    pub fn known(&self) -> impl Iterator<Item = (Minute, f64)> + '_ {
        self.known_places().map(|at| (self.from + at as i64, self.values[at]))
    }

    fn known_places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.values.len()).filter(|&at| !self.values[at].is_nan())
    }

    /// Of the settled minutes with traffic, `settled` being how many minutes are; for a day quota, of the days.
    pub fn distribution(&self, settled: usize) -> Option<Distribution> {
        let places = || self.known_places().take_while(move |&at| at < settled);
        let minute = |at: usize| self.from + at as i64;
        if self.kind == QuotaKind::TokensPerDay {
            let ends = places().filter(|&at| minute(at + 1).0 % 1440 == 0 || at + 1 == settled);
            return Distribution::of(ends.map(|at| (minute(at), self.values[at])));
        }
        Distribution::of(places().filter(|&at| self.traffic[at]).map(|at| (minute(at), self.values[at])))
    }

    /// The most that settled in a minute in which calls were refused: where the ceiling really was.
    pub fn ceiling(&self, settled: usize) -> Option<f64> {
        let refused = self.known_places().take_while(|&at| at < settled).filter(|&at| self.throttled[at]);
        refused.map(|at| self.values[at]).reduce(f64::max)
    }
}

/// Turns minutes into what was spent since midnight UTC. A day of which a part is unknown is unknown from there
/// on, and so is the day that had begun before the span.
fn since_midnight(from: Minute, values: &mut [f64]) {
    let mut total = if from.0.rem_euclid(1440) == 0 { 0.0 } else { f64::NAN };
    for (at, value) in values.iter_mut().enumerate() {
        if (from.0 + at as i64).rem_euclid(1440) == 0 {
            total = 0.0;
        }
        total += *value;
        *value = total;
    }
}

impl<'a> Spender<'a> {
    /// What it spends in each minute, before its weight; `None`: unknown.
    fn spends(&self, span: &UsageSpan, kind: QuotaKind) -> Box<dyn Iterator<Item = Option<f64>> + 'a> {
        let (id, len) = (self.id, span.len());
        match kind {
            QuotaKind::RequestsPerMinute => Box::new(id.sums(Metric::Invocations, len)),
            QuotaKind::InputTokensPerMinute => Box::new(id.sums(Metric::InputTokens, len)),
            QuotaKind::OutputTokensPerMinute => Box::new(id.sums(Metric::OutputTokens, len)),
            QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => self.charges(span),
            QuotaKind::ConcurrentRequests => concurrency(id, len),
            QuotaKind::AsyncConcurrentRequests | QuotaKind::BatchJobs | QuotaKind::ModelUnits => {
                Box::new(std::iter::repeat_n(None, len))
            }
        }
    }

    /// CloudWatch's estimate, or else input + cache write + burndown × output.
    fn charges(&self, span: &UsageSpan) -> Box<dyn Iterator<Item = Option<f64>> + 'a> {
        let (from, len, factors) = (span.from, span.len(), self.factors);
        let [input, output, cache_write, estimate] = Tokens::METRICS.map(|metric| self.id.cells(metric, len));
        let parts = input.zip(output).zip(cache_write).zip(estimate);
        let charge = move |(at, (((input, output), cache_write), estimate))| match estimate {
            Cell::Point(estimate) => Some(estimate),
            Cell::Unknown => None,
            Cell::Absent => {
                let (input, output) = (Cell::sum(input)?, Cell::sum(output)?);
                let tokens =
                    Tokens { input, output, cache_write: Cell::sum(cache_write)?, ..Tokens::default() };
                let factor = factors.get(day_of(from, from + at as i64)).copied().flatten();
                tokens.charge(factor)
            }
        };
        Box::new(parts.enumerate().map(charge))
    }
}

/// Little's law: calls in flight = calls a second × seconds a call.
fn concurrency(id: &IdSpan, len: usize) -> Box<dyn Iterator<Item = Option<f64>> + '_> {
    let latencies = id.cells(Metric::LatencyAverage, len);
    let in_flight = |(calls, latency): (Option<f64>, Cell)| match calls? {
        0.0 => Some(0.0),
        calls => Some(calls * latency.point()? / 1000.0 / 60.0),
    };
    Box::new(id.sums(Metric::Invocations, len).zip(latencies).map(in_flight))
}
