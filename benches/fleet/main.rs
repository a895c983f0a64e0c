//! Fleets against the simulated AWS, which is a process of its own and enforces AWS's rates.
//!
//! `cargo bench --bench fleet [-- ACCOUNTS [CADENCE]]`: `serve` watches 5 regions of a tenth of the accounts and
//! of all of them (50), at once, 40 models in each, `quotas.export: in_use`, `usage.cadence` as it is by default or
//! as given: how long the rounds take, what they cost in calls, and what the exporter needs for it.
//!
//! `-- scrape`: scrapes on connections that stay open. `-- start`: until the first complete page. `-- shards`: what
//! several ask that share an organization. `-- growth`: 1, 10 and 100 times the targets and ids.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads /proc, and times what it starts")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

mod growth;
mod process;
mod scrape;
mod shards;
mod start;
mod worlds;

use process::{calls, exporter, world};
use scrape::{Times, scrapers, series};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use worlds::{MODELS, REGIONS, config_of};

/// Steady rounds are watched for so long, the longest interval of usage and ListMetrics but that of details, after
/// a minute in which whatever the first round left is read.
const STEADY: Duration = Duration::from_secs(300);
const SETTLED: Duration = Duration::from_secs(60);
/// Where the status page has them, counted in cells.
const QUOTAS: usize = 3;
const CATALOG: usize = 4;
const USAGE: usize = 5;
const PATIENCE: Duration = Duration::from_secs(900);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = Runtime::new().unwrap();
    match arguments[..] {
        ["world", accounts] => worlds::serve(accounts.parse().expect("a number of accounts"), MODELS),
        ["world", accounts, "idle"] => worlds::serve(accounts.parse().unwrap(), 0),
        ["case", targets, ids] => growth::case(targets.parse().unwrap(), ids.parse().unwrap()),
        ["growth"] => growth::measure(),
        ["scrape"] => runtime.block_on(scrape::measure()),
        ["start"] => runtime.block_on(start::measure()),
        ["shards"] => runtime.block_on(shards::measure()),
        ref rest => {
            let accounts: usize = rest.first().map_or(50, |n| n.parse().expect("a number of accounts"));
            let cadence = rest.get(1).copied();
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

struct Figures {
    title: String,
    rows: Vec<(&'static str, f64)>,
}

async fn measure(accounts: usize, cadence: Option<&str>) -> Figures {
    let aws = world(&[&accounts.to_string()]);
    let started = Instant::now();
    let exporter = exporter(&config_of(accounts, cadence, &aws.url), &[]);
    let targets = accounts * REGIONS.len();
    let (mut usage, mut everything) = (None, None);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while everything.is_none() {
        ticks.tick().await;
        assert!(started.elapsed() < PATIENCE, "not everything was collected within {PATIENCE:?}");
        // A page of metrics has a hundred megabytes: reading it each second would be what is measured.
        let page = reqwest::get(&exporter.url).await.unwrap().text().await.unwrap();
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
    let cpu = exporter.cpu_seconds();
    tokio::time::sleep(SETTLED).await;
    let warm = exporter.cpu_seconds();
    reqwest::Client::new().delete(format!("{}/_sim/calls", aws.url)).send().await.unwrap();
    tokio::time::sleep(STEADY).await;
    let cpu_steady = exporter.cpu_seconds() - warm;
    let (after, of_cloudwatch) = (calls(&aws, "").await, calls(&aws, "monitoring").await.calls);
    let calm = exporter.resident("VmRSS:");
    let a_second = Some(Duration::from_secs(1));
    let gzip = scrapers(&exporter.url, 20, "gzip", a_second).await;
    let Times { p50, p99, bytes } = scrapers(&exporter.url, 20, "identity", a_second).await;
    let minutes = STEADY.as_secs_f64() / 60.0;
    Figures {
        title: format!("{targets} targets"),
        rows: vec![
            ("first usage of every target, s", usage.unwrap()),
            ("quotas and catalog of every target too, s", everything.unwrap()),
            ("calls until then", first.calls),
            ("calls of CloudWatch a minute after it", of_cloudwatch / minutes),
            ("calls of others (every 15 or 60 minutes)", after.calls - of_cloudwatch),
            ("metrics billed a minute after it", after.metrics / minutes),
            ("throttled by AWS, ever", first.throttled + after.throttled),
            ("series", series(&exporter).await as f64),
            ("bytes of a scrape, gzip", gzip.bytes as f64),
            ("20 scrapers, gzip: half are done in, ms", gzip.p50),
            ("99 % are done in, ms", gzip.p99),
            ("bytes of a scrape, identity", bytes as f64),
            ("20 scrapers, identity: half are done in, ms", p50),
            ("99 % are done in, ms", p99),
            ("CPU until everything was there, s", cpu),
            ("CPU a minute after it, s", cpu_steady / minutes),
            ("resident memory between rounds, MiB", calm),
            ("resident memory at its highest, MiB", exporter.resident("VmHWM:")),
        ],
    }
}
