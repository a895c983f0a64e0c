//! What the config says of the exposition.

use crate::model::ids::words;
use std::collections::{BTreeMap, BTreeSet};

/// Which of what is known is exported.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    pub quotas: QuotaExport,
    /// Quota codes that are exported even when nothing uses them.
    pub watch: BTreeSet<String>,
    /// Whether the `…_per_minute` gauges are exported beside the counters, which say the same over time.
    /// Latencies have no counter and are always exported, for the statistics that are read.
    pub gauges: bool,
    /// The tag of application inference profiles and projects that names their team.
    pub team_tag: Option<String>,
    /// Project id → what the config calls it.
    pub projects: BTreeMap<String, ProjectName>,
    /// Account id → the name the config gives it.
    pub account_names: BTreeMap<String, String>,
}

/// Empty where the config does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectName {
    pub name: String,
    pub team: String,
}

impl Default for Export {
    /// What an empty config exports.
    fn default() -> Export {
        Export {
            quotas: QuotaExport::InUse,
            watch: BTreeSet::new(),
            gauges: false,
            team_tag: None,
            projects: BTreeMap::new(),
            account_names: BTreeMap::new(),
        }
    }
}

words! {
    /// Which quotas are exported: model quotas, the inventory of the service, and the list of models.
    QuotaExport {
        All = "all",
        /// Every scope and region of a model that the account used within 14 days in any region, and quotas
        /// that are spent, differ from the default, have an open increase request or are watched; no series
        /// that another one already says to be 0, or the limit.
        InUse = "in_use",
    }
}
