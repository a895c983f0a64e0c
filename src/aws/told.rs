//! What the log has said of credentials that do not work: when it begins, when it becomes another failure, once an hour,
//! and when it ends. It outlives the wallets: a reload makes new ones of the same credentials.

use crate::model::observation::{CollectError, ErrorClass};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Seconds between two lines about a failure that goes on.
const REMINDER: i64 = 3600;

/// By whose the credentials are, and whether their account is asked for.
#[derive(Default)]
pub(super) struct Log(Mutex<BTreeMap<(String, bool), Arc<Told>>>);

/// What was said of some credentials.
pub(super) struct Told {
    who: String,
    open: Mutex<Open>,
}

/// The failures that are not over, and when each was told last.
#[derive(Default)]
struct Open {
    failure: Option<(ErrorClass, Timestamp)>,
    /// The accounts that were expected where the keys are another's.
    strangers: BTreeMap<Arc<str>, Timestamp>,
}

impl Log {
    /// `identify`: whether the account of the keys is asked for, too: AWS may not know keys that were found.
    pub(super) fn of(&self, who: &str, identify: bool) -> Arc<Told> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Told { who: who.to_string(), open: Mutex::default() });
        all.entry((who.to_string(), identify)).or_insert_with(new).clone()
    }

    /// Forgets credentials that no wallet is of any more, and says so of those that failed.
    pub(super) fn forget_unused(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(who, _), told| {
            let is_used = Arc::strong_count(told) > 1;
            if !is_used && told.is_open() {
                tracing::info!(credentials = who, "credentials that failed are asked for no more");
            }
            is_used
        });
    }
}

impl Told {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        let open = self.open();
        open.failure.is_some() || !open.strangers.is_empty()
    }

    /// There are no keys. `failures`: in a row.
    pub(super) fn failed(
        &self,
        CollectError { class, message }: &CollectError,
        failures: usize,
        now: Timestamp,
    ) {
        let mut open = self.open();
        let is_told = open.failure.is_some_and(|(told, at)| told == *class && now.0 - at.0 < REMINDER);
        if !is_told {
            open.failure = Some((*class, now));
            tracing::warn!(%class, error = message, failures, "credentials failed");
        }
    }

    /// There are keys again.
    pub(super) fn works(&self) {
        if self.open().failure.take().is_some() {
            tracing::info!(credentials = self.who, "credentials work again");
        }
    }

    /// The keys are of another account than the expected one.
    pub(super) fn stranger(
        &self,
        CollectError { class, message }: &CollectError,
        expected: &Arc<str>,
        now: Timestamp,
    ) {
        let mut open = self.open();
        if open.strangers.get(expected).is_none_or(|told| now.0 - told.0 >= REMINDER) {
            open.strangers.insert(expected.clone(), now);
            tracing::warn!(%class, error = message, "credentials failed");
        }
    }

    /// The keys are of the expected account.
    pub(super) fn owner(&self, expected: &Arc<str>) {
        if self.open().strangers.remove(expected).is_some() {
            tracing::info!(credentials = self.who, account_id = %expected, "credentials work again");
        }
    }
}
