//! What is read of the answers of /api/v1. What they leave open is `None`.

use serde::Deserialize;

/// A list as the API sends it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Listing<T> {
    pub items: Vec<T>,
}

/// Everything that the first screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    pub targets: Vec<Target>,
    /// The largest share of refused calls first.
    pub throttled: Vec<Throttled>,
    /// The fullest first.
    pub fullest: Vec<Quota>,
    pub findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Place {
    pub account_id: String,
    pub account_name: String,
    pub region: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Target {
    /// In seconds since the epoch.
    pub complete_until: Option<i64>,
    pub collectors: std::collections::BTreeMap<String, Collector>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Collector {
    pub up: bool,
}

/// Whose calls are refused.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Throttled {
    #[serde(flatten)]
    pub place: Place,
    pub model: Option<String>,
    pub scope: Option<String>,
    pub model_id: Option<String>,
    pub cause: Option<String>,
    pub throttled_seconds: u64,
    pub refused_share: Option<f64>,
}

/// A quota and what is left of it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Quota {
    #[serde(flatten)]
    pub place: Place,
    pub model: String,
    pub scope: String,
    pub quota: String,
    pub quota_code: String,
    pub limit: Option<f64>,
    pub used: Option<f64>,
    pub peak: Option<f64>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Finding {
    #[serde(flatten)]
    pub place: Place,
    pub severity: String,
    pub model: Option<String>,
    pub scope: Option<String>,
    pub what: String,
    pub evidence: String,
    pub remedies: Vec<Remedy>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Remedy {
    pub what: String,
    pub how: String,
}

/// The calls of a model and scope, or of an id.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Calls {
    #[serde(flatten)]
    pub place: Place,
    pub model: Option<String>,
    pub scope: Option<String>,
    pub model_id: Option<String>,
    /// The oldest first.
    pub minutes: Vec<Minute>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Minute {
    /// In seconds since the epoch.
    pub start: i64,
    pub settled: bool,
    pub requests: Option<f64>,
    pub throttled: Option<f64>,
    pub server_errors: Option<f64>,
    pub input_tokens: Option<f64>,
    pub output_tokens: Option<f64>,
}
