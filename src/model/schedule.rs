//! What to read of a target next. Pure: state, settings and time in, requests out.

use super::ids::{Endpoint, QuotaKind};
use super::matching::Resolution;
use super::minutes::{History, Metrics, closed, keep, oldest_readable, settled};
use super::shard::hash;
use super::snapshot::{Collector, Requests, SeriesRequest, Settings, TargetState, UsageRequest};
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, ListedId, Metric};

/// Spans that differ by less are read as one, so that their queries fit into the same calls: CloudWatch
/// bills queries, not datapoints.
const SHARED_SPAN: i64 = 90;

/// How long a new series may take to show in ListMetrics (AWS: up to 15 minutes), with reserve.
pub(crate) const LISTING_LAG: u64 = 20 * 60;

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
        _ if settings.spread => place(state, collector, interval, last),
        _ => last.plus(interval),
    }
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
    let until = closed(settings, now);
    let new = (first_minute(settings, now, discovered), until);
    UsageRequest {
        discover,
        everything: discover && age.is_none_or(|age| age > RECENT),
        new_ids: discover.then_some(new),
        minutes: minutes(state, settings, now, new),
        hours: hours(state, settings, now),
    }
}

/// From where an id is read that was not read before: every window, and either the begun hour (whole
/// hours fill the rest of the day) or the time since ListMetrics was last asked.
fn first_minute(settings: &Settings, now: Timestamp, discovered: Option<Timestamp>) -> Minute {
    let since = match discovered {
        Some(at) => at.minus(LISTING_LAG).minute(),
        None => Minute(settled(settings, now).0.div_euclid(60) * 60),
    };
    since.min(closed(settings, now) - keep(settings)).max(oldest_readable(now))
}

fn minutes(
    state: &TargetState,
    settings: &Settings,
    now: Timestamp,
    new: (Minute, Minute),
) -> Vec<SeriesRequest> {
    let (new_from, until) = new;
    let oldest = oldest_readable(now);
    let mut requests = Vec::new();
    for (id, known) in &state.memory.ids {
        for metric in wanted(id, known.history.listed, &known.resolution, settings).iter() {
            let from = known.history.settled_until(metric).map_or(new_from, |settled| settled.max(oldest));
            if from < until {
                let names = known.history.names(metric);
                requests.extend(names.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
            }
        }
    }
    let recent = until - SHARED_SPAN;
    if let Some(shared) = requests.iter().map(|request| request.from).filter(|&from| from >= recent).min() {
        for request in requests.iter_mut().filter(|request| request.from >= recent) {
            request.from = shared;
        }
    }
    requests
}

/// The closed hours of today from before the exporter came, for ids that spend a day quota.
fn hours(state: &TargetState, settings: &Settings, now: Timestamp) -> Vec<SeriesRequest> {
    let mut requests = Vec::new();
    for (id, known) in &state.memory.ids {
        let spends_days =
            known.resolution.charges.iter().any(|c| c.kind == QuotaKind::TokensPerDay && c.quota.is_some());
        let missing = known.history.taken_until().and_then(|_| known.history.day.missing_hours());
        let Some((from, until)) =
            missing.filter(|(_, until)| spends_days && *until <= settled(settings, now))
        else {
            continue;
        };
        let metrics = known.history.token_metrics().flat_map(|metric| known.history.names(metric));
        requests.extend(metrics.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
    }
    requests
}

/// What ListMetrics newly shows: the pairs of id and metric to read in the same round, over `request.new_ids`.
pub fn newly_listed(
    state: &TargetState,
    settings: &Settings,
    request: &UsageRequest,
    listed: &[ListedId],
) -> Vec<SeriesRequest> {
    let Some((from, until)) = request.new_ids else { return Vec::new() };
    let mut requests = Vec::new();
    for ListedId { id, metrics: names } in listed {
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
            let mut names: Metrics =
                names.iter().copied().filter(|name| name.canonical() == metric).collect();
            if names == Metrics::default() {
                names = names.with(metric);
            }
            let asked = |name| request.minutes.iter().any(|r| r.id == *id && r.metric == name);
            let new = names.iter().filter(|name| !asked(*name));
            requests.extend(new.map(|metric| SeriesRequest { id: id.clone(), metric, from, until }));
        }
    }
    requests
}

/// The metrics to read of an id: what ListMetrics shows for it, always its invocations and throttles
/// (a model refused from its first call on has no other), and the latencies that the config names or
/// that estimate a concurrency.
pub(crate) fn wanted(
    id: &InvocationId,
    listed: Option<Metrics>,
    resolution: &Resolution,
    settings: &Settings,
) -> Metrics {
    let always = match id.endpoint {
        Endpoint::Runtime => [Metric::Invocations, Metric::Throttles].into_iter().collect(),
        Endpoint::Mantle => Metrics::default().with(Metric::Invocations),
    };
    let Some(listed) = listed else { return always };
    let sums = listed.iter().filter(|metric| metric.is_sum());
    let concurrent = resolution.charges.iter().any(|charge| charge.kind == QuotaKind::ConcurrentRequests);
    let little = concurrent.then_some(Metric::LatencyAverage);
    let timings = settings.statistics.iter().copied().chain(little);
    let timings = timings.filter(|&metric| History::family_listed(listed, metric));
    sums.chain(timings).collect::<Metrics>().union(always)
}
