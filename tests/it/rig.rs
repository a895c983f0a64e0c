//! The real collectors against a simulated AWS, with times of the test's choice.

use bedrock_quota_exporter::aws::{Connection, Environment, Monitoring};
use bedrock_quota_exporter::collect;
use bedrock_quota_exporter::config;
use bedrock_quota_exporter::exposition::{self, Export, QuotaExport};
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::plan::{self, AwsPlan, Credentials, Plan};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::Clock;
use bedrock_quota_exporter::sim::world::World;
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use std::collections::BTreeMap;
use tokio::net::TcpListener;

/// The Python that has what tests/requirements.txt names.
pub fn python() -> std::ffi::OsString {
    let venv = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    match std::env::var_os("BQE_PYTHON") {
        Some(python) => python,
        None if venv.exists() => venv.into(),
        None => "python3".into(),
    }
}

pub struct Rig {
    pub sim: Sim,
    pub plan: Plan,
    pub snapshot: Snapshot,
    pub telemetry: Telemetry,
    connections: Vec<Connection>,
}

impl Rig {
    /// Serves `world` and connects to every account and region in it. `config` is laid over the defaults;
    /// `{url}` in it is the simulated AWS's address.
    pub async fn start(world: World, config: &str, now: i64) -> Rig {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let targets: Vec<Target> = world
            .accounts
            .iter()
            .flat_map(|account| account.regions.iter().map(|region| Target::new(&account.id, &region.name)))
            .collect();
        let sim = Sim::new(world);
        tokio::spawn(sim.clone().serve(listener, std::future::pending()));
        let text = format!("regions: [us-east-1]\n{}", config.replace("{url}", &url));
        let mut plan = plan::plan(&config::parse("test", &text)).unwrap();
        plan.aws.endpoint_url = Some(url.clone());
        plan.settings.spread = false;
        plan.aws.simulated_keys = Some("AKIASIMULATED".to_string());
        let telemetry = Telemetry::new(Build { version: "test", revision: "", mode: "test" }, Timestamp(now));
        // One for each region, so that a fault of STS in a region hits the targets in it alone.
        let mut environments: BTreeMap<_, Environment> = BTreeMap::new();
        let mut monitoring = None;
        let mut connections = Vec::new();
        for target in &targets {
            if !environments.contains_key(&target.region) {
                let aws = AwsPlan { sts_region: Some(target.region.to_string()), ..plan.aws.clone() };
                let environment = Environment::load(&aws, Some(&target.region), &telemetry).await.unwrap();
                environments.insert(target.region.clone(), environment);
            }
            let environment = &environments[&target.region];
            let arn = format!("arn:aws:iam::{}:role/bedrock-quota-exporter", target.account_id);
            let session = environment.session(&Credentials::Role { arn, external_id: None }).await;
            if let (Some(credentials), None) = (&plan.monitoring, &monitoring) {
                monitoring = Some(Monitoring::new(environment.session(credentials).await));
            }
            let own = plan.monitoring.as_ref().is_none_or(|of| of.are_of(&target.account_id));
            connections.push(match monitoring.as_mut().filter(|_| !own) {
                Some(monitoring) => monitoring.connect(&session, target),
                None => session.connect(target),
            });
        }
        let snapshot = Snapshot::new(targets, Timestamp(now));
        Rig { sim, plan, snapshot, telemetry, connections }
    }

    /// One round of everything that is due at `now`, on both clocks.
    pub async fn round(&mut self, now: i64) {
        self.sim.set_clock(Clock::Fixed { now }).await;
        let (settings, tags) = (&self.plan.settings, vec!["team".to_string()]);
        self.snapshot =
            collect::round(&self.connections, &self.snapshot, settings, &tags, Timestamp(now)).await;
    }

    /// What /metrics would say of Bedrock if it said all: sample (name and labels as written) → value.
    pub fn samples(&self) -> BTreeMap<String, f64> {
        let mut text = Vec::new();
        let quotas = QuotaExport::All;
        let (team_tag, projects) = (Some("team".to_string()), self.plan.export.projects.clone());
        let export = Export { quotas, gauges: true, team_tag, projects, ..Export::default() };
        exposition::render(&mut text, &self.snapshot, &export).unwrap();
        let text = String::from_utf8(text).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let pair =
            |line: &str| line.rsplit_once(' ').map(|(key, value)| (key.to_string(), value.parse().unwrap()));
        samples.filter_map(pair).collect()
    }

    /// The samples of one family whose labels contain all of `labels`.
    pub fn find(&self, family: &str, labels: &[&str]) -> Vec<(String, f64)> {
        let wanted = |key: &String| {
            key.split('{').next() == Some(family) && labels.iter().all(|label| key.contains(label))
        };
        self.samples().into_iter().filter(|(key, _)| wanted(key)).collect()
    }
}
