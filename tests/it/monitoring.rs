//! Usage read by a monitoring account, as CloudWatch's cross-account observability has it.

use crate::organization::{Exporter, ROLE, id, simulate, world};
use crate::rig::Rig;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-11-20 12:00 UTC.
const NOON: i64 = 1_795_176_000;
const MONITORED: &str =
    "monitoring_account: {role_arn: 'arn:aws:iam::000000000000:role/bedrock-quota-exporter'}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitoring_account_shows_exactly_what_the_accounts_themselves_do() {
    let mut world = World { rates: false, rough_pages: false, ..World::demo(1, NOON) };
    world.accounts[0].sources = vec![id(1), id(2)];
    world.accounts.iter_mut().for_each(|account| account.regions.retain(|region| region.name == "us-east-1"));
    let mut direct = Rig::start(world.clone(), "", NOON).await;
    let mut monitored = Rig::start(world, MONITORED, NOON).await;
    let own = |number| Fault {
        service: Some("monitoring".into()),
        account: Some(id(number)),
        ..Fault::new(Kind::AccessDenied)
    };
    monitored.sim.set_faults(vec![own(1), own(2)]).await;
    for minute in 0..2 {
        let now = NOON + 60 * minute;
        direct.round(now).await;
        monitored.round(now).await;
        let shown = |rig: &Rig| {
            let mut samples = rig.samples();
            // Of the test's own machine.
            samples.retain(|key, _| !key.starts_with("bedrock_exporter_collection_duration_seconds"));
            samples.into_iter().map(|(key, value)| (key, value.to_bits())).collect::<BTreeMap<_, _>>()
        };
        let (expected, found) = (shown(&direct), shown(&monitored));
        let differs = expected.iter().find(|(key, value)| found.get(*key) != Some(value));
        let failures = monitored.snapshot.targets.values().flat_map(|target| target.collectors.values());
        let failures: Vec<_> = failures.filter_map(|collector| collector.last_error.as_ref()).collect();
        assert_eq!(differs, None, "minute {minute}: {failures:#?}");
        assert_eq!(found.len(), expected.len());
        assert!(found.keys().any(|key| key.starts_with("bedrock_quota_usage{") && key.contains(&id(2))));
    }
    let calls = monitored.sim.calls().await;
    let readers = calls.keys().filter(|call| call.service == "monitoring").map(|call| call.account.clone());
    assert!(readers.clone().count() > 0 && readers.into_iter().all(|reader| reader == id(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_accounts_ask_of_one_keeps_to_its_rate() {
    let account = |number: usize| Account {
        id: id(number),
        regions: vec![Region { name: "us-east-1".into(), codes: Some(Vec::new()), ..Region::default() }],
        sources: if number == 0 { (1..20).map(id).collect() } else { Vec::new() },
        ..Account::default()
    };
    let mut lists = (*World::default().lists).clone();
    (lists.models, lists.profiles) = (Vec::new(), Vec::new());
    let world = World {
        lists: Arc::new(lists),
        accounts: (0..20).map(account).collect(),
        publishing: Publishing::at_once(),
        rough_pages: false,
        ..World::default()
    };
    let mut rig = Rig::start(world, MONITORED, NOON).await;
    rig.round(NOON).await;
    let calls = rig.sim.calls().await;
    let listed: Vec<_> = calls.iter().filter(|(call, _)| call.operation == "ListMetrics").collect();
    assert_eq!(listed.iter().map(|(_, count)| count.calls).sum::<u64>(), 2 * 20);
    assert!(calls.values().all(|count| count.throttled == 0), "{calls:?}");
    let links: u64 =
        calls.iter().filter(|(call, _)| call.service == "oam").map(|(_, count)| count.calls).sum();
    assert_eq!(links, 2, "one answer for all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_not_linked_is_unknown_and_one_without_traffic_is_zero() {
    let mut world = world();
    world.accounts[1].sources = [0, 2, 3].map(id).to_vec();
    world.accounts[3].regions[0].streams.clear();
    let (sim, url) = simulate(world).await;
    let role = "arn:aws:iam::000000000001:role/bedrock-quota-exporter";
    let config = format!("{ROLE}monitoring_account: {{role_arn: '{role}'}}\nquotas: {{export: all}}\n");
    let exporter = Exporter::start("monitoring", &url, &config, &[]).await;
    let usage = || (0..5).map(|number| ((number, "us-east-1".to_string()), number != 4)).collect();
    let scrape = exporter
        .until("all but the one that is not linked", |scrape| {
            scrape.up().len() == 15 && scrape.usage() == usage()
        })
        .await;
    let used = |number| {
        let lines = scrape.lines("bedrock_quota_usage").filter(move |line| line.contains(&id(number)));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect::<Vec<f64>>()
    };
    let (busy, idle) = (used(2), used(3));
    assert!(!busy.is_empty() && busy.iter().all(|usage| *usage > 0.0), "{busy:?}");
    assert!(
        !idle.is_empty() && idle.iter().all(|usage| *usage == 0.0),
        "linked, and nothing is called: {idle:?}"
    );
    assert_eq!(used(4), Vec::<f64>::new(), "nobody knows");
    assert_eq!(scrape.lines("bedrock_quota_limit").filter(|line| line.contains(&id(4))).count(), 2);
    let told = exporter.logged("is not linked to the monitoring account in us-east-1");
    assert!(told.len() == 1 && told[0].contains("class=access_denied"), "{told:?}");

    let calls = sim.calls().await;
    let assumed = calls.iter().find(|(call, _)| call.operation == "AssumeRole").unwrap().1.calls;
    assert_eq!(assumed, 5, "each role once, though one of them is asked for twice");

    let denied = Fault { service: Some("oam".into()), ..Fault::new(Kind::AccessDenied) };
    sim.set_faults(vec![denied]).await;
    let config = format!("{ROLE}monitoring_account: {{}}\n");
    let exporter = Exporter::start("blind", &url, &config, &[]).await;
    let wanted = |number| number != 3 && number != 4;
    let places = (0..5).map(|number| ((number, "us-east-1".to_string()), wanted(number))).collect();
    exporter
        .until("asked only where there is no traffic, and nobody can tell why", |s| s.usage() == places)
        .await;
    assert_eq!(exporter.logged("oam:ListSinks").len(), 2);
}
