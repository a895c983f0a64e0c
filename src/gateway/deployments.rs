//! What can be called, and the limits that its calls spend.

use crate::api::Place;
use crate::model::burndown::burndown;
use crate::model::catalog::{Catalog, ProfileKind};
use crate::model::ids::{QuotaKind, Scope};
use crate::model::matching::{Charge, Index};
use crate::model::time::Timestamp;
use crate::model::usage::InvocationId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The lists of a target.
pub struct Lists<'a> {
    pub place: Place,
    pub index: &'a Index,
    pub catalog: &'a Catalog,
    /// Burndowns by the user's config.
    pub burndown: &'a BTreeMap<String, f64>,
    pub at: Timestamp,
}

/// Which deployments are wanted. `None`: all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// A base model id.
    pub model: Option<String>,
    /// An invocation id: also one that no list of models or system profiles has.
    pub model_id: Option<String>,
    pub scope: Option<Scope>,
}

/// An invocation id that can be called at a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    pub place: Place,
    pub model: String,
    pub model_id: String,
    pub scope: Scope,
    pub requests_per_minute: Limit,
    pub tokens_per_minute: Limit,
    pub tokens_per_day: Limit,
    /// Output tokens count so many times; `None`: not known.
    pub burndown: Option<f64>,
    /// Other ids of the target whose calls spend one of the same quotas.
    pub shares_with: Vec<String>,
    codes: BTreeSet<Arc<str>>,
}

/// What limits calls of an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// The applied quota, in what a call of the id spends.
    Of(f64),
    /// Certainly no quota limits that.
    NoQuota,
    /// Not known, and why not.
    Unknown(String),
}

impl Limit {
    /// So much may be spent at that share; `Err`: why that is no number of 1 or more.
    pub fn at(&self, share: f64) -> Result<u64, String> {
        match self {
            Limit::Of(0.0) => Err("the quota is 0: every call is refused".to_string()),
            Limit::Of(limit) if limit * share < 1.0 => Err(format!("the share of {limit} is less than 1")),
            Limit::Of(limit) => Ok((limit * share).floor() as u64),
            Limit::NoQuota => Err("no such quota".to_string()),
            Limit::Unknown(why) => Err(format!("unknown: {why}")),
        }
    }
}

impl Deployment {
    /// The kind of a quota of it that is 0.
    pub fn zero(&self) -> Option<QuotaKind> {
        self.limits().find(|(_, limit)| **limit == Limit::Of(0.0)).map(|(kind, _)| kind)
    }

    /// The kind of a quota of which less than 1 is told at that share, and the quota.
    pub fn below_one(&self, share: f64) -> Option<(QuotaKind, f64)> {
        self.limits().find_map(|(kind, limit)| match limit {
            Limit::Of(limit) if limit * share < 1.0 => Some((kind, *limit)),
            _ => None,
        })
    }

    fn limits(&self) -> impl Iterator<Item = (QuotaKind, &Limit)> {
        let all = [
            (QuotaKind::RequestsPerMinute, &self.requests_per_minute),
            (QuotaKind::TokensPerMinute, &self.tokens_per_minute),
            (QuotaKind::TokensPerDay, &self.tokens_per_day),
        ];
        all.into_iter()
    }
}

/// What of a target is wanted, sorted by model and id.
pub fn deployments(lists: &Lists, wanted: &Wanted) -> Vec<Deployment> {
    let ids = callable(lists.catalog).into_iter().chain(wanted.model_id.as_deref());
    let ids: BTreeSet<&str> = ids.collect();
    let mut all: Vec<Deployment> = ids.into_iter().filter_map(|id| deployment(lists, id)).collect();
    tell_of_shared(&mut all);
    all.retain(|one| {
        wanted.model.as_ref().is_none_or(|model| *model == one.model)
            && wanted.model_id.as_ref().is_none_or(|id| *id == one.model_id)
            && wanted.scope.is_none_or(|scope| scope == one.scope)
    });
    all.sort_by(|a, b| (&a.model, a.scope, &a.model_id).cmp(&(&b.model, b.scope, &b.model_id)));
    all
}

/// Models that are called by their own ids, and the profiles that AWS has made. Application profiles are left out:
/// each spends the quotas of what it was copied from.
fn callable(catalog: &Catalog) -> BTreeSet<&str> {
    let on_demand = |types: &[String]| types.iter().any(|one| one == "ON_DEMAND");
    let models = catalog.models.iter().flatten().filter(|model| on_demand(&model.inference_types));
    let profiles = catalog.profiles.iter().flatten();
    let profiles = profiles.filter(|profile| profile.kind == ProfileKind::SystemDefined);
    models.map(|model| model.id.as_str()).chain(profiles.map(|profile| profile.id.as_str())).collect()
}

/// `None` for an id of which model or scope is not known.
fn deployment(lists: &Lists, id: &str) -> Option<Deployment> {
    let resolution = lists.index.resolve(&InvocationId::runtime(id));
    let (model, scope) = (resolution.model.clone()?, resolution.scope?);
    let limit = |kind| {
        let charge = resolution.charges.iter().find(|charge| charge.kind == kind);
        charge.map_or(Limit::NoQuota, |charge| limit_of(lists.index, charge))
    };
    let kinds = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute, QuotaKind::TokensPerDay];
    let spent = resolution.charges.iter().filter(|charge| kinds.contains(&charge.kind));
    let codes = spent.filter_map(|charge| charge.quota.as_ref()).map(|key| key.code.clone());
    Some(Deployment {
        place: lists.place.clone(),
        model_id: id.to_string(),
        scope,
        requests_per_minute: limit(QuotaKind::RequestsPerMinute),
        tokens_per_minute: limit(QuotaKind::TokensPerMinute),
        tokens_per_day: limit(QuotaKind::TokensPerDay),
        burndown: burndown(&model, lists.at, lists.burndown),
        shares_with: Vec::new(),
        codes: codes.filter(|code| !code.is_empty()).collect(),
        model: model.to_string(),
    })
}

fn limit_of(index: &Index, charge: &Charge) -> Limit {
    let Some(key) = &charge.quota else { return Limit::Unknown(charge.reason.clone()) };
    if key.code.is_empty() {
        return Limit::NoQuota;
    }
    match index.describe(key).and_then(|quota| quota.limit) {
        // A token that counts half lets twice as many through.
        Some(limit) => Limit::Of(limit / charge.weight),
        None => Limit::Unknown(format!("Service Quotas tells no applied value of {}", key.code)),
    }
}

fn tell_of_shared(all: &mut [Deployment]) {
    let codes: Vec<(String, BTreeSet<Arc<str>>)> =
        all.iter().map(|one| (one.model_id.clone(), one.codes.clone())).collect();
    for one in all {
        let others = codes.iter().filter(|(id, codes)| *id != one.model_id && !codes.is_disjoint(&one.codes));
        one.shares_with = others.map(|(id, _)| id.clone()).collect();
    }
}
