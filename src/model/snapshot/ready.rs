//! Whether there is enough to be shown.

use super::Snapshot;
use crate::model::awaited::Awaited;
use crate::model::ids::Target;
use crate::model::observation::Collector;
use crate::model::state::TargetState;

impl Snapshot {
    /// Whether everything has been tried once. Where the account or its regions could not become known, there
    /// is nothing to collect yet: that was tried.
    pub fn first_round_done(&self) -> bool {
        self.targets.iter().all(|(target, state)| {
            let tried = |collector: &Collector| {
                state.collectors.get(collector).is_some_and(|state| state.last_attempt.is_some())
            };
            let is_known = !target.account_id.is_empty() && !target.region.is_empty();
            let mut collectors = Collector::ALL.iter();
            if is_known { collectors.all(tried) } else { collectors.any(tried) }
        })
    }

    /// Of whom no collector has succeeded at any target yet.
    pub fn unread(&self, awaited: &[Awaited]) -> Vec<String> {
        let is_read = |target: &Target| self.targets.get(target).is_some_and(|state| state.was_read());
        let unread = awaited.iter().filter(|awaited| !awaited.targets.iter().any(is_read));
        unread.map(Awaited::name).collect()
    }
}

impl TargetState {
    fn was_read(&self) -> bool {
        self.collectors.values().any(|collector| collector.last_success.is_some())
    }
}
