//! What is wrong and what helps. One pure reading of [`Facts`], which a live snapshot and the picture of a span can
//! both be turned into: so the status page, `diagnose` and the report say the same. Thresholds are those of the alerts.

mod calls;
pub mod case;
mod collection;
pub mod facts;
mod live;
pub mod past;
mod planning;
mod quotas;
pub mod remedies;

use crate::model::evaluation::Pool;
use crate::model::ids::{Scope, Target, words};
use crate::model::matching::QuotaKey;
use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use case::{Case, Remedy, Room};
use facts::Facts;
use std::cmp::Reverse;
use std::sync::Arc;

words! {
    /// How soon somebody should look.
    Severity {
        /// Calls fail now.
        Critical = "critical",
        /// It can wait until somebody is at work.
        Warning = "warning",
    }
}

/// One thing that is wrong at a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub severity: Severity,
    pub target: Target,
    /// Account and region, as a person reads them.
    pub place: String,
    pub subject: Subject,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The numbers that say so.
    pub evidence: String,
    /// What helps, the cheapest first.
    pub remedies: Vec<Remedy>,
    /// The alert that rings for it, whose runbook is docs/runbooks/NAME.md.
    pub runbook: &'static str,
    /// Where calls were refused or failed: all about them.
    pub case: Option<Box<Case>>,
}

/// What a finding is about. All of it empty: the target itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// A base model; for traffic that cannot be mapped the invocation id.
    pub model: Option<Arc<str>>,
    pub scope: Option<Scope>,
    pub quota: Option<QuotaKey>,
}

impl Subject {
    fn pool(pool: &Pool) -> Subject {
        let id = pool.id.as_ref().map(|id| Arc::from(id.id.as_ref()));
        Subject { model: id.or_else(|| pool.model.clone()), scope: pool.scope, quota: None }
    }

    fn model(model: &Arc<str>, scope: Scope) -> Subject {
        Subject { model: Some(model.clone()), scope: Some(scope), quota: None }
    }

    /// In a few words: `model (scope), quota`; empty for the target itself.
    pub fn title(&self) -> String {
        match (&self.model, self.scope, &self.quota) {
            (Some(model), Some(scope), Some(quota)) => format!("{model} ({scope}), {}", quota.kind),
            (Some(model), Some(scope), None) => format!("{model} ({scope})"),
            (Some(model), None, _) => model.to_string(),
            (None, ..) => String::new(),
        }
    }

    fn quota(key: &QuotaKey) -> Subject {
        Subject { quota: Some(key.clone()), ..Subject::model(&key.model, key.scope) }
    }
}

/// Everything that is wrong now.
pub fn findings(snapshot: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let mut all = Vec::new();
    for state in snapshot.targets.values() {
        all.extend(of(&Facts::of_state(state, now)));
    }
    let rooms = live::rooms(snapshot, &all);
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

/// The thresholds of the alerts: alerts/generate/values.yaml has the same, and a test compares them.
pub mod thresholds {
    /// Refused share of all attempts over 5 minutes, above.
    pub const THROTTLED_RATIO: f64 = 0.05;
    /// Throttled minutes among the last 15, in seconds, at least.
    pub const THROTTLED_SECONDS: u64 = 120;
    /// Attempts in 5 minutes, at least.
    pub const THROTTLED_ATTEMPTS: f64 = 20.0;
    /// Refused share over 30 minutes, above, where reservation is the cause.
    pub const RESERVED_RATIO: f64 = 0.01;
    pub const RESERVED_SECONDS: u64 = 300;
    /// Attempts in 30 minutes at a quota of 0, at least.
    pub const ZERO_ATTEMPTS: f64 = 5.0;
    /// 5xx of all calls over 15 minutes, above, and how many at least.
    pub const FAILED_RATIO: f64 = 0.05;
    pub const FAILED_ERRORS: f64 = 20.0;
    /// Refused share over 5 minutes, at most, beside them.
    pub const FAILED_THROTTLED_RATIO: f64 = 0.01;
    /// A share of a limit, and for how many seconds of the look-back window, at least.
    pub const NEAR_RATIO: f64 = 0.9;
    pub const NEAR_SECONDS: u64 = 600;
    /// This much of a day's tokens is spent, and today's pace spends the rest.
    pub const DAY_RUNNING_OUT: f64 = 0.5;
    pub const DAY_GONE: f64 = 1.0;
    /// Age of the newest minute that is complete, in seconds, above.
    pub const STALE_SECONDS: u64 = 1200;
    pub const COMMITMENT_DAYS: u64 = 14;
    pub const END_OF_LIFE_DAYS: u64 = 60;
    pub const INCREASE_DAYS: u64 = 7;
}
