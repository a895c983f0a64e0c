//! Publishing: how late CloudWatch shows a minute, how much of it, and when it lists a series.
//!
//! AWS promises nothing of this. Delays of one to three minutes are usual, of half an hour real; ListMetrics may
//! show a new series a quarter of an hour late.

use super::noise;
use super::stream::Invocations;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::ops::Range;

/// How irregularly CloudWatch shows what it counts. Ages are in seconds from a minute's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Publishing {
    /// No point appears before this age.
    pub earliest: i64,
    /// Every point but the stragglers has appeared by this age.
    pub latest: i64,
    /// The share of points that appear after `latest`.
    pub stragglers: f64,
    /// Every straggler has appeared by this age; most of them long before.
    pub tail: i64,
    /// No value grows after this age, or as long after a straggler's appearance as this is after `latest`.
    pub settled: i64,
    /// The share of points that appear too small and grow later.
    pub growing: f64,
    /// The number of steps in which a value grows.
    pub steps: u32,
    /// ListMetrics shows a new series at most so many seconds after its first point, each series in its own time.
    pub listed: i64,
    /// The share of series that ListMetrics never shows, though GetMetricData reads them.
    pub unlisted: f64,
    /// The share of minutes without EstimatedTPMQuotaUsage though tokens were counted.
    pub unestimated: f64,
    /// Spans of time, in seconds since the epoch, in which nothing new is published: all of it comes at their end.
    pub outages: Vec<Range<i64>>,
    /// What the metric Invocations counts.
    pub invocations: Invocations,
}

impl Default for Publishing {
    /// One to three minutes late, whole by the fourth.
    fn default() -> Publishing {
        Publishing {
            earliest: 60,
            latest: 180,
            stragglers: 0.0,
            tail: 180,
            settled: 240,
            growing: 0.25,
            steps: 1,
            listed: 0,
            unlisted: 0.0,
            unestimated: 0.0,
            outages: Vec::new(),
            invocations: Invocations::Successful,
        }
    }
}

impl Publishing {
    /// Every minute is there, whole, as soon as it is over.
    pub fn at_once() -> Publishing {
        Publishing { earliest: 0, latest: 0, tail: 0, settled: 0, growing: 0.0, ..Publishing::default() }
    }

    /// As late and as unsteady as has been seen of AWS, and a little more often.
    pub fn irregular() -> Publishing {
        Publishing {
            earliest: 45,
            latest: 360,
            stragglers: 0.03,
            tail: 1800,
            settled: 480,
            growing: 0.3,
            steps: 3,
            listed: 900,
            unlisted: 0.02,
            unestimated: 0.05,
            ..Publishing::default()
        }
    }

    /// The moment by which every point of a minute (minutes since the epoch) is there and whole.
    pub fn whole_at(&self, minute: i64) -> i64 {
        let mut at = (minute + 1) * 60 + self.whole_age(self.latest.max(self.tail));
        // What one outage has held back until its end, the next may hold back again.
        let mut outages: Vec<&Range<i64>> = self.outages.iter().collect();
        outages.sort_by_key(|outage| outage.start);
        for outage in outages {
            at = if outage.contains(&at) { outage.end } else { at };
        }
        at
    }

    /// The part of a minute's value that is visible at `now`; `None`: no point yet.
    pub(super) fn grown(&self, key: u64, minute: i64, now: i64) -> Option<f64> {
        let age = self.published_until(now) - (minute + 1) * 60;
        let appears = self.appears(key, minute);
        if age < appears {
            return None;
        }
        let whole = self.whole_age(appears);
        if age >= whole || draw(key, 2, minute) >= self.growing {
            return Some(1.0);
        }
        let first = 0.5 + 0.45 * draw(key, 3, minute);
        let steps = i64::from(self.steps.max(1));
        let step = (age - appears) * steps / (whole - appears);
        Some(first + (1.0 - first) * step as f64 / steps as f64)
    }

    /// The moment as of which everything is shown at `now`: within an outage, that of its beginning.
    fn published_until(&self, now: i64) -> i64 {
        let mut outages: Vec<&Range<i64>> = self.outages.iter().collect();
        outages.sort_by_key(|outage| Reverse(outage.start));
        outages.iter().fold(now, |until, outage| if outage.contains(&until) { outage.start } else { until })
    }

    /// The age at which a point appears.
    fn appears(&self, key: u64, minute: i64) -> i64 {
        if draw(key, 4, minute) < self.stragglers {
            // The third power makes the very late ones rare.
            return self.latest + (draw(key, 1, minute).powi(3) * (self.tail - self.latest) as f64) as i64;
        }
        self.earliest + (draw(key, 1, minute) * (self.latest - self.earliest) as f64) as i64
    }

    /// The age at which a point that appeared at some age is whole.
    fn whole_age(&self, appears: i64) -> i64 {
        self.settled.max(appears + self.settled - self.latest)
    }

    /// The seconds until ListMetrics shows a series after its first point; `None`: it never does.
    pub(super) fn listing_lag(&self, key: u64) -> Option<i64> {
        let shown = draw(key, 6, 0) >= self.unlisted;
        shown.then(|| (draw(key, 5, 0) * self.listed as f64) as i64)
    }

    /// Tells whether EstimatedTPMQuotaUsage is left out of a minute.
    pub(super) fn lacks_estimate(&self, key: u64, minute: i64) -> bool {
        draw(key, 7, minute) < self.unestimated
    }
}

/// A number in `0.0 .. 1.0`, another one for each use of a key.
fn draw(key: u64, of: u64, minute: i64) -> f64 {
    noise::unit(key ^ noise::mix(of), minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The parts of one minute's value that show as it ages, second by second; `-1.0`: no point.
    fn seen(publishing: &Publishing, key: u64, minute: i64, until: i64) -> Vec<f64> {
        let end = (minute + 1) * 60;
        (0..=until).map(|age| publishing.grown(key, minute, end + age).unwrap_or(-1.0)).collect()
    }

    #[test]
    fn delays_have_a_long_tail() {
        let publishing = Publishing::irregular();
        let mut ages: Vec<i64> = (0..20_000).map(|minute| publishing.appears(7, minute)).collect();
        ages.sort_unstable();
        assert!((45..=50).contains(&ages[0]), "{}", ages[0]);
        assert!((190..=215).contains(&ages[10_000]), "half by {} s", ages[10_000]);
        assert!(ages[19_000] <= 360, "19 of 20 by {} s", ages[19_000]);
        assert!((1500..=1800).contains(&ages[19_999]), "the last at {} s", ages[19_999]);
    }

    #[test]
    fn values_grow_in_steps() {
        let publishing = Publishing { growing: 1.0, stragglers: 0.0, ..Publishing::irregular() };
        let mut values = seen(&publishing, 1, 29_920_000, 600);
        values.dedup();
        assert_eq!(values.len(), 1 + 3 + 1, "nothing, three steps and the whole: {values:?}");
    }

    #[test]
    fn an_outage_holds_everything_back_and_ends_in_a_flood() {
        let minute = 29_920_000;
        let end = (minute + 1) * 60;
        let outages = vec![end..end + 1200, end + 1100..end + 1500];
        let publishing = Publishing { outages, ..Publishing::default() };
        let at = |age: i64, minute: i64| publishing.grown(1, minute, end + age);
        assert_eq!([at(0, minute), at(1499, minute), at(1499, minute + 15)], [None, None, None]);
        assert_eq!([at(1500, minute), at(1500, minute + 15)], [Some(1.0), Some(1.0)]);
        assert_eq!(publishing.whole_at(minute), end + 1500);
        assert_eq!(publishing.whole_at(minute - 60), end - 3600 + 240);
    }

    #[test]
    fn series_are_listed_each_in_its_time_and_few_of_them_never() {
        let publishing = Publishing::irregular();
        let lags: Vec<Option<i64>> = (0..5000).map(|key| publishing.listing_lag(noise::mix(key))).collect();
        let never = lags.iter().filter(|lag| lag.is_none()).count();
        assert!((60..=140).contains(&never), "{never}");
        let longest = lags.iter().flatten().max().copied();
        assert!((850..900).contains(&longest.unwrap_or(0)), "{longest:?}");
    }

    proptest! {
        #[test]
        fn a_value_never_shrinks_and_is_whole_when_told(seed: u64, minute in 0i64..40_000_000, steps in 1u32..6) {
            let start = (minute + 1) * 60 + (seed % 900) as i64;
            let outage = start..start + (seed % 3000) as i64;
            let outages = std::iter::once(outage).collect();
            let publishing = Publishing { steps, growing: 0.8, stragglers: 0.3, outages, ..Publishing::irregular() };
            let values = seen(&publishing, seed, minute, 6000);
            prop_assert!(values.is_sorted());
            let whole = publishing.whole_at(minute) - (minute + 1) * 60;
            prop_assert_eq!(values[whole as usize], 1.0);
        }
    }
}
