//! CloudWatch shows the same calls under several sets of dimensions, and some metrics under two names.

use crate::rig::Rig;
use bedrock_quota_exporter::sim::world::stream::{Demand, Endpoint, Stream, Tally, Tier};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::collections::BTreeMap;

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;

/// Ten calls in every minute of an hour.
fn table() -> Demand {
    let tally = Tally { invocations: 10, input: 1000, output: 200, cache_read: 70, ..Tally::default() };
    Demand::Table(BTreeMap::from_iter((NOON / 60 - 60..NOON / 60 + 60).map(|minute| (minute, tally))))
}

fn world(streams: Vec<Stream>) -> World {
    let region = Region { name: "us-east-1".to_string(), streams, ..Region::default() };
    World {
        accounts: vec![Account {
            id: "000000000000".to_string(),
            regions: vec![region],
            ..Account::default()
        }],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

async fn after_two_rounds(streams: Vec<Stream>) -> Rig {
    let mut rig = Rig::start(world(streams), "", NOON).await;
    for minute in 0..2 {
        rig.round(NOON + 60 * minute).await;
    }
    rig
}

#[tokio::test]
async fn service_tier_variants_counted_twice() {
    let tiers = vec![Tier::new("default", 0.6), Tier::new("flex", 0.4)];
    let windows = vec![("200K".to_string(), 0.9), ("1M".to_string(), 0.1)];
    let stream = Stream {
        model_id: "us.anthropic.claude-sonnet-4-5-20250929-v1:0".to_string(),
        demand: table(),
        tiers,
        context_windows: windows,
        ..Stream::default()
    };
    let rig = after_two_rounds(vec![stream]).await;
    let calls = rig.find("bedrock_invocations_per_minute", &[]);
    assert_eq!(calls.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [10.0], "{calls:?}");
}

#[tokio::test]
async fn mantle_levels_added() {
    let project = |name: &str| Stream {
        endpoint: Endpoint::Mantle { project: name.to_string() },
        model_id: "anthropic.claude-opus-5".to_string(),
        demand: table(),
        ..Stream::default()
    };
    let rig = after_two_rounds(vec![project("checkout"), project("research")]).await;
    let usage = |quota: &str| {
        let found = rig.find("bedrock_quota_usage", &["endpoint=\"mantle\"", "claude-opus-5\"", quota]);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].1
    };
    assert_eq!(usage("quota=\"input_tokens_per_minute\""), 2.0 * (1000.0 + 70.0), "both projects, once");
    assert_eq!(usage("quota=\"output_tokens_per_minute\""), 2.0 * 200.0);
}

#[tokio::test]
async fn a_cache_metric_in_its_other_spelling_is_read() {
    let stream = Stream {
        model_id: "us.anthropic.claude-sonnet-4-5-20250929-v1:0".to_string(),
        demand: table(),
        cache_tokens_spelling: true,
        ..Stream::default()
    };
    let rig = after_two_rounds(vec![stream]).await;
    let read = rig.find("bedrock_cache_read_tokens_per_minute", &[]);
    assert_eq!(read.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [70.0], "{read:?}");
}
