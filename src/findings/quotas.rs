//! Quotas that are nearly or wholly spent.

use super::thresholds::{DAY_GONE, DAY_RUNNING_OUT, NEAR_RATIO, NEAR_SECONDS};
use super::{Finding, Severity, Subject};
use crate::model::evaluation::QuotaStatus;
use crate::model::ids::QuotaKind;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::report::human::{duration, exact, percent, rounded};

pub(super) fn findings(state: &TargetState, now: Timestamp) -> Vec<Finding> {
    let all = state.evaluation.quotas.iter();
    all.filter_map(|status| match status.quota.key.kind {
        QuotaKind::TokensPerDay => day(state, status, now),
        QuotaKind::RequestsPerMinute
        | QuotaKind::TokensPerMinute
        | QuotaKind::InputTokensPerMinute
        | QuotaKind::OutputTokensPerMinute
        | QuotaKind::ConcurrentRequests => near_limit(state, status),
        QuotaKind::AsyncConcurrentRequests | QuotaKind::BatchJobs | QuotaKind::ModelUnits => None,
    })
    .collect()
}

fn near_limit(state: &TargetState, status: &QuotaStatus) -> Option<Finding> {
    let (_, seconds) = status.above_threshold.iter().find(|(threshold, _)| *threshold == NEAR_RATIO)?;
    if *seconds < NEAR_SECONDS {
        return None;
    }
    let peak = status.peak_ratio.map_or("unknown".to_string(), percent);
    Some(Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject::quota(&status.quota.key),
        what: format!("{} of the limit or more for {}", percent(NEAR_RATIO), duration(*seconds)),
        evidence: format!("The largest minute spent {peak} of {}.", limit(status)),
        remedy: format!(
            "Nothing need be wrong. If the load will grow, ask for more ({}) or spread calls over scopes and regions.",
            status.quota.key.code
        ),
        runbook: "BedrockQuotaNearLimit",
    })
}

fn day(state: &TargetState, status: &QuotaStatus, now: Timestamp) -> Option<Finding> {
    let ratio = status.ratio.filter(|ratio| *ratio >= DAY_RUNNING_OUT)?;
    let is_gone = ratio >= DAY_GONE;
    let what = match status.exhaustion.filter(|at| *at > now) {
        _ if is_gone => "the day's tokens are spent".to_string(),
        Some(at) => format!("the day's tokens last {} at today's pace", duration(at.since(now))),
        None => return None,
    };
    let reset = now.day_start().plus(86_400).since(now);
    let (severity, runbook) = if is_gone {
        (Severity::Critical, "BedrockDailyTokensGone")
    } else {
        (Severity::Warning, "BedrockDailyTokensRunningOut")
    };
    Some(Finding {
        severity,
        target: state.target.clone(),
        subject: Subject::quota(&status.quota.key),
        what,
        evidence: format!(
            "{} of {} spent; the day (UTC) ends in {}.",
            status.usage.map_or("unknown".to_string(), rounded),
            limit(status),
            duration(reset)
        ),
        remedy: format!(
            "Move calls to another scope, region or model, or what can wait to tomorrow; ask for more ({}).",
            status.quota.key.code
        ),
        runbook,
    })
}

fn limit(status: &QuotaStatus) -> String {
    status.quota.limit.map_or("unknown".to_string(), exact)
}
