//! What is on the screen, and what keys and answers do to it.

use super::answers::{Calls, Overview, Place};
use crate::model::time::Timestamp;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    /// Shows the minutes of the chosen model.
    Open,
    Back,
}

/// A page's rows, where nobody knows how high the terminal is.
const PAGE: usize = 10;

/// The state of the view.
#[derive(Clone, Debug, PartialEq)]
pub struct Screen {
    /// Where the exporter is.
    pub source: String,
    /// Whether colours may be used.
    pub colour: bool,
    /// `None` before the first answer.
    pub overview: Option<Overview>,
    /// When the exporter last answered, and why it does not now.
    pub answered: Option<Timestamp>,
    pub failure: Option<String>,
    chosen: Option<Row>,
    pub detail: Option<Detail>,
}

/// The minutes of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub subject: Subject,
    /// `None` before they were answered.
    pub calls: Option<Vec<Calls>>,
    /// How many of the newest minutes are above the screen.
    pub passed: usize,
}

/// Whose calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub place: Place,
    pub model: Option<String>,
    pub scope: Option<String>,
    /// Of an id that stands alone.
    pub model_id: Option<String>,
}

/// A row that can be chosen: it stays chosen wherever newer answers put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub subject: Subject,
    /// The quota's kind and code; none of a row of the throttled.
    quota: Option<(String, String)>,
}

impl Screen {
    /// Nothing is known yet.
    pub fn new(source: &str, colour: bool) -> Screen {
        Screen {
            source: source.to_string(),
            colour,
            overview: None,
            answered: None,
            failure: None,
            chosen: None,
            detail: None,
        }
    }

    /// The exporter answered; `None`: that nothing has changed.
    pub fn answer(&mut self, overview: Option<Overview>, now: Timestamp) {
        self.overview = overview.or(self.overview.take());
        (self.answered, self.failure) = (Some(now), None);
    }

    /// The exporter did not answer.
    pub fn fail(&mut self, why: String) {
        self.failure = Some(why);
    }

    /// The minutes of a subject, if it is still the one that is looked at.
    pub fn answer_minutes(&mut self, of: &Subject, calls: Vec<Calls>) {
        if let Some(detail) = self.detail.as_mut().filter(|detail| detail.subject == *of) {
            detail.calls = Some(calls);
        }
    }

    pub fn press(&mut self, key: Key) {
        match (&mut self.detail, key) {
            (Some(_), Key::Back) => self.detail = None,
            (Some(_), Key::Open) | (None, Key::Back) => {}
            (Some(detail), _) => {
                let rows: usize = detail.calls.iter().flatten().map(|calls| calls.minutes.len()).sum();
                detail.passed = moved(detail.passed, key, rows);
            }
            (None, Key::Open) => {
                let subject = self.rows().get(self.chosen()).map(|row| row.subject.clone());
                self.detail = subject.map(|subject| Detail { subject, calls: None, passed: 0 });
            }
            (None, _) => {
                let rows = self.rows();
                self.chosen = rows.get(moved(self.chosen(), key, rows.len())).cloned();
            }
        }
    }

    /// Which of the rows is chosen: those of the throttled come first, then the fullest.
    pub(super) fn chosen(&self) -> usize {
        let at = |row| self.rows().iter().position(|own| own == row);
        self.chosen.as_ref().and_then(at).unwrap_or(0)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let Some(overview) = &self.overview else { return Vec::new() };
        let throttled = overview.throttled.iter().map(|throttled| Row {
            subject: Subject {
                place: throttled.place.clone(),
                model: throttled.model.clone(),
                scope: throttled.scope.clone(),
                model_id: throttled.model_id.clone(),
            },
            quota: None,
        });
        let fullest = overview.fullest.iter().map(|quota| Row {
            subject: Subject {
                place: quota.place.clone(),
                model: Some(quota.model.clone()),
                // A regional quota is spent by the calls of two scopes.
                scope: Some(quota.scope.clone()).filter(|scope| scope != "regional"),
                model_id: None,
            },
            quota: Some((quota.quota.clone(), quota.quota_code.clone())),
        });
        throttled.chain(fullest).collect()
    }
}

fn moved(at: usize, key: Key, rows: usize) -> usize {
    let to = match key {
        Key::Up => at.saturating_sub(1),
        Key::Down => at + 1,
        Key::PageUp => at.saturating_sub(PAGE),
        Key::PageDown => at + PAGE,
        Key::Open | Key::Back => at,
    };
    to.min(rows.saturating_sub(1))
}
