//! Clocks that are set, back and forward, by seconds, hours and days, over midnight: reading goes on, and no counter
//! counts a minute twice or loses one.

use crate::cloud::Cloud;
use bedrock_quota_exporter::model::observation::{CollectError, Collector, ErrorClass, Observation, Outcome};
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::model::usage::{Metric, UsageReading};
use std::collections::BTreeMap;

const MODEL: &str = "anthropic.claude-opus-5";
/// A quarter of an hour before midnight UTC.
const START: Timestamp = Timestamp(1_795_305_600 - 900);
/// How often the writer looks.
const TURN: u64 = 10;
/// Of the clock here from AWS's, beyond which usage is refused: half of the delay.
const AWAY: i64 = 60;

/// A machine whose clock is away from the right one.
struct Machine {
    cloud: Cloud,
    /// By the right clock.
    time: Timestamp,
    away: i64,
    /// When each collector was asked, by the right clock.
    asked: BTreeMap<Collector, Vec<Timestamp>>,
}

impl Machine {
    fn new() -> Machine {
        let mut cloud = Cloud::new(START);
        cloud.model(MODEL, "Claude Opus 5", "Anthropic");
        cloud.quota(
            "L-00000001",
            "On-demand model inference requests per minute for Anthropic Claude Opus 5",
            Some(100.0),
        );
        for minute in (START.minute() - 60).until(START.minute() + 600) {
            cloud.point(MODEL, Metric::Invocations, minute, 1.0);
        }
        Machine { cloud, time: START, away: 0, asked: BTreeMap::new() }
    }

    /// Somebody sets the clock; the writer notices at its next turn.
    fn set(&mut self, away: i64) {
        let step = away - self.away;
        self.away = away;
        self.cloud.now = Timestamp(self.time.0 + away);
        if step < 0 {
            let (settings, now) = (&self.cloud.settings, self.cloud.now);
            self.cloud.snapshot = self.cloud.snapshot.set_back(step.unsigned_abs(), settings, now);
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.time.plus(seconds);
        while self.time < end {
            self.time = self.time.plus(TURN);
            self.cloud.now = Timestamp(self.time.0 + self.away);
            let requests = self.cloud.requests();
            let asked = [
                (requests.quotas, Collector::Quotas),
                (requests.catalog, Collector::Catalog),
                (requests.usage.is_some(), Collector::Usage),
            ];
            for (_, collector) in asked.iter().filter(|(asked, _)| *asked) {
                self.asked.entry(*collector).or_default().push(self.time);
            }
            if self.away.abs() > AWAY && requests.usage.is_some() {
                self.refuse_usage(requests.quotas, requests.catalog);
            } else {
                self.cloud.round();
            }
        }
    }

    /// AWS's answers show that the clock here is wrong, so nothing is taken in of the minutes.
    fn refuse_usage(&mut self, quotas: bool, catalog: bool) {
        let cloud = &mut self.cloud;
        let skewed =
            CollectError { class: ErrorClass::ClockSkew, message: "AWS's clock shows another time".into() };
        let usage = cloud.outcome(Collector::Usage, Observation::Usage(UsageReading::default()));
        let usage = Outcome { observation: None, errors: vec![skewed], ..usage };
        let quotas =
            quotas.then(|| cloud.outcome(Collector::Quotas, Observation::Quotas(cloud.quotas.clone())));
        let catalog =
            catalog.then(|| cloud.outcome(Collector::Catalog, Observation::Catalog(cloud.catalog.clone())));
        let outcomes = [usage].into_iter().chain(quotas).chain(catalog).collect();
        cloud.advance(outcomes);
    }

    /// The longest silence of a collector, in seconds of the right clock.
    fn silence(&self, collector: Collector) -> u64 {
        let asked = &self.asked[&collector];
        let last = self.time.since(*asked.last().unwrap());
        asked.windows(2).map(|pair| pair[1].since(pair[0])).chain([last]).max().unwrap()
    }
}

/// The clock is right, then away for an hour, then right again.
#[test]
fn a_clock_that_is_set_silences_nothing_and_falsifies_no_counter() {
    let steps = [1, 2, 40, 59, 300, 3600, 2 * 3600, 86_400, 3 * 86_400, 400 * 86_400];
    for away in steps.into_iter().flat_map(|step| [step, -step]) {
        let mut machine = Machine::new();
        machine.run(600);
        machine.set(away);
        machine.run(3600);
        machine.set(0);
        machine.run(1800);
        let interval = [(Collector::Usage, 60), (Collector::Quotas, 900), (Collector::Catalog, 3600)];
        for (collector, interval) in interval {
            let silence = machine.silence(collector);
            assert!(silence <= interval + 2 * TURN, "{away} s: {collector} was silent for {silence} s");
        }
        // Since two minutes ago by AWS's clock, from the exporter's first sight of the id on: one call a minute.
        let undisturbed = {
            let mut machine = Machine::new();
            machine.run(6000);
            machine.cloud.total(MODEL, Metric::Invocations)
        };
        assert_eq!(machine.cloud.total(MODEL, Metric::Invocations), undisturbed, "{away} s");
        let status = machine.cloud.status("L-00000001");
        assert_eq!((status.usage, status.quota.limit), (Some(1.0), Some(100.0)), "{away} s");
    }
}
