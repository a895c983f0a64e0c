//! The facts of a live snapshot: what is so now.

use super::case::{Case, Extent, Instant, Limits, Measured, ROOMY, Recent, Room, Share, Spread, Subject};
use super::facts::{Facts, Fill, UnmappedId, Unread};
use super::finding::Finding;
use super::thresholds::{DAY_RUNNING_OUT, NEAR_RATIO};
use crate::model::evaluation::{Cause, IdStatus, NEWEST_MINUTE, Pool, QuotaStatus, ThrottleStatus};
use crate::model::ids::{Endpoint, State, Target};
use crate::model::matching::Charge;
use crate::model::minutes::History;
use crate::model::observation::Collector;
use crate::model::snapshot::Snapshot;
use crate::model::state::{CollectorState, TargetState};
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric};
use crate::report::human::about;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Minutes in which refusals are evidence, and those over which calls are spread.
const EVIDENCE: i64 = 15;
const SPREAD: i64 = 30;
/// Minutes in which refusals are counted, as far as they are kept: models that began to be refused together have as
/// many.
const COUNTED: i64 = 60;

impl<'a> Facts<'a> {
    pub fn of_state(state: &'a TargetState, names: &BTreeMap<String, String>, now: Timestamp) -> Facts<'a> {
        let evaluation = &state.evaluation;
        let called = evaluation.ids.iter().filter_map(|id| id.resolution.model.as_deref());
        let requests = state.quotas.as_ref().and_then(|read| read.value.requests.as_deref());
        Facts {
            target: state.target.clone(),
            place: place(&state.target, names),
            now,
            cases: evaluation.throttling.iter().filter_map(|status| case(state, status)).collect(),
            unmapped: unmapped(state),
            fills: evaluation.quotas.iter().filter_map(|status| fill(status)).collect(),
            unread: unread(state, now),
            complete_until: evaluation.complete_until,
            catalog: state.catalog.as_ref().map(|read| &*read.value),
            requests: requests.unwrap_or_default(),
            called: called.collect(),
        }
    }
}

/// Where a model that is refused calls has room; the others are not asked for.
pub(super) fn rooms(snapshot: &Snapshot, names: &BTreeMap<String, String>, found: &[Finding]) -> Vec<Room> {
    let cases = found.iter().filter_map(|finding| finding.case.as_ref());
    let models: BTreeSet<&Arc<str>> = cases.filter_map(|case| case.subject.model.as_ref()).collect();
    if models.is_empty() {
        return Vec::new();
    }
    let mut rooms = Vec::new();
    for state in snapshot.targets.values() {
        let spent = state.evaluation.quotas.iter().filter(|status| {
            models.contains(&status.quota.key.model) && Share::is_spent_by_calls(&status.quota.key)
        });
        let shares = spent.map(|status| {
            let QuotaStatus { quota, peak, .. } = &**status;
            Share { key: &quota.key, limit: quota.limit, peak: *peak }
        });
        let list = state.quotas.as_ref().map(|read| &*read.value);
        rooms.extend(Room::all(shares, list, &state.target, &place(&state.target, names)));
    }
    rooms
}

/// Account and region, as a person reads them.
fn place(target: &Target, names: &BTreeMap<String, String>) -> String {
    let name = names.get(&*target.account_id).filter(|name| !name.is_empty());
    format!("{}, {}", name.map_or(&*target.account_id, String::as_str), target.region)
}

fn unmapped(state: &TargetState) -> Vec<UnmappedId<'_>> {
    let all = state.evaluation.unmapped.iter();
    all.map(|(id, reason)| UnmappedId { id: &id.id, reason: *reason, charges: charges(state, id) }).collect()
}

fn charges<'a>(state: &'a TargetState, id: &InvocationId) -> &'a [Charge] {
    let status = state.evaluation.ids.iter().find(|status| status.id == *id);
    status.map_or(&[][..], |status| &status.resolution.charges)
}

/// Only of what a finding may be made: a fleet has a hundred thousand quotas.
fn fill(status: &QuotaStatus) -> Option<Fill> {
    let near = status.above_threshold.iter().find(|(threshold, _)| *threshold == NEAR_RATIO);
    let near_seconds = near.map_or(0, |(_, seconds)| *seconds);
    (near_seconds > 0 || status.ratio >= Some(DAY_RUNNING_OUT)).then(|| Fill {
        key: status.quota.key.clone(),
        limit: status.quota.limit,
        near_seconds,
        peak_ratio: status.peak_ratio,
        usage: status.usage,
        ratio: status.ratio,
        exhaustion: status.exhaustion,
    })
}

fn unread(state: &TargetState, now: Timestamp) -> Option<Unread> {
    let failing: Vec<(Collector, &CollectorState)> = Collector::ALL
        .iter()
        .filter_map(|collector| Some((*collector, state.collectors.get(collector)?)))
        .filter(|(_, status)| status.last_attempt.is_some() && !status.up)
        .collect();
    let names: Vec<&str> = failing.iter().map(|(collector, _)| collector.word()).collect();
    let last = failing.iter().map(|(_, status)| status.last_success).min()?;
    let last = last.map_or("never read wholly".to_string(), |at| {
        format!("last read wholly {} ago", about(now.since(at)))
    });
    let error = failing.iter().find_map(|(_, status)| status.last_error.as_deref());
    Some(Unread { what: names.join(", "), why: format!("{}: {last}", error.unwrap_or("no error was told")) })
}

/// The value of a window, where it is known.
fn of_window(values: &[(&'static str, f64)], window: &str) -> Option<f64> {
    values.iter().find(|(name, _)| *name == window).map(|(_, value)| *value)
}

/// `None` where nothing was refused, and nothing failed.
fn case(state: &TargetState, status: &ThrottleStatus) -> Option<Case> {
    let ids: Vec<&IdStatus> = state.evaluation.ids.iter().filter(|id| is_of(id, status)).collect();
    let failed = |id: &&IdStatus| id.minute.get(Metric::ServerErrors) > Some(0.0);
    if status.throttled_seconds == 0 && !ids.iter().any(failed) {
        return None;
    }
    let minutes = Minutes::of(state, &ids);
    let recent = recent(status, &minutes);
    let refused: Vec<Minute> = minutes.last(EVIDENCE).filter(|at| minutes.is_refused(*at)).collect();
    let limits = limits(state, &ids);
    let (ratio, attempts) = (recent.long_ratio.unwrap_or(0.0), recent.long_attempts.unwrap_or(0.0));
    Some(Case {
        target: state.target.clone(),
        subject: Subject::pool(&status.pool),
        cause: status.cause.unwrap_or(if status.throttled_seconds == 0 {
            Cause::Capacity
        } else {
            Cause::Unknown
        }),
        together: status.together,
        recent,
        extent: Extent::Now,
        throttles: ratio * attempts,
        attempts,
        refused_minutes: minutes.last(COUNTED).filter(|at| minutes.is_refused(*at)).count(),
        minutes: refused.iter().map(|at| minutes.instant(*at)).collect(),
        measured: minutes.measured(&refused),
        ceiling: ceiling(state, status),
        spread: limits.requests.as_ref().and_then(|limit| minutes.spread(limit.value, recent.long_attempts)),
        limits,
    })
}

fn is_of(id: &IdStatus, status: &ThrottleStatus) -> bool {
    id.id.endpoint == Endpoint::Runtime && Pool::of(&id.id, &id.resolution) == status.pool
}

fn recent(status: &ThrottleStatus, minutes: &Minutes) -> Recent {
    // Errors of a calm id may be read some minutes later than its calls: only minutes known of both tell their share.
    let both = minutes
        .last(EVIDENCE)
        .filter_map(|at| minutes.sum(Metric::ServerErrors, at).zip(minutes.sum(Metric::Invocations, at)));
    let (server_errors, requests) = both.fold((0.0, 0.0), |(a, b), (errors, calls)| (a + errors, b + calls));
    Recent {
        ratio: of_window(&status.ratio, "5m"),
        attempts: of_window(&status.attempts, "5m"),
        long_ratio: of_window(&status.ratio, "30m"),
        long_attempts: of_window(&status.attempts, "30m"),
        minute_ratio: of_window(&status.ratio, NEWEST_MINUTE),
        minute_attempts: of_window(&status.attempts, NEWEST_MINUTE),
        throttled_seconds: status.throttled_seconds,
        server_errors,
        requests,
    }
}

fn limits(state: &TargetState, ids: &[&IdStatus]) -> Limits {
    let charges = ids.iter().flat_map(|id| &id.resolution.charges);
    let keys: BTreeSet<_> = charges.filter_map(|charge| charge.quota.as_ref()).collect();
    let quotas = &state.evaluation.quotas;
    let row = |key| quotas.binary_search_by(|status| status.quota.key.cmp(key)).ok();
    Limits::of(keys.into_iter().filter_map(row).map(|at| &*quotas[at].quota))
}

/// The largest share of any limit of the model in this scope among refused minutes.
fn ceiling(state: &TargetState, status: &ThrottleStatus) -> Option<f64> {
    let own = state.evaluation.quotas.iter().filter(|quota| {
        status.pool.is_of_model(&quota.quota.key)
            && status.pool.scope == Some(quota.quota.key.scope)
            && quota.state != State::NoSuchQuota
    });
    own.filter_map(|quota| quota.throttled_ratio).reduce(f64::max)
}

/// The minutes that are kept of some ids, added up.
struct Minutes<'a> {
    histories: Vec<&'a History>,
    /// The end of what is known of every id.
    end: Option<Minute>,
}

impl<'a> Minutes<'a> {
    fn of(state: &'a TargetState, ids: &[&IdStatus]) -> Minutes<'a> {
        let known = ids.iter().filter_map(|id| state.memory.ids.get(&id.id));
        Minutes {
            histories: known.map(|known| &*known.history).collect(),
            end: state.evaluation.complete_until.map(Timestamp::minute),
        }
    }

    fn last(&self, minutes: i64) -> impl Iterator<Item = Minute> + use<> {
        let end = self.end.unwrap_or(Minute(0));
        let start = if self.end.is_some() { end - minutes } else { end };
        start.until(end)
    }

    /// `None` if one is unknown, or may still grow: half a minute's calls would be taken for all of them.
    fn sum(&self, metric: Metric, at: Minute) -> Option<f64> {
        self.histories.iter().map(|history| history.settled_cell(metric, at).sum()).sum()
    }

    fn is_refused(&self, at: Minute) -> bool {
        self.sum(Metric::Throttles, at) > Some(0.0)
    }

    fn instant(&self, at: Minute) -> Instant {
        let sum = |metric| self.sum(metric, at).unwrap_or(f64::NAN);
        Instant {
            minute: at,
            requests: sum(Metric::Invocations),
            throttles: sum(Metric::Throttles),
            server_errors: sum(Metric::ServerErrors),
            requests_share: None,
            tokens_share: None,
            day_share: None,
        }
    }

    fn measured(&self, minutes: &[Minute]) -> Measured {
        // A minute of which something is not known would spoil the averages.
        let known: Vec<Minute> = minutes
            .iter()
            .copied()
            .filter(|at| Measured::METRICS.iter().all(|metric| self.sum(*metric, *at).is_some()))
            .collect();
        let sum = |metric| known.iter().filter_map(|at| self.sum(metric, *at)).sum();
        Measured {
            minutes: known.len() as f64,
            requests: sum(Metric::Invocations),
            throttles: sum(Metric::Throttles),
            input: sum(Metric::InputTokens),
            output: sum(Metric::OutputTokens),
            cache_read: sum(Metric::CacheReadTokens),
            cache_write: sum(Metric::CacheWriteTokens),
        }
    }

    fn spread(&self, limit: f64, attempts: Option<f64>) -> Option<Spread> {
        let known: Vec<f64> = self.last(SPREAD).filter_map(|at| self.sum(Metric::Invocations, at)).collect();
        let roomy = known.iter().filter(|calls| **calls <= ROOMY * limit).count();
        Some(Spread { mean: attempts? / SPREAD as f64, roomy, minutes: known.len() })
    }
}
