//! When the parts of models' calls are read: once an hour, whatever a budget says, since nothing may be slower.

use crate::model::parts::{INTERVAL, part_queries};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};

/// The first minute that is not read any more, if parts are due.
pub(super) fn parts(state: &TargetState, settings: &Settings, now: Timestamp) -> Option<Minute> {
    let listed_at = state.memory.parts.listed_at;
    // Not in a first round: whoever starts waits for what decides.
    let is_read = state.memory.usage_at.is_some();
    let is_due = settings.parts && is_read && listed_at.is_none_or(|at| now.since(at) >= INTERVAL);
    is_due.then(|| settings.settled(now))
}

/// The metrics that are billed a day for it.
pub(super) fn load(state: &TargetState, now: Timestamp) -> f64 {
    let queries = part_queries(&state.memory.parts.listed, now.minute()).len();
    queries as f64 * 86_400.0 / INTERVAL as f64
}
