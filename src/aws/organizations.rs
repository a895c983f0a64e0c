//! AWS Organizations: the accounts there are.

use super::client::Client;
use super::error::malformed;
use super::pages::{Pace, list};
use super::session::Session;
use crate::config::kinds::is_account_id;
use crate::model::arn::Arn;
use crate::model::observation::CollectError;
use crate::model::organization::{AccountState, Filter, Member};
use crate::model::partition;
use crate::model::time::Timestamp;
use aws_sdk_organizations::Client as Sdk;
use aws_sdk_organizations::types::Account;
use std::collections::{BTreeMap, BTreeSet};

/// AWS allows few calls a second, counted over all who ask the organization: the number is cautious.
const RATE: u32 = 4;
const ACCOUNTS: &str = "organizations:ListAccounts";
const ACCOUNTS_OF: &str = "organizations:ListAccountsForParent";
const UNITS_OF: &str = "organizations:ListOrganizationalUnitsForParent";
const TAGS: &str = "organizations:ListTagsForResource";

impl Session {
    /// The accounts that the filter lets in, by id. `region`: any of the organization's partition.
    pub async fn members(
        &self,
        filter: &Filter,
        region: &str,
        now: Timestamp,
    ) -> Result<Vec<Member>, CollectError> {
        self.wallet.renew(now).await?;
        let client = self.organizations(partition::home_of_region(region));
        let pace = Pace::new(RATE);
        let accounts = if filter.ous.is_empty() {
            list!(&pace, ACCOUNTS, client, client.list_accounts(), accounts).await?
        } else {
            below(&client, &filter.ous, &pace).await?
        };
        // An answer without any is none: all that is watched would be let go.
        if accounts.is_empty() && filter.ous.is_empty() {
            return Err(malformed(
                ACCOUNTS,
                "found no account, expected at least the one that manages the organization",
            ));
        }
        let mut members = BTreeMap::new();
        for account in accounts {
            let member = member(account)?;
            members.insert(member.id.clone(), member);
        }
        let mut taken = Vec::new();
        for member in members.into_values().filter(|member| filter.takes(member)) {
            if filter.tags.is_empty() || is_tagged(&client, &member.id, &filter.tags, &pace).await? {
                taken.push(member);
            }
        }
        Ok(taken)
    }
}

/// The accounts anywhere below these units.
async fn below(client: &Client<Sdk>, units: &[String], pace: &Pace) -> Result<Vec<Account>, CollectError> {
    let mut accounts = Vec::new();
    let mut seen: BTreeSet<String> = units.iter().cloned().collect();
    let mut left: Vec<String> = units.to_vec();
    while let Some(unit) = left.pop() {
        let call = || client.list_accounts_for_parent().parent_id(&unit);
        accounts.extend(list!(pace, ACCOUNTS_OF, client, call(), accounts).await?);
        let call = || client.list_organizational_units_for_parent().parent_id(&unit);
        let units = list!(pace, UNITS_OF, client, call(), organizational_units).await?;
        left.extend(units.into_iter().filter_map(|unit| unit.id).filter(|id| seen.insert(id.clone())));
    }
    Ok(accounts)
}

async fn is_tagged(
    client: &Client<Sdk>,
    id: &str,
    wanted: &BTreeMap<String, String>,
    pace: &Pace,
) -> Result<bool, CollectError> {
    let tags = list!(pace, TAGS, client, client.list_tags_for_resource().resource_id(id), tags).await?;
    let has = |key: &String, value: &String| tags.iter().any(|tag| (&tag.key, &tag.value) == (key, value));
    Ok(wanted.iter().all(|(key, value)| has(key, value)))
}

fn member(account: Account) -> Result<Member, CollectError> {
    let state = account.state.as_ref().map(|state| state.as_str());
    // Until September 2026 the state was called so.
    let state = state.or(account.status.as_ref().map(|status| status.as_str()));
    let partition = account.arn.as_deref().and_then(Arn::parse).map_or("aws", |arn| arn.partition);
    Ok(Member {
        name: account.name.clone().filter(|name| !name.is_empty()),
        partition: partition.to_string(),
        state: state.and_then(AccountState::from_word),
        id: account.id.filter(|id| is_account_id(id)).ok_or_else(|| {
            malformed(ACCOUNTS, format_args!("an account, {:?}, without an id of 12 digits", account.name))
        })?,
    })
}
