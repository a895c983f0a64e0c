//! Which metrics decide: about a quota, about refusals, and whether AWS fails. The rest are details, which are read more
//! seldom: no number that wakes anybody, or that a limit is held against, hangs on them.

use super::ids::QuotaKind;
use super::matching::QuotaKey;
use super::minutes::History;
use super::state::Known;
use super::usage::{Metric, MetricSet};

/// What tells how calls end that AWS does not answer.
const ALWAYS: [Metric; 3] = [Metric::Invocations, Metric::Throttles, Metric::ServerErrors];

/// Everything that decides about an id and the quotas it spends.
pub(crate) fn decisive(known: &Known) -> MetricSet {
    let kinds = spent(known).map(|key| key.kind);
    kinds.fold(ALWAYS.into_iter().collect(), |all, kind| all.union(deciding(kind, &known.history)))
}

/// The quotas that reading an id tells something about; model units and jobs are counted elsewhere.
pub(crate) fn spent(known: &Known) -> impl Iterator<Item = &QuotaKey> {
    let keys = known.resolution.charges.iter().filter_map(|charge| charge.quota.as_ref());
    keys.filter(|key| !matches!(key.kind, QuotaKind::BatchJobs | QuotaKind::ModelUnits))
}

/// What tells how much an id has spent of a quota of that kind in a minute.
pub(crate) fn deciding(kind: QuotaKind, history: &History) -> MetricSet {
    let metrics: &[Metric] = match kind {
        QuotaKind::RequestsPerMinute => &[Metric::Invocations],
        // An estimate needs no tokens beside it, and where there is one in nearly every minute, no calls to tell why
        // a minute has none.
        QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay if history.is_estimated() => {
            let always = history.is_steady(Metric::EstimatedTokens);
            if always { &[Metric::EstimatedTokens] } else { &[Metric::EstimatedTokens, Metric::Invocations] }
        }
        QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => &[
            Metric::EstimatedTokens,
            Metric::InputTokens,
            Metric::OutputTokens,
            Metric::CacheWriteTokens,
            Metric::Invocations,
        ],
        QuotaKind::InputTokensPerMinute => &[Metric::InputTokens],
        QuotaKind::OutputTokensPerMinute => &[Metric::OutputTokens],
        QuotaKind::ConcurrentRequests => &[Metric::Invocations, Metric::LatencyAverage],
        QuotaKind::AsyncConcurrentRequests | QuotaKind::BatchJobs | QuotaKind::ModelUnits => &[],
    };
    metrics.iter().copied().collect()
}
