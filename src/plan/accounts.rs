//! Which accounts are watched, with whose credentials and where.

use super::given::{Out, distinct, some, text};
use crate::config::kinds::{ROLE_NAME, role_account};
use crate::config::{self, Account, At, Complaint, Config, Login, Organization};
use crate::model::arn::Arn;
use crate::model::organization::{AccountState, Filter};
use crate::model::partition;
use std::collections::BTreeMap;

/// An account to watch: one target per region.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPlan {
    /// `account_name` of bedrock_account_info.
    pub name: Option<String>,
    pub credentials: Credentials,
    /// Where the config tells it; otherwise STS is asked. Credentials of another account are refused.
    pub account_id: Option<String>,
    pub regions: Regions,
}

/// Where an account is watched.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// None: the region that the SDK finds by itself.
    List(Vec<String>),
    /// Those with Bedrock that the account has enabled.
    AllEnabled,
}

impl Regions {
    /// Those that the config tells.
    pub fn listed(&self) -> &[String] {
        match self {
            Regions::List(regions) => regions,
            Regions::AllEnabled => &[],
        }
    }
}

/// Where further accounts are found, and how they are watched.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationPlan {
    /// Who may call AWS Organizations: its management account, or a delegated administrator.
    pub credentials: Credentials,
    /// The name of the role in each account, with its path.
    pub role: String,
    pub external_id: Option<String>,
    pub filter: Filter,
    pub regions: Regions,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// The SDK's default chain.
    Default,
    /// Assumed with the credentials of the default chain.
    Role { arn: String, external_id: Option<String> },
    /// A profile of the AWS CLI's shared config.
    Profile(String),
}

pub(super) fn accounts(config: &Config, shared: &Regions, out: Out) -> Vec<AccountPlan> {
    let current = [Account::default()];
    let alone = config.accounts.is_empty() && config.organization.is_none();
    let accounts = if alone { &current[..] } else { &config.accounts };
    let plans: Vec<AccountPlan> = accounts.iter().map(|account| account_plan(account, shared, out)).collect();
    refuse_same_targets(accounts, &plans, out);
    plans
}

fn account_plan(account: &Account, shared: &Regions, out: Out) -> AccountPlan {
    let credentials = own_credentials(&account.login, out);
    let of_role = match &credentials {
        Credentials::Role { arn, .. } => role_account(arn).map(String::from),
        _ => None,
    };
    if let (Some(At { line, value }), Some(of_role)) = (&account.account_id, &of_role)
        && value != of_role
    {
        let message = format!("found {value}, expected {of_role}, the account of role_arn, or nothing");
        out.push(Complaint::new(*line, format!("{}.account_id", account.key), message));
    }
    let account_id = text(&account.account_id).or(of_role);
    let regions = regions(&account.regions, &format!("{}.regions", account.key), shared, out);
    refuse_another_partition(&account.login, regions.listed(), out);
    AccountPlan { name: text(&account.name), credentials, account_id, regions }
}

/// The credentials that a section names. Its external id may be meant for other roles than its own.
fn credentials(login: &Login, out: Out) -> Credentials {
    if let (Some(profile), Some(_)) = (&login.profile, &login.role_arn) {
        let message = "found beside role_arn, expected only one of the two";
        out.push(Complaint::new(profile.line, format!("{}.profile", login.key), message.into()));
    }
    match (text(&login.role_arn), text(&login.profile)) {
        (Some(arn), _) => Credentials::Role { arn, external_id: text(&login.external_id) },
        (None, Some(profile)) => Credentials::Profile(profile),
        (None, None) => Credentials::Default,
    }
}

/// A role is of no use in a region of another partition.
pub(super) fn refuse_another_partition(login: &Login, regions: &[String], out: Out) {
    let (Some(At { line, .. }), Some(own)) = (&login.role_arn, role_partition(login)) else { return };
    if let Some(region) = regions.iter().find(|region| partition::of_region(region) != own) {
        let other = partition::of_region(region);
        let message =
            format!("found a role of the partition {own}, expected a role of {other}, where {region} is");
        out.push(Complaint::new(*line, format!("{}.role_arn", login.key), message));
    }
}

/// The partition of a section's role, where it has one.
pub(super) fn role_partition(login: &Login) -> Option<&str> {
    let role = login.role_arn.as_ref()?;
    Some(Arn::parse(&role.value)?.partition)
}

/// Those of [`credentials`], where an external id without a role is a mistake.
pub(super) fn own_credentials(login: &Login, out: Out) -> Credentials {
    let role = format!("{}.role_arn", login.key);
    // One that was refused is there.
    if let (Some(id), None) = (&login.external_id, &login.role_arn)
        && out.iter().all(|complaint| complaint.key != role)
    {
        let message = "found without role_arn, expected beside it";
        out.push(Complaint::new(id.line, format!("{}.external_id", login.key), message.into()));
    }
    credentials(login, out)
}

pub(super) fn organization(organization: &Organization, shared: &Regions, out: Out) -> OrganizationPlan {
    let Organization { login, include, .. } = organization;
    let role = text(&organization.assume_role).unwrap_or_else(|| {
        let key = "organization.assume_role";
        if out.iter().all(|complaint| ![key, "organization"].contains(&complaint.key.as_str())) {
            let message = format!("found none, expected {}", ROLE_NAME.expected);
            out.push(Complaint::new(organization.line, key.into(), message));
        }
        String::new()
    });
    OrganizationPlan {
        credentials: credentials(login, out),
        role,
        external_id: text(&login.external_id),
        filter: Filter {
            ous: some(&include.ous, "organization.include.ous", "id", &[], out),
            tags: include.tags.clone(),
            names: some(&include.names, "organization.include.names", "name", &[], out),
            states: some(
                &include.states,
                "organization.include.states",
                "state",
                &[AccountState::Active],
                out,
            ),
            exclude: distinct(&organization.exclude, "organization.exclude", &[], out),
        },
        regions: regions(&organization.regions, "organization.regions", shared, out),
    }
}

pub(super) fn regions(
    given: &Option<At<config::Regions>>,
    key: &str,
    default: &Regions,
    out: Out,
) -> Regions {
    match given {
        None => default.clone(),
        Some(At { value: config::Regions::AllEnabled, .. }) => Regions::AllEnabled,
        Some(At { line, value: config::Regions::List(list) }) => {
            let list = Some(At { line: *line, value: list.clone() });
            Regions::List(some(&list, key, "region", &[], out))
        }
    }
}

/// Two entries for one account and region would publish each series twice.
fn refuse_same_targets(accounts: &[Account], plans: &[AccountPlan], out: Out) {
    let flawed: Vec<String> = out.iter().map(|complaint| complaint.key.clone()).collect();
    let is_flawed = |key: &str| flawed.iter().any(|f| f.starts_with(key));
    let mut seen: BTreeMap<String, Vec<(&str, &Account)>> = BTreeMap::new();
    for (account, plan) in accounts.iter().zip(plans) {
        if is_flawed(&account.key) || account.regions.is_none() && is_flawed("regions") {
            continue;
        }
        let others = seen.entry(plan.account()).or_default();
        let overlap = |region: &str, other: &str| region == other || [region, other].contains(&ALL_ENABLED);
        for region in places(&plan.regions) {
            let first =
                others.iter().find(|(other, first)| first.key != account.key && overlap(region, other));
            if let Some((_, first)) = first {
                let found = format!("found {} in {region} again", plan.account());
                let message = format!("{found}, expected only one entry for it, as {} is", first.key);
                out.push(Complaint::new(account.line, account.key.clone(), message));
            }
            others.push((region, account));
        }
    }
}

const ALL_ENABLED: &str = "all enabled regions";

/// The regions in words.
pub(crate) fn places(regions: &Regions) -> Vec<&str> {
    match regions {
        Regions::List(list) if list.is_empty() => vec!["the SDK's own region"],
        Regions::List(list) => list.iter().map(String::as_str).collect(),
        Regions::AllEnabled => vec![ALL_ENABLED],
    }
}

impl AccountPlan {
    /// The account as far as the config tells it, for a message.
    pub fn account(&self) -> String {
        self.credentials.account()
    }
}

impl Credentials {
    /// What they are called in a message.
    pub fn who(&self) -> String {
        match self {
            Credentials::Role { arn, .. } => format!("role {arn}"),
            Credentials::Profile(profile) => format!("profile {profile}"),
            Credentials::Default => "the environment".into(),
        }
    }

    /// Their account as far as the config tells it, for a message.
    pub fn account(&self) -> String {
        match self {
            Credentials::Role { arn, .. } => format!("account {}", role_account(arn).unwrap_or(arn)),
            Credentials::Profile(profile) => format!("the account of profile {profile}"),
            Credentials::Default => "the account of the current credentials".into(),
        }
    }

    /// Whether they are of that account, as far as the config tells it.
    pub fn are_of(&self, account_id: &str) -> bool {
        matches!(self, Credentials::Role { arn, .. } if role_account(arn) == Some(account_id))
    }
}
