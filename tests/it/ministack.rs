//! Against a server that nobody here wrote: ministack's CloudWatch, Bedrock and STS.

use crate::rig::Rig;
use aws_sdk_cloudwatch::primitives::{DateTime, DateTimeFormat};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bedrock_quota_exporter::aws::Environment;
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::plan::Credentials;
use bedrock_quota_exporter::sim::world::{Account, ApplicationProfile, Publishing, Region, World};
use std::collections::BTreeSet;
use std::future::IntoFuture;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const PROFILE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const APPLICATION: &str = "abcdefghijkl";
const MODEL: &str = "model=\"anthropic.claude-sonnet-4-5-20250929-v1:0\"";
const BURNDOWN: f64 = 5.0;
const RPM: &str = "L-4A6BFAB1";
const TPM: &str = "L-F4DDD3EB";

/// A ministack of its own, ended with the test.
struct Ministack {
    process: Child,
    url: String,
}

impl Ministack {
    fn start() -> Ministack {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let python = std::env::var("BQE_PYTHON").unwrap_or_else(|_| "python3".to_string());
        let mut process = Command::new(&python)
            .args(["-m", "ministack"])
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("SERVICES", "cloudwatch,bedrock,sts")
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}; run `make test`, which installs it"));
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Running on"));
        assert!(ready, "{python} -m ministack ended; run `make test`, which installs it");
        // The rest of its log is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.count());
        Ministack { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The same server, whose Date header shows the test's time: its own clock cannot be set, and usage read by
/// a clock that is wrong is refused. Everything else passes as it is.
async fn with_the_clock_of_the_test(upstream: &str, now: &Arc<AtomicI64>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (client, upstream, now) = (reqwest::Client::new(), upstream.to_string(), now.clone());
    let pass_on = move |request: Request| async move {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, 16 << 20).await.unwrap();
        let mut call = client.request(head.method, format!("{upstream}{}", head.uri)).body(body);
        for (name, value) in
            head.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
        {
            call = call.header(name, value);
        }
        let answer = call.send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer
            .headers()
            .iter()
            .filter(|(name, _)| !["date", "content-length", "transfer-encoding"].contains(&name.as_str()))
        {
            response = response.header(name, value);
        }
        let date = DateTime::from_secs(now.load(Ordering::Relaxed)).fmt(DateTimeFormat::HttpDate).unwrap();
        response.header("date", date).body(Body::from(answer.bytes().await.unwrap())).unwrap()
    };
    tokio::spawn(axum::serve(listener, Router::new().fallback(pass_on)).into_future());
    url
}

/// Requests, input and output tokens per minute: 58 real minutes of LLM traffic where they are at hand,
/// else a seeded stand-in with the same gaps and bursts.
fn trace() -> Vec<[u64; 3]> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/llm-trace-per-minute.json");
    if let Ok(text) = std::fs::read_to_string(path) {
        let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
        return serde_json::from_value(trace["minutes"].clone()).unwrap();
    }
    let mut seed: u64 = 20_231_116;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    let minutes = (0..58).map(|_| if next() % 6 == 0 { 0 } else { next() % 600 });
    minutes.map(|requests| [requests, requests * 2000, requests * 27]).collect()
}

/// How a minute's traffic is shared by the two ids: a third and the rest.
fn split(total: u64) -> [u64; 2] {
    [total / 3, total - total / 3]
}

async fn put(client: &aws_sdk_cloudwatch::Client, start: i64, trace: &[[u64; 3]]) {
    let names = ["Invocations", "InputTokenCount", "OutputTokenCount"];
    let mut data = Vec::new();
    for (minute, totals) in trace.iter().enumerate().filter(|(_, totals)| totals[0] > 0) {
        for (name, total) in names.iter().zip(totals) {
            for (id, value) in [PROFILE, APPLICATION].into_iter().zip(split(*total)) {
                let dimension = Dimension::builder().name("ModelId").value(id).build();
                let at = DateTime::from_secs(start + 60 * minute as i64);
                data.push(
                    MetricDatum::builder()
                        .metric_name(*name)
                        .dimensions(dimension)
                        .timestamp(at)
                        .value(value as f64)
                        .build(),
                );
            }
        }
    }
    for chunk in data.chunks(150) {
        client
            .put_metric_data()
            .namespace("AWS/Bedrock")
            .set_metric_data(Some(chunk.to_vec()))
            .send()
            .await
            .unwrap();
    }
}

/// Tokens of the quota spent in a minute, both ids together: added up here, apart from the code.
fn tokens(minute: &[u64; 3]) -> f64 {
    minute[1] as f64 + BURNDOWN * minute[2] as f64
}

fn only(found: &[(String, f64)]) -> Option<f64> {
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|(_, value)| *value)
}

#[tokio::test]
async fn real_traffic_of_two_ids_sharing_a_quota_is_published_minute_by_minute() {
    let ministack = Ministack::start();
    let trace = trace();
    // The last three hours are what ListMetrics' RecentlyActive shows.
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let start = (wall - 90 * 60).div_euclid(60) * 60;
    let region = Region {
        name: "us-east-1".to_string(),
        codes: Some(vec![RPM.to_string(), TPM.to_string()]),
        profiles: vec![ApplicationProfile {
            id: APPLICATION.to_string(),
            name: "checkout".to_string(),
            source: PROFILE.to_string(),
            ..ApplicationProfile::default()
        }],
        ..Region::default()
    };
    let world = World {
        accounts: vec![Account {
            id: "000000000000".to_string(),
            regions: vec![region],
            ..Account::default()
        }],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    };
    let now = Arc::new(AtomicI64::new(start));
    let cloudwatch = with_the_clock_of_the_test(&ministack.url, &now).await;
    let config = format!("usage: {{cadence: fixed}}\naws: {{endpoints: {{cloudwatch: '{cloudwatch}'}}}}");
    let mut rig = Rig::start(world, &config, start).await;

    let environment = Environment::load(&rig.plan.aws, Some("us-east-1"), &rig.telemetry).await.unwrap();
    let session = environment.session(&Credentials::Default).await;
    put(&session.connect(&Target::new("000000000000", "us-east-1")).cloudwatch(), start, &trace).await;

    // One round a minute from the first minute's start; minute m is settled 4 minutes after its end.
    let mut compared = 0;
    for round in 0..(trace.len() as i64 + 6) {
        now.store(start + round * 60, Ordering::Relaxed);
        rig.round(start + round * 60).await;
        let settled = round - 5;
        let Some(minute) = usize::try_from(settled).ok().filter(|m| *m < trace.len()) else { continue };
        let tpm = [MODEL, "quota=\"tokens_per_minute\"", "quota_code=\"L-F4DDD3EB\""];
        let rpm = [MODEL, "quota=\"requests_per_minute\"", "quota_code=\"L-4A6BFAB1\""];
        let usage = only(&rig.find("bedrock_quota_usage", &tpm));
        // Where both ids fall silent in the same minute, CloudWatch may as well be late: until that is known, the
        // last minute with calls is shown, never a 0 that calls may still contradict.
        let called = (0..=minute).rev().find(|minute| trace[*minute][0] > 0).unwrap_or(minute);
        let minute = if usage == Some(0.0) { minute } else { called };
        let window = &trace[minute.saturating_sub(14)..=minute];
        let peak = window.iter().map(tokens).fold(0.0, f64::max);
        let requests_peak = window.iter().map(|m| m[0]).max().unwrap() as f64;
        let limit = only(&rig.find("bedrock_quota_limit", &tpm)).unwrap();
        assert_eq!(usage, Some(tokens(&trace[minute])), "minute {minute}");
        assert_eq!(only(&rig.find("bedrock_quota_usage_peak", &tpm)), Some(peak), "minute {minute}");
        let ratio = only(&rig.find("bedrock_quota_utilization_ratio", &tpm)).unwrap();
        assert!((ratio - tokens(&trace[minute]) / limit).abs() < 1e-12, "minute {minute}: {ratio}");
        assert_eq!(
            only(&rig.find("bedrock_quota_usage", &rpm)),
            Some(trace[minute][0] as f64),
            "minute {minute}"
        );
        assert_eq!(only(&rig.find("bedrock_quota_usage_peak", &rpm)), Some(requests_peak), "minute {minute}");
        compared += 1;
    }
    assert_eq!(compared, trace.len());

    for (family, column) in [
        ("bedrock_invocations_total", 0),
        ("bedrock_input_tokens_total", 1),
        ("bedrock_output_tokens_total", 2),
    ] {
        for (which, id) in [PROFILE, APPLICATION].into_iter().enumerate() {
            let sum: u64 = trace.iter().map(|minute| split(minute[column])[which]).sum();
            let label = format!("model_id=\"{id}\"");
            assert_eq!(only(&rig.find(family, &[label.as_str()])), Some(sum as f64), "{family} of {id}");
        }
    }
}

#[tokio::test]
async fn the_catalog_and_the_caller_of_another_server_are_read() {
    let ministack = Ministack::start();
    let config =
        format!("aws: {{endpoints: {{bedrock: '{0}', sts: '{0}', cloudwatch: '{0}'}}}}", ministack.url);
    let rig = Rig::start(World::default(), &config, 0).await;
    let environment = Environment::load(&rig.plan.aws, Some("us-east-1"), &rig.telemetry).await.unwrap();
    let session = environment.session(&Credentials::Default).await;
    let account = session.account_id(Timestamp(0)).await.unwrap();
    assert!(account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()), "{account}");
    let connection = session.connect(&Target::new(&account, "us-east-1"));
    let (catalog, errors) = connection.catalog(&[], BTreeSet::new()).await;
    let catalog = catalog.unwrap();
    assert!(
        catalog.models.is_some_and(|models| models.iter().any(|m| m.id.starts_with("anthropic."))),
        "{errors:?}"
    );
    assert!(catalog.profiles.is_some(), "{errors:?}");
    assert!(catalog.provisioned.is_some_and(|units| units.is_empty()), "{errors:?}");
}
