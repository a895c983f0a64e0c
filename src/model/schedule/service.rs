//! When and over which minutes the usage of quotas that are no model's is read: seldom while they are far from their limits,
//! since one query over half an hour costs what one over a minute does; sooner near them; refusals of guardrails in every
//! round, like those of models.

use crate::model::budget::{Load, Stretch};
use crate::model::meter::{Counts, SeriesName, guardrail_calls};
use crate::model::quota::ServiceQuota;
use crate::model::service::{
    Answered, Pace, ServiceAnswer, ServiceQuery, ServiceRequest, ServiceUsage, listings, metered, watched,
};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Counts of things are published every few minutes or hours. ListMetrics shows those of the last three hours, so that
/// many minutes are read.
const STOCK_MINUTES: i64 = 180;

/// What is due now.
pub(super) fn service(state: &TargetState, settings: &Settings, now: Timestamp) -> ServiceRequest {
    let (Some(interval), Some(quotas)) = (settings.service_interval, &state.quotas) else {
        return ServiceRequest::default();
    };
    let usage = &state.memory.service;
    let interval = (interval as f64 * state.memory.stretch.idle) as u64;
    if usage.listed_at.is_none_or(|at| now.since(at) >= interval) {
        let listings = listings(&quotas.value.quotas);
        return ServiceRequest { listings, queries: Vec::new() };
    }
    let queries = service_queries(state, settings, &usage.listed, now);
    ServiceRequest { queries, ..ServiceRequest::default() }
}

/// What is due of the series that ListMetrics shows: those that measure a quota, and those of guardrails and batch
/// inference. Each once.
pub fn service_queries(
    state: &TargetState,
    settings: &Settings,
    listed: &[SeriesName],
    now: Timestamp,
) -> Vec<ServiceQuery> {
    let reader = Reader { usage: &state.memory.service, settings, stretch: &state.memory.stretch, now };
    let wanted = wanted(state, settings, listed).into_iter();
    let due = wanted.filter(|(series, wanted)| reader.is_due(series, wanted.pace));
    due.map(|(series, wanted)| reader.query(series, &wanted)).collect()
}

/// What the answers of a round make urgent, to be read in the same round: when guardrails begin to be refused, how many
/// calls there are.
pub fn service_follow_up(
    state: &TargetState,
    settings: &Settings,
    answers: &[ServiceAnswer],
    now: Timestamp,
) -> Vec<ServiceQuery> {
    let throttles = guardrail_calls("InvocationThrottles");
    let first = settings.closed(now) - settings.lookback_minutes;
    let is_refusal = |(minute, calls): &(Minute, f64)| *minute >= first && *calls > 0.0;
    let mut refusals = answers.iter().filter(|answer| answer.query.series == throttles);
    if !refusals.any(|answer| answer.points.iter().any(is_refusal)) {
        return Vec::new();
    }
    let calls = guardrail_calls("Invocations");
    if answers.iter().any(|answer| answer.query.series == calls) {
        return Vec::new();
    }
    let reader = Reader { usage: &state.memory.service, settings, stretch: &state.memory.stretch, now };
    vec![reader.query(calls, &Wanted { statistic: "Sum".to_string(), pace: Pace::Round, span: 0 })]
}

/// How a series is read.
struct Wanted {
    statistic: String,
    pace: Pace,
    /// How many minutes are added up, at most.
    span: i64,
}

fn wanted(state: &TargetState, settings: &Settings, listed: &[SeriesName]) -> BTreeMap<SeriesName, Wanted> {
    let mut all: BTreeMap<SeriesName, Wanted> = BTreeMap::new();
    if listed.is_empty() {
        return all;
    }
    let refused = are_refused(&state.memory.service, settings);
    for (series, statistic, pace) in watched(listed) {
        let pace = if refused && pace == Pace::Normal { Pace::Round } else { pace };
        all.insert(series, Wanted { statistic: statistic.to_string(), pace, span: 0 });
    }
    let limits = Limits::new(state, settings);
    for metered in metered(state.rows(), listed) {
        let span = match metered.meter.counts {
            Counts::Rate { seconds } => seconds.div_ceil(60) as i64,
            Counts::Stock => STOCK_MINUTES,
        };
        let pace = limits.pace(metered.row, metered.meter.counts);
        for &series in &metered.series {
            let statistic = metered.meter.statistic.clone();
            let wanted = all.entry(series.clone()).or_insert(Wanted { statistic, pace, span });
            (wanted.pace, wanted.span) = (wanted.pace.max(pace), wanted.span.max(span));
        }
    }
    all
}

/// Whether calls of guardrails were refused in the look-back window.
fn are_refused(usage: &ServiceUsage, settings: &Settings) -> bool {
    let refusals = usage.answers.get(&guardrail_calls("InvocationThrottles"));
    refusals.is_some_and(|answer| {
        let mut recent = answer.points.range(answer.until - settings.lookback_minutes..);
        recent.any(|(_, calls)| *calls > 0.0)
    })
}

/// Which rows are near their limits, and which are of models.
struct Limits<'a> {
    near: BTreeSet<&'a str>,
    models: BTreeSet<&'a str>,
}

impl<'a> Limits<'a> {
    fn new(state: &'a TargetState, settings: &Settings) -> Limits<'a> {
        let evaluation = &state.evaluation;
        let hot_ratio = settings.cadence.map_or(f64::INFINITY, |cadence| cadence.hot_ratio);
        let near = evaluation.service.iter().filter(|status| status.peak_ratio >= Some(hot_ratio));
        Limits {
            near: near.map(|status| status.row.code.as_str()).collect(),
            models: evaluation.quotas.iter().map(|status| &*status.quota.key.code).collect(),
        }
    }

    fn pace(&self, row: &ServiceQuota, counts: Counts) -> Pace {
        let (code, near) = (row.code.as_str(), self.near.contains(row.code.as_str()));
        if self.models.contains(code) {
            return if near { Pace::Round } else { Pace::Normal };
        }
        match counts {
            _ if !near => Pace::Calm,
            Counts::Rate { .. } => Pace::Normal,
            // A number of things is published every few minutes at most, and may stay near its limit for months.
            Counts::Stock => Pace::Idle,
        }
    }
}

/// Seconds between two readings.
pub(crate) fn service_interval(pace: Pace, settings: &Settings, stretch: &Stretch) -> u64 {
    let round = settings.usage_interval;
    let (interval, factor) = match pace {
        Pace::Round => (round, 1.0),
        Pace::Normal => (settings.cadence.map_or(round, |cadence| cadence.normal_interval), stretch.normal),
        Pace::Idle => (settings.service_interval.unwrap_or_default(), stretch.idle),
        Pace::Calm => (settings.calm_interval(), stretch.calm),
    };
    (interval.max(round) as f64 * factor) as u64
}

struct Reader<'a> {
    usage: &'a ServiceUsage,
    settings: &'a Settings,
    stretch: &'a Stretch,
    now: Timestamp,
}

impl Reader<'_> {
    fn is_due(&self, series: &SeriesName, pace: Pace) -> bool {
        let Some(Answered { at, complete: true, .. }) = self.usage.answers.get(series) else { return true };
        // Rounds come a little early or late; half of one is no reason to wait for another.
        let early = self.settings.usage_interval / 2;
        pace == Pace::Round
            || self.now.since(*at) + early >= service_interval(pace, self.settings, self.stretch)
    }

    /// The minutes of every window, those that were not seen before it, and so many more as are added up.
    fn query(&self, series: SeriesName, wanted: &Wanted) -> ServiceQuery {
        let Reader { usage, settings, now, .. } = self;
        let until = settings.closed(*now);
        let seen =
            usage.answers.get(&series).and_then(|answer| answer.seen_at(settings.lookback_minutes, *now));
        let windows = until - settings.kept_minutes();
        let unseen = seen.map_or(windows, |at| settings.settled(at));
        let from = windows.min(unseen) - wanted.span;
        ServiceQuery { series, statistic: wanted.statistic.clone(), from, until }
    }
}

/// The metrics that are billed a day for it.
pub(super) fn load(state: &TargetState, settings: &Settings) -> Load {
    const DAY: f64 = 86_400.0;
    let mut load = Load::default();
    for Wanted { pace, .. } in wanted(state, settings, &state.memory.service.listed).values() {
        let daily = DAY / service_interval(*pace, settings, &Stretch::default()) as f64;
        match pace {
            Pace::Round => load.tripwire += daily,
            Pace::Normal => load.normal += daily,
            Pace::Idle => load.idle += daily,
            Pace::Calm => load.calm += daily,
        }
    }
    load
}
