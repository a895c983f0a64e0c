//! A table of the page that grows target by target, its rows by rank.

use crate::report::human::grouped;
use crate::report::safe::Escaped;
use crate::report::sheet::{Field, Head, Row, Sheet};

/// Rows that the page shows; the CSV has all.
const SHOWN: usize = 60;

pub(super) struct Section {
    pub slug: &'static str,
    pub title: &'static str,
    heads: Vec<Head>,
    rows: Vec<(f64, Vec<Field>)>,
}

impl Section {
    pub(super) fn new(slug: &'static str, title: &'static str, heads: Vec<Head>) -> Section {
        Section { slug, title, heads, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, rank: f64, fields: Vec<Field>) {
        self.rows.push((rank, fields));
    }

    /// The highest rank first; equal ones as they came.
    pub(super) fn sort(&mut self) {
        self.rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn all(&self) -> Sheet {
        self.sheet(usize::MAX)
    }

    fn sheet(&self, most: usize) -> Sheet {
        let rows = self.rows.iter().take(most).map(|(_, fields)| Row::Fields(fields.clone()));
        Sheet { heads: self.heads.clone(), rows: rows.collect() }
    }

    /// Nothing where there is nothing to show.
    pub(super) fn html(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let more = match self.rows.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            Some(more) => {
                format!("<p class=\"faint\">and {} more: `--csv` has them all</p>\n", grouped(more as f64))
            }
            None => String::new(),
        };
        format!("<h2 id=\"{}\">{}</h2>\n{}{more}", self.slug, Escaped(self.title), self.sheet(SHOWN).html())
    }
}
