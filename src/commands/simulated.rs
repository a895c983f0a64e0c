//! The simulated AWS in this process, and how it is reached.

use super::setup::bind;
use crate::clock::now;
use crate::config;
use crate::plan::{self, Plan};
use crate::sim::{Sim, desk::Answering, world::World};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::Duration;

/// Patience with the simulated AWS: it shares this process, and the machine may be busy.
pub(super) const TIMEOUT: Duration = Duration::from_secs(600);

/// What the accounts of the simulated AWS are called.
const DEMO_NAMES: [&str; 3] = ["production", "research", "labs"];

/// The config of `demo`, in the form anybody would write it in: every account and region of the world.
pub(super) fn demo_plan(url: &str, world: &World) -> Result<Plan> {
    let mut text = "accounts:\n".to_string();
    for (account, name) in world.accounts.iter().zip(DEMO_NAMES) {
        let regions: Vec<&str> = account.regions.iter().map(|region| region.name.as_str()).collect();
        let arn = format!("arn:aws:iam::{}:role/bedrock-quota-exporter", account.id);
        text += &format!("  - {{name: {name}, role_arn: '{arn}', regions: [{}]}}\n", regions.join(", "));
    }
    text += "quotas: {interval: 1m}\ncatalog: {team_tag: team}\nbudget: {dollars_per_day: 20}\nscrape_interval: 15s\n";
    text += "projects: {proj_checkout: {name: checkout, team: payments}}\n";
    text += &format!("aws: {{endpoint_url: '{url}'}}\n");
    let mut plan = plan::plan(&config::parse("the demo's config", &text))?;
    plan.aws.simulated_keys = Some("AKIASIMULATED".to_string());
    Ok(plan)
}

/// The demo's story has been going on for so long, in seconds.
const STORY: i64 = 20 * 60;

/// The plan of a simulated AWS, which is served from here on.
pub(super) async fn served(seed: u64) -> Result<Plan> {
    Ok(opened(seed).await?.0)
}

/// The same, so many times as fast as real time, with models that answer in few words.
pub(super) async fn quickened(seed: u64, times: u32) -> Result<Plan> {
    let (plan, sim) = opened(seed).await?;
    // Real milliseconds: calls made at once all arrive before the first is over, on a busy machine too.
    sim.set_answering(Answering { output_tokens: 10, latency_ms: 500 }).await;
    sim.set_clock(sim.clock().await.paced(times)).await;
    Ok(plan)
}

async fn opened(seed: u64) -> Result<(Plan, Sim)> {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let world = World { rates: false, ..World::demo(seed, now().0 - STORY) };
    let mut plan = demo_plan(&format!("http://{}", listener.local_addr()?), &world)?;
    (plan.aws.attempt_timeout, plan.aws.operation_timeout) = (TIMEOUT, TIMEOUT);
    let sim = Sim::new(world);
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    Ok((plan, sim))
}
