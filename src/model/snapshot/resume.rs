//! Counters that outlive the process: taken from a snapshot, and given to the first one of the next process.

use super::{Settings, Snapshot, TargetState};
use crate::model::counters::{Counters, IdCounters, TargetCounters};
use crate::model::ids::{Endpoint, Target};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::InvocationId;
use std::sync::Arc;

impl Snapshot {
    /// What the next process needs so that no counter loses a minute; of targets whose usage was asked for.
    pub fn counters(&self, settings: &Settings) -> Counters {
        let known = self.targets.values().filter(|state| !state.target.account_id.is_empty());
        let begun =
            known.filter(|state| state.memory.counted_from.is_some() || state.memory.discovered.is_some());
        Counters { targets: begun.map(|state| state.counters(settings)).collect() }
    }

    /// Goes on where an earlier process stopped, with targets that have counted nothing yet.
    pub fn resumed(&self, counters: &Counters) -> Snapshot {
        let mut snapshot = self.clone();
        for counters in &counters.targets {
            let target = Target::new(&counters.account_id, &counters.region);
            if let Some(state) = snapshot.targets.get_mut(&target)
                && state.memory.counted_from.is_none()
                && state.memory.discovered.is_none()
            {
                Arc::make_mut(state).resume(counters);
            }
        }
        snapshot
    }
}

impl TargetState {
    /// The first minute that counters count of an id that nobody has counted before.
    pub(super) fn counted_from(&self, settings: &Settings) -> Minute {
        self.memory.counted_from.unwrap_or_else(|| settings.closed(self.memory.since))
    }

    fn counters(&self, settings: &Settings) -> TargetCounters {
        let memory = &self.memory;
        let (from, idle) = (self.counted_from(settings), settings.idle_minutes());
        let mut ids: Vec<IdCounters> =
            memory.ids.iter().map(|(id, known)| known.history.counters(id, from, idle)).collect();
        ids.extend(memory.resumed.values().map(|counters| (**counters).clone()));
        TargetCounters {
            account_id: self.target.account_id.to_string(),
            region: self.target.region.to_string(),
            counted_from: from.0,
            discovered: memory.discovered.or(memory.discovered_before).map(|at| at.0),
            ids,
        }
    }

    fn resume(&mut self, counters: &TargetCounters) {
        let memory = &mut self.memory;
        memory.counted_from = Some(Minute(counters.counted_from));
        memory.discovered_before = counters.discovered.map(Timestamp);
        for counters in &counters.ids {
            if let Some(endpoint) = Endpoint::from_word(&counters.endpoint) {
                let id = InvocationId { endpoint, id: counters.id.as_str().into() };
                memory.resumed.insert(id, Arc::new(counters.clone()));
            }
        }
    }
}
