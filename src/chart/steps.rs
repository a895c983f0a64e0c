//! A probe's steps: what was offered, what got in and what was refused, against what the quota predicted.

use super::columns::WIDTH;
use super::frame::{HEAD, frame};
use super::scale;
use super::svg::Marks;
use crate::model::time::Timestamp;
use crate::probe::{Dimension, Finding, Probe, Reached, Step, StepKind};
use crate::report::human;
use std::fmt::Write;

const LEFT: f64 = 70.0;
const RIGHT: f64 = 788.0;
/// Below a panel's title and legend.
const TOP: f64 = 44.0;
const HEIGHT: f64 = 150.0;
const BELOW: f64 = 36.0;

/// A panel for each dimension that was ramped.
pub fn steps(title: &str, probe: &Probe) -> String {
    let panels: Vec<Marks> =
        probe.findings.iter().filter_map(|finding| panel(finding, &of(probe, finding.dimension))).collect();
    let each = TOP + HEIGHT + BELOW;
    let mut out = frame(title, HEAD + panels.len() as f64 * each + 8.0);
    for (number, marks) in panels.iter().enumerate() {
        let top = HEAD + number as f64 * each;
        let _ = write!(out, "<g transform=\"translate(0 {top})\">{}</g>", marks.0);
    }
    out + "</svg>\n"
}

fn of(probe: &Probe, dimension: Dimension) -> Vec<&Step> {
    let is_drawn =
        |step: &&Step| step.dimension == dimension && step.kind != StepKind::First && step.sent > 0;
    probe.book.steps.iter().filter(is_drawn).collect()
}

/// `None`: no step of it was made.
fn panel(finding: &Finding, steps: &[&Step]) -> Option<Marks> {
    let (from, until) = (steps.first()?.from, steps.last()?.until?);
    let found = match finding.reached {
        Reached::Found { value, .. } => Some(value),
        _ => None,
    };
    let known = steps.iter().map(|step| step.level).chain(finding.predicted).chain(found);
    let ticks = scale::values(known.fold(0.0, f64::max), 4);
    let most = ticks[ticks.len() - 1];
    let y = |level: f64| TOP + HEIGHT * (1.0 - level / most);
    let x = |at: f64| LEFT + (RIGHT - LEFT) * (at - from) / (until - from).max(1.0);
    let mut marks = Marks::default();
    marks.text("title", 12.0, 16.0, "start", heading(finding.dimension));
    for tick in &ticks {
        marks.line("grid", (LEFT, y(*tick)), (RIGHT, y(*tick)));
        marks.text("faint", LEFT - 6.0, y(*tick) + 4.0, "end", &human::rounded(*tick));
    }
    for step in steps {
        bars(&mut marks, step, (x(step.from), x(step.until.unwrap_or(until))), y);
    }
    // Where both are told, one label stands at the left and the other at the right.
    if let Some(predicted) = finding.predicted {
        marks.line("limit", (LEFT, y(predicted)), (RIGHT, y(predicted)));
        let text = format!("predicted by the quota: {}", human::exact(predicted));
        marks.text("limit-text", LEFT + 4.0, y(predicted) - 4.0, "start", &text);
    }
    if let Some(found) = found {
        marks.line("ceiling", (LEFT, y(found)), (RIGHT, y(found)));
        let text = format!("found: {}", human::rounded(found));
        marks.text("ceiling-text", RIGHT, y(found) - 4.0, "end", &text);
    }
    times(&mut marks, from, until);
    legend(&mut marks);
    Some(marks)
}

/// The level of a step, filled as far as it got in.
fn bars(marks: &mut Marks, step: &Step, (left, right): (f64, f64), y: impl Fn(f64) -> f64) {
    let width = (right - left - 1.0).max(1.0);
    let answered = (step.admitted + step.refused + step.failed).max(1) as f64;
    let admitted = step.level * step.admitted as f64 / answered;
    let refused = step.level * step.refused as f64 / answered;
    let foot = y(0.0);
    marks.rect("done", (left, y(admitted)), width, foot - y(admitted));
    if refused > 0.0 {
        marks.rect("refused", (left, y(admitted + refused)), width, y(admitted) - y(admitted + refused));
    }
}

fn heading(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Requests => "Requests a minute",
        Dimension::Tokens => "Tokens a minute",
        Dimension::Reservation => "Tokens reserved at once: calls under way × (input + max_tokens)",
    }
}

fn legend(marks: &mut Marks) {
    let y = 34.0;
    marks.text("faint", LEFT, y, "start", "offered:");
    marks.rect("done", (LEFT + 56.0, y - 9.0), 10.0, 10.0);
    marks.text("", LEFT + 70.0, y, "start", "got in");
    marks.rect("refused", (LEFT + 116.0, y - 9.0), 10.0, 10.0);
    marks.text("", LEFT + 130.0, y, "start", "refused");
}

/// When the first step began and the last ended.
fn times(marks: &mut Marks, from: f64, until: f64) {
    let y = TOP + HEIGHT + 16.0;
    marks.text("faint", LEFT, y, "start", &clock(from));
    marks.text("faint", RIGHT, y, "end", &format!("{} UTC", clock(until)));
}

fn clock(at: f64) -> String {
    let text = Timestamp(at as i64).to_string();
    text.get(11..19).unwrap_or(&text).to_string()
}

const _: () = assert!(RIGHT < WIDTH);
