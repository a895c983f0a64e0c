//! Calls that are refused, and calls that no quota is known for.

use super::thresholds::{
    RESERVED_RATIO, RESERVED_SECONDS, THROTTLED_ATTEMPTS, THROTTLED_RATIO, THROTTLED_SECONDS, ZERO_ATTEMPTS,
};
use super::{Finding, Severity, Subject};
use crate::model::evaluation::{Cause, IdStatus, ThrottleStatus};
use crate::model::ids::{State, Variant};
use crate::model::matching::Unmapped;
use crate::model::state::TargetState;
use crate::report::human::{about, percent, rounded};
use std::collections::BTreeSet;

pub(super) fn findings(state: &TargetState) -> Vec<Finding> {
    let throttling = state.evaluation.throttling.iter();
    let mut all: Vec<Finding> = throttling.filter_map(|status| refused(state, status)).collect();
    let mut told = BTreeSet::new();
    for (id, reason) in &state.evaluation.unmapped {
        // One line of the config settles an id at both endpoints.
        if told.insert(&id.id) {
            let status = state.evaluation.ids.iter().find(|status| status.id == *id);
            all.push(unmapped(state, &id.id, *reason, status));
        }
    }
    all
}

/// The value of a window, where it is known.
fn of_window(values: &[(&'static str, f64)], window: &str) -> Option<f64> {
    values.iter().find(|(name, _)| *name == window).map(|(_, value)| *value)
}

fn refused(state: &TargetState, status: &ThrottleStatus) -> Option<Finding> {
    let ratio = of_window(&status.ratio, "5m").unwrap_or(0.0);
    let long_ratio = of_window(&status.ratio, "30m").unwrap_or(0.0);
    let attempts = of_window(&status.attempts, "5m").unwrap_or(0.0);
    let seconds = status.throttled_seconds;
    let storm = ratio > THROTTLED_RATIO && seconds >= THROTTLED_SECONDS && attempts >= THROTTLED_ATTEMPTS;
    let cause = status.cause.unwrap_or(Cause::Unknown);
    let reserved = cause == Cause::Reservation && long_ratio > RESERVED_RATIO && seconds >= RESERVED_SECONDS;
    let is_zero = cause == Cause::ZeroQuota
        && of_window(&status.attempts, "30m").is_some_and(|attempts| attempts >= ZERO_ATTEMPTS);
    let (severity, runbook) = match () {
        () if is_zero => (Severity::Warning, "BedrockZeroQuotaAttempted"),
        () if storm => (Severity::Critical, "BedrockThrottling"),
        () if reserved => (Severity::Warning, "BedrockThrottledByReservation"),
        () => return None,
    };
    let (share, span) = if storm { (ratio, "5 minutes") } else { (long_ratio, "30 minutes") };
    let ceiling = ceiling(state, status);
    let ceiling = ceiling.map_or(String::new(), |ratio| {
        format!(" The fullest limit was at {} while calls were refused.", percent(ratio))
    });
    Some(Finding {
        severity,
        target: state.target.clone(),
        subject: Subject::pool(&status.pool),
        what: format!("{} of the calls are refused: {}", percent(share), meaning(cause)),
        evidence: format!(
            "{} calls in 5 minutes, {} of those of the last {span} refused; refused calls in {} of the last 15 \
             minutes.{ceiling}",
            rounded(attempts),
            percent(share),
            about(seconds),
        ),
        remedy: remedy(cause).to_string(),
        runbook,
    })
}

/// The largest share of any limit of the model in this scope among refused minutes.
fn ceiling(state: &TargetState, status: &ThrottleStatus) -> Option<f64> {
    let has_own_rows = status.pool.id.is_some();
    let own = state.evaluation.quotas.iter().filter(|quota| {
        status.pool.model.as_ref() == Some(&quota.quota.key.model)
            && status.pool.scope == Some(quota.quota.key.scope)
            && has_own_rows == (quota.quota.key.variant == Variant::CustomDeployment)
            && quota.state != State::NoSuchQuota
    });
    own.filter_map(|quota| quota.throttled_ratio).reduce(f64::max)
}

/// A cause in words.
fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::RequestsPerMinute => "the requests per minute are spent",
        Cause::TokensPerMinute => "the tokens per minute are spent",
        Cause::TokensPerDay => "the day's tokens are spent",
        Cause::Reservation => "max_tokens reserves more than is used",
        Cause::ZeroQuota => "the quota is 0",
        Cause::Capacity => "the service itself is short of capacity",
        Cause::Unknown => "not known yet why",
    }
}

fn remedy(cause: Cause) -> &'static str {
    match cause {
        Cause::RequestsPerMinute => {
            "Send fewer, larger requests, move calls to a scope or region with room, or ask for more requests per \
             minute."
        }
        Cause::TokensPerMinute => {
            "Cache prompts, move calls to a scope or region with room, or ask for more tokens per minute."
        }
        Cause::TokensPerDay => {
            "Nothing is admitted until midnight UTC: move calls to another scope, region or model, or ask for more."
        }
        Cause::Reservation => {
            "Set max_tokens near the length that answers really have: each call reserves input + max_tokens until it \
             ends. A higher limit only moves the ceiling."
        }
        Cause::ZeroQuota => {
            "The account has no quota for this model in this scope: call another scope or model, or ask for a quota."
        }
        Cause::Capacity => {
            "No quota helps: retry with backoff, or move calls to another scope, region or model."
        }
        Cause::Unknown => {
            "Slow the largest caller down; the cause shows after five minutes with refused calls, once quotas are read."
        }
    }
}

fn unmapped(state: &TargetState, id: &str, reason: Unmapped, status: Option<&IdStatus>) -> Finding {
    let charges = status.iter().flat_map(|status| &status.resolution.charges);
    let open: Vec<_> = charges.filter(|charge| charge.quota_code().is_none()).collect();
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
        target: state.target.clone(),
        subject: Subject { model: Some(id.into()), ..Subject::default() },
        what: format!("no quota is known for the calls of this id ({reason})"),
        evidence: why.unwrap_or("no list shows what it means").to_string(),
        remedy: format!("overrides: {{models: {{{id_text}: {{{quotas}}}}}}}"),
        runbook: "BedrockUnmappedTraffic",
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
