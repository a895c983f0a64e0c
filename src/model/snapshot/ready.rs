//! Whether there is enough to be shown.

use super::Snapshot;
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

/// Targets of which something must have been read before there is enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    /// Whose they are, where their account is not known: `the account of profile research`.
    pub who: String,
    pub targets: Vec<Target>,
}

impl Awaited {
    /// The account, as far as it is known.
    fn name(&self) -> String {
        match self.targets.first() {
            Some(target) if !target.account_id.is_empty() => format!("account {}", target.account_id),
            Some(target) if !target.region.is_empty() => format!("{} in {}", self.who, target.region),
            _ => self.who.clone(),
        }
    }
}

impl TargetState {
    fn was_read(&self) -> bool {
        self.collectors.values().any(|collector| collector.last_success.is_some())
    }
}
