//! Calls that were refused, or failed for want of capacity: what a finding about them is made of.

use crate::model::evaluate::together;
use crate::model::evaluation::{Cause, Pool};
use crate::model::ids::{Endpoint, QuotaKind, Scope, Target, Variant};
use crate::model::matching::{ModelQuota, QuotaKey};
use crate::model::quota::QuotaList;
use crate::model::time::Minute;
use crate::model::usage::Metric;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a finding is about. All of it empty: the target itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// A base model; for traffic that cannot be mapped the invocation id.
    pub model: Option<Arc<str>>,
    pub scope: Option<Scope>,
    pub quota: Option<QuotaKey>,
}

impl Subject {
    pub(super) fn pool(pool: &Pool) -> Subject {
        let id = pool.id.as_ref().map(|id| Arc::from(id.id.as_ref()));
        Subject { model: id.or_else(|| pool.model.clone()), scope: pool.scope, quota: None }
    }

    pub(super) fn model(model: &Arc<str>, scope: Scope) -> Subject {
        Subject { model: Some(model.clone()), scope: Some(scope), quota: None }
    }

    /// In a few words: `model (scope), quota`; empty for the target itself.
    pub fn title(&self) -> String {
        match (&self.model, self.scope, &self.quota) {
            (Some(model), Some(scope), Some(quota)) => format!("{model} ({scope}), {}", quota.kind),
            (Some(model), Some(scope), None) => format!("{model} ({scope})"),
            (Some(model), None, _) => model.to_string(),
            (None, ..) => String::new(),
        }
    }

    pub(super) fn quota(key: &QuotaKey) -> Subject {
        Subject { quota: Some(key.clone()), ..Subject::model(&key.model, key.scope) }
    }
}

/// The calls of one model and scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub target: Target,
    pub subject: Subject,
    pub cause: Cause,
    /// So many models were refused in the same minutes, all far below their limits; 0: nothing of the kind.
    pub together: usize,
    /// The last minutes, by which alerts ring.
    pub recent: Recent,
    /// What refusals count: those of a whole span, or only those of the last minutes.
    pub extent: Extent,
    pub throttles: f64,
    /// Calls, made and refused.
    pub attempts: f64,
    pub refused_minutes: usize,
    /// The newest refused or failed minutes, in order.
    pub minutes: Vec<Instant>,
    /// Of those minutes, together.
    pub measured: Measured,
    /// The largest share of any limit in a refused minute.
    pub ceiling: Option<f64>,
    pub limits: Limits,
    pub spread: Option<Spread>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Now,
    Span,
}

/// The windows of the alerts; `None`: not known, or no calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Refused share and attempts of 5 minutes.
    pub ratio: Option<f64>,
    pub attempts: Option<f64>,
    /// Of 30 minutes.
    pub long_ratio: Option<f64>,
    pub long_attempts: Option<f64>,
    /// Of the newest refused minute alone.
    pub minute_ratio: Option<f64>,
    pub minute_attempts: Option<f64>,
    /// Refused minutes of the last 15, in seconds.
    pub throttled_seconds: u64,
    /// 5xx of 15 minutes, and calls beside them.
    pub server_errors: f64,
    pub requests: f64,
}

/// One minute of evidence. Shares are of the limits; `None`: no limit, or not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instant {
    pub minute: Minute,
    pub requests: f64,
    pub throttles: f64,
    pub server_errors: f64,
    pub requests_share: Option<f64>,
    pub tokens_share: Option<f64>,
    pub day_share: Option<f64>,
}

/// What the calls of some minutes added up to, those of which everything is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub minutes: f64,
    pub requests: f64,
    pub throttles: f64,
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
}

/// The limits that the calls spend, where they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    pub requests: Option<Limit>,
    pub tokens: Option<Limit>,
    pub day: Option<Limit>,
    /// One that is 0.
    pub zero: Option<Limit>,
}

impl Measured {
    /// What it is made of.
    pub(super) const METRICS: [Metric; 6] = [
        Metric::Invocations,
        Metric::Throttles,
        Metric::InputTokens,
        Metric::OutputTokens,
        Metric::CacheReadTokens,
        Metric::CacheWriteTokens,
    ];
}

impl Limits {
    /// Of the rows that the calls spend.
    pub fn of<'a>(rows: impl Iterator<Item = &'a ModelQuota>) -> Limits {
        let mut limits = Limits::default();
        for row in rows.filter(|row| !row.key.code.is_empty()) {
            let Some(value) = row.limit else { continue };
            let place = match row.key.kind {
                _ if value == 0.0 => &mut limits.zero,
                QuotaKind::RequestsPerMinute => &mut limits.requests,
                QuotaKind::TokensPerMinute => &mut limits.tokens,
                QuotaKind::TokensPerDay => &mut limits.day,
                _ => continue,
            };
            let limit = || Limit {
                code: row.key.code.clone(),
                value,
                default: row.default,
                adjustable: row.adjustable,
            };
            place.get_or_insert_with(limit);
        }
        limits
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub code: Arc<str>,
    pub value: f64,
    /// AWS's default.
    pub default: Option<f64>,
    pub adjustable: Option<bool>,
}

/// How calls were spread over some minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Calls, made and refused, in a minute on average.
    pub mean: f64,
    /// Minutes whose calls took at most half of the requests per minute.
    pub roomy: usize,
    pub minutes: usize,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What, in a word or two; empty where the text says it all.
    pub what: &'static str,
    /// How, with the arithmetic.
    pub how: String,
    /// A line for the shell, where one does it.
    pub command: Option<String>,
}

impl Remedy {
    /// One that no number belongs to.
    pub fn plain(how: impl Into<String>) -> Remedy {
        Remedy { what: "", how: how.into(), command: None }
    }
}

/// A place with room for calls of a model: another scope, region or account.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub model: Arc<str>,
    pub scope: Scope,
    pub target: Target,
    /// `account, region`, as a person reads it.
    pub place: String,
    pub tokens: Space,
    /// `None`: nothing limits requests, as far as is known.
    pub requests: Option<Space>,
}

/// What is left of a limit per minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Space {
    pub limit: f64,
    /// The most that was spent of it in a minute.
    pub peak: f64,
}

/// How full a limit may get in its busiest minute and still have room, as a share.
pub(super) const ROOMY: f64 = 0.5;

impl Space {
    pub fn free(&self) -> f64 {
        self.limit - self.peak
    }

    fn is_roomy(&self) -> bool {
        self.limit > 0.0 && self.peak <= ROOMY * self.limit
    }
}

/// One limit of calls of a model in one scope, as room is looked for in it.
#[derive(Clone, Copy)]
pub(super) struct Share<'a> {
    pub key: &'a QuotaKey,
    pub limit: Option<f64>,
    pub peak: Option<f64>,
}

impl Share<'_> {
    /// Whether plain calls of a model spend the quota; a row that there is not limits nothing.
    pub(super) fn is_spent_by_calls(key: &QuotaKey) -> bool {
        (Scope::CALLED.contains(&key.scope) || key.scope == Scope::Regional)
            && key.variant == Variant::Standard
            && key.endpoint == Endpoint::Runtime
            && !key.code.is_empty()
    }
}

impl Room {
    /// Those of a target, by the limits that plain calls of models spend there; `list`: its quotas.
    pub(super) fn all<'a>(
        shares: impl Iterator<Item = Share<'a>>,
        list: Option<&QuotaList>,
        target: &Target,
        place: &str,
    ) -> Vec<Room> {
        if list.and_then(together::cross_model_day).is_some_and(|row| row.limit() == Some(0.0)) {
            return Vec::new();
        }
        let (mut scopes, mut regional) = (BTreeMap::<_, Vec<Share>>::new(), BTreeMap::new());
        for share in shares {
            match share.key.scope {
                Scope::Regional => _ = regional.insert(&*share.key.model, share),
                scope => scopes.entry((&*share.key.model, scope)).or_default().push(share),
            }
        }
        let room = |((model, scope), mut limits): ((&str, Scope), Vec<Share>)| {
            // The shared day row stands for both scopes, unless one has a row of its own.
            let has_day = limits.iter().any(|share| share.key.kind == QuotaKind::TokensPerDay);
            let shares_day = matches!(scope, Scope::OnDemand | Scope::CrossRegion) && !has_day;
            limits.extend(regional.get(model).filter(|_| shares_day));
            Room::of(&limits, target, place.to_string())
        };
        scopes.into_iter().filter_map(room).collect()
    }

    /// Of the limits that the calls of one scope would spend: tokens and requests per minute must both be known to be at
    /// most half full where they are limited, and no limit of any kind may be 0.
    fn of(limits: &[Share], target: &Target, place: String) -> Option<Room> {
        let space = |share: &Share| Some(Space { limit: share.limit?, peak: share.peak? });
        let of_kind = |kind: QuotaKind| limits.iter().find(|share| share.key.kind == kind);
        let tokens = of_kind(QuotaKind::TokensPerMinute)?;
        let requests = match of_kind(QuotaKind::RequestsPerMinute) {
            Some(share) => Some(space(share).filter(Space::is_roomy)?),
            None => None,
        };
        if limits.iter().any(|share| share.limit == Some(0.0)) {
            return None;
        }
        Some(Room {
            model: tokens.key.model.clone(),
            scope: tokens.key.scope,
            target: target.clone(),
            place,
            tokens: space(tokens).filter(Space::is_roomy)?,
            requests,
        })
    }
}
