//! Basic authentication.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a request waits until its password's turn comes.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Yes,
    No,
    /// Too many passwords are being checked.
    Busy,
}

/// Checks passwords: one at a time, since each check takes a processor for as long as bcrypt's cost says.
#[derive(Debug)]
pub(super) struct Doorman {
    turn: Arc<Semaphore>,
    /// The digest of what let a user in last, by name. Only what was right is kept: nobody can crowd it out.
    right: Mutex<BTreeMap<String, [u8; 32]>>,
    /// Which user's hash stands in for that of an unknown one.
    decoys: RandomState,
    patience: Duration,
}

impl Default for Doorman {
    fn default() -> Doorman {
        let turn = Arc::new(Semaphore::new(1));
        Doorman { turn, right: Mutex::default(), decoys: RandomState::new(), patience: PATIENCE }
    }
}

struct Credentials {
    user: String,
    password: Vec<u8>,
}

impl Doorman {
    /// Whether the request is of one of these users, each with the hash of the password. Without any, it is let in.
    pub(super) async fn admits(&self, users: &BTreeMap<String, String>, headers: &HeaderMap) -> Admitted {
        if users.is_empty() {
            return Admitted::Yes;
        }
        let Some(given) = credentials(headers) else { return Admitted::No };
        let known = users.get(&given.user);
        // An unknown user takes as long as a known one would.
        let hash = known.unwrap_or_else(|| self.decoy(users, &given.user)).clone();
        let digest = digest(&given, &hash);
        if known.is_some() && self.was_right(&given.user, &digest) {
            return Admitted::Yes;
        }
        let Ok(Ok(turn)) = timeout(self.patience, self.turn.clone().acquire_owned()).await else {
            return Admitted::Busy;
        };
        if known.is_some() && self.was_right(&given.user, &digest) {
            return Admitted::Yes;
        }
        let Credentials { user, password } = given;
        let check = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even where the client has gone.
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        });
        let is_right = check.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        if known.is_none() || !is_right {
            return Admitted::No;
        }
        self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(user, digest);
        Admitted::Yes
    }

    fn was_right(&self, user: &str, digest: &[u8; 32]) -> bool {
        self.right.lock().unwrap_or_else(PoisonError::into_inner).get(user) == Some(digest)
    }

    /// Always the same one's for the same name, or the time that it takes would tell who is unknown.
    fn decoy<'a>(&self, users: &'a BTreeMap<String, String>, user: &str) -> &'a String {
        let number = self.decoys.hash_one(user) as usize % users.len();
        users.values().nth(number).expect("fewer than there are")
    }
}

/// Of the user, the hash and the password: a new hash asks for the password again.
fn digest(given: &Credentials, hash: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [given.user.as_bytes(), hash.as_bytes(), &given.password] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// What `Authorization: Basic` says (RFC 7617).
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(bytes[..colon].to_vec()).ok()?;
    Some(Credentials { user, password: bytes[colon + 1..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least cost there is: fast.
    fn users() -> BTreeMap<String, String> {
        let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
        [("alice", "wonder:land"), ("bob", "builder")]
            .map(|(user, word)| (user.to_string(), hash(word)))
            .into()
    }

    fn basic(text: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(text));
        [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[tokio::test]
    async fn only_users_with_their_own_passwords_are_let_in() {
        let (users, doorman) = (users(), Doorman::default());
        for (given, admitted) in [
            ("alice:wonder:land", Admitted::Yes),
            ("alice:wonder:land", Admitted::Yes),
            ("bob:builder", Admitted::Yes),
            ("alice:builder", Admitted::No),
            ("alice:", Admitted::No),
            ("Alice:wonder:land", Admitted::No),
            ("carol:builder", Admitted::No),
            ("carol:wonder:land", Admitted::No),
            ("alice", Admitted::No),
            (":", Admitted::No),
        ] {
            assert_eq!(doorman.admits(&users, &basic(given)).await, admitted, "{given}");
        }
        let raw = |value: &str| [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        let encoded = STANDARD.encode("alice:wonder:land");
        for (value, admitted) in [
            (format!("basic {encoded}"), Admitted::Yes),
            (format!("Bearer {encoded}"), Admitted::No),
            (encoded.clone(), Admitted::No),
            ("Basic !".to_string(), Admitted::No),
        ] {
            assert_eq!(doorman.admits(&users, &raw(&value)).await, admitted, "{value}");
        }
        assert_eq!(doorman.admits(&users, &HeaderMap::new()).await, Admitted::No);
        assert_eq!(
            doorman.admits(&BTreeMap::new(), &HeaderMap::new()).await,
            Admitted::Yes,
            "nobody is asked"
        );
    }

    #[tokio::test]
    async fn a_changed_hash_asks_for_the_password_again() {
        let (mut users, doorman) = (users(), Doorman::default());
        assert_eq!(doorman.admits(&users, &basic("bob:builder")).await, Admitted::Yes);
        users.insert("bob".into(), bcrypt::hash("another", 4).unwrap());
        assert_eq!(doorman.admits(&users, &basic("bob:builder")).await, Admitted::No);
        assert_eq!(doorman.admits(&users, &basic("bob:another")).await, Admitted::Yes);
    }

    #[tokio::test]
    async fn whoever_was_let_in_waits_for_no_turn() {
        let (users, doorman) =
            (users(), Doorman { patience: Duration::from_millis(10), ..Doorman::default() });
        assert_eq!(doorman.admits(&users, &basic("bob:builder")).await, Admitted::Yes);
        let _turn = doorman.turn.clone().acquire_owned().await;
        assert_eq!(doorman.admits(&users, &basic("bob:builder")).await, Admitted::Yes);
        for given in ["bob:wrong", "carol:builder", "alice:wonder:land"] {
            assert_eq!(doorman.admits(&users, &basic(given)).await, Admitted::Busy, "{given}");
        }
    }

    #[tokio::test]
    async fn what_is_remembered_belongs_to_user_hash_and_password_apart() {
        let hash = "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq";
        let digest = |user: &str, hash: &str, password: &str| {
            digest(&Credentials { user: user.into(), password: password.into() }, hash)
        };
        assert_ne!(digest("alice", hash, "a"), digest(&format!("alice{hash}"), "", "a"));
        assert_ne!(digest("alice", hash, "a"), digest("alice", &hash[..59], "qa"));
    }
}
