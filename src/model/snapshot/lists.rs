//! A target's lists among those of others, and the join of them.

use crate::model::arn::Arn;
use crate::model::catalog::{BatchJob, Catalog, ProvisionedThroughput};
use crate::model::ids::{Method, Target};
use crate::model::matching::{IdType, Index, Resolution};
use crate::model::settings::Settings;
use crate::model::sharing;
use crate::model::state::{Memory, States, TargetState};
use crate::model::usage::{InvocationId, Observed};
use std::collections::BTreeMap;
use std::sync::Arc;

impl TargetState {
    /// Accounts have mostly the same lists: what is equal in those of others is kept once.
    pub(super) fn share(&mut self, others: &States) {
        let near = neighbours(others, &self.target);
        if let Some(Observed { value, .. }) = &mut self.quotas {
            sharing::whole(value, others.values().filter_map(|other| Some(&other.quotas.as_ref()?.value)));
            if let Some(own) = Arc::get_mut(value) {
                let lists = near.clone().filter_map(|other| other.quotas.as_ref());
                sharing::rows(&mut own.quotas, lists.map(|list| &list.value.quotas[..]));
            }
        }
        if let Some(Observed { value, .. }) = &mut self.catalog {
            sharing::whole(value, others.values().filter_map(|other| Some(&other.catalog.as_ref()?.value)));
            if let Some(Catalog { models, profiles, .. }) = Arc::get_mut(value) {
                let lists = near.filter_map(|other| other.catalog.as_ref()).map(|list| &*list.value);
                let known = lists.clone().filter_map(|list| list.models.as_deref());
                sharing::rows(models.as_deref_mut().unwrap_or_default(), known);
                let known = lists.filter_map(|list| list.profiles.as_deref());
                sharing::rows(profiles.as_deref_mut().unwrap_or_default(), known);
            }
        }
    }

    /// Joins the lists anew, unless one of `others` has joined the very same ones under these settings, and
    /// every id with them.
    pub(super) fn index(&mut self, settings: &Settings, others: &States) {
        let joined = |other: &&Arc<TargetState>| {
            self.quotas.is_some() && same(&other.quotas, &self.quotas) && same(&other.catalog, &self.catalog)
        };
        let near = neighbours(others, &self.target);
        let index = others.values().find(joined).map(|other| other.memory.index.clone());
        let catalog = self.catalog.as_ref().map(|catalog| catalog.value.clone()).unwrap_or_default();
        let index = index.unwrap_or_else(|| {
            let quotas = self.quotas.as_ref().map(|quotas| quotas.value.clone()).unwrap_or_default();
            let indices = near.clone().map(|other| &*other.memory.index);
            Arc::new(Index::beside(&quotas, &catalog, &settings.rules, indices))
        });
        for (id, known) in &mut self.memory.ids {
            let resolution = index.resolve(id);
            if !outlives_its_list(&known.resolution, &resolution, &catalog) {
                known.resolution = Arc::new(resolution);
            }
            let there = near.clone().filter_map(|other| other.memory.ids.get(id));
            sharing::whole(&mut known.resolution, there.map(|other| &other.resolution));
        }
        self.memory.batch_jobs = catalog.batch_jobs.as_ref().map(|jobs| batch_jobs(jobs, &index));
        self.memory.model_units = catalog.provisioned.as_ref().map(|all| model_units(all));
        self.memory.index = index;
    }

    /// Ids that are new since `before` mostly mean what they mean to others.
    pub(super) fn share_resolutions(&mut self, before: &Memory, others: &States) {
        let near = neighbours(others, &self.target);
        for (id, known) in self.memory.ids.iter_mut().filter(|(id, _)| !before.ids.contains_key(*id)) {
            let there = near.clone().filter_map(|other| other.memory.ids.get(id));
            sharing::whole(&mut known.resolution, there.map(|other| &other.resolution));
        }
    }
}

/// The targets whose lists are most like this one's.
pub(super) fn neighbours<'a>(
    others: &'a States,
    target: &Target,
) -> impl Iterator<Item = &'a Arc<TargetState>> + Clone + use<'a> {
    let region = target.region.clone();
    others.values().filter(move |other| other.target.region == region)
}

pub(super) fn same<T>(a: &Option<Observed<Arc<T>>>, b: &Option<Observed<Arc<T>>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(&a.value, &b.value),
        (None, None) => true,
        _ => false,
    }
}

/// Whether an id was deleted whose minutes still count: it keeps the meaning it had, since nothing else ever gets
/// its id. A list that could not be read deletes nothing, and what the user had said is no longer true.
fn outlives_its_list(old: &Resolution, new: &Resolution, catalog: &Catalog) -> bool {
    let listed = match old.id_type {
        IdType::ApplicationProfile => catalog.profiles.is_some(),
        IdType::CustomDeployment => catalog.deployments.is_some(),
        IdType::Provisioned => catalog.provisioned.is_some(),
        _ => false,
    };
    let pinned = old.charges.iter().any(|charge| charge.method == Some(Method::Override));
    listed && !pinned && old.model.is_some() && new.model.is_none()
}

/// Batch jobs in the queue or running, per base model. Those of custom models have a quota of their own.
fn batch_jobs(jobs: &[BatchJob], index: &Index) -> BTreeMap<Arc<str>, f64> {
    let mut counts = BTreeMap::new();
    for job in jobs {
        let resolution = index.resolve(&InvocationId::runtime(&job.model_id));
        let kinds = [IdType::Base, IdType::SystemProfile, IdType::ApplicationProfile];
        if let (Some(model), true) = (resolution.model, kinds.contains(&resolution.id_type)) {
            *counts.entry(model).or_default() += 1.0;
        }
    }
    counts
}

/// The most model units that one provisioned throughput of a base model has: the quotas are named "Model
/// units per provisioned model for …", so several do not add up against one.
fn model_units(provisioned: &[ProvisionedThroughput]) -> BTreeMap<Arc<str>, f64> {
    let mut units: BTreeMap<Arc<str>, f64> = BTreeMap::new();
    for throughput in provisioned.iter().filter(|p| p.status != "Failed") {
        let model = Arn::parse(&throughput.foundation_model_arn).map_or("", |arn| arn.id());
        let most = units.entry(Arc::from(model)).or_default();
        *most = most.max(throughput.model_units);
    }
    units
}
