//! The state of the world as the one writer publishes it.

mod expire;
mod lists;
mod observe;
mod ready;

use lists::same;

use super::cadence::{Cadence, Load, Stretch};
use super::catalog::Catalog;
use super::evaluate::evaluate;
use super::evaluation::Evaluation;
use super::ids::{Target, words};
use super::matching::{Index, Resolution, Rules};
use super::minutes::History;
use super::quota::QuotaList;
use super::time::{Minute, Timestamp};
use super::tripwire::Tripwire;
use super::usage::{InvocationId, Metric, Observed, UsageReading};
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
}
