//! The thresholds of the alerts: alerts/generate/values.yaml has the same, and a test compares them.

/// Refused share of all attempts over 5 minutes, above.
pub const THROTTLED_RATIO: f64 = 0.05;
/// Throttled minutes among the last 15, in seconds, at least.
pub const THROTTLED_SECONDS: u64 = 120;
/// Attempts in 5 minutes, at least.
pub const THROTTLED_ATTEMPTS: f64 = 20.0;
/// Or the refused share of one minute of as many attempts, at least.
pub const THROTTLED_MINUTE_RATIO: f64 = 0.2;
/// Refused share over 30 minutes, above, where reservation is the cause.
pub const RESERVED_RATIO: f64 = 0.01;
pub const RESERVED_SECONDS: u64 = 300;
/// Attempts in 30 minutes at a quota of 0, at least.
pub const ZERO_ATTEMPTS: f64 = 5.0;
/// 5xx of all calls over 15 minutes, above, and how many at least.
pub const FAILED_RATIO: f64 = 0.05;
pub const FAILED_ERRORS: f64 = 20.0;
/// Refused share over 5 minutes, at most, beside them.
pub const FAILED_THROTTLED_RATIO: f64 = 0.01;
/// A share of a limit, and for how many seconds of the look-back window, at least.
pub const NEAR_RATIO: f64 = 0.9;
pub const NEAR_SECONDS: u64 = 600;
/// This much of a day's tokens is spent, and today's pace spends the rest.
pub const DAY_RUNNING_OUT: f64 = 0.5;
pub const DAY_GONE: f64 = 1.0;
/// Age of the newest minute that is complete, in seconds, above.
pub const STALE_SECONDS: u64 = 1200;
pub const COMMITMENT_DAYS: u64 = 14;
pub const END_OF_LIFE_DAYS: u64 = 60;
pub const INCREASE_DAYS: u64 = 7;
