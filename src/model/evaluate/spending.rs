//! Who spends which quota by the last reading of usage, and which minutes of it may be shown.

use super::utilization::Spender;
use crate::model::burndown::burndown;
use crate::model::ids::Endpoint;
use crate::model::matching::{Charge, ModelQuota, QuotaKey};
use crate::model::minutes::{Cell, History};
use crate::model::settings::Settings;
use crate::model::state::{Known, LimitChange, TargetState};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long traffic without a quota is shown after its last datapoint, in seconds.
pub(crate) const UNMAPPED_AGE: u64 = 86_400;

/// The last reading of usage, and who spends what by it.
pub(super) struct Spending<'a> {
    pub state: &'a TargetState,
    pub settings: &'a Settings,
    pub now: Timestamp,
    pub read_at: Timestamp,
    /// The first minute that may still grow.
    pub settled: Minute,
    /// The first minute too young to be used.
    pub closed: Minute,
    /// The first minute that had not ended.
    pub ended: Minute,
    pub spenders: BTreeMap<&'a QuotaKey, Vec<Spender<'a>>>,
    /// Of each settled minute that may be looked at, whether strangers called in it: once for all quotas.
    strangers: BTreeMap<Minute, Option<bool>>,
}

impl<'a> Spending<'a> {
    pub(super) fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Spending<'a> {
        let read_at = state.memory.usage_at.unwrap_or(state.memory.since);
        let mut spending = Spending {
            state,
            settings,
            now,
            read_at,
            settled: settings.settled(read_at),
            closed: settings.closed(read_at),
            ended: read_at.minute(),
            spenders: BTreeMap::new(),
            strangers: BTreeMap::new(),
        };
        for (id, known) in &state.memory.ids {
            let spender = spending.spender(id, known);
            for Charge { quota, weight, .. } in &known.resolution.charges {
                if let Some(key) = quota {
                    spending.spenders.entry(key).or_default().push(Spender { weight: *weight, ..spender });
                }
            }
        }
        let oldest = [true, false].into_iter().filter_map(|seldom| spending.recent(seldom).next()).min();
        let first = oldest.unwrap_or(spending.settled) - settings.lookback_minutes;
        let minutes = first.until(spending.settled);
        spending.strangers = minutes.map(|minute| (minute, has_strangers(state, minute))).collect();
        spending
    }

    /// Whether usage was read, and not too long ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.state.memory.usage_at.is_some_and(|at| self.now.since(at) <= self.settings.usage_max_age)
    }

    pub(super) fn spender(&self, id: &'a InvocationId, known: &'a Known) -> Spender<'a> {
        let model = known.resolution.model.as_ref();
        let factor = model.and_then(|model| burndown(model, self.read_at, &self.settings.burndown));
        Spender { id, history: &known.history, weight: 1.0, factor, idle: self.settings.idle_minutes() }
    }

    /// The settled minutes that may be shown as the newest: older ones have outlived their `max_age` since
    /// they should have been read, where one id fails while others are read. `seldom`: read like idle ids.
    pub(super) fn recent(&self, seldom: bool) -> impl DoubleEndedIterator<Item = Minute> {
        let stretch = &self.state.memory.stretch;
        let unread = self.settings.cadence.map_or(0.0, |cadence| {
            if seldom {
                cadence.idle_interval as f64 * stretch.idle
            } else {
                cadence.normal_interval as f64 * stretch.normal
            }
        });
        let age = self.settings.usage_max_age + unread as u64;
        (self.settings.settled(self.read_at.minus(age)) - 1).until(self.settled)
    }

    /// Whether somebody called in a settled minute who is no known id. `None`: nobody can tell, or not yet.
    pub(super) fn has_strangers(&self, minute: Minute) -> Option<bool> {
        self.strangers.get(&minute).copied().flatten()
    }

    /// The limits that may have held in a minute, `limit` being today's: between two readings of the quotas
    /// nobody knows which of two did.
    pub(super) fn limits_in(&self, minute: Minute, code: &str, limit: f64) -> Limits {
        let mut limits = Limits { lowest: limit, highest: limit };
        let changes = self.state.memory.limit_changes.iter().rev();
        for LimitChange { old, after, before, .. } in changes.filter(|c| c.code == code && c.old > 0.0) {
            if minute.end() <= *after {
                limits = Limits { lowest: *old, highest: *old };
            } else if minute.start() < *before {
                limits = Limits { lowest: limits.lowest.min(*old), highest: limits.highest.max(*old) };
            }
        }
        limits
    }

    /// Whether an id had traffic within the last 24 hours.
    pub(super) fn is_recent(&self, known: &Known) -> bool {
        known.history.last_datapoint.is_some_and(|minute| self.now.since(minute.end()) <= UNMAPPED_AGE)
    }
}

/// Whether somebody called in a minute who is no known id: ListMetrics shows a new id up to 15 minutes late, and
/// only a series that adds up all calls tells earlier. `None`: it does not tell of that minute, or not yet, since
/// calm ids are read more seldom.
fn has_strangers(state: &TargetState, minute: Minute) -> Option<bool> {
    let memory = &state.memory;
    let Some(all) = memory.tripwire.calls(minute) else { return Some(false) };
    let all = all.sum()?;
    let runtime = memory.ids.iter().filter(|(id, _)| id.endpoint == Endpoint::Runtime);
    let histories = runtime.map(|(_, known)| &known.history);
    let calls = histories.clone().filter_map(|history| history.cell(Metric::Invocations, minute).point());
    if all < calls.sum::<f64>() + 0.5 {
        return Some(false);
    }
    // What was read of an id before the minute was final is less than what the series of all holds by now.
    let is_final =
        |history: &Arc<History>| history.settled_cell(Metric::Invocations, minute) != Cell::Unknown;
    histories.clone().all(is_final).then_some(true)
}

/// The limits that may have held in a minute: mostly one.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub lowest: f64,
    pub highest: f64,
}

/// The limit, where a ratio to it means something.
pub(super) fn limit(quota: &ModelQuota) -> Option<f64> {
    quota.limit.filter(|&limit| limit > 0.0)
}
