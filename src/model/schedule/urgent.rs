//! What the answers of a round make urgent, to be read in the same round.

use super::cadence::{Heat, wanted};
use super::reader::Reader;
use super::reconcile::Reconciliation;
use crate::model::decisive::spent;
use crate::model::ids::Endpoint;
use crate::model::request::{SeriesRequest, UsageRequest};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{
    InvocationId, ListedId, Metric, MetricSet, SeriesReading, UsageReading, oldest_readable,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the answers of a round make urgent, to be read in the same round: mostly nothing. Calls that no known
/// id explains have ListMetrics asked; refusals likewise, and the throttles of all ids read; ids that were
/// refused calls, or are no longer idle, are read back wholly, and those that share a quota with them as well.
pub fn follow_up(
    state: &TargetState,
    settings: &Settings,
    request: &UsageRequest,
    reading: &UsageReading,
    now: Timestamp,
) -> UsageRequest {
    let Some(new) = request.new_ids else { return UsageRequest::default() };
    let strangers = Reconciliation::new(state, reading, Metric::Invocations)
        .is_some_and(|calls| calls.shows_strangers(settings.settled(now)));
    let discover = strangers && reading.listed.is_none();
    if settings.cadence.is_none() {
        return UsageRequest { discover, new_ids: request.new_ids, ..UsageRequest::default() };
    }
    let read: BTreeSet<(&InvocationId, Metric)> =
        reading.minutes.iter().map(|series| (&series.id, series.metric.canonical())).collect();
    let short = Reconciliation::new(state, reading, Metric::Throttles)
        .is_some_and(|refusals| refusals.is_short(new.1));
    let reader = Reader::new(state, settings, now);
    let stirred = stirred(&reader, &reading.minutes);
    let mut minutes = Vec::new();
    for (id, known) in &state.memory.ids {
        let metrics = match stirred.get(id) {
            Some(metrics) => *metrics,
            None if short && id.endpoint == Endpoint::Runtime => MetricSet::default().with(Metric::Throttles),
            None => continue,
        };
        let unread = metrics.iter().filter(|&metric| !read.contains(&(id, metric)));
        minutes.extend(reader.series(id, known, unread, new));
    }
    let discover = discover || (short && reading.listed.is_none());
    UsageRequest { discover, new_ids: request.new_ids, minutes, ..UsageRequest::default() }
}

/// The ids that stir by these answers, and those that share a quota with them, each with what to read of it.
fn stirred<'a>(reader: &Reader<'a>, answers: &[SeriesReading]) -> BTreeMap<&'a InvocationId, MetricSet> {
    let ids = &reader.state.memory.ids;
    let closed = reader.settings.closed(reader.now);
    let before_window = closed - reader.settings.lookback_minutes - 1;
    let shows = |series: &SeriesReading, newer: Option<Minute>, before: Minute| {
        let mut minutes = series.points.iter().filter(|(_, value)| *value > 0.0).map(|(minute, _)| *minute);
        minutes.any(|minute| Some(minute) > newer && minute < before)
    };
    let mut all = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for series in answers {
        let Some((id, known)) = ids.get_key_value(&series.id) else { continue };
        let idle = known.history.is_idle(reader.settings.idle_minutes());
        // Whoever was known to be refused was read wholly then, and is read by its heat since.
        let is_news =
            reader.activity(id).is_none_or(|activity| activity.heat < Heat::Refused || activity.idle);
        let refused =
            is_news && series.metric == Metric::Throttles && shows(series, Some(before_window), series.until);
        if refused || (idle && shows(series, known.history.last_datapoint, closed)) {
            all.insert(id, wanted(id, known.history.listed, &known.resolution, reader.settings));
            keys.extend(spent(known));
        }
    }
    for (id, known) in ids.iter().filter(|_| !keys.is_empty()) {
        if spent(known).any(|key| keys.contains(key)) {
            all.entry(id).or_insert_with(|| reader.metrics(id, known));
        }
    }
    all
}

/// What ListMetrics newly shows: the pairs of id and metric to read in the same round, over `request.new_ids`.
pub fn newly_listed(
    state: &TargetState,
    settings: &Settings,
    request: &UsageRequest,
    listed: &[ListedId],
) -> Vec<SeriesRequest> {
    let Some((new_from, until)) = request.new_ids else { return Vec::new() };
    let oldest = oldest_readable(until.start());
    let mut requests = Vec::new();
    for ListedId { id, metrics: names } in listed.iter().filter(|listed| !listed.id.is_account_wide()) {
        let metrics = names.iter().map(|name| name.canonical()).collect();
        let wanted = match state.memory.ids.get(id) {
            Some(known) => {
                let shown = known.history.listed.unwrap_or_default().union(metrics);
                let wanted = wanted(id, Some(shown), &known.resolution, settings).iter();
                wanted.filter(|&metric| known.history.settled_until(metric).is_none()).collect()
            }
            None => wanted(id, Some(metrics), &state.memory.index.resolve(id), settings),
        };
        for metric in wanted.iter() {
            let from =
                resumes_from(state, id, metric).map_or(new_from, |from| from.min(new_from).max(oldest));
            let mut names: MetricSet =
                names.iter().copied().filter(|name| name.canonical() == metric).collect();
            if names == MetricSet::default() {
                names = names.with(metric);
            }
            let asked = |name| request.minutes.iter().any(|r| r.id == *id && r.metric == name);
            let new = names.iter().filter(|name| !asked(*name));
            requests.extend(new.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
        }
    }
    requests
}

/// From where the counter of a metric goes on that was not read yet, if an earlier process had counted it.
fn resumes_from(state: &TargetState, id: &InvocationId, metric: Metric) -> Option<Minute> {
    match state.memory.ids.get(id) {
        Some(known) => known.history.resumes_from(metric),
        None => state.memory.resumed.get(id).map(|counters| Minute(counters.from)),
    }
}
