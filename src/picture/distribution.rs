//! Percentiles of one-minute sums.

use crate::model::time::Minute;

/// How the minutes with traffic are distributed. Percentiles are by nearest rank: pN is the smallest value that
/// at least N % of those minutes do not exceed, so it always is the value of a minute that there was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// How many minutes it is made of.
    pub minutes: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
    /// The first minute that reached `max`.
    pub busiest: Minute,
}

impl Distribution {
    /// `None` without a single value.
    pub fn of(values: impl Iterator<Item = (Minute, f64)>) -> Option<Distribution> {
        let mut sorted = Vec::new();
        let mut busiest: Option<(Minute, f64)> = None;
        for (minute, value) in values {
            if busiest.is_none_or(|(_, most)| value > most) {
                busiest = Some((minute, value));
            }
            sorted.push(value);
        }
        let (busiest, max) = busiest?;
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
        let (p50, p90, p99) = (rank(50), rank(90), rank(99));
        Some(Distribution { minutes: sorted.len(), p50, p90, p99, max, busiest })
    }

    /// The same as shares of a limit.
    pub fn over(self, limit: f64) -> Distribution {
        let Distribution { p50, p90, p99, max, .. } = self;
        Distribution { p50: p50 / limit, p90: p90 / limit, p99: p99 / limit, max: max / limit, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_there_were() {
        let of = |values: &[f64]| {
            let minutes = values.iter().enumerate().map(|(at, value)| (Minute(at as i64), *value));
            Distribution::of(minutes).map(|d| (d.p50, d.p90, d.p99, d.max, d.busiest.0))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7.0]), Some((7.0, 7.0, 7.0, 7.0, 0)));
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), Some((2.0, 4.0, 4.0, 4.0, 0)));
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(of(&hundred), Some((50.0, 90.0, 99.0, 100.0, 0)));
        let of_101: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(of(&of_101), Some((51.0, 91.0, 100.0, 101.0, 100)));
        assert_eq!(of(&[1.0, 5.0, 5.0]).map(|d| d.4), Some(1), "the first of the busiest");
    }
}
