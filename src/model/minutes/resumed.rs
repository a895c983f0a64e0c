//! What an earlier process had counted of an id.

use crate::model::counters::Counter;
use crate::model::time::Minute;
use crate::model::usage::Metric;
use std::collections::BTreeMap;

/// What an earlier process had counted of an id.
#[derive(Clone, Debug)]
pub(crate) struct Resumed {
    /// The first minute that is counted again.
    pub from: Minute,
    /// Of metrics that were not asked for yet.
    pub metrics: BTreeMap<Metric, Counter>,
}

impl Resumed {
    /// Where a metric's counter goes on, once.
    pub(super) fn take(&mut self, metric: Metric) -> Option<Counter> {
        self.metrics.remove(&metric)
    }

    pub(super) fn has(&self, metric: Metric) -> bool {
        self.metrics.contains_key(&metric)
    }
}
