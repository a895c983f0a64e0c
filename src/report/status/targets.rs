//! Each target with its freshness and its errors, the worst first.

use super::html::folded;
use super::page::{Page, age};
use crate::model::observation::Collector;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::report::human::about;
use crate::report::safe::Escaped;
use std::cmp::Reverse;

/// More are folded.
const SHOWN: usize = 20;
/// What AWS says of an error is told up to so many characters: the log has all of it.
const ERROR_CHARS: usize = 80;

pub(super) fn table(page: &Page<'_>) -> String {
    let mut states: Vec<&TargetState> = page.snapshot.targets.values().map(|state| &**state).collect();
    states.sort_by_key(|state| (Reverse(failing(state)), state.evaluation.complete_until));
    let rows: Vec<String> = states.into_iter().map(|state| row(page, state)).collect();
    folded(&rows, SHOWN, |rows| {
        format!(
            "<table><thead><tr><th>Account</th><th>Region</th><th>Quotas</th><th>Catalog</th><th>Usage</th>\
             <th>Complete until</th><th>Ids</th><th></th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
        )
    })
}

/// How many collectors failed the last time.
fn failing(state: &TargetState) -> usize {
    state.collectors.values().filter(|status| status.last_attempt.is_some() && !status.up).count()
}

fn row(page: &Page<'_>, state: &TargetState) -> String {
    let id = &*state.target.account_id;
    let account = match page.account(id) {
        _ if id.is_empty() => "not known yet".to_string(),
        name if name == id => Escaped(id).to_string(),
        name => format!("{} <small>{}</small>", Escaped(name), Escaped(id)),
    };
    let cells: String = Collector::ALL.iter().map(|collector| cell(state, *collector, page.now)).collect();
    let complete = state.evaluation.complete_until.map_or("—".to_string(), |at| age(at, page.now));
    format!(
        "<tr><td>{account}</td><td class=\"whole\">{}</td>{cells}\
         <td class=\"whole\" data-label=\"complete until\">{complete}</td><td data-label=\"ids\">{}</td>{}</tr>\n",
        Escaped(&state.target.region),
        state.evaluation.ids.len(),
        error(state),
    )
}

fn cell(state: &TargetState, collector: Collector, now: Timestamp) -> String {
    let Some(status) = state.collectors.get(&collector).filter(|status| status.last_attempt.is_some()) else {
        return format!("<td data-label=\"{collector}\"><small>not yet</small></td>");
    };
    let last = status.last_success.map_or("never".to_string(), |at| format!("{} ago", about(now.since(at))));
    match &status.last_error {
        None => format!("<td class=\"whole\" data-label=\"{collector}\">ok <small>{last}</small></td>"),
        Some(_) => format!(
            "<td class=\"bad\" data-label=\"{collector}\">failing <small>last success {last}</small></td>"
        ),
    }
}

/// The first error of a target, shortened; all of them are in the log.
fn error(state: &TargetState) -> String {
    let Some(error) = state.collectors.values().find_map(|status| status.last_error.as_ref()) else {
        return "<td></td>".to_string();
    };
    let short: String = error.chars().take(ERROR_CHARS).collect();
    let more = if short.len() < error.len() { "…" } else { "" };
    format!("<td class=\"bad wide\"><small>{}{more}</small></td>", Escaped(&short))
}
