//! When and over which minutes the usage of quotas that are no model's is read: seldom, since it is calm; but the calls
//! and refusals of guardrails in every round, like those of models.

use crate::model::meter::{Counts, SeriesName};
use crate::model::service::{ServiceQuery, ServiceRequest, listings, metered, watched};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};
use std::collections::BTreeMap;

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
    let reader = Reader { settings, until: settings.closed(now) };
    let hot = watched(&usage.listed).into_iter().filter(|(_, _, hot)| *hot);
    let queries = hot.map(|(series, statistic, _)| reader.query(&series, statistic, 0)).collect();
    ServiceRequest { queries, ..ServiceRequest::default() }
}

/// What is read of the series that ListMetrics shows: those that measure a quota, and those of guardrails and batch
/// inference. Each once.
pub fn service_queries(
    state: &TargetState,
    settings: &Settings,
    listed: &[SeriesName],
    now: Timestamp,
) -> Vec<ServiceQuery> {
    let reader = Reader { settings, until: settings.closed(now) };
    let mut queries: BTreeMap<SeriesName, ServiceQuery> = BTreeMap::new();
    for (series, statistic, _) in watched(listed) {
        let query = reader.query(&series, statistic, 0);
        queries.insert(series, query);
    }
    for metered in metered(state.rows(), listed) {
        let span = match metered.meter.counts {
            Counts::Rate { seconds } => seconds.div_ceil(60) as i64,
            Counts::Stock => STOCK_MINUTES,
        };
        for &series in &metered.series {
            let query = reader.query(series, &metered.meter.statistic, span);
            let asked = queries.entry(series.clone()).or_insert_with(|| query.clone());
            asked.from = asked.from.min(query.from);
        }
    }
    queries.into_values().collect()
}

struct Reader<'a> {
    settings: &'a Settings,
    until: Minute,
}

impl Reader<'_> {
    /// The minutes of every window, those since the reading before, and `span` more.
    fn query(&self, series: &SeriesName, statistic: &str, span: i64) -> ServiceQuery {
        let from = self.until - self.settings.kept_minutes() - self.settings.service_minutes() - span;
        ServiceQuery { series: series.clone(), statistic: statistic.to_string(), from, until: self.until }
    }
}

/// The metrics that are billed a day for it: those of every round, and those that are calm.
pub(super) fn load(state: &TargetState, settings: &Settings) -> (f64, f64) {
    const DAY: f64 = 86_400.0;
    let (Some(interval), usage) = (settings.service_interval, &state.memory.service) else {
        return (0.0, 0.0);
    };
    let hot = watched(&usage.listed).iter().filter(|(_, _, hot)| *hot).count();
    let calm = usage.answers.len().saturating_sub(hot);
    (hot as f64 * DAY / settings.usage_interval as f64, calm as f64 * DAY / interval as f64)
}
