//! What to read of a target next. Pure: state, settings and time in, requests out.

mod cadence;
mod load;
mod parts;
mod reconcile;
mod service;

pub(crate) use cadence::wanted;
pub(crate) use load::load;
pub(crate) use reconcile::Reconciliation;
pub use service::service_queries;

use super::ids::{Endpoint, QuotaKind};
use super::observation::Collector;
use super::request::{Requests, SeriesRequest, UsageRequest};
use super::settings::{Cadence, Settings};
use super::shard::hash;
use super::state::{Known, TargetState};
use super::time::{Minute, Timestamp};
use super::tripwire;
use super::usage::{
    InvocationId, LATE_MINUTES, LISTING_LAG, ListedId, Metric, MetricSet, SeriesReading, UsageReading,
    oldest_readable,
};
use cadence::Activity;
use std::collections::{BTreeMap, BTreeSet};

/// Spans that differ by less are read as one, so that their queries fit into the same calls: CloudWatch
/// bills queries, not datapoints.
const SHARED_SPAN: i64 = 90;

/// ListMetrics' RecentlyActive shows three hours. After a longer gap everything is asked for.
const RECENT: u64 = 3 * 3600 - LISTING_LAG;

/// Limits are read again at most this often for the sake of a throttled target.
const HOT_QUOTAS: u64 = 60;

/// How long after calls began to be refused usage is read this often, both in seconds: whether that is worth a page
/// shows with the next datapoints, and each may come at any moment.
const ALARM: u64 = 180;
const ALARM_ROUND: u64 = 20;

/// What to read now. A collector that is not due is not asked; nothing due is `Requests::default()`.
pub fn due(state: &TargetState, settings: &Settings, now: Timestamp) -> Requests {
    let is_due = |collector| now >= due_at(state, collector, settings);
    Requests {
        quotas: is_due(Collector::Quotas),
        catalog: is_due(Collector::Catalog),
        usage: is_due(Collector::Usage).then(|| usage_request(state, settings, now)),
    }
}

/// When `due` next asks for something.
pub fn next_due(state: &TargetState, settings: &Settings) -> Timestamp {
    let times = Collector::ALL.iter().map(|&collector| due_at(state, collector, settings));
    times.min().unwrap_or(state.memory.since)
}

/// When one collector is next due.
pub fn due_at(state: &TargetState, collector: Collector, settings: &Settings) -> Timestamp {
    let status = state.collectors.get(&collector);
    let Some(last) = status.and_then(|status| status.last_attempt) else { return state.memory.since };
    let interval = match collector {
        Collector::Quotas => settings.quotas_interval,
        Collector::Catalog => settings.catalog_interval,
        Collector::Usage => settings.usage_interval,
    };
    let retry = status.is_some_and(|status| status.retry);
    let interval = if retry { interval.min(settings.usage_interval) } else { interval };
    match state.memory.quotas_wanted {
        Some(wanted) if collector == Collector::Quotas && last < wanted => {
            last.plus(interval.min(HOT_QUOTAS))
        }
        _ if collector == Collector::Usage && is_alarmed(state, last) => last.plus(interval.min(ALARM_ROUND)),
        _ if settings.spread => place(state, collector, interval, last),
        _ => last.plus(interval),
    }
}

/// Whether calls began to be refused lately.
fn is_alarmed(state: &TargetState, last: Timestamp) -> bool {
    state.memory.refused_since.is_some_and(|since| last < since.plus(ALARM))
}

/// The first minute that is not read of a metric. Young minutes are read of what may wake somebody: CloudWatch bills
/// no datapoints, and a refusal that is seen is a fact.
fn read_until(metric: Metric, closed: Minute, now: Timestamp) -> Minute {
    let wakes = [Metric::Invocations, Metric::Throttles].contains(&metric.canonical());
    if wakes { now.minute() } else { closed }
}

/// The target's own place in an interval, the first one that is not right after the last round.
fn place(state: &TargetState, collector: Collector, interval: u64, last: Timestamp) -> Timestamp {
    let target = &state.target;
    let own = hash(&target.account_id) ^ hash(&target.region) ^ hash(collector.word());
    let (earliest, own) = (last.plus(interval / 4), (own % interval) as i64);
    earliest.plus((own - earliest.0).rem_euclid(interval as i64) as u64)
}

fn usage_request(state: &TargetState, settings: &Settings, now: Timestamp) -> UsageRequest {
    let discovered = state.memory.discovered;
    let age = discovered.map(|at| now.since(at));
    let discover = age.is_none_or(|age| age >= settings.discovery_interval);
    let until = settings.closed(now);
    let before = discovered.or(state.memory.discovered_before);
    let new = (first_minute(settings, now, before), until);
    UsageRequest {
        discover,
        everything: discover && age.is_none_or(|age| age > RECENT),
        new_ids: Some(new),
        minutes: minutes(state, settings, now, new),
        today: today(state, settings, now),
        service: service::service(state, settings, now),
        parts: parts::parts(state, settings, now),
    }
}

/// From where an id is read that was not read before: every window, and whatever was published since ListMetrics
/// was last asked, or was too young to show then.
fn first_minute(settings: &Settings, now: Timestamp, discovered: Option<Timestamp>) -> Minute {
    // Far enough back to tell at once which ids are idle.
    let idle = settings.cadence.map_or(0, |cadence| cadence.idle_after + settings.settle).div_ceil(60);
    let windows = settings.closed(now) - settings.kept_minutes().max(idle as i64 + 1);
    let unlisted = discovered.map_or(windows, |at| at.minus(LISTING_LAG).minute() - LATE_MINUTES);
    windows.min(unlisted).max(oldest_readable(now))
}

/// What of an id is due.
struct Reader<'a> {
    state: &'a TargetState,
    settings: &'a Settings,
    now: Timestamp,
    /// `None`: everything is read in every round.
    activities: Option<(Cadence, BTreeMap<&'a InvocationId, Activity>)>,
}

impl<'a> Reader<'a> {
    fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Reader<'a> {
        let activities =
            settings.cadence.map(|cadence| (cadence, cadence::activities(state, settings, &cadence, now)));
        Reader { state, settings, now, activities }
    }

    /// Everything that is read of an id while it is as it is.
    fn metrics(&self, id: &InvocationId, known: &Known) -> MetricSet {
        let wanted = wanted(id, known.history.listed, &known.resolution, self.settings);
        let activity = self.activities.as_ref().and_then(|(_, activities)| activities.get(id));
        activity.map_or(wanted, |&activity| cadence::metrics(activity, wanted))
    }

    /// Whether the next round would come too late for a metric.
    fn is_due(&self, id: &InvocationId, known: &Known, metric: Metric) -> bool {
        let Some((cadence, activities)) = &self.activities else { return true };
        let (Some(read), Some(&activity)) = (known.history.settled_until(metric), activities.get(id)) else {
            return true;
        };
        // Its zeros may come from the tripwire: reading them with the rest shows whether that is right.
        if metric == Metric::Throttles && !activity.idle && self.is_due(id, known, Metric::Invocations) {
            return true;
        }
        let (memory, round) = (&self.state.memory, self.settings.usage_interval);
        let believed = memory.tripwire.is_believed(Metric::Throttles);
        let interval = cadence::interval(activity, metric, believed, self.settings, cadence, &memory.stretch);
        // An idle id's rounds must not be late: what it did since has to fit into the look-back window.
        let late = if activity.idle { round / 10 } else { 0 };
        let next = self.settings.settled(self.now.plus(round + late));
        interval <= round || next.0 - read.0 > interval as i64 / 60
    }

    fn series(
        &self,
        id: &InvocationId,
        known: &Known,
        metrics: impl Iterator<Item = Metric>,
        (new_from, closed): (Minute, Minute),
    ) -> Vec<SeriesRequest> {
        let oldest = oldest_readable(self.now);
        let mut requests = Vec::new();
        for metric in metrics {
            let until = read_until(metric, closed, self.now);
            let unread = || known.history.resumes_from(metric).map_or(new_from, |from| from.min(new_from));
            let from = known.history.read_from(metric).unwrap_or_else(unread).max(oldest);
            if from < until {
                let names = known.history.names(metric);
                requests.extend(names.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
            }
        }
        requests
    }
}

fn minutes(
    state: &TargetState,
    settings: &Settings,
    now: Timestamp,
    new: (Minute, Minute),
) -> Vec<SeriesRequest> {
    let reader = Reader::new(state, settings, now);
    let mut requests = Vec::new();
    for (id, known) in &state.memory.ids {
        let due = reader.metrics(id, known).iter().filter(|&metric| reader.is_due(id, known, metric));
        requests.extend(reader.series(id, known, due, new));
    }
    for metric in tripwire_metrics(state, settings) {
        let until = read_until(metric, new.1, now);
        requests.extend(state.memory.tripwire.request(metric, tripwire::first(settings, now), until));
    }
    let recent = new.1 - SHARED_SPAN;
    if let Some(shared) = requests.iter().map(|request| request.from).filter(|&from| from >= recent).min() {
        for request in requests.iter_mut().filter(|request| request.from >= recent) {
            request.from = shared;
        }
    }
    requests
}

/// What is read of all ids together: their throttles where calm ids are read seldom, and their calls where
/// there is such a series.
pub(crate) fn tripwire_metrics(
    state: &TargetState,
    settings: &Settings,
) -> impl Iterator<Item = Metric> + use<> {
    let throttles = settings.cadence.is_some().then_some(Metric::Throttles);
    let calls = state.memory.tripwire.is_believed(Metric::Invocations).then_some(Metric::Invocations);
    throttles.into_iter().chain(calls)
}

/// The minutes of today from before the exporter came, for ids that spend a day quota. One by one: minutes
/// without an estimate count by their tokens, which whole hours would hide.
fn today(state: &TargetState, settings: &Settings, now: Timestamp) -> Vec<SeriesRequest> {
    let mut requests = Vec::new();
    for (id, known) in &state.memory.ids {
        let charges = &known.resolution.charges;
        if !charges.iter().any(|charge| charge.kind == QuotaKind::TokensPerDay && charge.quota.is_some()) {
            continue;
        }
        let missing = known.history.taken_until().and_then(|_| known.history.day.missing());
        let Some((from, until)) = missing.filter(|(_, until)| *until <= settings.settled(now)) else {
            continue;
        };
        let metrics = known.history.token_metrics().flat_map(|metric| known.history.names(metric));
        requests.extend(metrics.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
    }
    requests
}

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
        .is_some_and(|calls| calls.is_short_before(settings.settled(now)));
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
    let shows = |series: &SeriesReading, newer: Option<Minute>, before: Minute| {
        let mut minutes = series.points.iter().filter(|(_, value)| *value > 0.0).map(|(minute, _)| *minute);
        minutes.any(|minute| Some(minute) > newer && minute < before)
    };
    let mut all = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for series in answers {
        let Some((id, known)) = ids.get_key_value(&series.id) else { continue };
        let idle = known.history.is_idle(reader.settings.idle_minutes());
        let refused = series.metric == Metric::Throttles && shows(series, None, series.until);
        if refused || (idle && shows(series, known.history.last_datapoint, closed)) {
            all.insert(id, wanted(id, known.history.listed, &known.resolution, reader.settings));
            keys.extend(cadence::spent(known));
        }
    }
    for (id, known) in ids.iter().filter(|_| !keys.is_empty()) {
        if cadence::spent(known).any(|key| keys.contains(key)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::ids::Target;
    use crate::model::state::CollectorState;

    #[test]
    fn rounds_of_many_targets_keep_places_all_over_the_interval() {
        let settings = crate::plan::plan(&Config::default()).unwrap().settings;
        let start = Timestamp(1_700_000_000);
        let mut places = [0; 10];
        for number in 0..500 {
            let target = Target::new(&format!("{:012}", number / 5), ["a", "b", "c", "d", "e"][number % 5]);
            let mut state = TargetState::new(target, start);
            let interval = settings.quotas_interval;
            let mut next = |last: Timestamp| {
                let status = CollectorState { last_attempt: Some(last), ..CollectorState::default() };
                state.collectors.insert(Collector::Quotas, status);
                due_at(&state, Collector::Quotas, &settings)
            };
            let second = next(start);
            assert!(
                (interval / 4..interval * 5 / 4).contains(&second.since(start)),
                "{}",
                second.since(start)
            );
            assert_eq!(next(second), second.plus(interval), "a place of its own");
            assert_eq!(next(second.plus(30)), second.plus(interval), "a late round moves no other");
            places[(second.since(start) * 10 / interval % 10) as usize] += 1;
        }
        assert!(places.iter().all(|targets| (25..=80).contains(targets)), "{places:?}");
    }
}
