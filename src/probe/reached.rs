//! What a ramp wants, and what it comes to.

use super::call::Dimension;

/// What a ramp wants.
pub(super) enum Wish {
    Call { input: u64, max_tokens: u64 },
    Wait(f64),
    Over(Reached),
}

/// What a dimension came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reached {
    /// So much a minute got in while calls beyond it were refused, told by so many calls that got in; of a
    /// reservation: so much at once, by so many calls.
    Found { value: f64, calls: u64 },
    /// Nothing was refused up to this level, and the run ended.
    Held { level: Option<f64> },
    /// The very first call was refused.
    FirstRefused,
    /// AWS had no more capacity: no quota.
    Capacity { level: f64 },
    /// Calls could not be made as fast as the level wants.
    OwnPace { level: f64 },
    /// A level that had held was refused too.
    Unclear,
    /// It was not ramped, and why.
    Skipped(String),
}

/// What was found in a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub dimension: Dimension,
    pub predicted: Option<f64>,
    pub reached: Reached,
}
