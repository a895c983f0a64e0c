//! The real binary while its config changes, while it is stopped, and what it keeps open.

use crate::served::{ONE, Scrape, Served, TWO, world};
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::Account;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Asks for a reload; what came of it.
async fn post(url: &str) -> (u16, String) {
    let answer = reqwest::Client::new().post(format!("{url}/-/reload")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_bad_config_changes_nothing_and_a_good_one_everything_at_once() {
    let served = Served::start("reload", Vec::new()).await;
    let before = served.until_read().await;
    assert_eq!(before.config(), (1.0, 60.0, 1));

    served.config("regions: [us-east-1]\nusage: {intervall: 2m}\nquotas: {export: some}\n");
    let (status, said) = post(&served.url).await;
    assert_eq!(status, 400);
    for complaint in ["usage.intervall: unknown key", "quotas.export"] {
        assert!(said.contains(complaint), "{complaint} in {said}");
    }
    let kept = served.scrape().await;
    assert_eq!(kept.value("bedrock_exporter_config_last_reload_successful"), 0.0);
    assert_eq!(kept.config(), before.config());
    assert!(kept.lines("bedrock_quota_usage").next().is_some());

    served.config(TWO);
    served.signal("-HUP");
    let after = served.until("the new config", |scrape| scrape.config().0 == 2.0).await;
    assert_eq!(after.config(), (2.0, 120.0, 2));
    assert_eq!(after.value("bedrock_exporter_config_last_reload_successful"), 1.0);
    assert_eq!(after.quotas_read(), before.quotas_read(), "what is watched as before is not read anew");
    assert!(after.lines("bedrock_quota_usage").any(|line| line.contains("us-east-1")), "nor forgotten");

    served.config(ONE);
    assert_eq!(post(&served.url).await, (200, "reloaded\n".to_string()));
    let back = served.until("the old config", |scrape| scrape.config().0 == 1.0).await;
    assert_eq!(back.config(), (1.0, 60.0, 1), "a target that is no longer watched is gone");
}

#[tokio::test]
async fn a_config_that_is_emptied_is_one_that_is_being_written() {
    let served = Served::start("emptied", Vec::new()).await;
    let before = served.until_read().await;
    let file = served.folder.join("config.yaml");
    for empty in ["", "\n\n", "# accounts:\n#  - name: prod\n", "---\n", "\u{feff}"] {
        std::fs::write(&file, empty).unwrap();
        let (status, said) = post(&served.url).await;
        assert_eq!(status, 400, "{empty:?}: {said}");
        let why = format!("{}: found nothing, as in a file that is just being written", file.display());
        assert!(said.contains(&why), "{empty:?}: {said}");
        let kept = served.scrape().await;
        assert_eq!(kept.config(), before.config());
        assert_eq!(kept.value("bedrock_exporter_config_last_reload_successful"), 0.0);
    }
    served.config(TWO);
    assert_eq!(post(&served.url).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_leak_nothing_and_no_scrape_mixes_two_configs() {
    let served = Served::start("reloads", Vec::new()).await;
    served.until_read().await;
    let (stop, stopped) = watch::channel(false);
    let url = served.url.clone();
    let scraper = tokio::spawn(async move {
        let client = reqwest::Client::new();
        let mut seen = BTreeSet::new();
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        while !*stopped.borrow() {
            ticks.tick().await;
            let text = client.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
            let (targets, interval, regions) = Scrape(text).config();
            seen.insert((targets as u64, interval as u64, regions));
        }
        seen
    });
    let mut open = [0, 0];
    for n in 1..=1000 {
        served.config(if n % 2 == 0 { ONE } else { TWO });
        assert_eq!(post(&served.url).await.0, 200, "reload {n}");
        if n == 100 {
            open = served.open();
        }
    }
    stop.send_replace(true);
    let seen = scraper.await.unwrap();
    assert_eq!(seen, BTreeSet::from([(1, 60, 1), (2, 120, 2)]), "targets, usage interval, regions");
    served.until("the last config, read", |scrape| scrape.config() == (1.0, 60.0, 1)).await;
    let left = served.open();
    println!("files and threads after 100 reloads {open:?}, after 1,000 {left:?}");
    // A few come and go with every round; what leaks would be there 900 times.
    let leaked = left.iter().zip(open).any(|(left, open)| *left > open + 50);
    assert!(!leaked, "after 100 reloads {open:?}, after 1,000 {left:?}");
}

const ACCOUNTS: usize = 40;

/// Many accounts of these regions at an AWS that fails so.
async fn many(name: &str, regions: &str, faults: Vec<Fault>) -> Served {
    let mut world = world();
    let number = |n| Account { id: format!("{n:012}"), ..world.accounts[0].clone() };
    world.accounts = (0..ACCOUNTS).map(number).collect();
    let roles = world.accounts.iter().map(|a| format!("{{role_arn: 'arn:aws:iam::{}:role/reader'}}", a.id));
    let config = format!("{regions}accounts: [{}]\n", roles.collect::<Vec<_>>().join(", "));
    Served::of(name, world, &config, faults).await
}

fn hang(service: &str) -> Fault {
    Fault { service: Some(service.into()), ..Fault::new(Kind::Timeout) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_hangs_keeps_no_other_waiting() {
    let there = |fault| Fault { region: Some("us-east-1".into()), ..fault };
    let faults = ["monitoring", "servicequotas", "bedrock"].map(|service| there(hang(service))).to_vec();
    let served = many("region", TWO, faults).await;
    let read = served.until("everything of the other region", |scrape| {
        scrape.values("bedrock_exporter_target_up").iter().filter(|up| **up == 1.0).count() == 3 * ACCOUNTS
    });
    let read = read.await;
    let hanging = read.lines("bedrock_exporter_target_up").filter(|line| line.contains("us-east-1"));
    assert_eq!(hanging.collect::<Vec<_>>(), Vec::<&str>::new(), "while the first calls still hang");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_does_not_wait_for_lists_that_hang() {
    let served = many("lists", ONE, vec![hang("servicequotas"), hang("bedrock")]).await;
    let first = served.until("usage of every target", |scrape| {
        let usage = scrape.lines("bedrock_exporter_target_up").filter(|line| line.contains("\"usage\""));
        usage.filter(|line| line.ends_with(" 1")).count() == ACCOUNTS
    });
    let first = first.await;
    let lists = first.lines("bedrock_exporter_target_up").filter(|line| !line.contains("\"usage\""));
    assert_eq!(lists.collect::<Vec<_>>(), Vec::<&str>::new(), "while the first lists still hang");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_within_five_seconds_though_aws_and_clients_hang() {
    let hang = Fault { operation: Some("GetMetricData".into()), ..Fault::new(Kind::Timeout) };
    let mut served = Served::start("stop", vec![hang]).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while !served.sim.calls().await.keys().any(|call| call.operation == "GetMetricData") {
        ticks.tick().await;
    }
    // A client that never finishes its request, and one that keeps its connection.
    let address = served.url.trim_start_matches("http://").to_string();
    let mut half = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut half, b"GET /metrics HTTP/1.1\r\nHost: ").unwrap();
    let client = reqwest::Client::new();
    client.get(format!("{}/metrics", served.url)).send().await.unwrap().text().await.unwrap();
    let stopped = Instant::now();
    served.signal("-TERM");
    let status = served.exporter.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}
