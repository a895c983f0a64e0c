//! What AWS must say before there are targets.

use super::account::Account;
use crate::aws::account::EnabledRegions;
use crate::model::observation::CollectError;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// Whose the credentials are, by the account's place in the plan.
    Identity(usize),
    /// Which accounts the organization has.
    Accounts,
    /// Which regions an account has enabled, by its id.
    Regions(String),
}

pub(crate) enum Answer {
    Identity(usize, Result<String, CollectError>),
    Accounts(Result<Vec<Account>, CollectError>),
    Regions(String, Result<EnabledRegions, CollectError>),
}
