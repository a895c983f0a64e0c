//! Several exporters that share the accounts publish together what one would.

use bedrock_quota_exporter::config;
use bedrock_quota_exporter::daemon::{self, Source};
use bedrock_quota_exporter::model::shard::Shard;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::plan::{self, Plan};
use bedrock_quota_exporter::server::Web;
use bedrock_quota_exporter::server::guard::Guard;
use bedrock_quota_exporter::server::listen::Listener;
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::real_time;
use bedrock_quota_exporter::sim::world::stream::{Demand, Stream, Tally};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const ACCOUNTS: usize = 7;
const SHARDS: u32 = 3;
const ID: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn account_id(number: usize) -> String {
    format!("{number:012}")
}

/// Calls in one region of each account, over before the exporters start; in the other region the model is in
/// use only because of them.
fn world(now: i64) -> World {
    let tally =
        |calls: i64| Tally { invocations: calls as u64, input: 1000, output: 100, ..Tally::default() };
    let account = |number: usize| {
        let minutes = (now / 60 - 9..now / 60 - 5).map(|minute| (minute, tally(minute % 7 + number as i64)));
        let demand = Demand::Table(minutes.collect::<BTreeMap<_, _>>());
        let stream = Stream { model_id: ID.to_string(), demand, ..Stream::default() };
        let region = |name: &str, streams| Region { name: name.to_string(), streams, ..Region::default() };
        let regions = vec![region("us-east-1", vec![stream]), region("us-west-2", Vec::new())];
        Account { id: account_id(number), regions, ..Account::default() }
    };
    World {
        accounts: (0..ACCOUNTS).map(account).collect(),
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

fn the_plan(url: &str) -> Plan {
    let arn = |number| format!("arn:aws:iam::{}:role/bedrock-quota-exporter", account_id(number));
    let accounts: String =
        (0..ACCOUNTS).map(|n| format!("  - {{name: a{n}, role_arn: '{}'}}\n", arn(n))).collect();
    let text = format!(
        "regions: [us-east-1, us-west-2]\naccounts:\n{accounts}quotas: {{export: in_use}}\naws: {{endpoint_url: '{url}'}}\n"
    );
    let mut plan = plan::plan(&config::parse("test", &text)).unwrap();
    plan.aws.simulated_keys = Some("AKIASIMULATED".to_string());
    plan
}

/// Starts an exporter in this process; returns the URL of its metrics.
async fn start(plan: Plan) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let telemetry =
        Telemetry::new(Build { version: "test", revision: "", mode: "test" }, Timestamp(real_time()));
    let web = Web {
        telemetry_path: "/metrics".to_string(),
        enable_lifecycle: false,
        enable_api: true,
        guard: Guard::default(),
    };
    let again = plan.clone();
    let source = Source { plan, read: Arc::new(move || Ok(again.clone())), storage: None };
    tokio::spawn(daemon::run(source, web, telemetry, vec![Listener::Tcp(listener)], std::future::pending()));
    url
}

/// Everything that is said of Bedrock.
async fn samples(url: &str) -> BTreeSet<String> {
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let own = ["#", "bedrock_exporter_", "process_"];
    text.lines().filter(|line| !own.iter().any(|own| line.starts_with(own))).map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_shards_together_publish_exactly_what_one_exporter_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plan = the_plan(&format!("http://{}", listener.local_addr().unwrap()));
    let sim = Sim::new(world(real_time()));
    tokio::spawn(sim.serve(listener, std::future::pending()));
    let whole = start(plan.clone()).await;
    let mut shards = Vec::new();
    for number in 0..SHARDS {
        let shard = Shard::new(number, SHARDS).unwrap();
        shards.push(start(Plan { shard, ..plan.clone() }).await);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    for _ in 0..240 {
        ticks.tick().await;
        let whole = samples(&whole).await;
        let (mut together, mut series) = (BTreeSet::new(), Vec::new());
        for shard in &shards {
            let part = samples(shard).await;
            series.push(part.len());
            together.extend(part);
        }
        let usage =
            whole.iter().filter(|line| line.starts_with("bedrock_quota_utilization_peak_ratio{")).count();
        let limits = whole.iter().filter(|line| line.starts_with("bedrock_quota_limit{")).count();
        if usage >= ACCOUNTS && limits >= 2 * ACCOUNTS && whole == together {
            assert!(series.iter().all(|&series| series > 0), "each has its share: {series:?}");
            assert_eq!(series.iter().sum::<usize>(), whole.len(), "no series comes from two");
            for (number, url) in shards.iter().enumerate() {
                let told = format!("bedrock_exporter_shard{{shard=\"{number}\",total=\"3\"}} 3");
                let page = reqwest::get(url).await.unwrap().text().await.unwrap();
                assert!(page.lines().any(|line| line == told), "{told}\n{page}");
            }
            return;
        }
    }
    panic!("the shards never published what one exporter does");
}
