//! The second screen: the minutes of a model, and what was found about it.

use super::answers::{Calls, Finding, Minute};
use super::pen::{Pen, place, put, put_bar, put_right, share};
use super::screen::{Detail, Screen, Subject};
use crate::model::time::Timestamp;
use crate::report::human::rounded;
use crate::report::sheet::wrapped;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

/// Lines that a finding takes at most: the minutes are what was asked for.
const FINDING: usize = 6;

pub(super) fn draw(detail: &Detail, screen: &Screen, pen: Pen, area: Rect, buffer: &mut Buffer) {
    let Subject { place: at, model, scope, model_id } = &detail.subject;
    let name = model_id.as_deref().or(model.as_deref()).unwrap_or("unknown");
    let scope = scope.as_deref().unwrap_or("all scopes");
    let mut lines = area.rows();
    let mut line = |text: &str, style: Style, buffer: &mut Buffer| {
        if let Some(area) = lines.next() {
            put(buffer, area, text, style);
        }
    };
    line(&format!("{name}  {scope}  {}", place(at)), pen.title(), buffer);
    let told = screen.overview.iter().flat_map(|overview| &overview.findings);
    if let Some(finding) = told.into_iter().find(|finding| is_about(finding, &detail.subject)) {
        let text = finding_text(finding, usize::from(area.width));
        text.lines().take(FINDING).for_each(|text| line(text, Style::new(), buffer));
    }
    line("", Style::new(), buffer);
    let (top, left) = (lines.next(), area.bottom());
    let Some(rest) = top.map(|top| Rect { height: left - top.y, ..top }) else { return };
    match detail.calls.as_deref() {
        None => put(buffer, rest, "asking …", pen.faint()),
        Some(calls) => draw_calls(calls, detail, pen, rest, buffer),
    }
}

fn is_about(finding: &Finding, subject: &Subject) -> bool {
    let name = subject.model_id.as_ref().or(subject.model.as_ref());
    finding.place == subject.place
        && finding.model.as_ref() == name
        && (subject.scope.is_none() || finding.scope.is_none() || finding.scope == subject.scope)
}

fn finding_text(finding: &Finding, width: usize) -> String {
    let mut text = wrapped(&format!("{}. {}", finding.what, finding.evidence), width, 0);
    if let Some(remedy) = finding.remedies.first() {
        let colon = if remedy.what.is_empty() { "" } else { ": " };
        text += &wrapped(&format!("What helps: {}{colon}{}", remedy.what, remedy.how), width, 0);
    }
    text
}

/// Newest first; of several scopes one after another.
fn draw_calls(calls: &[Calls], detail: &Detail, pen: Pen, area: Rect, buffer: &mut Buffer) {
    let of_place: Vec<&Calls> = calls.iter().filter(|own| own.place == detail.subject.place).collect();
    let minutes: Vec<(&str, &Minute)> = of_place
        .iter()
        .flat_map(|own| {
            let scope = own.scope.as_deref().unwrap_or("unknown");
            own.minutes.iter().rev().map(move |minute| (scope, minute))
        })
        .collect();
    if minutes.is_empty() {
        put(buffer, area, "no minute of these calls is known", pen.faint());
        return;
    }
    let several = of_place.len() > 1;
    let mut lines = area.rows();
    let head = lines.next().map(|line| columns(line, several));
    if let Some(head) = head {
        let names = ["MINUTE, UTC", "SCOPE", "CALLS", "REFUSED", "SHARE", "", "5XX", "INPUT", "OUTPUT"];
        for (at, (area, name)) in head.into_iter().zip(names).enumerate() {
            let place = if at < 2 { put } else { put_right };
            place(buffer, area, name, pen.title());
        }
    }
    for (area, (scope, minute)) in lines.zip(minutes.into_iter().skip(detail.passed)) {
        draw_minute(scope, minute, pen, columns(area, several), buffer);
    }
}

fn columns(area: Rect, several: bool) -> [Rect; 9] {
    let number = Constraint::Length(8);
    let scope = Constraint::Length(if several { 12 } else { 0 });
    let bar = Constraint::Length((area.width / 10).min(20));
    let widths = [Constraint::Length(11), scope, number, number, number, bar, number, number, number];
    Layout::horizontal(widths).spacing(1).areas(area)
}

fn draw_minute(scope: &str, minute: &Minute, pen: Pen, columns: [Rect; 9], buffer: &mut Buffer) {
    let [at, of, calls, refused, percent, bar, errors, input, output] = columns;
    let start = Timestamp(minute.start).to_string();
    let grows = if minute.settled { "" } else { " grows" };
    put(buffer, at, &format!("{}{grows}", start.get(11..16).unwrap_or(&start)), Style::new());
    put(buffer, of, scope, Style::new());
    let number = |value: Option<f64>| value.map_or("unknown".to_string(), rounded);
    let attempts = minute.requests.zip(minute.throttled).map(|(made, refused)| made + refused);
    let refused_share = minute.throttled.zip(attempts).map(|(refused, attempts)| refused / attempts);
    // Of no calls there is no share.
    let told = if attempts == Some(0.0) { "-".to_string() } else { share(refused_share) };
    let style = if minute.throttled > Some(0.0) { pen.bad() } else { Style::new() };
    put_right(buffer, calls, &number(attempts), Style::new());
    put_right(buffer, refused, &number(minute.throttled), style);
    put_right(buffer, percent, &told, style);
    put_bar(buffer, bar, refused_share, None, style);
    put_right(buffer, errors, &number(minute.server_errors), Style::new());
    put_right(buffer, input, &number(minute.input_tokens), Style::new());
    put_right(buffer, output, &number(minute.output_tokens), Style::new());
}
