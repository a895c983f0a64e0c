//! What one collection brought: an observation, and the errors beside it.

use super::catalog::Catalog;
use super::ids::{Target, words};
use super::quota::QuotaList;
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
        ExpiredCredentials = "expired_credentials",
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
