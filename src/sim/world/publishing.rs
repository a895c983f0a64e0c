//! Publishing: how late CloudWatch shows a minute, and how much of it.

use super::noise;

/// How late CloudWatch shows a minute, counted in seconds from the minute's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Publishing {
    /// No point appears before this.
    pub earliest: i64,
    /// Every point has appeared by then.
    pub latest: i64,
    /// No value grows after this.
    pub settled: i64,
    /// The share of points that appear too small and grow later.
    pub growing: f64,
}

impl Default for Publishing {
    fn default() -> Publishing {
        Publishing { earliest: 60, latest: 180, settled: 240, growing: 0.25 }
    }
}

impl Publishing {
    /// Every minute is there, whole, as soon as it is over.
    pub fn at_once() -> Publishing {
        Publishing { earliest: 0, latest: 0, settled: 0, growing: 0.0 }
    }

    /// The part of a minute's value that is visible at `now`; `None`: no point yet.
    pub(super) fn grown(&self, key: u64, minute: i64, now: i64) -> Option<f64> {
        let age = now - (minute + 1) * 60;
        let late = |salt: u64| noise::unit(key ^ noise::mix(salt), minute);
        let appears = self.earliest + (late(1) * (self.latest - self.earliest) as f64) as i64;
        if age < appears {
            return None;
        }
        Some(if age < self.settled && late(2) < self.growing { 0.5 + 0.45 * late(3) } else { 1.0 })
    }
}
