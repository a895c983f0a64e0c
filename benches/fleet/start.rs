//! From the start of the process to its first complete page, less the time in which AWS was asked.

use crate::process::{exporter, world};
use crate::worlds::config_of_one;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const RUNS: usize = 7;

/// When bytes passed, on their way to AWS and back.
#[derive(Default)]
struct Passed {
    asked: Vec<Instant>,
    answered: Vec<Instant>,
}

pub async fn measure() {
    let aws = world(&["1"]);
    let nothing = world(&["1", "idle"]);
    let idle = exporter(&config_of_one(&nothing.url), &[]);
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(run(aws.url.strip_prefix("http://").unwrap()).await);
    }
    let median = |of: fn(&[f64; 3]) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[RUNS / 2]
    };
    println!("{:<70}{:>6.0}", "from the start until AWS is asked, ms", median(|run| run[0]));
    println!("{:<70}{:>6.0}", "until its last answer, at half of its rates, ms", median(|run| run[1]));
    println!("{:<70}{:>6.0}", "from there until a complete page was scraped, ms", median(|run| run[2]));
    assert!(idle.is_ready().await);
    println!("{:<70}{:>6.1}", "resident memory of a target without traffic, MiB", idle.resident("VmRSS:"));
    println!("{:<70}{:>6.1}", "of it pages of the binary and of libraries", idle.resident("RssFile:"));
}

/// One start: the three spans in milliseconds.
async fn run(aws: &str) -> [f64; 3] {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config_of_one(&format!("http://{}", listener.local_addr().unwrap()));
    let passed = Arc::new(Mutex::new(Passed::default()));
    let proxy = tokio::spawn(proxy(listener, aws.to_string(), passed.clone()));
    let started = Instant::now();
    let exporter = exporter(&config, &[]);
    while !exporter.is_ready().await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let ready = Instant::now();
    let page = reqwest::get(format!("{}/metrics", exporter.url)).await.unwrap().text().await.unwrap();
    let scraped = Instant::now();
    assert!(page.contains("bedrock_quota_utilization_ratio{"), "a page without usage");
    proxy.abort();
    let passed = passed.lock().unwrap();
    let (first, last) = (passed.asked[0], passed.answered.iter().filter(|at| **at < ready).max().unwrap());
    [first - started, *last - first, scraped - *last].map(|span| span.as_secs_f64() * 1000.0)
}

async fn proxy(listener: TcpListener, aws: String, passed: Arc<Mutex<Passed>>) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(&aws).await.unwrap();
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        tokio::spawn(pass(near_in, far_out, passed.clone(), |passed| &mut passed.asked));
        tokio::spawn(pass(far_in, near_out, passed.clone(), |passed| &mut passed.answered));
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passed: Arc<Mutex<Passed>>,
    times: fn(&mut Passed) -> &mut Vec<Instant>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        times(&mut passed.lock().unwrap()).push(Instant::now());
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
