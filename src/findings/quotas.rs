//! Quotas that are nearly or wholly spent.

use super::case::{Remedy, Subject};
use super::facts::{Facts, Fill};
use super::finding::{Finding, Severity};
use super::thresholds::{DAY_GONE, DAY_RUNNING_OUT, NEAR_RATIO, NEAR_SECONDS};
use crate::model::ids::QuotaKind;
use crate::report::human::{about, exact, minute, percent, rounded};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let all = facts.fills.iter();
    all.filter_map(|fill| match fill.key.kind {
        QuotaKind::TokensPerDay => day(facts, fill),
        QuotaKind::RequestsPerMinute
        | QuotaKind::TokensPerMinute
        | QuotaKind::InputTokensPerMinute
        | QuotaKind::OutputTokensPerMinute
        | QuotaKind::ConcurrentRequests => near_limit(facts, fill),
        QuotaKind::AsyncConcurrentRequests | QuotaKind::BatchJobs | QuotaKind::ModelUnits => None,
    })
    .collect()
}

fn near_limit(facts: &Facts, fill: &Fill) -> Option<Finding> {
    if fill.near_seconds < NEAR_SECONDS {
        return None;
    }
    let peak = fill.peak_ratio.map_or("unknown".to_string(), percent);
    Some(Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject::quota(&fill.key),
        what: format!("{} of the limit or more for {}", percent(NEAR_RATIO), about(fill.near_seconds)),
        evidence: format!("The largest minute spent {peak} of {}.", limit(fill)),
        remedies: vec![Remedy::plain(format!(
            "Nothing need be wrong. If the load will grow, ask for more ({}) or spread calls over scopes and regions.",
            fill.key.code
        ))],
        runbook: "BedrockQuotaNearLimit",
        case: None,
    })
}

fn day(facts: &Facts, fill: &Fill) -> Option<Finding> {
    let now = facts.now;
    let ratio = fill.ratio.filter(|ratio| *ratio >= DAY_RUNNING_OUT)?;
    let is_gone = ratio >= DAY_GONE;
    let what = match fill.exhaustion.filter(|at| *at > now) {
        _ if is_gone => "the day's tokens are spent".to_string(),
        Some(at) => {
            let (left, until) = (about(at.since(now)), minute(at));
            format!(
                "the day's tokens last {left} from now, until {until}, at the average pace of the day so far"
            )
        }
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
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject::quota(&fill.key),
        what,
        evidence: format!(
            "{} of {} spent; the day (UTC) ends in {}.",
            fill.usage.map_or("unknown".to_string(), rounded),
            limit(fill),
            about(reset)
        ),
        remedies: vec![Remedy::plain(format!(
            "Move calls to another scope, region or model, or what can wait to tomorrow; ask for more ({}).",
            fill.key.code
        ))],
        runbook,
        case: None,
    })
}

fn limit(fill: &Fill) -> String {
    fill.limit.map_or("unknown".to_string(), exact)
}
