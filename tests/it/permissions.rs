//! The policies of deploy/iam, which the simulated AWS keeps to: they are enough, nothing of them is too much, and what
//! is missing is named.

use crate::credentials::{FIRST, Machine};
use crate::organization::{Exporter, ROLE, Scrape, simulate, world as organization};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::real_time;
use bedrock_quota_exporter::sim::policy::{Allowed, action};
use bedrock_quota_exporter::sim::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// One account that has everything that can be listed.
const PRODUCTION: &str =
    "accounts: [{role_arn: 'arn:aws:iam::000000000000:role/r', regions: [us-east-1, us-west-2]}]
catalog: {team_tag: team}
";

/// What a watched account grants where the config asks for teams.
const READ: [&str; 4] = ["usage", "quotas", "catalog", "tags"];

fn policy(feature: &str) -> String {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/iam/policies");
    std::fs::read_to_string(policies.join(format!("{feature}.json"))).unwrap()
}

/// What the policies of features allow.
pub fn allowed(features: &[&str]) -> Allowed {
    let mut allowed = Allowed::default();
    features.iter().for_each(|feature| allowed.add(&policy(feature)).unwrap());
    allowed
}

fn actions(features: &[&str]) -> BTreeSet<String> {
    let of = |feature: &&str| {
        let document: Value = serde_json::from_str(&policy(feature)).unwrap();
        let actions = document["Statement"][0]["Action"].as_array().unwrap().clone();
        actions.into_iter().map(|action| action.as_str().unwrap().to_string())
    };
    features.iter().flat_map(of).collect()
}

/// The actions without one of them.
fn all_but(actions: &BTreeSet<String>, missing: &str) -> Allowed {
    let left: Vec<&String> = actions.iter().filter(|action| *action != missing).collect();
    let statement = serde_json::json!({"Effect": "Allow", "Action": left, "Resource": "*"});
    let mut allowed = Allowed::default();
    allowed.add(&serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()).unwrap();
    allowed
}

/// The actions that were asked for, whether they were allowed or not.
async fn asked(sim: &Sim) -> BTreeSet<String> {
    sim.calls().await.keys().filter(|call| call.service != "sts").map(action).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policies_allow_is_exactly_what_the_exporter_and_its_tools_ask() {
    let world = World { rates: false, rough_pages: false, ..World::demo(1, real_time() - 1200) };
    let (sim, url) = simulate(world).await;
    sim.set_allowed(Some(allowed(&READ))).await;
    let exporter = Exporter::start("policies", &url, PRODUCTION, &[]).await;
    let is_read = |s: &Scrape| s.up().len() == 6 && s.up().iter().all(|up| up.ends_with(" 1"));
    exporter.until("everything is read", is_read).await;
    assert_eq!(exporter.logged("denied"), Vec::<String>::new());
    assert_eq!(asked(&sim).await, actions(&READ));

    let machine = Machine::new("policies-tools").await.with_keys(FIRST).with("AWS_ENDPOINT_URL", &url);
    let config = machine.file("production.yaml", PRODUCTION).display().to_string();
    let snapshot = machine.folder.join("snapshot.jsonl").display().to_string();
    for command in [
        "check --live",
        "quotas",
        // usage, chart, diagnose, provisioned and capacity read the same picture.
        "report --since=1h",
        "increase --since=1h --region=us-west-2 sonnet-4-6",
        "export",
        "explain --region=us-east-1 us.anthropic.claude-sonnet-4-6",
        &format!("snapshot save --since=1h {snapshot}"),
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(["--config.file", &config]);
        let mut run = machine.command(&arguments);
        let done = tokio::task::spawn_blocking(move || run.output().unwrap()).await.unwrap();
        let [said, error] = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(done.status.success() && !error.contains("not authorized"), "{command}: {said}{error}");
    }
    assert_eq!(asked(&sim).await, actions(&READ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_action_that_is_missing_is_named_alone_with_what_it_costs() {
    let machine = Machine::new("all-but").await.with_keys(FIRST);
    let all = actions(&READ);
    for missing in &all {
        machine.sim.set_allowed(Some(all_but(&all, missing))).await;
        let checked = machine.check("regions: [us-east-1]\ncatalog: {team_tag: team}\n").await;
        checked.fails_with(&[
            &format!("{} of {} permissions tried are there.", all.len() - 1, all.len()),
            "1 of what the config needs cannot be done",
        ]);
        let failed: Vec<&str> =
            checked.text.lines().filter(|line| line.contains("FAILED   costs: ")).collect();
        assert!(failed.len() == 1 && failed[0].trim_start().starts_with(missing), "{missing}: {failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_find_accounts_and_regions_asks_exactly_what_its_policies_allow() {
    for (name, features, config) in [
        ("all", &["organization"][..], String::new()),
        ("units", &["organization_units"], "  include: {ous: [ou-test-workloads]}\n".into()),
        ("tags", &["organization", "organization_tags"], "  include: {tags: {bedrock: 'yes'}}\n".into()),
        ("regions", &["organization", "regions"], "  regions: all_enabled\n".into()),
    ] {
        let (sim, url) = simulate(organization()).await;
        let features: Vec<&str> = ["usage", "quotas", "catalog"].iter().chain(features).copied().collect();
        sim.set_allowed(Some(allowed(&features))).await;
        let exporter =
            Exporter::start(&format!("policies-{name}"), &url, &format!("{ROLE}{config}"), &[]).await;
        let is_read = |scrape: &Scrape| {
            let discovered = scrape.lines("bedrock_exporter_discovery_up").all(|line| line.ends_with(" 1"));
            let targets = scrape.value("bedrock_exporter_targets", "").unwrap_or(0.0);
            let up = scrape.up().iter().filter(|line| line.ends_with(" 1")).count() as f64;
            discovered && targets > 0.0 && up == 3.0 * targets
        };
        exporter.until("everything is read", is_read).await;
        assert_eq!(exporter.logged("denied"), Vec::<String>::new(), "{name}");
        assert_eq!(asked(&sim).await, actions(&features), "{name}");
    }
}
