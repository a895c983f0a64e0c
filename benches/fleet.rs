//! A fleet against the simulated AWS with its rates enforced: how long the rounds take, what they cost in
//! calls, and what the exporter needs for it.
//!
//! `cargo bench --bench fleet [ACCOUNTS]`: `serve` watches 5 regions of a tenth of the accounts and then of
//! all of them (50), 40 models in each, `quotas.export: in_use`. The simulated AWS is a process of its own.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::lists::Profile;
use bedrock_quota_exporter::sim::traffic::{Call, Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Applied, QuotaChange, Region, World};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const REGIONS: [&str; 5] = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1"];
const MODELS: usize = 40;
/// After the first round of everything, steady rounds are watched for so long.
const STEADY: Duration = Duration::from_secs(180);
const PATIENCE: Duration = Duration::from_secs(900);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    match &arguments[..] {
        [world, accounts] if world == "world" => serve_world(accounts.parse().expect("a number of accounts")),
        rest => {
            let accounts: usize = rest.first().map_or(50, |n| n.parse().expect("a number of accounts"));
            let runtime = Runtime::new().unwrap();
            let small = runtime.block_on(measure(accounts.div_ceil(10)));
            let large = runtime.block_on(measure(accounts));
            println!("{:<44}{:>12}{:>12}", "", small.title, large.title);
            for ((what, small), (_, large)) in small.rows.iter().zip(&large.rows) {
                println!("{what:<44}{small:>12.1}{large:>12.1}");
            }
        }
    }
}

/// An exporter or a world that does not outlive the benchmark.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Figures {
    title: String,
    rows: Vec<(&'static str, f64)>,
}

async fn measure(accounts: usize) -> Figures {
    let (_world, aws) = listening(
        Command::new(std::env::current_exe().unwrap()).args(["world", &accounts.to_string()]),
        "simulating on ",
    );
    let config = std::env::temp_dir().join(format!("bqe-fleet-{}-{accounts}.yaml", std::process::id()));
    std::fs::write(&config, config_of(accounts, &format!("http://{aws}"))).unwrap();
    let started = Instant::now();
    let (exporter, address) = listening(
        Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
            .arg(&config)
            .env("AWS_ACCESS_KEY_ID", "AKIASIMULATED")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("AWS_EC2_METADATA_DISABLED", "true"),
        "msg=listening address=",
    );
    let (aws, metrics) = (format!("http://{aws}/_sim/calls"), format!("http://{address}/metrics"));
    let targets = accounts * REGIONS.len();
    let (mut usage, mut everything) = (None, None);
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    while everything.is_none() {
        ticks.tick().await;
        assert!(started.elapsed() < PATIENCE, "not everything was collected within {PATIENCE:?}");
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        let up = |collector: &str| {
            let wanted = format!("collector=\"{collector}\"}} 1");
            let up = text.lines().filter(|line| line.starts_with("bedrock_exporter_target_up{"));
            up.filter(|line| line.ends_with(&wanted)).count() == targets
        };
        let elapsed = started.elapsed().as_secs_f64();
        usage = usage.or(up("usage").then_some(elapsed));
        everything = everything.or((up("usage") && up("quotas") && up("catalog")).then_some(elapsed));
    }
    let first = calls(&aws).await;
    let cpu = cpu_seconds(&exporter.0);
    reqwest::Client::new().delete(&aws).send().await.unwrap();
    let steady = tokio::time::Instant::now() + STEADY;
    let mut longest = 0.0_f64;
    while tokio::time::Instant::now() < steady {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let scrape = Instant::now();
        let client = reqwest::Client::new().get(&metrics).header("accept-encoding", "gzip");
        client.send().await.unwrap().bytes().await.unwrap();
        longest = longest.max(scrape.elapsed().as_secs_f64());
    }
    let after = calls(&aws).await;
    let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    let minutes = STEADY.as_secs_f64() / 60.0;
    let _ = std::fs::remove_file(config);
    Figures {
        title: format!("{targets} targets"),
        rows: vec![
            ("first usage of every target, s", usage.unwrap()),
            ("quotas and catalog of every target too, s", everything.unwrap()),
            ("calls until then", first.0),
            ("calls a minute after it", after.0 / minutes),
            ("metrics billed a minute after it", after.2 / minutes),
            ("throttled by AWS, ever", first.1 + after.1),
            ("series", series as f64),
            ("slowest scrape, ms", longest * 1000.0),
            ("CPU until everything was there, s", cpu),
            ("CPU a minute after it, s", (cpu_seconds(&exporter.0) - cpu) / minutes),
            ("resident memory at the end, MiB", resident(&exporter.0, "VmRSS:")),
            ("resident memory at its highest, MiB", resident(&exporter.0, "VmHWM:")),
        ],
    }
}

/// Starts a process; returns it with the address that follows `marker` on its standard error.
fn listening(command: &mut Command, marker: &str) -> (Process, String) {
    let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once(marker)?;
        Some(address.trim().to_string())
    });
    std::thread::spawn(move || {
        lines.map_while(Result::ok).filter(|l| !l.contains("level=info")).for_each(|l| eprintln!("{l}"))
    });
    (Process(process), found.expect("the process says where it listens"))
}

fn account_id(number: usize) -> String {
    format!("{number:012}")
}

fn config_of(accounts: usize, url: &str) -> String {
    let role = |n: usize| format!("  - {{role_arn: 'arn:aws:iam::{}:role/reader'}}\n", account_id(n));
    let accounts: String = (0..accounts).map(role).collect();
    let regions = REGIONS.join(", ");
    // The simulated AWS shares this machine, and a slow answer is not what is measured.
    let aws = format!("aws: {{endpoint_url: '{url}', attempt_timeout: 1m, operation_timeout: 3m}}\n");
    format!("regions: [{regions}]\naccounts:\n{accounts}quotas: {{export: in_use}}\n{aws}")
}

/// Requests, throttled ones, and metrics billed.
async fn calls(url: &str) -> (f64, f64, f64) {
    let rows: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
    let sum = |key: &str| rows.as_array().unwrap().iter().filter_map(|row| row[key].as_f64()).sum::<f64>();
    (sum("calls"), sum("throttled"), sum("metrics"))
}

/// From /proc, in MiB.
fn resident(process: &Child, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
    found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// User and system time, at Linux's 100 ticks a second.
fn cpu_seconds(process: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

fn serve_world(accounts: usize) {
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("simulating on {}", listener.local_addr().unwrap());
        Sim::new(world(accounts)).serve(listener, std::future::pending()).await.unwrap();
    });
}

/// 40 ids with steady traffic in each region, geographic profiles before others. Cache metrics and time to
/// first token are among their metrics. In the first region each account has a quota of its own, in the
/// others all have the same.
fn world(accounts: usize) -> World {
    let mut world = World { seed: 1, ..World::default() };
    let call = Call { cache_read: 300.0, cache_write: 60.0, first_token_ms: Some(400.0), ..Call::default() };
    let region = |name: &str| {
        let profiles = world.lists.profiles.iter().filter(|p| p.source_regions.iter().any(|r| r == name));
        let (global, geographic): (Vec<&Profile>, Vec<_>) = profiles.partition(|p| p.prefix == "global");
        let models = world.lists.models.iter().filter(|m| m.on_demand_regions.iter().any(|r| r == name));
        let ids = geographic.iter().map(|p| p.id.clone()).chain(models.map(|m| m.id.clone()));
        let ids = ids.chain(global.iter().map(|p| p.id.clone()));
        let streams = ids.take(MODELS).enumerate().map(|(n, model_id)| Stream {
            model_id,
            demand: Demand::Steady(5.0 + n as f64),
            call: call.clone(),
            ..Stream::default()
        });
        Region { name: name.to_string(), streams: streams.collect(), ..Region::default() }
    };
    let regions = REGIONS.map(region).to_vec();
    assert!(regions.iter().all(|region| region.streams.len() == MODELS));
    let raised = world.lists.listed(REGIONS[0]).next().expect("every region lists quotas").code.clone();
    let account = |n: usize| {
        let mut regions = regions.clone();
        let applied = Applied::Value(1000.0 + n as f64);
        regions[0].quotas.push(QuotaChange { code: raised.clone(), from: i64::MIN, applied });
        Account { id: account_id(n), regions, ..Account::default() }
    };
    world.accounts = (0..accounts).map(account).collect();
    world
}
