//! A table, for a terminal of any width or as CSV.

mod lines;

pub use lines::{Terminal, fitted, hanging, heading, stacked, wrapped};

use super::safe::{Escaped, printable, printable_lines};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use lines::GAP;

/// Stands for a group's heading until the columns are laid out: a heading is as long as it likes. No field has
/// it, since it is for private use.
const GROUP: char = '\u{e000}';

/// Where an id may be broken: a place that takes no room. No text has it, since it is none that is printable.
const BREAK: char = '\u{200b}';

/// Words up to this width are whole in a column that wraps; longer ones may be broken.
const WHOLE_WORD: usize = 12;

/// How a field stands out, where colours are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
    Faint,
}

/// One field: as a person reads it, and as a program does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    pub shown: String,
    /// For CSV. A number has no formula in it.
    pub raw: Raw,
    pub tone: Tone,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Raw {
    #[default]
    Nothing,
    Text(String),
    Number(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A heading over the rows that follow.
    Group(String),
    Fields(Vec<Field>),
}

/// A column's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub name: &'static str,
    pub right: bool,
    /// Whether it gives way first where the terminal is narrow: its text wraps.
    pub wraps: bool,
    /// Whether its text is broken behind hyphens, rather than at blanks.
    pub at_hyphens: bool,
}

/// Rows under heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub heads: Vec<Head>,
    pub rows: Vec<Row>,
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Head {
    Head { name, right: true, wraps: false, at_hyphens: false }
}

/// A column of words that are not broken.
pub const fn word(name: &'static str) -> Head {
    Head { name, right: false, wraps: false, at_hyphens: false }
}

/// A column of text that wraps.
pub const fn text(name: &'static str) -> Head {
    Head { name, right: false, wraps: true, at_hyphens: false }
}

/// A column of ids, which wrap behind their hyphens.
pub const fn identifier(name: &'static str) -> Head {
    Head { name, right: false, wraps: true, at_hyphens: true }
}

impl Field {
    pub fn text(text: impl Into<String>) -> Field {
        let text = text.into();
        Field { shown: text.clone(), raw: Raw::Text(text), tone: Tone::Plain }
    }

    /// `show` makes it readable; `None` is a dash, and nothing in CSV.
    pub fn number(value: Option<f64>, show: fn(f64) -> String) -> Field {
        match value {
            Some(value) => Field { shown: show(value), raw: Raw::Number(value), tone: Tone::Plain },
            None => Field { shown: "-".to_string(), raw: Raw::Nothing, tone: Tone::Faint },
        }
    }

    pub fn toned(self, tone: Tone) -> Field {
        Field { tone, ..self }
    }
}

impl Sheet {
    pub fn new(heads: Vec<Head>) -> Sheet {
        Sheet { heads, rows: Vec::new() }
    }

    pub fn push(&mut self, fields: Vec<Field>) {
        self.rows.push(Row::Fields(fields));
    }

    pub fn group(&mut self, heading: impl Into<String>) {
        self.rows.push(Row::Group(heading.into()));
    }

    pub fn is_empty(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row, Row::Fields(_)))
    }

    /// The table, no wider than the terminal; where its columns would be too narrow to be read, row by row.
    pub fn render(&self, terminal: Terminal) -> String {
        let least = self.least_widths();
        if least.iter().sum::<usize>() + GAP * least.len().saturating_sub(1) > terminal.width {
            return self.row_by_row(terminal);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let width = u16::try_from(terminal.width).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        if terminal.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let bold = |text: &str| Cell::new(text).add_attribute(Attribute::Bold);
        table.set_header(self.heads.iter().map(|head| aligned(bold(head.name), head)));
        let mut groups = Vec::new();
        for row in &self.rows {
            match row {
                Row::Group(heading) => {
                    table.add_row([format!("{GROUP}{}", groups.len())]);
                    groups.push(heading);
                }
                Row::Fields(fields) => {
                    table.add_row(self.heads.iter().zip(fields).map(|(head, field)| cell(head, field)));
                }
            }
        }
        let last = self.heads.len().saturating_sub(1);
        for (at, (column, head)) in table.column_iter_mut().zip(&self.heads).enumerate() {
            // Nothing stands to the right of the last column: its padding would be width that nobody uses.
            let gap = if at == last { 0 } else { GAP as u16 };
            column.set_padding((0, gap)).set_delimiter(if head.at_hyphens { BREAK } else { ' ' });
            column.set_constraint(match head.wraps {
                true => ColumnConstraint::LowerBoundary(Width::Fixed(least[at] as u16 + gap)),
                false => ColumnConstraint::ContentWidth,
            });
        }
        let shown = |line: String| match line.trim().strip_prefix(GROUP).and_then(|n| n.parse::<usize>().ok())
        {
            Some(number) => heading(groups[number], terminal),
            None => format!("{}\n", line.replace(BREAK, "").trim_end()),
        };
        table.lines().map(shown).collect()
    }

    /// Below these the columns could not be read: what does not wrap is whole, and so are usual words of what does.
    fn least_widths(&self) -> Vec<usize> {
        let of_column = |(at, head): (usize, &Head)| {
            let fields = self.rows.iter().filter_map(|row| match row {
                Row::Fields(fields) => fields.get(at),
                Row::Group(_) => None,
            });
            let width = |text: &str| match head {
                Head { wraps: false, .. } => text.chars().count(),
                Head { at_hyphens: true, .. } => longest(text.split_inclusive('-')),
                Head { .. } => longest(text.split_whitespace()),
            };
            let widest = fields.map(|field| width(&printable(&field.shown))).max().unwrap_or(0);
            match head.wraps {
                true => longest(head.name.split(' ')).max(widest.min(WHOLE_WORD)),
                false => widest.max(head.name.len()),
            }
        };
        self.heads.iter().enumerate().map(of_column).collect()
    }

    /// A line for each field, a blank one between two rows.
    fn row_by_row(&self, terminal: Terminal) -> String {
        let rows = self.rows.iter().map(|row| match row {
            Row::Group(text) => heading(text, terminal),
            Row::Fields(fields) => {
                let fields = self.heads.iter().zip(fields);
                stacked(fields.map(|(head, field)| (head.name, &*field.shown)), terminal.width, 0) + "\n"
            }
        });
        rows.collect::<String>().trim_end_matches('\n').to_string() + "\n"
    }

    /// RFC 4180, with the heads as the first line. Groups are left out: what they say stands in a column of its
    /// own wherever it matters.
    pub fn csv(&self) -> String {
        let heads = self.heads.iter().map(|head| head.name.to_lowercase().replace([' ', '-'], "_"));
        let mut lines = csv_line(heads);
        for row in &self.rows {
            if let Row::Fields(fields) = row {
                lines += &csv_line(fields.iter().map(|field| match &field.raw {
                    Raw::Nothing => String::new(),
                    Raw::Number(value) => value.to_string(),
                    Raw::Text(text) => defused(text),
                }));
            }
        }
        lines
    }
}

fn longest<'a>(parts: impl Iterator<Item = &'a str>) -> usize {
    parts.map(|part| part.chars().count()).max().unwrap_or(0)
}

fn aligned(cell: Cell, head: &Head) -> Cell {
    cell.set_alignment(if head.right { CellAlignment::Right } else { CellAlignment::Left })
}

fn cell(head: &Head, field: &Field) -> Cell {
    let shown = printable(&field.shown);
    let text = if head.at_hyphens { shown.replace('-', &format!("-{BREAK}")) } else { shown.into_owned() };
    let cell = aligned(Cell::new(text), head);
    match field.tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Warn => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Faint => cell.fg(Color::DarkGrey),
    }
}

impl Sheet {
    /// The same as a table of HTML. Everything in it is escaped.
    pub fn html(&self) -> String {
        let class = |right: bool| if right { " class=\"n\"" } else { "" };
        let heads: String = self
            .heads
            .iter()
            .map(|head| format!("<th{}>{}</th>", class(head.right), Escaped(head.name)))
            .collect();
        let mut out = format!("<table><thead><tr>{heads}</tr></thead><tbody>\n");
        for row in &self.rows {
            match row {
                Row::Group(heading) => {
                    let span = self.heads.len();
                    out += &format!("<tr><th colspan=\"{span}\">{}</th></tr>\n", Escaped(heading));
                }
                Row::Fields(fields) => {
                    out += "<tr>";
                    for (head, field) in self.heads.iter().zip(fields) {
                        let tone = match field.tone {
                            Tone::Plain => "",
                            Tone::Good => "good",
                            Tone::Warn => "warn",
                            Tone::Bad => "bad",
                            Tone::Faint => "faint",
                        };
                        let shape = match (head.right, head.wraps) {
                            (true, _) => "n ",
                            (false, false) => "whole ",
                            (false, true) => "",
                        };
                        let classes = format!("{shape}{tone}");
                        out += &format!("<td class=\"{}\">{}</td>", classes.trim(), Escaped(&field.shown));
                    }
                    out += "</tr>\n";
                }
            }
        }
        out + "</tbody></table>\n"
    }
}

fn csv_line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

/// Text that a spreadsheet would take for a formula, blanks before it or not, with an apostrophe before it; and none that
/// a terminal would obey.
fn defused(text: &str) -> String {
    let is_formula =
        text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(['=', '+', '-', '@', '|', '%']);
    let apostrophe = if is_formula { "'" } else { "" };
    format!("{apostrophe}{}", printable_lines(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Terminal = Terminal { width: 40, colour: false };

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(vec![text("QUOTA"), word("CODE"), number("LIMIT")]);
        sheet.group("Claude, whose heading is longer than any column of the table is wide");
        let name = "Cross-region model inference tokens per minute for X";
        sheet.push(vec![
            Field::text(name),
            Field::text("L-1"),
            Field::number(Some(6e6), |_| "6M".to_string()),
        ]);
        sheet.push(vec![
            Field::text("=1+1"),
            Field::text("L-\x1b[31m2"),
            Field::number(None, |v| v.to_string()),
        ]);
        sheet
    }

    #[test]
    fn long_text_wraps_and_the_rest_stays_whole() {
        let shown = sheet().render(NARROW);
        let expected = "\
QUOTA                 CODE         LIMIT

Claude, whose heading is longer than any
  column of the table is wide
Cross-region model    L-1             6M
inference tokens per
minute for X
=1+1                  L-<1b>[31m2      -
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_has_no_room_for_columns_is_shown_row_by_row() {
        let shown = sheet().render(Terminal { width: 25, colour: false });
        let expected = "
Claude, whose heading is
  longer than any column
  of the table is wide
QUOTA  Cross-region model
       inference tokens
       per minute for X
CODE   L-1
LIMIT  6M

QUOTA  =1+1
CODE   L-<1b>[31m2
LIMIT  -
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_id_that_wraps_keeps_its_hyphens() {
        let mut sheet = Sheet::new(vec![identifier("MODEL"), word("REGION")]);
        let id = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        sheet.push(vec![Field::text(id), Field::text("us-east-1")]);
        let shown = sheet.render(Terminal { width: 30, colour: false });
        let parts: Vec<&str> = shown.lines().skip(1).filter_map(|line| line.split("  ").next()).collect();
        assert!(parts.len() > 1 && parts[0].ends_with('-'), "{shown}");
        assert_eq!(parts.concat(), id, "{shown}");
        assert!(!shown.contains(BREAK) && shown.contains("us-east-1"), "{shown}");
    }

    #[test]
    fn csv_holds_numbers_as_they_are_and_no_formula() {
        let expected = "quota,code,limit\r\n\
                        Cross-region model inference tokens per minute for X,L-1,6000000\r\n\
                        '=1+1,L-<1b>[31m2,\r\n";
        assert_eq!(sheet().csv(), expected);
        let mut quotes = Sheet::new(vec![text("NAME")]);
        quotes.push(vec![Field::text("a \"b\", c\nd")]);
        quotes.push(vec![Field::text("  =1+1")]);
        assert_eq!(quotes.csv(), "name\r\n\"a \"\"b\"\", c\nd\"\r\n'  =1+1\r\n");
    }
}
