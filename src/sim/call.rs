//! API calls: whom a request is for, and how often it was made.

use serde::{Deserialize, Serialize};

/// A kind of call of AWS's API, as AWS's rates and the faults tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApiCall {
    /// The service as in the credential scope: `monitoring`, `servicequotas`, `bedrock`, `sts`, `organizations`,
    /// `account`, `oam`; `bedrock-runtime` for the runtime, whose scope is `bedrock` too.
    pub service: String,
    pub operation: String,
    pub account: String,
    pub region: String,
}

/// How often a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Requests, refused ones included.
    pub calls: u64,
    /// Requests refused because they came too fast.
    pub throttled: u64,
    /// Metrics that AWS would bill: per request and metric, one for up to five statistics.
    pub metrics: u64,
}
