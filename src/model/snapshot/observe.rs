//! What a finished collection changes of a target.

use crate::model::catalog::Catalog;
use crate::model::decisive::decisive;
use crate::model::minutes::{Ages, History};
use crate::model::observation::{ErrorClass, Observation, Outcome};
use crate::model::quota::QuotaList;
use crate::model::schedule::{Reconciliation, wanted};
use crate::model::service::ServiceReading;
use crate::model::settings::Settings;
use crate::model::state::{CatalogList, Known, LimitChange, TargetState};
use crate::model::time::{Minute, Timestamp};
use crate::model::tripwire::Tripwire;
use crate::model::usage::{
    InvocationId, LISTED_FOR, LISTING_LAG, Metric, MetricSet, Observed, SeriesReading, UsageReading,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl TargetState {
    pub(super) fn observe(&mut self, settings: &Settings, outcome: Outcome, now: Timestamp) {
        let Outcome { collector, started, seconds, observation, errors, .. } = outcome;
        let status = self.collectors.entry(collector).or_default();
        // A denied call stays denied until somebody changes a policy: it waits for the usual interval.
        let heals = errors.iter().any(|error| error.class != ErrorClass::AccessDenied);
        status.retry = observation.is_none() || heals;
        status.last_attempt = Some(started);
        status.seconds = seconds;
        status.up = errors.is_empty() && observation.is_some();
        status.last_error = errors.last().map(|error| error.message.clone());
        if status.up {
            status.last_success = Some(now);
        }
        for error in &errors {
            *status.errors.entry(error.class).or_default() += 1;
        }
        match observation {
            Some(Observation::Quotas(list)) => self.observe_quotas(settings, list, started),
            Some(Observation::Catalog(catalog)) => self.observe_catalog(catalog, started),
            Some(Observation::Usage(reading)) => {
                self.observe_usage(settings, reading, started, errors.is_empty())
            }
            None => {}
        }
    }

    fn observe_quotas(&mut self, settings: &Settings, mut list: QuotaList, at: Timestamp) {
        let old = self.quotas.take();
        let memory = &mut self.memory;
        // Requests and defaults are lists of their own, read more seldom or denied alone: each keeps its last answer.
        match (&list.requests, &old) {
            (Some(_), _) => memory.requests_at = Some(at),
            (None, Some(old)) => {
                list.requests = old.value.requests.clone();
                list.closed = old.value.closed.clone();
            }
            (None, None) => {}
        }
        if list.quotas.iter().any(|quota| quota.default.is_some()) {
            memory.defaults_at = Some(at);
        } else if let Some(old) = old.as_ref().filter(|_| memory.defaults_at.is_some()) {
            keep_defaults(&mut list, &old.value);
        }
        let last = old.as_ref().map_or(at, |old| old.at);
        keep_values(&mut list, old.as_ref().map(|old| &*old.value), &mut memory.unread, last);
        if let Some(old) = &old {
            let windows = 60 * settings.kept_minutes() as u64;
            memory.limit_changes.retain(|change| change.before.plus(windows) > at);
            memory.limit_changes.extend(limit_changes(old, &list, at));
        }
        // A reading that had begun before it was wanted does not count as the one that was wanted.
        if memory.quotas_wanted.is_some_and(|wanted| wanted <= at) {
            memory.quotas_wanted = None;
        }
        // The same allocation while nothing changed: who compares by pointer need not match or render anew.
        let value = match old {
            Some(old) if *old.value == list => old.value,
            _ => Arc::new(list),
        };
        self.quotas = Some(Observed { at, value });
    }

    fn observe_catalog(&mut self, mut catalog: Catalog, at: Timestamp) {
        let old = self.catalog.take();
        let before = old.as_ref().map(|old| old.value.clone()).unwrap_or_default();
        let read = [
            (CatalogList::Models, keep_list(&mut catalog.models, &before.models)),
            (CatalogList::Profiles, keep_list(&mut catalog.profiles, &before.profiles)),
            (CatalogList::Provisioned, keep_list(&mut catalog.provisioned, &before.provisioned)),
            (CatalogList::Deployments, keep_list(&mut catalog.deployments, &before.deployments)),
            (CatalogList::CustomModels, keep_list(&mut catalog.custom_models, &before.custom_models)),
            (CatalogList::Imported, keep_list(&mut catalog.imported, &before.imported)),
            (CatalogList::BatchJobs, keep_list(&mut catalog.batch_jobs, &before.batch_jobs)),
            (CatalogList::Tags, keep_list(&mut catalog.tags, &before.tags)),
        ];
        catalog.keep_tags(&before);
        let read = read.into_iter().filter(|&(_, read)| read);
        self.memory.lists_at.extend(read.map(|(list, _)| (list, at)));
        let value = if *before == catalog && old.is_some() { before } else { Arc::new(catalog) };
        self.catalog = Some(Observed { at, value });
    }

    fn observe_usage(&mut self, settings: &Settings, reading: UsageReading, at: Timestamp, whole: bool) {
        let mut reading = reading;
        let service = std::mem::take(&mut reading.service);
        if service != ServiceReading::default() {
            Arc::make_mut(&mut self.memory.service).observe(service, settings.lookback_minutes, at);
        }
        let parts = std::mem::take(&mut reading.parts);
        if parts != ServiceReading::default() {
            Arc::make_mut(&mut self.memory.parts).observe(parts, settings.lookback_minutes, at);
        }
        // A round in which nothing was due is a success too, or an idle target would seem never to be read.
        let asked = !reading.minutes.is_empty();
        let read = reading.minutes.iter().any(|series| series.complete || !series.points.is_empty());
        if read || (!asked && whole) {
            self.memory.usage_at = Some(at);
        }
        let mut ages = Ages::new(settings, at, self.counted_from(settings));
        if self.is_silent(&reading, &ages) {
            ages = ages.in_silence();
        }
        // Ids first, then the tripwire: what it says of ids that were not asked needs to know all of them.
        let mut touched = self.discover(&reading, at);
        let nobody_else = self.observe_tripwire(&reading, &ages);
        touched.extend(nobody_else.iter().map(|series| &series.id));
        touched.sort_unstable();
        touched.dedup();
        let minutes = by_id(reading.minutes.iter().chain(&nobody_else));
        let today = by_id(&reading.today);
        for id in touched {
            let Some(known) = self.memory.ids.get_mut(id) else { continue };
            let minutes = minutes.get(id).map_or(&[][..], Vec::as_slice);
            let mut metrics = wanted(id, known.history.listed, &known.resolution, settings);
            // ListMetrics does not show it yet: whatever was ever read of it is kept.
            if known.history.listed.is_none() {
                let read = minutes.iter().map(|series| series.metric).chain(known.history.metrics());
                metrics = metrics.union(read.collect::<MetricSet>());
            }
            let history = Arc::make_mut(&mut known.history);
            history.ingest(metrics, minutes, &ages);
            history.ingest_today(today.get(id).map_or(&[][..], Vec::as_slice), &ages);
        }
        self.forget_ids(at);
        self.note_progress(settings);
    }

    /// Whether every id of a busy target fell silent in the same minute: then CloudWatch is late, rather than
    /// all traffic gone. One id alone may well have stopped.
    fn is_silent(&self, reading: &UsageReading, ages: &Ages) -> bool {
        let mut answered: BTreeMap<&InvocationId, Minute> = BTreeMap::new();
        for series in &reading.minutes {
            if let Some(newest) = series.points.iter().map(|(minute, _)| *minute).max() {
                let before = answered.entry(&series.id).or_insert(newest);
                *before = newest.max(*before);
            }
        }
        // An id that calls now and then falls silent every other minute: it proves nothing.
        let steady = self.memory.ids.iter().filter(|(_, known)| known.history.is_steady(Metric::Invocations));
        let last_of = |(id, known): (_, &Known)| known.history.last_datapoint.max(answered.get(id).copied());
        let last: Vec<Option<Minute>> = steady.map(last_of).collect();
        let newest = last.iter().max().copied().flatten();
        let together = last.iter().filter(|&&last| last == newest).count();
        let points = reading.minutes.iter().flat_map(|series| &series.points);
        let mut newer = points.filter(|(minute, _)| Some(*minute) > newest && *minute < ages.settled);
        together > 1 && newest < Some(ages.settled - 1) && newer.next().is_none()
    }

    /// Takes in the throttles of all ids together; returns what they say of the ids that were not asked.
    fn observe_tripwire(&mut self, reading: &UsageReading, ages: &Ages) -> Vec<SeriesReading> {
        // Doubt before belief: a series that holds less than its ids together must not clear anybody.
        for metric in Tripwire::METRICS {
            let reconciled = Reconciliation::new(self, reading, metric);
            if reconciled.is_some_and(|counted| counted.is_contradicted(ages.settled)) {
                self.memory.tripwire.doubt(metric);
            }
        }
        let refusals = Reconciliation::new(self, reading, Metric::Throttles);
        let nobody_else =
            refusals.map(|refusals| refusals.nobody_else(self, reading, ages.closed)).unwrap_or_default();
        self.memory.tripwire.observe(reading, ages);
        if self.memory.tripwire.is_believed(Metric::Throttles) { nobody_else } else { Vec::new() }
    }

    /// Takes in what ListMetrics shows; returns every id that it or the readings name.
    fn discover<'a>(&mut self, reading: &'a UsageReading, at: Timestamp) -> Vec<&'a InvocationId> {
        let memory = &mut self.memory;
        let quiet_before = memory.discovered.map(|last| last.minus(LISTING_LAG).minute());
        let (wide, listed): (Vec<_>, Vec<_>) =
            reading.listed.iter().flatten().partition(|listed| listed.id.is_account_wide());
        wide.into_iter().for_each(|wide| memory.tripwire.show(wide, at));
        let listed = listed.into_iter();
        let read = reading.minutes.iter().chain(&reading.today).map(|series| &series.id);
        let read = read.filter(|id| !id.is_account_wide());
        let mut touched: Vec<&InvocationId> = listed.clone().map(|listed| &listed.id).chain(read).collect();
        touched.sort_unstable();
        touched.dedup();
        for &id in &touched {
            if !memory.ids.contains_key(id) {
                let mut history = History::new(at, quiet_before);
                // Each counter goes on once: an id that is forgotten and comes back begins at 0, as a new one.
                if let Some(counters) = memory.resumed.remove(id) {
                    history.resume(&counters);
                }
                let history = Arc::new(history);
                let resolution = Arc::new(memory.index.resolve(id));
                memory.ids.insert(id.clone(), Known { history, resolution });
            }
        }
        // A metric is listed up to LISTING_LAG after its first datapoint.
        let covers = at.minus(LISTING_LAG).minute();
        for shown in listed {
            if let Some(known) = memory.ids.get_mut(&shown.id) {
                Arc::make_mut(&mut known.history).show(shown, covers);
            }
        }
        if reading.listed.is_some() {
            memory.discovered = Some(at);
        }
        touched
    }

    /// An id stays known, and is read, for as long after its last datapoint as ListMetrics shows it.
    fn forget_ids(&mut self, at: Timestamp) {
        self.memory.ids.retain(|_, known| {
            let newest = known.history.last_datapoint.map(Minute::end).max(Some(known.history.since));
            newest.is_some_and(|newest| at.since(newest) < LISTED_FOR)
        });
    }

    fn note_progress(&mut self, settings: &Settings) {
        let memory = &mut self.memory;
        let newest = memory.ids.values().filter_map(|known| known.history.last_datapoint).max();
        memory.newest_datapoint = memory.newest_datapoint.max(newest.map(Minute::start));
        let all = memory.usage_at.filter(|_| memory.discovered.is_some()).map(|at| settings.closed(at));
        let (late, idle) = (settings.unread_minutes(), settings.idle_minutes());
        // The slowest id decides: complete means that of no id a minute is missing.
        let mut reads =
            memory.ids.values().map(|known| known.history.read_until(decisive(known), late, idle));
        let read = reads.try_fold(all, |min, read| read.map(|read| min.map(|min| min.min(read))));
        memory.complete_until = memory.complete_until.max(read.flatten().map(Minute::start));
    }
}

/// A list that could not be read keeps what it held before, and with it its age; returns whether it was read.
fn keep_list<T: Clone>(new: &mut Option<T>, old: &Option<T>) -> bool {
    let read = new.is_some();
    if !read {
        new.clone_from(old);
    }
    read
}

/// Defaults that could not be read stay as they were, with the rows that only they list. (AWS's list of
/// them is never empty.)
fn keep_defaults(list: &mut QuotaList, old: &QuotaList) {
    for quota in &old.quotas {
        match list.quotas.binary_search_by(|new| new.code.cmp(&quota.code)) {
            Ok(i) => Arc::make_mut(&mut list.quotas[i]).default = quota.default,
            Err(i) if !quota.listed => list.quotas.insert(i, quota.clone()),
            Err(_) => {}
        }
    }
}

/// A quota whose row came without a value to be trusted keeps the last one that was: `unread` remembers
/// since when, so that it goes in time.
fn keep_values(
    list: &mut QuotaList,
    old: Option<&QuotaList>,
    unread: &mut BTreeMap<String, (Timestamp, String)>,
    last: Timestamp,
) {
    let known = |code: &str| {
        let quotas = &old?.quotas;
        quotas.binary_search_by(|quota| quota.code.as_str().cmp(code)).ok().map(|i| &quotas[i])
    };
    let before = std::mem::take(unread);
    for quota in list.quotas.iter_mut().filter(|quota| quota.error.is_some()).map(Arc::make_mut) {
        let Some(limit) = known(&quota.code).and_then(|known| known.limit()) else { continue };
        let why = quota.error.take().unwrap_or_default();
        let last = before.get(&quota.code).map_or(last, |(last, _)| *last);
        unread.insert(quota.code.clone(), (last, why));
        quota.applied = Some(limit);
    }
}

fn limit_changes(old: &Observed<Arc<QuotaList>>, new: &QuotaList, at: Timestamp) -> Vec<LimitChange> {
    let limit = |code: &str| {
        let found = new.quotas.binary_search_by(|quota| quota.code.as_str().cmp(code));
        found.ok().and_then(|i| new.quotas[i].limit())
    };
    let changed = old.value.quotas.iter().filter_map(|quota| {
        let before = quota.limit().filter(|before| limit(&quota.code).is_some_and(|now| now != *before))?;
        Some(LimitChange { code: quota.code.clone(), old: before, after: old.at, before: at })
    });
    changed.collect()
}

fn by_id<'a>(
    readings: impl IntoIterator<Item = &'a SeriesReading>,
) -> BTreeMap<&'a InvocationId, Vec<&'a SeriesReading>> {
    let mut by_id: BTreeMap<&InvocationId, Vec<&SeriesReading>> = BTreeMap::new();
    for reading in readings {
        by_id.entry(&reading.id).or_default().push(reading);
    }
    by_id
}
