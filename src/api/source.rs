//! What an answer is made of, and which targets it is about.

use super::described::described;
use crate::exposition::Export;
use crate::model::ids::Target;
use crate::model::snapshot::Snapshot;
use crate::model::state::TargetState;
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

    /// Those that the query asks for and whose quotas were not read yet: they may have what is not found.
    pub fn unread(&self, query: &Query) -> Vec<String> {
        let unread = self.targets(query).filter(|state| state.quotas.is_none());
        unread.map(|state| state.target.to_string()).collect()
    }

    /// Whether any watched target is asked for.
    pub fn has_target(&self, query: &Query) -> bool {
        self.targets(query).next().is_some()
    }
}
