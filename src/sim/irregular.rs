//! Worlds for tests that must not rely on AWS being regular: each seed another one.
//!
//! One account, one region, a handful of ids of which some begin, pause, fail or are refused; minutes that are
//! published late, in steps, after outages; metrics that are listed late or never; lists with gaps. Whatever happens
//! is told by the world itself: [`World::view`] is what a reader sees at a moment, [`World::flow`] and
//! [`World::charge`] are the truth.

use super::demo::rows::Rows;
use super::world::lists::Lists;
use super::world::noise;
use super::world::publishing::Publishing;
use super::world::stream::{Call, Charge, Demand, Invocations, Late, Stream, Tier};
use super::world::{Account, ApplicationProfile, Applied, Hidden, QuotaChange, Region, World};
use std::collections::BTreeMap;
use std::ops::Range;

const HOUR: i64 = 3600;
/// How long [`World::made_irregular`] lasts.
const DAYS: i64 = 30;
/// The account of these worlds, and its region.
pub const ACCOUNT: &str = "000000000000";
pub const REGION: &str = "us-east-1";
/// The application profile, a copy of the geographic profile before it.
const PROFILE: &str = "irrg7f3k2m9q";

/// Ids, the model that quota rows name, and its burndown.
const IDS: [(&str, &str, Kind, f64); 6] = [
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic Claude Sonnet 4.5 V1", Kind::Geographic, 5.0),
    (PROFILE, "Anthropic Claude Sonnet 4.5 V1", Kind::Geographic, 5.0),
    ("us.amazon.nova-pro-v1:0", "Amazon Nova Pro", Kind::Geographic, 1.0),
    ("amazon.nova-lite-v1:0", "Amazon Nova Lite", Kind::OnDemand, 1.0),
    ("us.anthropic.claude-opus-4-8", "Anthropic Claude Opus 4.8", Kind::Geographic, 15.0),
    ("global.anthropic.claude-opus-5", "Anthropic Claude Opus 5", Kind::Global, 10.0),
];

#[derive(Clone, Copy)]
enum Kind {
    OnDemand,
    Geographic,
    Global,
}

impl World {
    /// The same world, irregular from `start` (seconds since the epoch) on: published late and in steps, nothing at
    /// all for 20 minutes of every six hours, and in others lists without their first profile and quota row.
    pub fn made_irregular(mut self, start: i64) -> World {
        let every_six_hours = |first: i64| {
            (0..DAYS * 4).map(move |n| {
                let begin = start + first + n * 6 * HOUR;
                begin..begin + 1200
            })
        };
        let outages = every_six_hours(2 * HOUR).collect();
        self.publishing = Publishing { outages, ..Publishing::irregular() };
        for region in self.accounts.iter_mut().flat_map(|account| &mut account.regions) {
            let code =
                region.streams.iter().flat_map(|s| &s.charges).map(|charge| charge.code.clone()).next();
            let profile = region.profiles.first().map(|profile| profile.id.clone());
            for name in code.into_iter().chain(profile) {
                let spans = every_six_hours(4 * HOUR);
                region.hidden.extend(spans.map(|during| Hidden { name: name.clone(), during }));
            }
        }
        self
    }

    /// The irregular world of a seed. It is at its liveliest from an hour before `start` (seconds since the epoch)
    /// to six hours after.
    pub fn irregular(seed: u64, start: i64) -> World {
        let mut dice = Dice(noise::mix(seed));
        let rows = Rows(Lists::public());
        let first = dice.below(IDS.len() as u64) as usize;
        let ids = IDS.iter().cycle().skip(first).take(2 + dice.below(4) as usize);
        let mut region = Region { name: REGION.into(), account_wide: dice.one_in(2), ..Region::default() };
        for (id, model, kind, burndown) in ids {
            let charges = match kind {
                Kind::OnDemand => rows.on_demand(model),
                Kind::Geographic => rows.cross_region(model),
                Kind::Global => rows.global(model),
            };
            region.quotas.extend(limits(&mut dice, &charges, start));
            let stream = stream(&mut dice, id, charges, *burndown);
            let spans = spans(&mut dice, start);
            region.streams.extend(spans.into_iter().map(|active| Stream { active, ..stream.clone() }));
        }
        region.profiles.push(ApplicationProfile {
            id: PROFILE.into(),
            name: "irregular".into(),
            source: IDS[0].0.into(),
            tags: BTreeMap::from([("team".into(), "irregular".into())]),
        });
        region.hidden = hidden(&mut dice, &region, start);
        let account = Account { id: ACCOUNT.into(), regions: vec![region], ..Account::default() };
        World { seed, accounts: vec![account], publishing: publishing(&mut dice, start), ..World::default() }
    }
}

/// Random choices, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = noise::mix(self.0);
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// A span that begins within `begins` seconds after `start` and lasts `lasts`.
    fn span(&mut self, start: i64, begins: i64, lasts: Range<i64>) -> Range<i64> {
        let begin = start + self.below(begins as u64) as i64;
        begin..begin + lasts.start + self.below((lasts.end - lasts.start) as u64) as i64
    }
}

fn publishing(dice: &mut Dice, start: i64) -> Publishing {
    let outages = (0..dice.below(3)).map(|_| dice.span(start, 5 * HOUR, 300..2400)).collect();
    Publishing {
        stragglers: dice.pick(&[0.0, 0.01, 0.05]),
        tail: dice.pick(&[600, 1200, 1800]),
        growing: dice.pick(&[0.0, 0.3, 0.8]),
        listed: dice.pick(&[0, 300, 900]),
        unlisted: dice.pick(&[0.0, 0.02]),
        unestimated: dice.pick(&[0.0, 0.05, 0.5]),
        invocations: dice.pick(&[Invocations::Successful, Invocations::Accepted]),
        outages,
        ..Publishing::irregular()
    }
}

/// A limit that is far, near or exceeded, and with luck another one from some moment on.
fn limits(dice: &mut Dice, charges: &[Charge], start: i64) -> Vec<QuotaChange> {
    let mut changes = Vec::new();
    for charge in charges {
        let from = start + dice.below(5 * HOUR as u64) as i64;
        for (from, changed) in [(i64::MIN, dice.one_in(2)), (from, dice.one_in(4))] {
            let value = dice.pick(&[40.0, 200.0, 60e3, 400e3, 3e6]);
            let change = QuotaChange { code: charge.code.clone(), from, applied: Applied::Value(value) };
            changes.extend(changed.then_some(change));
        }
    }
    changes
}

/// What the calls to an id are like, whenever there are any.
fn stream(dice: &mut Dice, id: &str, charges: Vec<Charge>, burndown: f64) -> Stream {
    let failing = dice.pick(&[0.0, 0.0, 0.0, 0.03, 0.3, 1.0]);
    let (client_errors, server_errors) = if dice.one_in(2) { (failing, 0.0) } else { (0.0, failing) };
    let call = Call {
        input: dice.pick(&[80.0, 900.0, 6000.0]),
        output: dice.pick(&[20.0, 250.0, 1500.0]),
        cache_read: dice.pick(&[0.0, 0.0, 4000.0]),
        cache_write: dice.pick(&[0.0, 0.0, 300.0]),
        max_tokens: dice.pick(&[0.0, 0.0, 4096.0]),
        client_errors,
        server_errors,
        ..Call::default()
    };
    let rate = dice.pick(&[0.2, 3.0, 40.0, 300.0]);
    let daily = Demand::Daily { low: rate * 0.2, high: rate, peak_hour: 12.0, bursts: 0.05 };
    let demand = if dice.one_in(2) { Demand::Steady(rate) } else { daily };
    Stream {
        demand,
        call,
        charges,
        burndown,
        estimated: !dice.one_in(3),
        retries: dice.below(3),
        tiers: if dice.one_in(4) { vec![Tier::new("default", 0.6), Tier::new("flex", 0.4)] } else { vec![] },
        projects: if dice.one_in(4) { vec![("proj_irregular".into(), 0.5)] } else { vec![] },
        late: late(dice),
        model_id: id.into(),
        ..Stream::default()
    }
}

/// Metrics of an id that come later than its others.
fn late(dice: &mut Dice) -> Vec<Late> {
    let metrics = ["EstimatedTPMQuotaUsage", "OutputTokenCount", "Invocations", "InvocationThrottles"];
    let mut late = Vec::new();
    for metric in metrics {
        late.extend(dice.one_in(6).then(|| Late::listed(metric, dice.pick(&[240, 840, i64::MAX]))));
        late.extend(dice.one_in(6).then(|| Late::published(metric, dice.pick(&[60, 300, 900]))));
    }
    late
}

/// When an id is called: always, from some moment on, or with a pause.
fn spans(dice: &mut Dice, start: i64) -> Vec<Range<i64>> {
    let pause = dice.span(start - HOUR, 5 * HOUR, 120..3 * HOUR);
    let (before, after) = (i64::MIN..pause.start, pause.end..i64::MAX);
    let always = before.start..after.end;
    match dice.below(4) {
        0 | 1 => vec![always],
        2 => vec![after],
        _ => vec![before, after],
    }
}

/// Rows and the profile, left out of their lists for a while.
fn hidden(dice: &mut Dice, region: &Region, start: i64) -> Vec<Hidden> {
    let codes = region.streams.iter().flat_map(|stream| &stream.charges).map(|charge| charge.code.clone());
    let mut names: Vec<String> = codes.chain([PROFILE.to_string()]).collect();
    names.dedup();
    names.retain(|_| dice.one_in(6));
    let span = |name| Hidden { name, during: dice.span(start, 5 * HOUR, 300..HOUR) };
    names.into_iter().map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::series::Tallies;

    /// 2026-11-20 12:00 UTC.
    const START: i64 = 1_795_176_000;

    /// The sum of a metric of an id over some minutes, as it is shown at a moment.
    fn shown(world: &World, id: &str, metric: &str, minutes: Range<i64>, now: i64) -> f64 {
        let view = world.view(ACCOUNT, REGION, now).unwrap();
        let tallies = Tallies::default();
        let dimensions = [("ModelId".to_string(), id.to_string())];
        let asked = minutes.start * 60..minutes.end * 60;
        let points = view.read(("AWS/Bedrock", metric), &dimensions, 60, asked, &tallies);
        points.iter().map(|(_, point)| point.sum).sum()
    }

    fn truth(world: &World, id: &str, minutes: Range<i64>) -> u64 {
        let (account, region) = (&world.accounts[0], &world.accounts[0].regions[0]);
        let streams = region.streams.iter().filter(|stream| stream.model_id == id);
        let flows = streams.map(|stream| world.flow(account, region, stream));
        flows.flat_map(|flow| minutes.clone().map(move |minute| flow.tally(minute).input)).sum()
    }

    #[test]
    fn what_is_shown_grows_to_the_truth_in_every_world() {
        let minutes = START / 60..START / 60 + 40;
        let mut late = 0;
        for seed in 0..60 {
            let world = World::irregular(seed, START);
            let whole = minutes.clone().map(|minute| world.publishing.whole_at(minute)).max().unwrap();
            for id in IDS.map(|(id, ..)| id) {
                let truth = truth(&world, id, minutes.clone()) as f64;
                let soon = shown(&world, id, "InputTokenCount", minutes.clone(), minutes.end * 60 + 240);
                let last = shown(&world, id, "InputTokenCount", minutes.clone(), whole);
                assert!(soon <= last, "{seed} {id}");
                assert_eq!(last, truth, "{seed} {id}");
                late += usize::from(soon < last);
            }
        }
        assert!(late > 60, "{late} ids of worlds lack something after four minutes");
    }

    #[test]
    fn the_worlds_have_all_there_is_to_see() {
        let worlds: Vec<World> = (0..300).map(|seed| World::irregular(seed, START)).collect();
        let regions: Vec<&Region> = worlds.iter().map(|world| &world.accounts[0].regions[0]).collect();
        let some = |what: &str, is: &dyn Fn(&World, &Region) -> bool| {
            let share = worlds.iter().zip(&regions).filter(|(world, region)| is(world, region)).count();
            assert!(share >= 20, "{what}: {share} of 300");
        };
        some("outages", &|world, _| !world.publishing.outages.is_empty());
        some("hidden rows", &|_, region| !region.hidden.is_empty());
        some("limits that change", &|_, region| region.quotas.iter().any(|change| change.from > i64::MIN));
        some("ids whose calls all fail", &|_, region| {
            region.streams.iter().any(|s| s.call.client_errors == 1.0 || s.call.server_errors == 1.0)
        });
        some("ids that begin or pause", &|_, region| {
            region.streams.iter().any(|s| s.active.start > i64::MIN)
        });
        some("metrics never listed", &|_, region| {
            region.streams.iter().any(|s| s.late.iter().any(|late| late.listed == i64::MAX))
        });
        some("refusals", &|world, region| {
            let minutes = START / 60..START / 60 + 30;
            let mut flows = region.streams.iter().map(|s| world.flow(&world.accounts[0], region, s));
            flows.any(|flow| minutes.clone().any(|minute| flow.tally(minute).throttles > 0))
        });
    }
}
