//! A fleet against the simulated AWS with its rates enforced: how long the rounds take, what they cost in
//! calls, and what the exporter needs for it.
//!
//! `cargo bench --bench fleet [-- ACCOUNTS [CADENCE]]`: `serve` watches 5 regions of a tenth of the accounts and
//! of all of them (50), at once, 40 models in each, `quotas.export: in_use`, `usage.cadence` as it is by default or
//! as given. The simulated AWS is a process of its own.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads /proc, and times what it starts")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::world::lists::Profile;
use bedrock_quota_exporter::sim::world::stream::{Call, Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Applied, QuotaChange, Region, World};
use futures_util::future::join_all;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const REGIONS: [&str; 5] = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1"];
const MODELS: usize = 40;
/// Steady rounds are watched for so long, the longest interval of usage and ListMetrics, and from so long after
/// the first round of everything: so no run sees more of them than another.
const STEADY: Duration = Duration::from_secs(300);
/// Where the status page has them, counted in cells.
const QUOTAS: usize = 3;
const CATALOG: usize = 4;
const USAGE: usize = 5;
const PATIENCE: Duration = Duration::from_secs(900);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    match &arguments[..] {
        [world, accounts] if world == "world" => serve_world(accounts.parse().expect("a number of accounts")),
        rest => {
            let accounts: usize = rest.first().map_or(50, |n| n.parse().expect("a number of accounts"));
            let cadence = rest.get(1).map(String::as_str);
            let runtime = Runtime::new().unwrap();
            let both =
                async { tokio::join!(measure(accounts.div_ceil(10), cadence), measure(accounts, cadence)) };
            let (small, large) = runtime.block_on(both);
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

async fn measure(accounts: usize, cadence: Option<&str>) -> Figures {
    let (_world, aws) = listening(
        Command::new(std::env::current_exe().unwrap()).args(["world", &accounts.to_string()]),
        "simulating on ",
    );
    let config = std::env::temp_dir().join(format!("bqe-fleet-{}-{accounts}.yaml", std::process::id()));
    std::fs::write(&config, config_of(accounts, cadence, &format!("http://{aws}"))).unwrap();
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
    let status = format!("http://{address}/");
    let targets = accounts * REGIONS.len();
    let (mut usage, mut everything) = (None, None);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while everything.is_none() {
        ticks.tick().await;
        assert!(started.elapsed() < PATIENCE, "not everything was collected within {PATIENCE:?}");
        // A page of metrics has a hundred megabytes: reading it each second would be what is measured.
        let page = reqwest::get(&status).await.unwrap().text().await.unwrap();
        let is_up = |row: &&str, collector: usize| {
            let cell = row.split("<td").nth(collector).and_then(|cell| cell.split_once('>'));
            cell.is_some_and(|(_, text)| text.starts_with("ok"))
        };
        let up = |collectors: &[usize]| {
            let rows =
                page.lines().filter(|line| line.starts_with("<tr><td>") || line.contains("<tbody><tr>"));
            rows.filter(|row| collectors.iter().all(|collector| is_up(row, *collector))).count() == targets
        };
        let elapsed = started.elapsed().as_secs_f64();
        usage = usage.or(up(&[USAGE]).then_some(elapsed));
        everything = everything.or(up(&[QUOTAS, CATALOG, USAGE]).then_some(elapsed));
    }
    let first = calls(&aws, "").await;
    let cpu = cpu_seconds(&exporter.0);
    tokio::time::sleep(STEADY).await;
    let warm = cpu_seconds(&exporter.0);
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
    let ([gzip, slow_gzip], [plain, slow_plain]) =
        (scrapers(&metrics, "gzip").await, scrapers(&metrics, "identity").await);
    let after = calls(&aws, "").await;
    let usage_calls = calls(&aws, "monitoring").await.0;
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
            ("calls of CloudWatch a minute after it", usage_calls / minutes),
            ("calls of others (every 15 or 60 minutes)", after.0 - usage_calls),
            ("metrics billed a minute after it", after.2 / minutes),
            ("throttled by AWS, ever", first.1 + after.1),
            ("series", series as f64),
            ("slowest scrape, ms", longest * 1000.0),
            ("20 scrapers, gzip: half are done in, ms", gzip),
            ("99 % are done in, ms", slow_gzip),
            ("20 scrapers, identity: half are done in, ms", plain),
            ("99 % are done in, ms", slow_plain),
            ("CPU until everything was there, s", cpu),
            ("CPU a minute after it, s", (cpu_seconds(&exporter.0) - warm) / minutes),
            ("resident memory at the end, MiB", resident(&exporter.0, "VmRSS:")),
            ("resident memory at its highest, MiB", resident(&exporter.0, "VmHWM:")),
        ],
    }
}

/// Twenty scrapers on connections that stay open, each of which scrapes once a second for ten seconds: the median and
/// the 99th percentile from the request to the last byte, in milliseconds.
async fn scrapers(url: &str, encoding: &'static str) -> [f64; 2] {
    let scraper = |number: u32| {
        let request = reqwest::Client::new().get(url).header("accept-encoding", encoding);
        async move {
            tokio::time::sleep(Duration::from_millis(50) * number).await;
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            let mut took = Vec::new();
            for _ in 0..10 {
                ticks.tick().await;
                let started = Instant::now();
                let mut answer = request.try_clone().unwrap().send().await.unwrap();
                while answer.chunk().await.unwrap().is_some() {}
                took.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            took
        }
    };
    let mut took = join_all((0..20).map(scraper)).await.concat();
    took.sort_by(f64::total_cmp);
    [took[took.len() / 2], took[took.len() * 99 / 100]]
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

fn config_of(accounts: usize, cadence: Option<&str>, url: &str) -> String {
    let role = |n: usize| format!("  - {{role_arn: 'arn:aws:iam::{}:role/reader'}}\n", account_id(n));
    let accounts: String = (0..accounts).map(role).collect();
    let regions = REGIONS.join(", ");
    // The simulated AWS shares this machine, and a slow answer is not what is measured.
    let aws = format!("aws: {{endpoint_url: '{url}', attempt_timeout: 1m, operation_timeout: 3m}}\n");
    let cadence = cadence.map(|cadence| format!("usage: {{cadence: {cadence}}}\n")).unwrap_or_default();
    format!("regions: [{regions}]\naccounts:\n{accounts}quotas: {{export: in_use}}\n{cadence}{aws}")
}

/// Requests, throttled ones, and metrics billed; of one service or of all.
async fn calls(url: &str, service: &str) -> (f64, f64, f64) {
    let rows: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
    let rows = rows.as_array().unwrap().iter();
    let rows = rows.filter(|row| service.is_empty() || row["service"] == service);
    let sum = |key: &str| rows.clone().filter_map(|row| row[key].as_f64()).sum::<f64>();
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
/// first token are among their metrics. Every account has three quotas of its own in every region: no two
/// targets have the same lists.
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
    let account = |n: usize| {
        let mut regions = regions.clone();
        for region in &mut regions {
            let codes = world.lists.listed(&region.name).step_by(100).take(3).map(|quota| quota.code.clone());
            let applied = |value| Applied::Value(value + n as f64);
            let changes = codes.map(|code| QuotaChange { code, from: i64::MIN, applied: applied(1e6) });
            region.quotas.extend(changes.collect::<Vec<_>>());
        }
        Account { id: account_id(n), regions, ..Account::default() }
    };
    world.accounts = (0..accounts).map(account).collect();
    world
}
