//! What a region's control plane lists beside foundation models and system profiles.

use std::collections::BTreeMap;

/// An application inference profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApplicationProfile {
    /// 12 characters: CloudWatch's ModelId.
    pub id: String,
    pub name: String,
    /// What it was copied from: a foundation model's id or a system profile's.
    pub source: String,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProvisionedThroughput {
    /// The last part of its ARN.
    pub id: String,
    pub name: String,
    pub model_id: String,
    pub units: u32,
    pub desired_units: u32,
    /// `InService`, `Creating`, `Updating`, `Failed`.
    pub status: String,
    /// `OneMonth` or `SixMonths`, and when it ends.
    pub commitment: Option<(String, i64)>,
    pub created: i64,
}

/// A custom model served on demand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deployment {
    /// The last part of its ARN; the whole ARN is CloudWatch's ModelId.
    pub id: String,
    pub name: String,
    /// The model that was customized.
    pub base_model_id: String,
    pub created: i64,
}

/// A custom model that nothing serves; one that is served has its [`Deployment`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomModel {
    /// The last part of its ARN.
    pub id: String,
    pub name: String,
    pub base_model_id: String,
    /// `Creating`, `Active`, `Failed`.
    pub status: String,
    pub created: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportedModel {
    /// The last part of its ARN; the whole ARN is CloudWatch's ModelId.
    pub id: String,
    pub name: String,
    pub architecture: String,
    pub created: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchJob {
    pub id: String,
    pub name: String,
    pub model_id: String,
    /// `Submitted`, `InProgress`, `Completed`, …
    pub status: String,
    pub submitted: i64,
    pub records: u64,
    pub processed: u64,
}
