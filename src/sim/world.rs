//! What there is: accounts, their regions, and in each region quotas, traffic and catalog.
//!
//! Plain data. With a moment (seconds since the epoch) it says everything the wire answers; it knows
//! no clock and no network.

pub mod catalog;
pub mod lists;
pub mod names;
pub mod noise;
pub mod organization;
pub mod point;
pub mod publishing;
pub mod series;
pub mod stream;
pub mod traffic;

pub use catalog::{ApplicationProfile, BatchJob, Deployment, ImportedModel, ProvisionedThroughput};
use lists::{Lists, Quota};
pub use organization::{Member, Organization, Unit};
pub use publishing::Publishing;
use std::sync::Arc;
use stream::Stream;

/// A simulated AWS.
#[derive(Clone, Debug)]
pub struct World {
    /// Noise differs by seed.
    pub seed: u64,
    pub lists: Arc<Lists>,
    /// The first one is who unknown access keys belong to.
    pub accounts: Vec<Account>,
    pub organization: Option<Organization>,
    pub publishing: Publishing,
    /// AWS's rates per API, account and region are enforced.
    pub rates: bool,
    /// List pages are sometimes short or empty though more follow.
    pub rough_pages: bool,
}

impl Default for World {
    fn default() -> World {
        World {
            seed: 0,
            lists: Lists::public(),
            accounts: Vec::new(),
            organization: None,
            publishing: Publishing::default(),
            rates: true,
            rough_pages: true,
        }
    }
}

/// One AWS account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// 12 digits.
    pub id: String,
    /// The secret that AssumeRole into this account must be given, if any.
    pub external_id: Option<String>,
    /// The regions that are enabled.
    pub regions: Vec<Region>,
    /// Further ones that are, without Bedrock in them.
    pub without_bedrock: Vec<String>,
    /// The accounts whose metrics it sees in every region, as a monitoring account.
    pub sources: Vec<String>,
}

/// One region of one account.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// For example `us-east-1`.
    pub name: String,
    /// The quota rows listed here; `None`: every row that the public lists say the region has.
    pub codes: Option<Vec<String>>,
    /// Tokens per day are still listed per model, rather than in the one Cross-Model row.
    pub day_rows: bool,
    /// CloudWatch has series without dimensions, added up over all ids.
    pub account_wide: bool,
    /// Where this account differs from the defaults; of several for one code, the latest that has begun holds.
    pub quotas: Vec<QuotaChange>,
    pub requests: Vec<IncreaseRequest>,
    pub streams: Vec<Stream>,
    pub profiles: Vec<ApplicationProfile>,
    pub provisioned: Vec<ProvisionedThroughput>,
    pub deployments: Vec<Deployment>,
    pub imported: Vec<ImportedModel>,
    pub jobs: Vec<BatchJob>,
}

/// A quota row that is not simply its default.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaChange {
    pub code: String,
    /// The moment it begins to hold, in seconds; `i64::MIN` for always.
    pub from: i64,
    pub applied: Applied,
}

/// What ListServiceQuotas says of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    Value(f64),
    /// The row is there, its Value is not.
    NoValue,
    /// Only ListAWSDefaultServiceQuotas has the row.
    DefaultOnly,
    /// The row carries an ErrorReason with this code.
    Error(String),
    /// A second row, applied at RESOURCE level, stands beside the account's.
    Resource(f64),
}

/// A request for more.
#[derive(Clone, Debug, PartialEq)]
pub struct IncreaseRequest {
    pub code: String,
    pub desired: f64,
    /// `PENDING`, `CASE_OPENED`, `CASE_CLOSED`, …
    pub status: String,
    pub created: i64,
}

impl World {
    /// The region of an account, if the account exists and has it enabled.
    pub fn region(&self, account: &str, region: &str) -> Option<&Region> {
        self.account(account)?.regions.iter().find(|r| r.name == region)
    }

    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.id == id)
    }

    /// The quota rows that a region lists.
    pub fn quota_rows(&self, region: &Region) -> Vec<&Quota> {
        if let Some(codes) = &region.codes {
            return codes.iter().filter_map(|code| self.lists.quota(code)).collect();
        }
        // A region has the account's one row for tokens per day or the models' own, never both.
        let unlisted = if region.day_rows { is_cross_model_row } else { is_day_row };
        self.lists.listed(&region.name).filter(|quota| !unlisted(quota)).collect()
    }

    /// The limit that calls are held to: the applied value, the default where there is none.
    pub fn limit(&self, region: &Region, code: &str, now: i64) -> Option<f64> {
        match region.applied(code, now) {
            Some(Applied::Value(value)) => Some(*value),
            _ => self.lists.quota(code).map(|q| self.lists.default_value(q, &region.name)),
        }
    }
}

/// A model's own tokens per day.
fn is_day_row(quota: &Quota) -> bool {
    let heads = ["Global cross-region model inference tokens per day", "Model invocation max tokens per day"];
    heads.iter().any(|head| quota.name.starts_with(head))
}

/// The account's tokens per day, of all models together.
fn is_cross_model_row(quota: &Quota) -> bool {
    quota.name.starts_with("Cross-Model")
}

impl Region {
    /// The entry that holds instead of the default, rows at RESOURCE level aside.
    pub fn applied(&self, code: &str, now: i64) -> Option<&Applied> {
        let account = self.begun(code, now).filter(|c| !matches!(c.applied, Applied::Resource(_)));
        account.max_by_key(|c| c.from).map(|c| &c.applied)
    }

    /// The values of the row at RESOURCE level.
    pub fn resource_values(&self, code: &str, now: i64) -> impl Iterator<Item = f64> {
        self.begun(code, now).filter_map(|c| match c.applied {
            Applied::Resource(value) => Some(value),
            _ => None,
        })
    }

    fn begun(&self, code: &str, now: i64) -> impl Iterator<Item = &QuotaChange> {
        self.quotas.iter().filter(move |c| c.code == code && c.from <= now)
    }
}
