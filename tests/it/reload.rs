//! The real binary while its config changes, while it is stopped, and what it keeps open.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::stream::{Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// `serve` against a simulated AWS of this process; it does not outlive its test.
struct Served {
    exporter: Child,
    url: String,
    aws: String,
    sim: Sim,
    folder: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.exporter.kill();
        let _ = self.exporter.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const ONE: &str = "regions: [us-east-1]\nusage: {interval: 1m}\n";
const TWO: &str = "regions: [us-east-1, us-west-2]\nusage: {interval: 2m}\n";

fn world() -> World {
    let stream = Stream {
        model_id: "us.anthropic.claude-sonnet-4-5-20250929-v1:0".into(),
        demand: Demand::Steady(20.0),
        ..Stream::default()
    };
    let mut lists = (*World::default().lists).clone();
    lists.models.retain(|model| stream.model_id.ends_with(&model.id));
    lists.profiles.retain(|profile| profile.id == stream.model_id);
    let codes = ["L-4A6BFAB1", "L-F4DDD3EB", "L-E3F10727"].map(String::from).to_vec();
    let region = |name: &str| Region {
        name: name.into(),
        codes: Some(codes.clone()),
        streams: vec![stream.clone()],
        ..Region::default()
    };
    let regions = vec![region("us-east-1"), region("us-west-2")];
    let account = Account { id: "000000000000".into(), regions, ..Account::default() };
    World {
        lists: Arc::new(lists),
        accounts: vec![account],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

impl Served {
    async fn start(name: &str, faults: Vec<Fault>) -> Served {
        Served::of(name, world(), ONE, faults).await
    }

    async fn of(name: &str, world: World, config: &str, faults: Vec<Fault>) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aws = format!("http://{}", listener.local_addr().unwrap());
        let sim = Sim::new(world);
        sim.set_faults(faults).await;
        tokio::spawn(sim.clone().serve(listener, std::future::pending()));
        let folder = std::env::temp_dir().join(format!("bqe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder, &aws, config);
        let mut exporter = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"])
            .arg(format!("--config.file={}", folder.join("config.yaml").display()))
            .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(exporter.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("msg=listening address=").map(|(_, address)| address.trim().to_string())
        });
        std::thread::spawn(move || lines.count());
        let url = format!("http://{}", address.expect("it says where it listens"));
        Served { exporter, url, aws, sim, folder }
    }

    fn config(&self, text: &str) {
        write(&self.folder, &self.aws, text);
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.exporter.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn scrape(&self) -> Scrape {
        Scrape(reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap())
    }

    /// Scrapes four times a second until it is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&Scrape) -> bool) -> Scrape {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        for _ in 0..240 {
            ticks.tick().await;
            let scrape = self.scrape().await;
            if wanted(&scrape) {
                return scrape;
            }
        }
        panic!("never: {what}");
    }

    async fn until_read(&self) -> Scrape {
        self.until("every collector succeeds", |scrape| {
            let up = scrape.values("bedrock_exporter_target_up");
            up.len() == 3 && up.iter().all(|up| *up == 1.0)
        })
        .await
    }

    /// How many files and threads it has open.
    fn open(&self) -> [usize; 2] {
        let of = |what| std::fs::read_dir(format!("/proc/{}/{what}", self.exporter.id())).unwrap().count();
        ["fd", "task"].map(of)
    }
}

fn write(folder: &std::path::Path, aws: &str, text: &str) {
    // As config management does it, and so that no half of a file is read.
    let text = format!("{text}aws: {{endpoint_url: '{aws}'}}\n");
    std::fs::write(folder.join("next.yaml"), text).unwrap();
    std::fs::rename(folder.join("next.yaml"), folder.join("config.yaml")).unwrap();
}

struct Scrape(String);

impl Scrape {
    fn lines(&self, family: &str) -> impl Iterator<Item = &str> {
        let own =
            move |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']));
        self.0.lines().filter(own)
    }

    fn values(&self, family: &str) -> Vec<f64> {
        self.lines(family).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
    }

    fn value(&self, family: &str) -> f64 {
        self.values(family)[0]
    }

    /// What it says of its config in three ways: targets, usage interval, regions.
    fn config(&self) -> (f64, f64, usize) {
        let usage = self.lines("bedrock_exporter_collection_interval_seconds");
        let interval =
            usage.filter(|line| line.contains("\"usage\"")).map(|line| line.rsplit_once(' ').unwrap().1);
        let regions: BTreeSet<&str> = ["us-east-1", "us-west-2"]
            .into_iter()
            .filter(|region| self.0.contains(&format!("region=\"{region}\"")))
            .collect();
        let interval = interval.map(|seconds| seconds.parse().unwrap()).next().unwrap_or(f64::NAN);
        (self.value("bedrock_exporter_targets"), interval, regions.len())
    }

    /// When quotas of us-east-1 were last read.
    fn quotas_read(&self) -> &str {
        let mut lines = self.lines("bedrock_exporter_last_success_timestamp_seconds");
        let own = lines.find(|line| line.contains("us-east-1") && line.contains("quotas"));
        own.expect("they were read")
    }
}

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
