//! What cannot be read, and what is old.

use super::case::{Remedy, Subject};
use super::facts::{Facts, Unread};
use super::finding::{Finding, Severity};
use super::thresholds::STALE_SECONDS;
use crate::report::human::about;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    // Data that are old because nothing can be read are told by what cannot be read.
    match &facts.unread {
        Some(unread) => vec![not_read(facts, unread)],
        None => stale(facts).into_iter().collect(),
    }
}

fn not_read(facts: &Facts, unread: &Unread) -> Finding {
    Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject::default(),
        what: format!("{} cannot be read wholly", unread.what),
        evidence: unread.why.clone(),
        remedies: vec![Remedy::plain(
            "Mend what the error names: a permission, credentials, the network. The last good values are shown until \
             they are too old, then none.",
        )],
        runbook: "BedrockTargetDown",
        case: None,
    }
}

fn stale(facts: &Facts) -> Option<Finding> {
    let until = facts.complete_until?;
    let age = facts.now.since(until);
    (age > STALE_SECONDS).then(|| Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject::default(),
        what: format!("usage is known only until {} ago", about(age)),
        evidence: format!("Every invocation id was read until {until}."),
        remedies: vec![Remedy::plain(
            "Look at the log for calls of CloudWatch that fail or are throttled; raise the budget if it slows reading.",
        )],
        runbook: "BedrockDataStale",
        case: None,
    })
}
