//! Refused calls per model and scope, and what refused them.

use super::evaluation::{Cause, ThrottleStatus};
use super::ids::Scope;
use super::time::Minute;
use super::usage::Metric;
use super::utilization::Spender;
use std::sync::Arc;

/// Below this no cause is named: isolated refusals say nothing.
const EVIDENCE: usize = 5;

/// A quota counts as at its limit from here on: limits are enforced within the minute, so a refused
/// minute rarely adds up to all of it.
const AT_LIMIT: f64 = 0.9;

/// "Well below": no doubt that settled use alone did not refuse the calls.
const WELL_BELOW: f64 = 0.8;

/// The windows of ratios and attempts, in minutes.
const WINDOWS: [(&str, i64); 2] = [("5m", 5), ("30m", 30)];

/// The window of throttled seconds and of the cause, in minutes.
pub(crate) const THROTTLED_WINDOW: i64 = 15;

/// How much of a limit was used in a minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// There is no such quota.
    NoLimit,
    /// The limit, or the usage, is not known.
    Unknown,
    Of(f64),
}

impl Share {
    /// The more used of two limits; not knowing one leaves the answer open, unless the other is reached.
    pub fn or(self, other: Share) -> Share {
        match (self, other) {
            (Share::NoLimit, share) | (share, Share::NoLimit) => share,
            (Share::Of(a), Share::Of(b)) => Share::Of(a.max(b)),
            (reached, Share::Unknown) | (Share::Unknown, reached) if reached.at_limit() => reached,
            _ => Share::Unknown,
        }
    }

    /// From 0.9 on.
    pub fn at_limit(self) -> bool {
        matches!(self, Share::Of(ratio) if ratio >= AT_LIMIT)
    }

    fn well_below(self) -> bool {
        match self {
            Share::NoLimit => true,
            Share::Unknown => false,
            Share::Of(ratio) => ratio < WELL_BELOW,
        }
    }
}

/// One settled minute in which calls were refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused {
    pub requests: Share,
    pub tokens: Share,
    pub day: Share,
    /// Any other quota that the calls spend (concurrent requests).
    pub other: Share,
}

/// The last 15 minutes of a model and scope in which calls were refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Afternoon {
    /// Its settled throttled minutes.
    pub refused: Vec<Refused>,
    /// Throttles and 5xx of all its minutes.
    pub throttles: f64,
    pub server_errors: f64,
    /// Whether a limit that the calls spend is 0.
    pub zero_quota: bool,
    /// Whether the limits were read since the throttling began: an older limit may have been cut.
    pub limits_confirmed: bool,
}

/// What refused the calls, by evidence; no cause is named from fewer than five settled throttled minutes.
pub fn cause(afternoon: &Afternoon) -> Cause {
    let refused = &afternoon.refused;
    if refused.len() < EVIDENCE {
        return Cause::Unknown;
    }
    let at_limit = |share: fn(&Refused) -> Share| refused.iter().filter(|m| share(m).at_limit()).count();
    let mostly = |minutes: usize| 2 * minutes > refused.len();
    let (requests, tokens) = (at_limit(|m| m.requests), at_limit(|m| m.tokens));
    if afternoon.zero_quota {
        Cause::ZeroQuota
    } else if mostly(at_limit(|m| m.day)) {
        Cause::TokensPerDay
    } else if mostly(requests) && requests >= tokens {
        Cause::RequestsPerMinute
    } else if mostly(tokens) {
        Cause::TokensPerMinute
    } else if afternoon.server_errors > afternoon.throttles {
        Cause::Capacity
    } else if afternoon.limits_confirmed && refused.iter().all(is_reservation) {
        Cause::Reservation
    } else {
        Cause::Unknown
    }
}

/// Refused while settled use is well below every limit, and there is a token limit to reserve from.
fn is_reservation(minute: &Refused) -> bool {
    let shares = [minute.requests, minute.tokens, minute.day, minute.other];
    minute.tokens != Share::NoLimit && shares.iter().all(|share| share.well_below())
}

/// Refusals of one model and scope in the minutes before `closed`, all its ids added minute by minute.
/// The cause is left to the caller.
pub(crate) fn status(model: &Arc<str>, scope: Scope, ids: &[Spender], closed: Minute) -> ThrottleStatus {
    let mut status = ThrottleStatus {
        model: model.clone(),
        scope,
        ratio: Vec::new(),
        attempts: Vec::new(),
        throttled_seconds: 60 * throttled_minutes(ids, closed).count() as u64,
        cause: None,
    };
    for (window, minutes) in WINDOWS {
        let known = (closed - minutes).until(closed).filter_map(|minute| {
            Some((total(ids, Metric::Invocations, minute)?, total(ids, Metric::Throttles, minute)?))
        });
        let sums = known.reduce(|(a, b), (c, d)| (a + c, b + d));
        let Some((invocations, throttles)) = sums else { continue };
        let attempts = invocations + throttles;
        status.attempts.push((window, attempts));
        if attempts > 0.0 {
            status.ratio.push((window, throttles / attempts));
        }
    }
    status
}

/// The throttled minutes among the last 15: shown as soon as one id was refused, whatever is known of the others.
pub(crate) fn throttled_minutes(ids: &[Spender], closed: Minute) -> impl Iterator<Item = Minute> {
    (closed - THROTTLED_WINDOW).until(closed).filter(|&minute| ids.iter().any(|id| id.is_throttled(minute)))
}

/// The sum over all ids; `None` if one is unknown.
fn total(ids: &[Spender], metric: Metric, minute: Minute) -> Option<f64> {
    ids.iter().map(|id| id.history.cell(metric, minute).sum()).sum()
}

/// The sum of what is known in the last 15 minutes.
pub(crate) fn seen(ids: &[Spender], metric: Metric, closed: Minute) -> f64 {
    let minutes = (closed - THROTTLED_WINDOW).until(closed);
    minutes.flat_map(|minute| ids.iter().filter_map(move |id| id.history.cell(metric, minute).sum())).sum()
}
