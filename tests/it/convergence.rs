//! 1,000 irregular worlds, some hours long: minutes published late and in steps, metrics listed one by one or never,
//! outages of publishing followed by a flood, a series of all calls together, limits that change, failed rounds,
//! restarts with and without what the process before has left. What is shown meanwhile must not be less than what
//! is certain; once everything has been published, every number is the truth exactly. The truth is added up here
//! from what was put into the world, and shares no code with the core.

use crate::cloud::{Cloud, NOON};
use crate::oracle::Dice;
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::settings::Cadence;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const OPUS: &str = "anthropic.claude-opus-5";
const US_OPUS: &str = "us.anthropic.claude-opus-5";
const TEAM: &str = "teamaaaaaaaa";
const NOVA: &str = "amazon.nova-pro-v1:0";
const OPUS_BURNDOWN: f64 = 10.0;

/// Code, and the ids that spend it.
const REQUESTS: [(&str, &[&str]); 2] = [("L-1", &[US_OPUS, TEAM]), ("L-3", &[NOVA])];
const TOKENS: [(&str, &[&str]); 2] = [("L-2", &[US_OPUS, TEAM]), ("L-4", &[NOVA])];
const NOVA_DAY: &str = "L-5";
const LIMIT: f64 = 10_000.0;
/// Metrics of which one may never be listed. (Calls and refusals are read in any case.)
const NEVER: [Metric; 3] = [Metric::InputTokens, Metric::OutputTokens, Metric::EstimatedTokens];
const IDS: [&str; 3] = [US_OPUS, TEAM, NOVA];

fn own(id: &InvocationId) -> &'static str {
    IDS.into_iter().find(|own| **own == *id.id).expect("one of the world's")
}

struct World {
    cloud: Cloud,
    dice: Dice,
    seed: u64,
    /// Since when counters count: the last start, less the delay.
    counted_from: Minute,
    /// The last minute of traffic.
    end: Minute,
    /// Nothing is published in it, and then everything at once.
    outage: Range<Minute>,
    /// The largest value of each counter since the last start.
    counters: BTreeMap<String, f64>,
    /// What each counter comes to in the end, added up once a start.
    sums: BTreeMap<String, f64>,
    /// Metrics that ListMetrics never shows.
    unlisted: BTreeSet<(&'static str, Metric)>,
    /// The limits of requests, and since when they are in force.
    limits: [(Timestamp, f64); 2],
    /// When the last process came.
    came: Timestamp,
}

fn world(seed: u64) -> World {
    let mut dice = Dice(seed);
    let start = NOON.plus(dice.below(3600));
    let mut cloud = Cloud::new(start);
    cloud.settings.usage_interval = dice.pick(&[60, 120, 240]);
    cloud.settings.counter_hold = 0;
    cloud.growth = dice.pick(&[1.0, 0.5, 0.0]);
    let adaptive = Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 3600 };
    cloud.settings.cadence = dice.one_in(2).then_some(adaptive);
    cloud.model(OPUS, "Claude Opus 5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    let regions = ["us-east-1", "us-west-2"];
    cloud.profile(US_OPUS, ProfileKind::SystemDefined, OPUS, &regions);
    cloud.profile(TEAM, ProfileKind::Application, OPUS, &regions);
    let row = |scope, what, model| format!("{scope} model inference {what} per minute for {model}");
    cloud.quota("L-2", &row("Cross-region", "tokens", "Anthropic Claude Opus 5"), Some(LIMIT));
    cloud.quota("L-4", &row("On-demand", "tokens", "Amazon Nova Pro"), Some(LIMIT));
    let day = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(NOVA_DAY, day, Some(LIMIT));
    let counted_from = start.minus(120).minute();
    let end = start.minute() + (dice.below(60) + 60) as i64;
    let outage = start.minute() + (dice.below(30) + 10) as i64;
    let outage = outage..outage + dice.pick(&[0, 0, 10, 22]);
    let changes = start.plus(dice.below(3600));
    let limits = [(Timestamp(0), LIMIT), (changes, dice.pick(&[LIMIT, LIMIT / 20.0, LIMIT * 7.0]))];
    limit_requests(&mut cloud, LIMIT);
    let mut world = World {
        cloud,
        dice,
        seed,
        counted_from,
        end,
        outage,
        counters: BTreeMap::new(),
        sums: BTreeMap::new(),
        unlisted: BTreeSet::new(),
        limits,
        came: start,
    };
    world.add_traffic(start.minute());
    if world.dice.one_in(2) {
        world.add_all_calls();
    }
    world
}

fn limit_requests(cloud: &mut Cloud, limit: f64) {
    let row = |scope, model| format!("{scope} model inference requests per minute for {model}");
    cloud.quota("L-1", &row("Cross-region", "Anthropic Claude Opus 5"), Some(limit));
    cloud.quota("L-3", &row("On-demand", "Amazon Nova Pro"), Some(limit));
}

impl World {
    fn add_traffic(&mut self, start: Minute) {
        let outage = self.outage.clone();
        for id in IDS {
            if self.dice.one_in(5) {
                continue;
            }
            let busy = self.dice.pick(&[1, 1, 3, 12]);
            let begins = start + self.dice.pick(&[-60, -60, -20, 3, 25]);
            let begins = if outage.contains(&begins) { outage.end } else { begins };
            let estimates = self.dice.one_in(2);
            let mut first = true;
            for minute in begins.until(self.end) {
                if first || self.dice.one_in(busy) {
                    self.add_minute(id, minute, estimates, first, &outage);
                    first = false;
                }
            }
            self.list_late(id);
        }
    }

    fn add_minute(&mut self, id: &str, minute: Minute, estimates: bool, first: bool, outage: &Range<Minute>) {
        let dice = &mut self.dice;
        let burndown = if id == NOVA { 1.0 } else { OPUS_BURNDOWN };
        let [calls, input, output] = [40, 9_000, 700].map(|most| 1.0 + dice.below(most) as f64);
        let mut points = vec![(Metric::Invocations, calls), (Metric::InputTokens, input)];
        points.push((Metric::OutputTokens, output));
        if estimates && (first || !dice.one_in(9)) {
            let more = dice.below(9) as f64;
            points.push((Metric::EstimatedTokens, input + burndown * output + more));
        }
        if dice.one_in(4) {
            points.push((Metric::Throttles, (dice.below(8) + 1) as f64));
        }
        for (metric, value) in points {
            // The first of all is prompt, so that ListMetrics can show the metric at all.
            let tail = !first && self.dice.one_in(40);
            let late = if tail { self.dice.below(1340) + 360 } else { self.dice.below(315) + 45 };
            let flood = (outage.end.start().since(minute.end()) + 30).min(1_700);
            let late = if outage.contains(&minute) { late.max(flood) } else { late };
            self.cloud.late_point(id, metric, minute, value, late);
        }
    }

    /// ListMetrics shows the metrics of an id one by one, each up to 15 minutes after its first datapoint.
    fn list_late(&mut self, id: &'static str) {
        let never = self.dice.one_in(6).then(|| self.dice.pick(&NEVER));
        let all = self.cloud.published.iter().filter(|((of, _), _)| &*of.id == id);
        let first: Vec<(Metric, Timestamp)> =
            all.filter_map(|((_, metric), at)| Some((*metric, *at.values().min()?))).collect();
        for (metric, published) in first {
            let lag = self.dice.below(900);
            let lag = if never == Some(metric) { 30 * 86_400 } else { lag };
            self.cloud.show_from(id, metric, published.plus(lag));
        }
        self.unlisted.extend(never.map(|metric| (id, metric)));
    }

    /// The series without dimensions, which has a lag of its own.
    fn add_all_calls(&mut self) {
        let mut all: BTreeMap<(Metric, Minute), f64> = BTreeMap::new();
        for ((_, metric), points) in &self.cloud.points {
            if [Metric::Invocations, Metric::Throttles].contains(metric) {
                for (minute, value) in points {
                    *all.entry((*metric, *minute)).or_default() += value;
                }
            }
        }
        for ((metric, minute), value) in all {
            let late =
                if self.dice.one_in(40) { self.dice.below(1340) + 360 } else { self.dice.below(315) + 45 };
            self.cloud.late_point("", metric, minute, value, late);
        }
    }

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
            for (&metric, &total) in &status.totals {
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
