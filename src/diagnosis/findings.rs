//! What went wrong in a picture, with its evidence minute by minute.

use super::finding::{Finding, Instant, Measured};
use super::remedies::{account_wide, remedies};
use crate::model::evaluate::throttling::{self, Refused, Share};
use crate::model::evaluation::Cause;
use crate::model::ids::{Endpoint, QuotaKind, State};
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
struct Case<'a> {
    survey: &'a Survey<'a>,
    activity: &'a Activity<'a>,
    spent: BTreeMap<&'a QuotaKey, Spent>,
    requests: Vec<f64>,
    throttles: Vec<f64>,
    server_errors: Vec<f64>,
}

/// The findings of a survey, those with the most refused calls first.
pub fn findings(survey: &Survey) -> Vec<Finding> {
    let all = Activity::all(survey);
    let calls = all.iter().filter(|activity| activity.endpoint == Endpoint::Runtime);
    let mut findings: Vec<Finding> =
        calls.filter_map(|activity| Case::new(survey, activity).finding()).collect();
    doubt_reservations(&mut findings);
    findings.sort_by(|a, b| b.throttles.total_cmp(&a.throttles));
    findings
}

/// So many models that are refused together, each far below its limits, have one cause that is none of theirs.
const TOGETHER: usize = 3;

/// Takes back the cause of models that were refused in the same minutes: several do not begin to reserve too
/// much at the same time.
fn doubt_reservations(findings: &mut [Finding]) {
    let minutes = |finding: &Finding| -> Vec<Minute> {
        finding.evidence.iter().map(|instant| instant.minute).collect()
    };
    let reserved = findings.iter().filter(|finding| finding.cause == Cause::Reservation);
    let all: Vec<(Vec<Minute>, usize)> =
        reserved.map(|finding| (minutes(finding), finding.refused_minutes)).collect();
    for finding in findings.iter_mut().filter(|finding| finding.cause == Cause::Reservation) {
        let own = (minutes(finding), finding.refused_minutes);
        // Also as long: who is refused all the time has a cause of its own.
        let together = all.iter().filter(|other| **other == own).count();
        if together >= TOGETHER {
            finding.cause = Cause::Unknown;
            finding.remedies = vec![account_wide(together)];
        }
    }
}

impl<'a> Case<'a> {
    fn new(survey: &'a Survey<'a>, activity: &'a Activity<'a>) -> Case<'a> {
        let throttles = activity.series(Metric::Throttles);
        let is_refused = throttles.iter().any(|throttles| *throttles > 0.0);
        let keys = activity.quotas().into_iter().filter(|key| is_refused && !key.code.is_empty());
        Case {
            survey,
            activity,
            spent: keys.filter_map(|key| Some((key, survey.spent(key)?))).collect(),
            requests: activity.series(Metric::Invocations),
            throttles,
            server_errors: activity.series(Metric::ServerErrors),
        }
    }

    fn finding(&self) -> Option<Finding> {
        let settled = self.survey.settled();
        let refused: Vec<usize> = (0..settled).filter(|&at| self.throttles[at] > 0.0).collect();
        let (cause, places) = match refused.len() {
            0 => (Cause::Capacity, self.failing(settled)?),
            count => {
                let newest = refused[count.saturating_sub(EVIDENCE)..].to_vec();
                (self.cause(&newest), newest)
            }
        };
        let measured = self.measured(&places);
        let totals = self.activity.totals();
        let mut finding = Finding {
            place: self.survey.picture.place(),
            model: self.activity.model.clone(),
            scope: self.activity.scope,
            cause,
            throttles: totals.throttles,
            attempts: totals.attempts(),
            refused_minutes: refused.len(),
            evidence: places.iter().map(|&at| self.instant(at)).collect(),
            measured,
            remedies: Vec::new(),
        };
        finding.remedies = remedies(&finding, self.survey, self.activity);
        Some(finding)
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
        let limit = self.survey.quota(key)?.limit.filter(|limit| *limit > 0.0)?;
        Some(self.spent.get(key)?.value(at)? / limit)
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
        let sum = |metric: Metric| {
            let series = self.activity.series(metric);
            places.iter().map(|&at| series[at]).filter(|sum| !sum.is_nan()).sum::<f64>()
        };
        Measured {
            minutes: places.len() as f64,
            requests: sum(Metric::Invocations),
            throttles: sum(Metric::Throttles),
            input: sum(Metric::InputTokens),
            output: sum(Metric::OutputTokens),
            cache_read: sum(Metric::CacheReadTokens),
            cache_write: sum(Metric::CacheWriteTokens),
        }
    }
}
