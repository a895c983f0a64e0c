//! The fullest quotas, what is refused, and traffic that no quota is known for.

use super::html::{Bar, folded};
use super::page::{Page, age, spoken};
use crate::findings::Finding;
use crate::findings::case::Remedy;
use crate::findings::thresholds::STALE_SECONDS;
use crate::model::evaluation::{QuotaStatus, ThrottleStatus};
use crate::model::ids::{QuotaKind, Scope, State, Target};
use crate::report::human::{about, exact, percent, rounded};
use crate::report::safe::Escaped;

const FULLEST: usize = 20;
const SHOWN: usize = 20;
/// No more findings than these are on the page, folded ones included.
const FINDINGS: usize = 30;

/// The quotas nearest their limits by the largest minute of the look-back window.
pub(super) fn fullest(page: &Page<'_>) -> String {
    let mut all: Vec<(f64, &Target, &QuotaStatus)> = Vec::new();
    for (target, state) in &page.snapshot.targets {
        let quotas = state.evaluation.quotas.iter();
        all.extend(quotas.filter_map(|quota| {
            let ratio = quota.peak_ratio.filter(|ratio| *ratio > 0.0)?;
            Some((ratio, target, &**quota))
        }));
    }
    if all.is_empty() {
        return "<p class=\"soft\">No quota is known to be spent.</p>\n".to_string();
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(FULLEST);
    let rows: String = all.iter().map(|(ratio, target, quota)| row(page, *ratio, target, quota)).collect();
    format!(
        "<table><thead><tr><th>Model</th><th>Where</th><th>Quota</th><th>Busiest minute</th><th></th>\
         <th class=\"number\">Left</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )
}

fn row(page: &Page<'_>, ratio: f64, target: &Target, status: &QuotaStatus) -> String {
    let key = &status.quota.key;
    let state = match status.state {
        State::Ok => String::new(),
        state => format!(" <small class=\"bad\">{state}</small>"),
    };
    let left = match (status.quota.limit, status.peak) {
        (Some(limit), Some(peak)) => format!("{} of {}", rounded((limit - peak).max(0.0)), exact(limit)),
        _ => "unknown".to_string(),
    };
    let ends = match status.exhaustion.filter(|at| key.kind == QuotaKind::TokensPerDay && *at > page.now) {
        Some(at) if ratio < 1.0 => format!(", spent in {}", about(at.since(page.now))),
        _ => String::new(),
    };
    format!(
        "<tr><td>{} <small>{}</small></td><td>{}</td><td class=\"whole\">{}{state}</td><td class=\"wide\">{}</td>\
         <td class=\"number\">{}</td><td class=\"number\" data-label=\"left\">{left}{ends}</td></tr>\n",
        Escaped(&key.model),
        key.scope,
        page.place(target),
        spoken(key.kind.word()),
        Bar(ratio),
        percent(ratio),
    )
}

/// What was refused within the last 15 minutes.
pub(super) fn refused(page: &Page<'_>) -> String {
    let mut all: Vec<(f64, &Target, &ThrottleStatus)> = Vec::new();
    for (target, state) in &page.snapshot.targets {
        for status in state.evaluation.throttling.iter().filter(|status| status.throttled_seconds > 0) {
            let ratio = status.ratio.first().map_or(0.0, |(_, ratio)| *ratio);
            all.push((ratio, target, status));
        }
    }
    if all.is_empty() {
        return "<p class=\"soft\">No call was refused within the last 15 minutes, as far as is known.</p>\n"
            .to_string();
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let row = |(_, target, status): &(f64, &Target, &ThrottleStatus)| {
        let share = match status.ratio.first() {
            Some((window, ratio)) => format!("{} in {window}", percent(*ratio)),
            None => "unknown".to_string(),
        };
        let cause = spoken(status.cause.map_or("unknown", |cause| cause.word()));
        format!(
            "<tr><td>{} <small>{}</small></td><td>{}</td><td data-label=\"refused\">{share}</td>\
             <td data-label=\"cause\">{cause}</td><td data-label=\"refused for\">{} of 15m</td></tr>\n",
            Escaped(status.pool.name()),
            status.pool.scope.map_or("unknown", Scope::word),
            page.place(target),
            about(status.throttled_seconds),
        )
    };
    let rows: Vec<String> = all.iter().map(row).collect();
    folded(&rows[..rows.len().min(FINDINGS)], SHOWN, |rows| {
        format!(
            "<table><thead><tr><th>Model</th><th>Where</th><th>Refused</th><th>Cause</th><th>For</th></tr></thead>\
             \n<tbody>\n{rows}</tbody></table>\n"
        )
    })
}

/// Findings with their remedies.
pub(super) fn findings(page: &Page<'_>, all: &[&Finding]) -> String {
    if all.is_empty() {
        return "<p class=\"soft\">Nothing that is known.</p>\n".to_string();
    }
    let rows: Vec<String> = all.iter().take(FINDINGS).map(|found| finding(page, found)).collect();
    let untold = all.len().saturating_sub(FINDINGS);
    let more = match untold {
        0 => String::new(),
        count => format!("<p class=\"soft\">and {count} more</p>\n"),
    };
    folded(&rows, SHOWN, |rows| rows.to_string()) + &more
}

fn finding(page: &Page<'_>, finding: &Finding) -> String {
    let Finding { severity, what, evidence, remedies, runbook, subject, .. } = finding;
    let title = subject.title();
    let colon = if title.is_empty() { "" } else { ": " };
    let link = format!("<a href=\"/runbooks/{runbook}\">Runbook</a>");
    let help = match &remedies[..] {
        [] => format!("<p>{link}</p>"),
        [one] => format!("<p>{} {link}</p>", remedy(one)),
        [first, others @ ..] => {
            let items: String = others.iter().map(|one| format!("<li>{}</li>", remedy(one))).collect();
            format!(
                "<p>{} {link}</p><details><summary>What else helps</summary><ul>{items}</ul></details>",
                remedy(first)
            )
        }
    };
    format!(
        "<div class=\"finding {severity}\"><strong>{}{colon}{}</strong> <small>{}</small><p>{}</p>{help}</div>\n",
        Escaped(&title),
        Escaped(what),
        page.place(&finding.target),
        Escaped(evidence),
    )
}

fn remedy(remedy: &Remedy) -> String {
    let Remedy { what, how, command } = remedy;
    if how.starts_with("overrides: ") {
        return format!("In the config: <code>{}</code>", Escaped(how));
    }
    let colon = if what.is_empty() { "" } else { ": " };
    let command = command.as_ref().map(|command| format!(" <code>{}</code>", Escaped(command)));
    format!("{}{colon}{}{}", Escaped(what), Escaped(how), command.unwrap_or_default())
}

/// When the least complete target was last complete.
pub(super) fn newest(page: &Page<'_>) -> String {
    let ends = page.snapshot.targets.values().map(|state| state.evaluation.complete_until);
    match ends.min().flatten() {
        Some(at) if page.now.since(at) > STALE_SECONDS => {
            format!("<span class=\"bad\">usage complete until {}</span>", age(at, page.now))
        }
        Some(at) => format!("usage complete until {}", age(at, page.now)),
        None => "usage not known of every target yet".to_string(),
    }
}
