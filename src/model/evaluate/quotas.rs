//! What a target's ids together have spent of each quota, held against its limit.

use super::spending::{Spending, limit};
use super::utilization::{self, Spender, View};
use crate::model::burndown::burndown;
use crate::model::evaluation::QuotaStatus;
use crate::model::ids::{Endpoint, Method, QuotaKind, State, UsageSource};
use crate::model::matching::{ModelQuota, QuotaKey};
use crate::model::time::Minute;
use crate::model::usage::{InvocationId, Metric};
use std::sync::Arc;

impl Spending<'_> {
    pub(super) fn quotas(&self) -> Vec<QuotaStatus> {
        if self.state.quotas.is_none() {
            return Vec::new();
        }
        let index = &self.state.memory.index;
        let unlisted = self.spenders.keys().filter(|key| self.is_fresh() && index.quota(key).is_none());
        let rows = unlisted.map(|key| index.describe(key).unwrap_or_else(|| Arc::new(no_such_quota(key))));
        let rows: Vec<Arc<ModelQuota>> = index.quotas().iter().cloned().chain(rows).collect();
        let mut all: Vec<QuotaStatus> = rows.iter().map(|row| self.quota(row)).collect();
        all.sort_by(|a, b| a.quota.key.cmp(&b.quota.key));
        all
    }

    fn quota(&self, quota: &Arc<ModelQuota>) -> QuotaStatus {
        let key = &quota.key;
        let spenders = self.spenders.get(key).map_or(&[][..], Vec::as_slice);
        let mut status = self.unmeasured(quota, spenders);
        let memory = &self.state.memory;
        let counted = match key.kind {
            QuotaKind::BatchJobs => Some(&memory.batch_jobs),
            QuotaKind::ModelUnits => Some(&memory.model_units),
            _ => None,
        };
        if let Some(counted) = counted {
            status.usage = counted.as_ref().map(|counts| counts.get(&key.model).copied().unwrap_or(0.0));
            status.peak = status.usage;
            status.is_spent = status.usage > Some(0.0);
            self.compare(&mut status);
            return status;
        }
        if status.usage_source == UsageSource::None || !self.is_fresh() {
            return status;
        }
        status.charged = self.charged(key.kind, spenders);
        status.uncounted = uncounted(key.kind, spenders);
        if spenders.is_empty() && !self.is_unspent(key) {
            return status;
        }
        let idle = spenders.iter().all(|spender| spender.history.is_idle(spender.idle));
        let known = |minute: &Minute| self.spent(key, spenders, *minute);
        let Some(last) = self.recent(idle).rev().find(|minute| known(minute).is_some()) else {
            return status;
        };
        // An older minute's 0 would say that nothing is spent, while calls are known whose tokens are not, or of
        // which nobody knows what they spend.
        let is_called = |minute: Minute| {
            spenders.iter().any(|spender| spender.is_called(minute))
                || key.endpoint == Endpoint::Runtime && self.has_strangers(minute) == Some(true)
        };
        if known(&last) != Some(0.0) || !(last + 1).until(self.settled).any(is_called) {
            self.measure(&mut status, spenders, last);
        }
        status
    }

    /// What a quota's ids have spent of it in a minute. Nothing is known to be nothing only while nobody else can
    /// have spent it: an id that ListMetrics does not show yet may be the very one that does.
    fn spent(&self, key: &QuotaKey, spenders: &[Spender], minute: Minute) -> Option<f64> {
        let spent = utilization::spent(key.kind, spenders, View::Settled, minute)?;
        let is_everybody_known = || self.has_strangers(minute) == Some(false);
        let certain = spent > 0.0 || key.endpoint != Endpoint::Runtime || is_everybody_known();
        certain.then_some(spent)
    }

    /// A quota of which only limit and state are known.
    fn unmeasured(&self, quota: &Arc<ModelQuota>, spenders: &[Spender]) -> QuotaStatus {
        let unmeasurable = utilization::is_unmeasurable(&quota.key, spenders);
        let nothing = self.settled..self.settled;
        let usage_source = if unmeasurable {
            UsageSource::None
        } else {
            utilization::source(quota.key.kind, spenders, || self.factor(&quota.key), nothing)
        };
        QuotaStatus {
            quota: quota.clone(),
            state: utilization::state(quota.state, unmeasurable),
            usage_source,
            is_spent: !spenders.is_empty(),
            usage: None,
            peak: None,
            ratio: None,
            peak_ratio: None,
            above_threshold: Vec::new(),
            throttled_ratio: None,
            exhaustion: None,
            implied_burndown: None,
            charged: Vec::new(),
            uncounted: Vec::new(),
        }
    }

    fn factor(&self, key: &QuotaKey) -> Option<f64> {
        burndown(&key.model, self.read_at, &self.settings.burndown)
    }

    fn compare(&self, status: &mut QuotaStatus) {
        if let Some(limit) = limit(&status.quota) {
            status.ratio = status.usage.map(|usage| usage / limit);
            status.peak_ratio = status.peak.map(|peak| peak / limit);
        }
    }

    /// Fills in what a quota's usage says, with `last` as its newest minute.
    fn measure(&self, status: &mut QuotaStatus, spenders: &[Spender], last: Minute) {
        let key = &status.quota.key;
        let day = key.kind == QuotaKind::TokensPerDay;
        let same_day = |minute: Minute| minute.start().day_start() == last.start().day_start();
        let minutes = last + 1 - self.settings.lookback_minutes..last + 1;
        status.usage_source = utilization::source(key.kind, spenders, || self.factor(key), minutes.clone());
        let window = minutes.start.until(minutes.end).filter(|&minute| !day || same_day(minute));
        let usage = |minute| Some((minute, self.spent(key, spenders, minute)?));
        let window: Vec<(Minute, f64)> = window.filter_map(usage).collect();
        status.usage = window.last().map(|(_, usage)| *usage);
        status.peak = window.iter().map(|(_, usage)| *usage).reduce(f64::max);
        if key.kind == QuotaKind::TokensPerMinute {
            status.implied_burndown = utilization::implied_burndown(spenders, minutes);
        }
        self.compare(status);
        let Some(limit) = limit(&status.quota) else { return };
        self.compare_window(status, spenders, &window, limit);
        if day {
            status.exhaustion = status.usage.and_then(|usage| utilization::exhaustion(usage, limit, last));
        }
    }

    /// Holds every minute against the limit that was in force in it. Where that may have been either of two,
    /// no minute is said to have come nearer to a limit than it certainly did; but refused calls came as near
    /// as they can have.
    fn compare_window(
        &self,
        status: &mut QuotaStatus,
        spenders: &[Spender],
        window: &[(Minute, f64)],
        limit: f64,
    ) {
        let code = &status.quota.key.code;
        let mut ratios = Vec::with_capacity(window.len());
        let mut throttled_ratio: Option<f64> = None;
        for &(minute, usage) in window {
            let limits = self.limits_in(minute, code, limit);
            ratios.push(usage / limits.highest);
            if spenders.iter().any(|spender| spender.is_throttled(minute)) {
                let ratio = usage / limits.lowest;
                throttled_ratio = Some(throttled_ratio.map_or(ratio, |largest| largest.max(ratio)));
            }
        }
        let above = |threshold: f64| ratios.iter().filter(|&&ratio| ratio >= threshold).count() as u64;
        status.above_threshold =
            self.settings.thresholds.iter().map(|&threshold| (threshold, 60 * above(threshold))).collect();
        status.peak_ratio = ratios.into_iter().reduce(f64::max);
        status.throttled_ratio = throttled_ratio;
    }

    /// Whether it is known that no id spends a quota: ListMetrics shows none, and no id of that model with
    /// recent traffic is of unknown scope. (Where others spend the quota, such an id is left out of the sum;
    /// it is shown as unmapped. An id whose very model is unknown is shown as unmapped only.)
    fn is_unspent(&self, key: &QuotaKey) -> bool {
        let longest = self.settings.discovery_interval + self.settings.usage_max_age;
        let listed = self.state.memory.discovered.is_some_and(|at| self.read_at.since(at) <= longest);
        let mut ids = self.state.memory.ids.iter().filter(|(_, known)| self.is_recent(known));
        let unresolved = ids.any(|(id, known)| {
            let resolution = &known.resolution;
            id.endpoint == key.endpoint
                && resolution.scope.is_none()
                && resolution.model.as_ref() == Some(&key.model)
        });
        listed && !unresolved
    }

    fn charged(&self, kind: QuotaKind, spenders: &[Spender]) -> Vec<(InvocationId, f64)> {
        let charge = |spender: &Spender| {
            let total = |metric| spender.history.total(metric);
            let units = match kind {
                QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => spender.history.charged(),
                QuotaKind::InputTokensPerMinute => total(Metric::InputTokens),
                QuotaKind::OutputTokensPerMinute => total(Metric::OutputTokens),
                _ => None,
            };
            Some((spender.id.clone(), spender.weight * units?))
        };
        spenders.iter().filter_map(charge).collect()
    }
}

/// Each status as the target had it `before`, or as one `beside` it has it, where it is equal there. All lists are sorted,
/// and mostly of the same rows.
pub(super) fn shared<'a>(
    all: Vec<QuotaStatus>,
    before: &[Arc<QuotaStatus>],
    beside: impl Iterator<Item = &'a [Arc<QuotaStatus>]>,
) -> Vec<Arc<QuotaStatus>> {
    let mut beside: Vec<&[Arc<QuotaStatus>]> = beside.collect();
    let share = |(at, status): (usize, QuotaStatus)| {
        let equal = |list: &[Arc<QuotaStatus>]| {
            let key = &status.quota.key;
            let here = list.get(at).filter(|other| other.quota.key == *key);
            let there = || list.binary_search_by(|other| other.quota.key.cmp(key)).ok().map(|at| &list[at]);
            here.or_else(there).filter(|other| ***other == status).cloned()
        };
        if let Some(before) = equal(before) {
            return before;
        }
        // What is spent here is nobody else's.
        let others = if status.is_spent { &[] } else { &beside[..] };
        let found = others.iter().enumerate().find_map(|(place, list)| Some((place, equal(list)?)));
        let Some((place, found)) = found else { return Arc::new(status) };
        // Who has one has most.
        beside.swap(0, place);
        found
    };
    all.into_iter().enumerate().map(share).collect()
}

/// The output tokens that each id's charge lacks.
fn uncounted(kind: QuotaKind, spenders: &[Spender]) -> Vec<(InvocationId, f64)> {
    if !matches!(kind, QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay) {
        return Vec::new();
    }
    let lacks = spenders.iter().map(|spender| (spender.id.clone(), spender.history.uncounted_output()));
    lacks.filter(|(_, output)| *output > 0.0).collect()
}

/// What an id in use would spend if such a quota existed.
fn no_such_quota(key: &QuotaKey) -> ModelQuota {
    ModelQuota {
        key: key.clone(),
        name: String::new(),
        method: Method::Identity,
        limit: None,
        default: None,
        adjustable: None,
        state: State::NoSuchQuota,
    }
}
