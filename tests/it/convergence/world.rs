//! The irregular worlds: what happens in them, when it is published, and when it is listed.

use crate::cloud::{Cloud, NOON};
use crate::oracle::Dice;
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::settings::Cadence;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) const OPUS: &str = "anthropic.claude-opus-5";
pub(super) const US_OPUS: &str = "us.anthropic.claude-opus-5";
pub(super) const TEAM: &str = "teamaaaaaaaa";
pub(super) const NOVA: &str = "amazon.nova-pro-v1:0";
pub(super) const OPUS_BURNDOWN: f64 = 10.0;

/// Code, and the ids that spend it.
pub(super) const REQUESTS: [(&str, &[&str]); 2] = [("L-1", &[US_OPUS, TEAM]), ("L-3", &[NOVA])];
pub(super) const TOKENS: [(&str, &[&str]); 2] = [("L-2", &[US_OPUS, TEAM]), ("L-4", &[NOVA])];
pub(super) const NOVA_DAY: &str = "L-5";
pub(super) const LIMIT: f64 = 10_000.0;
/// Metrics of which one may never be listed. (Calls and refusals are read in any case.)
pub(super) const NEVER: [Metric; 3] = [Metric::InputTokens, Metric::OutputTokens, Metric::EstimatedTokens];
pub(super) const IDS: [&str; 3] = [US_OPUS, TEAM, NOVA];

pub(super) fn own(id: &InvocationId) -> &'static str {
    IDS.into_iter().find(|own| **own == *id.id).expect("one of the world's")
}

pub(super) struct World {
    pub(super) cloud: Cloud,
    pub(super) dice: Dice,
    pub(super) seed: u64,
    /// Since when counters count: the last start, less the delay.
    pub(super) counted_from: Minute,
    /// The last minute of traffic.
    pub(super) end: Minute,
    /// Nothing is published in it, and then everything at once.
    pub(super) outage: Range<Minute>,
    /// The largest value of each counter since the last start.
    pub(super) counters: BTreeMap<String, f64>,
    /// What each counter comes to in the end, added up once a start.
    pub(super) sums: BTreeMap<String, f64>,
    /// Metrics that ListMetrics never shows.
    pub(super) unlisted: BTreeSet<(&'static str, Metric)>,
    /// The limits of requests, and since when they are in force.
    pub(super) limits: [(Timestamp, f64); 2],
    /// When the last process came.
    pub(super) came: Timestamp,
}

pub(super) fn world(seed: u64) -> World {
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

pub(super) fn limit_requests(cloud: &mut Cloud, limit: f64) {
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
}
