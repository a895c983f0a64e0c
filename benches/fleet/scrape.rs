//! Scrapers on connections that stay open, while the exporter goes on with its rounds.

use crate::process::{Process, exporter, world};
use crate::worlds::config_of;
use futures_util::future::join_all;
use std::time::{Duration, Instant};

/// How long each kind of scraper scrapes.
const SPAN: Duration = Duration::from_secs(10);

/// Scrape times in milliseconds: the median, the 99th percentile, and the bytes of one answer.
pub struct Times {
    pub p50: f64,
    pub p99: f64,
    pub bytes: usize,
}

/// So many scrapers; each waits for `pause` from the beginning of one scrape to the next, or not at all.
pub async fn scrapers(url: &str, connections: u32, encoding: &str, pause: Option<Duration>) -> Times {
    let scraper = |number: u32| {
        let url = format!("{url}/metrics");
        let request = reqwest::Client::new().get(url).header("accept-encoding", encoding);
        async move {
            let end = Instant::now() + SPAN;
            let mut next = tokio::time::Instant::now() + pause.unwrap_or_default() * number / connections;
            let (mut took, mut bytes) = (Vec::new(), 0);
            while Instant::now() < end {
                tokio::time::sleep_until(next).await;
                next += pause.unwrap_or_default();
                let started = Instant::now();
                let mut answer = request.try_clone().unwrap().send().await.unwrap();
                bytes = 0;
                while let Some(chunk) = answer.chunk().await.unwrap() {
                    bytes += chunk.len();
                }
                took.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            // The first opened the connection.
            (took.split_off(1), bytes)
        }
    };
    let all = join_all((0..connections).map(scraper)).await;
    let bytes = all.iter().map(|(_, bytes)| *bytes).max().unwrap();
    let mut took: Vec<f64> = all.into_iter().flat_map(|(took, _)| took).collect();
    took.sort_by(f64::total_cmp);
    Times { p50: took[took.len() / 2], p99: took[took.len() * 99 / 100], bytes }
}

/// Five targets, and sixty.
pub async fn measure() {
    const ACCOUNTS: usize = 12;
    let aws = world(&[&ACCOUNTS.to_string()]);
    println!(
        "{:<12}{:<30}{:<10}{:>12}{:>9}{:>9}",
        "series", "scrapers", "encoding", "bytes", "p50, ms", "p99, ms"
    );
    for accounts in [1, ACCOUNTS] {
        let exporter = exporter(&config_of(accounts, None, &aws.url), &[]);
        while !exporter.is_ready().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let series = series(&exporter).await;
        for (connections, pause, how) in [
            (1, None, "1, one scrape after another"),
            (4, None, "4, one scrape after another"),
            (20, Some(Duration::from_secs(1)), "20, once a second each"),
        ] {
            for encoding in ["gzip", "identity"] {
                let times = scrapers(&exporter.url, connections, encoding, pause).await;
                let Times { p50, p99, bytes } = times;
                println!("{series:<12}{how:<30}{encoding:<10}{bytes:>12}{p50:>9.2}{p99:>9.2}");
            }
        }
        println!("{series:<12}resident memory, MiB: {:.1}", exporter.resident("VmRSS:"));
    }
}

pub async fn series(exporter: &Process) -> usize {
    let answer = reqwest::get(format!("{}/metrics", exporter.url)).await.unwrap();
    answer.text().await.unwrap().lines().filter(|line| !line.starts_with('#')).count()
}
