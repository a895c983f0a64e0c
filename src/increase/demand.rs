//! What the calls of a model need, measured over the settled minutes of a span.

use crate::model::ids::QuotaKind;
use crate::model::matching::ModelQuota;
use crate::model::usage::Metric;
use crate::picture::activity::{Activity, Totals};
use crate::picture::distribution::Distribution;
use crate::picture::spent::Spent;
use crate::picture::survey::Survey;
use std::sync::Arc;

/// AWS asks for the share of requests with more input tokens than these.
pub const LARGE: f64 = 25_000.0;
/// How far ahead growth is projected, in days.
pub const AHEAD: f64 = 90.0;
/// Minutes of the week that is compared with the one before.
const WEEK: usize = 7 * 1440;

/// Numbers for the draft; `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    pub totals: Totals,
    /// Tokens that the limit was charged, minute by minute.
    pub tokens: Option<Distribution>,
    /// Calls made.
    pub requests: Option<Distribution>,
    /// Calls, made and refused.
    pub attempts: Option<Distribution>,
    pub input_per_request: Option<f64>,
    pub output_per_request: Option<f64>,
    pub large: Option<Large>,
    pub growth: Option<Growth>,
}

/// How many requests had more than 25,000 input tokens. CloudWatch has sums of minutes only, so this is a range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Large {
    pub least: f64,
    pub most: f64,
    /// Of so many.
    pub requests: f64,
}

/// The charges of the last seven days beside those of the seven before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    pub before: f64,
    pub last: f64,
}

impl Growth {
    /// How many times today's use it is in [`AHEAD`] days, if every week adds as much as the last one did; `None`: use
    /// falls, and a straight line would lead below 0.
    pub fn projected(&self) -> Option<f64> {
        (self.last >= self.before).then(|| self.projection())
    }

    fn projection(&self) -> f64 {
        1.0 + (self.last - self.before) / self.last * AHEAD / 7.0
    }
}

impl Demand {
    /// `spent`: the quota of tokens per minute that the calls spend, where there is one.
    pub fn of(survey: &Survey, activity: &Activity, spent: Option<&Arc<ModelQuota>>) -> Demand {
        let settled = survey.settled();
        let totals = activity.totals();
        let a_request = |tokens: f64| (totals.requests > 0.0).then(|| tokens / totals.requests);
        let tokens = spent.and_then(|quota| survey.spent(&quota.key));
        let counted = |quota: &Arc<ModelQuota>| survey.spent_as(&quota.key, QuotaKind::RequestsPerMinute);
        let requests = spent.and_then(counted);
        Demand {
            totals,
            tokens: tokens.as_ref().and_then(|tokens| tokens.distribution(settled)),
            requests: requests.as_ref().and_then(|requests| requests.distribution(settled)),
            attempts: attempts(survey, activity),
            input_per_request: a_request(totals.input),
            output_per_request: a_request(totals.output),
            large: large(survey, activity),
            growth: tokens.as_ref().and_then(|tokens| growth(tokens, settled)),
        }
    }
}

/// Of the minutes with a call, made or refused.
fn attempts(survey: &Survey, activity: &Activity) -> Option<Distribution> {
    let usage = survey.usage()?;
    let (calls, throttles) = (activity.series(Metric::Invocations), activity.series(Metric::Throttles));
    let attempts = calls.iter().zip(&throttles).map(|(calls, throttles)| calls + throttles).enumerate();
    let busy = attempts.take(survey.settled()).filter(|(_, attempts)| *attempts > 0.0);
    Distribution::of(busy.map(|(at, attempts)| (usage.minute(at), attempts)))
}

/// What minute sums prove: a minute whose calls average more than the bound has at least one call above it, and no
/// more calls can be above it than its input pays for. A minute whose input is not known proves nothing.
fn large(survey: &Survey, activity: &Activity) -> Option<Large> {
    let len = survey.usage()?.len();
    let mut large = Large::default();
    for id in &activity.ids {
        let (calls, input) = (id.span.sums(Metric::Invocations, len), id.span.sums(Metric::InputTokens, len));
        for (calls, input) in calls.zip(input).take(survey.settled()) {
            let Some(calls) = calls.filter(|calls| *calls > 0.0) else { continue };
            large.requests += calls;
            large.most += input.map_or(calls, |input| calls.min(((input / LARGE).ceil() - 1.0).max(0.0)));
            large.least += f64::from(u8::from(input.is_some_and(|input| input > LARGE * calls)));
        }
    }
    (large.requests > 0.0).then_some(large)
}

/// `None` unless every minute of two weeks is known, and both had calls.
fn growth(spent: &Spent, settled: usize) -> Option<Growth> {
    let start = settled.checked_sub(2 * WEEK)?;
    let week = |from: usize| (from..from + WEEK).map(|at| spent.value(at)).sum::<Option<f64>>();
    let (before, last) = (week(start)?, week(start + WEEK)?);
    (before > 0.0 && last > 0.0).then_some(Growth { before, last })
}
