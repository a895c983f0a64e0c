//! What is wrong and what helps. One pure reading of [`Facts`], which a live snapshot and the picture of a span can
//! both be turned into: so the status page, `diagnose` and the report say the same. Thresholds are those of the alerts.

mod calls;
pub mod case;
mod collection;
pub mod facts;
mod finding;
mod live;
pub mod past;
mod planning;
mod quotas;
pub mod remedies;
pub mod thresholds;

pub use finding::{Finding, Severity};

use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use case::Room;
use facts::Facts;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Everything that is wrong now. `names` are those of accounts by their ids, which stand where there is no name.
pub fn findings(snapshot: &Snapshot, names: &BTreeMap<String, String>, now: Timestamp) -> Vec<Finding> {
    let mut all = Vec::new();
    for state in snapshot.targets.values() {
        all.extend(of(&Facts::of_state(state, names, now)));
    }
    let rooms = live::rooms(snapshot, names, &all);
    finish(all, &rooms)
}

/// Everything that is wrong at one target, in no order; what other targets have room for is not told yet.
pub fn of(facts: &Facts) -> Vec<Finding> {
    let mut all = calls::findings(facts);
    all.extend(quotas::findings(facts));
    all.extend(collection::findings(facts));
    all.extend(planning::findings(facts));
    all
}

/// What follows from all targets together: where else is room; what fails calls comes first, then what refused the
/// most.
pub fn finish(mut all: Vec<Finding>, rooms: &[Room]) -> Vec<Finding> {
    all.iter_mut().for_each(|finding| remedies::offer(finding, rooms));
    // The order of what is equally severe stays: by target, calls before quotas before the rest.
    let refused =
        |finding: &Finding| finding.case.as_ref().map_or(0.0, |case| case.throttles.max(0.0)) as u64;
    all.sort_by_key(|finding| (finding.severity, finding.case.is_none(), Reverse(refused(finding))));
    all
}
