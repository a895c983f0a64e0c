//! The keys of one login: renewed in time, of an account that AWS has named, and asked for less and less often while
//! that fails.
//!
//! A call takes the keys that are here. They are renewed before a collection begins, never within a call: so an STS
//! that does not answer is said to be STS, and no call is counted that was never sent.

use super::error::{self, Refused};
use super::sources::Sources;
use super::sts::{Role, Sts};
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::time::Timestamp;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
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
/// Seconds between two log lines about a failure that goes on.
const REMINDER: i64 = 3600;
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
    /// When it was logged last.
    told: Option<Timestamp>,
    error: Option<CollectError>,
}

impl Wallet {
    pub(super) fn new(who: String, source: Source, sources: &Arc<Sources>, identify: bool) -> Arc<Wallet> {
        Arc::new(Wallet {
            who,
            source,
            sources: sources.clone(),
            identify,
            issued: RwLock::default(),
            attempts: Mutex::default(),
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
        if now < attempts.again
            && let Some(error) = &attempts.error
        {
            return otherwise.ok_or_else(|| error.clone());
        }
        // Boxed: a wallet renews the one that it takes its keys from.
        match Box::pin(self.issue(now)).await {
            Ok(issued) => {
                if attempts.told.is_some() {
                    tracing::info!(credentials = self.who, "credentials work again");
                }
                *attempts = Attempts::default();
                let account = issued.account.clone();
                *self.issued.write().unwrap_or_else(PoisonError::into_inner) = Some(issued);
                Ok(account)
            }
            Err(error) => {
                let error = self.about(error);
                self.note(&mut attempts, error.clone(), now);
                otherwise.ok_or(error)
            }
        }
    }

    /// AWS calls the keys expired: they are renewed before the next collection.
    pub(super) fn forget(&self) {
        *self.issued.write().unwrap_or_else(PoisonError::into_inner) = None;
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
                let assumed = self.sources.sts_for(&role.arn).assume(keys, role).await;
                // Nobody may know when they expire: a token in a file says nothing of it.
                assumed.inspect_err(|error| {
                    if error.class == ErrorClass::ExpiredCredentials {
                        base.forget();
                    }
                })?
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
        CollectError { message: format!("{CREDENTIALS}{}: {}", self.who, error.message), ..error }
    }

    /// Logged when it begins, when it becomes another failure, and once an hour.
    fn note(&self, attempts: &mut Attempts, error: CollectError, now: Timestamp) {
        let is_new = attempts.error.as_ref().is_none_or(|known| known.class != error.class);
        let is_old = attempts.told.is_none_or(|told| now.0 - told.0 >= REMINDER);
        if !self.about_another(&error) && (is_new || is_old) {
            attempts.told = Some(now);
            let CollectError { class, message } = &error;
            tracing::warn!(%class, error = message, failures = attempts.failures + 1, "credentials failed");
        }
        let pause = PAUSES[attempts.failures.min(PAUSES.len() - 1)];
        attempts.failures += 1;
        attempts.again = now.plus(pause);
        attempts.error = Some(error);
    }

    /// What fails at the wallet that the keys come from is logged there.
    fn about_another(&self, error: &CollectError) -> bool {
        !error.message.starts_with(&format!("{CREDENTIALS}{}: ", self.who))
    }
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
        let account = self.wallet.renew(now).await?;
        match account {
            Some(account) if !self.account.is_empty() && *account != *self.account => Err(CollectError {
                class: ErrorClass::WrongAccount,
                message: format!(
                    "{CREDENTIALS}{}: they are of account {account}, expected {}",
                    self.wallet.who, self.account
                ),
            }),
            _ => Ok(()),
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
