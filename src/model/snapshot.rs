//! The state of the world as the one writer publishes it.

mod expire;
mod lists;
mod observe;
mod ready;
mod resume;
mod set_back;

use lists::{neighbours, same};

use super::budget::Stretch;
use super::burndown::burndown;
use super::evaluate::evaluate;
use super::ids::Target;
use super::observation::Outcome;
use super::schedule;
use super::settings::Settings;
use super::state::{States, TargetState};
use super::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All targets at one point in time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub at: Timestamp,
    pub targets: States,
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
        state.share_resolutions(&self.memory, others);
        state.evaluate(settings, others, now);
        state
    }

    fn replanned(&self, settings: &Settings, others: &States, now: Timestamp) -> TargetState {
        let mut state = self.clone();
        state.expire(settings, now);
        state.index(settings, others);
        state.evaluate(settings, others, now);
        state
    }

    fn evaluate(&mut self, settings: &Settings, others: &States, now: Timestamp) {
        for known in self.memory.ids.values_mut() {
            // Both are asked first, since writing takes a copy of a history that an older snapshot still holds.
            if let Some(model) = &known.resolution.model {
                let factor = burndown(model, now, &settings.burndown);
                if known.history.is_charge_due(factor) {
                    Arc::make_mut(&mut known.history).charge(factor, now);
                }
            }
            if known.history.is_release_due(settings, now) {
                Arc::make_mut(&mut known.history).release(settings, now);
            }
        }
        let beside = neighbours(others, &self.target).map(|other| &other.evaluation.quotas[..]);
        let evaluated = evaluate(self, settings, beside, now);
        if evaluated.is_refused_anew {
            self.memory.refused_since = Some(now);
        }
        if evaluated.newly_refused {
            self.memory.quotas_wanted = Some(now);
        }
        self.evaluation = Arc::new(evaluated.evaluation);
        let budgeted = settings.cadence.filter(|_| settings.budget.is_some());
        self.memory.load = budgeted.map(|cadence| schedule::load(self, settings, &cadence, now));
        self.memory.next_change = self.next_change(settings, now);
    }
}
