//! A target's picture, understood: which id spends which quota, and how much.

use super::distribution::Distribution;
use super::spent::{Spender, Spent, day_of};
use super::{IdSpan, TargetPicture, UsageSpan};
use crate::model::burndown::burndown;
use crate::model::catalog::Catalog;
use crate::model::ids::{Endpoint, Method, QuotaKind, Scope, State, Variant};
use crate::model::matching::{Charge, Index, ModelQuota, QuotaKey, Resolution, Rules};
use crate::model::quota::QuotaList;
use crate::model::usage::Metric;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the user's config adds to the lists.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub rules: Rules,
    /// Output burndown, by base model id.
    pub burndown: BTreeMap<String, f64>,
    /// The tag of application profiles that names a team.
    pub team_tag: Option<String>,
}

/// A target's picture with the join of its lists.
pub struct Survey<'a> {
    pub picture: &'a TargetPicture,
    pub index: Index,
    pub ids: Vec<SurveyedId<'a>>,
    /// Every row that belongs to a model, and what ids in use would spend if it existed, sorted by key.
    pub quotas: Vec<Arc<ModelQuota>>,
    /// By key: places among `ids`, and weights.
    spenders: BTreeMap<QuotaKey, Vec<(usize, f64)>>,
}

/// An invocation id and what became of it.
pub struct SurveyedId<'a> {
    pub span: &'a IdSpan,
    pub resolution: Resolution,
    pub team: Option<String>,
    /// On each UTC day of the span.
    factors: Vec<Option<f64>>,
}

impl<'a> Survey<'a> {
    /// Joins the lists of a picture. What equals the lists of `other` is shared with it.
    pub fn new(picture: &'a TargetPicture, overrides: &Overrides, other: Option<&Index>) -> Survey<'a> {
        let (no_quotas, no_catalog) = (QuotaList::default(), Catalog::default());
        let quotas = picture.quotas.as_ref().unwrap_or(&no_quotas);
        let catalog = picture.catalog.as_ref().unwrap_or(&no_catalog);
        let index = Index::beside(quotas, catalog, &overrides.rules, other.into_iter());
        let spans = picture.usage.iter().flat_map(|usage| usage.ids.iter().map(move |id| (usage, id)));
        let ids: Vec<SurveyedId> = spans.map(|(usage, id)| surveyed(usage, id, &index, overrides)).collect();
        let mut spenders: BTreeMap<QuotaKey, Vec<(usize, f64)>> = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            for Charge { quota, weight, .. } in &id.resolution.charges {
                if let Some(key) = quota {
                    spenders.entry(key.clone()).or_default().push((at, *weight));
                }
            }
        }
        let unlisted = spenders.keys().filter(|key| index.quota(key).is_none());
        let unlisted = unlisted.map(|key| index.describe(key).unwrap_or_else(|| no_such_quota(key)));
        let mut quotas: Vec<Arc<ModelQuota>> = index.quotas().iter().cloned().chain(unlisted).collect();
        quotas.sort_by(|a, b| a.key.cmp(&b.key));
        Survey { picture, index, ids, quotas, spenders }
    }

    /// The base models that are listed, have a quota or are called; an id of which the model is not known is one itself.
    pub fn models(&self) -> BTreeSet<String> {
        let listed = self.picture.catalog.iter().flat_map(|catalog| catalog.models.iter().flatten());
        let quotas = self.quotas.iter().map(|quota| &*quota.key.model);
        let called = self.ids.iter().map(|id| id.resolution.model.as_deref().unwrap_or(&id.span.id.id));
        listed.map(|model| model.id.as_str()).chain(quotas).chain(called).map(String::from).collect()
    }

    pub fn usage(&self) -> Option<&'a UsageSpan> {
        self.picture.usage.as_ref()
    }

    /// How many minutes of the span no longer grow.
    pub fn settled(&self) -> usize {
        self.usage().map_or(0, UsageSpan::settled_len)
    }

    /// The ids that spend a quota, and their weights.
    pub fn spenders(&self, key: &QuotaKey) -> impl Iterator<Item = (&SurveyedId<'a>, f64)> {
        self.spenders.get(key).into_iter().flatten().map(|&(at, weight)| (&self.ids[at], weight))
    }

    pub fn is_spent(&self, key: &QuotaKey) -> bool {
        self.spenders.contains_key(key)
    }

    /// The row of a key, also one that does not exist.
    pub fn quota(&self, key: &QuotaKey) -> Option<&Arc<ModelQuota>> {
        self.quotas.binary_search_by(|quota| quota.key.cmp(key)).ok().map(|at| &self.quotas[at])
    }

    /// What is spent of a quota; `None` where usage was not read, or nothing that CloudWatch publishes
    /// measures it.
    pub fn spent(&self, key: &QuotaKey) -> Option<Spent> {
        let usage = self.usage()?;
        if self.is_unmeasurable(key) || matches!(key.kind, QuotaKind::BatchJobs | QuotaKind::ModelUnits) {
            return None;
        }
        Some(self.counted(usage, key, key.kind))
    }

    /// What the ids that spend a quota did, counted as `kind`: also where no quota limits that.
    pub fn spent_as(&self, key: &QuotaKey, kind: QuotaKind) -> Option<Spent> {
        Some(self.counted(self.usage()?, key, kind))
    }

    fn counted(&self, usage: &UsageSpan, key: &QuotaKey, kind: QuotaKind) -> Spent {
        let spender = |(id, weight): (&'_ SurveyedId<'a>, f64)| (id.span, weight, id.factors.clone());
        let spenders: Vec<_> = self.spenders(key).map(spender).collect();
        let spenders: Vec<Spender> =
            spenders.iter().map(|(id, weight, factors)| Spender { id, weight: *weight, factors }).collect();
        Spent::new(usage, kind, &spenders)
    }

    /// Whether plain calls of the runtime endpoint spend a quota.
    pub fn is_callable(&self, quota: &ModelQuota) -> bool {
        let callable = Scope::CALLED.contains(&quota.key.scope);
        quota.key.variant == Variant::Standard && quota.key.endpoint == Endpoint::Runtime && callable
    }

    /// How the settled minutes of a quota are distributed; `None` without traffic, or where it is not known.
    pub fn distribution(&self, key: &QuotaKey) -> Option<Distribution> {
        self.spent(key)?.distribution(self.settled())
    }

    /// The most that was spent of a quota in a settled minute: 0 where it is known that nothing spends it.
    pub fn peak(&self, key: &QuotaKey) -> Option<f64> {
        if self.is_spent(key) {
            return self.distribution(key).map(|distribution| distribution.max);
        }
        let counted = !matches!(key.kind, QuotaKind::BatchJobs | QuotaKind::ModelUnits);
        let nobody = self.usage().is_some() && counted && !self.is_unmeasurable(key);
        (nobody && !self.ids.iter().any(|id| id.may_spend(key))).then_some(0.0)
    }

    /// The state that holds: that of the lists, and below it whether usage can be measured at all.
    pub fn state(&self, quota: &ModelQuota) -> State {
        match quota.state {
            State::Ok if self.is_unmeasurable(&quota.key) => State::Unmeasurable,
            state => state,
        }
    }

    fn is_unmeasurable(&self, key: &QuotaKey) -> bool {
        let inseparable = matches!(key.variant, Variant::OneMillionContext | Variant::LatencyOptimized);
        let publishes = |id: &SurveyedId, metric| id.span.columns.contains_key(&metric);
        let without = |metric| {
            self.spenders(key).any(|(id, _)| publishes(id, Metric::Invocations) && !publishes(id, metric))
        };
        match key.kind {
            _ if inseparable && !self.is_spent(key) => true,
            QuotaKind::AsyncConcurrentRequests => true,
            QuotaKind::ConcurrentRequests => without(Metric::LatencyAverage),
            QuotaKind::TokensPerMinute | QuotaKind::TokensPerDay => self.spenders(key).any(|(id, _)| {
                id.factors.iter().any(Option::is_none)
                    && publishes(id, Metric::OutputTokens)
                    && !publishes(id, Metric::EstimatedTokens)
            }),
            _ => false,
        }
    }
}

impl SurveyedId<'_> {
    /// Whether it could spend a quota that it is not known to spend: its model or scope is not known.
    fn may_spend(&self, key: &QuotaKey) -> bool {
        let Resolution { model, scope, unmapped, .. } = &self.resolution;
        let same_model = model.as_ref().is_none_or(|model| *model == key.model);
        unmapped.is_some() && self.span.id.endpoint == key.endpoint && same_model && scope.is_none()
    }
}

fn surveyed<'a>(usage: &UsageSpan, span: &'a IdSpan, index: &Index, overrides: &Overrides) -> SurveyedId<'a> {
    let resolution = index.resolve(&span.id);
    let days = day_of(usage.from, usage.until) + 1;
    let noon = |day: usize| (usage.from + (day as i64) * 1440).start().day_start().plus(43_200);
    let factor = |day| burndown(resolution.model.as_deref()?, noon(day), &overrides.burndown);
    let factors = (0..days).map(factor).collect();
    let team = overrides.team_tag.as_ref().and_then(|tag| resolution.tags.get(tag)).cloned();
    SurveyedId { span, factors, team: team.filter(|team| !team.is_empty()), resolution }
}

/// What an id in use would spend if such a quota existed.
fn no_such_quota(key: &QuotaKey) -> Arc<ModelQuota> {
    Arc::new(ModelQuota {
        key: key.clone(),
        name: String::new(),
        method: Method::Identity,
        limit: None,
        default: None,
        adjustable: None,
        state: State::NoSuchQuota,
    })
}
