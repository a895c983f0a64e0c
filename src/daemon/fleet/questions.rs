//! What AWS must say before there are targets, and what becomes of its answers.

use super::Fleet;
use super::account::{Account, Sessions};
use super::question::{Answer, Question};
use crate::aws::account::EnabledRegions;
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::shard::Shard;
use crate::model::time::Timestamp;
use crate::plan::Regions;
use crate::telemetry::Discovery;
use std::collections::BTreeSet;
use std::future::Future;

/// Seconds between attempts to learn what there is to watch, and to learn it anew.
const RETRY: u64 = 30;
const RETRY_KNOWN: u64 = 300;

impl Fleet {
    pub(super) fn questions(&self) -> impl Iterator<Item = Question> {
        let untold = self.configured.iter().enumerate().filter(|(_, account)| !account.is_told);
        let identities = untold.map(|(number, _)| Question::Identity(number));
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
    pub(crate) fn next_question(&self) -> Option<Timestamp> {
        self.unasked().map(|(at, _)| at).min()
    }

    /// Asks what is due, at most so many questions.
    pub(crate) fn ask(
        &mut self,
        now: Timestamp,
        most: usize,
    ) -> Vec<impl Future<Output = Answer> + Send + 'static> {
        let due = self.unasked().filter(|(at, _)| *at <= now).map(|(_, question)| question);
        let due: Vec<Question> = due.take(most).collect();
        self.asked.extend(due.iter().cloned());
        due.into_iter().map(|question| self.asking(question, now)).collect()
    }

    fn asking(&self, question: Question, now: Timestamp) -> impl Future<Output = Answer> + Send + 'static {
        let account = match &question {
            Question::Identity(number) => self.configured.get(*number),
            Question::Accounts => None,
            Question::Regions(id) => self.accounts().find(|account| account.is(id)),
        };
        let session = account.map(|account| account.session.clone());
        let organization = self.organization.clone();
        let of_organization = || organization.as_ref().and_then(|organization| organization.session.region());
        let region = account.map_or_else(of_organization, Account::region);
        let region = region.unwrap_or_else(|| self.region.clone());
        let (environment, found) = (self.environment.clone(), self.found.clone());
        let mut sessions: Sessions = self.sessions.clone();
        sessions.extend(found.iter().map(|account| (account.credentials.clone(), account.session.clone())));
        async move {
            match (question, session, organization) {
                (Question::Identity(number), Some(session), _) => {
                    Answer::Identity(number, session.account_id(now).await)
                }
                (Question::Regions(id), Some(session), _) => {
                    let enabled = session.enabled_regions(&id, &region, now).await;
                    Answer::Regions(id, enabled)
                }
                (_, _, Some(organization)) => {
                    Answer::Accounts(organization.accounts(&environment, &region, &sessions, now).await)
                }
                _ => Answer::Accounts(Ok(found)),
            }
        }
    }

    /// Takes an answer in; returns what failed to become known, as the target that it stands at.
    pub(crate) fn learn(&mut self, answer: Answer, now: Timestamp) -> Vec<(Target, CollectError)> {
        match answer {
            Answer::Identity(number, answer) => self.learn_identity(number, answer, now),
            Answer::Accounts(answer) => {
                let known = self.found.len();
                let answer = self.note(Question::Accounts, answer, known > 0, now);
                if let Some(found) = answer {
                    self.listed = true;
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

    /// The credentials may have become another account's: then the old one is no longer watched, and what is read by
    /// them is the new one's. Nothing is asked of AWS for it while the keys are those that are known.
    fn learn_identity(
        &mut self,
        number: usize,
        answer: Result<String, CollectError>,
        now: Timestamp,
    ) -> Vec<(Target, CollectError)> {
        let known = self.configured[number].id.clone();
        let pause = if known.is_some() && answer.is_ok() { RETRY_KNOWN } else { RETRY };
        self.ask_again(Question::Identity(number), now.plus(pause));
        let id = match answer {
            Ok(id) if known.as_ref() == Some(&id) => return Vec::new(),
            Ok(id) => id,
            // What is known stays, and its collections tell what is wrong.
            Err(_) if known.is_some() => return Vec::new(),
            Err(error) => return stand_ins(&self.configured[number], self.shard, &error),
        };
        match &known {
            None => tracing::info!(account_id = id, "credentials identified"),
            Some(known) => tracing::warn!(
                account_id = id,
                before = known,
                "the credentials are another account's now: it is watched, and the one before no longer"
            ),
        }
        if self.configured.iter().any(|account| account.is(&id)) {
            tracing::warn!(
                account_id = id,
                "two entries under accounts are of this account: a region of both is read once"
            );
        }
        self.connections.retain(|target, _| *target.account_id != *id);
        self.configured[number].id = Some(id);
        self.connect();
        Vec::new()
    }

    fn learn_regions(
        &mut self,
        id: String,
        answer: Result<EnabledRegions, CollectError>,
        now: Timestamp,
    ) -> Vec<(Target, CollectError)> {
        let accounts = self.configured.iter().chain(&self.found);
        let unknown = accounts.clone().find(|account| account.is(&id) && account.regions.is_none()).cloned();
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
            for account in enabled.filter(|account| account.is(&id)) {
                let new = Some(regions.with_bedrock.clone());
                if regions.with_bedrock.is_empty() && account.regions != new {
                    tracing::warn!(account_id = id, "no enabled region is known to have Bedrock");
                }
                account.regions = new;
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
        answer: Result<T, CollectError>,
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
    pub(super) fn forget_strangers(&mut self) {
        let questions: BTreeSet<Question> = self.questions().collect();
        self.again.retain(|question, _| questions.contains(question));
        self.troubles.retain(|question, _| questions.contains(question));
    }
}

/// What failed, at the targets that stand for what is not known.
fn stand_ins(account: &Account, shard: Shard, error: &CollectError) -> Vec<(Target, CollectError)> {
    account.targets(shard).into_iter().map(|target| (target, error.clone())).collect()
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
