//! What reading CloudWatch costs, and how a budget slows it.

use super::settings::{Cadence, LONGEST_INTERVAL, Settings};
use std::iter::Sum;
use std::ops::Add;

/// GetMetricData's price in US dollars: $0.01 per 1,000 metrics requested, whatever the number of datapoints.
pub const DOLLARS_PER_METRIC: f64 = 0.00001;

/// What reading a target takes at intervals that are not stretched: metrics billed a day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// What is never stretched: the throttles of all ids together, those of guardrails, tiers and projects.
    pub tripwire: f64,
    /// Quotas that are no model's and far from their limits.
    pub calm: f64,
    pub idle: f64,
    pub normal: f64,
    pub hot: f64,
}

impl Load {
    fn total(&self) -> f64 {
        self.tripwire + self.calm + self.idle + self.normal + self.hot
    }
}

impl Add for Load {
    type Output = Load;

    fn add(self, other: Load) -> Load {
        Load {
            tripwire: self.tripwire + other.tripwire,
            calm: self.calm + other.calm,
            idle: self.idle + other.idle,
            normal: self.normal + other.normal,
            hot: self.hot + other.hot,
        }
    }
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Load>>(loads: I) -> Load {
        loads.fold(Load::default(), Add::add)
    }
}

/// By how much a budget stretches the intervals of each heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub calm: f64,
    pub idle: f64,
    pub normal: f64,
    pub hot: f64,
}

impl Default for Stretch {
    fn default() -> Stretch {
        Stretch { calm: 1.0, idle: 1.0, normal: 1.0, hot: 1.0 }
    }
}

impl Stretch {
    /// What keeps `load` within so many dollars a day, the calmest ids stretched first. Every id is still
    /// read at least once an hour, even if that is more than the budget.
    pub(crate) fn within(budget: f64, load: &Load, settings: &Settings, cadence: &Cadence) -> Stretch {
        let mut over = load.total() - budget / DOLLARS_PER_METRIC;
        // What is calm first, then idle ids, normal ones and hot ones: each heat takes as much of what is over as it
        // can before the next has to give any.
        let calm = stretch(load.calm, settings.calm_interval(), &mut over);
        let idle = stretch(load.idle, cadence.idle_interval, &mut over);
        let normal = stretch(load.normal, cadence.normal_interval, &mut over);
        let hot = stretch(load.hot, settings.usage_interval, &mut over);
        Stretch { calm, idle, normal, hot }
    }

    /// Whether it slows any reading of `load`.
    pub(crate) fn slows(&self, load: &Load) -> bool {
        let Stretch { calm, idle, normal, hot } = *self;
        [(calm, load.calm), (idle, load.idle), (normal, load.normal), (hot, load.hot)]
            .iter()
            .any(|(factor, load)| *factor > 1.0 && *load > 0.0)
    }
}

/// The factor by which one heat's interval grows, and takes its share off what is `over` the budget.
fn stretch(load: f64, interval: u64, over: &mut f64) -> f64 {
    if *over < 1.0 || load <= 0.0 {
        return 1.0;
    }
    let most = (LONGEST_INTERVAL as f64 / interval as f64).max(1.0);
    let needed = load / (load - *over).max(load / most);
    // In quarters, so that not every id that comes or goes changes the plan; and not a quarter more for the
    // rounding error of the division.
    let factor = ((needed * 4.0 - 1e-6).ceil() / 4.0).min(most);
    *over -= load - load / factor;
    factor
}

#[cfg(test)]
mod tests {
    use super::*;

    const CADENCE: Cadence =
        Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 3600 };
    /// $1 a day for idle ids, $4 for normal ones, $5 for hot ones.
    const LOAD: Load = Load { tripwire: 0.0, calm: 0.0, idle: 1e5, normal: 4e5, hot: 5e5 };

    fn stretch(dollars: f64) -> (f64, f64, f64) {
        let settings = crate::plan::plan(&crate::config::Config::default()).unwrap().settings;
        let Stretch { idle, normal, hot, .. } = Stretch::within(dollars, &LOAD, &settings, &CADENCE);
        (idle, normal, hot)
    }

    #[test]
    fn a_budget_slows_the_calmest_first_and_nobody_beyond_an_hour() {
        let table = [
            (20.0, (1.0, 1.0, 1.0)),
            (10.0, (1.0, 1.0, 1.0)),
            (9.5, (2.0, 1.0, 1.0)),
            (9.25, (4.0, 1.0, 1.0)),
            (7.25, (4.0, 2.0, 1.0)),
            (0.01, (4.0, 12.0, 60.0)),
        ];
        for (dollars, expected) in table {
            assert_eq!(stretch(dollars), expected, "${dollars} a day");
        }
    }

    #[test]
    fn what_is_stretched_fits_the_budget_while_that_is_possible() {
        for cents in 67..1100 {
            let dollars = f64::from(cents) / 100.0;
            let (idle, normal, hot) = stretch(dollars);
            let spent = LOAD.idle / idle + LOAD.normal / normal + LOAD.hot / hot;
            assert!(spent * DOLLARS_PER_METRIC <= dollars + 1e-4, "${dollars}: {spent}");
            let slowed = Stretch { calm: 1.0, idle, normal, hot }.slows(&LOAD);
            assert_eq!(slowed, dollars < 10.0);
        }
    }

    #[test]
    fn what_is_far_from_its_limit_gives_first_and_is_read_every_hour_at_least() {
        let settings = crate::plan::plan(&crate::config::Config::default()).unwrap().settings;
        let load = Load { calm: 1e5, ..LOAD };
        for (dollars, calm, idle) in [(11.0, 1.0, 1.0), (10.5, 2.0, 1.0), (10.0, 2.0, 2.0)] {
            let stretch = Stretch::within(dollars, &load, &settings, &CADENCE);
            assert_eq!((stretch.calm, stretch.idle), (calm, idle), "${dollars} a day");
            assert_eq!(stretch.slows(&load), dollars < 11.0);
        }
    }
}
