//! What time alone changes of a target.

use crate::model::catalog::Catalog;
use crate::model::evaluate::UNMAPPED_AGE;
use crate::model::meter::guardrail_calls;
use crate::model::service::Answered;
use crate::model::settings::Settings;
use crate::model::state::{CatalogList, TargetState};
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
            let list = Arc::make_mut(&mut quotas.value);
            (list.requests, list.closed) = (None, Vec::new());
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
        let aged = |answer: &Answered| old(Some(answer.at), settings.service_max_age());
        if memory.service.answers.values().any(aged) {
            Arc::make_mut(&mut memory.service).answers.retain(|_, answer| !aged(answer));
        }
        if old(self.catalog.as_ref().map(|catalog| catalog.at), settings.catalog_max_age) {
            self.catalog = None;
        }
        let Some(catalog) = &mut self.catalog else {
            memory.lists_at.clear();
            return;
        };
        let lists = &mut memory.lists_at;
        let aged: Vec<CatalogList> = lists
            .iter()
            .filter(|&(_, &at)| old(Some(at), settings.catalog_max_age))
            .map(|(&list, _)| list)
            .collect();
        for list in aged {
            lists.remove(&list);
            forget(Arc::make_mut(&mut catalog.value), list);
        }
    }

    /// The next moment at which time alone changes the evaluation.
    pub(super) fn next_change(&self, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
        let memory = &self.memory;
        let gone = |at: Option<Timestamp>, max_age: u64| at.map(|at| at.plus(max_age + 1));
        let lists = memory.lists_at.values().map(|&at| gone(Some(at), settings.catalog_max_age));
        let parts =
            memory.parts.answers.values().map(|answer| gone(Some(answer.at), settings.parts_max_age()));
        let answers = memory.service.answers.values();
        let service = answers.map(|answer| gone(Some(answer.at), settings.service_max_age()));
        let refusals = memory.service.answers.get(&guardrail_calls("InvocationThrottles"));
        let refusals = refusals.map(|answer| gone(Some(answer.at), settings.usage_max_age));
        let histories = memory.ids.values().map(|known| &known.history);
        let releases = histories.clone().map(|history| history.next_release(settings));
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
        .chain(service)
        .chain(refusals)
        .chain(parts)
        .chain(releases)
        .chain(day_old)
        .flatten()
        .filter(|&at| at > now)
        .min()
    }
}

fn forget(catalog: &mut Catalog, list: CatalogList) {
    match list {
        CatalogList::Models => catalog.models = None,
        CatalogList::Profiles => catalog.profiles = None,
        CatalogList::Provisioned => catalog.provisioned = None,
        CatalogList::Deployments => catalog.deployments = None,
        CatalogList::CustomModels => catalog.custom_models = None,
        CatalogList::Imported => catalog.imported = None,
        CatalogList::BatchJobs => catalog.batch_jobs = None,
        CatalogList::Tags => catalog.tags = None,
    }
}
