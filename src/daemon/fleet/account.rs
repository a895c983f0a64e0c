//! One account, listed in the config or found in an organization, with its credentials.

use crate::aws::{Environment, Session};
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::organization::Member;
use crate::model::shard::Shard;
use crate::model::time::Timestamp;
use crate::plan::{Credentials, OrganizationPlan, Regions};
use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct Account {
    pub(super) session: Arc<Session>,
    pub(super) credentials: Credentials,
    pub(crate) name: Option<String>,
    /// As the plan tells them.
    pub(super) told: Regions,
    /// `None`: AWS has not told them yet.
    pub(super) regions: Option<Vec<String>>,
    /// The account id: told by the plan or the organization, or what STS said last.
    pub(crate) id: Option<String>,
    /// Whether nobody but the plan or the organization tells the id.
    pub(super) is_told: bool,
}

#[derive(Clone)]
pub(super) struct Organization {
    pub(super) plan: Arc<OrganizationPlan>,
    pub(super) session: Arc<Session>,
    /// Of its accounts, where the plan tells them.
    pub(super) regions: Option<Vec<String>>,
}

/// Sessions that are there, and so roles that are assumed.
pub(super) type Sessions = Vec<(Credentials, Arc<Session>)>;

impl Account {
    /// The account with the regions that AWS has told of it meanwhile.
    pub(super) fn known_as(self, known: &[Account]) -> Account {
        let same = |account: &&Account| account.id == self.id && account.told == self.told;
        let regions = known.iter().find(same).and_then(|account| account.regions.clone());
        Account { regions: regions.or(self.regions.clone()), ..self }
    }

    pub(super) fn is(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Whether these credentials are of this account, as far as is known.
    pub(super) fn has(&self, credentials: &Credentials) -> bool {
        self.credentials == *credentials || self.id.as_deref().is_some_and(|id| credentials.are_of(id))
    }

    /// Where AWS is asked about it, if it has a region of its own.
    pub(super) fn region(&self) -> Option<String> {
        self.regions.iter().flatten().next().cloned().or_else(|| self.session.region())
    }

    /// Its targets that are in the shard. What is not known yet, id or region, is empty in them.
    pub(super) fn targets(&self, shard: Shard) -> Vec<Target> {
        let id = self.id.as_deref().unwrap_or("");
        let unknown = [String::new()];
        let regions = self.regions.as_deref().unwrap_or(&unknown);
        regions.iter().filter(|_| shard.owns(id)).map(|region| Target::new(id, region)).collect()
    }
}

impl Organization {
    pub(super) async fn accounts(
        &self,
        environment: &Environment,
        region: &str,
        known: &Sessions,
        now: Timestamp,
    ) -> Result<Vec<Account>, CollectError> {
        let mut accounts = Vec::new();
        for member in self.session.members(&self.plan.filter, region, now).await? {
            accounts.push(self.account(environment, member, known).await);
        }
        Ok(accounts)
    }

    pub(super) async fn account(
        &self,
        environment: &Environment,
        member: Member,
        known: &Sessions,
    ) -> Account {
        let Member { id, name, partition, .. } = member;
        let arn = format!("arn:{partition}:iam::{id}:role/{}", self.plan.role);
        let credentials = Credentials::Role { arn, external_id: self.plan.external_id.clone() };
        Account {
            session: session(environment, &credentials, known).await,
            credentials,
            name,
            told: self.plan.regions.clone(),
            regions: self.regions.clone(),
            id: Some(id),
            is_told: true,
        }
    }
}

/// The session that there is for these credentials, so that no role is assumed twice, or a new one.
pub(super) async fn session(
    environment: &Environment,
    credentials: &Credentials,
    known: &Sessions,
) -> Arc<Session> {
    match known.iter().find(|(known, _)| known == credentials) {
        Some((_, session)) => session.clone(),
        None => environment.session(credentials).await,
    }
}
