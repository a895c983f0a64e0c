//! What was found, in words.

use crate::probe::{Bound, Dimension, End, Finding, HardLimits, Probe, Reached};
use crate::report::human;

/// A finding's kind, for programs.
pub(super) fn reached(reached: &Reached) -> &'static str {
    match reached {
        Reached::Found { .. } => "found",
        Reached::Held { .. } => "held",
        Reached::FirstRefused => "first_refused",
        Reached::Capacity { .. } => "capacity",
        Reached::OwnPace { .. } => "own_pace",
        Reached::Unclear => "unclear",
        Reached::Skipped(_) => "skipped",
    }
}

fn unit(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Requests => "requests a minute",
        Dimension::Tokens => "tokens a minute",
        Dimension::Reservation => "tokens reserved at once",
    }
}

/// A finding in one sentence or two.
pub(super) fn finding(finding: &Finding) -> String {
    let unit = unit(finding.dimension);
    let quota = match finding.predicted {
        Some(predicted) => format!("the quota says {}", human::exact(predicted)),
        None => "no quota is known for it".to_string(),
    };
    let amount = |level: f64| format!("{} {unit}", human::rounded(level));
    let told = match &finding.reached {
        Reached::Found { value, calls } => {
            let how = if finding.dimension == Dimension::Reservation {
                format!("{} at once", human::count(*calls as usize, "call"))
            } else {
                format!("{} that got in meanwhile", human::count(*calls as usize, "call"))
            };
            let away = finding
                .predicted
                .filter(|predicted| *predicted > 0.0)
                .map(|predicted| format!(", {:+.1} % away", (value / predicted - 1.0) * 100.0));
            format!("refusals begin at {} (by {how}); {quota}{}", amount(*value), away.unwrap_or_default())
        }
        Reached::Held { level: Some(level) } => {
            format!("nothing was refused up to {}; {quota}", amount(*level))
        }
        Reached::Held { level: None } => format!("the run ended before any level had held; {quota}"),
        Reached::FirstRefused => format!("the very first call was refused; {quota}"),
        Reached::Capacity { level } => {
            format!(
                "at {} AWS answered 503 or 529: it lacks capacity, which no quota gives; {quota}",
                amount(*level)
            )
        }
        Reached::OwnPace { level } => format!(
            "calls could not be made as fast as {}, by this machine or for the model's slowness; {quota}",
            amount(*level)
        ),
        Reached::Unclear => {
            format!("a level that had held was refused too: something else spends it; {quota}")
        }
        Reached::Skipped(why) => format!("not ramped: {why}"),
    };
    format!("{}: {told}", finding.dimension)
}

/// A limit of a run's own, where it has one.
pub(super) fn most(limits: &HardLimits, bound: Bound) -> Option<f64> {
    match bound {
        Bound::Requests => limits.requests.map(|most| most as f64),
        Bound::Tokens => limits.tokens.map(|most| most as f64),
        Bound::Dollars => limits.dollars,
        Bound::Minutes => limits.minutes,
    }
}

/// Why a run ended.
pub(super) fn end(probe: &Probe) -> String {
    match &probe.end {
        None => "It has not ended.".to_string(),
        Some(End::Complete) => "It ended when every dimension was ramped.".to_string(),
        Some(End::Limit(bound)) => {
            let most = most(&probe.settings.limits, *bound);
            let most = most.map(|most| format!(" ({})", human::grouped(most))).unwrap_or_default();
            format!("It ended at its own limit of {bound}{most}.")
        }
        Some(End::Others(why)) => format!("It ended for the sake of others: {why}."),
        Some(End::Interrupted) => "It was interrupted.".to_string(),
        Some(End::Failed(why)) => format!("It ended at an error: {why}."),
        Some(End::Capacity) => "It ended since AWS lacks capacity.".to_string(),
    }
}
