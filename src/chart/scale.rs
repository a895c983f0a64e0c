//! Axes: values that a person would have chosen.

use crate::model::time::{Minute, Timestamp};

/// Between two ticks, in minutes.
const STEPS: [i64; 11] = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880];

/// A day, in minutes.
const DAY: i64 = 1440;

/// Ticks from 0 to at least `most`, about `count` of them, 1, 2, 2.5 or 5 times a power of ten apart.
pub(super) fn values(most: f64, count: usize) -> Vec<f64> {
    let most = if most > 0.0 { most } else { 1.0 };
    let rough = most / count as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|times| times * power);
    let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(power * 10.0);
    let ticks = (most / step - 1e-9).ceil().max(1.0) as usize;
    (0..=ticks).map(|tick| tick as f64 * step).collect()
}

/// Minutes at which a clock shows something round, at most `most` of them, each with how it is written.
pub(super) fn times(from: Minute, length: usize, most: usize) -> Vec<(Minute, String)> {
    let length = length as i64;
    let step = STEPS.into_iter().find(|step| length / step <= most as i64).unwrap_or(STEPS[10]);
    // Steps of several days begin at the span's first midnight, shorter ones at any.
    let origin = if step > DAY { from.0.div_euclid(DAY) * DAY } else { 0 };
    let first = origin + (from.0 - origin).div_euclid(step) * step;
    let ticks = (0..).map(|tick| Minute(first + tick * step));
    let ticks = ticks.take_while(|minute| minute.0 < from.0 + length).filter(|minute| *minute >= from);
    ticks.map(|minute| (minute, label(minute.start(), step))).collect()
}

/// The day where a day begins or only days are told, else the time.
fn label(at: Timestamp, step: i64) -> String {
    let text = at.to_string();
    let midnight = at == at.day_start();
    if midnight || step >= DAY {
        let date = time::UtcDateTime::from_unix_timestamp(at.0).ok();
        return date.map_or(text, |date| {
            let month = date.month().to_string();
            format!("{} {}", date.day(), month.get(..3).unwrap_or(&month))
        });
    }
    text.get(11..16).unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(values(1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(values(243.0, 3), [0.0, 100.0, 200.0, 300.0]);
        assert_eq!(values(0.0, 3), [0.0, 0.5, 1.0]);
        let labels = |from: i64, length| {
            times(Minute(from), length, 8).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        // 2026-11-26 00:00 UTC.
        let midnight = 1_795_651_200 / 60;
        assert_eq!(labels(midnight - 30, 60), ["23:30", "23:40", "23:50", "26 Nov", "00:10", "00:20"]);
        assert_eq!(labels(midnight, 1440).len(), 8);
        let days = labels(midnight, 21_600);
        assert_eq!(days[0], "26 Nov");
        assert!(days.len() <= 8, "{days:?}");
    }
}
