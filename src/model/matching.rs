//! Which quotas an invocation id spends: the join this project exists for.
//!
//! Not matching is data with a reason, never a guess: unknown is right, borrowed is wrong.

mod aliases;
mod claims;
mod identity;
mod invocation;
mod join;
mod meaning;
mod names;
mod nearest;
mod profiles;
mod resolution;
mod resolve;
mod tokens;
mod unread;
mod vocabulary;

pub use names::{Family, family};
pub use resolution::{Charge, Confidence, IdType, ModelQuota, QuotaKey, Resolution, Rules, Unmapped};

use super::catalog::Catalog;
use super::ids::{Method, QuotaKind, Scope, State, Variant};
use super::quota::{QuotaList, ServiceQuota};
use super::sharing;
use claims::Model;
use invocation::Lists;
use join::Join;
use names::Slot;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The lists of one target, joined.
#[derive(Clone, Debug, Default)]
pub struct Index {
    join: Arc<Join>,
    /// With this target's values.
    quotas: Vec<Arc<ModelQuota>>,
    /// Every row of the lists, also those that name no model, sorted by code.
    listed: Vec<Arc<ServiceQuota>>,
    lists: Arc<Lists>,
}

impl Index {
    /// Joins the lists. `rules` are the user's overrides; the shipped aliases are always applied below them.
    pub fn new(quotas: &QuotaList, catalog: &Catalog, rules: &Rules) -> Index {
        Index::beside(quotas, catalog, rules, [].into_iter())
    }

    /// The same, sharing with the indices of other targets whatever is equal in them.
    pub(crate) fn beside<'a>(
        quotas: &QuotaList,
        catalog: &Catalog,
        rules: &Rules,
        others: impl Iterator<Item = &'a Index> + Clone,
    ) -> Index {
        let mut lists = Arc::new(Lists::new(catalog));
        sharing::whole(&mut lists, others.clone().map(|other| &other.lists));
        let mut listed = quotas.quotas.clone();
        listed.sort_by(|a, b| a.code.cmp(&b.code));
        let ids = Join::ids(&lists, rules);
        let serves = |join: &&Arc<Join>| join.serves(&listed, &lists, &ids, rules);
        let join = others.clone().map(|other| &other.join).find(serves).cloned();
        let join = join.unwrap_or_else(|| Arc::new(Join::new(&listed, &lists, &ids, rules)));
        let mut index = Index { join, listed, lists, quotas: Vec::new() };
        index.quotas = index.valued(&index.join.won);
        index.add_pinned();
        index.quotas.sort_by(|a, b| a.key.cmp(&b.key));
        sharing::rows(&mut index.quotas, others.map(|other| &other.quotas[..]));
        index
    }

    /// Every row that belongs to a model the catalog lists, sorted by key, with or without usage.
    pub fn quotas(&self) -> &[Arc<ModelQuota>] {
        &self.quotas
    }

    /// Every row of the lists, sorted by code.
    pub fn rows(&self) -> &[Arc<ServiceQuota>] {
        &self.listed
    }

    /// The row of that key, if its model is listed.
    pub fn quota(&self, key: &QuotaKey) -> Option<&Arc<ModelQuota>> {
        self.quotas.binary_search_by(|q| q.key.cmp(key)).ok().map(|i| &self.quotas[i])
    }

    /// The row of any key that [`Index::resolve`] gives, also for a model that no list shows.
    /// `None` for an empty code.
    pub fn describe(&self, key: &QuotaKey) -> Option<Arc<ModelQuota>> {
        self.quota(key).cloned().or_else(|| self.rows_of(&key.model).iter().find(|q| q.key == *key).cloned())
    }

    /// The rows of one model, sorted by key. Batch jobs are held against those of scope `Batch`.
    pub fn of_model(&self, model: &str) -> &[Arc<ModelQuota>] {
        let from = self.quotas.partition_point(|q| *q.key.model < *model);
        let count = self.quotas[from..].partition_point(|q| *q.key.model == *model);
        &self.quotas[from..from + count]
    }

    /// The row of a code, whatever it limits.
    fn listed(&self, code: &str) -> Option<&ServiceQuota> {
        let found = self.listed.binary_search_by(|quota| quota.code.as_str().cmp(code));
        found.ok().map(|i| &*self.listed[i])
    }

    /// Rows with the values that this target has for them.
    fn valued(&self, rows: &[(QuotaKey, Method)]) -> Vec<Arc<ModelQuota>> {
        let valued = |(key, method): &(QuotaKey, Method)| {
            Some(Arc::new(model_quota(self.listed(&key.code)?, key.clone(), *method)))
        };
        rows.iter().filter_map(valued).collect()
    }

    /// The rows that the user pins to single invocation ids and that are no listed model's already.
    fn add_pinned(&mut self) {
        let published: BTreeSet<Arc<str>> = self.quotas.iter().map(|q| q.key.code.clone()).collect();
        let mut pinned = BTreeMap::new();
        for (id, kind, code) in self.join.rules.models.iter().flat_map(|(id, kinds)| {
            kinds.iter().filter_map(move |(kind, code)| Some((id, *kind, code.as_deref()?)))
        }) {
            if let (Some(quota), false) = (self.listed(code), published.contains(code)) {
                let meaning = self.lists.runtime(id);
                let model: Arc<str> = meaning.model.as_deref().unwrap_or(id).into();
                let standard = Slot::standard(meaning.scope.unwrap_or(Scope::OnDemand), kind);
                let slot = names::parse(&quota.name).slot.unwrap_or(standard);
                if slot.kind == kind {
                    let key = slot.key(&model, code.into());
                    let row = model_quota(quota, key, Method::Override);
                    pinned.entry(code.to_string()).or_insert(Arc::new(row));
                }
            }
        }
        self.quotas.extend(pinned.into_values());
    }

    /// Pinned to one invocation id, and so no other's.
    fn is_pinned(&self, quota: &ModelQuota) -> bool {
        quota.method == Method::Override && !self.join.rules.quotas.contains_key(&*quota.key.code)
    }

    /// The rows of a model; those of an unlisted one are read off its id.
    fn rows_of(&self, model: &str) -> Cow<'_, [Arc<ModelQuota>]> {
        if self.join.models.contains_key(model) {
            return Cow::Borrowed(self.of_model(model));
        }
        let (won, _) = self.join.of_unlisted(&Model::new(model, &self.lists));
        Cow::Owned(self.valued(&won))
    }
}

fn model_quota(quota: &ServiceQuota, key: QuotaKey, method: Method) -> ModelQuota {
    ModelQuota {
        name: quota.name.clone(),
        method,
        limit: quota.limit(),
        default: quota.default,
        adjustable: quota.adjustable,
        state: listed_state(quota, &key),
        key,
    }
}

/// The first state that holds, from the lists alone.
fn listed_state(quota: &ServiceQuota, key: &QuotaKey) -> State {
    let apart = key.kind != QuotaKind::AsyncConcurrentRequests
        && !matches!(key.variant, Variant::OneMillionContext | Variant::LatencyOptimized);
    match quota.applied {
        _ if quota.error.is_some() => State::Error,
        _ if !quota.listed => State::NotListed,
        Some(0.0) => State::Zero,
        None => State::Unknown,
        Some(_) if !apart => State::Unmeasurable,
        Some(_) => State::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{InferenceProfile, ProfileKind};
    use crate::model::usage::InvocationId;
    use crate::offline::{self, File};

    type Lists = (QuotaList, Catalog, Rules);

    fn shipped() -> Lists {
        let file = |path, content| File { path, content };
        let quotas = file("quotas", include_str!("../../data/service-quotas.json"));
        let models = file("models", include_str!("../../data/foundation-models.json"));
        let profiles = file("profiles", include_str!("../../data/inference-profiles.json"));
        let catalog = Catalog {
            models: Some(offline::models(models).unwrap()),
            profiles: Some(offline::profiles(profiles, Some("us-east-1")).unwrap()),
            ..Catalog::default()
        };
        (offline::quotas(Some(quotas), None, Some("us-east-1")).unwrap(), catalog, Rules::default())
    }

    fn change(change: impl Fn(&mut Lists)) -> Lists {
        let mut lists = shipped();
        change(&mut lists);
        lists
    }

    fn everything(index: &Index, catalog: &Catalog) -> (Vec<Arc<ModelQuota>>, Vec<Resolution>) {
        let models = catalog.models.iter().flatten().map(|model| &model.id);
        let ids = models.chain(catalog.profiles.iter().flatten().map(|profile| &profile.id));
        let resolved = ids.map(|id| index.resolve(&InvocationId::runtime(id)));
        (index.quotas().to_vec(), resolved.collect())
    }

    #[test]
    fn what_targets_share_changes_nothing_of_what_each_says() {
        let first = "L-254CACF4";
        let with = |set: fn(&mut ServiceQuota)| {
            change(|lists| {
                let row = lists.0.quotas.iter_mut().find(|row| row.code == first).unwrap();
                set(Arc::make_mut(row));
            })
        };
        let tagged = |lists: &mut Lists| {
            let like = lists.1.profiles.iter().flatten().next().unwrap().clone();
            let (id, kind) = ("abcdef012345".to_string(), ProfileKind::Application);
            let own = InferenceProfile { id, kind, ..(*like).clone() };
            lists.1.profiles.get_or_insert_default().push(Arc::new(own));
        };
        let all = [
            shipped(),
            with(|row| row.applied = Some(7.0)),
            with(|row| row.error = Some("later".to_string())),
            with(|row| row.name = "On-demand model inference requests per minute for Acme One".to_string()),
            change(|lists| lists.0.quotas.retain(|row| row.code != first)),
            change(|lists| drop(lists.1.models.as_mut().unwrap().pop())),
            change(|lists| drop(lists.2.quotas.insert(first.to_string(), None))),
            change(tagged),
        ];
        let alone: Vec<Index> = all.iter().map(|(q, c, rules)| Index::new(q, c, rules)).collect();
        for ((quotas, catalog, rules), expected) in all.iter().zip(&alone) {
            for others in [&alone[..], &[]] {
                let index = Index::beside(quotas, catalog, rules, others.iter());
                assert_eq!(everything(&index, catalog), everything(expected, catalog));
            }
        }
        let (quotas, catalog, rules) = &all[1];
        let index = Index::beside(quotas, catalog, rules, [&alone[0]].into_iter());
        assert!(Arc::ptr_eq(&index.join, &alone[0].join) && Arc::ptr_eq(&index.lists, &alone[0].lists));
        let own = index.quotas.iter().zip(&alone[0].quotas).filter(|(a, b)| !Arc::ptr_eq(a, b));
        assert_eq!(own.map(|(own, _)| &*own.key.code).collect::<Vec<_>>(), [first], "a row of its own");
    }
}
