//! The state of the world as the one writer publishes it.

use super::cadence::{Cadence, Load, Stretch};
use super::catalog::Catalog;
use super::evaluate::{UNMAPPED_AGE, evaluate};
use super::evaluation::Evaluation;
use super::ids::{Target, words};
use super::matching::{Index, Resolution, Rules};
use super::minutes::{Ages, History, Metrics, closed};
use super::quota::QuotaList;
use super::schedule::{LISTING_LAG, wanted};
use super::sharing;
use super::time::{Minute, Timestamp};
use super::tripwire::{Account, Tripwire};
use super::usage::{InvocationId, Metric, Observed, SeriesReading, UsageReading};
use super::utilization;
use std::collections::BTreeMap;
use std::sync::Arc;

words! {
    /// The collectors of a target: the label `collector`.
    Collector {
        Quotas = "quotas",
        Catalog = "catalog",
        Usage = "usage",
    }
}

words! {
    /// The closed set of ways a collection fails: the label `class`.
    ErrorClass {
        Throttled = "throttled",
        AccessDenied = "access_denied",
        ExpiredCredentials = "expired_credentials",
        ClockSkew = "clock_skew",
        Timeout = "timeout",
        Network = "network",
        Server = "server",
        Malformed = "malformed",
        Other = "other",
    }
}

/// One failure, as it is logged and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectError {
    pub class: ErrorClass,
    /// Names the call and what AWS said; never a secret.
    pub message: String,
}

/// What a collector brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Quotas(QuotaList),
    Catalog(Catalog),
    Usage(UsageReading),
}

/// One finished collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub target: Target,
    pub collector: Collector,
    pub started: Timestamp,
    pub seconds: f64,
    /// `None`: nothing was got.
    pub observation: Option<Observation>,
    /// What failed, wholly or in part (a denied list beside others that were read).
    pub errors: Vec<CollectError>,
}

/// What the pure core needs to know of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seconds after its end from which a minute is used.
    pub delay: u64,
    /// Seconds after its end from which a minute no longer grows.
    pub settle: u64,
    /// Look-back window of peaks, in minutes.
    pub lookback_minutes: i64,
    /// Ratios for above_threshold_seconds.
    pub thresholds: Vec<f64>,
    /// Whether rounds after a target's first keep to its own place in the interval, so that many targets
    /// do not come all at once; otherwise an interval begins where the last round did.
    pub spread: bool,
    /// Seconds between usage, ListMetrics, quotas and catalog collections.
    pub usage_interval: u64,
    pub discovery_interval: u64,
    pub quotas_interval: u64,
    pub catalog_interval: u64,
    /// `None`: every id is read in every usage round.
    pub cadence: Option<Cadence>,
    /// US dollars a day that reading CloudWatch may cost, all targets together.
    pub budget: Option<f64>,
    /// Seconds until a failed collector's last good values go.
    pub usage_max_age: u64,
    pub quotas_max_age: u64,
    pub catalog_max_age: u64,
    /// Seconds a newborn counter is held at 0: two scrapes.
    pub counter_hold: u64,
    /// The latency statistics to read.
    pub statistics: Vec<Metric>,
    /// The user's overrides.
    pub rules: Rules,
    /// Output burndown by the user, by base model id; goes before the shipped table.
    pub burndown: BTreeMap<String, f64>,
}

impl Settings {
    /// After how many minutes without a datapoint an id is idle: never, where every id is always read.
    pub(crate) fn idle_minutes(&self) -> i64 {
        self.cadence.map_or(i64::MAX, |cadence| cadence.idle_after.div_ceil(60) as i64)
    }
}

/// How a collector is doing at a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectorState {
    pub last_attempt: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    /// Whether the last attempt brought everything it asked for.
    pub up: bool,
    pub seconds: f64,
    /// Counted since the start, by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The message of the last failure, for the status page; gone after a success.
    pub last_error: Option<String>,
    /// Whether to try again with the next usage round: nothing was got, or something failed that may
    /// heal by itself (a denied permission does not).
    pub retry: bool,
}

/// Everything known of one target.
#[derive(Clone, Debug)]
pub struct TargetState {
    pub target: Target,
    pub quotas: Option<Observed<Arc<QuotaList>>>,
    pub catalog: Option<Observed<Arc<Catalog>>>,
    pub collectors: BTreeMap<Collector, CollectorState>,
    /// Whether the budget slows its reading; `None` without a budget.
    pub slowed: Option<bool>,
    /// Made anew whenever any of the above changes or something expires.
    pub evaluation: Arc<Evaluation>,
    pub(crate) memory: Memory,
}

/// What to read of a target next. Pure: `due(&state, settings, now)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    pub quotas: bool,
    pub catalog: bool,
    pub usage: Option<UsageRequest>,
}

/// One usage round: whether to ask ListMetrics first, and what to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageRequest {
    pub discover: bool,
    /// Ask ListMetrics without RecentlyActive: ids idle for hours count in day quotas, and stay known.
    pub everything: bool,
    /// What ListMetrics newly shows in this round is read over this span: see `schedule::newly_listed`.
    pub new_ids: Option<(Minute, Minute)>,
    /// One query each; what ListMetrics was seen to show before.
    pub minutes: Vec<SeriesRequest>,
    /// Period 3600, hours' first minutes.
    pub hours: Vec<SeriesRequest>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRequest {
    pub id: InvocationId,
    pub metric: Metric,
    pub from: Minute,
    pub until: Minute,
}

/// All targets at one point in time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub at: Timestamp,
    pub targets: States,
}

type States = BTreeMap<Target, Arc<TargetState>>;

/// How long an id is read after its last datapoint, in seconds: as long as ListMetrics shows it.
const KNOWN_FOR: u64 = 14 * 86_400;

/// What a target's state remembers beyond the latest observations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Since when the target is watched.
    pub since: Timestamp,
    /// When usage was last read.
    pub usage_at: Option<Timestamp>,
    /// When ListMetrics last answered.
    pub discovered: Option<Timestamp>,
    pub ids: BTreeMap<InvocationId, Known>,
    pub complete_until: Option<Timestamp>,
    pub newest_datapoint: Option<Timestamp>,
    pub tripwire: Tripwire,
    /// What reading the target takes, where there is a budget; and what the budget does to it.
    pub load: Option<Load>,
    pub stretch: Stretch,
    pub index: Arc<Index>,
    /// Submitted and in-progress batch jobs, and model units, per base model; `None`: not listed.
    pub batch_jobs: Option<BTreeMap<Arc<str>, f64>>,
    pub model_units: Option<BTreeMap<Arc<str>, f64>>,
    /// When calls began to be refused below the limit: quotas are wanted newer than that.
    pub quotas_wanted: Option<Timestamp>,
    /// Limits that changed within the last hour.
    pub limit_changes: Vec<LimitChange>,
    /// When the evaluation changes by time alone.
    pub next_change: Option<Timestamp>,
    requests_at: Option<Timestamp>,
    /// When ListAWSDefaultServiceQuotas last answered.
    defaults_at: Option<Timestamp>,
    /// Quotas whose value could not be read of late: since when not, and why.
    unread: BTreeMap<String, (Timestamp, String)>,
    lists_at: [Option<Timestamp>; 7],
}

/// An invocation id with its minutes and its place in the lists.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub history: Arc<History>,
    pub resolution: Arc<Resolution>,
}

/// A limit that was another one at the last reading but one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LimitChange {
    pub code: String,
    pub old: f64,
    /// The change happened between these two readings.
    pub after: Timestamp,
    pub before: Timestamp,
}

impl Snapshot {
    /// Nothing observed yet.
    pub fn new(targets: impl IntoIterator<Item = Target>, now: Timestamp) -> Snapshot {
        let state = |target: Target| (target.clone(), Arc::new(TargetState::new(target, now)));
        Snapshot { at: now, targets: targets.into_iter().map(state).collect() }
    }

    /// The state after some collections have finished and time has moved on. Targets that neither of it
    /// touches are shared with the old snapshot; outcomes of targets no longer watched are dropped.
    pub fn advance(&self, settings: &Settings, outcomes: Vec<Outcome>, now: Timestamp) -> Snapshot {
        let mut by_target: BTreeMap<Target, Vec<Outcome>> = BTreeMap::new();
        for outcome in outcomes {
            by_target.entry(outcome.target.clone()).or_default().push(outcome);
        }
        let mut targets = self.targets.clone();
        for (target, state) in &self.targets {
            let outcomes = by_target.remove(target).unwrap_or_default();
            if !outcomes.is_empty() || state.memory.next_change.is_some_and(|at| at <= now) {
                let state = state.advance(settings, outcomes, &targets, now);
                targets.insert(target.clone(), Arc::new(state));
            }
        }
        let mut snapshot = Snapshot { at: now, targets };
        snapshot.keep_within_budget(settings);
        snapshot
    }

    /// Plans the readings of all targets together; targets whose plan stays as it is stay shared.
    fn keep_within_budget(&mut self, settings: &Settings) {
        let load = self.targets.values().filter_map(|state| state.memory.load).sum();
        let stretch = match (settings.cadence, settings.budget) {
            (Some(cadence), Some(budget)) => Stretch::within(budget, &load, settings, &cadence),
            _ => Stretch::default(),
        };
        for state in self.targets.values_mut() {
            let slowed = state.memory.load.map(|load| stretch.slows(&load));
            if (state.memory.stretch, state.slowed) != (stretch, slowed) {
                let state = Arc::make_mut(state);
                (state.memory.stretch, state.slowed) = (stretch, slowed);
            }
        }
    }

    /// Whether the budget slows the reading of any target.
    pub fn is_slowed(&self) -> bool {
        self.targets.values().any(|state| state.slowed == Some(true))
    }

    /// The state under a new plan: targets watched before keep what is known of them, read anew by the
    /// new settings.
    pub fn with_targets(
        &self,
        targets: impl IntoIterator<Item = Target>,
        settings: &Settings,
        now: Timestamp,
    ) -> Snapshot {
        let mut planned = States::new();
        for target in targets {
            let state = match self.targets.get(&target) {
                Some(state) => state.replanned(settings, &planned, now),
                None => TargetState::new(target.clone(), now),
            };
            planned.insert(target, Arc::new(state));
        }
        let mut snapshot = Snapshot { at: now, targets: planned };
        snapshot.keep_within_budget(settings);
        snapshot
    }

    /// The state when other targets are watched, by the same settings: those watched before stay shared.
    pub fn watching(
        &self,
        targets: impl IntoIterator<Item = Target>,
        settings: &Settings,
        now: Timestamp,
    ) -> Snapshot {
        let new = |target: &Target| Arc::new(TargetState::new(target.clone(), now));
        let state = |target: Target| {
            let state = self.targets.get(&target).cloned().unwrap_or_else(|| new(&target));
            (target, state)
        };
        let mut snapshot = Snapshot { at: now, targets: targets.into_iter().map(state).collect() };
        snapshot.keep_within_budget(settings);
        snapshot
    }

    /// Whether nothing was observed and nothing has expired since `older`.
    pub fn is_same(&self, older: &Snapshot) -> bool {
        let (new, old) = (&self.targets, &older.targets);
        new.len() == old.len()
            && new.iter().all(|(target, state)| old.get(target).is_some_and(|old| Arc::ptr_eq(old, state)))
    }

    /// When something expires although nothing new is observed.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.targets.values().filter_map(|state| state.memory.next_change).min()
    }
}

impl TargetState {
    /// A target of which nothing is known yet.
    pub fn new(target: Target, now: Timestamp) -> TargetState {
        TargetState {
            target,
            quotas: None,
            catalog: None,
            collectors: BTreeMap::new(),
            slowed: None,
            evaluation: Arc::default(),
            memory: Memory { since: now, ..Memory::default() },
        }
    }

    fn advance(
        &self,
        settings: &Settings,
        outcomes: Vec<Outcome>,
        others: &States,
        now: Timestamp,
    ) -> TargetState {
        let mut state = self.clone();
        for outcome in outcomes {
            state.observe(settings, outcome, now);
        }
        state.expire(settings, now);
        if !same(&self.quotas, &state.quotas) || !same(&self.catalog, &state.catalog) {
            state.share(others);
            state.index(settings, others);
        }
        state.evaluate(settings, now);
        state
    }

    fn replanned(&self, settings: &Settings, others: &States, now: Timestamp) -> TargetState {
        let mut state = self.clone();
        state.expire(settings, now);
        state.index(settings, others);
        state.evaluate(settings, now);
        state
    }

    fn observe(&mut self, settings: &Settings, outcome: Outcome, now: Timestamp) {
        let Outcome { collector, started, seconds, observation, errors, .. } = outcome;
        let status = self.collectors.entry(collector).or_default();
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
            Some(Observation::Quotas(list)) => self.observe_quotas(list, started),
            Some(Observation::Catalog(catalog)) => self.observe_catalog(catalog, started),
            Some(Observation::Usage(reading)) => {
                self.observe_usage(settings, reading, started, errors.is_empty())
            }
            None => {}
        }
    }

    fn observe_quotas(&mut self, mut list: QuotaList, at: Timestamp) {
        let old = self.quotas.take();
        let memory = &mut self.memory;
        match (&list.requests, &old) {
            (Some(_), _) => memory.requests_at = Some(at),
            (None, Some(old)) => list.requests = old.value.requests.clone(),
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
            memory.limit_changes.retain(|change| change.before.plus(3600) > at);
            memory.limit_changes.extend(limit_changes(old, &list, at));
        }
        if memory.quotas_wanted.is_some_and(|wanted| wanted <= at) {
            memory.quotas_wanted = None;
        }
        let value = match old {
            Some(old) if *old.value == list => old.value,
            _ => Arc::new(list),
        };
        self.quotas = Some(Observed { at, value });
    }

    fn observe_catalog(&mut self, mut catalog: Catalog, at: Timestamp) {
        let old = self.catalog.take();
        let before = old.as_ref().map(|old| old.value.clone()).unwrap_or_default();
        let ages = &mut self.memory.lists_at;
        keep_list(&mut catalog.models, &before.models, &mut ages[0], at);
        keep_list(&mut catalog.profiles, &before.profiles, &mut ages[1], at);
        keep_list(&mut catalog.provisioned, &before.provisioned, &mut ages[2], at);
        keep_list(&mut catalog.deployments, &before.deployments, &mut ages[3], at);
        keep_list(&mut catalog.imported, &before.imported, &mut ages[4], at);
        keep_list(&mut catalog.batch_jobs, &before.batch_jobs, &mut ages[5], at);
        keep_list(&mut catalog.tags, &before.tags, &mut ages[6], at);
        let value = if *before == catalog && old.is_some() { before } else { Arc::new(catalog) };
        self.catalog = Some(Observed { at, value });
    }

    fn observe_usage(&mut self, settings: &Settings, reading: UsageReading, at: Timestamp, whole: bool) {
        let asked = !reading.minutes.is_empty();
        let read = reading.minutes.iter().any(|series| series.complete || !series.points.is_empty());
        if read || (!asked && whole) {
            self.memory.usage_at = Some(at);
        }
        let ages = Ages::new(settings, at, self.memory.since);
        let mut touched = self.discover(&reading, at);
        let nobody_else = self.observe_tripwire(&reading, &ages);
        touched.extend(nobody_else.iter().map(|series| &series.id));
        touched.sort_unstable();
        touched.dedup();
        let minutes = by_id(reading.minutes.iter().chain(&nobody_else));
        let hours = by_id(&reading.hours);
        for id in touched {
            let Some(known) = self.memory.ids.get_mut(id) else { continue };
            let minutes = minutes.get(id).map_or(&[][..], Vec::as_slice);
            let mut metrics = wanted(id, known.history.listed, &known.resolution, settings);
            if known.history.listed.is_none() {
                let read = minutes.iter().map(|series| series.metric).chain(known.history.metrics());
                metrics = metrics.union(read.collect::<Metrics>());
            }
            let history = Arc::make_mut(&mut known.history);
            history.ingest(metrics, minutes, &ages);
            history.ingest_hours(hours.get(id).map_or(&[][..], Vec::as_slice));
        }
        self.forget_ids(at);
        self.note_progress(settings);
    }

    /// Takes in the throttles of all ids together; returns what they say of the ids that were not asked.
    fn observe_tripwire(&mut self, reading: &UsageReading, ages: &Ages) -> Vec<SeriesReading> {
        let Some(account) = Account::new(self, reading) else { return Vec::new() };
        let nobody_else = account.nobody_else(self, reading);
        let tripwire = &mut self.memory.tripwire;
        if account.is_contradicted(ages.settled) {
            tripwire.doubt();
        }
        tripwire.observe(reading, ages);
        if tripwire.is_believed() { nobody_else } else { Vec::new() }
    }

    /// Takes in what ListMetrics shows; returns every id that it or the readings name.
    fn discover<'a>(&mut self, reading: &'a UsageReading, at: Timestamp) -> Vec<&'a InvocationId> {
        let memory = &mut self.memory;
        let quiet_before = memory.discovered.map(|last| last.minus(LISTING_LAG).minute());
        let (wide, listed): (Vec<_>, Vec<_>) =
            reading.listed.iter().flatten().partition(|listed| listed.id.is_account_wide());
        wide.into_iter().for_each(|wide| memory.tripwire.show(wide, at));
        let listed = listed.into_iter();
        let read = reading.minutes.iter().chain(&reading.hours).map(|series| &series.id);
        let read = read.filter(|id| !id.is_account_wide());
        let mut touched: Vec<&InvocationId> = listed.clone().map(|listed| &listed.id).chain(read).collect();
        touched.sort_unstable();
        touched.dedup();
        for &id in &touched {
            if !memory.ids.contains_key(id) {
                let history = Arc::new(History::new(at, quiet_before));
                let resolution = Arc::new(memory.index.resolve(id));
                memory.ids.insert(id.clone(), Known { history, resolution });
            }
        }
        for shown in listed {
            if let Some(known) = memory.ids.get_mut(&shown.id) {
                Arc::make_mut(&mut known.history).show(shown);
            }
        }
        if reading.listed.is_some() {
            memory.discovered = Some(at);
        }
        touched
    }

    /// An id stays known for 14 days after its last datapoint.
    fn forget_ids(&mut self, at: Timestamp) {
        self.memory.ids.retain(|_, known| {
            let newest = known.history.last_datapoint.map(Minute::end).max(Some(known.history.since));
            newest.is_some_and(|newest| at.since(newest) < KNOWN_FOR)
        });
    }

    fn note_progress(&mut self, settings: &Settings) {
        let memory = &mut self.memory;
        let newest = memory.ids.values().filter_map(|known| known.history.last_datapoint).max();
        memory.newest_datapoint = memory.newest_datapoint.max(newest.map(Minute::start));
        let all = memory.usage_at.filter(|_| memory.discovered.is_some()).map(|at| closed(settings, at));
        let idle = settings.idle_minutes();
        let mut reads = memory.ids.values().map(|known| known.history.read_until(idle));
        let read = reads.try_fold(all, |min, read| read.map(|read| min.map(|min| min.min(read))));
        memory.complete_until = memory.complete_until.max(read.flatten().map(Minute::start));
    }

    /// Lets go of what is older than its `max_age`.
    fn expire(&mut self, settings: &Settings, now: Timestamp) {
        let memory = &mut self.memory;
        let old = |at: Option<Timestamp>, max_age: u64| at.is_some_and(|at| now.since(at) > max_age);
        if old(self.quotas.as_ref().map(|quotas| quotas.at), settings.quotas_max_age) {
            self.quotas = None;
        }
        if let Some(quotas) = &mut self.quotas
            && old(memory.requests_at, settings.quotas_max_age)
        {
            memory.requests_at = None;
            Arc::make_mut(&mut quotas.value).requests = None;
        }
        if let Some(quotas) = &mut self.quotas
            && old(memory.defaults_at, settings.quotas_max_age)
        {
            memory.defaults_at = None;
            let list = &mut Arc::make_mut(&mut quotas.value).quotas;
            list.retain(|quota| quota.listed);
            list.iter_mut().for_each(|quota| Arc::make_mut(quota).default = None);
        }
        if let Some(quotas) = &mut self.quotas
            && memory.unread.values().any(|(last, _)| old(Some(*last), settings.quotas_max_age))
        {
            for quota in &mut Arc::make_mut(&mut quotas.value).quotas {
                let unread = memory.unread.get(&quota.code);
                if let Some((_, why)) = unread.filter(|(last, _)| old(Some(*last), settings.quotas_max_age)) {
                    let quota = Arc::make_mut(quota);
                    (quota.applied, quota.error) = (None, Some(why.clone()));
                }
            }
        }
        if old(self.catalog.as_ref().map(|catalog| catalog.at), settings.catalog_max_age) {
            self.catalog = None;
        }
        let Some(catalog) = &mut self.catalog else {
            memory.lists_at = Default::default();
            return;
        };
        if memory.lists_at.iter().any(|&at| old(at, settings.catalog_max_age)) {
            let catalog = Arc::make_mut(&mut catalog.value);
            let age = |at: &mut Option<Timestamp>| {
                at.take_if(|at| now.since(*at) > settings.catalog_max_age).is_some()
            };
            let [models, profiles, provisioned, deployments, imported, batch_jobs, tags] =
                &mut memory.lists_at;
            catalog.models.take_if(|_| age(models));
            catalog.profiles.take_if(|_| age(profiles));
            catalog.provisioned.take_if(|_| age(provisioned));
            catalog.deployments.take_if(|_| age(deployments));
            catalog.imported.take_if(|_| age(imported));
            catalog.batch_jobs.take_if(|_| age(batch_jobs));
            catalog.tags.take_if(|_| age(tags));
        }
    }

    /// Accounts have mostly the same lists: what is equal in those of others is kept once.
    fn share(&mut self, others: &States) {
        let near = neighbours(others, &self.target);
        if let Some(Observed { value, .. }) = &mut self.quotas {
            sharing::whole(value, others.values().filter_map(|other| Some(&other.quotas.as_ref()?.value)));
            if let Some(own) = Arc::get_mut(value) {
                let lists = near.clone().filter_map(|other| other.quotas.as_ref());
                sharing::rows(&mut own.quotas, lists.map(|list| &list.value.quotas[..]));
            }
        }
        if let Some(Observed { value, .. }) = &mut self.catalog {
            sharing::whole(value, others.values().filter_map(|other| Some(&other.catalog.as_ref()?.value)));
            if let Some(Catalog { models, profiles, .. }) = Arc::get_mut(value) {
                let lists = near.filter_map(|other| other.catalog.as_ref()).map(|list| &*list.value);
                let known = lists.clone().filter_map(|list| list.models.as_deref());
                sharing::rows(models.as_deref_mut().unwrap_or_default(), known);
                let known = lists.filter_map(|list| list.profiles.as_deref());
                sharing::rows(profiles.as_deref_mut().unwrap_or_default(), known);
            }
        }
    }

    /// Joins the lists anew, unless one of `others` has joined the very same ones under these settings, and
    /// every id with them.
    fn index(&mut self, settings: &Settings, others: &States) {
        let joined = |other: &&Arc<TargetState>| {
            self.quotas.is_some() && same(&other.quotas, &self.quotas) && same(&other.catalog, &self.catalog)
        };
        let near = neighbours(others, &self.target);
        let index = others.values().find(joined).map(|other| other.memory.index.clone());
        let catalog = self.catalog.as_ref().map(|catalog| catalog.value.clone()).unwrap_or_default();
        let index = index.unwrap_or_else(|| {
            let quotas = self.quotas.as_ref().map(|quotas| quotas.value.clone()).unwrap_or_default();
            let indices = near.clone().map(|other| &*other.memory.index);
            Arc::new(Index::beside(&quotas, &catalog, &settings.rules, indices))
        });
        for (id, known) in &mut self.memory.ids {
            known.resolution = Arc::new(index.resolve(id));
            let there = near.clone().filter_map(|other| other.memory.ids.get(id));
            sharing::whole(&mut known.resolution, there.map(|other| &other.resolution));
        }
        self.memory.batch_jobs =
            catalog.batch_jobs.as_ref().map(|jobs| utilization::batch_jobs(jobs, &index));
        self.memory.model_units = catalog.provisioned.as_ref().map(|all| utilization::model_units(all));
        self.memory.index = index;
    }

    fn evaluate(&mut self, settings: &Settings, now: Timestamp) {
        for known in self.memory.ids.values_mut().filter(|known| known.history.is_charge_due()) {
            if let Some(model) = &known.resolution.model {
                let factor = super::burndown::burndown(model, now, &settings.burndown);
                Arc::make_mut(&mut known.history).charge(factor, now);
            }
        }
        let evaluated = evaluate(self, settings, now);
        if evaluated.newly_refused {
            self.memory.quotas_wanted = Some(now);
        }
        self.evaluation = Arc::new(evaluated.evaluation);
        let budgeted = settings.cadence.filter(|_| settings.budget.is_some());
        self.memory.load = budgeted.map(|cadence| Load::of(self, settings, &cadence, now));
        self.memory.next_change = self.next_change(settings, now);
    }

    /// The next moment at which time alone changes the evaluation.
    fn next_change(&self, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
        let memory = &self.memory;
        let gone = |at: Option<Timestamp>, max_age: u64| at.map(|at| at.plus(max_age + 1));
        let lists = memory.lists_at.iter().map(|&at| gone(at, settings.catalog_max_age));
        let histories = memory.ids.values().map(|known| &known.history);
        let releases = histories.clone().map(|history| history.next_release(settings, now));
        let day_old = histories.map(|history| gone(history.last_datapoint.map(Minute::end), UNMAPPED_AGE));
        [
            gone(self.quotas.as_ref().map(|quotas| quotas.at), settings.quotas_max_age),
            gone(memory.requests_at, settings.quotas_max_age),
            gone(memory.defaults_at, settings.quotas_max_age),
            gone(self.catalog.as_ref().map(|catalog| catalog.at), settings.catalog_max_age),
            gone(memory.usage_at, settings.usage_max_age),
        ]
        .into_iter()
        .chain(memory.unread.values().map(|(last, _)| gone(Some(*last), settings.quotas_max_age)))
        .chain(lists)
        .chain(releases)
        .chain(day_old)
        .flatten()
        .filter(|&at| at > now)
        .min()
    }
}

/// The targets whose lists are most like this one's.
fn neighbours<'a>(
    others: &'a States,
    target: &Target,
) -> impl Iterator<Item = &'a Arc<TargetState>> + Clone + use<'a> {
    let region = target.region.clone();
    others.values().filter(move |other| other.target.region == region)
}

fn same<T>(a: &Option<Observed<Arc<T>>>, b: &Option<Observed<Arc<T>>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(&a.value, &b.value),
        (None, None) => true,
        _ => false,
    }
}

/// A list that could not be read keeps what it held before, and its age.
fn keep_list<T: Clone>(new: &mut Option<T>, old: &Option<T>, read_at: &mut Option<Timestamp>, at: Timestamp) {
    match new {
        Some(_) => *read_at = Some(at),
        None => new.clone_from(old),
    }
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
