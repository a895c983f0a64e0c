//! The accounts that are watched: those of the plan, those that AWS Organizations lists, and the targets they
//! become once AWS has said who they are.

use crate::aws::{Connection, Environment, Session};
use crate::model::ids::Target;
use crate::model::organization::Member;
use crate::model::shard::Shard;
use crate::model::snapshot::CollectError;
use crate::model::time::Timestamp;
use crate::plan::{AccountPlan, Credentials, OrganizationPlan, Plan};
use crate::telemetry::{Discovery, Telemetry};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

/// Seconds between attempts to learn what there is to watch, and to learn it anew.
const RETRY: u64 = 30;
const RETRY_KNOWN: u64 = 300;

/// One account, with its credentials.
#[derive(Clone)]
pub(super) struct Account {
    session: Session,
    credentials: Credentials,
    pub(super) name: Option<String>,
    regions: Vec<String>,
    /// The account id, where the plan or the organization tells it.
    pub(super) id: Option<String>,
}

pub(super) struct Fleet {
    environment: Environment,
    telemetry: Telemetry,
    shard: Shard,
    /// Those of the plan.
    configured: Vec<Account>,
    organization: Option<Organization>,
    /// Those of the organization that the plan does not have.
    found: Vec<Account>,
    connections: BTreeMap<Target, Arc<Connection>>,
    asked: BTreeSet<Question>,
    /// When to ask again; what is not here is asked at once.
    again: BTreeMap<Question, Timestamp>,
    /// What was answered last where it was no answer.
    troubles: BTreeMap<Question, CollectError>,
}

#[derive(Clone)]
struct Organization {
    plan: Arc<OrganizationPlan>,
    session: Session,
    regions: Vec<String>,
}

/// What AWS must say before there are targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// Whose the credentials are, by the account's place in the plan.
    Identity(usize),
    /// Which accounts the organization has.
    Accounts,
}

pub(super) enum Answer {
    Identity(usize, std::result::Result<String, CollectError>),
    Accounts(std::result::Result<Vec<Account>, CollectError>),
}

impl Fleet {
    /// The accounts of the plan. Only the environment is read; AWS is not asked yet. `old`: the fleet of the
    /// plan before it; its HTTP client is used again, and so is what AWS said of accounts that both have.
    pub(super) async fn open(plan: &Plan, telemetry: &Telemetry, old: Option<&Fleet>) -> Result<Fleet> {
        let told = plan.accounts.iter().map(|account| &account.regions);
        let told = told.chain(plan.organization.iter().map(|organization| &organization.regions));
        let region =
            told.clone().flatten().next().filter(|_| told.clone().all(|regions| !regions.is_empty()));
        let region = region.map(String::as_str);
        let environment = match old {
            Some(old) => old.environment.reload(&plan.aws, region, telemetry).await,
            None => Environment::load(&plan.aws, region, telemetry).await,
        };
        let mut fleet = Fleet {
            environment,
            telemetry: telemetry.clone(),
            shard: plan.shard,
            configured: Vec::new(),
            organization: None,
            found: Vec::new(),
            connections: BTreeMap::new(),
            asked: BTreeSet::new(),
            again: BTreeMap::new(),
            troubles: BTreeMap::new(),
        };
        for AccountPlan { name, credentials, account_id, regions } in &plan.accounts {
            let same = old.iter().flat_map(|old| &old.configured).find(|old| old.credentials == *credentials);
            let account = Account {
                session: fleet.environment.session(credentials).await,
                credentials: credentials.clone(),
                name: name.clone(),
                regions: fleet.regions(regions)?,
                id: account_id.clone().or_else(|| same.and_then(|old| old.id.clone())),
            };
            fleet.configured.push(account);
        }
        if let Some(organization) = &plan.organization {
            fleet.join(organization, old).await?;
        }
        fleet.connect();
        if plan.organization.is_none() {
            telemetry.undiscovered(Discovery::Accounts);
        }
        Ok(fleet)
    }

    /// Accounts that were found stay until the organization has answered anew.
    async fn join(&mut self, plan: &OrganizationPlan, old: Option<&Fleet>) -> Result<()> {
        let organization = Organization {
            session: self.environment.session(&plan.credentials).await,
            regions: self.regions(&plan.regions)?,
            plan: Arc::new(plan.clone()),
        };
        let known = old.filter(|old| old.organization.is_some()).map(|old| old.found.clone());
        for account in known.unwrap_or_default() {
            let member = Member {
                partition: partition(&account.credentials),
                id: account.id.unwrap_or_default(),
                name: account.name,
                state: None,
            };
            self.found.push(organization.account(&self.environment, member, &[]).await);
        }
        self.organization = Some(organization);
        Ok(())
    }

    fn regions(&self, told: &[String]) -> Result<Vec<String>> {
        match (told.is_empty(), self.environment.region()) {
            (false, _) => Ok(told.to_vec()),
            (true, Some(region)) => Ok(vec![region]),
            (true, None) => {
                bail!("no region: set `regions` in the config, or AWS_REGION, or a region in the AWS profile")
            }
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

    /// Whether AWS has been asked for every list of accounts, whatever it said.
    pub(super) fn is_explored(&self) -> bool {
        self.organization.is_none() || self.again.contains_key(&Question::Accounts)
    }

    fn connect(&mut self) {
        let mut old = std::mem::take(&mut self.connections);
        let mut new = BTreeMap::new();
        for account in self.accounts().filter(|account| account.id.is_some()) {
            for target in account.targets(self.shard) {
                let connection = old.remove(&target);
                let connection = connection.unwrap_or_else(|| Arc::new(account.session.connect(&target)));
                new.insert(target, connection);
            }
        }
        self.connections = new;
    }

    fn questions(&self) -> impl Iterator<Item = Question> {
        let unknown = self.configured.iter().enumerate().filter(|(_, account)| account.id.is_none());
        let accounts = self.organization.as_ref().map(|_| Question::Accounts);
        unknown.map(|(number, _)| Question::Identity(number)).chain(accounts)
    }

    /// The questions that nobody asks at the moment, each with its time.
    fn unasked(&self) -> impl Iterator<Item = (Timestamp, Question)> {
        let unasked = self.questions().filter(|question| !self.asked.contains(question));
        unasked.map(|question| (self.again.get(&question).copied().unwrap_or_default(), question))
    }

    /// When to ask next.
    pub(super) fn next_question(&self) -> Option<Timestamp> {
        self.unasked().map(|(at, _)| at).min()
    }

    /// Asks what is due.
    pub(super) fn ask(&mut self, now: Timestamp) -> Vec<impl Future<Output = Answer> + Send + 'static> {
        let due: Vec<Question> = self.unasked().filter(|(at, _)| *at <= now).map(|(_, q)| q).collect();
        self.asked.extend(&due);
        due.into_iter().map(|question| self.asking(question)).collect()
    }

    fn asking(&self, question: Question) -> impl Future<Output = Answer> + Send + 'static {
        let account = match question {
            Question::Identity(number) => self.configured.get(number).cloned(),
            Question::Accounts => None,
        };
        let (organization, environment) = (self.organization.clone(), self.environment.clone());
        let found = self.found.clone();
        async move {
            match (question, account, organization) {
                (Question::Identity(number), Some(account), _) => {
                    Answer::Identity(number, account.session.account_id(&account.regions[0]).await)
                }
                (_, _, Some(organization)) => {
                    Answer::Accounts(organization.accounts(&environment, found).await)
                }
                _ => Answer::Accounts(Ok(found)),
            }
        }
    }

    /// Takes an answer in; returns what failed to become known, as the target that it stands at.
    pub(super) fn learn(&mut self, answer: Answer, now: Timestamp) -> Vec<(Target, CollectError)> {
        match answer {
            Answer::Identity(number, answer) => {
                self.asked.remove(&Question::Identity(number));
                self.again.insert(Question::Identity(number), now.plus(RETRY));
                let account = &mut self.configured[number];
                match answer {
                    Ok(id) => {
                        tracing::info!(account_id = id, "credentials identified");
                        self.connections.retain(|target, _| *target.account_id != *id);
                        account.id = Some(id);
                        self.connect();
                        Vec::new()
                    }
                    Err(error) => account
                        .targets(self.shard)
                        .into_iter()
                        .map(|target| (target, error.clone()))
                        .collect(),
                }
            }
            Answer::Accounts(answer) => {
                self.learn_accounts(answer, now);
                Vec::new()
            }
        }
    }

    /// A list that could not be read changes nothing.
    fn learn_accounts(&mut self, answer: std::result::Result<Vec<Account>, CollectError>, now: Timestamp) {
        let question = Question::Accounts;
        self.asked.remove(&question);
        let interval = self.organization.as_ref().map_or(RETRY, |organization| organization.plan.interval);
        self.telemetry.discovered(Discovery::Accounts, answer.as_ref().err().map(|error| error.class));
        match answer {
            Ok(found) => {
                self.again.insert(question, now.plus(interval));
                if self.troubles.remove(&question).is_some() {
                    tracing::info!("the accounts of the organization are read again");
                }
                tell_changes(&self.found, &found);
                self.found = found;
                self.connect();
            }
            Err(error) => {
                let retry = if self.found.is_empty() { RETRY } else { RETRY_KNOWN };
                self.again.insert(question, now.plus(interval.min(retry)));
                let CollectError { class, message } = &error;
                if self.troubles.get(&question).is_none_or(|told| told.class != error.class) {
                    let known = self.found.len();
                    tracing::warn!(%class, error = message, known, "the accounts of the organization cannot be read");
                }
                self.troubles.insert(question, error);
            }
        }
    }
}

impl Account {
    /// Its targets that are in the shard. Until its id is known they stand under an empty one.
    fn targets(&self, shard: Shard) -> Vec<Target> {
        let id = self.id.as_deref().unwrap_or("");
        let regions = self.regions.iter().filter(|_| shard.owns(id));
        regions.map(|region| Target::new(id, region)).collect()
    }
}

impl Organization {
    async fn accounts(
        &self,
        environment: &Environment,
        known: Vec<Account>,
    ) -> std::result::Result<Vec<Account>, CollectError> {
        let mut accounts = Vec::new();
        for member in self.session.members(&self.plan.filter, &self.regions[0]).await? {
            accounts.push(self.account(environment, member, &known).await);
        }
        Ok(accounts)
    }

    /// One that is known already keeps its session, and so its assumed role.
    async fn account(&self, environment: &Environment, member: Member, known: &[Account]) -> Account {
        let Member { id, name, partition, .. } = member;
        let arn = format!("arn:{partition}:iam::{id}:role/{}", self.plan.role);
        let credentials = Credentials::Role { arn, external_id: self.plan.external_id.clone() };
        let session = match known.iter().find(|account| account.credentials == credentials) {
            Some(account) => account.session.clone(),
            None => environment.session(&credentials).await,
        };
        Account { session, credentials, name, regions: self.regions.clone(), id: Some(id) }
    }
}

/// That of the role's ARN.
fn partition(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Role { arn, .. } => arn.split(':').nth(1).unwrap_or("aws").to_string(),
        _ => "aws".to_string(),
    }
}

fn tell_changes(old: &[Account], new: &[Account]) {
    let ids = |accounts: &[Account]| -> BTreeSet<String> {
        accounts.iter().filter_map(|account| account.id.clone()).collect()
    };
    let (old, new) = (ids(old), ids(new));
    let list = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<Vec<_>>().join(" ");
    let (joined, left) = (list(&mut new.difference(&old)), list(&mut old.difference(&new)));
    if new.is_empty() {
        tracing::warn!(left, "the organization has no account that organization.include lets in");
    } else if !joined.is_empty() || !left.is_empty() {
        tracing::info!(accounts = new.len(), joined, left, "accounts of the organization");
    }
}
