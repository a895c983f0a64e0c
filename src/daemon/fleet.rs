//! The accounts that are watched: those of the plan, those that AWS Organizations lists, and the targets they
//! become once AWS has said who they are.

mod account;
pub(crate) mod explore;
mod question;
mod questions;

use crate::aws::{Connection, Environment, Monitoring, Session};
use crate::model::arn::Arn;
use crate::model::awaited::Awaited;
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::organization::Member;
use crate::model::shard::Shard;
use crate::model::time::Timestamp;
use crate::plan::{AccountPlan, Credentials, OrganizationPlan, Plan, Regions};
use crate::telemetry::{Discovery, Telemetry};
use account::{Account, Organization, Sessions, session};
use anyhow::{Result, bail};
pub(super) use question::Answer;
use question::Question;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) struct Fleet {
    environment: Environment,
    /// Of the plan.
    sessions: Sessions,
    telemetry: Telemetry,
    shard: Shard,
    /// Seconds between two readings of accounts and of regions.
    interval: u64,
    /// Where AWS is asked of what has no region of its own.
    region: String,
    /// Those of the plan.
    configured: Vec<Account>,
    organization: Option<Organization>,
    found: Vec<Account>,
    /// Whether the organization has answered.
    listed: bool,
    /// Who reads the usage of all accounts but its own.
    monitoring: Option<(Credentials, Monitoring)>,
    connections: BTreeMap<Target, Arc<Connection>>,
    asked: BTreeSet<Question>,
    /// When to ask again; what is not here is asked at once.
    again: BTreeMap<Question, Timestamp>,
    /// What was answered last where it was no answer.
    troubles: BTreeMap<Question, CollectError>,
    /// Enabled regions that are not watched, since nobody knows whether they have Bedrock.
    passed_by: BTreeSet<String>,
}

impl Fleet {
    /// The accounts of the plan. Only the environment is read; AWS is not asked yet. `old`: the fleet of the
    /// plan before it; its HTTP client is used again, and so is what AWS said of accounts that both have.
    pub(super) async fn open(plan: &Plan, telemetry: &Telemetry, old: Option<&Fleet>) -> Result<Fleet> {
        let told = plan.accounts.iter().map(|account| &account.regions);
        let told = told.chain(plan.organization.iter().map(|organization| &organization.regions));
        let told: Vec<&[String]> = told.map(Regions::listed).collect();
        let region = told.iter().copied().flatten().next().map(String::as_str);
        let all_told = region.filter(|_| told.iter().all(|regions| !regions.is_empty()));
        let environment = match old {
            Some(old) => old.environment.reload(&plan.aws, all_told, telemetry).await?,
            None => Environment::load(&plan.aws, all_told, telemetry).await?,
        };
        environment.check_profiles(plan).await?;
        let region = region.map(String::from).or_else(|| environment.region());
        let mut fleet = Fleet {
            region: region.unwrap_or_else(|| "us-east-1".to_string()),
            environment,
            sessions: Vec::new(),
            telemetry: telemetry.clone(),
            shard: plan.shard,
            interval: plan.discovery_interval,
            configured: Vec::new(),
            organization: None,
            found: Vec::new(),
            listed: old.is_some_and(|old| old.listed),
            monitoring: None,
            connections: BTreeMap::new(),
            asked: BTreeSet::new(),
            again: BTreeMap::new(),
            troubles: BTreeMap::new(),
            passed_by: BTreeSet::new(),
        };
        for AccountPlan { name, credentials, account_id, regions } in &plan.accounts {
            let old = old.iter().flat_map(|old| &old.configured).find(|old| old.credentials == *credentials);
            let session = fleet.session(credentials).await;
            let account = Account {
                regions: fleet.regions(regions, session.region(), old)?,
                session,
                credentials: credentials.clone(),
                name: name.clone(),
                told: regions.clone(),
                // What the credentials are of by now is asked anew; until then nothing is read by those of another.
                id: account_id.clone().or_else(|| old.and_then(|old| old.id.clone())),
                is_told: account_id.is_some(),
            };
            fleet.configured.push(account);
        }
        if let Some(organization) = &plan.organization {
            fleet.join(organization, old).await?;
        }
        if let Some(credentials) = &plan.monitoring {
            let session = fleet.session(credentials).await;
            fleet.monitoring = Some((credentials.clone(), Monitoring::new(session)));
        }
        fleet.connect();
        fleet.troubles = old.map(|old| old.troubles.clone()).unwrap_or_default();
        fleet.forget_strangers();
        fleet.forget_discoveries();
        Ok(fleet)
    }

    /// Accounts that were found stay until the organization has answered anew.
    async fn join(&mut self, plan: &OrganizationPlan, old: Option<&Fleet>) -> Result<()> {
        let session = self.session(&plan.credentials).await;
        let regions = self.regions(&plan.regions, self.environment.region(), None)?;
        let organization = Organization { session, plan: Arc::new(plan.clone()), regions };
        for old in old.iter().filter(|old| old.organization.is_some()).flat_map(|old| &old.found) {
            let member = Member {
                partition: partition(&old.credentials),
                id: old.id.clone().unwrap_or_default(),
                name: old.name.clone(),
                state: None,
            };
            let account = organization.account(&self.environment, member, &self.sessions).await;
            self.found.push(account.known_as(std::slice::from_ref(old)));
        }
        self.organization = Some(organization);
        Ok(())
    }

    async fn session(&mut self, credentials: &Credentials) -> Arc<Session> {
        let session = session(&self.environment, credentials, &self.sessions).await;
        self.sessions.push((credentials.clone(), session.clone()));
        session
    }

    /// The regions of an account, as far as they are known; `old`: the account as it was before.
    /// `own`: the region of the credentials, where no other is told.
    fn regions(
        &self,
        told: &Regions,
        own: Option<String>,
        old: Option<&Account>,
    ) -> Result<Option<Vec<String>>> {
        match (told, own) {
            (Regions::AllEnabled, _) => {
                Ok(old.filter(|old| old.told == *told).and_then(|old| old.regions.clone()))
            }
            (Regions::List(list), _) if !list.is_empty() => Ok(Some(list.clone())),
            (_, Some(region)) => Ok(Some(vec![region])),
            (_, None) => {
                let why = self.environment.unread().map(|why| format!("; {why}")).unwrap_or_default();
                bail!(
                    "no region: set `regions` in the config, or AWS_REGION, or a region in the AWS profile{why}"
                )
            }
        }
    }

    /// What the plan does not ask for is not shown.
    fn forget_discoveries(&self) {
        let questions: Vec<Question> = self.questions().collect();
        if self.organization.is_none() {
            self.telemetry.undiscovered(Discovery::Accounts);
        }
        if !questions.iter().any(|question| matches!(question, Question::Regions(_))) {
            self.telemetry.undiscovered(Discovery::Regions);
        }
    }

    /// Every account; one that the plan has itself is as the plan has it.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Account> {
        let configured = |found: &&Account| self.configured.iter().any(|account| account.id == found.id);
        self.configured.iter().chain(self.found.iter().filter(move |found| !configured(found)))
    }

    /// Every target of the shard.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> {
        self.accounts().flat_map(|account| account.targets(self.shard))
    }

    /// The clients of every target of the shard whose account is known.
    pub(super) fn connections(&self) -> &BTreeMap<Target, Arc<Connection>> {
        &self.connections
    }

    /// Says of credentials that failed that nobody has them any more.
    pub(super) fn forget_unused(&self) {
        self.environment.forget_unused();
    }

    /// Whether it is known what there is to read: AWS has told the organization's accounts, or was asked in vain and
    /// the config names accounts of its own, which are not to wait for that.
    pub(super) fn is_explored(&self) -> bool {
        let asked = self.again.contains_key(&Question::Accounts);
        self.organization.is_none() || self.listed || asked && !self.configured.is_empty()
    }

    /// The clock was set back by so many seconds: what was to be asked in a while still is.
    pub(super) fn set_back(&mut self, seconds: u64) {
        for at in self.again.values_mut() {
            *at = at.minus(seconds);
        }
    }

    /// Of each of whom something must be read before the exporter is ready: every account of the plan is one, and so
    /// are the accounts of the organization together. Those of other shards are left out.
    pub(super) fn awaited(&self) -> Vec<Awaited> {
        let configured = self.configured.iter().map(|account| Awaited {
            who: account.credentials.account(),
            targets: account.targets(self.shard),
        });
        let found = self.accounts().skip(self.configured.len());
        let found = found.flat_map(|account| account.targets(self.shard)).collect();
        let found = Awaited { who: "the accounts of the organization".to_string(), targets: found };
        configured.chain([found]).filter(|awaited| !awaited.targets.is_empty()).collect()
    }

    fn connect(&mut self) {
        let mut old = std::mem::take(&mut self.connections);
        let mut monitoring = self.monitoring.take();
        let mut new = BTreeMap::new();
        for account in self.accounts().filter(|account| account.id.is_some() && account.regions.is_some()) {
            for target in account.targets(self.shard) {
                // Two entries of one account.
                if new.contains_key(&target) {
                    continue;
                }
                let connection = old.remove(&target).unwrap_or_else(|| {
                    let other = monitoring.as_mut().filter(|(own, _)| !account.has(own));
                    Arc::new(match other {
                        Some((_, monitoring)) => monitoring.connect(&account.session, &target),
                        None => account.session.connect(&target),
                    })
                });
                new.insert(target, connection);
            }
        }
        (self.connections, self.monitoring) = (new, monitoring);
    }
}

/// That of the role's ARN.
fn partition(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Role { arn, .. } => Arn::parse(arn).map_or("aws", |arn| arn.partition).to_string(),
        _ => "aws".to_string(),
    }
}
