//! The first screen: what is throttled now, and the fullest quotas.

use super::answers::{Overview, Quota, Throttled};
use super::pen::{Pen, model, place, put, put_bar, put_right, share, short};
use super::screen::Screen;
use crate::report::human::about;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use std::ops::Range;

pub(super) fn draw(overview: &Overview, screen: &Screen, pen: Pen, area: Rect, buffer: &mut Buffer) {
    let throttled = overview.throttled.len();
    // Two lists share the screen: the first takes what it needs, at most two fifths.
    let rows = throttled.clamp(1, usize::from(area.height) * 2 / 5) as u16;
    let [above, below] = Layout::vertical([Constraint::Length(rows + 2), Constraint::Fill(1)]).areas(area);
    let chosen = screen.chosen();
    let title = format!("THROTTLED NOW ({throttled})");
    let shown = list(buffer, above, pen, &title, throttled, Some(chosen).filter(|at| *at < throttled));
    if throttled == 0 {
        let none = "no call was refused within the last 15 minutes, as far as is known";
        put(buffer, row_area(above, 0), none, pen.good());
    }
    for (line, at) in shown.enumerate() {
        throttled_row(&overview.throttled[at], pen, row_area(above, line), at == chosen, buffer);
    }
    let fullest = overview.fullest.len();
    let title = format!("FULLEST QUOTAS ({fullest}): █ newest minute, ▒ peak");
    let chosen_here = chosen.checked_sub(throttled).filter(|at| *at < fullest);
    let shown = list(buffer, below, pen, &title, fullest, chosen_here);
    if fullest == 0 {
        put(buffer, row_area(below, 0), "of no quota is it known how full it is", pen.faint());
    }
    for (line, at) in shown.enumerate() {
        quota_row(&overview.fullest[at], pen, row_area(below, line), Some(at) == chosen_here, buffer);
    }
}

/// The title of a list; which of its rows are shown, so that the chosen one is among them.
fn list(
    buffer: &mut Buffer,
    area: Rect,
    pen: Pen,
    title: &str,
    rows: usize,
    chosen: Option<usize>,
) -> Range<usize> {
    put(buffer, area, title, pen.title());
    // The title, and a line between two lists.
    let room = usize::from(area.height).saturating_sub(2);
    let first = chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(room));
    first..rows.min(first + room)
}

fn row_area(list: Rect, line: usize) -> Rect {
    Rect { y: list.y + 1 + line as u16, height: 1, ..list }
}

/// The columns of a row behind the mark of the chosen one, which is shown in reverse as well.
fn columns<const N: usize>(
    area: Rect,
    is_chosen: bool,
    buffer: &mut Buffer,
    widths: [Constraint; N],
) -> [Rect; N] {
    if is_chosen {
        buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    }
    put(buffer, area, if is_chosen { ">" } else { " " }, Style::new());
    let rest = Rect { x: area.x + 2, width: area.width - 2, ..area };
    Layout::horizontal(widths).spacing(1).areas(rest)
}

/// From here on there is room for how long calls were refused.
const WIDE: u16 = 100;
/// The model and the place take what the others leave.
const MODEL: Constraint = Constraint::Fill(4);
const PLACE: Constraint = Constraint::Fill(3);
const SCOPE: Constraint = Constraint::Length(10);

fn throttled_row(row: &Throttled, pen: Pen, area: Rect, is_chosen: bool, buffer: &mut Buffer) {
    let since = Constraint::Length(if area.width < WIDE { 0 } else { 9 });
    let widths = [Constraint::Length(7), Constraint::Length(12), MODEL, SCOPE, PLACE, since];
    let [refused, cause, name, scope, at, since] = columns(area, is_chosen, buffer, widths);
    let id = row.model_id.as_deref().or(row.model.as_deref()).unwrap_or("unknown");
    put_right(buffer, refused, &share(row.refused_share), pen.bad());
    put(buffer, cause, short(row.cause.as_deref().unwrap_or("unknown")), pen.warn());
    put(buffer, name, model(id, name.width), Style::new());
    put(buffer, scope, short(row.scope.as_deref().unwrap_or("unknown")), Style::new());
    put(buffer, at, &place(&row.place), Style::new());
    put_right(buffer, since, &format!("{} of 15m", about(row.throttled_seconds)), Style::new());
}

fn quota_row(row: &Quota, pen: Pen, area: Rect, is_chosen: bool, buffer: &mut Buffer) {
    let bar = Constraint::Length((area.width / 8).max(8));
    let widths = [MODEL, SCOPE, Constraint::Length(12), bar, Constraint::Length(7), PLACE];
    let [name, scope, quota, bar, percent, at] = columns(area, is_chosen, buffer, widths);
    let limit = row.limit.filter(|limit| *limit > 0.0);
    let of_limit = |value: Option<f64>| value.zip(limit).map(|(value, limit)| value / limit);
    let (used, peak) = (of_limit(row.used), of_limit(row.peak));
    let style = pen.of_share(peak.or(used).unwrap_or(0.0));
    put(buffer, name, model(&row.model, name.width), Style::new());
    put(buffer, scope, short(&row.scope), Style::new());
    put(buffer, quota, short(&row.quota), Style::new());
    put_bar(buffer, bar, used, peak, style);
    put_right(buffer, percent, &share(used), style);
    put(buffer, at, &place(&row.place), Style::new());
}
