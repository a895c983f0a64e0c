//! `check --live`: asks AWS whether what the config wants can be done.

use crate::aws::probe::{Permission, Probed, Way};
use crate::aws::{Environment, Session};
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::organization::Member;
use crate::model::time::Timestamp;
use crate::plan::{Credentials, OrganizationPlan, Plan, Regions};
use crate::report::live::{LiveAccount, LiveCheck, LiveIdentity};
use crate::telemetry::Telemetry;
use anyhow::Result;
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Accounts that are tried at once.
const AT_ONCE: usize = 8;

/// An account that is tried.
struct Subject {
    who: String,
    session: Arc<Session>,
    /// What the credentials must be of; empty where nobody tells.
    account_id: String,
    regions: Regions,
}

/// Tries every permission of every target once. Nothing is changed by it.
pub(super) async fn check(plan: &Plan, telemetry: &Telemetry, now: Timestamp) -> Result<Vec<LiveAccount>> {
    let listed = plan.accounts.iter().flat_map(|account| account.regions.listed());
    let environment =
        Environment::load(&plan.aws, listed.into_iter().next().map(String::as_str), telemetry).await?;
    environment.check_profiles(plan).await?;
    let (mut subjects, mut found) = (Vec::new(), Vec::new());
    for account in &plan.accounts {
        let name = account.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        subjects.push(Subject {
            who: name + &account.credentials.who(),
            session: environment.session(&account.credentials).await,
            account_id: account.account_id.clone().unwrap_or_default(),
            regions: account.regions.clone(),
        });
    }
    if let Some(organization) = &plan.organization {
        let (account, members) = members(&environment, organization, now).await;
        found.push(account);
        subjects.extend(members);
    }
    subjects.retain(|subject| subject.account_id.is_empty() || plan.shard.owns(&subject.account_id));
    let reader = match &plan.monitoring {
        Some(credentials) => Some((credentials, environment.session(credentials).await)),
        None => None,
    };
    if let Some((credentials, session)) = &reader {
        let who = format!("monitoring_account: {}", credentials.who());
        let (session, regions) = (session.clone(), subjects.first().map(|subject| subject.regions.clone()));
        let regions = regions.unwrap_or(Regions::List(Vec::new()));
        let subject = Subject { who, session: session.clone(), account_id: String::new(), regions };
        let mut account = examine(subject, &USAGE, now).await;
        account.checks.extend(links(&session, &account.checks).await);
        found.push(account);
    }
    let is_wanted = |permission: &Permission| match permission {
        Permission::ListMetrics | Permission::GetMetricData => reader.is_none(),
        Permission::ListTags => plan.export.team_tag.is_some(),
        _ => true,
    };
    let permissions: Vec<Permission> = Permission::ALL.iter().copied().filter(is_wanted).collect();
    let examined = stream::iter(subjects.into_iter().map(|subject| examine(subject, &permissions, now)));
    found.extend(examined.buffered(AT_ONCE).collect::<Vec<_>>().await);
    Ok(found)
}

/// What a monitoring account needs, beside the links.
const USAGE: [Permission; 2] = [Permission::ListMetrics, Permission::GetMetricData];

/// Whether the monitoring account may know who shares metrics with it, in each region that was tried.
async fn links(session: &Session, tried: &[LiveCheck]) -> Vec<LiveCheck> {
    let regions: BTreeSet<&str> = tried.iter().map(|check| check.region.as_str()).collect();
    let mut checks = Vec::new();
    for region in regions {
        for (permission, result) in session.try_links(region).await {
            checks.push(LiveCheck {
                region: region.to_string(),
                permission,
                way: None,
                failure: result.err().map(|error| error.message),
                cost: "no usage of linked accounts: nobody knows which are linked",
            });
        }
    }
    checks
}

/// The organization's accounts, and how the listing of them went.
async fn members(
    environment: &Environment,
    plan: &OrganizationPlan,
    now: Timestamp,
) -> (LiveAccount, Vec<Subject>) {
    let session = environment.session(&plan.credentials).await;
    let region = session.region().unwrap_or_default();
    let answer = match identity(&session, now).await {
        Ok(identity) => Ok((identity, session.members(&plan.filter, &region, now).await)),
        Err(error) => Err(error.message),
    };
    let mut subjects = Vec::new();
    let (identity, checks) = match answer {
        Err(why) => (Err(why), Vec::new()),
        Ok((identity, members)) => {
            let failure = members.as_ref().err().map(|error| error.message.clone());
            for Member { id, name, partition, .. } in members.unwrap_or_default() {
                let arn = format!("arn:{partition}:iam::{id}:role/{}", plan.role);
                let credentials = Credentials::Role { arn, external_id: plan.external_id.clone() };
                subjects.push(Subject {
                    who: format!("{}: {}", name.unwrap_or_default(), credentials.who()),
                    session: environment.session(&credentials).await,
                    account_id: id,
                    regions: plan.regions.clone(),
                });
            }
            let check = LiveCheck {
                region: "the organization".to_string(),
                permission: "organizations:ListAccounts",
                way: None,
                failure,
                cost: "no account of the organization is found",
            };
            (Ok(identity), vec![check])
        }
    };
    let who = format!("organization: {}", plan.credentials.who());
    (LiveAccount { who, identity, checks }, subjects)
}

async fn identity(session: &Session, now: Timestamp) -> Result<LiveIdentity, CollectError> {
    let identity = session.identity(now).await?;
    Ok(LiveIdentity { account: identity.account, arn: identity.arn, sts: told(&identity.sts) })
}

fn told(way: &Way) -> String {
    format!("{} ({})", way.host, way.route)
}

async fn examine(subject: Subject, permissions: &[Permission], now: Timestamp) -> LiveAccount {
    let Subject { who, session, account_id, regions } = subject;
    let (identity, mut checks) = match identity(&session, now).await {
        Ok(identity) if !account_id.is_empty() && identity.account != account_id => {
            let why = format!("the credentials are of account {}, expected {account_id}", identity.account);
            return LiveAccount { who, identity: Err(why), checks: Vec::new() };
        }
        Ok(identity) => (identity, Vec::new()),
        Err(error) => return LiveAccount { who, identity: Err(error.message), checks: Vec::new() },
    };
    for region in places(&session, &identity.account, &regions, now, &mut checks).await {
        let connection = session.connect(&Target::new(&identity.account, &region));
        for &permission in permissions {
            let Probed { permission, way, result } = connection.probe(permission, now).await;
            checks.push(LiveCheck {
                region: region.clone(),
                permission: permission.word(),
                way: way.as_ref().map(told),
                failure: result.err().map(|error| error.message),
                cost: permission.cost(),
            });
        }
    }
    LiveAccount { who, identity: Ok(identity), checks }
}

/// The regions of an account; where AWS must tell them, that is a permission of its own.
async fn places(
    session: &Session,
    account_id: &str,
    regions: &Regions,
    now: Timestamp,
    checks: &mut Vec<LiveCheck>,
) -> Vec<String> {
    let own = session.region();
    match regions {
        Regions::List(list) if !list.is_empty() => list.clone(),
        Regions::List(_) => own.into_iter().collect(),
        Regions::AllEnabled => {
            let answer = session.enabled_regions(account_id, own.as_deref().unwrap_or_default(), now).await;
            checks.push(LiveCheck {
                region: "all enabled regions".to_string(),
                permission: "account:ListRegions",
                way: None,
                failure: answer.as_ref().err().map(|error| error.message.clone()),
                cost: "no region of the account is watched",
            });
            answer.map(|regions| regions.with_bedrock).unwrap_or_default()
        }
    }
}
