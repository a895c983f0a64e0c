//! What became of calls.

use std::collections::BTreeMap;

/// Of all models together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub successes: u64,
    /// Calls without an answer that tells what it cost.
    pub failures: u64,
    /// Attempts that Bedrock refused.
    pub throttled: u64,
    pub retries: u64,
    pub waited_seconds: f64,
    /// By model id: why the newest answer told no limits, so that those before it still hold.
    pub stale: BTreeMap<String, String>,
}

impl Statistics {
    /// Of calls, not of attempts; `None` before the first.
    pub fn success_rate(&self) -> Option<f64> {
        let calls = self.successes + self.failures;
        (calls > 0).then(|| self.successes as f64 / calls as f64)
    }

    pub(super) fn add(&mut self, other: Statistics) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.throttled += other.throttled;
        self.retries += other.retries;
        self.waited_seconds += other.waited_seconds;
        self.stale.extend(other.stale);
    }
}
