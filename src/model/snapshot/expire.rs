//! What time alone changes of a target.

use super::{Settings, TargetState};
use crate::model::evaluate::UNMAPPED_AGE;
use crate::model::time::{Minute, Timestamp};
use std::sync::Arc;

impl TargetState {
    /// Lets go of what is older than its `max_age`.
    pub(super) fn expire(&mut self, settings: &Settings, now: Timestamp) {
        let memory = &mut self.memory;
        let old = |at: Option<Timestamp>, max_age: u64| at.is_some_and(|at| now.since(at) > max_age);
        if old(self.quotas.as_ref().map(|quotas| quotas.at), settings.quotas_max_age) {
            self.quotas = None;
        }
        if let Some(quotas) = &mut self.quotas
            && old(memory.requests_at, settings.quotas_max_age)
        {
            memory.requests_at = None;
            Arc::make_mut(&mut quotas.value).requests = None;
        }
        if let Some(quotas) = &mut self.quotas
            && old(memory.defaults_at, settings.quotas_max_age)
        {
            memory.defaults_at = None;
            let list = &mut Arc::make_mut(&mut quotas.value).quotas;
            list.retain(|quota| quota.listed);
            list.iter_mut().for_each(|quota| Arc::make_mut(quota).default = None);
        }
        if let Some(quotas) = &mut self.quotas
            && memory.unread.values().any(|(last, _)| old(Some(*last), settings.quotas_max_age))
        {
            for quota in &mut Arc::make_mut(&mut quotas.value).quotas {
                let unread = memory.unread.get(&quota.code);
                if let Some((_, why)) = unread.filter(|(last, _)| old(Some(*last), settings.quotas_max_age)) {
                    let quota = Arc::make_mut(quota);
                    (quota.applied, quota.error) = (None, Some(why.clone()));
                }
            }
        }
        if old(self.catalog.as_ref().map(|catalog| catalog.at), settings.catalog_max_age) {
            self.catalog = None;
        }
        let Some(catalog) = &mut self.catalog else {
            memory.lists_at = Default::default();
            return;
        };
        if memory.lists_at.iter().any(|&at| old(at, settings.catalog_max_age)) {
            let catalog = Arc::make_mut(&mut catalog.value);
            let age = |at: &mut Option<Timestamp>| {
                at.take_if(|at| now.since(*at) > settings.catalog_max_age).is_some()
            };
            let [models, profiles, provisioned, deployments, imported, batch_jobs, tags] =
                &mut memory.lists_at;
            catalog.models.take_if(|_| age(models));
            catalog.profiles.take_if(|_| age(profiles));
            catalog.provisioned.take_if(|_| age(provisioned));
            catalog.deployments.take_if(|_| age(deployments));
            catalog.imported.take_if(|_| age(imported));
            catalog.batch_jobs.take_if(|_| age(batch_jobs));
            catalog.tags.take_if(|_| age(tags));
        }
    }

    /// The next moment at which time alone changes the evaluation.
    pub(super) fn next_change(&self, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
        let memory = &self.memory;
        let gone = |at: Option<Timestamp>, max_age: u64| at.map(|at| at.plus(max_age + 1));
        let lists = memory.lists_at.iter().map(|&at| gone(at, settings.catalog_max_age));
        let histories = memory.ids.values().map(|known| &known.history);
        let releases = histories.clone().map(|history| history.next_release(settings, now));
        let day_old = histories.map(|history| gone(history.last_datapoint.map(Minute::end), UNMAPPED_AGE));
        [
            gone(self.quotas.as_ref().map(|quotas| quotas.at), settings.quotas_max_age),
            gone(memory.requests_at, settings.quotas_max_age),
            gone(memory.defaults_at, settings.quotas_max_age),
            gone(self.catalog.as_ref().map(|catalog| catalog.at), settings.catalog_max_age),
            gone(memory.usage_at, settings.usage_max_age),
        ]
        .into_iter()
        .chain(memory.unread.values().map(|(last, _)| gone(Some(*last), settings.quotas_max_age)))
        .chain(lists)
        .chain(releases)
        .chain(day_old)
        .flatten()
        .filter(|&at| at > now)
        .min()
    }
}
