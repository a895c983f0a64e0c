//! What the minutes of an invocation id spend of token quotas: added to the day, and to the counter of the charge,
//! each minute once.

use super::{Ages, Cell, History};
use crate::model::day::{Day, Tokens};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{LATE_MINUTES, Metric};

impl History {
    /// A minute whose other metrics are no longer kept: an estimate, or tokens beside one, would count twice.
    pub(super) fn take_unseen(&mut self, metric: Metric, minute: Minute, cell: Cell, ages: &Ages) {
        if let (Some(value), false) = (cell.point(), self.publishes(Metric::EstimatedTokens)) {
            self.take(minute, Tokens::of(metric, value), ages);
        }
    }

    /// A minute that was taken before, when it had spent `charged`.
    pub(super) fn take_again(&mut self, minute: Minute, charged: Tokens, ages: &Ages) {
        let change = self.tokens(minute) - charged;
        self.day.add(minute, change);
        if minute < self.charged_from(ages) || self.charge.waiting.contains(&minute) {
            return;
        }
        if charged == Tokens::default() && self.awaits_estimate(minute, ages) {
            self.charge.waiting.push(minute);
        } else {
            self.charge.add(change);
        }
    }

    /// Adds the tokens of every minute that has settled since the last time, each minute once.
    pub(super) fn take_settled(&mut self, ages: &Ages) {
        let Some(settled) = self.spending_known_until(ages) else { return };
        let from = match self.taken_until {
            Some(taken) if taken >= self.first => taken,
            Some(_) => {
                self.day.lose_until(self.first);
                self.first
            }
            None => {
                self.day = Day::begin(self.start, self.quiet_before);
                self.start
            }
        };
        for minute in from.until(settled) {
            self.take(minute, self.tokens(minute), ages);
        }
        self.taken_until = Some(settled.max(from));
        self.count_waiting(ages);
    }

    /// The first minute of which it is not settled what it spends; `None` before everything that tells was read once.
    fn spending_known_until(&self, ages: &Ages) -> Option<Minute> {
        let calls = self.settled_until(Metric::Invocations);
        let tokens: Option<Vec<Minute>> =
            self.token_metrics().map(|metric| self.settled_until(metric)).collect();
        let tokens = tokens?;
        let spread = tokens.iter().copied().min().zip(tokens.iter().copied().max());
        let Some((least, most)) = spread.filter(|_| !self.is_idle(ages.idle)) else { return calls };
        let from = self.taken_until.unwrap_or(self.start).max(self.first).max(least);
        let mut unsettled = from.until(most).filter(|&minute| {
            let cell = |metric| match self.column(metric) {
                // What is not asked for was never published.
                None if metric != Metric::Invocations => Cell::Absent,
                Some(column) if Some(minute) < column.settled => column.cell(self.first, minute),
                _ => Cell::Unknown,
            };
            // What is counted waits for an estimate that gauges do not wait for.
            cell(Metric::EstimatedTokens) == Cell::Unknown || self.known_tokens(minute, cell).is_none()
        });
        Some(unsettled.next().unwrap_or(most.max(from)))
    }

    fn take(&mut self, minute: Minute, tokens: Tokens, ages: &Ages) {
        self.day.add(minute, tokens);
        if minute < self.charged_from(ages) {
            return;
        }
        if self.awaits_estimate(minute, ages) {
            self.charge.waiting.push(minute);
        } else {
            self.charge.add(tokens);
        }
    }

    /// Whether CloudWatch may still publish the estimate of a minute with tokens. A counter cannot take back
    /// what it has counted, so it waits; gauges show what the tokens say meanwhile.
    fn awaits_estimate(&self, minute: Minute, ages: &Ages) -> bool {
        self.publishes(Metric::EstimatedTokens)
            && minute >= ages.settled - LATE_MINUTES
            && self.cell(Metric::EstimatedTokens, minute).point().is_none()
            && self.tokens(minute) != Tokens::default()
    }

    fn count_waiting(&mut self, ages: &Ages) {
        for minute in std::mem::take(&mut self.charge.waiting) {
            if self.awaits_estimate(minute, ages) {
                self.charge.waiting.push(minute);
            } else {
                self.charge.add(self.tokens(minute));
            }
        }
    }

    /// What one minute spends of token quotas: the estimate where there is one, else the tokens.
    pub(crate) fn tokens(&self, minute: Minute) -> Tokens {
        let sum = |metric| self.cell(metric, minute).sum().unwrap_or(0.0);
        match self.cell(Metric::EstimatedTokens, minute) {
            Cell::Point(estimate) => Tokens::of(Metric::EstimatedTokens, estimate),
            _ => Tokens {
                input: sum(Metric::InputTokens),
                output: sum(Metric::OutputTokens),
                cache_write: sum(Metric::CacheWriteTokens),
                ..Tokens::default()
            },
        }
    }

    /// The same where all that tells is known, by what `cell` says of each metric in that minute: an estimate needs no
    /// tokens beside it, and neither does a minute without calls and without the estimate that others have. One with
    /// tokens whose estimate may still come is shown by its tokens meanwhile.
    pub(crate) fn known_tokens(&self, minute: Minute, cell: impl Fn(Metric) -> Cell) -> Option<Tokens> {
        let parts = [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens];
        let are_read = || parts.iter().all(|&metric| cell(metric) != Cell::Unknown);
        let is_silent = || {
            self.publishes(Metric::EstimatedTokens)
                && cell(Metric::Invocations).sum() == Some(0.0)
                && self.tokens(minute) == Tokens::default()
        };
        // It was asked for and is not there, though it may still come.
        let lacks_estimate = || self.cell(Metric::EstimatedTokens, minute) == Cell::Absent;
        let is_known = match cell(Metric::EstimatedTokens) {
            Cell::Point(_) => true,
            Cell::Unknown => lacks_estimate() && self.tokens(minute) != Tokens::default() && are_read(),
            Cell::Absent => are_read() || is_silent(),
        };
        is_known.then(|| self.tokens(minute))
    }

    /// Moves settled tokens into the charge counter. Those of a new id wait until its estimate was read, or ListMetrics
    /// would show one: it replaces what its tokens would be charged.
    pub(crate) fn charge(&mut self, factor: Option<f64>, now: Timestamp) {
        self.charge.charge(factor, now);
    }

    /// Whether `charge` has something to do.
    pub(crate) fn is_charge_due(&self, factor: Option<f64>) -> bool {
        let is_estimate_read = self.settled_until(Metric::EstimatedTokens).is_some();
        (is_estimate_read || self.is_wholly_listed()) && self.charge.is_charge_due(factor)
    }

    /// The charge counter as it is published; `None` before anything could be counted.
    pub(crate) fn charged(&self) -> Option<f64> {
        self.charge.counted()
    }

    /// Output tokens that the charge counter lacks, since nobody knows their burndown.
    pub(crate) fn uncounted_output(&self) -> f64 {
        self.charge.uncounted_output()
    }

    /// The tokens of today up to the end of `minute`, if all of them are known.
    pub(crate) fn tokens_today(&self, minute: Minute) -> Option<Tokens> {
        let kept = self.first.max(self.start);
        let taken_until = self.taken_until.filter(|&taken| minute < taken && minute >= kept)?;
        let later = (minute + 1).until(taken_until).map(|m| self.tokens(m));
        self.day.total(minute).map(|total| later.fold(total, |total, tokens| total - tokens))
    }

    pub(crate) fn taken_until(&self) -> Option<Minute> {
        self.taken_until
    }
}
