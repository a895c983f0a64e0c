//! What its author says, and the draft that is made of it.

use super::demand::Demand;
use crate::model::ids::{Scope, Target};
use crate::model::matching::ModelQuota;
use crate::model::time::Timestamp;
use std::sync::Arc;

/// What its author says of it.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// A part of the model's id, or of an invocation id.
    pub model: String,
    /// `None`: the one with the most calls.
    pub scope: Option<Scope>,
    /// The value to ask for; `None`: what use shows to be needed.
    pub value: Option<f64>,
    /// How many times today's use is expected; `None`: as two weeks show it.
    pub growth: Option<f64>,
    pub use_case: Option<String>,
    /// The alarms in place.
    pub alarms: Option<String>,
}

/// A draft. What is `None` nobody could measure: a blank for its author.
#[derive(Clone, Debug)]
pub struct Draft {
    pub target: Target,
    pub account: String,
    pub model: Arc<str>,
    /// Whose use is meant.
    pub scope: Scope,
    pub use_case: Option<String>,
    pub alarms: Option<String>,
    /// The quota to ask for, and why that one.
    pub quota: Arc<ModelQuota>,
    pub advice: String,
    pub value: Option<f64>,
    /// How the value came about, with its arithmetic.
    pub reasoning: String,
    /// As CloudWatch spells them.
    pub ids: Vec<String>,
    pub profiles: Vec<Profile>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub demand: Demand,
    /// Why AWS would not grant it, or nobody needs it.
    pub refusals: Vec<String>,
}

/// A system inference profile of the model, and the regions that it routes to; none: any.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub id: String,
    pub regions: Vec<String>,
}
