//! Usage held against quotas: the ids that share a quota added minute by minute, then compared.

use crate::model::day::Tokens;
use crate::model::ids::{QuotaKind, State, UsageSource, Variant};
use crate::model::matching::QuotaKey;
use crate::model::minutes::{Cell, History};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric};
use std::ops::Range;

/// One invocation id that spends a quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spender<'a> {
    pub id: &'a InvocationId,
    pub history: &'a History,
    /// What one unit of its usage spends of the limit.
    pub weight: f64,
    /// The burndown of its output tokens, where known.
    pub factor: Option<f64>,
    /// After how many minutes without a datapoint it is idle, and read by its invocations alone.
    pub idle: i64,
}

/// Which minutes of an id are looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum View {
    /// Those that no longer grow.
    Settled,
    /// All that were read.
    Closed,
}

impl Spender<'_> {
    fn cell(&self, view: View, metric: Metric, minute: Minute) -> Cell {
        match view {
            View::Settled => self.history.settled_cell(metric, minute),
            View::Closed => self.history.cell(metric, minute),
        }
    }

    /// What this id spends in one minute of a quota of that kind; `None` if unknown.
    pub(crate) fn spends(&self, kind: QuotaKind, view: View, minute: Minute) -> Option<f64> {
        let sum = |metric| self.cell(view, metric, minute).sum();
        let invocations = || self.cell(view, Metric::Invocations, minute);
        let of_day = kind == QuotaKind::TokensPerDay;
        if !of_day && self.history.did_nothing(minute, invocations(), self.idle) {
            return Some(0.0);
        }
        let units = match kind {
            QuotaKind::RequestsPerMinute => sum(Metric::Invocations)?,
            QuotaKind::TokensPerMinute => self.charge(view, minute)?,
            QuotaKind::InputTokensPerMinute => sum(Metric::InputTokens)?,
            QuotaKind::OutputTokensPerMinute => sum(Metric::OutputTokens)?,
            QuotaKind::TokensPerDay => {
                let tokens = self.history.tokens_today(minute)?;
                // One minute whose burndown nobody knows must not take the whole day away.
                tokens.charge(self.factor).unwrap_or_else(|| tokens.without_output())
            }
            QuotaKind::ConcurrentRequests => self.concurrency(view, minute)?,
            QuotaKind::AsyncConcurrentRequests | QuotaKind::BatchJobs | QuotaKind::ModelUnits => return None,
        };
        Some(self.weight * units)
    }

    /// CloudWatch's estimate, or else input + cache write + burndown × output.
    fn charge(&self, view: View, minute: Minute) -> Option<f64> {
        let tokens = self.history.known_tokens(minute, |metric| self.cell(view, metric, minute));
        tokens.and_then(|tokens| tokens.charge(self.factor))
    }

    /// Little's law: calls in flight = calls a second × seconds a call.
    fn concurrency(&self, view: View, minute: Minute) -> Option<f64> {
        let invocations = self.cell(view, Metric::Invocations, minute).sum()?;
        if invocations == 0.0 {
            return Some(0.0);
        }
        let milliseconds = self.cell(view, Metric::LatencyAverage, minute).point()?;
        Some(invocations * milliseconds / 1000.0 / 60.0)
    }

    /// Whether calls are known in a minute.
    pub(crate) fn is_called(&self, minute: Minute) -> bool {
        self.history.settled_cell(Metric::Invocations, minute).point().is_some_and(|calls| calls > 0.0)
    }

    pub(crate) fn is_throttled(&self, minute: Minute) -> bool {
        self.history.is_throttled(minute)
    }
}

/// What all ids together spend of a quota in one minute: known only where it is known for every id. No id
/// at all spends nothing.
pub(crate) fn spent(kind: QuotaKind, spenders: &[Spender], view: View, minute: Minute) -> Option<f64> {
    spenders.iter().try_fold(0.0, |sum, spender| Some(sum + spender.spends(kind, view, minute)?))
}

/// Whether nothing that CloudWatch publishes measures a quota.
///
/// Calls with a long context or optimized for latency are counted under the same model id as all others,
/// so their own rows are measured only where the user's config says which id spends them.
pub(crate) fn is_unmeasurable(key: &QuotaKey, spenders: &[Spender]) -> bool {
    let publishes = |spender: &Spender, metric| spender.history.publishes(metric);
    let inseparable = matches!(key.variant, Variant::OneMillionContext | Variant::LatencyOptimized);
    match key.kind {
        _ if inseparable && spenders.is_empty() => true,
        QuotaKind::AsyncConcurrentRequests => true,
        QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => spenders.iter().any(|spender| {
            spender.factor.is_none()
                && publishes(spender, Metric::OutputTokens)
                && !publishes(spender, Metric::EstimatedTokens)
        }),
        QuotaKind::ConcurrentRequests => spenders
            .iter()
            .any(|spender| publishes(spender, Metric::Invocations) && !spender.history.publishes_latency()),
        _ => false,
    }
}

/// The state that holds: that of the lists, and below it whether usage can be measured at all.
pub(crate) fn state(listed: State, unmeasurable: bool) -> State {
    match listed {
        State::Ok | State::Unmeasurable if unmeasurable => State::Unmeasurable,
        State::Ok | State::Unmeasurable => State::Ok,
        _ => listed,
    }
}

/// Where the usage of a quota came from in these minutes; without traffic, where it would come from.
pub(crate) fn source(
    kind: QuotaKind,
    spenders: &[Spender],
    factor: impl Fn() -> Option<f64>,
    minutes: Range<Minute>,
) -> UsageSource {
    match kind {
        QuotaKind::ConcurrentRequests => UsageSource::LittlesLaw,
        QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => {
            let known =
                spenders.iter().flat_map(|s| minutes.start.until(minutes.end).map(|m| s.history.tokens(m)));
            let total: Tokens = known.sum();
            let estimates = spenders.iter().any(|s| s.history.publishes(Metric::EstimatedTokens));
            if total.estimated > 0.0 {
                UsageSource::Estimated
            } else if total != Tokens::default() {
                UsageSource::Reconstructed
            } else if estimates || (spenders.is_empty() && factor().is_none()) {
                UsageSource::Estimated
            } else {
                UsageSource::Reconstructed
            }
        }
        _ => UsageSource::Counted,
    }
}

/// The burndown that estimate and tokens imply over some minutes: Σ(estimate − input − cache write) / Σ output.
pub(crate) fn implied_burndown(spenders: &[Spender], minutes: Range<Minute>) -> Option<f64> {
    let (mut spent, mut output) = (0.0, 0.0);
    for spender in spenders {
        let cell = |metric, minute| spender.cell(View::Settled, metric, minute);
        for minute in minutes.start.until(minutes.end) {
            let parts = [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens];
            let [Some(input), Some(out), Some(cache_write)] = parts.map(|metric| cell(metric, minute).sum())
            else {
                continue;
            };
            let Some(estimate) = cell(Metric::EstimatedTokens, minute).point() else { continue };
            spent += estimate - input - cache_write;
            output += out;
        }
    }
    (output > 0.0).then(|| spent / output)
}

/// When the day's pace so far spends a limit, if that is before the day ends.
pub(crate) fn exhaustion(usage: f64, limit: f64, last: Minute) -> Option<Timestamp> {
    let start = last.start().day_start();
    let elapsed = last.end().since(start) as f64;
    let seconds = limit / usage * elapsed;
    (usage > 0.0 && seconds < 86_400.0).then(|| start.plus(seconds.ceil() as u64))
}
