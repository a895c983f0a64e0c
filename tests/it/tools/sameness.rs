//! The daemon's findings and those of the tools, of one simulated AWS at one moment.

use super::scratch;
use crate::rig::Rig;
use bedrock_quota_exporter::findings::{Finding, Severity, findings};
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::sim::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a finding is about, and by which alert and cause: place, model, scope, quota code, runbook, cause.
type Name = [String; 6];

fn name(finding: &Finding) -> Name {
    let subject = &finding.subject;
    let text = |text: Option<&str>| text.unwrap_or_default().to_string();
    [
        format!("{}, {}", finding.target.account_id, finding.target.region),
        text(subject.model.as_deref()),
        text(subject.scope.map(|scope| scope.word())),
        text(subject.quota.as_ref().map(|key| &*key.code)),
        finding.runbook.to_string(),
        text(finding.case.as_ref().map(|case| case.cause.word())),
    ]
}

/// What `diagnose` finds of the last hours.
fn diagnosed(url: &str, world: &World) -> Vec<(Name, Value)> {
    let config = scratch("sameness.yaml");
    let account = |account: &bedrock_quota_exporter::sim::world::Account| {
        let regions: Vec<&str> = account.regions.iter().map(|region| region.name.as_str()).collect();
        let arn = format!("arn:aws:iam::{}:role/bedrock-quota-exporter", account.id);
        format!("{{role_arn: '{arn}', regions: [{}]}}", regions.join(", "))
    };
    let accounts: Vec<String> = world.accounts.iter().map(account).collect();
    let text = format!("accounts: [{}]\naws: {{endpoint_url: '{url}'}}\n", accounts.join(", "));
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["diagnose", "--since=26h", "--yes", "--format=json", "--config.file"])
        .arg(&config)
        .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    let keys = ["place", "model", "scope", "quota_code", "runbook", "cause"];
    let named = |finding: &Value| (keys.map(|key| text(finding, key)), finding.clone());
    document["findings"].as_array().unwrap().iter().map(named).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_and_diagnose_find_the_same_and_offer_the_same() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut world = World { rates: false, rough_pages: false, ..World::demo(1, now - 1200) };
    for account in &mut world.accounts {
        account.regions.retain(|region| {
            let places = ["000000000000 us-east-1", "000000000000 us-west-2", "000000000002 us-east-1"];
            places.contains(&format!("{} {}", account.id, region.name).as_str())
        });
    }
    world.accounts.retain(|account| !account.regions.is_empty());
    let mut rig = Rig::start(world.clone(), "", now).await;
    rig.round(now).await;
    let live = findings(&rig.snapshot, Timestamp(now));
    let url = rig.plan.aws.endpoint_url.clone().unwrap();
    let past = tokio::task::spawn_blocking(move || diagnosed(&url, &world)).await.unwrap();
    let names: BTreeSet<&Name> = past.iter().map(|(name, _)| name).collect();
    assert!(live.iter().any(|finding| finding.severity == Severity::Critical));
    for runbook in
        ["BedrockThrottling", "BedrockCapacityErrors", "BedrockUnmappedTraffic", "BedrockQuotaNearLimit"]
    {
        assert!(live.iter().any(|finding| finding.runbook == runbook), "{runbook}: {live:#?}");
    }
    for finding in &live {
        assert!(names.contains(&name(finding)), "{:?} is not among {names:#?}", name(finding));
    }
    // Of a span there is more that was refused; all the rest is the same.
    let lasting: BTreeSet<Name> = live.iter().filter(|finding| finding.case.is_none()).map(name).collect();
    let told: BTreeSet<Name> =
        past.iter().filter(|(_, finding)| finding["cause"].is_null()).map(|(name, _)| name.clone()).collect();
    assert_eq!(lasting, told);
    // The arithmetic is the same; its numbers are those of the minutes at hand.
    for finding in live.iter().filter(|finding| finding.case.is_some()) {
        let (_, other) = past.iter().find(|(other, _)| *other == name(finding)).unwrap();
        let others: Vec<&str> = other["remedies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|remedy| remedy["what"].as_str().unwrap())
            .collect();
        let own: Vec<&str> = finding.remedies.iter().map(|remedy| remedy.what).collect();
        assert_eq!(own, others, "{:?}", name(finding));
    }
    let lowered = live
        .iter()
        .find(|finding| finding.case.as_ref().is_some_and(|case| case.cause.word() == "reservation"));
    let how = &lowered.unwrap().remedies[0].how;
    assert!(how.contains("while answers average 1.6k. A max_tokens of at most 1"), "{how}");
}
