//! The real binary, as `serve`, against a simulated AWS of the test's process.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::faults::Fault;
use bedrock_quota_exporter::sim::world::stream::{Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Publishing, Region, World};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// `serve` against a simulated AWS of this process; it does not outlive its test.
pub struct Served {
    pub exporter: Child,
    pub url: String,
    pub aws: String,
    pub sim: Sim,
    pub folder: PathBuf,
    /// What it logged since it first listened.
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.exporter.kill();
        let _ = self.exporter.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Stands for the simulated AWS's URL in a config.
pub const ENDPOINT: &str = "ENDPOINT_URL";
pub const ONE: &str = "regions: [us-east-1]\nusage: {interval: 1m}\n";
pub const TWO: &str = "regions: [us-east-1, us-west-2]\nusage: {interval: 2m}\n";

pub fn world() -> World {
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
    pub async fn start(name: &str, faults: Vec<Fault>) -> Served {
        Served::of(name, world(), ONE, faults).await
    }

    pub async fn of(name: &str, world: World, config: &str, faults: Vec<Fault>) -> Served {
        Served::with(name, world, config, faults, |command| command).await
    }

    /// `more`: what else the command line or the environment say.
    pub async fn with(
        name: &str,
        world: World,
        config: &str,
        faults: Vec<Fault>,
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aws = format!("http://{}", listener.local_addr().unwrap());
        let sim = Sim::new(world);
        sim.set_faults(faults).await;
        tokio::spawn(sim.clone().serve(listener, std::future::pending()));
        let folder = std::env::temp_dir().join(format!("bqe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder, &aws, config);
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"));
        command
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"])
            .arg(format!("--config.file={}", folder.join("config.yaml").display()))
            .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut exporter = more(&mut command).spawn().unwrap();
        let mut lines = BufReader::new(exporter.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.by_ref().find_map(|line| {
            line.split_once("msg=listening address=").map(|(_, address)| address.trim().to_string())
        });
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = log.clone();
        std::thread::spawn(move || lines.for_each(|line| written.lock().unwrap().push(line)));
        let url = format!("http://{}", address.expect("it says where it listens"));
        Served { exporter, url, aws, sim, folder, log }
    }

    pub fn config(&self, text: &str) {
        write(&self.folder, &self.aws, text);
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.exporter.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub async fn scrape(&self) -> Scrape {
        Scrape(reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap())
    }

    /// Looks four times a second until the log has so many lines with this text, and returns them.
    pub async fn logged(&self, text: &str, count: usize) -> Vec<String> {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        for _ in 0..240 {
            ticks.tick().await;
            let lines: Vec<String> =
                self.log.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect();
            if lines.len() >= count {
                return lines;
            }
        }
        panic!("never logged: {text}");
    }

    /// Scrapes four times a second until it is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Scrape) -> bool) -> Scrape {
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

    pub async fn until_read(&self) -> Scrape {
        self.until("every collector succeeds", |scrape| {
            let up = scrape.values("bedrock_exporter_target_up");
            up.len() == 3 && up.iter().all(|up| *up == 1.0)
        })
        .await
    }

    /// How many files and threads it has open.
    pub fn open(&self) -> [usize; 2] {
        let of = |what| std::fs::read_dir(format!("/proc/{}/{what}", self.exporter.id())).unwrap().count();
        ["fd", "task"].map(of)
    }
}

fn write(folder: &Path, aws: &str, text: &str) {
    // As config management does it, and so that no half of a file is read.
    // A config with a section of its own says there where the URL goes.
    let text = if text.contains(ENDPOINT) {
        text.replace(ENDPOINT, aws)
    } else {
        format!("{text}aws: {{endpoint_url: '{aws}'}}\n")
    };
    std::fs::write(folder.join("next.yaml"), text).unwrap();
    std::fs::rename(folder.join("next.yaml"), folder.join("config.yaml")).unwrap();
}

pub struct Scrape(pub String);

impl Scrape {
    pub fn lines(&self, family: &str) -> impl Iterator<Item = &str> {
        let own =
            move |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']));
        self.0.lines().filter(own)
    }

    pub fn values(&self, family: &str) -> Vec<f64> {
        self.lines(family).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
    }

    pub fn value(&self, family: &str) -> f64 {
        self.values(family)[0]
    }

    /// What it says of its config in three ways: targets, usage interval, regions.
    pub fn config(&self) -> (f64, f64, usize) {
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
    pub fn quotas_read(&self) -> &str {
        let mut lines = self.lines("bedrock_exporter_last_success_timestamp_seconds");
        let own = lines.find(|line| line.contains("us-east-1") && line.contains("quotas"));
        own.expect("they were read")
    }
}
