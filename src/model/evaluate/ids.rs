//! What the newest minute of each invocation id says, and which ids no quota could be found for.

use super::spending::Spending;
use crate::model::decisive::decisive;
use crate::model::evaluation::IdStatus;
use crate::model::ids::Endpoint;
use crate::model::matching::Unmapped;
use crate::model::minutes::{Cell, History};
use crate::model::observation::Collector;
use crate::model::state::Known;
use crate::model::time::Minute;
use crate::model::usage::{InvocationId, Metric};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Errors of which there were none beside known calls where ListMetrics has never shown them. Their counters begin
/// with what it shows: at 0, so that `increase()` sees the first error.
fn never_failed(endpoint: Endpoint) -> &'static [Metric] {
    match endpoint {
        Endpoint::Runtime => &[Metric::ClientErrors, Metric::ServerErrors],
        Endpoint::Mantle => &[Metric::ClientErrors],
    }
}

impl Spending<'_> {
    pub(super) fn id(&self, id: &InvocationId, known: &Known) -> IdStatus {
        let history = &known.history;
        let (idle, decisive) = (history.is_idle(self.settings.idle_minutes()), decisive(known));
        let minute = history.metrics().filter_map(|metric| {
            // Details are read as seldom as idle ids.
            let seldom = idle || !decisive.has(metric.billed_as());
            Some((metric, self.newest(history, metric, seldom)?))
        });
        let mut minute: BTreeMap<Metric, f64> = minute.collect();
        if minute.contains_key(&Metric::Invocations) {
            let never = never_failed(id.endpoint).iter().filter(|metric| !history.publishes(**metric));
            minute.extend(never.map(|metric| (*metric, 0.0)));
        }
        IdStatus {
            id: id.clone(),
            resolution: known.resolution.clone(),
            minute: minute.into_iter().collect(),
            totals: history.totals().collect(),
            last_datapoint: history.last_datapoint.map(Minute::start),
        }
    }

    /// What the newest settled minute known of a metric says. `seldom`: it is read like those of idle ids.
    fn newest(&self, history: &History, metric: Metric, seldom: bool) -> Option<f64> {
        let mut minutes = self.recent(seldom).rev();
        let minute = minutes.find(|&m| history.settled_cell(metric, m) != Cell::Unknown)?;
        let cell = history.settled_cell(metric, minute);
        let idle = history.settled_cell(Metric::Invocations, minute).sum() == Some(0.0);
        let counts = metric.is_sum() && (metric != Metric::EstimatedTokens || idle);
        if counts { cell.sum() } else { cell.point() }
    }

    pub(super) fn models_in_use(&self) -> BTreeSet<Arc<str>> {
        let mut models = BTreeSet::new();
        for known in self.state.memory.ids.values() {
            let keys = known.resolution.charges.iter().filter_map(|charge| charge.quota.as_ref());
            models.extend(keys.map(|key| key.model.clone()));
            models.extend(known.resolution.model.clone());
        }
        models
    }

    /// Nobody can say that an id has no quota before quotas were read, and the catalog was asked for.
    pub(super) fn unmapped(&self) -> Vec<(InvocationId, Unmapped)> {
        let asked = self.state.collectors.contains_key(&Collector::Catalog);
        if self.state.quotas.is_none() || !asked {
            return Vec::new();
        }
        let ids = self.state.memory.ids.iter().filter(|(_, known)| self.is_recent(known));
        ids.filter_map(|(id, known)| Some((id.clone(), known.resolution.unmapped?))).collect()
    }
}
