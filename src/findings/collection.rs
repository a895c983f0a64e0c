//! What cannot be read, and what is old.

use super::thresholds::STALE_SECONDS;
use super::{Finding, Severity, Subject};
use crate::model::observation::Collector;
use crate::model::state::{CollectorState, TargetState};
use crate::model::time::Timestamp;
use crate::report::human::duration;

pub(super) fn findings(state: &TargetState, now: Timestamp) -> Vec<Finding> {
    let failing: Vec<(Collector, &CollectorState)> = Collector::ALL
        .iter()
        .filter_map(|collector| Some((*collector, state.collectors.get(collector)?)))
        .filter(|(_, status)| status.last_attempt.is_some() && !status.up)
        .collect();
    // Data that are old because nothing can be read are told by what cannot be read.
    match failing.is_empty() {
        false => vec![unread(state, &failing, now)],
        true => stale(state, now).into_iter().collect(),
    }
}

fn unread(state: &TargetState, failing: &[(Collector, &CollectorState)], now: Timestamp) -> Finding {
    let names: Vec<&str> = failing.iter().map(|(collector, _)| collector.word()).collect();
    let last = failing.iter().map(|(_, status)| status.last_success).min().flatten();
    let last = last.map_or("never read wholly".to_string(), |at| {
        format!("last read wholly {} ago", duration(now.since(at)))
    });
    let error = failing.iter().find_map(|(_, status)| status.last_error.as_deref());
    Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject::default(),
        what: format!("{} cannot be read wholly", names.join(", ")),
        evidence: format!("{}: {last}", error.unwrap_or("no error was told")),
        remedy: "Mend what the error names: a permission, credentials, the network. The last good values are shown \
                 until they are too old, then none."
            .to_string(),
        runbook: "BedrockTargetDown",
    }
}

fn stale(state: &TargetState, now: Timestamp) -> Option<Finding> {
    let until = state.evaluation.complete_until?;
    let age = now.since(until);
    (age > STALE_SECONDS).then(|| Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject::default(),
        what: format!("usage is known only until {} ago", duration(age)),
        evidence: format!("Every invocation id was read until {until}."),
        remedy: "Look at the log for calls of CloudWatch that fail or are throttled; raise the budget if it slows \
                 reading."
            .to_string(),
        runbook: "BedrockDataStale",
    })
}
