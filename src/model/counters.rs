//! The counters of every target as they outlive a process: plain values, which the daemon keeps in a file.
//!
//! CloudWatch still has the newest minutes when the next process comes, and may have added to them. So what is kept
//! of a counter is what came before the first minute that may still change, and the next process counts from there.

use super::ids::Endpoint;
use super::time::Timestamp;
use super::usage::Metric;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a restart would lose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    pub targets: Vec<TargetCounters>,
}

/// The counters of one account in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetCounters {
    pub account_id: String,
    pub region: String,
    /// The first minute (since the epoch) that ids are counted from which come later.
    pub counted_from: i64,
    /// When ListMetrics last answered, in seconds since the epoch.
    pub discovered: Option<i64>,
    pub ids: Vec<IdCounters>,
}

/// The counters of one invocation id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdCounters {
    /// `runtime` or `mantle`.
    pub endpoint: String,
    pub id: String,
    /// The first minute (since the epoch) that is not in any `before`.
    pub from: i64,
    /// By the word of the metric.
    pub metrics: BTreeMap<String, Counter>,
    pub charge: Option<Charge>,
}

/// One counter of a metric's Sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// What the minutes before `from` add up to.
    pub before: f64,
    /// What all minutes read add up to: the counter does not fall below it.
    pub total: f64,
    /// When the metric was first asked for, in seconds since the epoch, while the counter is held at 0; 0 once it was
    /// let go.
    pub born: i64,
}

/// The counter of the tokens charged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// What was charged, and never falls.
    pub total: f64,
    /// What was charged by the newest data, which may be less.
    pub charged: f64,
    /// Tokens to be charged before the minutes from `from` on are added, by what they are; less than none where
    /// `charged` holds those minutes already.
    pub estimated: f64,
    pub input: f64,
    pub output: f64,
    pub cache_write: f64,
    /// When it was first counted, in seconds since the epoch, while it is held at 0; 0 once it was let go.
    pub since: Option<i64>,
}

/// How long CloudWatch keeps minutes, in minutes: what stopped counting before that cannot go on.
const READABLE: i64 = 15 * 24 * 60;

impl Counters {
    /// These, and what `others` hold of further targets: those that an exporter does not watch now, or not yet.
    pub fn beside(mut self, others: &Counters, at: Timestamp) -> Counters {
        let own: BTreeSet<(String, String)> = self.targets.iter().map(TargetCounters::key).collect();
        let recent = |target: &&TargetCounters| {
            let newest = target.ids.iter().map(|id| id.from).max();
            newest.is_some_and(|newest| newest + READABLE > at.minute().0)
        };
        let others = others.targets.iter().filter(|target| !own.contains(&target.key())).filter(recent);
        self.targets.extend(others.cloned());
        self
    }

    /// What cannot be true, if anything: where, what was found and what was expected.
    pub fn complaint(&self) -> Option<String> {
        self.targets.iter().find_map(TargetCounters::complaint)
    }
}

impl TargetCounters {
    fn key(&self) -> (String, String) {
        (self.account_id.clone(), self.region.clone())
    }

    fn complaint(&self) -> Option<String> {
        let found = self.ids.iter().find_map(|id| Some((id, id.complaint()?)));
        found.map(|(id, what)| format!("{}/{}, {}: {what}", self.account_id, self.region, id.id))
    }
}

impl IdCounters {
    fn complaint(&self) -> Option<String> {
        if Endpoint::from_word(&self.endpoint).is_none() {
            return Some(format!("endpoint is {:?}, expected runtime or mantle", self.endpoint));
        }
        let sum = |word: &str| Metric::from_word(word).is_some_and(Metric::is_sum);
        if let Some(word) = self.metrics.keys().find(|word| !sum(word)) {
            return Some(format!("{word:?} is no metric that is counted"));
        }
        let counters = self.metrics.values().flat_map(|counter| [counter.before, counter.total]);
        let charges = self.charge.iter().flat_map(|charge| [charge.total, charge.charged]);
        let negative = counters.chain(charges).find(|value| *value < 0.0);
        negative.map(|value| format!("a counter is {value}, expected at least 0"))
    }
}
