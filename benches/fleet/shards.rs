//! What one exporter asks of AWS, and what four ask that share the same organization.

use crate::process::{Process, calls, exporter, world};
use crate::worlds::{REGIONS, config_of_organization};
use std::time::Duration;

const ACCOUNTS: usize = 8;
const SHARDS: usize = 4;
/// From the start: the first round of everything, and a round of every interval of usage.
const SPAN: Duration = Duration::from_secs(330);

pub async fn measure() {
    let run = async |shards: usize| {
        let aws = world(&[&ACCOUNTS.to_string()]);
        let config = config_of_organization(&aws.url);
        let exporters: Vec<Process> =
            (0..shards).map(|n| exporter(&config, &["--shard", &format!("{n}/{shards}")])).collect();
        tokio::time::sleep(SPAN).await;
        let memory: f64 = exporters.iter().map(|exporter| exporter.resident("VmRSS:")).sum();
        (aws, exporters, memory)
    };
    let (one, four) = tokio::join!(run(1), run(SHARDS));
    let title = format!("{} targets, {} s, calls of", ACCOUNTS * REGIONS.len(), SPAN.as_secs());
    println!("{title:<44}{:>12}{:>12}", "1 exporter", format!("{SHARDS} shards"));
    for service in ["organizations", "sts", "servicequotas", "bedrock", "monitoring"] {
        let (one, four) = (calls(&one.0, service).await, calls(&four.0, service).await);
        println!("{service:<44}{:>12}{:>12}", one.calls, four.calls);
    }
    let (all, of_all) = (calls(&one.0, "").await, calls(&four.0, "").await);
    println!("{:<44}{:>12}{:>12}", "metrics billed", all.metrics, of_all.metrics);
    println!("{:<44}{:>12.1}{:>12.1}", "resident memory, MiB", one.2, four.2);
}
