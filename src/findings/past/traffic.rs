//! The calls of one model and scope over a span, as evidence.

use crate::findings::case::{Case, Extent, Instant, Limits, Measured, ROOMY, Recent, Spread, Subject};
use crate::model::evaluate::throttling::{self, Refused, Share};
use crate::model::evaluate::together::{self, Suspect};
use crate::model::evaluation::Cause;
use crate::model::ids::{QuotaKind, State};
use crate::model::matching::QuotaKey;
use crate::model::time::Minute;
use crate::model::usage::Metric;
use crate::picture::activity::Activity;
use crate::picture::spent::Spent;
use crate::picture::survey::Survey;
use std::collections::BTreeMap;

/// The newest refused minutes are the evidence, so many of them.
const EVIDENCE: usize = 15;
/// This share of calls that failed with 5xx, and more, is worth a finding of its own.
const FAILING: f64 = 0.05;
/// Over so many of the newest minutes with traffic.
const FAILING_MINUTES: usize = 60;

/// Everything about one model and scope that evidence is made of.
pub(super) struct Traffic<'a> {
    survey: &'a Survey<'a>,
    activity: &'a Activity<'a>,
    spent: BTreeMap<&'a QuotaKey, Spent>,
    requests: Vec<f64>,
    throttles: Vec<f64>,
    server_errors: Vec<f64>,
}

impl<'a> Traffic<'a> {
    pub(super) fn new(survey: &'a Survey<'a>, activity: &'a Activity<'a>) -> Traffic<'a> {
        let throttles = activity.series(Metric::Throttles);
        let is_refused = throttles.iter().any(|throttles| *throttles > 0.0);
        let keys = activity.quotas().into_iter().filter(|key| is_refused && !key.code.is_empty());
        Traffic {
            survey,
            activity,
            spent: keys.filter_map(|key| Some((key, survey.spent(key)?))).collect(),
            requests: activity.series(Metric::Invocations),
            throttles,
            server_errors: activity.series(Metric::ServerErrors),
        }
    }

    /// `None` where nothing was refused, and not much failed.
    pub(super) fn case(&self) -> Option<Case> {
        let settled = self.survey.settled();
        let refused: Vec<usize> = (0..settled).filter(|&at| self.throttles[at] > 0.0).collect();
        let (cause, places) = match refused.len() {
            0 => (Cause::Capacity, self.failing(settled)?),
            count => {
                let newest = refused[count.saturating_sub(EVIDENCE)..].to_vec();
                (self.cause(&newest), newest)
            }
        };
        let totals = self.activity.totals();
        let ceilings =
            self.spent.iter().filter_map(|(key, spent)| Some(spent.ceiling(settled)? / self.limit(key)?));
        Some(Case {
            target: self.survey.picture.target.clone(),
            subject: Subject {
                model: Some(self.activity.model.clone()),
                scope: self.activity.scope,
                quota: None,
            },
            cause,
            together: 0,
            recent: self.recent(settled),
            extent: Extent::Span,
            throttles: totals.throttles,
            attempts: totals.attempts(),
            refused_minutes: refused.len(),
            minutes: places.iter().map(|&at| self.instant(at)).collect(),
            measured: self.measured(&places),
            ceiling: ceilings.reduce(f64::max),
            limits: self.limits(),
            spread: self.spread(settled),
        })
    }

    /// The case as it is held against those of other models.
    pub(super) fn suspect(&self, case: &Case) -> Suspect {
        let settled = self.survey.settled();
        let newest = (0..settled).rev().find(|&at| self.throttles[at] > 0.0);
        let is_shut_out = |newest: &usize| {
            let mut minutes = (newest + 1).saturating_sub(together::NEWEST as usize)..=*newest;
            minutes.all(|at| self.requests[at] == 0.0)
        };
        Suspect {
            model: self.activity.is_mapped.then(|| self.activity.model.clone()),
            cause: case.cause,
            minutes: case.minutes.iter().map(|instant| instant.minute).collect(),
            count: case.refused_minutes,
            shut_out: newest.filter(is_shut_out).zip(self.survey.usage()).map(|(at, usage)| usage.minute(at)),
        }
    }

    /// The windows of the alerts, at the end of the span.
    fn recent(&self, settled: usize) -> Recent {
        let last = |minutes: usize| settled.saturating_sub(minutes)..settled;
        let sum = |series: &[f64], minutes| -> f64 { last(minutes).map(|at| series[at]).sum() };
        let window = |minutes| {
            let (made, refused) = (sum(&self.requests, minutes), sum(&self.throttles, minutes));
            let attempts = Some(made + refused).filter(|attempts| !attempts.is_nan());
            (attempts.filter(|attempts| *attempts > 0.0).map(|attempts| refused / attempts), attempts)
        };
        let ((ratio, attempts), (long_ratio, long_attempts)) = (window(5), window(30));
        let throttled = last(15).filter(|&at| self.throttles[at] > 0.0).count();
        let known = |sum: f64| if sum.is_nan() { 0.0 } else { sum };
        Recent {
            ratio,
            attempts,
            long_ratio,
            long_attempts,
            minute_ratio: None,
            minute_attempts: None,
            throttled_seconds: 60 * throttled as u64,
            server_errors: known(sum(&self.server_errors, 15)),
            requests: known(sum(&self.requests, 15)),
        }
    }

    fn limit(&self, key: &QuotaKey) -> Option<f64> {
        self.survey.quota(key)?.limit.filter(|limit| *limit > 0.0)
    }

    fn limits(&self) -> Limits {
        let keys = self.activity.quotas();
        Limits::of(keys.into_iter().filter_map(|key| self.survey.quota(key)).map(|quota| &**quota))
    }

    fn spread(&self, settled: usize) -> Option<Spread> {
        let limit = self.limits().requests?.value;
        let roomy = self.requests.iter().take(settled).filter(|calls| **calls <= ROOMY * limit).count();
        let mean = self.activity.totals().attempts() / settled.max(1) as f64;
        Some(Spread { mean, roomy, minutes: settled })
    }

    /// The newest minutes in which calls failed with 5xx, where many did.
    fn failing(&self, settled: usize) -> Option<Vec<usize>> {
        let busy: Vec<usize> =
            (0..settled).rev().filter(|&at| self.requests[at] > 0.0).take(FAILING_MINUTES).collect();
        let sum = |series: &[f64]| busy.iter().map(|&at| series[at]).sum::<f64>();
        let (errors, requests) = (sum(&self.server_errors), sum(&self.requests));
        if errors.is_nan() || errors / (errors + requests) < FAILING {
            return None;
        }
        let mut failing: Vec<usize> =
            busy.into_iter().filter(|&at| self.server_errors[at] > 0.0).take(EVIDENCE).collect();
        failing.reverse();
        Some(failing)
    }

    /// By the same evidence as the daemon's.
    fn cause(&self, places: &[usize]) -> Cause {
        let known = |series: &[f64]| places.iter().map(|&at| series[at]).filter(|sum| !sum.is_nan()).sum();
        let limits = self.activity.quotas().into_iter().filter_map(|key| self.survey.quota(key));
        throttling::cause(&throttling::Evidence {
            refused: places.iter().map(|&at| self.refused(at)).collect(),
            throttles: known(&self.throttles),
            server_errors: known(&self.server_errors),
            zero_quota: limits.into_iter().any(|quota| quota.state == State::Zero),
            limits_confirmed: true,
        })
    }

    fn refused(&self, at: usize) -> Refused {
        let none = Share::NoLimit;
        let mut shares = Refused { requests: none, tokens: none, day: none, other: none };
        for charge in self.activity.ids.iter().flat_map(|id| &id.resolution.charges) {
            let share = match charge.kind {
                QuotaKind::RequestsPerMinute => &mut shares.requests,
                QuotaKind::TokensPerMinute => &mut shares.tokens,
                QuotaKind::TokensPerDay => &mut shares.day,
                _ => &mut shares.other,
            };
            *share = share.or(match &charge.quota {
                None if charge.state == State::NoSuchQuota => Share::NoLimit,
                None => Share::Unknown,
                Some(key) if key.code.is_empty() => Share::NoLimit,
                Some(key) => self.share(key, at).map_or(Share::Unknown, Share::Of),
            });
        }
        shares
    }

    fn share(&self, key: &QuotaKey, at: usize) -> Option<f64> {
        Some(self.spent.get(key)?.value(at)? / self.limit(key)?)
    }

    fn instant(&self, at: usize) -> Instant {
        let of_kind = |kind: QuotaKind| {
            let keys = self.activity.quotas().into_iter().filter(|key| key.kind == kind);
            keys.filter_map(|key| self.share(key, at)).reduce(f64::max)
        };
        Instant {
            minute: self.survey.usage().map_or(Minute(0), |usage| usage.minute(at)),
            requests: self.requests[at],
            throttles: self.throttles[at],
            server_errors: self.server_errors[at],
            requests_share: of_kind(QuotaKind::RequestsPerMinute),
            tokens_share: of_kind(QuotaKind::TokensPerMinute),
            day_share: of_kind(QuotaKind::TokensPerDay),
        }
    }

    fn measured(&self, places: &[usize]) -> Measured {
        let series = Measured::METRICS.map(|metric| self.activity.series(metric));
        // A minute of which something is not known would spoil the averages.
        let known = places.iter().filter(|at| series.iter().all(|series| !series[**at].is_nan()));
        let known: Vec<usize> = known.copied().collect();
        let [requests, throttles, input, output, cache_read, cache_write] =
            series.each_ref().map(|series| known.iter().map(|at| series[*at]).sum());
        Measured { minutes: known.len() as f64, requests, throttles, input, output, cache_read, cache_write }
    }
}
