//! Something that is wrong.

use super::case::{Case, Remedy, Subject};
use crate::model::ids::{Target, words};

words! {
    /// How soon somebody should look.
    Severity {
        /// Calls fail now.
        Critical = "critical",
        /// It can wait until somebody is at work.
        Warning = "warning",
    }
}

/// One thing that is wrong at a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub severity: Severity,
    pub target: Target,
    /// Account and region, as a person reads them.
    pub place: String,
    pub subject: Subject,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The numbers that say so.
    pub evidence: String,
    /// What helps, the cheapest first.
    pub remedies: Vec<Remedy>,
    /// The alert that rings for it, whose runbook is docs/runbooks/NAME.md.
    pub runbook: &'static str,
    /// Where calls were refused or failed: all about them.
    pub case: Option<Box<Case>>,
}
