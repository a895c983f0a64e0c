//! What to read of a target next. Pure: state, settings and time in, requests out.

mod cadence;
mod load;
mod parts;
mod reader;
mod reconcile;
mod service;
mod urgent;

pub(crate) use cadence::{Heat, wanted};
pub(crate) use load::{assumed, calls_interval, load, storm};
pub(crate) use reconcile::Reconciliation;
pub(crate) use service::service_interval;
pub use service::{service_follow_up, service_queries};
pub use urgent::{follow_up, newly_listed};

use super::ids::QuotaKind;
use super::observation::Collector;
use super::parts::project_arns;
use super::request::{Requests, SeriesRequest, UsageRequest};
use super::settings::{Cadence, Settings};
use super::shard::hash;
use super::state::{Memory, TargetState};
use super::time::{Minute, Timestamp};
use super::tripwire;
use super::usage::{LATE_MINUTES, LISTING_LAG, Metric, oldest_readable};
use cadence::{ALARM, ALARM_ROUND};
use reader::{Reader, is_late, read_until};

/// Spans that differ by less are read as one, so that their queries fit into the same calls: CloudWatch
/// bills queries, not datapoints.
const SHARED_SPAN: i64 = 90;

/// ListMetrics' RecentlyActive shows three hours. After a longer gap everything is asked for.
const RECENT: u64 = 3 * 3600 - LISTING_LAG;

/// Limits are read again at most this often for the sake of a throttled target.
const HOT_QUOTAS: u64 = 60;

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
        _ if collector == Collector::Catalog && has_new_projects(state, last) => {
            last.plus(interval.min(settings.usage_interval))
        }
        _ if settings.spread => place(state, collector, interval, last),
        _ => last.plus(interval),
    }
}

/// Whether ListMetrics showed projects since the catalog was read whose tags are wanted and were never read.
fn has_new_projects(state: &TargetState, last: Timestamp) -> bool {
    let parts = &state.memory.parts;
    let tags = state.catalog.as_ref().and_then(|catalog| catalog.value.tags.as_ref());
    let Some(tags) = tags.filter(|_| parts.listed_at > Some(last)) else { return false };
    project_arns(&state.target, &parts.listed).iter().any(|arn| !tags.contains_key(arn))
}

/// Whether calls began to be refused lately.
fn is_alarmed(state: &TargetState, last: Timestamp) -> bool {
    state.memory.refused_since.is_some_and(|since| last < since.plus(ALARM))
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
    for metric in tripwire_metrics(state, settings, now) {
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

/// What is read of all ids together: their throttles where calm ids are read seldom, and their calls where there is
/// such a series, as often as those of normal ids.
fn tripwire_metrics(
    state: &TargetState,
    settings: &Settings,
    now: Timestamp,
) -> impl Iterator<Item = Metric> + use<> {
    let Memory { tripwire, stretch, .. } = &state.memory;
    let throttles = settings.cadence.is_some().then_some(Metric::Throttles);
    let are_due = |cadence: &Cadence| {
        let interval = calls_interval(settings, cadence, stretch);
        let read = tripwire.settled_until(Metric::Invocations);
        read.is_none_or(|read| is_late(read, interval, 0, settings, now))
    };
    let calls = tripwire.is_believed(Metric::Invocations) && settings.cadence.as_ref().is_none_or(are_due);
    throttles.into_iter().chain(calls.then_some(Metric::Invocations))
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
