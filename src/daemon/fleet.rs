//! Accounts of the plan, and the targets they become once AWS has said who they are.

use crate::aws::{Connection, Environment, Session};
use crate::model::ids::Target;
use crate::model::shard::Shard;
use crate::model::snapshot::CollectError;
use crate::plan::{AccountPlan, Credentials, Plan};
use crate::telemetry::Telemetry;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One account of the plan, with its credentials.
#[derive(Clone)]
pub(super) struct Account {
    session: Arc<Session>,
    pub(super) credentials: Credentials,
    pub(super) name: Option<String>,
    regions: Vec<String>,
    /// The account id, where the plan tells it (a role's ARN).
    pub(super) id: Option<String>,
}

/// The accounts of the plan. Only the environment is read; AWS is not asked yet. `old`: those of the plan
/// before it, whose connections are used again.
pub(super) async fn open(plan: &Plan, telemetry: &Telemetry, old: &[Account]) -> Result<Vec<Account>> {
    let all_named = plan.accounts.iter().all(|account| !account.regions.is_empty());
    let region = plan.accounts.iter().flat_map(|account| &account.regions).next().filter(|_| all_named);
    let region = region.map(String::as_str);
    let environment = match old.first() {
        Some(old) => Environment::reload(&old.session, &plan.aws, region, telemetry).await,
        None => Environment::load(&plan.aws, region, telemetry).await,
    };
    let mut accounts = Vec::new();
    for account in &plan.accounts {
        let AccountPlan { name, credentials, account_id, regions } = account;
        let regions = match (regions.is_empty(), environment.region()) {
            (false, _) => regions.clone(),
            (true, Some(region)) => vec![region],
            (true, None) => {
                bail!("no region: set `regions` in the config, or AWS_REGION, or a region in the AWS profile")
            }
        };
        let session = environment.session(credentials).await;
        accounts.push(Account {
            session,
            credentials: credentials.clone(),
            name: name.clone(),
            regions,
            id: account_id.clone(),
        });
    }
    Ok(accounts)
}

impl Account {
    /// Its targets that are in the shard. Until its id is known they stand under an empty one.
    pub(super) fn targets(&self, shard: Shard) -> Vec<Target> {
        let id = self.id.as_deref().unwrap_or("");
        let regions = self.regions.iter().filter(|_| shard.owns(id));
        regions.map(|region| Target::new(id, region)).collect()
    }

    /// Asks AWS whose credentials these are.
    pub(super) async fn identify(&self) -> std::result::Result<String, CollectError> {
        self.session.account_id(&self.regions[0]).await
    }
}

/// The clients of every target in the shard whose account is known.
pub(super) fn connections(accounts: &[Account], shard: Shard) -> BTreeMap<Target, Arc<Connection>> {
    let known = accounts.iter().filter(|account| account.id.is_some());
    let all = known.flat_map(|account| {
        account
            .targets(shard)
            .into_iter()
            .map(|target| (target.clone(), Arc::new(account.session.connect(&target))))
    });
    all.collect()
}
