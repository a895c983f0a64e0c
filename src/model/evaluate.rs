//! A target's state, held against its quotas: one `Evaluation`.

use super::burndown::burndown;
use super::evaluation::{Cause, Evaluation, IdStatus, QuotaStatus, ThrottleStatus};
use super::ids::{Endpoint, Method, QuotaKind, Scope, State, UsageSource};
use super::matching::{Charge, ModelQuota, QuotaKey, Unmapped};
use super::minutes::{Cell, closed, settled};
use super::snapshot::{Collector, Known, LimitChange, Settings, TargetState};
use super::throttling::{self, Afternoon, Refused, Share};
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, Metric};
use super::utilization::{self, Spender, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long traffic without a quota is shown after its last datapoint, in seconds.
pub(crate) const UNMAPPED_AGE: u64 = 86_400;

pub(crate) struct Evaluated {
    pub evaluation: Evaluation,
    /// Calls began to be refused below the limits known: one may have been cut.
    pub newly_refused: bool,
}

pub(crate) fn evaluate(state: &TargetState, settings: &Settings, now: Timestamp) -> Evaluated {
    let memory = &state.memory;
    let usage = Usage::new(state, settings, now);
    let mut evaluation = Evaluation {
        quotas: usage.quotas(),
        complete_until: memory.complete_until,
        newest_datapoint: memory.newest_datapoint,
        ..Evaluation::default()
    };
    let mut newly_refused = false;
    if usage.is_fresh() {
        evaluation.ids = memory.ids.iter().map(|(id, known)| usage.id(id, known)).collect();
        evaluation.unmapped = usage.unmapped();
        for ((model, scope), ids) in usage.by_model() {
            let status = usage.refusals(&evaluation.quotas, model, scope, &ids);
            newly_refused |= usage.is_new(&status) && !usage.is_at_limit(&evaluation.quotas, &ids);
            evaluation.throttling.push(status);
        }
    }
    Evaluated { evaluation, newly_refused }
}

/// The last reading of usage, and who spends what by it.
struct Usage<'a> {
    state: &'a TargetState,
    settings: &'a Settings,
    now: Timestamp,
    read_at: Timestamp,
    /// The first minute that may still grow.
    settled: Minute,
    /// The first minute too young to be used.
    closed: Minute,
    spenders: BTreeMap<&'a QuotaKey, Vec<Spender<'a>>>,
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

/// The limit, where a ratio to it means something.
fn limit(quota: &ModelQuota) -> Option<f64> {
    quota.limit.filter(|&limit| limit > 0.0)
}

fn row<'a>(quotas: &'a [QuotaStatus], key: &QuotaKey) -> Option<&'a ModelQuota> {
    let found = quotas.binary_search_by(|status| status.quota.key.cmp(key));
    found.ok().map(|i| &*quotas[i].quota)
}

/// Error counts that are 0 beside known calls even if ListMetrics has never shown them.
fn never_failed(endpoint: Endpoint) -> &'static [Metric] {
    match endpoint {
        Endpoint::Runtime => &[Metric::ClientErrors, Metric::ServerErrors],
        Endpoint::Mantle => &[Metric::ClientErrors],
    }
}

type Ids<'a> = Vec<(&'a InvocationId, &'a Known)>;

impl<'a> Usage<'a> {
    fn new(state: &'a TargetState, settings: &'a Settings, now: Timestamp) -> Usage<'a> {
        let read_at = state.memory.usage_at.unwrap_or(state.memory.since);
        let mut usage = Usage {
            state,
            settings,
            now,
            read_at,
            settled: settled(settings, read_at),
            closed: closed(settings, read_at),
            spenders: BTreeMap::new(),
        };
        for (id, known) in &state.memory.ids {
            let spender = usage.spender(id, known);
            for Charge { quota, weight, .. } in &known.resolution.charges {
                if let Some(key) = quota {
                    usage.spenders.entry(key).or_default().push(Spender { weight: *weight, ..spender });
                }
            }
        }
        usage
    }

    /// Whether usage was read, and not too long ago.
    fn is_fresh(&self) -> bool {
        self.state.memory.usage_at.is_some_and(|at| self.now.since(at) <= self.settings.usage_max_age)
    }

    fn quotas(&self) -> Vec<QuotaStatus> {
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

    fn spender(&self, id: &'a InvocationId, known: &'a Known) -> Spender<'a> {
        let model = known.resolution.model.as_ref();
        let factor = model.and_then(|model| burndown(model, self.read_at, &self.settings.burndown));
        Spender { id, history: &known.history, weight: 1.0, factor, idle: self.settings.idle_minutes() }
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
            self.compare(&mut status);
            return status;
        }
        if status.usage_source == UsageSource::None || !self.is_fresh() {
            return status;
        }
        status.charged = self.charged(key.kind, spenders);
        if spenders.is_empty() && !self.is_unspent(key) {
            return status;
        }
        let usage = |minute: &Minute| utilization::spent(key.kind, spenders, View::Settled, *minute);
        let idle = spenders.iter().all(|spender| spender.history.is_idle(spender.idle));
        if let Some(last) = self.recent(idle).rev().find(|minute| usage(minute).is_some()) {
            self.measure(&mut status, spenders, last);
        }
        status
    }

    /// A quota of which only limit and state are known.
    fn unmeasured(&self, quota: &Arc<ModelQuota>, spenders: &[Spender]) -> QuotaStatus {
        let unmeasurable = utilization::is_unmeasurable(&quota.key, spenders);
        let nothing = self.settled..self.settled;
        QuotaStatus {
            quota: quota.clone(),
            state: utilization::state(quota.state, unmeasurable),
            usage_source: match unmeasurable {
                true => UsageSource::None,
                false => utilization::source(quota.key.kind, spenders, || self.factor(&quota.key), nothing),
            },
            usage: None,
            peak: None,
            ratio: None,
            peak_ratio: None,
            above_threshold: Vec::new(),
            throttled_ratio: None,
            exhaustion: None,
            implied_burndown: None,
            charged: Vec::new(),
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
        let usage = |minute| Some((minute, utilization::spent(key.kind, spenders, View::Settled, minute)?));
        let window: Vec<(Minute, f64)> = window.filter_map(usage).collect();
        status.usage = window.last().map(|(_, usage)| *usage);
        status.peak = window.iter().map(|(_, usage)| *usage).reduce(f64::max);
        if key.kind == QuotaKind::TokensPerMinute {
            status.implied_burndown = utilization::implied_burndown(spenders, minutes);
        }
        self.compare(status);
        let Some(limit) = limit(&status.quota) else { return };
        let ratios = window.iter().map(|(minute, usage)| (minute, usage / limit));
        let throttled =
            ratios.clone().filter(|(minute, _)| spenders.iter().any(|s| s.is_throttled(**minute)));
        let seconds =
            |threshold: f64| 60 * ratios.clone().filter(|(_, ratio)| *ratio >= threshold).count() as u64;
        status.above_threshold = self.settings.thresholds.iter().map(|&t| (t, seconds(t))).collect();
        status.throttled_ratio = throttled.map(|(_, ratio)| ratio).reduce(f64::max);
        if day {
            status.exhaustion = status.usage.and_then(|usage| utilization::exhaustion(usage, limit, last));
        }
    }

    /// The settled minutes that may be shown as the newest: older ones have outlived their `max_age` since
    /// they should have been read, where one id fails while others are read.
    fn recent(&self, idle: bool) -> impl DoubleEndedIterator<Item = Minute> {
        let stretch = &self.state.memory.stretch;
        let unread = self.settings.cadence.map_or(0.0, |cadence| match idle {
            true => cadence.idle_interval as f64 * stretch.idle,
            false => cadence.normal_interval as f64 * stretch.normal,
        });
        let age = self.settings.usage_max_age + unread as u64;
        (settled(self.settings, self.read_at.minus(age)) - 1).until(self.settled)
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

    /// Whether an id had traffic within the last 24 hours.
    fn is_recent(&self, known: &Known) -> bool {
        known.history.last_datapoint.is_some_and(|minute| self.now.since(minute.end()) <= UNMAPPED_AGE)
    }

    fn charged(&self, kind: QuotaKind, spenders: &[Spender]) -> Vec<(InvocationId, f64)> {
        let charge = |spender: &Spender| {
            let total = |metric| spender.history.totals(self.settings, self.now).get(&metric).copied();
            let units = match kind {
                QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => {
                    spender.history.charged(self.settings, self.now)
                }
                QuotaKind::InputTokensPerMinute => total(Metric::InputTokens),
                QuotaKind::OutputTokensPerMinute => total(Metric::OutputTokens),
                _ => None,
            };
            Some((spender.id.clone(), spender.weight * units?))
        };
        spenders.iter().filter_map(charge).collect()
    }

    fn id(&self, id: &InvocationId, known: &Known) -> IdStatus {
        let history = &known.history;
        let minute = history.metrics().filter_map(|metric| Some((metric, self.newest(known, metric)?)));
        let mut status = IdStatus {
            id: id.clone(),
            resolution: known.resolution.clone(),
            minute: minute.collect(),
            totals: history.totals(self.settings, self.now),
            last_datapoint: history.last_datapoint.map(Minute::start),
        };
        if status.minute.contains_key(&Metric::Invocations) {
            for &metric in never_failed(id.endpoint).iter().filter(|metric| !history.publishes(**metric)) {
                status.minute.insert(metric, 0.0);
                status.totals.insert(metric, 0.0);
            }
        }
        status
    }

    /// What the newest settled minute known of a metric says.
    fn newest(&self, known: &Known, metric: Metric) -> Option<f64> {
        let history = &known.history;
        let idle = history.is_idle(self.settings.idle_minutes());
        let mut minutes = self.recent(idle).rev();
        let minute = minutes.find(|&m| history.settled_cell(metric, m) != Cell::Unknown)?;
        let cell = history.settled_cell(metric, minute);
        let idle = history.settled_cell(Metric::Invocations, minute).sum() == Some(0.0);
        let counts = metric.is_sum() && (metric != Metric::EstimatedTokens || idle);
        if counts { cell.sum() } else { cell.point() }
    }

    /// Nobody can say that an id has no quota before quotas were read, and the catalog was asked for.
    fn unmapped(&self) -> Vec<(InvocationId, Unmapped)> {
        let asked = self.state.collectors.contains_key(&Collector::Catalog);
        if self.state.quotas.is_none() || !asked {
            return Vec::new();
        }
        let ids = self.state.memory.ids.iter().filter(|(_, known)| self.is_recent(known));
        ids.filter_map(|(id, known)| Some((id.clone(), known.resolution.unmapped?))).collect()
    }

    /// The ids of the runtime endpoint by model and scope. Mantle publishes no throttles.
    fn by_model(&self) -> BTreeMap<(&'a Arc<str>, Scope), Ids<'a>> {
        let mut groups: BTreeMap<(&Arc<str>, Scope), Ids> = BTreeMap::new();
        let ids = self.state.memory.ids.iter().filter(|(id, _)| id.endpoint == Endpoint::Runtime);
        for (id, known) in ids {
            if let (Some(model), Some(scope)) = (&known.resolution.model, known.resolution.scope) {
                groups.entry((model, scope)).or_default().push((id, known));
            }
        }
        groups
    }

    fn refusals(&self, quotas: &[QuotaStatus], model: &Arc<str>, scope: Scope, ids: &Ids) -> ThrottleStatus {
        let spenders = self.spenders_of(ids);
        let unread = self.settings.cadence.map_or(0, |cadence| cadence.longest(self.settings.budget));
        let latest = (self.closed - unread.div_ceil(60) as i64).until(self.closed);
        let mut status = throttling::status(model, scope, &spenders, self.closed, latest);
        if status.throttled_seconds > 0 {
            status.cause = Some(self.cause(quotas, ids, &spenders));
        }
        status
    }

    fn spenders_of(&self, ids: &Ids<'a>) -> Vec<Spender<'a>> {
        ids.iter().map(|(id, known)| self.spender(id, known)).collect()
    }

    fn cause(&self, quotas: &[QuotaStatus], ids: &Ids, spenders: &[Spender]) -> Cause {
        let throttled = throttling::throttled_minutes(spenders, self.closed);
        let settled = throttled.filter(|minute| *minute < self.settled);
        let keys =
            ids.iter().flat_map(|(_, known)| &known.resolution.charges).filter_map(|c| c.quota.as_ref());
        throttling::cause(&Afternoon {
            refused: settled.map(|minute| self.shares(quotas, ids, View::Settled, minute)).collect(),
            throttles: throttling::seen(spenders, Metric::Throttles, self.closed),
            server_errors: throttling::seen(spenders, Metric::ServerErrors, self.closed),
            zero_quota: keys.filter_map(|key| row(quotas, key)).any(|quota| quota.state == State::Zero),
            limits_confirmed: self.state.memory.quotas_wanted.is_none(),
        })
    }

    /// Whether a limit was reached in one of the throttled minutes, settled or not.
    fn is_at_limit(&self, quotas: &[QuotaStatus], ids: &Ids) -> bool {
        let spenders = self.spenders_of(ids);
        let mut throttled = throttling::throttled_minutes(&spenders, self.closed);
        throttled.any(|minute| {
            let shares = self.shares(quotas, ids, View::Closed, minute);
            shares.requests.at_limit() || shares.tokens.at_limit()
        })
    }

    /// Whether calls are refused and the last evaluation, though it had usage, saw nothing of it.
    fn is_new(&self, status: &ThrottleStatus) -> bool {
        let before = &self.state.evaluation;
        let same = |other: &&ThrottleStatus| other.model == status.model && other.scope == status.scope;
        status.throttled_seconds > 0
            && before.complete_until.is_some()
            && before.throttling.iter().find(same).is_none_or(|t| t.throttled_seconds == 0)
    }

    /// How much of every limit that these ids spend was used in a minute.
    fn shares(&self, quotas: &[QuotaStatus], ids: &Ids, view: View, minute: Minute) -> Refused {
        let mut shares = Refused {
            requests: Share::NoLimit,
            tokens: Share::NoLimit,
            day: Share::NoLimit,
            other: Share::NoLimit,
        };
        for charge in ids.iter().flat_map(|(_, known)| &known.resolution.charges) {
            let share = match charge.kind {
                QuotaKind::RequestsPerMinute => &mut shares.requests,
                QuotaKind::TokensPerMinute => &mut shares.tokens,
                QuotaKind::TokensPerDay => &mut shares.day,
                _ => &mut shares.other,
            };
            *share = share.or(self.share(quotas, charge, view, minute));
        }
        shares
    }

    fn share(&self, quotas: &[QuotaStatus], charge: &Charge, view: View, minute: Minute) -> Share {
        let Some(key) = &charge.quota else {
            return if charge.state == State::NoSuchQuota { Share::NoLimit } else { Share::Unknown };
        };
        if key.code.is_empty() {
            return Share::NoLimit;
        }
        let limit = row(quotas, key).and_then(limit);
        let spenders = self.spenders.get(key).map_or(&[][..], Vec::as_slice);
        let usage = utilization::spent(key.kind, spenders, view, minute);
        match limit.zip(usage) {
            Some((limit, usage)) => Share::Of(usage / self.lowest_limit(&key.code, limit, minute)),
            None => Share::Unknown,
        }
    }

    /// The lowest limit that may have held in a minute: between two readings of the quotas nobody knows
    /// which of two did.
    fn lowest_limit(&self, code: &str, limit: f64, minute: Minute) -> f64 {
        let changes = self.state.memory.limit_changes.iter().rev();
        let changes = changes.filter(|change| change.code == code && change.old > 0.0);
        changes.fold(limit, |limit, LimitChange { old, after, before, .. }| {
            if minute.end() <= *after {
                *old
            } else if minute.start() < *before {
                limit.min(*old)
            } else {
                limit
            }
        })
    }
}
