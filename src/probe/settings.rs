//! What a run is told.

use super::call::{Dimension, Used};

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// In the order in which they are ramped.
    pub dimensions: Vec<Dimension>,
    /// Seconds for which each step is held.
    pub hold: f64,
    pub limits: HardLimits,
    pub prices: Option<Prices>,
    pub predicted: Predicted,
    /// The largest max_tokens that the model takes, as far as is known.
    pub largest_output: u64,
}

/// What a run must not exceed, in the worst case: each answer as long as its max_tokens. `None`: not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HardLimits {
    pub requests: Option<u64>,
    pub tokens: Option<u64>,
    pub dollars: Option<f64>,
    pub minutes: Option<f64>,
}

/// Dollars per million tokens. No API of AWS tells them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    pub input: f64,
    pub output: f64,
}

impl Prices {
    /// What so many tokens cost.
    pub fn dollars(self, input: f64, output: f64) -> f64 {
        (input * self.input + output * self.output) / 1e6
    }
}

/// What Service Quotas says that calls are held to, a minute. `None`: there is no such quota, or its value is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Predicted {
    pub requests: Option<f64>,
    pub tokens: Option<f64>,
    /// Tokens of quota that an output token costs.
    pub burndown: Option<f64>,
}

impl Predicted {
    /// The quota that ends a dimension. Bedrock holds reservations against the tokens of a minute.
    pub fn limit(&self, dimension: Dimension) -> Option<f64> {
        match dimension {
            Dimension::Requests => self.requests,
            Dimension::Tokens | Dimension::Reservation => self.tokens,
        }
    }

    /// Tokens of quota of a call that is over. Answers are so short that an unknown burndown, taken for 1, hardly
    /// matters.
    pub(super) fn charge(&self, used: Used) -> f64 {
        (used.input + used.cache_write) as f64 + used.output as f64 * self.burndown.unwrap_or(1.0)
    }
}
