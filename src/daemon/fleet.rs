//! The accounts that are watched: those of the plan, those that AWS Organizations lists, and the targets they
//! become once AWS has said who they are.

use crate::aws::account::EnabledRegions;
use crate::aws::{Connection, Environment, Session};
use crate::model::ids::Target;
use crate::model::organization::Member;
use crate::model::shard::Shard;
use crate::model::snapshot::CollectError;
use crate::model::time::Timestamp;
use crate::plan::{AccountPlan, Credentials, OrganizationPlan, Plan, Regions};
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
    session: Arc<Session>,
    credentials: Credentials,
    pub(super) name: Option<String>,
    /// As the plan tells them.
    told: Regions,
    /// `None`: AWS has not told them yet.
    regions: Option<Vec<String>>,
    /// The account id, where the plan or the organization tells it.
    pub(super) id: Option<String>,
}

pub(super) struct Fleet {
    environment: Environment,
    telemetry: Telemetry,
    shard: Shard,
    /// Seconds between two readings of accounts and of regions.
    interval: u64,
    /// Where AWS is asked of what has no region of its own.
    region: String,
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
    /// Enabled regions that are not watched, since nobody knows whether they have Bedrock.
    passed_by: BTreeSet<String>,
}

#[derive(Clone)]
struct Organization {
    plan: Arc<OrganizationPlan>,
    session: Arc<Session>,
}

/// What AWS must say before there are targets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// Whose the credentials are, by the account's place in the plan.
    Identity(usize),
    /// Which accounts the organization has.
    Accounts,
    /// Which regions an account has enabled, by its id.
    Regions(String),
}

pub(super) enum Answer {
    Identity(usize, std::result::Result<String, CollectError>),
    Accounts(std::result::Result<Vec<Account>, CollectError>),
    Regions(String, std::result::Result<EnabledRegions, CollectError>),
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
            Some(old) => old.environment.reload(&plan.aws, all_told, telemetry).await,
            None => Environment::load(&plan.aws, all_told, telemetry).await,
        };
        let region = region.map(String::from).or_else(|| environment.region());
        let mut fleet = Fleet {
            region: region.unwrap_or_else(|| "us-east-1".to_string()),
            environment,
            telemetry: telemetry.clone(),
            shard: plan.shard,
            interval: plan.discovery_interval,
            configured: Vec::new(),
            organization: None,
            found: Vec::new(),
            connections: BTreeMap::new(),
            asked: BTreeSet::new(),
            again: BTreeMap::new(),
            troubles: BTreeMap::new(),
            passed_by: BTreeSet::new(),
        };
        for AccountPlan { name, credentials, account_id, regions } in &plan.accounts {
            let old = old.iter().flat_map(|old| &old.configured).find(|old| old.credentials == *credentials);
            let account = Account {
                session: fleet.environment.session(credentials).await,
                credentials: credentials.clone(),
                name: name.clone(),
                regions: fleet.regions(regions, old)?,
                told: regions.clone(),
                id: account_id.clone().or_else(|| old.and_then(|old| old.id.clone())),
            };
            fleet.configured.push(account);
        }
        if let Some(organization) = &plan.organization {
            fleet.join(organization, old).await?;
        }
        fleet.connect();
        fleet.troubles = old.map(|old| old.troubles.clone()).unwrap_or_default();
        fleet.forget_strangers();
        fleet.forget_discoveries();
        Ok(fleet)
    }

    /// Accounts that were found stay until the organization has answered anew.
    async fn join(&mut self, plan: &OrganizationPlan, old: Option<&Fleet>) -> Result<()> {
        let session = self.environment.session(&plan.credentials).await;
        let organization = Organization { session, plan: Arc::new(plan.clone()) };
        // Fails here already, if it must.
        let regions = self.regions(&plan.regions, None)?;
        for old in old.iter().filter(|old| old.organization.is_some()).flat_map(|old| &old.found) {
            let member = Member {
                partition: partition(&old.credentials),
                id: old.id.clone().unwrap_or_default(),
                name: old.name.clone(),
                state: None,
            };
            let account = organization.account(&self.environment, member, regions.clone(), &[]).await;
            self.found.push(Account { regions: self.regions(&plan.regions, Some(old))?, ..account });
        }
        self.organization = Some(organization);
        Ok(())
    }

    /// The regions of an account, as far as they are known; `old`: the account as it was before.
    fn regions(&self, told: &Regions, old: Option<&Account>) -> Result<Option<Vec<String>>> {
        match (told, self.environment.region()) {
            (Regions::AllEnabled, _) => {
                Ok(old.filter(|old| old.told == *told).and_then(|old| old.regions.clone()))
            }
            (Regions::List(list), _) if !list.is_empty() => Ok(Some(list.clone())),
            (_, Some(region)) => Ok(Some(vec![region])),
            (_, None) => {
                bail!("no region: set `regions` in the config, or AWS_REGION, or a region in the AWS profile")
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

    /// Whether AWS has been asked for every list of accounts, whatever it said.
    pub(super) fn is_explored(&self) -> bool {
        self.organization.is_none() || self.again.contains_key(&Question::Accounts)
    }

    fn connect(&mut self) {
        let mut old = std::mem::take(&mut self.connections);
        let mut new = BTreeMap::new();
        for account in self.accounts().filter(|account| account.id.is_some() && account.regions.is_some()) {
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
        let identities = unknown.map(|(number, _)| Question::Identity(number));
        let accounts = self.organization.as_ref().map(|_| Question::Accounts);
        let enabled = self.accounts().filter(|account| account.told == Regions::AllEnabled);
        let enabled = enabled.filter_map(|account| account.id.clone()).filter(|id| self.shard.owns(id));
        identities.chain(accounts).chain(enabled.map(Question::Regions))
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

    /// Asks what is due, at most so many questions.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        most: usize,
    ) -> Vec<impl Future<Output = Answer> + Send + 'static> {
        let due = self.unasked().filter(|(at, _)| *at <= now).map(|(_, question)| question);
        let due: Vec<Question> = due.take(most).collect();
        self.asked.extend(due.iter().cloned());
        due.into_iter().map(|question| self.asking(question)).collect()
    }

    fn asking(&self, question: Question) -> impl Future<Output = Answer> + Send + 'static {
        let account = match &question {
            Question::Identity(number) => self.configured.get(*number),
            Question::Accounts => None,
            Question::Regions(id) => self.accounts().find(|account| account.id.as_ref() == Some(id)),
        };
        let account = account.map(|account| (account.session.clone(), account.region(&self.region)));
        let (organization, environment) = (self.organization.clone(), self.environment.clone());
        let regions = organization.as_ref().and_then(|o| self.regions(&o.plan.regions, None).ok().flatten());
        let region = organization.as_ref().and_then(|organization| organization.session.region());
        let (found, region) = (self.found.clone(), region.unwrap_or_else(|| self.region.clone()));
        async move {
            match (question, account, organization) {
                (Question::Identity(number), Some((session, region)), _) => {
                    Answer::Identity(number, session.account_id(&region).await)
                }
                (Question::Regions(id), Some((session, region)), _) => {
                    Answer::Regions(id, session.enabled_regions(&region).await)
                }
                (_, _, Some(organization)) => {
                    Answer::Accounts(organization.accounts(&environment, &region, regions, found).await)
                }
                _ => Answer::Accounts(Ok(found)),
            }
        }
    }

    /// Takes an answer in; returns what failed to become known, as the target that it stands at.
    pub(super) fn learn(&mut self, answer: Answer, now: Timestamp) -> Vec<(Target, CollectError)> {
        match answer {
            Answer::Identity(number, answer) => {
                self.ask_again(Question::Identity(number), now.plus(RETRY));
                let account = &mut self.configured[number];
                match answer {
                    Ok(id) => {
                        tracing::info!(account_id = id, "credentials identified");
                        self.connections.retain(|target, _| *target.account_id != *id);
                        account.id = Some(id);
                        self.connect();
                        Vec::new()
                    }
                    Err(error) => stand_ins(account, self.shard, &error),
                }
            }
            Answer::Accounts(answer) => {
                let known = self.found.len();
                let answer = self.note(Question::Accounts, answer, known > 0, now);
                if let Some(found) = answer {
                    tell_changes(&self.found, &found);
                    self.found = found.into_iter().map(|account| account.known_as(&self.found)).collect();
                    self.forget_strangers();
                    self.connect();
                }
                Vec::new()
            }
            Answer::Regions(id, answer) => self.learn_regions(id, answer, now),
        }
    }

    fn learn_regions(
        &mut self,
        id: String,
        answer: std::result::Result<EnabledRegions, CollectError>,
        now: Timestamp,
    ) -> Vec<(Target, CollectError)> {
        let accounts = self.configured.iter().chain(&self.found);
        let unknown = accounts.clone().find(|a| a.id.as_ref() == Some(&id) && a.regions.is_none()).cloned();
        let error = answer.as_ref().err().cloned();
        if let Some(regions) = self.note(Question::Regions(id.clone()), answer, unknown.is_none(), now) {
            for region in regions.others {
                if self.passed_by.insert(region.clone()) {
                    tracing::info!(
                        region,
                        "enabled, but not known to have Bedrock: watched only where `regions` names it"
                    );
                }
            }
            let accounts = self.configured.iter_mut().chain(&mut self.found);
            let enabled = accounts.filter(|account| account.told == Regions::AllEnabled);
            for account in enabled.filter(|account| account.id.as_ref() == Some(&id)) {
                account.regions = Some(regions.with_bedrock.clone());
            }
            self.connect();
        }
        match (unknown, error) {
            (Some(account), Some(error)) => stand_ins(&account, self.shard, &error),
            _ => Vec::new(),
        }
    }

    fn ask_again(&mut self, question: Question, at: Timestamp) {
        self.asked.remove(&question);
        self.again.insert(question, at);
    }

    /// Counts an answer about what there is, and says once what is wrong with it. One that is none changes
    /// nothing. `known`: whether there was an answer before.
    fn note<T>(
        &mut self,
        question: Question,
        answer: std::result::Result<T, CollectError>,
        known: bool,
        now: Timestamp,
    ) -> Option<T> {
        let retry = self.interval.min(if known { RETRY_KNOWN } else { RETRY });
        let pause = if answer.is_ok() { self.interval } else { retry };
        self.ask_again(question.clone(), now.plus(pause));
        let class = answer.as_ref().err().map(|error| error.class);
        let (discovery, account_id) = match &question {
            Question::Regions(id) => (Discovery::Regions, id.as_str()),
            _ => (Discovery::Accounts, ""),
        };
        let told = self.troubles.get(&question).map(|error| error.class);
        match &answer {
            // Where no region is known, the failure is told of the target that stands for them.
            Err(CollectError { class, message })
                if told != Some(*class) && (known || discovery == Discovery::Accounts) =>
            {
                tracing::warn!(%discovery, account_id, %class, error = message, "discovery failed");
            }
            Ok(_) if told.is_some() => tracing::info!(%discovery, account_id, "discovery works again"),
            _ => {}
        }
        let (answer, error) = match answer {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(error)),
        };
        self.troubles.remove(&question);
        self.troubles.extend(error.map(|error| (question, error)));
        let of_kind = |question: &Question| {
            matches!(question, Question::Regions(_)) == (discovery == Discovery::Regions)
        };
        let up = !self.troubles.keys().any(of_kind);
        self.telemetry.discovered(discovery, up, class);
        answer
    }

    /// What was said of accounts that are no longer there is forgotten.
    fn forget_strangers(&mut self) {
        let questions: BTreeSet<Question> = self.questions().collect();
        self.again.retain(|question, _| questions.contains(question));
        self.troubles.retain(|question, _| questions.contains(question));
    }
}

/// What failed, at the targets that stand for what is not known.
fn stand_ins(account: &Account, shard: Shard, error: &CollectError) -> Vec<(Target, CollectError)> {
    account.targets(shard).into_iter().map(|target| (target, error.clone())).collect()
}

impl Account {
    /// The account with the regions that AWS has told of it meanwhile.
    fn known_as(self, known: &[Account]) -> Account {
        let same = |account: &&Account| account.id == self.id && account.told == self.told;
        let regions = known.iter().find(same).and_then(|account| account.regions.clone());
        Account { regions: regions.or(self.regions.clone()), ..self }
    }

    /// Where AWS is asked about it; `else_in`: where it has no region of its own.
    fn region(&self, else_in: &str) -> String {
        let first = self.regions.iter().flatten().next().cloned();
        first.or_else(|| self.session.region()).unwrap_or_else(|| else_in.to_string())
    }

    /// Its targets that are in the shard. What is not known yet, id or region, is empty in them.
    fn targets(&self, shard: Shard) -> Vec<Target> {
        let id = self.id.as_deref().unwrap_or("");
        let unknown = [String::new()];
        let regions = self.regions.as_deref().unwrap_or(&unknown);
        regions.iter().filter(|_| shard.owns(id)).map(|region| Target::new(id, region)).collect()
    }
}

impl Organization {
    async fn accounts(
        &self,
        environment: &Environment,
        region: &str,
        regions: Option<Vec<String>>,
        known: Vec<Account>,
    ) -> std::result::Result<Vec<Account>, CollectError> {
        let mut accounts = Vec::new();
        for member in self.session.members(&self.plan.filter, region).await? {
            accounts.push(self.account(environment, member, regions.clone(), &known).await);
        }
        Ok(accounts)
    }

    /// One that is known already keeps its session, and so its assumed role.
    async fn account(
        &self,
        environment: &Environment,
        member: Member,
        regions: Option<Vec<String>>,
        known: &[Account],
    ) -> Account {
        let Member { id, name, partition, .. } = member;
        let arn = format!("arn:{partition}:iam::{id}:role/{}", self.plan.role);
        let credentials = Credentials::Role { arn, external_id: self.plan.external_id.clone() };
        let session = match known.iter().find(|account| account.credentials == credentials) {
            Some(known) => known.session.clone(),
            None => environment.session(&credentials).await,
        };
        Account { session, credentials, name, regions, told: self.plan.regions.clone(), id: Some(id) }
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
