//! One model's panel: how full its limits were, and below it the calls that were made and refused.

use super::columns::{Columns, WIDTH};
use super::scale;
use super::svg::Marks;
use crate::report::human;

pub(super) const MOST_LINES: usize = 3;
pub(super) const MOST_NOTES: usize = 3;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 788.0;
/// Below the title and the legend.
const TOP: f64 = 56.0;
/// A line of text below the legend.
const NOTE: f64 = 16.0;
const SHARES: f64 = 130.0;
const BETWEEN: f64 = 22.0;
const CALLS: f64 = 70.0;
const BELOW: f64 = 42.0;

/// How full a limit was, column by column: the fullest minute of each.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    /// `None`: not known.
    pub shares: Vec<Option<f64>>,
    /// The most that settled in a minute in which calls were refused.
    pub ceiling: Option<f64>,
    /// What an open increase request asks for in the limit's place.
    pub asked: Option<Asked>,
}

/// A request for more of a quota.
#[derive(Clone, Debug)]
pub struct Asked {
    pub text: String,
    /// The minute of the span in which it was made, or closed; `None`: not in the span, or not known.
    pub minute: Option<usize>,
}

/// Calls a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    pub done: f64,
    pub refused: f64,
}

#[derive(Clone, Debug)]
pub struct Panel {
    pub title: String,
    /// The fullest first.
    pub lines: Vec<Line>,
    /// Requests for more that AWS closed within the span, the newest first.
    pub closed: Vec<Asked>,
    pub calls: Vec<Option<Calls>>,
    /// How many minutes the columns hold.
    pub settled: usize,
}

impl Panel {
    pub fn height(&self) -> f64 {
        let shares = if self.lines.is_empty() { 14.0 } else { SHARES + BETWEEN };
        self.top() + shares + CALLS + BELOW
    }

    /// Below the title, the legend and the notes.
    fn top(&self) -> f64 {
        TOP + NOTE * self.closed.len() as f64
    }

    pub(super) fn render(&self, columns: Columns) -> String {
        let mut marks = Marks::default();
        marks.text("title", 12.0, 16.0, "start", &shortened(&self.title));
        self.legend(&mut marks, columns);
        let mut top = self.top();
        if self.lines.is_empty() {
            top += 14.0;
            marks.text("faint", LEFT, 34.0, "start", "no limit that its usage can be held against");
        } else {
            self.shares(&mut marks, columns, top);
            self.closed(&mut marks, columns, top);
            top += SHARES + BETWEEN;
        }
        self.calls(&mut marks, columns, top);
        self.times(&mut marks, columns, top + CALLS);
        marks.0
    }

    fn legend(&self, marks: &mut Marks, columns: Columns) {
        let mut x = LEFT;
        for (at, line) in self.lines.iter().enumerate() {
            marks.line(&format!("line s{at}"), (x, 32.0), (x + 22.0, 32.0));
            marks.text("", x + 28.0, 36.0, "start", &line.name);
            x += 46.0 + line.name.chars().count() as f64 * 6.6;
        }
        if columns.minutes > 1 {
            let note = format!("each point: the fullest of {} minutes", columns.minutes);
            marks.text("faint", RIGHT, 16.0, "end", &note);
        }
    }

    fn shares(&self, marks: &mut Marks, columns: Columns, top: f64) {
        let known = self.lines.iter().flat_map(|line| line.shares.iter().flatten());
        let ticks = scale::values(known.copied().fold(1.0, f64::max), 4);
        let most = ticks[ticks.len() - 1];
        let y = |share: f64| top + SHARES * (1.0 - share / most);
        for tick in &ticks {
            marks.line("grid", (LEFT, y(*tick)), (RIGHT, y(*tick)));
            marks.text("faint", LEFT - 6.0, y(*tick) + 4.0, "end", &human::percent(*tick));
        }
        for (at, line) in self.lines.iter().enumerate() {
            let point = |(column, share): (usize, &Option<f64>)| {
                share.map(|share| (self.x(columns, column as f64 + 0.5), y(share)))
            };
            marks.path(&format!("line s{at}"), line.shares.iter().enumerate().map(point));
        }
        marks.line("limit", (LEFT, y(1.0)), (RIGHT, y(1.0)));
        let asked = self.lines.iter().find_map(|line| line.asked.as_ref());
        let limit = asked.map_or("latest limit".to_string(), |asked| format!("latest limit; {}", asked.text));
        marks.text("limit-text", LEFT + 4.0, y(1.0) - 4.0, "start", &limit);
        if let Some(minute) = asked.and_then(|asked| asked.minute) {
            let x = self.x(columns, minute as f64 / columns.minutes as f64);
            marks.line("asked", (x, y(most)), (x, y(0.0)));
        }
        // Where the fullest of several limits is, calls are refused first: only its ceiling is drawn.
        if let Some(ceiling) = self.lines.iter().find_map(|line| line.ceiling) {
            marks.line("ceiling", (LEFT, y(ceiling)), (RIGHT, y(ceiling)));
            let text = format!("calls refused while settled use was {} or less", human::percent(ceiling));
            // Above both lines where they are near each other.
            let above = y(if ceiling > 0.85 { ceiling.max(1.0) } else { ceiling }) - 5.0;
            marks.text("ceiling-text", RIGHT, above, "end", &text);
        }
    }

    /// When AWS closed requests for more, and what it said below the legend.
    fn closed(&self, marks: &mut Marks, columns: Columns, top: f64) {
        for (at, asked) in self.closed.iter().enumerate() {
            let y = TOP - 4.0 + NOTE * at as f64;
            marks.line("asked", (LEFT, y - 4.0), (LEFT + 22.0, y - 4.0));
            marks.text("faint", LEFT + 28.0, y, "start", &asked.text);
            if let Some(minute) = asked.minute {
                let x = self.x(columns, minute as f64 / columns.minutes as f64);
                marks.line("asked", (x, top), (x, top + SHARES));
            }
        }
    }

    fn calls(&self, marks: &mut Marks, columns: Columns, top: f64) {
        let total = |calls: &Calls| calls.done + calls.refused;
        let ticks = scale::values(self.calls.iter().flatten().map(total).fold(0.0, f64::max), 2);
        let most = ticks[ticks.len() - 1];
        let height = |calls: f64| CALLS * calls / most;
        for tick in &ticks {
            let y = top + CALLS - height(*tick);
            marks.line("grid", (LEFT, y), (RIGHT, y));
            marks.text("faint", LEFT - 6.0, y + 4.0, "end", &human::rounded(*tick));
        }
        // A little wider than its column, or the ground would shine through between two.
        let width = self.x(columns, 1.0) - self.x(columns, 0.0) + 0.4;
        for (column, calls) in self.calls.iter().enumerate() {
            let x = self.x(columns, column as f64);
            let Some(Calls { done, refused }) = calls else {
                marks.rect("gap", (x, top), width, CALLS);
                continue;
            };
            let base = top + CALLS - height(*done);
            if *done > 0.0 {
                marks.rect("done", (x, base), width, height(*done));
            }
            if *refused > 0.0 {
                marks.rect("refused", (x, base - height(*refused)), width, height(*refused));
            }
        }
        let y = top - 5.0;
        marks.text("faint", LEFT, y, "start", "calls a minute:");
        marks.rect("done", (LEFT + 92.0, y - 9.0), 10.0, 10.0);
        marks.text("", LEFT + 106.0, y, "start", "made");
        marks.rect("refused", (LEFT + 146.0, y - 9.0), 10.0, 10.0);
        marks.text("", LEFT + 160.0, y, "start", "refused");
    }

    fn times(&self, marks: &mut Marks, columns: Columns, y: f64) {
        for (minute, label) in scale::times(columns.from, self.settled, 9) {
            let x = self.x(columns, (minute.0 - columns.from.0) as f64 / columns.minutes as f64);
            marks.line("grid", (x, y), (x, y + 4.0));
            marks.text("faint", x, y + 17.0, "middle", &label);
        }
        marks.text("faint", 12.0, y + 17.0, "start", "UTC");
    }

    /// The left edge of a column.
    fn x(&self, columns: Columns, column: f64) -> f64 {
        let wide = (self.settled.max(1) as f64) / columns.minutes as f64;
        LEFT + (RIGHT - LEFT) * (column / wide).min(1.0)
    }
}

/// The title, as much of it as there is room for: an id may have a thousand characters.
fn shortened(title: &str) -> String {
    const MOST: usize = 62;
    match title.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title.to_string(),
    }
}

const _: () = assert!(RIGHT < WIDTH);
