//! The keys of one login: renewed in time, of an account that AWS has named, and asked for less and less often while
//! that fails.
//!
//! A call takes the keys that are here. They are renewed before a collection begins, never within a call: so an STS
//! that does not answer is said to be STS, and no call is counted that was never sent.

use super::error::{self, Refused};
use super::sources::Sources;
use super::sts::{Role, Sts};
use super::told::Told;
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::time::Timestamp;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use std::fmt;
use std::sync::{self, Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// Keys are renewed so long before they expire: longer than a collection takes.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// Keys that live shorter than that are not renewed more often than this.
const SHORTEST: Duration = Duration::from_secs(60);
/// Keys that never expire may have been replaced where they came from, or be another account's by now.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Seconds until the next attempt after so many failures in a row; the last one holds from then on. A role whose
/// trust policy is wrong is asked for a dozen times in the first hour, not every minute for ever.
const PAUSES: [u64; 7] = [30, 60, 60, 60, 120, 240, 300];
/// After so many seconds without a refusal the next one is the first.
const QUIET: u64 = 1800;
/// Seconds for which keys that STS has accepted are not asked about again, while a region refuses them.
const ACCEPTED: u64 = 300;
/// How every message about keys begins.
const CREDENTIALS: &str = "credentials of ";

/// Whether the error is about keys rather than a call, and so about all who share them.
pub(crate) fn is_about_credentials(error: &CollectError) -> bool {
    error.message.starts_with(CREDENTIALS)
}

/// Where the keys of a wallet come from.
pub(super) enum Source {
    /// The SDK's usual places, in the usual order.
    Current,
    /// A profile of the AWS CLI, and nothing else.
    Profile(String),
    /// A role, assumed with the keys of another wallet.
    Role(Arc<Wallet>, Role),
    /// The keys of another wallet, whose account is not known yet.
    Of(Arc<Wallet>),
    /// Keys that only the simulated AWS knows.
    Fixed(Keys),
}

pub(super) struct Wallet {
    /// For messages: `role arn:aws:iam::…`.
    who: String,
    source: Source,
    sources: Arc<Sources>,
    /// Whether the account matters: not where the keys only serve to assume roles.
    identify: bool,
    issued: RwLock<Option<Issued>>,
    attempts: Mutex<Attempts>,
    refusals: sync::Mutex<Refusals>,
    /// When STS last accepted keys that a region had refused.
    accepted: Mutex<Option<Timestamp>>,
    told: Arc<Told>,
}

#[derive(Clone)]
struct Issued {
    keys: Keys,
    account: Option<String>,
    renew: SystemTime,
}

/// The failures since the last success.
#[derive(Default)]
struct Attempts {
    failures: usize,
    again: Timestamp,
    error: Option<CollectError>,
}

/// How often AWS has refused keys that were thought good.
#[derive(Default)]
struct Refusals {
    number: usize,
    /// Until then no others are got for that reason.
    again: Timestamp,
}

impl Wallet {
    pub(super) fn new(who: String, source: Source, sources: &Arc<Sources>, identify: bool) -> Arc<Wallet> {
        Arc::new(Wallet {
            told: sources.log.of(&who, identify),
            who,
            source,
            sources: sources.clone(),
            identify,
            issued: RwLock::default(),
            attempts: Mutex::default(),
            refusals: sync::Mutex::default(),
            accepted: Mutex::default(),
        })
    }

    /// The account of the keys, renewed where it is time. Who else asks meanwhile waits for the same answer.
    pub(super) async fn renew(&self, now: Timestamp) -> Result<Option<String>, CollectError> {
        let mut attempts = self.attempts.lock().await;
        let clock = self.sources.clock();
        let usable = self.issued().filter(|issued| issued.keys.expiry().is_none_or(|end| clock < end));
        if let Some(Issued { renew, account, .. }) = &usable
            && clock < *renew
        {
            return Ok(account.clone());
        }
        // Keys that still hold are used for as long as they do, though new ones are refused.
        let otherwise = usable.map(|issued| issued.account);
        if is_before(now, attempts.again)
            && let Some(error) = &attempts.error
        {
            return otherwise.ok_or_else(|| error.clone());
        }
        // Boxed: a wallet renews the one that it takes its keys from.
        match Box::pin(self.issue(now)).await {
            Ok(issued) => {
                self.told.works();
                *attempts = Attempts::default();
                let account = issued.account.clone();
                *self.issued.write().unwrap_or_else(PoisonError::into_inner) = Some(issued);
                Ok(account)
            }
            Err(error) => {
                let mut is_told = false;
                if let Source::Role(base, _) | Source::Of(base) = &self.source {
                    is_told = base.attempts.lock().await.error.as_ref() == Some(&error);
                    // Nobody may know when they expire, or that they were replaced: a file says nothing of it.
                    if error.class == ErrorClass::ExpiredCredentials {
                        base.forget(now);
                    }
                }
                let error = self.about(error);
                if !is_told {
                    self.told.failed(&error, attempts.failures + 1, now);
                }
                attempts.again = now.plus(pause(attempts.failures));
                attempts.failures += 1;
                attempts.error = Some(error.clone());
                otherwise.ok_or(error)
            }
        }
    }

    /// AWS refuses the keys, or they are another account's: others are got before the next collection, from files that
    /// are read anew. While that goes on it happens less and less often, and those that are here serve until there are
    /// others: they may be good.
    pub(super) fn forget(&self, now: Timestamp) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if is_before(now, refusals.again) {
            return;
        }
        let number = if now.since(refusals.again) > QUIET { 0 } else { refusals.number };
        *refusals = Refusals { number: number + 1, again: now.plus(pause(number)) };
        drop(refusals);
        if let Source::Of(base) = &self.source {
            base.forget(now);
        }
        if let Some(issued) = &mut *self.issued.write().unwrap_or_else(PoisonError::into_inner) {
            issued.renew = SystemTime::UNIX_EPOCH;
        }
    }

    /// Whether STS, in another region, accepts the keys that this one has just refused. Who else asks meanwhile, and
    /// for some minutes, is told the same.
    pub(super) async fn is_good_outside(&self, region: &str, now: Timestamp) -> bool {
        let mut accepted = self.accepted.lock().await;
        if accepted.is_some_and(|at| (0..ACCEPTED).contains(&now.since(at))) {
            return true;
        }
        *accepted = None;
        let Some(Issued { keys, .. }) = self.issued().filter(|_| self.sources.region != region) else {
            return false;
        };
        if self.sts().identity(keys).await.is_ok() {
            *accepted = Some(now);
        }
        accepted.is_some()
    }

    fn issued(&self) -> Option<Issued> {
        self.issued.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn issue(&self, now: Timestamp) -> Result<Issued, CollectError> {
        let keys = match &self.source {
            Source::Current => self.sources.current().await?,
            Source::Profile(name) => self.sources.profile(name).await?,
            Source::Role(base, role) => {
                let keys = base.keys_at(now).await?;
                self.sources.sts_for(&role.arn).assume(keys, role).await?
            }
            Source::Of(base) => base.keys_at(now).await?,
            Source::Fixed(keys) => keys.clone(),
        };
        let account = match (&self.source, keys.account_id()) {
            _ if !self.identify => None,
            (Source::Role(..), Some(account)) => Some(account.as_str().to_string()),
            _ => Some(self.sources.sts().identity(keys.clone()).await?.account),
        };
        let clock = self.sources.clock();
        let renew = match keys.expiry() {
            Some(end) => end.checked_sub(MARGIN).unwrap_or(end).max((clock + SHORTEST).min(end)),
            None => clock + LONGEST,
        };
        Ok(Issued { keys, account, renew })
    }

    /// STS, where this wallet asks it.
    pub(super) fn sts(&self) -> Sts {
        self.sources.sts()
    }

    /// The keys, renewed where it is time.
    pub(super) async fn keys_at(&self, now: Timestamp) -> Result<Keys, CollectError> {
        self.renew(now).await?;
        let none = || error::no_credentials("they were taken away meanwhile");
        self.issued().map(|issued| issued.keys).ok_or_else(none)
    }

    /// Says whose keys an error is about, unless it does already.
    fn about(&self, error: CollectError) -> CollectError {
        if is_about_credentials(&error) {
            return error;
        }
        CollectError::new(error.class, format!("{CREDENTIALS}{}: {}", self.who, error.message))
    }

    /// Keys of another account than the expected one: logged like any failure of theirs, and others are got soon.
    fn of_another(&self, found: &str, expected: &Arc<str>, now: Timestamp) -> CollectError {
        let message = format!("{CREDENTIALS}{}: they are of account {found}, expected {expected}", self.who);
        let error = CollectError::new(ErrorClass::WrongAccount, message);
        self.told.stranger(&error, expected, now);
        self.forget(now);
        error
    }
}

/// Seconds until the next attempt after so many failures before this one.
fn pause(failures: usize) -> u64 {
    PAUSES[failures.min(PAUSES.len() - 1)]
}

/// Whether it is not time yet. What lies further ahead than any pause was noted before the clock was set back.
fn is_before(now: Timestamp, again: Timestamp) -> bool {
    let longest = pause(PAUSES.len());
    (1..=longest).contains(&again.since(now))
}

/// Keys of a wallet for the calls about one account; an empty id is any account.
#[derive(Clone)]
pub(super) struct KeysOf {
    pub(super) wallet: Arc<Wallet>,
    pub(super) account: Arc<str>,
}

impl fmt::Debug for KeysOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysOf").field("account", &self.account).finish_non_exhaustive()
    }
}

impl KeysOf {
    /// Renews the keys where it is time, and refuses those of another account.
    pub(super) async fn ready(&self, now: Timestamp) -> Result<(), CollectError> {
        match self.wallet.renew(now).await? {
            Some(account) if !self.account.is_empty() && *account != *self.account => {
                Err(self.wallet.of_another(&account, &self.account, now))
            }
            _ => {
                self.wallet.told.owner(&self.account);
                Ok(())
            }
        }
    }

    async fn keys(&self) -> Provided {
        let now = self.wallet.sources.now();
        self.ready(now).await.map_err(|error| CredentialsError::provider_error(Refused(error)))?;
        let issued = self.wallet.issued().map(|issued| issued.keys);
        issued.ok_or_else(|| CredentialsError::not_loaded("no keys"))
    }
}

impl ProvideCredentials for KeysOf {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.keys())
    }
}
