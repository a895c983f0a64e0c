//! Calls that are refused or fail, and calls that no quota is known for.

use super::case::{Case, Extent, Recent, Remedy, Subject};
use super::facts::{Facts, UnmappedId};
use super::finding::{Finding, Severity};
use super::remedies::remedies;
use super::thresholds::{
    FAILED_ERRORS, FAILED_RATIO, FAILED_THROTTLED_RATIO, RESERVED_RATIO, RESERVED_SECONDS,
    THROTTLED_ATTEMPTS, THROTTLED_MINUTE_RATIO, THROTTLED_RATIO, THROTTLED_SECONDS, ZERO_ATTEMPTS,
};
use crate::diagnosis::causes;
use crate::model::evaluation::Cause;
use crate::model::matching::Charge;
use crate::report::human::{about, count, grouped, percent, rounded};
use std::collections::BTreeSet;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all: Vec<Finding> = facts.cases.iter().filter_map(|case| refused(facts, case)).collect();
    let mut told = BTreeSet::new();
    // One line of the config settles an id at both endpoints.
    let ids = facts.unmapped.iter().filter(|unmapped| told.insert(unmapped.id));
    all.extend(ids.map(|unmapped| unmapped_id(facts, unmapped)));
    all
}

/// By which alert the last minutes ring, if any.
fn ringing(case: &Case) -> Option<(Severity, &'static str)> {
    let Recent { long_ratio, long_attempts, throttled_seconds, .. } = case.recent;
    let reserved = long_ratio > Some(RESERVED_RATIO) && throttled_seconds >= RESERVED_SECONDS;
    match case.cause {
        Cause::ZeroQuota if long_attempts >= Some(ZERO_ATTEMPTS) => {
            Some((Severity::Warning, "BedrockZeroQuotaAttempted"))
        }
        _ if is_storm(case) => Some((Severity::Critical, "BedrockThrottling")),
        Cause::Reservation if reserved => Some((Severity::Warning, "BedrockThrottledByReservation")),
        _ if is_failing(case) => Some((Severity::Warning, "BedrockCapacityErrors")),
        _ => None,
    }
}

fn is_failing(case: &Case) -> bool {
    let Recent { server_errors, requests, ratio, .. } = case.recent;
    ratio.is_none_or(|ratio| ratio <= FAILED_THROTTLED_RATIO)
        && server_errors >= FAILED_ERRORS
        && server_errors / (server_errors + requests) > FAILED_RATIO
}

/// The alert of a cause, for what is over.
fn runbook(cause: Cause) -> &'static str {
    match cause {
        Cause::ZeroQuota => "BedrockZeroQuotaAttempted",
        Cause::Reservation => "BedrockThrottledByReservation",
        Cause::Capacity => "BedrockCapacityErrors",
        _ => "BedrockThrottling",
    }
}

fn refused(facts: &Facts, case: &Case) -> Option<Finding> {
    let ringing = ringing(case);
    let past = (case.extent == Extent::Span).then(|| (Severity::Warning, runbook(case.cause)));
    let (severity, runbook) = ringing.or(past)?;
    let (what, evidence) = match case.extent {
        Extent::Now => (now_refused(case), recently(case)),
        Extent::Span => (span_refused(case), extent(case)),
    };
    Some(Finding {
        severity,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: case.subject.clone(),
        what: format!("{what}{}: {}", with_others(case), causes::row(case.cause).title),
        evidence,
        remedies: remedies(case),
        runbook,
        case: Some(Box::new(case.clone())),
    })
}

/// Whose calls are refused beside them for the same reason.
fn with_others(case: &Case) -> String {
    match case.together.saturating_sub(1) {
        0 => String::new(),
        others => format!(", together with {}", count(others, "other model")),
    }
}

fn is_storm(case: &Case) -> bool {
    let Recent { ratio, attempts, throttled_seconds, minute_ratio, minute_attempts, .. } = case.recent;
    let lasts = ratio > Some(THROTTLED_RATIO)
        && throttled_seconds >= THROTTLED_SECONDS
        && attempts >= Some(THROTTLED_ATTEMPTS);
    lasts || minute_ratio >= Some(THROTTLED_MINUTE_RATIO) && minute_attempts >= Some(THROTTLED_ATTEMPTS)
}

fn now_refused(case: &Case) -> String {
    let Recent { ratio, long_ratio, minute_ratio, server_errors, requests, .. } = case.recent;
    if case.recent.throttled_seconds == 0 {
        return format!("{} of the calls fail with 5xx", percent(server_errors / (server_errors + requests)));
    }
    let share = if !is_storm(case) {
        long_ratio
    } else if ratio > Some(THROTTLED_RATIO) {
        ratio
    } else {
        minute_ratio
    };
    format!("{} of the calls are refused", percent(share.unwrap_or(0.0)))
}

fn recently(case: &Case) -> String {
    let Recent { ratio, attempts, long_ratio, throttled_seconds, server_errors, requests, .. } = case.recent;
    if throttled_seconds == 0 {
        let calls = rounded(server_errors + requests);
        return format!("{} of {calls} calls failed with 5xx in 15 minutes.", rounded(server_errors));
    }
    let refused = if is_storm(case) {
        format!("{} of them refused", percent(ratio.unwrap_or(0.0)))
    } else {
        format!("{} of those of 30 minutes refused", percent(long_ratio.unwrap_or(0.0)))
    };
    let ceiling = case.ceiling.map_or(String::new(), |ratio| {
        format!(" The fullest limit was at {} while calls were refused.", percent(ratio))
    });
    format!(
        "{} calls in 5 minutes, {refused}; refused calls in {} of the last 15 minutes.{ceiling}",
        rounded(attempts.unwrap_or(0.0)),
        about(throttled_seconds),
    )
}

fn span_refused(case: &Case) -> String {
    if case.throttles > 0.0 {
        format!("{} of the calls were refused", percent(case.throttles / case.attempts))
    } else {
        "calls failed with 5xx".to_string()
    }
}

/// How much was refused, or failed, in the span.
fn extent(case: &Case) -> String {
    if case.throttles > 0.0 {
        return format!(
            "{} of {} calls were refused ({}), in {}.",
            grouped(case.throttles),
            grouped(case.attempts),
            percent(case.throttles / case.attempts),
            count(case.refused_minutes, "minute")
        );
    }
    let errors: f64 = case.minutes.iter().map(|instant| instant.server_errors).sum();
    format!(
        "{} of the newest {} calls failed with 5xx.",
        grouped(errors),
        grouped(case.measured.requests + errors)
    )
}

fn unmapped_id(facts: &Facts, unmapped: &UnmappedId) -> Finding {
    let UnmappedId { id, reason, charges } = *unmapped;
    // Beside what nobody can tell, what certainly does not exist is no question.
    let is_undecided = charges.iter().any(|charge| charge.quota.is_none());
    let is_open = |charge: &&Charge| match &charge.quota {
        None => true,
        Some(_) => !is_undecided && charge.quota_code().is_none(),
    };
    let open: Vec<&Charge> = charges.iter().filter(is_open).collect();
    let why = open.iter().map(|charge| &*charge.reason).find(|reason| !reason.is_empty());
    let settled: Vec<String> = open
        .iter()
        .map(|charge| format!("{}: {}", charge.kind, named_code(&charge.reason).unwrap_or("L-…")))
        .collect();
    let quotas = if settled.is_empty() { "tokens_per_minute: L-…".to_string() } else { settled.join(", ") };
    // As YAML in one line; a JSON string is a YAML string, whatever stands in it.
    let id_text = serde_json::Value::from(id).to_string();
    Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject { model: Some(id.into()), ..Subject::default() },
        what: format!("no quota is known for the calls of this id ({reason})"),
        evidence: why.unwrap_or("no list shows what it means").to_string(),
        remedies: vec![Remedy::plain(format!("overrides: {{models: {{{id_text}: {{{quotas}}}}}}}"))],
        runbook: "BedrockUnmappedTraffic",
        case: None,
    }
}

/// The one quota code that a reason names; `None` where it names several, for then it is not known which.
fn named_code(reason: &str) -> Option<&str> {
    let is_code = |word: &&str| word.strip_prefix("L-").is_some_and(|rest| rest.len() == 8);
    let mut codes = reason.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(is_code);
    codes.next().filter(|_| codes.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::named_code;

    #[test]
    fn a_code_is_offered_only_where_it_is_the_only_one() {
        assert_eq!(named_code("L-0123ABCD “x” may be its own"), Some("L-0123ABCD"));
        assert_eq!(named_code("L-0123ABCD and L-0123ABCE name it equally well"), None);
        assert_eq!(named_code("no list shows it"), None);
    }
}
