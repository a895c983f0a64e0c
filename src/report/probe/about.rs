//! What a probe is about, and what of its timeline is told.

use crate::model::ids::Target;
use crate::model::time::Timestamp;
use crate::probe::{Dimension, Outcome, Probe, Record, Step, StepKind};
use crate::report::safe::printable;

/// A quota that the probed id spends.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownQuota {
    pub code: String,
    pub name: String,
    pub limit: Option<f64>,
    pub state: &'static str,
}

/// What is probed.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    pub model_id: String,
    pub account_name: Option<String>,
    pub target: Target,
    /// On the simulated AWS.
    pub is_demo: bool,
    /// What calls are held to, or why nobody knows.
    pub requests: Result<KnownQuota, String>,
    pub tokens: Result<KnownQuota, String>,
    pub burndown: Option<f64>,
}

/// The id, and where it is.
pub fn title(about: &About) -> String {
    let account = match about.account_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({})", about.target.account_id),
        None => about.target.account_id.to_string(),
    };
    printable(&format!("{}, {account}, {}", about.model_id, about.target.region)).into_owned()
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn utc(at: f64) -> String {
    let millis = (at * 1e3).round() as i64;
    let whole = Timestamp(millis.div_euclid(1000)).to_string();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), millis.rem_euclid(1000))
}

/// The steps of a dimension, without the one call before them.
pub(super) fn ramped(probe: &Probe, dimension: Dimension) -> impl Iterator<Item = &Step> {
    let is_own = move |step: &&Step| step.dimension == dimension && step.kind != StepKind::First;
    probe.book.steps.iter().filter(is_own)
}

/// The refused calls, in order.
pub(super) fn refused(probe: &Probe) -> impl Iterator<Item = &Record> {
    probe.book.calls.iter().filter(|record| matches!(record.outcome(), Some(Outcome::Refused(_))))
}
