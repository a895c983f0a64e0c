//! Which quotas an invocation id spends: the join this project exists for.
//!
//! Not matching is data with a reason, never a guess: unknown is right, borrowed is wrong.

mod aliases;
mod claims;
mod identity;
mod invocation;
mod names;
mod resolve;

pub use names::{Family, family};

use super::catalog::Catalog;
use super::ids::{Endpoint, Method, QuotaKind, Scope, State, Variant, words};
use super::quota::{QuotaList, ServiceQuota};
use claims::{Claim, Evidence, Model, Row};
use invocation::Lists;
use names::Slot;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What names alone cannot tell: the reviewed alias file, and the user's overrides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// By invocation id: the quota codes it spends; `None`: it spends none of that kind.
    pub models: BTreeMap<String, BTreeMap<QuotaKind, Option<String>>>,
    /// By quota code: the base model id whose quota the row is; `None`: no model's.
    pub quotas: BTreeMap<String, Option<String>>,
}

/// The series a model quota is published under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaKey {
    /// The base model id.
    pub model: Arc<str>,
    pub endpoint: Endpoint,
    pub scope: Scope,
    pub variant: Variant,
    pub kind: QuotaKind,
    /// Empty where no such quota exists.
    pub code: Arc<str>,
}

/// A quota row that belongs to a model of this region, so that usage can be held against it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelQuota {
    pub key: QuotaKey,
    pub name: String,
    pub method: Method,
    /// The applied value, where it can be trusted.
    pub limit: Option<f64>,
    pub default: Option<f64>,
    pub adjustable: Option<bool>,
    /// From the lists alone: `Error`, `NotListed`, `Zero`, `Unknown`, `Ok`, or `Unmeasurable` where no
    /// traffic could ever be told apart for it (asynchronous calls, 1M context, latency-optimized).
    pub state: State,
}

words! {
    /// What an invocation id is: the label `type` of bedrock_model_id_info.
    IdType {
        Base = "base",
        SystemProfile = "system_profile",
        ApplicationProfile = "application_profile",
        CustomDeployment = "custom_deployment",
        Imported = "imported",
        Provisioned = "provisioned",
        Mantle = "mantle",
        Unknown = "unknown",
    }
}

words! {
    /// How sure the model and scope of an id are: the label `confidence`.
    Confidence {
        /// The id spells them, or a live list names them.
        Exact = "exact",
        /// Read off an id of regular form that no live list shows.
        Inferred = "inferred",
        Unknown = "unknown",
    }
}

/// What became of one invocation id.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    pub id_type: IdType,
    /// The base model id, where known.
    pub model: Option<Arc<str>>,
    pub scope: Option<Scope>,
    /// The name of a profile, deployment or provisioned throughput.
    pub name: Option<String>,
    pub confidence: Confidence,
    /// Tags of an application profile.
    pub tags: BTreeMap<String, String>,
    /// One per quantity that a call of this id could spend, each matched or with the reason why not.
    pub charges: Vec<Charge>,
    /// Why no quota at all could be found for it, a word of [`unmapped`]; `None` where at least one was
    /// found, or where having none is right (provisioned throughput, imported models: no on-demand quota
    /// applies).
    pub unmapped: Option<&'static str>,
}

/// One quantity of an id, and the quota row it is charged to.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    pub kind: QuotaKind,
    /// The series; `None` where the row is unknown. A key with an empty code: certainly no such quota.
    pub quota: Option<QuotaKey>,
    /// What one unit of usage spends of the limit: 1, or 0.5 for cross-region tokens on a day row
    /// "doubled for cross-region calls".
    pub weight: f64,
    /// From the lists alone.
    pub state: State,
    pub method: Option<Method>,
    /// In words, for `explain`.
    pub reason: String,
}

/// Why no quota could be found for an id: the label `reason` of bedrock_unmapped_model.
pub mod unmapped {
    /// Its form is not known, or no list shows it.
    pub const UNKNOWN_ID: &str = "unknown_id";
    /// Neither a model list nor any quota name knows its model.
    pub const UNKNOWN_MODEL: &str = "unknown_model";
    /// Its model is known, but not whether it is called on demand, across regions or globally.
    pub const UNKNOWN_SCOPE: &str = "unknown_scope";
    /// No quota row names its model in its scope.
    pub const NO_QUOTA: &str = "no_quota";
    /// A row may be its own, but the name does not say so: it needs an override.
    pub const IRREGULAR_NAME: &str = "irregular_name";
    /// More than one row or more than one model answers to the same name.
    pub const AMBIGUOUS: &str = "ambiguous";
}

/// The lists of one target, joined.
#[derive(Clone, Debug, Default)]
pub struct Index {
    quotas: Vec<ModelQuota>,
    rows: Vec<Row>,
    claims: Vec<Claim>,
    /// Rows that name a listed model equally well in one slot.
    disputed: BTreeMap<(Arc<str>, Slot), Vec<usize>>,
    by_words: HashMap<String, Vec<usize>>,
    by_slot: HashMap<Slot, Vec<usize>>,
    /// Every row of the lists, also those that name no model.
    by_code: HashMap<String, ServiceQuota>,
    models: BTreeMap<Arc<str>, Model>,
    lists: Lists,
    rules: Rules,
}

impl Index {
    /// Joins the lists. `rules` are the user's overrides; the shipped aliases are always applied below them.
    pub fn new(quotas: &QuotaList, catalog: &Catalog, rules: &Rules) -> Index {
        let lists = Lists::new(catalog);
        let told = rules.quotas.values().flatten().cloned();
        let told = told.chain(rules.models.keys().filter_map(|id| lists.runtime(id).model));
        let ids: BTreeSet<String> = lists.models.keys().cloned().chain(told).collect();
        let models = ids.iter().map(|id| Model::new(id, &lists)).map(|model| (model.id.clone(), model));
        let models: BTreeMap<Arc<str>, Model> = models.collect();
        let rows = Row::all(quotas, &lists.providers);
        let claims = claims::claims(&rows, &models, rules);
        let by_code = quotas.quotas.iter().map(|q| (q.code.clone(), q.clone())).collect();
        let mut index =
            Index { rows, claims, by_code, models, lists, rules: rules.clone(), ..Index::default() };
        for (at, row) in index.rows.iter().enumerate() {
            index.by_words.entry(row.identity.key()).or_default().push(at);
            index.by_slot.entry(row.slot).or_default().push(at);
        }
        index.settle();
        index.add_pinned();
        index.quotas.sort_by(|a, b| a.key.cmp(&b.key));
        index
    }

    /// Every row that belongs to a model the catalog lists, sorted by key, with or without usage.
    pub fn quotas(&self) -> &[ModelQuota] {
        &self.quotas
    }

    /// The row of that key, if its model is listed.
    pub fn quota(&self, key: &QuotaKey) -> Option<&ModelQuota> {
        self.quotas.binary_search_by(|q| q.key.cmp(key)).ok().map(|i| &self.quotas[i])
    }

    /// The row of any key that [`Index::resolve`] gives, also for a model that no list shows.
    /// `None` for an empty code.
    pub fn describe(&self, key: &QuotaKey) -> Option<ModelQuota> {
        self.quota(key).cloned().or_else(|| self.rows_of(&key.model).iter().find(|q| q.key == *key).cloned())
    }

    /// The rows of one model, sorted by key. Batch jobs are held against those of scope `Batch`.
    pub fn of_model(&self, model: &str) -> &[ModelQuota] {
        let from = self.quotas.partition_point(|q| *q.key.model < *model);
        let count = self.quotas[from..].partition_point(|q| *q.key.model == *model);
        &self.quotas[from..from + count]
    }

    fn settle(&mut self) {
        let mut claimed: BTreeMap<Arc<str>, Vec<(usize, Evidence)>> = BTreeMap::new();
        for (at, claim) in self.claims.iter().enumerate() {
            if let Claim::Owned(model, evidence) = claim
                && self.models.contains_key(model)
            {
                claimed.entry(model.clone()).or_default().push((at, *evidence));
            }
        }
        for (model, rows) in claimed {
            let settled = claims::settle(&self.rows, &rows);
            let won = settled.won.iter().map(|(at, evidence)| self.model_quota(&model, *at, *evidence));
            let won: Vec<ModelQuota> = won.collect();
            self.quotas.extend(won);
            self.disputed.extend(settled.disputed.into_iter().map(|(slot, at)| ((model.clone(), slot), at)));
        }
    }

    /// The rows that the user pins to single invocation ids and that are no listed model's already.
    fn add_pinned(&mut self) {
        let published: BTreeSet<Arc<str>> = self.quotas.iter().map(|q| q.key.code.clone()).collect();
        let mut pinned = BTreeMap::new();
        for (id, kind, code) in self.rules.models.iter().flat_map(|(id, kinds)| {
            kinds.iter().filter_map(move |(kind, code)| Some((id, *kind, code.as_deref()?)))
        }) {
            if let (Some(quota), false) = (self.by_code.get(code), published.contains(code)) {
                let meaning = self.lists.runtime(id);
                let model: Arc<str> = meaning.model.as_deref().unwrap_or(id).into();
                let standard = Slot::standard(meaning.scope.unwrap_or(Scope::OnDemand), kind);
                let slot = names::parse(&quota.name).slot.unwrap_or(standard);
                if slot.kind == kind {
                    let row = model_quota(quota, &model, slot, Method::Override);
                    pinned.entry(code.to_string()).or_insert(row);
                }
            }
        }
        self.quotas.extend(pinned.into_values());
    }

    /// Pinned to one invocation id, and so no other's.
    fn is_pinned(&self, quota: &ModelQuota) -> bool {
        quota.method == Method::Override && !self.rules.quotas.contains_key(&*quota.key.code)
    }

    fn model_quota(&self, model: &Arc<str>, row: usize, evidence: Evidence) -> ModelQuota {
        let Row { quota, slot, .. } = &self.rows[row];
        model_quota(quota, model, *slot, evidence.method())
    }

    /// The rows of a model; those of an unlisted one are read off its id.
    fn rows_of(&self, model: &str) -> Cow<'_, [ModelQuota]> {
        if self.models.contains_key(model) {
            return Cow::Borrowed(self.of_model(model));
        }
        let unlisted = Model::new(model, &self.lists);
        let settled = claims::settle(&self.rows, &self.unlisted_claims(&unlisted));
        let won = settled.won.iter().map(|(at, evidence)| self.model_quota(&unlisted.id, *at, *evidence));
        Cow::Owned(won.collect())
    }

    /// Rows that no listed model has, and that name this one.
    fn unlisted_claims(&self, model: &Model) -> Vec<(usize, Evidence)> {
        let by_words = model.keys().into_iter().filter_map(|key| self.by_words.get(&key)).flatten().copied();
        let aliased = self.claims.iter().enumerate().filter_map(|(at, claim)| match claim {
            Claim::Owned(owner, _) if *owner == model.id => Some(at),
            _ => None,
        });
        let mut rows: Vec<usize> =
            by_words.filter(|at| self.claims[*at] == Claim::Free).chain(aliased).collect();
        rows.sort();
        rows.dedup();
        rows.into_iter().filter_map(|at| Some((at, model.evidence(&self.rows[at], &self.rules)?))).collect()
    }
}

fn model_quota(quota: &ServiceQuota, model: &Arc<str>, slot: Slot, method: Method) -> ModelQuota {
    let Slot { endpoint, scope, variant, kind } = slot;
    ModelQuota {
        key: QuotaKey {
            model: model.clone(),
            endpoint,
            scope,
            variant,
            kind,
            code: quota.code.as_str().into(),
        },
        name: quota.name.clone(),
        method,
        limit: quota.limit(),
        default: quota.default,
        adjustable: quota.adjustable,
        state: listed_state(quota, slot),
    }
}

/// The first state that holds, from the lists alone.
fn listed_state(quota: &ServiceQuota, slot: Slot) -> State {
    let apart = slot.kind != QuotaKind::AsyncConcurrentRequests
        && !matches!(slot.variant, Variant::OneMillionContext | Variant::LatencyOptimized);
    match quota.applied {
        _ if quota.error.is_some() => State::Error,
        _ if !quota.listed => State::NotListed,
        Some(0.0) => State::Zero,
        None => State::Unknown,
        Some(_) if !apart => State::Unmeasurable,
        Some(_) => State::Ok,
    }
}
