//! Refused calls by pool, and what is known of the limits in the minutes of refusal.

use super::spending::{Spending, limit};
use super::throttling::{self, Evidence, Refused, Share};
use super::together::{self, Suspect};
use super::utilization::{self, Spender, View};
use crate::model::evaluation::{Cause, Pool, QuotaStatus, ThrottleStatus};
use crate::model::ids::{Endpoint, QuotaKind, State};
use crate::model::matching::{Charge, ModelQuota, QuotaKey};
use crate::model::state::Known;
use crate::model::time::Minute;
use crate::model::usage::{InvocationId, Metric};
use std::collections::BTreeMap;

/// Minutes in which refusals are counted, as far as they are kept: models that began to be refused together have as
/// many.
const COUNTED: i64 = 60;

/// The invocation ids of one pool.
pub(super) type Ids<'a> = Vec<(&'a InvocationId, &'a Known)>;

impl<'a> Spending<'a> {
    /// The ids of the runtime endpoint by pool. Mantle publishes no throttles.
    pub(super) fn by_pool(&self) -> BTreeMap<Pool, Ids<'a>> {
        let mut pools: BTreeMap<Pool, Ids> = BTreeMap::new();
        let ids = self.state.memory.ids.iter().filter(|(id, _)| id.endpoint == Endpoint::Runtime);
        for (id, known) in ids {
            let pool = Pool::of(id, &known.resolution);
            pools.entry(pool).or_default().push((id, known));
        }
        pools
    }

    pub(super) fn refusals(&self, quotas: &[QuotaStatus], pool: Pool, ids: &Ids) -> ThrottleStatus {
        let spenders = self.spenders_of(ids);
        let latest = (self.closed - self.settings.unread_minutes()).until(self.closed);
        let mut status = throttling::status(pool, &spenders, (self.closed, self.ended), latest);
        if status.throttled_seconds > 0 {
            status.cause = Some(self.cause(quotas, ids, &spenders));
        }
        status
    }

    /// A pool, as it is held against the others that are refused calls.
    pub(super) fn suspect(&self, status: &ThrottleStatus, ids: &Ids) -> Suspect {
        let spenders = self.spenders_of(ids);
        let is_refused = |minute: &Minute| spenders.iter().any(|id| id.is_throttled(*minute));
        let newest = || throttling::throttled_minutes(&spenders, self.closed, self.ended);
        Suspect {
            model: status.pool.model.clone(),
            cause: status.cause.unwrap_or(Cause::Unknown),
            minutes: newest().filter(|minute| *minute < self.settled).collect(),
            count: (self.settled - COUNTED).until(self.settled).filter(is_refused).count(),
            shut_out: if status.is_refused_entirely() { newest().last() } else { None },
        }
    }

    /// Takes back "reservation" of models that are refused together.
    pub(super) fn doubt_reservations(&self, throttling: &mut [ThrottleStatus], suspects: &[Suspect]) {
        let lists = self.state.quotas.iter();
        let has_day = lists.into_iter().any(|list| together::has_cross_model_day(&list.value));
        for (status, together) in throttling.iter_mut().zip(together::together(suspects, has_day)) {
            status.together = together;
            if together > 0 {
                status.cause = Some(Cause::Unknown);
            }
        }
    }

    fn spenders_of(&self, ids: &Ids<'a>) -> Vec<Spender<'a>> {
        ids.iter().map(|(id, known)| self.spender(id, known)).collect()
    }

    fn cause(&self, quotas: &[QuotaStatus], ids: &Ids, spenders: &[Spender]) -> Cause {
        let throttled = throttling::throttled_minutes(spenders, self.closed, self.ended);
        let settled = throttled.filter(|minute| *minute < self.settled);
        let keys =
            ids.iter().flat_map(|(_, known)| &known.resolution.charges).filter_map(|c| c.quota.as_ref());
        throttling::cause(&Evidence {
            refused: settled.map(|minute| self.shares(quotas, ids, View::Settled, minute)).collect(),
            throttles: throttling::seen(spenders, Metric::Throttles, self.closed),
            server_errors: throttling::seen(spenders, Metric::ServerErrors, self.closed),
            zero_quota: keys.filter_map(|key| row(quotas, key)).any(|quota| quota.state == State::Zero),
            limits_confirmed: self.state.memory.quotas_wanted.is_none(),
        })
    }

    /// Whether a limit was reached in one of the throttled minutes, settled or not; what was used in one that is not
    /// closed is not known, so the newest that is stands for it.
    pub(super) fn is_at_limit(&self, quotas: &[QuotaStatus], ids: &Ids) -> bool {
        let spenders = self.spenders_of(ids);
        let mut throttled = throttling::throttled_minutes(&spenders, self.closed, self.ended);
        throttled.any(|minute| {
            let shares = self.shares(quotas, ids, View::Closed, minute.min(self.closed - 1));
            shares.requests.at_limit() || shares.tokens.at_limit()
        })
    }

    /// Whether calls are refused and the last evaluation, though it had usage, saw nothing of it.
    pub(super) fn is_new(&self, status: &ThrottleStatus) -> bool {
        let before = &self.state.evaluation;
        let same = |other: &&ThrottleStatus| other.pool == status.pool;
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
            Some((limit, usage)) => Share::Of(usage / self.limits_in(minute, &key.code, limit).lowest),
            None => Share::Unknown,
        }
    }
}

fn row<'a>(quotas: &'a [QuotaStatus], key: &QuotaKey) -> Option<&'a ModelQuota> {
    let found = quotas.binary_search_by(|status| status.quota.key.cmp(key));
    found.ok().map(|i| &*quotas[i].quota)
}
