//! Reading by need: a day of mixed traffic costs a fraction of reading everything, and loses nothing.

use crate::cloud::{self, Cloud};
use crate::rig::Rig;
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::ids::Scope;
use bedrock_quota_exporter::model::schedule::next_due;
use bedrock_quota_exporter::model::settings::Cadence;
use bedrock_quota_exporter::model::time::Minute;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use bedrock_quota_exporter::sim::world::stream::{Call, Charge, Demand, Per, Stream, Tally};
use bedrock_quota_exporter::sim::world::{Account, Applied, Publishing, QuotaChange, Region, World};
use serde_json::Value;
use std::collections::BTreeMap;

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;
const MINUTE: i64 = 60;
const ADAPTIVE: &str = "usage: {cadence: adaptive}";
const TOKENS: f64 = 1e6;
const REQUESTS: f64 = 1e4;

/// An on-demand model of us-east-1 with its quotas.
#[derive(Clone)]
struct Model {
    id: String,
    requests: String,
    tokens: String,
}

fn models() -> Vec<Model> {
    let table: Value = serde_json::from_str(include_str!("../data/quota-truth.json")).unwrap();
    let rows = table["truth"].as_array().unwrap().iter();
    let text = |row: &Value, key: &str| row[key].as_str().map(String::from);
    let regions = |row: &Value| row["source_regions"].as_array().cloned().unwrap_or_default();
    let here = |row: &&Value| regions(row).iter().any(|region| region == "us-east-1");
    let rows = rows.filter(|row| row["scope"] == "on_demand" && row["concurrent"].is_null()).filter(here);
    let model = |row: &Value| {
        let (requests, tokens) = (text(row, "rpm")?, text(row, "tpm")?);
        Some(Model { id: text(row, "invocation_id")?, requests, tokens })
    };
    rows.filter_map(model).collect()
}

/// What a call of every stream takes: 1,375 tokens of quota.
fn call() -> Call {
    Call {
        input: 1000.0,
        output: 300.0,
        cache_read: 500.0,
        cache_write: 75.0,
        first_token_ms: Some(350.0),
        client_errors: 0.01,
        server_errors: 0.005,
        ..Call::default()
    }
}

fn stream(model: &Model, demand: Demand) -> Stream {
    let charge = |code: &String, per| Charge { code: code.clone(), per };
    let charges = vec![charge(&model.requests, Per::Request), charge(&model.tokens, Per::Token)];
    Stream { model_id: model.id.clone(), demand, call: call(), charges, ..Stream::default() }
}

/// Calls a minute that spend this share of the tokens.
fn calls(share: f64) -> f64 {
    share * TOKENS / 1375.0
}

fn tally(share: f64) -> Tally {
    let calls = calls(share).floor() as u64;
    Tally {
        invocations: calls,
        input: calls * 1000,
        output: calls * 300,
        cache_read: calls * 500,
        cache_write: calls * 75,
        estimated: Some(calls * 1375),
        latency_ms: 2500.0,
        first_token_ms: Some(350.0),
        ..Tally::default()
    }
}

fn refused() -> Tally {
    Tally { throttles: 40, ..Tally::default() }
}

/// CloudWatch publishes two minutes late at most, and some minutes grow for two more.
fn world(streams: Vec<Stream>, account_wide: bool) -> World {
    let codes: Vec<String> =
        streams.iter().flat_map(|s| s.charges.iter().map(|charge| charge.code.clone())).collect();
    let value = |charge: &Charge| if charge.per == Per::Request { REQUESTS } else { TOKENS };
    let limit = |charge: &Charge| QuotaChange {
        code: charge.code.clone(),
        from: i64::MIN,
        applied: Applied::Value(value(charge)),
    };
    let quotas = streams.iter().flat_map(|stream| stream.charges.iter().map(limit)).collect();
    let name = "us-east-1".to_string();
    let region = Region { name, codes: Some(codes), account_wide, quotas, streams, ..Region::default() };
    World {
        accounts: vec![Account { id: "000000000000".into(), regions: vec![region], ..Account::default() }],
        publishing: Publishing { earliest: 60, latest: 120, ..Publishing::default() },
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

/// A seeded number below `n`.
fn dice(seed: u64, n: i64) -> i64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % n as u64) as i64
}

/// Silent for most of the day, but for three bursts of a few minutes; called last some days ago.
fn idle(seed: u64) -> Demand {
    let mut minutes = BTreeMap::from([(NOON / 60 - 3 * 1440, tally(0.1))]);
    for burst in 0..3 {
        let seed = seed * 7 + burst;
        let begins = NOON / 60 + 60 + burst as i64 * 450 + dice(seed, 300);
        for minute in begins..begins + 1 + dice(seed + 1000, 6) {
            minutes.insert(minute, tally(0.3 + 0.06 * dice(seed ^ minute as u64, 10) as f64));
        }
    }
    Demand::Table(minutes)
}

/// 10 % hot, 40 % normal, 50 % idle. Some of them were refused calls days ago, so that CloudWatch lists it.
fn mix() -> Vec<Stream> {
    let models: Vec<Model> = models().into_iter().take(20).collect();
    assert_eq!(models.len(), 20);
    let demand = |n: usize| match n {
        0..2 => Demand::Steady(calls(0.7 + 0.1 * n as f64)),
        2..10 => {
            let high = calls(0.12 + 0.03 * n as f64);
            Demand::Daily { low: high / 8.0, high, peak_hour: 15.0, bursts: 0.02 }
        }
        _ => idle(n as u64),
    };
    let mut streams: Vec<Stream> = models.iter().enumerate().map(|(n, m)| stream(m, demand(n))).collect();
    if let Demand::Table(minutes) = &mut streams[19].demand {
        minutes.insert(NOON / 60 - 2 * 1440, refused());
    }
    streams
}

/// What the sim's AWS bills for GetMetricData so far.
async fn billed(rig: &Rig) -> u64 {
    let calls = rig.sim.calls().await;
    calls.iter().filter(|(call, _)| call.operation == "GetMetricData").map(|(_, count)| count.metrics).sum()
}

/// The samples of a family by quota code.
fn by_code(samples: &BTreeMap<String, f64>, family: &str) -> BTreeMap<String, f64> {
    let of = samples.iter().filter(|(key, _)| key.split('{').next() == Some(family));
    let code = |key: &str| key.split("quota_code=\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    of.map(|(key, value)| (code(key), *value)).collect()
}

/// What the world says that a quota was charged, minute by minute.
struct Truth {
    first: i64,
    minutes: Vec<f64>,
}

impl Truth {
    fn new(world: &World, code: &str, first: i64, last: i64) -> Truth {
        let account = &world.accounts[0];
        let charge = |minute| world.charge(account, &account.regions[0], code, minute);
        Truth { first, minutes: (first..=last).map(charge).collect() }
    }

    fn at(&self, minute: i64) -> f64 {
        self.minutes[(minute - self.first) as usize]
    }

    fn peak(&self, last: i64) -> f64 {
        (last - 14..=last).map(|minute| self.at(minute)).fold(0.0, f64::max)
    }
}

#[tokio::test]
async fn a_day_of_mixed_traffic_costs_a_ninth_and_shows_every_peak() {
    let streams = mix();
    let world = world(streams.clone(), true);
    let mut fixed = Rig::start(world.clone(), "usage: {cadence: fixed}", NOON).await;
    for minute in 0..3 {
        fixed.round(NOON + minute * MINUTE).await;
    }
    let before = billed(&fixed).await;
    fixed.round(NOON + 3 * MINUTE).await;
    let everything = 1440 * (billed(&fixed).await - before);

    let mut rig = Rig::start(world.clone(), &format!("{ADAPTIVE}\ncatalog: {{interval: 12h}}"), NOON).await;
    let (start, end) = (NOON / 60, NOON / 60 + 1440);
    let codes: Vec<(String, f64)> = streams
        .iter()
        .flat_map(|s| s.charges.iter())
        .map(|c| (c.code.clone(), if c.per == Per::Request { REQUESTS } else { TOKENS }))
        .collect();
    let truths: BTreeMap<&str, Truth> =
        codes.iter().map(|(code, _)| (code.as_str(), Truth::new(&world, code, start - 60, end))).collect();
    let mut shown: Vec<BTreeMap<String, f64>> = Vec::new();
    let mut oldest = 0;
    for minute in start..end {
        let now = minute * 60;
        rig.round(now).await;
        let samples = rig.samples();
        let peaks = by_code(&samples, "bedrock_quota_usage_peak");
        let usages = by_code(&samples, "bedrock_quota_usage");
        for (code, truth) in &truths {
            // The newest minute that has settled, and those that may not have been read yet.
            let newest = minute - 5;
            let fits = |last: &i64| {
                let same = |a: f64, b: f64| (a - b).abs() < 1e-6;
                same(usages[*code], truth.at(*last)) && same(peaks[*code], truth.peak(*last))
            };
            assert!(
                (newest - 15..=newest).rev().any(|last| fits(&last)),
                "{code} at {now}: {} and {} were never so",
                usages[*code],
                peaks[*code]
            );
        }
        let complete = samples.iter().find(|(key, _)| key.starts_with("bedrock_usage_complete_until"));
        oldest = oldest.max(now - *complete.unwrap().1 as i64);
        shown.push(peaks);
    }

    let hot: Vec<&Charge> = streams[..2].iter().flat_map(|stream| &stream.charges).collect();
    let (mut peaks, mut calm) = (0, 0);
    for (code, limit) in &codes {
        for minute in start..end - 40 {
            let used = truths[code.as_str()].at(minute);
            if used <= limit / 2.0 {
                continue;
            }
            // Settled after four minutes, read within fifteen more, and in the window for fifteen.
            let from = (minute + 5 - start) as usize;
            let reached = shown[from..from + 15 + 15].iter().any(|peaks| peaks[code] >= used - 1e-6);
            assert!(reached, "{code}: {used} in minute {minute} was never shown");
            peaks += 1;
            calm += usize::from(hot.iter().all(|charge| charge.code != *code));
        }
    }
    let metrics = billed(&rig).await;
    let share = metrics as f64 / everything as f64;
    println!(
        "24 h, 20 ids: {metrics} metrics billed; everything each minute: {everything}; share {share:.3}"
    );
    println!(
        "{peaks} one-minute peaks above half of a quota, {calm} of them of calm ids, each shown; usage complete \
         within {oldest} s"
    );
    assert!(calm > 50, "{calm}");
    assert!(share <= 0.11, "{share}");
    let listings: u64 = {
        let calls = rig.sim.calls().await;
        calls.iter().filter(|(call, _)| call.operation == "ListMetrics").map(|(_, count)| count.calls).sum()
    };
    // As often as `discovery_interval` says, in two namespaces; and by the hour for tiers, and projects in both.
    let (discovery, parts) = (2 * (1440 / 5 + 2), 3 * (24 + 1));
    assert!(listings <= discovery + parts, "{listings}");

    assert!(oldest <= 15 * 60 + 180, "{oldest}");
    let told = rig.telemetry.render();
    let told =
        told.lines().find_map(|l| l.strip_prefix("bedrock_exporter_cloudwatch_metrics_requested_total "));
    assert_eq!(told.unwrap().parse(), Ok(metrics as f64), "counted as AWS bills");
}

/// The first minute in which each of some models is refused everything, and whether it was called before.
fn storms(account_wide: bool, throttled_before: bool, fresh: bool) -> (World, Vec<(String, i64)>) {
    let models = models();
    let mut streams = vec![stream(&models[0], Demand::Steady(calls(0.7)))];
    let mut begins = Vec::new();
    for (n, model) in models[1..9].iter().enumerate() {
        let first = NOON / 60 + 30 + 13 * n as i64;
        let mut minutes: BTreeMap<i64, Tally> = (first..first + 30).map(|m| (m, refused())).collect();
        if n % 2 == 0 || !fresh {
            minutes.insert(NOON / 60 - 4000, tally(0.1));
        }
        streams.push(stream(model, Demand::Table(minutes)));
        begins.push((model.id.clone(), first));
    }
    if throttled_before {
        let minutes = BTreeMap::from([(NOON / 60 - 3000, refused())]);
        streams.push(stream(&models[9], Demand::Table(minutes)));
    }
    (world(streams, account_wide), begins)
}

async fn delays(world: World, begins: Vec<(String, i64)>) -> Vec<i64> {
    let mut rig = Rig::start(world, ADAPTIVE, NOON).await;
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    for minute in 0..140 {
        // The worst second: a minute that has just closed waits for most of a round.
        let now = NOON + minute * MINUTE + 59;
        rig.round(now).await;
        for (model, _) in &begins {
            let label = format!("model=\"{model}\"");
            let ratio = rig.find("bedrock_throttle_ratio", &[&label, "window=\"5m\""]);
            let seconds = rig.find("bedrock_throttled_seconds", &[&label]);
            if ratio.iter().any(|(_, ratio)| *ratio == 1.0) && seconds.iter().any(|(_, s)| *s >= 60.0) {
                seen.entry(model.clone()).or_insert(now);
            }
        }
    }
    begins.iter().map(|(model, first)| seen[model] - first * 60).collect()
}

#[tokio::test]
async fn a_storm_on_an_idle_or_unknown_id_shows_within_four_minutes_of_its_first_refusal() {
    let (world, begins) = storms(true, true, true);
    let delays = delays(world, begins).await;
    println!("idle and unknown ids in turn: seconds from the first refused call to the sample: {delays:?}");
    assert!(delays.iter().all(|delay| *delay <= 240), "{delays:?}");
}

#[tokio::test]
async fn the_first_refusal_of_an_account_shows_as_fast() {
    let (world, begins) = storms(true, false, true);
    let delays = delays(world, begins).await;
    assert!(delays.iter().all(|delay| *delay <= 240), "{delays:?}");
}

#[tokio::test]
async fn a_storm_on_an_idle_id_shows_as_fast_where_no_series_adds_all_ids_up() {
    let (world, begins) = storms(false, false, false);
    let delays = delays(world, begins).await;
    assert!(delays.iter().all(|delay| *delay <= 240), "{delays:?}");
}

const US: &str = "us.anthropic.claude-opus-5";
const APP: &str = "abcdefghijkl";
const NOVA: &str = "amazon.nova-pro-v1:0";
const RPM: &str = "L-00000001";
const DAY: &str = "L-00000002";

/// Two ids that share a quota and one that shares none; `""` stands for all ids together.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new(cloud::NOON);
    let cadence = Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 3600 };
    cloud.settings.cadence = Some(cadence);
    let opus = "anthropic.claude-opus-5";
    cloud.model(opus, "Claude Opus 5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    cloud.profile(US, ProfileKind::SystemDefined, opus, &["us-east-1", "us-west-2"]);
    cloud.profile(APP, ProfileKind::Application, opus, &["us-east-1", "us-west-2"]);
    let per_minute = "Cross-region model inference requests per minute for Anthropic Claude Opus 5";
    cloud.quota(RPM, per_minute, Some(100.0));
    let per_day = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(DAY, per_day, Some(1e9));
    let now = cloud.now.minute();
    for id in [US, APP, NOVA] {
        cloud.point(id, Metric::Invocations, now - 900, 1.0);
        cloud.point(id, Metric::ClientErrors, now - 900, 1.0);
        cloud.point(id, Metric::InputTokens, now - 900, 1.0);
    }
    cloud.point("", Metric::Throttles, now - 2000, 3.0);
    cloud
}

/// Calls from so many minutes after the start on.
fn called(cloud: &mut Cloud, id: &str, from: i64, until: i64, calls: f64) {
    let start = cloud::NOON.minute();
    for minute in (start + from).until(start + until) {
        cloud.point(id, Metric::Invocations, minute, calls);
        cloud.point(id, Metric::InputTokens, minute, 10.0 * calls);
    }
}

/// In how many of the rounds of an hour each metric of an id was read.
fn read(cloud: &mut Cloud, id: &str) -> BTreeMap<Metric, usize> {
    let before = cloud.log.len();
    cloud.run_until(cloud.now.plus(3600));
    let mut count = BTreeMap::new();
    for series in cloud.log[before..].iter().flat_map(|(_, reading)| &reading.minutes) {
        if &*series.id.id == id {
            *count.entry(series.metric).or_default() += 1;
        }
    }
    count
}

/// What tells that an idle id still is, each read so often: its calls, and the errors of an id whose calls all fail,
/// which publishes no invocations. Its refusals are told by the series of all ids together.
fn outcomes(times: usize) -> BTreeMap<Metric, usize> {
    [Metric::Invocations, Metric::ClientErrors].map(|metric| (metric, times)).into()
}

/// What is read so often.
fn times(metrics: &[Metric], times: usize) -> impl Iterator<Item = (Metric, usize)> {
    metrics.iter().map(move |metric| (*metric, times))
}

#[test]
fn what_decides_is_read_by_the_heat_of_the_quota_and_details_one_step_more_seldom() {
    let mut cloud = cloud();
    called(&mut cloud, NOVA, -100, 300, 10.0);
    called(&mut cloud, US, -100, 300, 60.0);
    cloud.round();
    cloud.run_until(cloud::NOON.plus(3600));
    let mut twin = cloud::Cloud { log: Vec::new(), points: cloud.points.clone(), ..self::cloud() };
    twin.round();
    twin.run_until(cloud::NOON.plus(3600));
    let hot = times(&[Metric::Invocations, Metric::Throttles], 60);
    let details = times(&[Metric::ClientErrors, Metric::InputTokens], 12);
    assert_eq!(read(&mut cloud, US), hot.chain(details).collect(), "60 % of its quota of requests");
    // Its day of tokens has no estimate to go by.
    let decisive = times(&[Metric::Invocations, Metric::InputTokens], 12);
    let details = times(&[Metric::Throttles, Metric::ClientErrors], 4);
    assert_eq!(read(&mut twin, NOVA), decisive.chain(details).collect());
    let shares = read(&mut cloud, APP);
    let errors = times(&[Metric::ClientErrors], 12);
    assert_eq!(
        shares,
        times(&[Metric::Invocations], 60).chain(errors).collect(),
        "idle, but it shares a hot quota"
    );
    let all = read(&mut twin, "");
    assert_eq!(all, BTreeMap::from([(Metric::Throttles, 60)]));
}

const TPM: &str = "L-00000003";

/// Nova Pro with a quota of tokens a minute, and estimates of a hundredfold of its calls in every minute with calls.
fn estimated(calls: impl Fn(i64) -> f64) -> Cloud {
    let mut cloud = cloud();
    cloud.quota(TPM, "On-demand model inference tokens per minute for Amazon Nova Pro", Some(10_000.0));
    let start = cloud::NOON.minute();
    for minute in (-100..400).filter(|minute| calls(*minute) > 0.0) {
        called(&mut cloud, NOVA, minute, minute + 1, calls(minute));
        cloud.point(NOVA, Metric::EstimatedTokens, start + minute, 100.0 * calls(minute));
        cloud.point(NOVA, Metric::ClientErrors, start + minute, (minute + 1000) as f64);
    }
    cloud.round();
    cloud.run_until(cloud::NOON.plus(3600));
    cloud
}

#[test]
fn where_tokens_are_estimated_the_estimate_alone_is_read_in_every_round() {
    let mut cloud = estimated(|minute| 60.0 + minute.rem_euclid(7) as f64);
    let start = cloud::NOON.minute();
    for _ in 0..60 {
        cloud.run_until(cloud.now.plus(60));
        let newest = cloud.now.minus(240).minute() - 1;
        let calls = 60.0 + (newest.0 - start.0).rem_euclid(7) as f64;
        assert_eq!(cloud.status(TPM).usage, Some(100.0 * calls), "as soon as it has settled");
        let day: f64 = (cloud.now.day_start().minute().until(newest + 1))
            .filter_map(|m| cloud.points[&(InvocationId::runtime(NOVA), Metric::EstimatedTokens)].get(&m))
            .sum();
        assert_eq!(cloud.status(DAY).usage, Some(day), "and with it the day");
    }
    let seldom = times(&[Metric::Invocations, Metric::ClientErrors, Metric::InputTokens], 12);
    let hot = times(&[Metric::EstimatedTokens, Metric::Throttles], 60);
    assert_eq!(read(&mut cloud, NOVA), hot.chain(seldom).collect());
}

#[test]
fn a_minute_without_an_estimate_counts_by_its_tokens_and_has_them_read_as_often() {
    let mut cloud = estimated(|_| 30.0);
    assert_eq!(read(&mut cloud, NOVA)[&Metric::InputTokens], 4, "a detail");
    let missing = cloud.now.minute() + 1;
    let estimates = (InvocationId::runtime(NOVA), Metric::EstimatedTokens);
    cloud.points.get_mut(&estimates).unwrap().remove(&missing);
    cloud.point(NOVA, Metric::InputTokens, missing, 4_567.0);
    let (mut peak, before) = (None, cloud.log.len());
    for _ in 0..30 {
        cloud.run_until(cloud.now.plus(60));
        peak = peak.max(cloud.status(TPM).peak.map(|peak| peak as u64));
    }
    assert_eq!(peak, Some(4_567), "of all minutes the largest");
    let series = cloud.log[before..].iter().flat_map(|(_, reading)| &reading.minutes);
    let tokens = series.filter(|series| &*series.id.id == NOVA && series.metric == Metric::InputTokens);
    let tokens = tokens.count();
    assert!(
        tokens >= 4,
        "{tokens} readings in half an hour, while such minutes are kept; twice is a detail's"
    );
    cloud.run_until(cloud.now.plus(3600));
    assert_eq!(read(&mut cloud, NOVA)[&Metric::InputTokens], 4, "and no longer");
}

#[test]
fn a_minute_without_calls_is_known_to_spend_nothing_before_its_tokens_are_read() {
    let mut cloud = estimated(|minute| if minute % 3 == 0 { 60.0 } else { 0.0 });
    for _ in 0..60 {
        cloud.run_until(cloud.now.plus(60));
        let newest = cloud.now.minus(240).minute() - 1;
        let called = (newest.0 - cloud::NOON.minute().0) % 3 == 0;
        let expected = if called { 6_000.0 } else { 0.0 };
        assert_eq!(cloud.status(TPM).usage, Some(expected), "{}", cloud.now);
    }
}

#[test]
fn a_detail_that_is_not_read_yet_is_the_last_one_known_and_no_minute_of_its_counter_is_lost() {
    let mut cloud = estimated(|_| 30.0);
    let start = cloud::NOON.minute();
    let truth = |minute: Minute| (minute.0 - start.0 + 1000) as f64;
    for _ in 0..60 {
        cloud.run_until(cloud.now.plus(60));
        let settled = cloud.now.minus(240).minute();
        let shown = cloud.id(NOVA).unwrap().minute.get(Metric::ClientErrors).unwrap();
        let fits = (settled - 16).until(settled).any(|minute| truth(minute) == shown);
        assert!(fits, "{shown} at {}", cloud.now);
        let counted = cloud.total(NOVA, Metric::ClientErrors).unwrap();
        let from = start - 2;
        let sums = (settled - 16).until(settled + 2).map(|end| from.until(end + 1).map(truth).sum::<f64>());
        assert!(sums.into_iter().any(|sum| sum == counted), "{counted} at {}", cloud.now);
    }
}

#[test]
fn in_the_rounds_of_an_alarm_only_what_may_wake_somebody_is_read_again() {
    let mut cloud = estimated(|_| 60.0);
    let start = cloud.now.minute() + 2;
    for minute in start.until(start + 30) {
        cloud.point(NOVA, Metric::Throttles, minute, 50.0);
        cloud.point("", Metric::Throttles, minute, 50.0);
    }
    while cloud.throttling(Scope::OnDemand).unwrap().throttled_seconds == 0 {
        cloud.run_until(cloud.now.plus(60));
    }
    let found = cloud.log.last().unwrap();
    let whole = found.1.minutes.iter().filter(|series| &*series.id.id == NOVA).count();
    assert_eq!(whole, 5, "everything of it, with the round that found it");
    let (before, seen) = (cloud.log.len(), cloud.now);
    while next_due(cloud.state(), &cloud.settings) <= seen.plus(180) {
        let next = next_due(cloud.state(), &cloud.settings);
        cloud.at(next).round();
    }
    let rounds = &cloud.log[before..];
    assert_eq!(rounds.len(), 9, "every 20 s");
    for (at, reading) in rounds.iter().filter(|(at, _)| at.since(seen) % 60 != 0) {
        let own = reading.minutes.iter().filter(|series| &*series.id.id == NOVA);
        let metrics: Vec<Metric> = own.map(|series| series.metric).collect();
        assert_eq!(metrics, [Metric::Invocations, Metric::Throttles], "{at}");
    }
}

#[test]
fn idle_ids_are_read_by_how_their_calls_end_alone_and_their_quota_is_known_to_be_unspent() {
    let mut cloud = cloud();
    cloud.round();
    cloud.run_until(cloud::NOON.plus(600));
    assert_eq!(read(&mut cloud, NOVA), outcomes(4));
    assert_eq!(cloud.status(RPM).usage, Some(0.0));
    assert_eq!(cloud.status(DAY).usage, Some(0.0));
    let id = cloud.id(NOVA).unwrap();
    assert!(id.minute.get(Metric::InputTokens).is_none(), "unread is unknown");
    let complete = cloud.evaluation().complete_until.unwrap();
    assert!(cloud.now.since(complete) <= 900 + 180, "{complete}");
}

#[test]
fn a_waking_id_is_read_back_wholly_in_the_same_round() {
    let mut cloud = cloud();
    cloud.point(NOVA, Metric::ClientErrors, cloud::NOON.minute() + 130, 5.0);
    called(&mut cloud, NOVA, 301, 500, 7.0);
    cloud.round();
    cloud.run_until(cloud::NOON.plus(300 * 60));
    assert_eq!(cloud.total(NOVA, Metric::Invocations), Some(0.0));
    while cloud.total(NOVA, Metric::Invocations) == Some(0.0) {
        cloud.run_until(cloud.now.plus(60));
    }
    assert!(cloud.now <= cloud::NOON.plus(320 * 60), "{}", cloud.now);
    let (minutes, last) = (cloud.total(NOVA, Metric::Invocations).unwrap(), cloud.log.last().unwrap());
    assert_eq!(cloud.total(NOVA, Metric::InputTokens), Some(10.0 * minutes), "as far as its calls");
    assert_eq!(cloud.total(NOVA, Metric::ClientErrors), Some(5.0), "the whole gap is read back");
    assert!(last.1.minutes.len() > 3, "in the same round");
    cloud.run_until(cloud::NOON.plus(600 * 60));
    assert_eq!(cloud.total(NOVA, Metric::Invocations), Some(7.0 * 199.0), "no minute is lost");
    assert_eq!(cloud.status(DAY).usage, Some(70.0 * 199.0), "nor of the day");
}

#[test]
fn refusals_that_hot_ids_explain_have_nobody_else_read() {
    let mut cloud = cloud();
    let start = cloud::NOON.minute();
    for minute in start.until(start + 300) {
        cloud.point(US, Metric::Throttles, minute, 4.0);
        cloud.point("", Metric::Throttles, minute, 4.0);
    }
    cloud.round();
    cloud.run_until(cloud::NOON.plus(3600));
    let others = read(&mut cloud, NOVA);
    assert_eq!(others, outcomes(4));
    let throttles = start + 125;
    cloud.point(NOVA, Metric::Throttles, throttles, 9.0);
    cloud.point("", Metric::Throttles, throttles, 13.0);
    cloud.run_until(throttles.end().plus(120));
    assert_eq!(cloud.throttling(Scope::OnDemand).unwrap().throttled_seconds, 60);
}

#[test]
fn all_ids_together_that_say_less_than_one_alone_are_not_believed() {
    let mut cloud = cloud();
    let start = cloud::NOON.minute();
    for minute in start.until(start + 300) {
        cloud.point(US, Metric::Throttles, minute, 4.0);
    }
    called(&mut cloud, US, -100, 300, 1.0);
    cloud.round();
    cloud.run_until(cloud::NOON.plus(3600));
    let throttles = read(&mut cloud, NOVA)[&Metric::Throttles];
    assert_eq!(throttles, 30, "every two minutes");
    assert_eq!(cloud.throttling(Scope::CrossRegion).unwrap().throttled_seconds, 900);
}

#[test]
fn a_budget_slows_the_calm_and_shows_it() {
    let mut cloud = cloud();
    called(&mut cloud, NOVA, -100, 300, 10.0);
    cloud.settings.budget = Some(0.02);
    cloud.round();
    cloud.run_until(cloud::NOON.plus(7200));
    assert_eq!(cloud.state().slowed, Some(true));
    let slow = read(&mut cloud, NOVA)[&Metric::InputTokens];
    assert!(slow < 12, "{slow} readings an hour");
    let minutes = cloud.log.last().unwrap().0.minus(3600).minute().0 - cloud::NOON.minute().0;
    assert!(cloud.total(NOVA, Metric::Invocations).unwrap() >= 10.0 * minutes as f64, "nothing is left out");
    cloud.settings.budget = Some(10.0);
    cloud.run_until(cloud.now.plus(60));
    assert_eq!(cloud.state().slowed, Some(false));
}

#[test]
fn an_idle_id_whose_calls_all_fail_is_seen_within_its_interval() {
    let mut cloud = cloud();
    let start = cloud::NOON.minute();
    for minute in (start + 120).until(start + 180) {
        cloud.point(NOVA, Metric::ClientErrors, minute, 200.0);
    }
    cloud.round();
    cloud.run_until((start + 120).start().plus(900 + 300));
    assert!(cloud.total(NOVA, Metric::ClientErrors) >= Some(200.0 * 5.0));
    cloud.run_until((start + 240).start());
    assert_eq!(cloud.total(NOVA, Metric::ClientErrors), Some(200.0 * 60.0));
}
