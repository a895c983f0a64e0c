//! What an answer is made of, and which targets it is about.

use super::described::described;
use crate::exposition::Export;
use crate::model::ids::Target;
use crate::model::matching::{Confidence, Resolution};
use crate::model::observation::Collector;
use crate::model::snapshot::Snapshot;
use crate::model::state::TargetState;
use crate::model::usage::InvocationId;
use std::sync::Arc;

/// What an answer is made of.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub snapshot: &'a Snapshot,
    pub export: &'a Export,
}

/// Which targets are asked for, and what of them. `None`: all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// An account id, or the name that the config gives it.
    pub account: Option<String>,
    pub region: Option<String>,
    /// A base model id.
    pub model: Option<String>,
    /// An invocation id, as CloudWatch spells it: it stands for the quotas that its calls spend.
    pub model_id: Option<String>,
    pub scope: Option<String>,
}

described! {
    /// Where something is.
    Place {
        account_id: String,
        /// The account id where it has no name.
        account_name: String,
        region: String,
    }
}

described! {
    /// A target of which not all was read that an answer is made of: there may be more of it, or other numbers.
    Unread {
        #[serde(flatten)]
        place: Place,
        /// `quotas` or `usage`, or both, each with the last error where there was one.
        why: String,
    }
}

impl<'a> Source<'a> {
    /// Where a target is, with the account's name.
    pub fn place(&self, target: &Target) -> Place {
        let account_name = self.account_name(target).unwrap_or(&target.account_id);
        Place {
            account_id: target.account_id.to_string(),
            account_name: account_name.to_string(),
            region: target.region.to_string(),
        }
    }

    fn account_name(&self, target: &Target) -> Option<&'a str> {
        let name = self.export.account_names.get(&*target.account_id).map(String::as_str);
        name.filter(|name| !name.is_empty())
    }

    /// The targets that the query asks for.
    pub fn targets(&self, query: &Query) -> impl Iterator<Item = &'a Arc<TargetState>> {
        self.snapshot.targets.values().filter(move |state| self.is_asked_for(&state.target, query))
    }

    pub(super) fn is_asked_for(&self, target: &Target, query: &Query) -> bool {
        let is_account = |account: &String| {
            **account == *target.account_id || self.account_name(target) == Some(account.as_str())
        };
        query.account.as_ref().is_none_or(is_account)
            && query.region.as_ref().is_none_or(|region| **region == *target.region)
    }

    /// Those that the query asks for and of which not all of this was read.
    pub fn unread(&self, query: &Query, needs: &[Collector]) -> Vec<Unread> {
        let unread = self.targets(query).filter_map(|state| {
            let missing = needs.iter().filter(|collector| !is_read(state, **collector));
            let missing: Vec<String> = missing.map(|collector| why_unread(state, *collector)).collect();
            let place = || self.place(&state.target);
            (!missing.is_empty()).then(|| Unread { place: place(), why: missing.join("; ") })
        });
        unread.collect()
    }

    /// Whether all of this was read of any target that the query asks for.
    pub fn is_any_read(&self, query: &Query, needs: &[Collector]) -> bool {
        self.targets(query).any(|state| needs.iter().all(|collector| is_read(state, *collector)))
    }

    /// Whether the query's model and invocation id are known, or may be: a list that was not read may name them.
    pub fn may_know(&self, query: &Query) -> bool {
        self.targets(query).any(|state| {
            !Collector::ALL.iter().all(|collector| is_read(state, *collector))
                || (query.model.as_deref().is_none_or(|model| is_model(state, model))
                    && query.model_id.as_deref().is_none_or(|id| is_id(state, id)))
        })
    }

    /// Whether any watched target is asked for.
    pub fn has_target(&self, query: &Query) -> bool {
        self.targets(query).next().is_some()
    }
}

fn is_read(state: &TargetState, collector: Collector) -> bool {
    match collector {
        Collector::Quotas => state.quotas.is_some(),
        Collector::Catalog => state.catalog.as_ref().is_some_and(|read| read.value.models.is_some()),
        Collector::Usage => state.evaluation.usage_known,
    }
}

fn why_unread(state: &TargetState, collector: Collector) -> String {
    let error = state.collectors.get(&collector).and_then(|status| status.last_error.as_deref());
    format!("{collector}: {}", error.unwrap_or("not read yet"))
}

/// Whether a list, a quota or a call names the base model.
fn is_model(state: &TargetState, model: &str) -> bool {
    let listed = state.catalog.iter().flat_map(|read| read.value.models.iter().flatten());
    listed.into_iter().any(|listed| listed.id == model)
        || state.evaluation.quotas.iter().any(|status| *status.quota.key.model == *model)
        || state.evaluation.ids.iter().any(|status| status.resolution.model.as_deref() == Some(model))
}

/// Whether the invocation id was called, or what it means stands in a list or in the config. Whatever has the form
/// of an id means something by its form alone.
fn is_id(state: &TargetState, id: &str) -> bool {
    let is_told = |resolution: Resolution| {
        let mut codes = resolution.charges.iter().filter_map(|charge| charge.quota_code());
        resolution.confidence == Confidence::Exact || codes.any(|code| !code.is_empty())
    };
    let index = &state.memory.index;
    state.evaluation.ids.iter().any(|status| *status.id.id == *id)
        || is_told(index.resolve(&InvocationId::runtime(id)))
        || is_told(index.resolve(&InvocationId::mantle(id)))
}
