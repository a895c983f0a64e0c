//! Rounds against the simulated AWS, minute by minute.

use crate::rig::Rig;
use bedrock_quota_exporter::model::schedule::due;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::stream::{Call, Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Applied, Publishing, QuotaChange, Region, World};
use std::collections::{BTreeMap, BTreeSet};

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;
const MINUTE: i64 = 60;

fn stream(model_id: &str, calls: f64) -> Stream {
    Stream { model_id: model_id.to_string(), demand: Demand::Steady(calls), ..Stream::default() }
}

fn region(name: &str, streams: Vec<Stream>) -> Region {
    Region { name: name.to_string(), streams, ..Region::default() }
}

fn account(id: &str, regions: Vec<Region>) -> Account {
    Account { id: id.to_string(), regions, ..Account::default() }
}

fn world(accounts: Vec<Account>) -> World {
    World {
        accounts,
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

#[tokio::test]
async fn a_warm_usage_round_of_fifty_models_makes_only_the_calls_its_queries_need() {
    let lists = World::default().lists;
    let ids = lists.models.iter().filter(|m| m.on_demand_regions.iter().any(|r| r == "us-east-1"));
    // Cache metrics and times to first token: enough series for a second call.
    let call = Call { cache_read: 50.0, cache_write: 20.0, first_token_ms: Some(300.0), ..Call::default() };
    let streams = ids.take(50).map(|model| Stream { call: call.clone(), ..stream(&model.id, 30.0) });
    let streams: Vec<Stream> = streams.collect();
    assert_eq!(streams.len(), 50);
    let world = world(vec![account("000000000000", vec![region("us-east-1", streams)])]);
    let mut rig = Rig::start(world, "usage: {cadence: fixed}", NOON).await;
    for minute in 0..2 {
        rig.round(NOON + minute * MINUTE).await;
    }
    rig.sim.forget_calls().await;
    let now = NOON + 2 * MINUTE;
    let state = rig.snapshot.targets.values().next().unwrap();
    let asked = due(state, &rig.plan.settings, Timestamp(now)).usage.unwrap().minutes;
    let queries: BTreeSet<_> = asked.iter().map(|series| (&series.id, series.metric)).collect();
    assert_eq!(queries.len(), asked.len(), "one query per id, metric and statistic");
    assert!(asked.len() > 500, "{}", asked.len());
    let expected = asked.len().div_ceil(500) as u64;
    rig.round(now).await;
    let calls: BTreeMap<String, u64> =
        rig.sim.calls().await.into_iter().map(|(call, count)| (call.operation, count.calls)).collect();
    assert_eq!(calls, BTreeMap::from([("GetMetricData".to_string(), expected)]));
}

/// The samples of every target but `account`'s, the exporter's own collection times left out.
fn others(samples: BTreeMap<String, f64>, account: &str) -> BTreeMap<String, f64> {
    let own = format!("account_id=\"{account}\"");
    samples
        .into_iter()
        .filter(|(key, _)| !key.contains(&own) && !key.starts_with("bedrock_exporter_collection_duration"))
        .collect()
}

#[tokio::test]
async fn an_account_that_refuses_for_an_hour_fades_alone_and_heals_in_one_round() {
    let id = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    let codes = ["L-4A6BFAB1", "L-F4DDD3EB", "L-E3F10727"].map(String::from).to_vec();
    let one = || Region { codes: Some(codes.clone()), ..region("us-east-1", vec![stream(id, 20.0)]) };
    let accounts =
        ["000000000000", "000000000001", "000000000002"].map(|id| account(id, vec![one()])).to_vec();
    // By need the two would read details at other minutes; `convergence` has failed rounds of both.
    let config = "usage: {cadence: fixed}\naws: {max_attempts: 1}";
    let mut rig = Rig::start(world(accounts.clone()), config, NOON).await;
    let mut calm = Rig::start(world(accounts), config, NOON).await;
    let failing = ["account_id=\"000000000001\""];
    let usage = |rig: &Rig| rig.find("bedrock_quota_usage", &failing).len();
    for minute in 0..5 {
        rig.round(NOON + minute * MINUTE).await;
        calm.round(NOON + minute * MINUTE).await;
    }
    let before = rig.find("bedrock_quota_usage", &failing);
    assert!(!before.is_empty());

    let refuse = Fault {
        account: Some("000000000001".to_string()),
        region: None,
        service: None,
        operation: None,
        kind: Kind::Status { status: 503, code: None },
    };
    rig.sim.set_faults(vec![refuse]).await;
    for minute in 5..65 {
        let now = NOON + minute * MINUTE;
        rig.round(now).await;
        calm.round(now).await;
        assert_eq!(
            others(rig.samples(), "000000000001"),
            others(calm.samples(), "000000000001"),
            "minute {minute}: another target changed"
        );
        let up = rig.find("bedrock_exporter_target_up", &[failing[0], "collector=\"usage\""]);
        assert_eq!(up[0].1, 0.0, "minute {minute}");
        // The last good round was minute 4; usage is kept for 15 minutes.
        if minute < 4 + 15 {
            assert_eq!(rig.find("bedrock_quota_usage", &failing), before, "minute {minute}");
        } else if minute > 4 + 15 {
            assert_eq!(usage(&rig), 0, "minute {minute}");
        }
        assert!(!rig.find("bedrock_quota_limit", &failing).is_empty(), "quotas are kept for a day");
    }

    rig.sim.set_faults(Vec::new()).await;
    let now = NOON + 65 * MINUTE;
    rig.round(now).await;
    calm.round(now).await;
    let up = rig.find("bedrock_exporter_target_up", &[failing[0], "collector=\"usage\""]);
    assert_eq!(up[0].1, 1.0);
    assert_eq!(rig.find("bedrock_quota_usage", &[]), calm.find("bedrock_quota_usage", &[]));
    for counter in ["bedrock_invocations_total", "bedrock_input_tokens_total", "bedrock_quota_tokens_total"] {
        assert_eq!(
            rig.find(counter, &[]),
            calm.find(counter, &[]),
            "{counter}: nothing is lost by an outage"
        );
    }
}

#[tokio::test]
async fn a_quota_row_that_cannot_be_read_keeps_its_value_for_a_time_and_fails_nothing_else() {
    let [requests, tokens] = ["L-4A6BFAB1", "L-F4DDD3EB"];
    let unreadable = Applied::Error("DEPENDENCY_SERVICE_ERROR".into());
    let one = Region {
        codes: Some(vec![requests.into(), tokens.into()]),
        quotas: vec![QuotaChange { code: tokens.into(), from: NOON + MINUTE, applied: unreadable }],
        ..region("us-east-1", vec![stream("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 20.0)])
    };
    let config = "quotas: {interval: 1m, max_age: 3m}";
    let mut rig = Rig::start(world(vec![account("000000000000", vec![one])]), config, NOON).await;
    rig.round(NOON).await;
    let limit = |rig: &Rig, code: &str| rig.find("bedrock_quota_limit", &[code]).first().map(|found| found.1);
    let (tokens_limit, requests_limit) = (limit(&rig, tokens), limit(&rig, requests));
    assert!(tokens_limit.is_some() && requests_limit.is_some());
    for minute in 1..6 {
        rig.round(NOON + minute * MINUTE).await;
        let up = rig.find("bedrock_exporter_target_up", &["collector=\"quotas\""]);
        assert_eq!(up[0].1, 1.0, "minute {minute}");
        assert_eq!(limit(&rig, requests), requests_limit, "minute {minute}");
        // Read last at minute 0, and kept for three.
        let kept = minute <= 3;
        assert_eq!(limit(&rig, tokens), tokens_limit.filter(|_| kept), "minute {minute}");
        let state = rig.find("bedrock_quota_state", &[tokens, "state=\"error\""]);
        assert_eq!(state.is_empty(), kept, "minute {minute}: {state:?}");
    }
}
