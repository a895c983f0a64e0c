//! A frame: header, one of two bodies, footer.

use super::answers::{Finding, Overview, Target};
use super::pen::{Pen, put, width};
use super::screen::Screen;
use super::{detail, overview};
use crate::model::time::Timestamp;
use crate::report::human::{about, count};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

/// Below this nothing can be read.
const LEAST: (u16, u16) = (40, 8);

/// Draws the whole screen.
pub(super) fn draw(screen: &Screen, now: Timestamp, buffer: &mut Buffer) {
    let pen = Pen { colour: screen.colour };
    let area = buffer.area;
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let (width, height) = LEAST;
        put(buffer, area, &format!("too small: {width} × {height} at least"), Style::new());
        return;
    }
    let [header, body, footer] =
        Layout::vertical([Constraint::Length(2), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    draw_header(screen, now, pen, header, buffer);
    let keys = match (&screen.detail, &screen.overview) {
        (Some(detail), _) => {
            detail::draw(detail, screen, pen, body, buffer);
            "q quit   esc back   ↑↓ older, newer"
        }
        (None, Some(overview)) => {
            overview::draw(overview, screen, pen, body, buffer);
            "q quit   ↑↓ choose   enter minutes"
        }
        (None, None) => "q quit",
    };
    put(buffer, footer, keys, pen.faint());
}

/// Where, how many, how old; and what is wrong with the answers themselves.
fn draw_header(screen: &Screen, now: Timestamp, pen: Pen, area: Rect, buffer: &mut Buffer) {
    let [first, second] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let age = screen.overview.as_ref().map_or(String::new(), |overview| data_age(overview, now));
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width(&age))]).areas(first);
    put(buffer, left, &format!("bedrock-quota-exporter top  {}", screen.source), pen.title());
    put(buffer, right, &age, Style::new());
    match (&screen.failure, screen.answered) {
        (Some(why), Some(at)) if screen.overview.is_some() => {
            let age = about(now.since(at));
            put(buffer, second, &format!("STALE: no answer for {age}: {why}"), pen.bad());
        }
        (Some(why), _) => put(buffer, second, &format!("no answer yet: {why}"), pen.warn()),
        (None, _) => {
            let told = screen.overview.as_ref().map_or("asking …".to_string(), summary);
            put(buffer, second, &told, Style::new());
        }
    }
}

/// The age of the least complete target, and of how many it is not known.
fn data_age(overview: &Overview, now: Timestamp) -> String {
    let known = || overview.targets.iter().filter_map(|target| target.complete_until);
    let unknown = overview.targets.len() - known().count();
    match known().min() {
        Some(end) if unknown == 0 => format!("data {} old", about(now.since(Timestamp(end)))),
        Some(end) => format!("data {} old, of {unknown} unknown", about(now.since(Timestamp(end)))),
        None => "data age unknown".to_string(),
    }
}

fn summary(overview: &Overview) -> String {
    let is_failing = |target: &&Target| target.collectors.values().any(|collector| !collector.up);
    let failing = overview.targets.iter().filter(is_failing).count();
    let is_critical = |finding: &&Finding| finding.severity == "critical";
    let critical = overview.findings.iter().filter(is_critical).count();
    let mut told = count(overview.targets.len(), "target");
    if failing > 0 {
        told += &format!(", {failing} not read wholly");
    }
    told += &format!("   {}", count(overview.findings.len(), "finding"));
    if critical > 0 {
        told += &format!(", {critical} critical");
    }
    told
}
