//! Refused calls per model and scope, and what refused them.

use super::utilization::Spender;
use crate::model::evaluation::{
    Cause, NEWEST_MINUTE, Pool, THROTTLE_WINDOWS, THROTTLED_WINDOW, ThrottleStatus,
};
use crate::model::time::Minute;
use crate::model::usage::Metric;

/// With fewer minutes of refusals than this no cause is named: isolated refusals say nothing.
pub(crate) const LEAST_MINUTES: usize = 5;

/// A quota counts as at its limit from here on: limits are enforced within the minute, so a refused
/// minute rarely adds up to all of it.
const AT_LIMIT: f64 = 0.9;

/// A day quota counts as spent from here on: all of it but what the last call could not have.
const SPENT: f64 = 0.99;

/// "Well below": no doubt that settled use alone did not refuse the calls.
const WELL_BELOW: f64 = 0.8;

/// How much of a limit was used in a minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Share {
    /// There is no such quota.
    NoLimit,
    /// The limit, or the usage, is not known.
    Unknown,
    Of(f64),
}

impl Share {
    /// The more used of two limits; not knowing one leaves the answer open, unless the other is reached.
    pub(crate) fn or(self, other: Share) -> Share {
        match (self, other) {
            (Share::NoLimit, share) | (share, Share::NoLimit) => share,
            (Share::Of(a), Share::Of(b)) => Share::Of(a.max(b)),
            (reached, Share::Unknown) | (Share::Unknown, reached) if reached.at_limit() => reached,
            _ => Share::Unknown,
        }
    }

    /// From 0.9 on.
    pub(crate) fn at_limit(self) -> bool {
        matches!(self, Share::Of(ratio) if ratio >= AT_LIMIT)
    }

    /// Whether a day's limit refuses calls. A day stays above 0.9 for hours in which it refuses nothing.
    fn is_spent(self) -> bool {
        matches!(self, Share::Of(ratio) if ratio >= SPENT)
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
pub(crate) struct Refused {
    pub requests: Share,
    pub tokens: Share,
    pub day: Share,
    /// Any other quota that the calls spend (concurrent requests).
    pub other: Share,
}

/// The last 15 minutes of a model and scope in which calls were refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Evidence {
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
pub(crate) fn cause(evidence: &Evidence) -> Cause {
    let refused = &evidence.refused;
    if refused.len() < LEAST_MINUTES {
        return Cause::Unknown;
    }
    let at_limit = |share: fn(&Refused) -> Share| refused.iter().filter(|m| share(m).at_limit()).count();
    let mostly = |minutes: usize| 2 * minutes > refused.len();
    let (requests, tokens) = (at_limit(|m| m.requests), at_limit(|m| m.tokens));
    // What is certain comes first, then the limits of a minute, then that of the day: a day may stay nearly spent for
    // hours in which a minute's limit refuses.
    if evidence.zero_quota {
        Cause::ZeroQuota
    } else if mostly(requests) && requests >= tokens {
        Cause::RequestsPerMinute
    } else if mostly(tokens) {
        Cause::TokensPerMinute
    } else if mostly(refused.iter().filter(|minute| minute.day.is_spent()).count()) {
        Cause::TokensPerDay
    // AWS fails more often than it refuses: what is short is its own capacity.
    } else if evidence.server_errors > evidence.throttles {
        Cause::Capacity
    // By exclusion: every minute has to speak for it, since nothing that AWS publishes shows a reservation.
    } else if evidence.limits_confirmed && refused.iter().all(is_reservation) {
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

/// Refusals of one pool in the minutes before `ended`, all its ids added minute by minute. The
/// windows of ratios and attempts end with the newest minute among `latest` that is known of all ids; while calls are
/// refused there is one of a single minute, which need not be closed. The cause is left to the caller.
pub(crate) fn status(
    pool: Pool,
    ids: &[Spender],
    (closed, ended): (Minute, Minute),
    mut latest: impl DoubleEndedIterator<Item = Minute>,
) -> ThrottleStatus {
    let attempts =
        |minute| Some((total(ids, Metric::Invocations, minute)?, total(ids, Metric::Throttles, minute)?));
    // One id that is read late must not let the windows of all others end: they end where all are known.
    let newest = latest.rfind(|&minute| attempts(minute).is_some());
    let mut windows = Windows::before(newest.map_or(closed, |newest| newest + 1), attempts);
    let throttled_seconds = 60 * throttled_minutes(ids, closed, ended).count() as u64;
    if throttled_seconds > 0
        && let Some(counts) = newest_minute(ids, closed, ended)
    {
        windows.put(NEWEST_MINUTE, counts);
    }
    let Windows { ratio, attempts } = windows;
    ThrottleStatus { pool, ratio, attempts, throttled_seconds, cause: None, together: 0 }
}

/// By the label of each window: the share of the calls that were refused, and how many calls there were.
#[derive(Default)]
pub(super) struct Windows {
    pub ratio: Vec<(&'static str, f64)>,
    pub attempts: Vec<(&'static str, f64)>,
}

impl Windows {
    /// The windows that end before a minute, of what is known of calls and refusals in theirs.
    pub(super) fn before(end: Minute, attempts: impl Fn(Minute) -> Option<(f64, f64)>) -> Windows {
        let mut windows = Windows::default();
        for (window, minutes) in THROTTLE_WINDOWS {
            let known = (end - minutes).until(end).filter_map(&attempts);
            // Of a window that nothing is known of there is nothing to tell.
            if let Some(counts) = known.reduce(|(a, b), (c, d)| (a + c, b + d)) {
                windows.put(window, counts);
            }
        }
        windows
    }

    fn put(&mut self, window: &'static str, (invocations, throttles): (f64, f64)) {
        let attempts = invocations + throttles;
        self.attempts.push((window, attempts));
        // Without calls there is no share, and 0 would say that all were let in.
        if attempts > 0.0 {
            self.ratio.push((window, throttles / attempts));
        }
    }
}

/// Calls and refusals of the newest minute with refusals whose calls are published of all ids; of the last five at most.
/// It stays until a newer one is known: refusals of the next may come after its calls.
fn newest_minute(ids: &[Spender], closed: Minute, ended: Minute) -> Option<(f64, f64)> {
    let of_all = |minute| {
        let mut counts = ids.iter().map(|id| id.history.attempts(minute));
        let sum = counts.try_fold((0.0, 0.0), |(a, b), counts| counts.map(|(c, d)| (a + c, b + d)));
        sum.filter(|(_, throttles)| *throttles > 0.0)
    };
    (closed - THROTTLE_WINDOWS[0].1).until(ended).rev().find_map(of_all)
}

/// The throttled minutes among the last 15, those that are not closed included: shown as soon as one id was refused,
/// whatever is known of the others.
pub(crate) fn throttled_minutes(
    ids: &[Spender],
    closed: Minute,
    ended: Minute,
) -> impl Iterator<Item = Minute> {
    let is_refused = |minute: &Minute| ids.iter().any(|id| id.is_throttled(*minute));
    let end = closed.until(ended).rev().find(is_refused).map_or(closed, |young| young + 1);
    (end - THROTTLED_WINDOW).until(end).filter(is_refused)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes of one window, as (requests, tokens, throttles, 5xx); those without throttles refuse nothing.
    struct Case {
        minutes: Vec<(f64, f64, f64, f64)>,
        /// Limits: requests and tokens per minute; 0 is a zero quota.
        requests: Option<f64>,
        tokens: Option<f64>,
        day: Share,
        confirmed: bool,
    }

    fn case(minutes: Vec<(f64, f64, f64, f64)>) -> Case {
        Case { minutes, requests: Some(50.0), tokens: Some(100_000.0), day: Share::NoLimit, confirmed: true }
    }

    impl Case {
        fn cause(&self) -> Cause {
            let share = |used: f64, limit: Option<f64>| match limit {
                None => Share::NoLimit,
                Some(0.0) => Share::Unknown,
                Some(limit) => Share::Of(used / limit),
            };
            let refused = self.minutes.iter().filter(|(_, _, throttles, _)| *throttles > 0.0);
            cause(&Evidence {
                refused: refused
                    .map(|&(requests, tokens, _, _)| Refused {
                        requests: share(requests, self.requests),
                        tokens: share(tokens, self.tokens),
                        day: self.day,
                        other: Share::NoLimit,
                    })
                    .collect(),
                throttles: self.minutes.iter().map(|m| m.2).sum(),
                server_errors: self.minutes.iter().map(|m| m.3).sum(),
                zero_quota: self.requests == Some(0.0) || self.tokens == Some(0.0),
                limits_confirmed: self.confirmed,
            })
        }
    }

    #[test]
    fn a_table_of_causes() {
        let storm = || vec![(0.0, 0.0, 900.0, 0.0); 8];
        let at_40_percent = || vec![(12.0, 40_000.0, 30.0, 0.0); 8];
        let cases = [
            ("a storm from idle at 100 % refusal", case(storm()), Cause::Reservation),
            ("reservation at 40 %", case(at_40_percent()), Cause::Reservation),
            (
                "reservation at 40 % where no requests quota exists",
                Case { requests: None, ..case(at_40_percent()) },
                Cause::Reservation,
            ),
            ("an RPM storm", case(vec![(49.0, 30_000.0, 600.0, 0.0); 8]), Cause::RequestsPerMinute),
            ("tokens at their limit", case(vec![(20.0, 97_000.0, 15.0, 0.0); 8]), Cause::TokensPerMinute),
            (
                "a limit cut meanwhile: the old use is above the new limit",
                Case { tokens: Some(42_000.0), ..case(at_40_percent()) },
                Cause::TokensPerMinute,
            ),
            (
                "a limit that may have been cut, not read again yet",
                Case { confirmed: false, ..case(at_40_percent()) },
                Cause::Unknown,
            ),
            ("four isolated refusals", case(vec![(20.0, 97_000.0, 1.0, 0.0); 4]), Cause::Unknown),
            ("a zero quota with attempts", Case { tokens: Some(0.0), ..case(storm()) }, Cause::ZeroQuota),
            (
                "four attempts on a zero quota",
                Case { tokens: Some(0.0), ..case(vec![(0.0, 0.0, 3.0, 0.0); 4]) },
                Cause::Unknown,
            ),
            ("the day is spent", Case { day: Share::Of(0.999), ..case(storm()) }, Cause::TokensPerDay),
            (
                "tokens at their limit on a day that is nearly spent",
                Case { day: Share::Of(0.95), ..case(vec![(20.0, 97_000.0, 15.0, 0.0); 8]) },
                Cause::TokensPerMinute,
            ),
            (
                "requests at their limit on a day that is spent",
                Case { day: Share::Of(0.995), ..case(vec![(49.0, 30_000.0, 600.0, 0.0); 8]) },
                Cause::RequestsPerMinute,
            ),
            (
                "reservation or a day that is nearly spent: nobody knows",
                Case { day: Share::Of(0.95), ..case(at_40_percent()) },
                Cause::Unknown,
            ),
            ("capacity: 5xx with few throttles", case(vec![(9.0, 9_000.0, 1.0, 40.0); 8]), Cause::Capacity),
            (
                "5xx beside tokens at their limit",
                case(vec![(20.0, 97_000.0, 5.0, 40.0); 8]),
                Cause::TokensPerMinute,
            ),
            ("neither at a limit nor well below", case(vec![(12.0, 85_000.0, 30.0, 0.0); 8]), Cause::Unknown),
            ("the day is not known", Case { day: Share::Unknown, ..case(at_40_percent()) }, Cause::Unknown),
            (
                "no token limit to reserve from",
                Case { tokens: None, ..case(at_40_percent()) },
                Cause::Unknown,
            ),
            (
                "both limits in turn",
                case([vec![(49.0, 9_000.0, 9.0, 0.0); 2], vec![(5.0, 99_000.0, 9.0, 0.0); 6]].concat()),
                Cause::TokensPerMinute,
            ),
        ];
        for (name, case, expected) in cases {
            assert_eq!(case.cause(), expected, "{name}");
        }
    }

    #[test]
    fn of_two_limits_the_reached_one_decides_and_an_unknown_one_leaves_it_open() {
        assert_eq!(Share::Of(0.95).or(Share::Unknown), Share::Of(0.95));
        assert_eq!(Share::Unknown.or(Share::Of(0.4)), Share::Unknown);
        assert_eq!(Share::Of(0.4).or(Share::Of(0.6)), Share::Of(0.6));
        assert_eq!(Share::NoLimit.or(Share::Of(0.4)), Share::Of(0.4));
    }
}
