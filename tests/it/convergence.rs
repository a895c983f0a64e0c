//! 1,000 irregular worlds, some hours long: minutes published late and in steps, metrics listed one by one or never,
//! outages of publishing followed by a flood, a series of all calls together, limits that change, failed rounds,
//! restarts with and without what the process before has left. What is shown meanwhile must not be less than what
//! is certain; once everything has been published, every number is the truth exactly. The truth is added up here
//! from what was put into the world, and shares no code with the core.

mod world;

use bedrock_quota_exporter::model::time::Minute;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use std::ops::Range;
use world::*;

impl World {
    fn live(&mut self) {
        self.cloud.round();
        let restart =
            self.dice.one_in(3).then(|| self.cloud.now.minute() + (self.dice.below(30) + 20) as i64);
        while self.cloud.now < self.end.end() {
            let next = self.cloud.now.plus(self.cloud.settings.usage_interval);
            let (changes, limit) = self.limits[1];
            if changes <= next {
                limit_requests(&mut self.cloud, limit);
            }
            if restart.is_some_and(|at| at.start() > self.cloud.now && at.start() <= next) {
                if self.dice.one_in(2) {
                    let absent = self.dice.pick(&[0, 30, 600, 2400]);
                    self.came = next.plus(absent);
                    self.cloud.go_on(self.came).round();
                    self.check_what_is_shown();
                    continue;
                }
                self.came = next;
                self.cloud.restart(next).round();
                self.counted_from = next.minus(120).minute();
                self.counters.clear();
                self.sums.clear();
                continue;
            }
            self.cloud.at(next);
            let series: Vec<(InvocationId, Metric)> = self.cloud.points.keys().cloned().collect();
            let troubled = self.dice.one_in(6);
            self.cloud.failing = series.iter().filter(|_| troubled && self.dice.one_in(6)).cloned().collect();
            self.cloud.partial = series.iter().filter(|_| troubled && self.dice.one_in(6)).cloned().collect();
            if self.dice.one_in(15) {
                self.cloud.failed_round()
            } else {
                self.cloud.round()
            }
            self.check_what_is_shown();
        }
    }

    /// Whole answers, until everything has been published and read.
    fn heal(&mut self) {
        self.cloud.failing.clear();
        self.cloud.partial.clear();
        self.cloud.settings.usage_interval = 300;
        let healed = self.end.end().plus(90 * 60);
        while self.cloud.now < healed {
            self.cloud.run_until(self.cloud.now.plus(300));
            self.check_what_is_shown();
        }
    }

    fn truth(&self, id: &'static str, metric: Metric, minute: Minute) -> Option<f64> {
        // What nobody can find out is not missed.
        if self.unlisted.contains(&(id, metric)) && NEVER.contains(&metric) {
            return None;
        }
        self.cloud.points.get(&(InvocationId::runtime(id), metric))?.get(&minute).copied()
    }

    fn spent(&self, id: &'static str, minute: Minute) -> f64 {
        let value = |metric| self.truth(id, metric, minute).unwrap_or(0.0);
        let burndown = if id == NOVA { 1.0 } else { OPUS_BURNDOWN };
        let rebuilt = value(Metric::InputTokens) + burndown * value(Metric::OutputTokens);
        self.truth(id, Metric::EstimatedTokens, minute).unwrap_or(rebuilt)
    }

    fn total(&self, id: &'static str, metric: Metric) -> f64 {
        let minutes = self.counted_from.until(self.end);
        minutes.filter_map(|minute| self.truth(id, metric, minute)).sum()
    }

    fn charge(&self, id: &'static str) -> f64 {
        self.counted_from.until(self.end).map(|minute| self.spent(id, minute)).sum()
    }

    /// Counters as they are published.
    fn published(&mut self) -> Vec<(String, f64, f64)> {
        let mut all = Vec::new();
        let mut sums = std::mem::take(&mut self.sums);
        for status in &self.cloud.evaluation().ids {
            for (metric, total) in Metric::ALL.iter().filter_map(|&m| Some((m, status.totals.get(m)?))) {
                let id = own(&status.id);
                let name = format!("{metric} of {id}");
                let truth = *sums.entry(name.clone()).or_insert_with(|| self.total(id, metric));
                all.push((name, total, truth));
            }
        }
        for (code, _) in TOKENS {
            for (id, charged) in &self.cloud.status(code).charged {
                let name = format!("charge of {}", id.id);
                let truth = *sums.entry(name.clone()).or_insert_with(|| self.charge(own(id)));
                all.push((name, *charged, truth));
            }
        }
        self.sums = sums;
        all
    }

    fn check_what_is_shown(&mut self) {
        for (name, value, truth) in self.published() {
            let name = format!("{name} in world {} at {}", self.seed, self.cloud.now);
            assert!(value <= truth + 1e-6, "{name}: {value}, more than {truth}");
            let before = self.counters.insert(name.split(" in world").next().unwrap().into(), value);
            assert!(before <= Some(value + 1e-6), "{name}: {value}, less than {before:?} before");
        }
        self.check_the_peaks();
        let settled = self.cloud.now.minus(240).minute();
        for (code, ids) in REQUESTS.iter().chain(&TOKENS) {
            let usage = self.cloud.status(code).usage;
            if usage != Some(0.0) {
                continue;
            }
            let is_called =
                |minute: Minute| ids.iter().any(|id| self.truth(id, Metric::Invocations, minute).is_some());
            let mut window = (settled - 40).until(settled);
            // A single id of which nothing is published for a quarter of an hour has stopped, for all anybody knows.
            let outage = self.outage.end - self.outage.start.0 > Minute(10) && self.outage.end > settled - 40;
            let always_called = !outage && window.all(is_called);
            let listed = ids.iter().any(|id| self.cloud.id(id).is_some());
            assert!(
                !always_called || !listed,
                "{code} in world {} at {}: 0, though calls came in every minute",
                self.seed,
                self.cloud.now
            );
        }
    }

    fn calls(&self, ids: &[&'static str], minute: Minute) -> f64 {
        ids.iter().filter_map(|id| self.truth(id, Metric::Invocations, minute)).sum()
    }

    /// No minute is said to have been nearer to a limit than it was to the one in force.
    fn check_the_peaks(&self) {
        let [(_, before), (changes, after)] = self.limits;
        // Nobody tells a process of limits that were in force before it came.
        if changes < self.came {
            return;
        }
        let settled = self.cloud.now.minus(240).minute();
        for (code, ids) in REQUESTS {
            let Some(shown) = self.cloud.status(code).peak_ratio else { continue };
            let ratio = |minute: Minute| {
                let limit = if minute.end() <= changes { before } else { after };
                // A limit that was raised is known when the quotas were read again.
                let unread = self.cloud.now < changes.plus(1800);
                let limit = if minute == changes.minute() || unread { limit.min(before) } else { limit };
                self.calls(ids, minute) / limit
            };
            let most = (settled - 80).until(settled).map(ratio).fold(0.0, f64::max);
            assert!(
                shown <= most + 1e-12,
                "{code} in world {} at {}: {shown}, more than {most}",
                self.seed,
                self.cloud.now
            );
        }
    }

    fn check_the_end(&mut self) {
        for (name, value, truth) in self.published() {
            assert!((value - truth).abs() < 1e-6, "{name} in world {}: {value} of {truth}", self.seed);
        }
        let shown = |id: &str| self.cloud.id(id).is_some();
        let today = self.cloud.now.day_start().minute();
        let spent: f64 = today.until(self.end).map(|minute| self.spent(NOVA, minute)).sum();
        if shown(NOVA) {
            let status = self.cloud.status(NOVA_DAY);
            assert_eq!(status.usage, Some(spent), "the day in world {}", self.seed);
            assert_eq!(status.ratio, Some(spent / LIMIT), "its ratio in world {}", self.seed);
        }
        for (code, _) in REQUESTS.iter().chain(&TOKENS) {
            let status = self.cloud.status(code);
            let shown = (status.usage, status.peak, status.ratio);
            assert_eq!(shown, (Some(0.0), Some(0.0), Some(0.0)), "{code} in world {}", self.seed);
        }
    }

    /// Peaks and the windows of refusals once the last minutes are published, and not yet out of the windows.
    fn check_windows(&mut self) {
        self.cloud.failing.clear();
        self.cloud.partial.clear();
        self.cloud.settings.cadence = None;
        self.cloud.settings.lookback_minutes = 90;
        self.cloud.restart(self.end.end().plus(40 * 60)).round();
        for (code, ids) in REQUESTS {
            let calls = |minute: Minute| self.calls(ids, minute);
            let last = self.cloud.now.minus(240).minute() - 1;
            let peak = (last - 89).until(last + 1).map(calls).reduce(f64::max);
            let status = self.cloud.status(code);
            assert_eq!(status.peak, peak, "peak of {code} in world {}", self.seed);
            assert_eq!(
                status.peak_ratio,
                peak.map(|peak| peak / self.limits[1].1),
                "its ratio in world {}",
                self.seed
            );
        }
    }
}

fn converge(seeds: Range<u64>) {
    let mut counted = 0;
    for seed in seeds {
        let mut world = world(seed);
        world.live();
        world.heal();
        world.check_the_end();
        counted += world.published().len();
        world.check_windows();
    }
    assert!(counted > 1_500, "{counted} counters: the worlds say too little");
}

// 1,000 worlds, in four parts that run beside each other.

#[test]
fn irregular_worlds_below_250_converge() {
    converge(0..250);
}

#[test]
fn irregular_worlds_below_500_converge() {
    converge(250..500);
}

#[test]
fn irregular_worlds_below_750_converge() {
    converge(500..750);
}

#[test]
fn irregular_worlds_below_1000_converge() {
    converge(750..1000);
}
