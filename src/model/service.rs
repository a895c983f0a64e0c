//! Usage of quotas that are no model's, and of guardrails and batch inference: what is asked of CloudWatch, what came
//! back, and what is remembered of it.

use super::meter::{Meter, SeriesName, guardrail_calls, meter};
use super::quota::ServiceQuota;
use super::time::{Minute, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) const BATCH: &str = "AWS/Bedrock/Batch";
pub(crate) const MANTLE: &str = "AWS/BedrockMantle";

/// How soon a series is wanted. Later ones are sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Far from any limit, or without one.
    Calm,
    /// Like an idle id.
    Idle,
    /// Like a normal id.
    Normal,
    Round,
}

/// What is read of guardrails beside what their quotas need, while no call is refused.
pub(crate) const OF_GUARDRAILS: [(&str, Pace); 5] = [
    ("InvocationThrottles", Pace::Round),
    ("Invocations", Pace::Normal),
    ("InvocationServerErrors", Pace::Normal),
    ("InvocationClientErrors", Pace::Calm),
    ("InvocationsIntervened", Pace::Calm),
];

/// What is read of single models beside their calls: namespace, its only dimension, metric and statistic.
pub(crate) const OF_MODELS: [(&str, &str, &str, &str); 6] = [
    (BATCH, "ModelId", "NumberOfRecordsPendingProcessing", "Maximum"),
    (BATCH, "ModelId", "NumberOfTokensPendingProcessing", "Maximum"),
    (BATCH, "ModelId", "NumberOfInputTokensProcessedPerMinute", "Sum"),
    (BATCH, "ModelId", "NumberOfOutputTokensProcessedPerMinute", "Sum"),
    (MANTLE, "Model", "BurnDownConsumed", "Sum"),
    (MANTLE, "Model", "EquivalentReservationUnits", "Maximum"),
];

/// What to read in one round: ListMetrics first and then whatever it shows, or series that are known already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceRequest {
    pub listings: BTreeSet<Listing>,
    pub queries: Vec<ServiceQuery>,
}

/// One namespace of ListMetrics, and the value of the dimension Service that narrows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    pub namespace: Arc<str>,
    pub service: Option<Arc<str>>,
}

/// One query of GetMetricData: the minutes `from .. until` of a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceQuery {
    pub series: SeriesName,
    /// As CloudWatch spells it.
    pub statistic: String,
    pub from: Minute,
    pub until: Minute,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceReading {
    /// Every series that ListMetrics shows with a datapoint of the last three hours; `None`: not asked, or in vain.
    pub listed: Option<Vec<SeriesName>>,
    pub answers: Vec<ServiceAnswer>,
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAnswer {
    pub query: ServiceQuery,
    /// If not, minutes without a point are unknown.
    pub complete: bool,
    pub points: Vec<(Minute, f64)>,
}

/// What is remembered: the newest answer of every series that is listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceUsage {
    /// When ListMetrics last answered.
    pub listed_at: Option<Timestamp>,
    /// Sorted.
    pub listed: Vec<SeriesName>,
    pub answers: BTreeMap<SeriesName, Answered>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub at: Timestamp,
    /// When it was read before: within the look-back window, and last before that.
    pub reads: Vec<Timestamp>,
    pub from: Minute,
    pub until: Minute,
    pub complete: bool,
    pub points: BTreeMap<Minute, f64>,
}

impl Answered {
    /// The value of a minute of a sum: without a point in a complete answer it is 0.
    pub fn sum(&self, minute: Minute) -> Option<f64> {
        let nothing = self.complete && (self.from..self.until).contains(&minute);
        self.points.get(&minute).copied().or(nothing.then_some(0.0))
    }

    /// When the series was read before it was read again at `now`.
    fn reads_before(self, lookback: i64, now: Timestamp) -> Vec<Timestamp> {
        let seen_at = self.seen_at(lookback, now);
        let mut reads = self.reads;
        reads.extend(self.complete.then_some(self.at));
        reads.retain(|read| Some(*read) >= seen_at);
        reads
    }

    /// The last reading that is not within the look-back window of so many minutes before `now`. What was seen since is
    /// shown: a peak that is found late stays as long as one that is found at once.
    pub(crate) fn seen_at(&self, lookback: i64, now: Timestamp) -> Option<Timestamp> {
        let reads = self.reads.iter().copied().chain(self.complete.then_some(self.at));
        reads.filter(|at| *at <= now.minus(60 * lookback as u64)).max()
    }
}

impl ServiceUsage {
    /// Takes in a reading. A series that is listed no more has had no datapoint for three hours: what was read of it
    /// goes. `lookback`: the minutes of the look-back window.
    pub(crate) fn observe(&mut self, reading: ServiceReading, lookback: i64, at: Timestamp) {
        if let Some(mut listed) = reading.listed {
            listed.sort();
            listed.dedup();
            let watched = watched(&listed);
            let is_watched = |series: &SeriesName| watched.iter().any(|(name, ..)| name == series);
            self.answers.retain(|series, _| listed.binary_search(series).is_ok() || is_watched(series));
            (self.listed, self.listed_at) = (listed, Some(at));
        }
        for ServiceAnswer { query, complete, points } in reading.answers {
            let ServiceQuery { series, from, until, .. } = query;
            if complete || !points.is_empty() {
                let points = points.into_iter().collect();
                let reads =
                    self.answers.remove(&series).map_or(Vec::new(), |old| old.reads_before(lookback, at));
                self.answers.insert(series, Answered { at, reads, from, until, complete, points });
            }
        }
    }
}

/// How many series one template may stand for, each of which is read and billed. Beyond it the row is not measured.
const MOST_THINGS: usize = 50;

/// A row that is measured, with the series that ListMetrics shows for it.
pub(crate) struct Metered<'a> {
    pub row: &'a Arc<ServiceQuota>,
    pub meter: Meter,
    /// More than one only for a template: then the fullest counts.
    pub series: Vec<&'a SeriesName>,
}

/// The rows that any of the listed series measures. A series that a row names exactly is no other's, and one that the
/// templates of two rows fit is nobody's.
pub(crate) fn metered<'a>(rows: &'a [Arc<ServiceQuota>], listed: &'a [SeriesName]) -> Vec<Metered<'a>> {
    let mut all = Vec::new();
    let (mut exact, mut by_template) = (BTreeSet::new(), BTreeMap::<&SeriesName, usize>::new());
    for (row, meter) in rows.iter().filter_map(|row| Some((row, meter(row).ok()?))) {
        let shown = meter.patterns.iter().map(|pattern| {
            (pattern.is_template(), listed.iter().filter(|series| pattern.fits(series)).collect::<Vec<_>>())
        });
        let Some((is_template, series)) = shown.into_iter().find(|(_, series)| !series.is_empty()) else {
            continue;
        };
        for &series in &series {
            if is_template {
                *by_template.entry(series).or_default() += 1;
            } else {
                exact.insert(series);
            }
        }
        all.push((is_template, Metered { row, meter, series }));
    }
    let certain = |series: &&SeriesName| !exact.contains(*series) && by_template.get(*series) == Some(&1);
    for (_, metered) in all.iter_mut().filter(|(is_template, _)| *is_template) {
        metered.series.retain(certain);
        // The fullest of some of them would not be the fullest of all.
        if metered.series.len() > MOST_THINGS {
            metered.series.clear();
        }
    }
    all.into_iter().map(|(_, metered)| metered).filter(|metered| !metered.series.is_empty()).collect()
}

/// The namespaces that the rows of a region, and whatever else is read, need.
pub(crate) fn listings(rows: &[Arc<ServiceQuota>]) -> BTreeSet<Listing> {
    let mut listings = BTreeSet::new();
    for meter in rows.iter().filter_map(|row| meter(row).ok()) {
        for pattern in &meter.patterns {
            let (namespace, service) = (pattern.namespace().clone(), pattern.service().cloned());
            listings.insert(Listing { namespace, service });
        }
    }
    for (namespace, words) in [(BATCH, "batch inference job"), (MANTLE, "[bedrock-mantle endpoint]")] {
        if rows.iter().any(|row| row.name.contains(words)) {
            listings.insert(Listing { namespace: namespace.into(), service: None });
        }
    }
    listings
}

/// What is read although no quota row asks for it: series, statistic and pace. Where any series of ApplyGuardrail is
/// listed, its refusals and calls are always read: the first refusal is listed late.
pub(crate) fn watched(listed: &[SeriesName]) -> Vec<(SeriesName, &'static str, Pace)> {
    let of_guardrails = OF_GUARDRAILS.map(|(metric, pace)| (guardrail_calls(metric), "Sum", pace));
    let is_listed = |series: &SeriesName| listed.binary_search(series).is_ok();
    let are_called = of_guardrails.iter().any(|(series, ..)| is_listed(series));
    let is_needed = |series: &SeriesName| ["InvocationThrottles", "Invocations"].contains(&&*series.metric);
    let mut watched = Vec::from(of_guardrails);
    watched.retain(|(series, ..)| is_listed(series) || (are_called && is_needed(series)));
    for series in listed {
        let of_model = OF_MODELS.iter().find(|(namespace, dimension, metric, _)| {
            **namespace == *series.namespace
                && **metric == *series.metric
                && series.dimensions.len() == 1
                && series.dimension(dimension).is_some()
        });
        watched.extend(of_model.map(|(.., statistic)| (series.clone(), *statistic, Pace::Calm)));
    }
    watched
}
