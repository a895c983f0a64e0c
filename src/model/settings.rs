//! What the core knows of the config, and the points in time that follow from it.

use super::evaluation::THROTTLE_LOOKBACK;
use super::matching::Rules;
use super::parts;
use super::time::{Minute, Timestamp};
use super::usage::{LATE_MINUTES, Metric};
use std::collections::BTreeMap;

/// No budget makes an interval longer than this, in seconds.
pub(crate) const LONGEST_INTERVAL: u64 = 3600;

/// How often a quota that is no model's is read while it is far from its limit: whoever plans is not late by half an hour,
/// and 40 such quotas cost 3 % of what 40 invocation ids do.
pub(crate) const CALM_INTERVAL: u64 = 1800;

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
    /// Seconds between two searches for series of quotas that are no model's; `None`: their usage is not read.
    pub service_interval: Option<u64>,
    /// Whether the tiers and projects of ids are read.
    pub parts: bool,
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

/// When ids count as hot or idle, and how often they are read. In seconds; hot ids are read in every round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// A quota whose peak ratio is at least this makes its ids hot, as does a throttle in the look-back window.
    pub hot_ratio: f64,
    pub normal_interval: u64,
    pub idle_interval: u64,
    /// An id without a datapoint for so long is idle.
    pub idle_after: u64,
}

impl Settings {
    /// The first minute whose end is not yet `delay` ago.
    pub(crate) fn closed(&self, at: Timestamp) -> Minute {
        at.minus(self.delay).minute()
    }

    /// The first minute whose end is not yet `settle` ago.
    pub(crate) fn settled(&self, at: Timestamp) -> Minute {
        at.minus(self.settle).minute()
    }

    /// How many minutes before the first unclosed one are kept: every window, those that may be published
    /// late, those still settling, and those not yet read.
    pub(crate) fn kept_minutes(&self) -> i64 {
        let open = self.settle.div_ceil(60) as i64 + self.unread_minutes();
        self.lookback_minutes.max(THROTTLE_LOOKBACK).max(LATE_MINUTES) + open + 2
    }

    /// How many minutes an id may go unread: none, where every id is always read.
    pub(crate) fn unread_minutes(&self) -> i64 {
        let Some(cadence) = self.cadence else { return 0 };
        // A budget may stretch every interval up to the longest one.
        let stretched = if self.budget.is_some() { LONGEST_INTERVAL } else { 0 };
        cadence.idle_interval.max(cadence.normal_interval).max(stretched).div_ceil(60) as i64
    }

    /// Seconds between two readings of quotas that are no model's and far from their limits.
    pub(crate) fn calm_interval(&self) -> u64 {
        let searched = self.service_interval.unwrap_or_default();
        if self.cadence.is_some() { searched.max(CALM_INTERVAL) } else { searched }
    }

    /// Seconds until what was read of quotas that are no model's goes.
    pub(crate) fn service_max_age(&self) -> u64 {
        // A budget may stretch every interval up to the longest one.
        let stretched = if self.budget.is_some() { LONGEST_INTERVAL } else { 0 };
        self.usage_max_age + self.calm_interval().max(stretched)
    }

    /// Seconds until what was read of tiers and projects goes.
    pub(crate) fn parts_max_age(&self) -> u64 {
        self.usage_max_age + parts::INTERVAL
    }

    /// After how many minutes without a datapoint an id is idle: never, where every id is always read.
    pub(crate) fn idle_minutes(&self) -> i64 {
        self.cadence.map_or(i64::MAX, |cadence| cadence.idle_after.div_ceil(60) as i64)
    }
}
