//! What a run would do, as quotas and reservations predict it.

use super::about::{About, KnownQuota, ramped, title};
use super::words;
use crate::probe::{Dimension, End, Outcome, Probe, Reached, Record};
use crate::report::human;
use crate::report::sheet::{self, Field, Sheet, Terminal};

/// A run's hard limits are suggested with so much reserve.
const RESERVE: f64 = 1.25;

/// The plan, and what is needed to carry it out.
pub fn plan(about: &About, rehearsal: &Probe, terminal: Terminal) -> String {
    let mut out = sheet::heading(&title(about), terminal);
    for (what, quota) in [("requests a minute", &about.requests), ("tokens a minute", &about.tokens)] {
        out += &sheet::wrapped(&of_quota(what, quota), terminal.width, 0);
    }
    out += "\n";
    out += &table(rehearsal).render(terminal);
    for finding in &rehearsal.findings {
        if !matches!(finding.reached, Reached::Found { .. }) {
            out += &sheet::wrapped(&words::finding(finding), terminal.width, 0);
        }
    }
    if let Some(cut) = cut(about, rehearsal) {
        out += &sheet::wrapped(&cut, terminal.width, 0);
    }
    out + "\n" + &sheet::wrapped(&closing(rehearsal), terminal.width, 0)
}

/// What a run says before its first call.
pub fn watched(about: &About, rehearsal: &Probe) -> String {
    let spending = &rehearsal.book.spending;
    format!(
        "calling {}: about {} are planned, {}; Ctrl-C ends it and keeps what was found",
        title(about),
        human::count(spending.requests as usize, "call"),
        human::about((rehearsal.ended.unwrap_or_default() - rehearsal.began) as u64)
    )
}

fn of_quota(what: &str, quota: &Result<KnownQuota, String>) -> String {
    match quota {
        Ok(KnownQuota { code, name, limit: Some(limit), .. }) => {
            format!("{what}: {}, by {code} ({name})", human::exact(*limit))
        }
        Ok(KnownQuota { code, name, state, .. }) => {
            format!("{what}: unknown ({}), by {code} ({name})", state.replace('_', " "))
        }
        Err(why) => format!("{what}: no quota is known: {why}"),
    }
}

/// Calls, tokens and dollars of each dimension.
fn table(rehearsal: &Probe) -> Sheet {
    let mut sheet = Sheet::new(vec![
        sheet::word("DIMENSION"),
        sheet::number("STEPS"),
        sheet::number("MINUTES"),
        sheet::number("CALLS"),
        sheet::number("REFUSED"),
        sheet::number("TOKENS"),
        sheet::number("AT MOST"),
        sheet::number("$ AT MOST"),
    ]);
    for dimension in &rehearsal.settings.dimensions {
        sheet.push(row(rehearsal, *dimension));
    }
    sheet
}

fn row(rehearsal: &Probe, dimension: Dimension) -> Vec<Field> {
    let is_own = |record: &&Record| rehearsal.book.steps[record.step].dimension == dimension;
    let (mut calls, mut refused, mut used, mut most_input, mut most_output) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for record in rehearsal.book.calls.iter().filter(is_own) {
        calls += 1.0;
        match record.outcome() {
            Some(Outcome::Done(tokens)) => {
                used += (tokens.input + tokens.output) as f64;
                most_input += record.call.input as f64;
                most_output += record.call.max_tokens as f64;
            }
            _ => refused += 1.0,
        }
    }
    let steps: Vec<_> = ramped(rehearsal, dimension).collect();
    // The sum of none is -0.0.
    let seconds = steps.iter().fold(0.0, |sum, step| sum + step.until.unwrap_or(step.from) - step.from);
    let prices = rehearsal.settings.prices;
    let dollars = prices.map(|prices| prices.dollars(most_input, most_output));
    vec![
        Field::text(dimension.word()),
        Field::number(Some(steps.len() as f64), human::grouped),
        Field::number(Some(seconds / 60.0), |minutes| format!("{minutes:.1}")),
        Field::number(Some(calls), human::grouped),
        Field::number(Some(refused), human::grouped),
        Field::number(Some(used), human::rounded),
        Field::number(Some(most_input + most_output), human::rounded),
        Field::number(dollars, |dollars| format!("{dollars:.2}")),
    ]
}

/// Which bound cut the plan short, where one did.
fn cut(about: &About, rehearsal: &Probe) -> Option<String> {
    let Some(End::Limit(bound)) = rehearsal.end else { return None };
    let Some(most) = words::most(&rehearsal.settings.limits, bound) else {
        return Some("The plan is cut short after two hours: none is made for longer.".to_string());
    };
    let whose = if about.is_demo { " (a demo has one of its own where none is told)" } else { "" };
    Some(format!(
        "The plan is cut short by the limit of {bound}, {}{whose}: --most-{bound} tells another.",
        human::grouped(most)
    ))
}

fn closing(rehearsal: &Probe) -> String {
    let spending = &rehearsal.book.spending;
    let minutes = (rehearsal.ended.unwrap_or_default() - rehearsal.began) / 60.0;
    // A limit of 0 is refused.
    let up = |value: f64| (value * RESERVE).ceil().max(1.0);
    let (dollars, prices) = match spending.worst_dollars {
        Some(dollars) => (format!("{:.2}", (dollars * RESERVE * 100.0).ceil().max(1.0) / 100.0), ""),
        None => ("DOLLARS".to_string(), " --input-price DOLLARS --output-price DOLLARS"),
    };
    let unpriced = if prices.is_empty() {
        ""
    } else {
        " What it costs is not known, since no API of AWS tells prices: give them in dollars per million tokens."
    };
    format!(
        "Nothing was sent. AT MOST is what it comes to if every answer is as long as its max_tokens.{unpriced} To make \
         the calls: --yes --most-requests {} --most-tokens {} --most-minutes {} --most-dollars {dollars}{prices}",
        up(spending.requests as f64),
        up(spending.worst_tokens),
        up(minutes),
    )
}
