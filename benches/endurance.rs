//! Resident memory over 10,000 simulated rounds, a week of minutes: `cargo bench --bench endurance`.
//!
//! The simulated AWS runs in the same process and keeps nothing per round.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads /proc, and times what it starts")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

#[allow(dead_code)]
#[path = "../tests/it/rig.rs"]
mod rig;

use bedrock_quota_exporter::sim::world::stream::{Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::sync::Arc;

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;
const ROUNDS: i64 = 10_000;
const STEP: i64 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut rig = rig::Rig::start(world(), "aws: {max_attempts: 1}", NOON).await;
    let mut sizes = Vec::new();
    println!("round  resident memory, KiB  samples");
    for round in 0..=ROUNDS {
        rig.round(NOON + 60 * round).await;
        if round % STEP == 0 {
            let (kib, samples) = (resident(), rig.samples().len());
            println!("{round:>5}  {kib:>20}  {samples:>7}");
            sizes.push((round as f64, kib as f64));
        }
    }
    // A day quota's history, the connections and the allocator have settled after the first steps.
    println!("slope after round {}: {:.1} KiB in 1,000 rounds", 3 * STEP, 1e3 * slope(&sizes[3..]));
}

/// Two ids in one region, and the quotas they spend.
fn world() -> World {
    const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let mut lists = (*World::default().lists).clone();
    lists.models.retain(|model| model.id == SONNET);
    lists.profiles.retain(|profile| profile.model_id == SONNET);
    let stream = |prefix: &str, calls| Stream {
        model_id: format!("{prefix}.{SONNET}"),
        demand: Demand::Steady(calls),
        ..Stream::default()
    };
    let region = Region {
        name: "us-east-1".into(),
        codes: Some(["L-4A6BFAB1", "L-F4DDD3EB", "L-E3F10727"].map(String::from).to_vec()),
        streams: vec![stream("us", 20.0), stream("global", 3.0)],
        ..Region::default()
    };
    World {
        lists: Arc::new(lists),
        accounts: vec![Account { id: "000000000000".into(), regions: vec![region], ..Account::default() }],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

/// VmRSS of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

/// Of the line of least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    above / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}
