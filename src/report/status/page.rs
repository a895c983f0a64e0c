//! What the page is made of, and how it names places and times.

use crate::exposition::Export;
use crate::model::ids::Target;
use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use crate::report::human::about;
use crate::report::safe::Escaped;

/// What the page is made of.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    pub snapshot: &'a Snapshot,
    pub export: &'a Export,
    pub exporter: &'a Exporter,
    /// The path of the exposition.
    pub metrics: &'a str,
    /// Whether /api/v1 is served.
    pub api: bool,
    pub now: Timestamp,
}

/// What the exporter says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Exporter {
    pub version: String,
    /// The commit it was built from; empty where not known.
    pub revision: String,
    /// `serve`, or `demo` where AWS is simulated.
    pub mode: String,
    pub started: Timestamp,
    /// The estimated price of calls to CloudWatch since then, US dollars.
    pub dollars: f64,
    /// What they may cost a day.
    pub budget: Option<f64>,
    /// Whether the last (re)load of the config succeeded, and when one last did.
    pub loaded: bool,
    pub loaded_at: Timestamp,
}

impl Page<'_> {
    /// The name of an account, its id where it has none.
    pub(super) fn account<'a>(&'a self, id: &'a str) -> &'a str {
        self.export.account_names.get(id).filter(|name| !name.is_empty()).map_or(id, |name| name)
    }

    /// A target as markup.
    pub(super) fn place(&self, target: &Target) -> String {
        let account = match self.account(&target.account_id) {
            "" => "account not known yet",
            name => name,
        };
        format!("{}, <span class=\"whole\">{}</span>", Escaped(account), Escaped(&target.region))
    }
}

/// The word of a label's value as prose has it: `tokens_per_minute` is tokens per minute.
pub(super) fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// How long ago, with the exact time behind it.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    format!("<span title=\"{at}\">{} ago</span>", about(now.since(at)))
}
