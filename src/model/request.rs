//! What to read of a target.

use super::service::ServiceRequest;
use super::time::Minute;
use super::usage::{InvocationId, Metric};

/// What to read of a target next: see [`due`](super::schedule::due).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    pub quotas: bool,
    pub catalog: bool,
    pub usage: Option<UsageRequest>,
}

/// One usage round: whether to ask ListMetrics first, and what to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageRequest {
    pub discover: bool,
    /// Ask ListMetrics without RecentlyActive: ids idle for hours count in day quotas, and stay known.
    pub everything: bool,
    /// What ListMetrics newly shows in this round is read over this span: see
    /// [`newly_listed`](super::schedule::newly_listed).
    pub new_ids: Option<(Minute, Minute)>,
    /// One query each; what ListMetrics was seen to show before.
    pub minutes: Vec<SeriesRequest>,
    /// The minutes of today from before the exporter came, for ids that spend a day quota.
    pub today: Vec<SeriesRequest>,
    /// Quotas that are no model's.
    pub service: ServiceRequest,
    /// The tiers and projects that ListMetrics shows now, over the hour before this minute.
    pub parts: Option<Minute>,
}

/// One query of GetMetricData: the minutes `from .. until` of one metric of one id.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRequest {
    pub id: InvocationId,
    pub metric: Metric,
    pub from: Minute,
    pub until: Minute,
}
