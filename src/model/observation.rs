//! What one collection brought: an observation, and the errors beside it.

use super::catalog::Catalog;
use super::ids::{Target, words};
use super::quota::QuotaList;
use super::redaction::redacted;
use super::time::Timestamp;
use super::usage::UsageReading;

words! {
    /// The collectors of a target: the label `collector`.
    Collector {
        Quotas = "quotas",
        Catalog = "catalog",
        Usage = "usage",
    }
}

words! {
    /// The closed set of ways a collection fails: the label `class`.
    ErrorClass {
        Throttled = "throttled",
        AccessDenied = "access_denied",
        /// Found nowhere, or what should give them failed.
        NoCredentials = "no_credentials",
        /// Keys that AWS refuses: expired, replaced, deleted, or with another secret.
        ExpiredCredentials = "expired_credentials",
        /// The account has not enabled the region: it refuses keys that AWS knows elsewhere.
        RegionDisabled = "region_disabled",
        /// Credentials of another account than the one that is watched.
        WrongAccount = "wrong_account",
        ClockSkew = "clock_skew",
        Timeout = "timeout",
        Network = "network",
        Server = "server",
        Malformed = "malformed",
        Other = "other",
    }
}

/// One failure, as it is logged and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectError {
    pub class: ErrorClass,
    /// Names the call and what AWS said; never a secret.
    pub message: String,
}

/// No message is longer, in characters: it stands in a log line, on a page, in an answer of the API, and some of it is
/// told by servers.
const LONGEST: usize = 1_000;

impl CollectError {
    /// With as much of the message as is shown: all of them pass here, what AWS says and what a file of an older version
    /// holds, and so none of them keeps a secret.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> CollectError {
        let mut message = redacted(&message.into());
        let is_longer = message.chars().nth(LONGEST).is_some();
        if let Some((end, _)) = message.char_indices().nth(LONGEST - 1).filter(|_| is_longer) {
            message.truncate(end);
            message.push('…');
        }
        CollectError { class, message }
    }
}

/// What a collector brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Quotas(QuotaList),
    Catalog(Catalog),
    Usage(UsageReading),
}

/// One finished collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub target: Target,
    pub collector: Collector,
    pub started: Timestamp,
    pub seconds: f64,
    /// `None`: nothing was got.
    pub observation: Option<Observation>,
    /// What failed, wholly or in part (a denied list beside others that were read).
    pub errors: Vec<CollectError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters_and_only_where_it_is_too_long() {
        for text in ["é".repeat(LONGEST), "x".repeat(LONGEST), String::new()] {
            assert_eq!(CollectError::new(ErrorClass::Other, text.clone()).message, text);
        }
        for text in ["é".repeat(LONGEST + 1), "x".repeat(30 << 20)] {
            let cut = CollectError::new(ErrorClass::Other, text.clone()).message;
            assert_eq!(cut.chars().count(), LONGEST);
            assert_eq!(cut.strip_suffix('…').map(|start| text.starts_with(start)), Some(true));
        }
    }
}
