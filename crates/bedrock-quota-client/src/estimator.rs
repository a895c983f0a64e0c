//! Tokens of a text before Bedrock has counted them.

/// Tokens of a character before any answer told: English has about four characters a token, other texts fewer.
const TOKENS_PER_CHARACTER: f64 = 1.0 / 3.0;
/// A rate that was too low is mended at once, one that was too high by this much with every answer.
const FORGETTING: f64 = 0.1;
/// What rounding may add.
const ROUNDING: f64 = 1e-6;

/// Learns from what Bedrock counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimator {
    rate: f64,
}

impl Default for Estimator {
    fn default() -> Estimator {
        Estimator { rate: TOKENS_PER_CHARACTER }
    }
}

impl Estimator {
    /// What a text of so many characters is taken for.
    pub fn tokens(&self, characters: usize) -> f64 {
        (characters as f64 * self.rate - ROUNDING).ceil().max(0.0)
    }

    /// Bedrock counted so many tokens of so many characters.
    pub fn learn(&mut self, characters: usize, tokens: u64) {
        if characters > 0 {
            let seen = tokens as f64 / characters as f64;
            self.rate = seen.max(self.rate + FORGETTING * (seen - self.rate));
        }
    }
}
