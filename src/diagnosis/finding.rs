//! What a finding is made of.

use crate::model::evaluation::Cause;
use crate::model::ids::Scope;
use crate::model::time::Minute;
use std::sync::Arc;

/// One model and scope that was refused calls, or whose calls failed for want of capacity.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Account and region, as a person reads them.
    pub place: String,
    pub model: Arc<str>,
    pub scope: Option<Scope>,
    pub cause: Cause,
    /// Of the whole span.
    pub throttles: f64,
    pub attempts: f64,
    pub refused_minutes: usize,
    /// The newest of them, in order.
    pub evidence: Vec<Instant>,
    /// Of the evidence's minutes, together.
    pub measured: Measured,
    pub remedies: Vec<Remedy>,
}

/// One minute of evidence. Shares are of the limits; `None`: no limit, or not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instant {
    pub minute: Minute,
    pub requests: f64,
    pub throttles: f64,
    pub server_errors: f64,
    pub requests_share: Option<f64>,
    pub tokens_share: Option<f64>,
    pub day_share: Option<f64>,
}

/// What the calls of some minutes looked like, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub minutes: f64,
    pub requests: f64,
    pub throttles: f64,
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What, in a word or two.
    pub what: &'static str,
    /// How, with the arithmetic.
    pub how: String,
    /// A line for the shell, where one does it.
    pub command: Option<String>,
}

/// A place with room for calls of a model: another scope, region or account.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub model: Arc<str>,
    pub scope: Scope,
    /// `account, region`, as a person reads it.
    pub place: String,
    pub limit: f64,
    /// The most that was spent of it in a minute.
    pub peak: f64,
}
