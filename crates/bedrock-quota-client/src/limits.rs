//! What calls are held to, and what they cost.

use std::fmt;

/// What one model's calls are held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// `None`: there is no such quota.
    pub requests_per_minute: Option<f64>,
    /// `None`: there is no such quota.
    pub tokens_per_minute: Option<f64>,
    /// `None`: there is no such quota. With it, times must be seconds since the epoch.
    pub tokens_per_day: Option<f64>,
    /// Tokens of quota that an output token costs.
    pub burndown: f64,
    /// This caller's part of the limits, where several share them: above 0 and at most 1.
    pub share: f64,
    /// The model's maximum, which Bedrock reserves for a call without `max_tokens`; without it such calls are refused here.
    pub max_output_tokens: Option<u32>,
    /// Tokens of the day's quota that everybody has used.
    pub used_today: f64,
    /// When that was so, in seconds since the epoch: on a later day (UTC) it no longer counts. `None`: today.
    pub used_today_at: Option<f64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests_per_minute: None,
            tokens_per_minute: None,
            tokens_per_day: None,
            burndown: 1.0,
            share: 1.0,
            max_output_tokens: None,
            used_today: 0.0,
            used_today_at: None,
        }
    }
}

/// A limit that is none: the field, what was found and what was expected.
#[derive(Clone, Debug, PartialEq)]
pub struct BadLimits {
    field: &'static str,
    found: f64,
    expected: &'static str,
}

impl fmt::Display for BadLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; expected {}", self.field, self.found, self.expected)
    }
}

impl std::error::Error for BadLimits {}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), BadLimits> {
        let limit = |value: f64| value.is_finite() && value >= 0.0;
        let number = "a number from 0, or none where there is no such quota";
        let checks = [
            (
                "requests_per_minute",
                self.requests_per_minute,
                self.requests_per_minute.is_none_or(limit),
                number,
            ),
            ("tokens_per_minute", self.tokens_per_minute, self.tokens_per_minute.is_none_or(limit), number),
            ("tokens_per_day", self.tokens_per_day, self.tokens_per_day.is_none_or(limit), number),
            ("share", Some(self.share), self.share > 0.0 && self.share <= 1.0, "more than 0 and at most 1"),
            (
                "burndown",
                Some(self.burndown),
                self.burndown.is_finite() && self.burndown > 0.0,
                "a number above 0",
            ),
            ("used_today", Some(self.used_today), limit(self.used_today), "a number from 0"),
        ];
        match checks.into_iter().find(|(_, _, is_good, _)| !is_good) {
            None => Ok(()),
            Some((field, found, _, expected)) => {
                Err(BadLimits { field, found: found.unwrap_or_default(), expected })
            }
        }
    }

    /// The limits that are 0: with one of them no call ever gets in.
    pub fn zero(&self) -> Vec<&'static str> {
        let limits = [
            ("requests_per_minute", self.requests_per_minute),
            ("tokens_per_minute", self.tokens_per_minute),
            ("tokens_per_day", self.tokens_per_day),
        ];
        limits.into_iter().filter(|(_, limit)| *limit == Some(0.0)).map(|(name, _)| name).collect()
    }

    /// Tokens of quota that a call has cost. Cache reads cost none.
    pub fn charge(&self, usage: &Usage) -> f64 {
        (usage.input + usage.cache_write) as f64 + usage.output as f64 * self.burndown
    }
}

/// What a call used, in tokens, as Bedrock's answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Without what was read from or written to the cache.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Usage {
    /// All tokens of the request's texts.
    pub fn sent(&self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }
}
