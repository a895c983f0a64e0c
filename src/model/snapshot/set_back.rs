//! The clock was set back: what happened so long ago still did.

use super::Snapshot;
use crate::model::settings::Settings;
use crate::model::state::{CollectorState, LimitChange, Memory, States, TargetState};
use crate::model::time::Timestamp;
use std::sync::Arc;

impl Snapshot {
    /// The state after the clock was set back by so many seconds. When something was read, and so how old it is and
    /// when it is due again, moves with the clock: otherwise nothing would be read until the clock is again where
    /// it was. What CloudWatch dates is left alone. A clock set forward needs nothing: it cannot be told from a
    /// machine that slept, and then everything is as old as it looks.
    pub fn set_back(&self, seconds: u64, settings: &Settings, now: Timestamp) -> Snapshot {
        let mut targets = States::new();
        for (target, state) in &self.targets {
            let state = state.set_back(seconds).replanned(settings, &targets, now);
            targets.insert(target.clone(), Arc::new(state));
        }
        let mut snapshot = Snapshot { at: now, targets };
        snapshot.keep_within_budget(settings);
        snapshot
    }
}

impl TargetState {
    fn set_back(&self, seconds: u64) -> TargetState {
        let mut state = self.clone();
        let TargetState { quotas, catalog, collectors, memory, .. } = &mut state;
        let Memory {
            since,
            usage_at,
            discovered,
            quotas_wanted,
            limit_changes,
            requests_at,
            defaults_at,
            unread,
            lists_at,
            service,
            ..
        } = memory;
        // Nothing adds up over its readings: it is read anew.
        *service = Arc::default();
        let mut times: Vec<&mut Timestamp> = vec![since];
        times.extend(quotas.as_mut().map(|observed| &mut observed.at));
        times.extend(catalog.as_mut().map(|observed| &mut observed.at));
        times.extend([usage_at, discovered, quotas_wanted, requests_at, defaults_at].into_iter().flatten());
        times.extend(unread.values_mut().map(|(at, _)| at));
        times.extend(lists_at.values_mut());
        for CollectorState { last_attempt, last_success, .. } in collectors.values_mut() {
            times.extend([last_attempt, last_success].into_iter().flatten());
        }
        for LimitChange { after, before, .. } in limit_changes {
            times.extend([after, before]);
        }
        for at in times {
            *at = at.minus(seconds);
        }
        state
    }
}
