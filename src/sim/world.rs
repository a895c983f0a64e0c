//! What there is: accounts, their regions, and in each region quotas, traffic and catalog.
//!
//! Plain data. With a moment (seconds since the epoch) it says everything the wire answers; it knows
//! no clock and no network.

pub mod admission;
pub mod catalog;
pub mod counted;
mod counting;
mod levels;
pub mod lists;
pub mod live;
pub mod names;
pub mod noise;
pub mod organization;
pub mod point;
pub mod publishing;
pub mod quotas;
pub mod series;
pub mod stream;
pub mod traffic;
pub mod view;

pub use catalog::{
    ApplicationProfile, BatchJob, CustomModel, Deployment, ImportedModel, ProvisionedThroughput,
};
use counted::Counted;
use lists::Lists;
pub use organization::{Member, Organization, Unit};
pub use publishing::Publishing;
use std::collections::BTreeMap;
use std::ops::Range;
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
    /// Rows that once had another name.
    pub renamed: Vec<FormerName>,
    /// Rows, profiles, deployments and imported models that lists leave out for a while.
    pub hidden: Vec<Hidden>,
    pub streams: Vec<Stream>,
    pub profiles: Vec<ApplicationProfile>,
    /// The tags of the runtime endpoint's projects, by id.
    pub project_tags: BTreeMap<String, BTreeMap<String, String>>,
    pub provisioned: Vec<ProvisionedThroughput>,
    pub deployments: Vec<Deployment>,
    pub custom_models: Vec<CustomModel>,
    pub imported: Vec<ImportedModel>,
    pub jobs: Vec<BatchJob>,
    /// What CloudWatch counts beside the calls of models.
    pub counted: Vec<Counted>,
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

/// The name that a quota row had, under the code that it still has.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerName {
    pub code: String,
    pub name: String,
    /// The moment from which on it has its present name, in seconds.
    pub until: i64,
}

/// Something that lists leave out, though it is there and can be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    /// A quota row's code, or the id of a profile, deployment or imported model.
    pub name: String,
    /// In seconds.
    pub during: Range<i64>,
}

/// A request for more.
#[derive(Clone, Debug, PartialEq)]
pub struct IncreaseRequest {
    pub code: String,
    pub desired: f64,
    /// `PENDING`, `CASE_OPENED`, `CASE_CLOSED`, …
    pub status: String,
    pub created: i64,
    /// When its status last changed.
    pub updated: i64,
}

impl World {
    /// The region of an account, if the account exists and has it enabled.
    pub fn region(&self, account: &str, region: &str) -> Option<&Region> {
        self.account(account)?.regions.iter().find(|r| r.name == region)
    }

    /// The same, to change it.
    pub fn region_mut(&mut self, account: &str, region: &str) -> Option<&mut Region> {
        let account = self.accounts.iter_mut().find(|a| a.id == account)?;
        account.regions.iter_mut().find(|r| r.name == region)
    }

    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.id == id)
    }
}
