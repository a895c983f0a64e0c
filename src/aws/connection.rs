//! The way to one target, and the monitoring account that reads for many.

use super::client::{Client, client};
use super::oam::{LINKS, Links};
use super::pages::Pace;
use super::session::Session;
use super::wallet::is_about_credentials;
use crate::model::ids::Target;
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::partition;
use crate::model::time::Timestamp;
use crate::telemetry::Telemetry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// CloudWatch's rates, in calls a second per account and region.
const LIST_RATE: u32 = 25;
const DATA_RATE: u32 = 50;

/// The way to one target. The SDK's clients take some 40 KiB each, so they live as long as a collection;
/// what they share (connections, credentials, retry budgets) lives on.
#[derive(Clone)]
pub struct Connection {
    pub target: Target,
    session: Arc<Session>,
    pub telemetry: Telemetry,
    server_time: Arc<AtomicI64>,
    pub(super) paces: Paces,
    /// Of the monitoring account, where that one reads the metrics.
    links: Option<Arc<Links>>,
}

/// The rates of CloudWatch in one account and region.
#[derive(Clone)]
pub(super) struct Paces {
    pub(super) list: Pace,
    pub(super) data: Pace,
}

/// A monitoring account, as CloudWatch's cross-account observability has it: it reads the metrics of many.
pub struct Monitoring {
    session: Arc<Session>,
    /// By region: what is asked of it counts together, whichever account it is about.
    regions: BTreeMap<Arc<str>, (Paces, Arc<Links>)>,
}

impl Session {
    /// The way to one target of this account.
    pub fn connect(self: &Arc<Session>, target: &Target) -> Connection {
        Connection {
            target: target.clone(),
            session: self.clone(),
            telemetry: self.telemetry.clone(),
            server_time: Arc::default(),
            paces: Paces::new(),
            links: None,
        }
    }
}

impl Paces {
    fn new() -> Paces {
        Paces { list: Pace::new(LIST_RATE), data: Pace::new(DATA_RATE) }
    }
}

impl Monitoring {
    pub fn new(session: Arc<Session>) -> Monitoring {
        Monitoring { session, regions: BTreeMap::new() }
    }

    /// The way to one target of `account`, whose metrics the monitoring account reads.
    pub fn connect(&mut self, account: &Arc<Session>, target: &Target) -> Connection {
        let Monitoring { session, regions } = self;
        let region = &target.region;
        let (paces, links) = regions
            .entry(region.clone())
            .or_insert_with(|| (Paces::new(), Arc::new(Links::new(session.clone(), region))));
        Connection { paces: paces.clone(), links: Some(links.clone()), ..account.connect(target) }
    }
}

impl Connection {
    /// Renews the keys that the target is read with, where it is time. An error says whose they are, and why there
    /// are none; keys of another account are one.
    pub async fn ready(&self, now: Timestamp) -> Result<(), CollectError> {
        self.session.keys(&self.target.account_id).ready(now).await?;
        match &self.links {
            Some(links) => links.session.keys(&Arc::from("")).ready(now).await,
            None => Ok(()),
        }
    }

    /// AWS has refused the keys: others are got before the next collection.
    fn forget_keys(&self, now: Timestamp) {
        self.session.wallet.forget(now);
        if let Some(links) = &self.links {
            links.session.wallet.forget(now);
        }
    }

    /// What the refusals of keys among the errors of a collection come to: one error, since the calls fail for one
    /// reason. New keys are got, unless STS knows those that are here and it is the region that does not.
    pub async fn judged(&self, errors: Vec<CollectError>, now: Timestamp) -> Vec<CollectError> {
        // What getting the keys said of them is theirs to act on.
        let is_refusal = |error: &CollectError| {
            error.class == ErrorClass::ExpiredCredentials && !is_about_credentials(error)
        };
        let (refusals, mut errors): (Vec<_>, Vec<_>) = errors.into_iter().partition(is_refusal);
        let Some(refusal) = refusals.into_iter().next() else { return errors };
        if self.is_disabled(now).await {
            let (region, message) = (&self.target.region, &refusal.message);
            let message = format!(
                "{message}; STS knows them: {region} is not enabled, or takes no session of the global STS endpoint"
            );
            errors.push(CollectError::new(ErrorClass::RegionDisabled, message));
        } else {
            self.forget_keys(now);
            errors.push(refusal);
        }
        errors
    }

    /// Whether no account need have the region, and STS accepts, elsewhere, the keys that it refuses.
    async fn is_disabled(&self, now: Timestamp) -> bool {
        let region = &self.target.region;
        if !partition::is_opt_in(region) {
            return false;
        }
        let reader = self.links.as_ref().map(|links| &links.session.wallet);
        for wallet in [Some(&self.session.wallet), reader].into_iter().flatten() {
            if !wallet.is_good_outside(region, now).await {
                return false;
            }
        }
        true
    }

    pub fn cloudwatch(&self) -> Client<aws_sdk_cloudwatch::Client> {
        let Connection { session, target, server_time, links, .. } = self;
        let (reader, keys) = match links {
            Some(links) => (&links.session, links.session.keys(&Arc::from(""))),
            None => (session, session.keys(&target.account_id)),
        };
        client!(aws_sdk_cloudwatch, reader, target, &reader.plan.cloudwatch_url, server_time, Some(keys))
    }

    pub(super) fn service_quotas(&self) -> Client<aws_sdk_servicequotas::Client> {
        let Connection { session, target, .. } = self;
        let keys = Some(session.keys(&target.account_id));
        client!(
            aws_sdk_servicequotas,
            session,
            target,
            &session.plan.servicequotas_url,
            &Arc::default(),
            keys
        )
    }

    pub(super) fn bedrock(&self) -> Client<aws_sdk_bedrock::Client> {
        let Connection { session, target, .. } = self;
        let keys = Some(session.keys(&target.account_id));
        client!(aws_sdk_bedrock, session, target, &session.plan.bedrock_url, &Arc::default(), keys)
    }

    pub(super) fn bedrock_runtime(&self) -> Client<aws_sdk_bedrockruntime::Client> {
        let Connection { session, target, .. } = self;
        let keys = Some(session.keys(&target.account_id));
        client!(aws_sdk_bedrockruntime, session, target, &None::<String>, &Arc::default(), keys)
    }

    /// Whose metrics they are, where CloudWatch must be told.
    pub(super) fn owner(&self) -> Option<&str> {
        self.links.as_ref().map(|_| &*self.target.account_id)
    }

    /// What CloudWatch's clock showed in its newest answer (the Date header) since it was last forgotten.
    pub fn server_time(&self) -> Option<Timestamp> {
        Some(self.server_time.load(Ordering::Relaxed)).filter(|at| *at != 0).map(Timestamp)
    }

    /// An answer of the last round says nothing about the clocks of this one.
    pub fn forget_server_time(&self) {
        self.server_time.store(0, Ordering::Relaxed);
    }

    /// Why no metrics of the account does not mean no traffic: the monitoring account does not see it, or nobody
    /// can tell. `None` where it does, and where the account reads its own metrics.
    pub async fn unlinked(&self) -> Option<CollectError> {
        let links = self.links.as_ref()?;
        let (account, region) = (&self.target.account_id, &self.target.region);
        let not_linked = || {
            let message = format!(
                "{LINKS}: the account {account} is not linked to the monitoring account in {region}, or shares no \
                 metrics with it"
            );
            CollectError::new(ErrorClass::AccessDenied, message)
        };
        match links.accounts().await {
            Ok(accounts) => (!accounts.contains(&**account)).then(not_linked),
            Err(error) => Some(error),
        }
    }
}
