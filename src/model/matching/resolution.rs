//! What matching answers: which quota a series is, and what became of an id.

use crate::model::ids::{Endpoint, Method, QuotaKind, Scope, State, Variant, words};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What names alone cannot tell: the reviewed alias file, and the user's overrides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// By invocation id: the quota codes it spends; `None`: it spends none of that kind.
    pub models: BTreeMap<String, BTreeMap<QuotaKind, Option<String>>>,
    /// By quota code: the base model id whose quota the row is; `None`: no model's.
    pub quotas: BTreeMap<String, Option<String>>,
}

/// The series a model quota is published under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaKey {
    /// The base model id.
    pub model: Arc<str>,
    pub endpoint: Endpoint,
    pub scope: Scope,
    pub variant: Variant,
    pub kind: QuotaKind,
    /// Empty where no such quota exists.
    pub code: Arc<str>,
}

/// A quota row that belongs to a model of this region, so that usage can be held against it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelQuota {
    pub key: QuotaKey,
    pub name: String,
    pub method: Method,
    /// The applied value, where it can be trusted.
    pub limit: Option<f64>,
    pub default: Option<f64>,
    pub adjustable: Option<bool>,
    /// From the lists alone: `Error`, `NotListed`, `Zero`, `Unknown`, `Ok`, or `Unmeasurable` where no
    /// traffic could ever be told apart for it (asynchronous calls, 1M context, latency-optimized).
    pub state: State,
}

words! {
    /// What an invocation id is: the label `type` of bedrock_model_id_info.
    IdType {
        Base = "base",
        SystemProfile = "system_profile",
        ApplicationProfile = "application_profile",
        CustomDeployment = "custom_deployment",
        Imported = "imported",
        Provisioned = "provisioned",
        Mantle = "mantle",
        Unknown = "unknown",
    }
}

impl IdType {
    /// Whether its calls are admitted apart from those of its model: it shares neither refusals nor limits with them.
    pub(crate) fn has_own_capacity(self) -> bool {
        matches!(self, IdType::CustomDeployment | IdType::Provisioned)
    }
}

words! {
    /// How sure the model and scope of an id are: the label `confidence`.
    Confidence {
        /// The id spells them, or a live list names them.
        Exact = "exact",
        /// Read off an id of regular form that no live list shows.
        Inferred = "inferred",
        Unknown = "unknown",
    }
}

/// What became of one invocation id.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    pub id_type: IdType,
    /// The base model id, where known.
    pub model: Option<Arc<str>>,
    pub scope: Option<Scope>,
    /// The name of a profile, deployment or provisioned throughput.
    pub name: Option<String>,
    pub confidence: Confidence,
    /// Tags of an application profile.
    pub tags: BTreeMap<String, String>,
    /// One per quantity that a call of this id could spend, each matched or with the reason why not.
    pub charges: Vec<Charge>,
    /// Why no quota at all could be found for it, or why one of several could not be decided; `None` where all
    /// were found or certainly do not exist beside one that was, or where having none is right (provisioned
    /// throughput, imported models: no on-demand quota applies).
    pub unmapped: Option<Unmapped>,
}

/// One quantity of an id, and the quota row it is charged to.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    pub kind: QuotaKind,
    /// The series; `None` where the row is unknown. A key with an empty code: certainly no such quota.
    pub quota: Option<QuotaKey>,
    /// What one unit of usage spends of the limit: 1, or 0.5 for cross-region tokens on a day row
    /// "doubled for cross-region calls".
    pub weight: f64,
    /// From the lists alone.
    pub state: State,
    pub method: Option<Method>,
    /// In words, for `explain`.
    pub reason: String,
}

words! {
    /// Why no quota could be found for an id: the label `reason` of bedrock_unmapped_model.
    Unmapped {
        /// Its form is not known, or no list shows it.
        UnknownId = "unknown_id",
        /// Neither a model list nor any quota name knows its model.
        UnknownModel = "unknown_model",
        /// Its model is known, but not whether it is called on demand, across regions or globally.
        UnknownScope = "unknown_scope",
        /// No quota row names its model in its scope.
        NoQuota = "no_quota",
        /// A row may be its own, but the name does not say so: it needs an override.
        IrregularName = "irregular_name",
        /// More than one row or more than one model answers to the same name.
        Ambiguous = "ambiguous",
    }
}
