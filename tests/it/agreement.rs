//! The daemon and `diagnose`, each by its own way of reading, on one simulated AWS at one time: they find the same.

use crate::served::Served;
use bedrock_quota_exporter::sim::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a finding is about, and what it says apart from shares and times: those of the last minutes are others than
/// those of the span.
type Found = [String; 6];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_string()
}

/// The cause behind the share of refused calls.
fn said(what: &str) -> String {
    let is_about_calls = what.contains("of the calls ") || what.contains("calls failed with 5xx");
    let cause = what.rsplit_once(": ").filter(|_| is_about_calls).map(|(_, cause)| cause);
    // How long: 15 minutes of the daemon, 30 of the span.
    cause.unwrap_or(what.split(" for ").next().unwrap_or(what)).to_string()
}

fn found(finding: &Value, place: String) -> Found {
    let of = |key: &str| text(&finding[key]);
    [place, of("model"), of("scope"), of("quota"), of("runbook"), said(&of("what"))]
}

/// By the daemon's API.
async fn live(url: &str) -> BTreeSet<Found> {
    let Ok(answer) = reqwest::get(format!("{url}/api/v1/findings")).await else { return BTreeSet::new() };
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let items = body["items"].as_array().cloned().unwrap_or_default();
    let place = |item: &Value| format!("{}, {}", text(&item["account_name"]), text(&item["region"]));
    items.iter().map(|item| found(item, place(item))).collect()
}

/// By `diagnose`; without what rings no alert any more.
fn diagnosed(served: &Served) -> BTreeSet<Found> {
    let ran = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["diagnose", "--since=30m", "--yes", "--format=json"])
        .arg(format!("--config.file={}", served.folder.join("config.yaml").display()))
        .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(3), "{}", String::from_utf8_lossy(&ran.stderr));
    let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let rings =
        |finding: &&Value| finding["runbook"] != "BedrockThrottling" || finding["severity"] == "critical";
    findings.iter().filter(rings).map(|finding| found(finding, text(&finding["place"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_and_diagnose_find_the_same() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    // The story has been going on for twenty minutes.
    let world = World { rates: false, ..World::demo(1, now - 1200) };
    // Three of its twelve targets, which have one of each, and patience: the simulated AWS shares a busy machine.
    let config = "\
quotas: {interval: 1m}
accounts:
  - {name: production, role_arn: 'arn:aws:iam::000000000000:role/reader', regions: [us-east-1, us-west-2]}
  - {name: labs, role_arn: 'arn:aws:iam::000000000002:role/reader', regions: [eu-central-1]}
aws: {endpoint_url: 'ENDPOINT_URL', attempt_timeout: 60s, operation_timeout: 60s}
";
    let served = Served::of("agreement", world, config, Vec::new()).await;
    let diagnosed = diagnosed(&served);
    assert!(diagnosed.len() >= 8, "{diagnosed:#?}");
    let together = diagnosed
        .iter()
        .filter(|found| found[0] == "labs, eu-central-1" && found[5] == "the cause is not known");
    assert_eq!(together.count(), 3, "three models are refused together: {diagnosed:#?}");
    let mut last = BTreeSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..240 {
        ticks.tick().await;
        last = live(&served.url).await;
        if last == diagnosed {
            return;
        }
    }
    let (daemon, tool): (Vec<_>, Vec<_>) =
        (last.difference(&diagnosed).collect(), diagnosed.difference(&last).collect());
    panic!("only the daemon: {daemon:#?}\nonly diagnose: {tool:#?}");
}
