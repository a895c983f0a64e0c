//! The usage of quotas that are no model's, and the calls of guardrails.

use super::throttling::Windows;
use crate::model::evaluation::{
    BatchStatus, GuardrailStatus, MantleStatus, QuotaStatus, ServiceStatus, THROTTLED_WINDOW,
};
use crate::model::ids::UsageSource;
use crate::model::listed::listed;
use crate::model::meter::{Counts, MeasuredBy, guardrail_calls};
use crate::model::quota::ServiceQuota;
use crate::model::service::{Answered, BATCH, MANTLE, Metered, ServiceUsage, metered};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is known of a target's service quotas now.
pub(super) struct Service<'a> {
    state: &'a TargetState,
    usage: &'a ServiceUsage,
    settings: &'a Settings,
    now: Timestamp,
}

impl<'a> Service<'a> {
    pub(super) fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Service<'a> {
        Service { state, usage: &state.memory.service, settings, now }
    }

    /// Every row that ListMetrics shows a series for, or that a list of the catalog counts; sorted by code.
    pub(super) fn quotas(&self) -> Vec<ServiceStatus> {
        let rows = self.state.rows();
        let metered = metered(rows, &self.usage.listed);
        let mut all: Vec<ServiceStatus> = metered.iter().map(|metered| self.status(metered)).collect();
        all.extend(rows.iter().filter_map(|row| self.counted_by_lists(row)));
        all.sort_by(|a, b| a.row.code.cmp(&b.row.code));
        all.dedup_by(|a, b| a.row.code == b.row.code);
        all
    }

    fn counted_by_lists(&self, row: &Arc<ServiceQuota>) -> Option<ServiceStatus> {
        let catalog = &self.state.catalog.as_ref()?.value;
        let count = listed(&row.name)?(catalog)?;
        let measured = Measured { usage: count, peak: count, until: None };
        Some(held_against(row, MeasuredBy::Listed, false, Some(measured)))
    }

    fn status(&self, Metered { row, meter, series }: &Metered) -> ServiceStatus {
        let answers = series
            .iter()
            .map(|series| self.usage.answers.get(*series).filter(|answer| self.is_fresh(answer)));
        // The fullest of several things is known only when all are.
        let answers: Option<Vec<&Answered>> = answers.collect();
        let counted = |answer: &&Answered| self.counted(answer, meter.counts);
        let counted: Option<Vec<Measured>> =
            answers.and_then(|answers| answers.iter().map(counted).collect());
        let measured = counted.and_then(|counted| counted.into_iter().reduce(Measured::fuller));
        held_against(row, meter.by, meter.counts.is_lower_bound(), measured)
    }

    fn counted(&self, answer: &Answered, counts: Counts) -> Option<Measured> {
        let until = self.settings.settled(answer.at).min(answer.until);
        match counts {
            Counts::Stock => {
                let (minute, usage) = answer.points.iter().next_back()?;
                let largest = answer.points.range(self.window(answer, until)..).map(|(_, value)| *value);
                let until = Some(*minute + 1);
                Some(Measured { usage: *usage, peak: largest.fold(*usage, f64::max), until })
            }
            Counts::Rate { seconds } => {
                let first = self.window(answer, until).max(answer.from + minutes(seconds) - 1);
                let spans = first.until(until);
                let rates: Vec<(Minute, f64)> =
                    spans.filter_map(|last| Some((last, rate(answer, last, seconds)?))).collect();
                let (newest, usage) = *rates.last()?;
                let peak = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
                Some(Measured { usage, peak, until: Some(newest + 1) })
            }
        }
    }

    /// The first minute that counts for the peak: of the look-back window, or the first one that was not yet seen at its
    /// beginning.
    fn window(&self, answer: &Answered, until: Minute) -> Minute {
        let seen = answer.seen_at(self.settings.lookback_minutes, answer.at);
        let unseen = seen.map_or(until, |at| self.settings.settled(at));
        unseen.min(until - self.settings.lookback_minutes)
    }

    /// Whether an answer is not older than what a failed reading may leave in place.
    fn is_fresh(&self, answer: &Answered) -> bool {
        self.now.since(answer.at) <= self.settings.service_max_age()
    }

    /// The calls of ApplyGuardrail; `None` where nothing is known of any.
    pub(super) fn guardrails(&self) -> Option<GuardrailStatus> {
        let answer = |metric| {
            let answer = self.usage.answers.get(&guardrail_calls(metric));
            answer.filter(|answer| self.is_fresh(answer))
        };
        let (calls, throttles) = (answer("Invocations")?, answer("InvocationThrottles")?);
        // Read in every round, whatever a budget says.
        if self.now.since(throttles.at) > self.settings.usage_max_age {
            return None;
        }
        let attempts = |minute| Some((calls.sum(minute)?, throttles.sum(minute)?));
        let windows = Windows::before(calls.until.min(throttles.until), attempts);
        let refused = |minute: &Minute| throttles.sum(*minute) > Some(0.0);
        let until = throttles.until;
        let minute = |metric| {
            let answer = answer(metric)?;
            answer.sum(self.settings.settled(answer.at).min(answer.until) - 1)
        };
        Some(GuardrailStatus {
            calls: minute("Invocations"),
            throttles: minute("InvocationThrottles"),
            client_errors: minute("InvocationClientErrors"),
            server_errors: minute("InvocationServerErrors"),
            intervened: minute("InvocationsIntervened"),
            ratio: windows.ratio,
            attempts: windows.attempts,
            throttled_seconds: 60 * (until - THROTTLED_WINDOW).until(until).filter(refused).count() as u64,
        })
    }
}

/// What was measured of a row.
struct Measured {
    usage: f64,
    peak: f64,
    /// The first minute that is not known; `None`: a list was counted.
    until: Option<Minute>,
}

impl Measured {
    /// Of the fuller of two things, known as far as both are.
    fn fuller(self, other: Measured) -> Measured {
        Measured {
            usage: self.usage.max(other.usage),
            peak: self.peak.max(other.peak),
            until: self.until.min(other.until),
        }
    }
}

fn held_against(
    row: &Arc<ServiceQuota>,
    by: MeasuredBy,
    is_lower_bound: bool,
    measured: Option<Measured>,
) -> ServiceStatus {
    let limit = row.limit().filter(|limit| *limit > 0.0);
    let ratio = |value: Option<f64>| value.zip(limit).map(|(value, limit)| value / limit);
    let usage = measured.as_ref().map(|measured| measured.usage);
    let peak = measured.as_ref().map(|measured| measured.peak);
    ServiceStatus {
        row: Arc::clone(row),
        by,
        is_lower_bound,
        usage,
        peak,
        ratio: ratio(usage),
        peak_ratio: ratio(peak),
        complete_until: measured.and_then(|measured| measured.until).map(Minute::start),
    }
}

/// A model's row that carries a UsageMetric is measured by it: AWS knows best what it counts.
pub(super) fn prefer_own_metrics(quotas: &mut [QuotaStatus], service: &[ServiceStatus]) {
    for status in quotas {
        let code = &*status.quota.key.code;
        let own = service.binary_search_by(|own| own.row.code.as_str().cmp(code));
        let Some(own) = own.ok().map(|at| &service[at]).filter(|own| own.usage.is_some()) else { continue };
        status.usage_source = UsageSource::UsageMetric;
        (status.usage, status.peak) = (own.usage, own.peak);
        (status.ratio, status.peak_ratio) = (own.ratio, own.peak_ratio);
    }
}

impl Service<'_> {
    /// How many of the models' rows carry a UsageMetric.
    pub(super) fn rows_with_usage_metric(&self, quotas: &[QuotaStatus]) -> usize {
        let mut metered = self.state.rows().iter().filter(|row| row.usage_metric.is_some()).peekable();
        if metered.peek().is_none() {
            return 0;
        }
        let codes: BTreeSet<&str> = quotas.iter().map(|status| &*status.quota.key.code).collect();
        metered.filter(|row| codes.contains(row.code.as_str())).count()
    }

    /// What the mantle endpoint publishes and AWS does not document, by Model.
    pub(super) fn mantle(&self) -> Vec<MantleStatus> {
        let mut all: BTreeMap<&Arc<str>, MantleStatus> = BTreeMap::new();
        for (model_id, metric, newest) in self.newest(MANTLE, "Model") {
            let status = all
                .entry(model_id)
                .or_insert_with(|| MantleStatus { model_id: model_id.clone(), ..MantleStatus::default() });
            match metric {
                "BurnDownConsumed" => status.burndown_consumed = newest,
                "EquivalentReservationUnits" => status.equivalent_reservation_units = newest,
                _ => {}
            }
        }
        all.into_values().collect()
    }

    /// Batch inference, by ModelId.
    pub(super) fn batch(&self) -> Vec<BatchStatus> {
        let mut all: BTreeMap<&Arc<str>, BatchStatus> = BTreeMap::new();
        for (model_id, metric, newest) in self.newest(BATCH, "ModelId") {
            let status = all
                .entry(model_id)
                .or_insert_with(|| BatchStatus { model_id: model_id.clone(), ..BatchStatus::default() });
            match metric {
                "NumberOfRecordsPendingProcessing" => status.records_pending = newest,
                "NumberOfTokensPendingProcessing" => status.tokens_pending = newest,
                "NumberOfInputTokensProcessedPerMinute" => status.input_tokens = newest,
                "NumberOfOutputTokensProcessedPerMinute" => status.output_tokens = newest,
                _ => {}
            }
        }
        all.into_values().collect()
    }

    /// The newest values of a namespace's series that have a dimension: its value, the metric's name, and the point.
    fn newest(
        &self,
        namespace: &'static str,
        dimension: &'static str,
    ) -> impl Iterator<Item = (&Arc<str>, &str, Option<f64>)> {
        let series = self.usage.answers.iter().filter(move |(series, _)| *series.namespace == *namespace);
        series.filter(|(_, answer)| self.is_fresh(answer)).filter_map(move |(series, answer)| {
            let value = series.dimension(dimension)?;
            Some((value, &*series.metric, answer.points.values().next_back().copied()))
        })
    }
}

/// How many minutes a span takes.
fn minutes(seconds: u64) -> i64 {
    seconds.div_ceil(60) as i64
}

/// What happened in the span that ends with a minute: of less than a minute the mean.
fn rate(answer: &Answered, last: Minute, seconds: u64) -> Option<f64> {
    let span = (last + 1 - minutes(seconds)).until(last + 1);
    let sum = span.into_iter().try_fold(0.0, |sum, minute| Some(sum + answer.sum(minute)?))?;
    Some(if seconds < 60 { sum * seconds as f64 / 60.0 } else { sum })
}
