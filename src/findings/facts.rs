//! What findings are made of, wherever it comes from.

use super::case::Case;
use crate::model::catalog::Catalog;
use crate::model::ids::Target;
use crate::model::matching::{Charge, QuotaKey, Unmapped};
use crate::model::quota::IncreaseRequest;
use crate::model::time::Timestamp;
use std::collections::BTreeSet;

/// What is known of one target, now or over a span.
pub struct Facts<'a> {
    pub target: Target,
    /// Account and region, as a person reads them.
    pub place: String,
    pub now: Timestamp,
    /// Refused or failed calls.
    pub cases: Vec<Case>,
    pub unmapped: Vec<UnmappedId<'a>>,
    pub fills: Vec<Fill>,
    pub unread: Option<Unread>,
    /// The end of the last minute known of every id; `None`: of none, or it does not matter.
    pub complete_until: Option<Timestamp>,
    pub catalog: Option<&'a Catalog>,
    pub requests: &'a [IncreaseRequest],
    /// The base models that are called.
    pub called: BTreeSet<&'a str>,
}

/// An id of which not every quota is known.
pub struct UnmappedId<'a> {
    pub id: &'a str,
    pub reason: Unmapped,
    pub charges: &'a [Charge],
}

/// How full a quota is.
pub struct Fill {
    pub key: QuotaKey,
    pub limit: Option<f64>,
    /// How long it was at [`NEAR_RATIO`](super::thresholds::NEAR_RATIO) or above in the look-back window.
    pub near_seconds: u64,
    /// The largest minute of that window.
    pub peak_ratio: Option<f64>,
    /// Day quotas: since the day began.
    pub usage: Option<f64>,
    pub ratio: Option<f64>,
    /// When today's pace spends the limit, if before the day ends.
    pub exhaustion: Option<Timestamp>,
}

/// What could not be read, and why.
pub struct Unread {
    pub what: String,
    pub why: String,
}
