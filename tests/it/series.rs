//! How many series a target publishes by default: what is spent, and what is there to be spent in its place.

use crate::rig::Rig;
use bedrock_quota_exporter::exposition;
use bedrock_quota_exporter::sim::world::lists::Profile;
use bedrock_quota_exporter::sim::world::stream::{Call, Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Region, World};
use std::collections::BTreeMap;

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;

/// An account with steady traffic on so many ids of us-east-1: geographic profiles before models before global
/// profiles. Cache metrics and time to first token are among their metrics.
fn world(ids: usize) -> World {
    let mut world = World { seed: 1, ..World::default() };
    let call = Call { cache_read: 300.0, cache_write: 60.0, first_token_ms: Some(400.0), ..Call::default() };
    let name = "us-east-1".to_string();
    let profiles = world.lists.profiles.iter().filter(|p| p.source_regions.contains(&name));
    let (global, geographic): (Vec<&Profile>, Vec<_>) = profiles.partition(|p| p.prefix == "global");
    let models = world.lists.models.iter().filter(|m| m.on_demand_regions.contains(&name));
    let all = geographic.iter().map(|p| p.id.clone()).chain(models.map(|m| m.id.clone()));
    let all = all.chain(global.iter().map(|p| p.id.clone()));
    let stream = |(n, model_id)| Stream {
        model_id,
        demand: Demand::Steady(5.0 + n as f64),
        call: call.clone(),
        ..Stream::default()
    };
    let streams: Vec<Stream> = all.take(ids).enumerate().map(stream).collect();
    assert_eq!(streams.len(), ids);
    let region = Region { name, streams, ..Region::default() };
    world.accounts = vec![Account { id: "000000000000".into(), regions: vec![region], ..Account::default() }];
    world
}

/// The samples of each family that `serve` would publish of the target after twenty minutes, by default.
async fn published(ids: usize) -> BTreeMap<String, usize> {
    let mut rig = Rig::start(world(ids), "", NOON).await;
    for minute in 0..20 {
        rig.round(NOON + 60 * minute).await;
    }
    let mut text = Vec::new();
    exposition::render(&mut text, &rig.snapshot, &rig.plan.export).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut families = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let family = line.split('{').next().unwrap();
        *families.entry(family.to_string()).or_default() += 1;
    }
    families
}

#[tokio::test]
async fn a_target_with_forty_ids_publishes_1500_series_at_most_and_an_idle_one_150() {
    let (busy, idle) = (published(40).await, published(0).await);
    let sum = |families: &BTreeMap<String, usize>| families.values().sum::<usize>();
    println!("40 ids: {}, {busy:#?}\nidle: {}, {idle:#?}", sum(&busy), sum(&idle));
    assert!(sum(&busy) <= 1500, "{}", sum(&busy));
    assert!(sum(&idle) <= 150, "{}", sum(&idle));
}
