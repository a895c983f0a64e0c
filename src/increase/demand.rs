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
    /// `None` without a call of which all tokens are known.
    pub average: Option<Average>,
    /// By whole prompts, cached or not.
    pub large: Option<Large>,
    /// By input that was neither read from a cache nor written to one.
    pub large_uncached: Option<Large>,
    pub growth: Option<Growth>,
}

/// The tokens of an average request. CloudWatch's input leaves out what a cache holds, though the model reads it all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average {
    pub input: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    pub output: f64,
    /// Of so many requests: those of the minutes of which all tokens are known.
    pub requests: f64,
}

impl Average {
    /// Everything that the model was sent.
    pub fn prompt(&self) -> f64 {
        self.input + self.cache_read + self.cache_write
    }
}

/// How many requests had more than 25,000 input tokens. CloudWatch has sums of minutes only, so this is a range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Large {
    pub least: f64,
    pub most: f64,
    /// Of so many.
    pub requests: f64,
    /// Requests of minutes whose tokens are not all known: any of them may be among `most`.
    pub unread: f64,
}

/// What a prompt is made of.
const PROMPT: [Metric; 3] = [Metric::InputTokens, Metric::CacheReadTokens, Metric::CacheWriteTokens];

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
        let tokens = spent.and_then(|quota| survey.spent(&quota.key));
        let counted = |quota: &Arc<ModelQuota>| survey.spent_as(&quota.key, QuotaKind::RequestsPerMinute);
        let requests = spent.and_then(counted);
        Demand {
            totals: activity.totals(),
            tokens: tokens.as_ref().and_then(|tokens| tokens.distribution(settled)),
            requests: requests.as_ref().and_then(|requests| requests.distribution(settled)),
            attempts: attempts(survey, activity),
            average: average(survey, activity),
            large: large(survey, activity, &PROMPT),
            large_uncached: large(survey, activity, &[Metric::InputTokens]),
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

/// Requests of one id's settled minutes, each with the sums of some metrics beside it; a minute whose requests are not
/// known is left out.
fn requests<'a, const N: usize>(
    survey: &'a Survey,
    activity: &'a Activity,
    metrics: &'a [Metric; N],
) -> impl Iterator<Item = (f64, [Option<f64>; N])> + 'a {
    let len = survey.usage().map_or(0, |usage| usage.len());
    activity.ids.iter().flat_map(move |id| {
        let mut sums = metrics.map(|metric| id.span.sums(metric, len));
        let calls = id.span.sums(Metric::Invocations, len).take(survey.settled());
        let minute = move |calls: Option<f64>| {
            let sums = sums.each_mut().map(|sums| sums.next().flatten());
            calls.filter(|calls| *calls > 0.0).map(|calls| (calls, sums))
        };
        calls.filter_map(minute)
    })
}

/// A minute of which something is not known would spoil it.
fn average(survey: &Survey, activity: &Activity) -> Option<Average> {
    let [input, cache_read, cache_write] = PROMPT;
    let metrics = [input, cache_read, cache_write, Metric::OutputTokens];
    let (mut requests_made, mut tokens) = (0.0, [0.0; 4]);
    for (calls, sums) in requests(survey, activity, &metrics) {
        let [Some(input), Some(cache_read), Some(cache_write), Some(output)] = sums else { continue };
        requests_made += calls;
        for (total, sum) in tokens.iter_mut().zip([input, cache_read, cache_write, output]) {
            *total += sum;
        }
    }
    let [input, cache_read, cache_write, output] = tokens.map(|total| total / requests_made);
    (requests_made > 0.0).then_some(Average {
        input,
        cache_read,
        cache_write,
        output,
        requests: requests_made,
    })
}

/// What minute sums prove of the tokens in `parts`: a minute whose calls average more than the bound has at least one
/// call above it, and no more calls can be above it than its tokens pay for. Where a part is not known, the others still
/// prove the first.
fn large<const N: usize>(survey: &Survey, activity: &Activity, parts: &[Metric; N]) -> Option<Large> {
    let mut large = Large::default();
    for (calls, sums) in requests(survey, activity, parts) {
        let known: f64 = sums.iter().flatten().sum();
        large.requests += calls;
        if sums.iter().all(Option::is_some) {
            large.most += calls.min(((known / LARGE).ceil() - 1.0).max(0.0));
        } else {
            large.most += calls;
            large.unread += calls;
        }
        if known > LARGE * calls {
            large.least += 1.0;
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
