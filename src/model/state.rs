//! Everything known of one target, plain: readings below it write it, judgements above it read it.

use super::budget::{Load, Stretch};
use super::catalog::Catalog;
use super::counters::IdCounters;
use super::evaluation::Evaluation;
use super::ids::{Target, words};
use super::matching::{Index, Resolution};
use super::minutes::History;
use super::observation::{Collector, ErrorClass};
use super::quota::{QuotaList, ServiceQuota};
use super::service::ServiceUsage;
use super::time::{Minute, Timestamp};
use super::tripwire::Tripwire;
use super::usage::{InvocationId, Observed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All targets by account and region; those that did not change are shared with older snapshots.
pub(crate) type States = BTreeMap<Target, Arc<TargetState>>;

/// Everything known of one target.
#[derive(Clone, Debug)]
pub struct TargetState {
    pub target: Target,
    pub quotas: Option<Observed<Arc<QuotaList>>>,
    pub catalog: Option<Observed<Arc<Catalog>>>,
    pub collectors: BTreeMap<Collector, CollectorState>,
    /// Whether the budget slows its reading; `None` without a budget.
    pub slowed: Option<bool>,
    /// Made anew whenever any of the above changes or something expires.
    pub evaluation: Arc<Evaluation>,
    pub(crate) memory: Memory,
}

/// How a collector is doing at a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectorState {
    pub last_attempt: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    /// Whether the last attempt brought everything it asked for.
    pub up: bool,
    pub seconds: f64,
    /// Counted since the start, by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// The message of the last failure, for the status page; gone after a success.
    pub last_error: Option<String>,
    /// Whether to try again with the next usage round: nothing was got, or something failed that may
    /// heal by itself (a denied permission does not).
    pub retry: bool,
}

/// What a target's state remembers beyond the latest observations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Since when the target is watched.
    pub since: Timestamp,
    /// The first minute that counters count, where an earlier process had begun before.
    pub counted_from: Option<Minute>,
    /// When ListMetrics last answered an earlier process.
    pub discovered_before: Option<Timestamp>,
    /// What an earlier process had counted of ids that ListMetrics has not shown yet.
    pub resumed: BTreeMap<InvocationId, Arc<IdCounters>>,
    /// When usage was last read.
    pub usage_at: Option<Timestamp>,
    /// When ListMetrics last answered.
    pub discovered: Option<Timestamp>,
    pub ids: BTreeMap<InvocationId, Known>,
    pub complete_until: Option<Timestamp>,
    pub newest_datapoint: Option<Timestamp>,
    pub tripwire: Tripwire,
    /// What reading the target takes, where there is a budget; and what the budget does to it.
    pub load: Option<Load>,
    pub stretch: Stretch,
    pub index: Arc<Index>,
    /// What is known of quotas that are no model's.
    pub service: Arc<ServiceUsage>,
    /// What is known of tiers and projects.
    pub parts: Arc<ServiceUsage>,
    /// Submitted and in-progress batch jobs, and model units, per base model; `None`: not listed.
    pub batch_jobs: Option<BTreeMap<Arc<str>, f64>>,
    pub model_units: Option<BTreeMap<Arc<str>, f64>>,
    /// When calls of a pool were last seen to begin to be refused.
    pub refused_since: Option<Timestamp>,
    /// When calls began to be refused below the limit: quotas are wanted newer than that.
    pub quotas_wanted: Option<Timestamp>,
    /// Limits that changed within the windows that are kept.
    pub limit_changes: Vec<LimitChange>,
    /// When the evaluation changes by time alone.
    pub next_change: Option<Timestamp>,
    /// When ListRequestedServiceQuotaChangeHistory last answered.
    pub requests_at: Option<Timestamp>,
    /// When ListAWSDefaultServiceQuotas last answered.
    pub defaults_at: Option<Timestamp>,
    /// Quotas whose value could not be read of late: since when not, and why.
    pub unread: BTreeMap<String, (Timestamp, String)>,
    /// When each list of the catalog was last read; a list that was never read has no entry.
    pub lists_at: BTreeMap<CatalogList, Timestamp>,
}

words! {
    /// The lists of a catalog, which fail and age one by one.
    CatalogList {
        Models = "models",
        Profiles = "profiles",
        Provisioned = "provisioned",
        Deployments = "deployments",
        CustomModels = "custom_models",
        Imported = "imported",
        BatchJobs = "batch_jobs",
        Tags = "tags",
    }
}

/// An invocation id with its minutes and its place in the lists.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub history: Arc<History>,
    pub resolution: Arc<Resolution>,
}

/// A limit that was another one at the last reading but one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LimitChange {
    pub code: String,
    pub old: f64,
    /// The change happened between these two readings.
    pub after: Timestamp,
    pub before: Timestamp,
}

impl TargetState {
    /// The rows of the quota lists; none where they were not read.
    pub(crate) fn rows(&self) -> &[Arc<ServiceQuota>] {
        self.quotas.as_ref().map_or(&[], |read| &read.value.quotas)
    }

    /// A target of which nothing is known yet.
    pub fn new(target: Target, now: Timestamp) -> TargetState {
        TargetState {
            target,
            quotas: None,
            catalog: None,
            collectors: BTreeMap::new(),
            slowed: None,
            evaluation: Arc::default(),
            memory: Memory { since: now, ..Memory::default() },
        }
    }

    /// The join of its lists: which id spends which quota.
    pub fn matching(&self) -> &Index {
        &self.memory.index
    }
}
