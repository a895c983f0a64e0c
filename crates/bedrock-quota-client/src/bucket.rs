//! A bucket that holds a minute's worth and fills evenly. It may be overdrawn.

/// What rounding of sums may lack.
const ROUNDING: f64 = 1e-6;

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// `None`: there is no such quota.
    capacity: Option<f64>,
    level: f64,
    at: Option<f64>,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(capacity: Option<f64>) -> Bucket {
        Bucket { capacity, level: capacity.unwrap_or_default(), at: None }
    }

    pub(crate) fn fill(&mut self, now: f64) {
        if let Some((capacity, at)) = self.capacity.zip(self.at) {
            self.level = capacity.min(self.level + (now - at).max(0.0) * capacity / 60.0);
        }
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
    }

    /// What is taken stays taken.
    pub(crate) fn resize(&mut self, capacity: Option<f64>) {
        self.level = match (self.capacity, capacity) {
            (Some(old), Some(new)) => self.level + new - old,
            (_, new) => new.unwrap_or_default(),
        };
        self.capacity = capacity;
    }

    /// Seconds until so much is there; a full bucket has enough for any call. `None`: never.
    pub(crate) fn wait(&self, amount: f64) -> Option<f64> {
        let Some(capacity) = self.capacity else { return Some(0.0) };
        if capacity == 0.0 {
            return None;
        }
        let lack = amount.min(capacity) - self.level;
        Some(if lack <= ROUNDING { 0.0 } else { lack * 60.0 / capacity })
    }

    pub(crate) fn put(&mut self, amount: f64) {
        if let Some(capacity) = self.capacity {
            self.level = capacity.min(self.level + amount);
        }
    }

    /// Leaves nothing: somebody else has taken it.
    pub(crate) fn drain(&mut self) {
        self.level = self.level.min(0.0);
    }

    pub(crate) fn left(&self) -> Option<f64> {
        self.capacity.map(|_| self.level)
    }
}
