//! Accounts that nobody listed: the real binary against a simulated organization.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::real_time;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::stream::{Demand, Stream};
use bedrock_quota_exporter::sim::world::{Account, Member, Organization, Publishing, Region, Unit, World};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const ID: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Calls of ids one by one.
const GAUGES: &str = "usage: {gauges: true}\n";
pub const ROLE: &str = "organization:\n  assume_role: bedrock-quota-exporter\n";

/// The root has `management` and `tools`; below `workloads`: `prod-a`, and, one unit deeper, `prod-b`;
/// `sandbox` has `lab` and the suspended `old`, which no role can be assumed in.
pub fn world() -> World {
    let stream = Stream { model_id: ID.into(), demand: Demand::Steady(20.0), ..Stream::default() };
    let mut lists = (*World::default().lists).clone();
    lists.models.retain(|model| ID.ends_with(&model.id));
    lists.profiles.retain(|profile| profile.id == ID);
    let region = |name: &str| {
        let codes = Some(["L-4A6BFAB1", "L-F4DDD3EB"].map(String::from).to_vec());
        Region { name: name.into(), codes, streams: vec![stream.clone()], ..Region::default() }
    };
    let account = |number: usize| {
        let more = (number == 2).then(|| region("ap-southeast-2"));
        let regions = [region("us-east-1")].into_iter().chain(more).collect();
        let without_bedrock = vec!["ap-east-1".to_string()];
        Account { id: id(number), regions, without_bedrock, ..Account::default() }
    };
    let unit = |id: &str, parent: &str| Unit { id: id.into(), name: id.into(), parent: parent.into() };
    let member = |number, name, unit| Member::new(&id(number), name, unit);
    let tagged = |value: &str| BTreeMap::from([("bedrock".to_string(), value.to_string())]);
    let organization = Organization {
        management: id(0),
        delegated: vec![id(1)],
        root: "r-test".into(),
        units: vec![
            unit("ou-test-workloads", "r-test"),
            unit("ou-test-workload2", "ou-test-workloads"),
            unit("ou-test-sandbox0", "r-test"),
        ],
        members: vec![
            member(0, "management", "r-test"),
            member(1, "tools", "r-test"),
            Member { tags: tagged("yes"), ..member(2, "prod-a", "ou-test-workloads") },
            Member { tags: tagged("no"), ..member(3, "prod-b", "ou-test-workload2") },
            Member { tags: tagged("yes"), ..member(4, "lab", "ou-test-sandbox0") },
            Member { state: "SUSPENDED".into(), ..member(5, "old", "ou-test-sandbox0") },
        ],
    };
    World {
        lists: Arc::new(lists),
        accounts: (0..5).map(account).collect(),
        organization: Some(organization),
        publishing: Publishing::at_once(),
        ..World::default()
    }
}

pub fn id(number: usize) -> String {
    format!("{number:012}")
}

pub async fn simulate(world: World) -> (Sim, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sim = Sim::new(world);
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    (sim, url)
}

/// `serve`, with the credentials of account 1; it does not outlive its test.
pub struct Exporter {
    process: Child,
    url: String,
    folder: PathBuf,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Exporter {
    pub async fn start(name: &str, aws: &str, config: &str, arguments: &[&str]) -> Exporter {
        let folder = std::env::temp_dir().join(format!("bqe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!("regions: [us-east-1]\n{config}aws: {{endpoint_url: '{aws}'}}\n");
        std::fs::write(folder.join("config.yaml"), config).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let key = format!("AKIA{}TEST", id(1));
        let process = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle"])
            .arg(format!("--config.file={}", folder.join("config.yaml").display()))
            .args(arguments)
            .envs([("AWS_ACCESS_KEY_ID", key.as_str()), ("AWS_SECRET_ACCESS_KEY", "simulated")])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut exporter = Exporter { process, url: String::new(), folder };
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..200 {
            ticks.tick().await;
            let lines = exporter.logged("listening");
            if let Some((_, address)) = lines.first().and_then(|line| line.split_once("address=")) {
                exporter.url = format!("http://{}", address.trim());
                return exporter;
            }
        }
        panic!("it never listened: {:?}", exporter.logged(""));
    }

    /// The whole lines of the log that have that text.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
        let lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains(text));
        lines.map(String::from).collect()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Scrapes four times a second until it is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Scrape) -> bool) -> Scrape {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        for _ in 0..240 {
            ticks.tick().await;
            let scrape = Scrape(self.get("/metrics").await.1);
            if wanted(&scrape) {
                return scrape;
            }
        }
        panic!("never: {what}\n{:#?}", self.logged(""));
    }

    /// Until all that is watched are these accounts, everything of them read.
    async fn until_read(&self, accounts: &[usize]) -> Scrape {
        let wanted: BTreeSet<String> = accounts.iter().map(|number| id(*number)).collect();
        let what = format!("{accounts:?} are read");
        self.until(&what, |s| s.accounts() == wanted && s.up().len() == 3 * accounts.len() && s.is_up()).await
    }
}

pub struct Scrape(String);

impl Scrape {
    pub fn lines(&self, family: &str) -> impl Iterator<Item = &str> {
        let own =
            move |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']));
        self.0.lines().filter(own)
    }

    /// The value of the one sample of the family whose labels have that text.
    pub fn value(&self, family: &str, labels: &str) -> Option<f64> {
        let mut lines = self.lines(family).filter(|line| line.contains(labels));
        lines.next().map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }

    pub fn up(&self) -> Vec<&str> {
        self.lines("bedrock_exporter_target_up").collect()
    }

    fn is_up(&self) -> bool {
        self.up().iter().all(|line| line.ends_with(" 1"))
    }

    /// What is watched.
    fn accounts(&self) -> BTreeSet<String> {
        self.up().into_iter().map(account).collect()
    }

    /// Whose usage is shown.
    fn used(&self) -> BTreeSet<String> {
        self.lines("bedrock_quota_usage").map(account).collect()
    }

    fn discovery(&self) -> Option<f64> {
        self.value("bedrock_exporter_discovery_up", "discovery=\"accounts\"")
    }

    /// The places whose usage is tried to be read, and whether it is.
    pub fn usage(&self) -> BTreeMap<(usize, String), bool> {
        let usage = self.up().into_iter().filter(|line| line.contains("collector=\"usage\""));
        let place = |line: &str| {
            let label = |name: &str| line.split(name).nth(1).unwrap().split('"').nth(1).unwrap().to_string();
            ((label("account_id=").parse().unwrap(), label("region=")), line.ends_with(" 1"))
        };
        usage.map(place).collect()
    }
}

fn account(line: &str) -> String {
    line.split("account_id=\"").nth(1).unwrap().split('"').next().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_found_by_unit_tag_name_and_state() {
    let cases: [(&str, &[usize]); 6] = [
        ("", &[0, 1, 2, 3, 4]),
        ("  include: {ous: [ou-test-workloads]}\n", &[2, 3]),
        ("  include: {ous: [r-test], names: ['prod-*', lab]}\n  exclude: ['000000000003']\n", &[2, 4]),
        ("  include: {tags: {bedrock: 'yes'}}\n", &[2, 4]),
        ("  include: {tags: {bedrock: 'yes'}, ous: [ou-test-sandbox0, ou-test-workload2]}\n", &[4]),
        ("  role_arn: arn:aws:iam::000000000000:role/reader\n  include: {names: [lab]}\n", &[4]),
    ];
    join_all(cases.iter().enumerate().map(async |(number, (include, accounts))| {
        let (sim, url) = simulate(world()).await;
        let name = format!("organization-{number}");
        let exporter = Exporter::start(&name, &url, &format!("{ROLE}{include}{GAUGES}"), &[]).await;
        let scrape = exporter.until_read(accounts).await;
        assert_eq!(scrape.discovery(), Some(1.0));
        let usage = scrape.lines("bedrock_invocations_per_minute").count();
        assert_eq!(usage, accounts.len(), "{include}");
        let name = format!("account_id=\"{}\",account_name=\"lab\"", id(4));
        let named = scrape.value("bedrock_account_info", &name);
        assert_eq!(named, accounts.contains(&4).then_some(1.0), "{include}");
        let throttled = sim.calls().await.into_iter().filter(|(_, count)| count.throttled > 0);
        assert_eq!(throttled.count(), 0);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_come_and_go_without_a_restart() {
    let mut world = world();
    let change = real_time() + 12;
    let members = &mut world.organization.as_mut().unwrap().members;
    members[3].joined = change;
    members[4].left = change;
    let (sim, url) = simulate(world).await;
    let exporter = Exporter::start("come-and-go", &url, &format!("{ROLE}  interval: 10s\n"), &[]).await;
    let read = |scrape: &Scrape| {
        let mut lines = scrape.lines("bedrock_exporter_last_success_timestamp_seconds");
        lines.find(|line| line.contains(&id(2)) && line.contains("quotas")).unwrap().to_string()
    };
    let before = exporter.until_read(&[0, 1, 2, 4]).await;
    assert_eq!(exporter.get("/-/ready").await.0, 200);
    let after = exporter.until_read(&[0, 1, 2, 3]).await;
    assert_eq!(exporter.get("/-/ready").await.0, 200);
    assert_eq!(read(&before), read(&after), "what stays is not read anew");
    assert!(!after.0.contains(&id(4)), "what left is gone");
    let calls = sim.calls().await;
    let assumed = calls.iter().find(|(call, _)| call.operation == "AssumeRole").unwrap().1.calls;
    assert_eq!(assumed, 5, "one for each account there ever was");
    let told = exporter.logged("accounts of the organization");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains(&format!("joined={}", id(3))) && told[1].contains(&format!("left={}", id(4))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_does_not_answer_takes_no_account_away() {
    let denied = Fault { service: Some("organizations".into()), ..Fault::new(Kind::AccessDenied) };
    let (sim, url) = simulate(world()).await;
    sim.set_faults(vec![denied.clone()]).await;
    let config = format!("{ROLE}  interval: 10s\naccounts: [{{name: mine}}]\n");
    let exporter = Exporter::start("denied", &url, &config, &[]).await;
    let alone = exporter.until_read(&[1]).await;
    assert_eq!(alone.discovery(), Some(0.0));
    assert_eq!(exporter.get("/-/ready").await, (200, "ready\n".to_string()), "what can be read is");
    let errors = |scrape: &Scrape| {
        scrape.value("bedrock_exporter_discovery_errors_total", "class=\"access_denied\"").unwrap()
    };
    exporter.until("it fails again", |scrape| errors(scrape) >= 2.0).await;
    let told = exporter.logged("discovery failed");
    assert!(told.len() == 1 && told[0].contains("class=access_denied"), "while it lasts, once: {told:?}");
    assert!(told[0].contains("organizations:ListAccounts"), "{told:?}");
    sim.set_faults(Vec::new()).await;
    let all = exporter.until_read(&[0, 1, 2, 3, 4]).await;
    assert_eq!(all.discovery(), Some(1.0));
    let mine = format!("account_id=\"{}\",account_name=\"mine\"", id(1));
    assert_eq!(all.value("bedrock_account_info", &mine), Some(1.0), "the config's own entry counts");

    sim.set_faults(vec![denied]).await;
    let kept = exporter.until("the failure shows", |scrape| scrape.discovery() == Some(0.0)).await;
    assert_eq!(kept.accounts(), all.accounts());
    assert!(kept.is_up() && kept.used() == kept.accounts());
    assert_eq!(exporter.logged("discovery failed").len(), 2);
    assert_eq!(exporter.logged("discovery works again").len(), 1);

    let nothing = Fault { operation: Some("ListAccounts".into()), ..Fault::new(Kind::EmptyBody) };
    sim.set_faults(vec![nothing]).await;
    let is_malformed = |scrape: &Scrape| {
        scrape.value("bedrock_exporter_discovery_errors_total", "class=\"malformed\"") > Some(0.0)
    };
    let kept = exporter.until("an answer without any account is none", is_malformed).await;
    assert_eq!((kept.accounts(), kept.discovery()), (all.accounts(), Some(0.0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_keeps_the_accounts_that_were_found() {
    let (sim, url) = simulate(world()).await;
    let exporter = Exporter::start("found-reload", &url, ROLE, &[]).await;
    let before = exporter.until_read(&[0, 1, 2, 3, 4]).await;
    let hang = Fault { service: Some("organizations".into()), ..Fault::new(Kind::Timeout) };
    sim.set_faults(vec![hang]).await;
    // Loads are told apart by the second.
    let loaded = real_time();
    exporter.until("the next second", |_| real_time() > loaded).await;
    let answer = reqwest::Client::new().post(format!("{}/-/reload", exporter.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let reloaded = |scrape: &Scrape| {
        scrape.lines("bedrock_exporter_config_last_reload_success_timestamp_seconds").next().map(String::from)
    };
    let after = exporter.until("the reload", |scrape| reloaded(scrape) != reloaded(&before)).await;
    assert_eq!(after.accounts(), before.accounts());
    assert_eq!(after.used(), after.accounts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_share_the_accounts_that_are_found() {
    let (_sim, url) = simulate(world()).await;
    let shards = join_all((0..2).map(async |number| {
        let shard = format!("--shard={number}/2");
        let name = format!("found-shard-{number}");
        let exporter = Exporter::start(&name, &url, ROLE, &[&shard]).await;
        let done = |scrape: &Scrape| {
            let all = scrape.value("bedrock_exporter_targets", "") == Some(scrape.usage().len() as f64);
            scrape.discovery() == Some(1.0) && all && scrape.is_up() && !scrape.up().is_empty()
        };
        exporter.until("its share is read", done).await.accounts()
    }))
    .await;
    assert!(shards[0].is_disjoint(&shards[1]), "{shards:?}");
    let all: BTreeSet<String> = shards.into_iter().flatten().collect();
    assert_eq!(all, (0..5).map(id).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_enabled_regions_are_watched_where_there_is_bedrock() {
    let (sim, url) = simulate(world()).await;
    let denied = |number: usize| Fault {
        service: Some("account".into()),
        account: Some(id(number)),
        ..Fault::new(Kind::AccessDenied)
    };
    sim.set_faults(vec![denied(3)]).await;
    let config = format!(
        "{ROLE}  include: {{names: [prod-*]}}\n  regions: all_enabled\n  interval: 10s\naccounts: [{{regions: all_enabled}}]\n"
    );
    let exporter = Exporter::start("all-enabled", &url, &config, &[]).await;
    let places = |of_3: (&str, bool)| {
        let up = [(1, "us-east-1"), (2, "us-east-1"), (2, "ap-southeast-2")].map(|place| (place, true));
        let all = up.into_iter().chain([((3, of_3.0), of_3.1)]);
        all.map(|((account, region), up)| ((account, region.to_string()), up)).collect::<BTreeMap<_, _>>()
    };
    let regions = |scrape: &Scrape| scrape.value("bedrock_exporter_discovery_up", "discovery=\"regions\"");
    let read = |scrape: &Scrape| scrape.up().len() == 3 * 3 + 1;
    let blind = exporter.until("all but one", |s| s.usage() == places(("", false)) && read(s)).await;
    assert_eq!(regions(&blind), Some(0.0));
    assert_eq!(exporter.get("/-/ready").await.0, 200, "one that cannot be known does not hold up the others");
    assert_eq!(exporter.logged("account:ListRegions").len(), 1, "{:#?}", exporter.logged(""));
    sim.set_faults(Vec::new()).await;
    let all = exporter.until("all", |scrape| scrape.usage() == places(("us-east-1", true))).await;
    assert_eq!(regions(&all), Some(1.0));
    assert_eq!(exporter.logged("region=ap-east-1").len(), 1, "no Bedrock there: told once for all accounts");

    sim.set_faults(vec![denied(2)]).await;
    let kept = exporter.until("the failure shows", |scrape| regions(scrape) == Some(0.0)).await;
    assert_eq!(kept.usage(), all.usage());
    assert_eq!(exporter.logged("account:ListRegions").len(), 2);
    let nothing =
        Fault { operation: Some("ListRegions".into()), account: Some(id(2)), ..Fault::new(Kind::EmptyBody) };
    sim.set_faults(vec![nothing]).await;
    let is_malformed = |scrape: &Scrape| {
        scrape.value("bedrock_exporter_discovery_errors_total", "class=\"malformed\",discovery=\"regions\"")
            > Some(0.0)
    };
    let kept = exporter.until("an answer without any region is none", is_malformed).await;
    assert_eq!(kept.usage(), all.usage());
    sim.set_faults(Vec::new()).await;
    exporter.until("it heals", |scrape| regions(scrape) == Some(1.0)).await;
}
