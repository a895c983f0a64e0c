//! The simulated AWS that is watched, and the config that watches it.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::world::lists::Profile;
use bedrock_quota_exporter::sim::world::stream::{Call, Demand, Stream};
use bedrock_quota_exporter::sim::world::{
    Account, Applied, Member, Organization, QuotaChange, Region, World,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const REGIONS: [&str; 5] = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1"];
pub const MODELS: usize = 40;

pub fn serve(accounts: usize, models: usize) {
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("simulating on {}", listener.local_addr().unwrap());
        Sim::new(world(accounts, models)).serve(listener, std::future::pending()).await.unwrap();
    });
}

fn account_id(number: usize) -> String {
    format!("{number:012}")
}

/// So many accounts, each by a role of its own.
pub fn config_of(accounts: usize, cadence: Option<&str>, url: &str) -> String {
    let role = |n: usize| format!("  - {{role_arn: 'arn:aws:iam::{}:role/reader'}}\n", account_id(n));
    let accounts: String = (0..accounts).map(role).collect();
    let cadence = cadence.map(|cadence| format!("usage: {{cadence: {cadence}}}\n")).unwrap_or_default();
    format!("accounts:\n{accounts}{cadence}{}", common(&REGIONS, url))
}

/// Whatever AWS Organizations lists.
pub fn config_of_organization(url: &str) -> String {
    format!("organization: {{assume_role: reader}}\n{}", common(&REGIONS, url))
}

/// One target of the account that the credentials are of.
pub fn config_of_one(url: &str) -> String {
    common(&REGIONS[..1], url)
}

fn common(regions: &[&str], url: &str) -> String {
    let regions = regions.join(", ");
    // The simulated AWS shares this machine, and a slow answer is not what is measured.
    let aws = format!("aws: {{endpoint_url: '{url}', attempt_timeout: 1m, operation_timeout: 3m}}\n");
    format!("regions: [{regions}]\nquotas: {{export: in_use}}\n{aws}")
}

/// `models` ids with steady traffic in each region, geographic profiles before others. Cache metrics and time to
/// first token are among their metrics. Every account has three quotas of its own in every region: no two
/// targets have the same lists.
fn world(accounts: usize, models: usize) -> World {
    let mut world = World { seed: 1, ..World::default() };
    let call = Call { cache_read: 300.0, cache_write: 60.0, first_token_ms: Some(400.0), ..Call::default() };
    let region = |name: &str| {
        let profiles = world.lists.profiles.iter().filter(|p| p.source_regions.iter().any(|r| r == name));
        let (global, geographic): (Vec<&Profile>, Vec<_>) = profiles.partition(|p| p.prefix == "global");
        let on_demand = world.lists.models.iter().filter(|m| m.on_demand_regions.iter().any(|r| r == name));
        let ids = geographic.iter().map(|p| p.id.clone()).chain(on_demand.map(|m| m.id.clone()));
        let ids = ids.chain(global.iter().map(|p| p.id.clone()));
        let streams = ids.take(models).enumerate().map(|(n, model_id)| Stream {
            model_id,
            demand: Demand::Steady(5.0 + n as f64),
            call: call.clone(),
            ..Stream::default()
        });
        Region { name: name.to_string(), streams: streams.collect(), ..Region::default() }
    };
    let regions = REGIONS.map(region).to_vec();
    assert!(regions.iter().all(|region| region.streams.len() == models));
    let account = |n: usize| {
        let mut regions = regions.clone();
        for region in &mut regions {
            let codes = world.lists.listed(&region.name).step_by(100).take(3).map(|quota| quota.code.clone());
            let applied = |value| Applied::Value(value + n as f64);
            let changes = codes.map(|code| QuotaChange { code, from: i64::MIN, applied: applied(1e6) });
            region.quotas.extend(changes.collect::<Vec<_>>());
        }
        Account { id: account_id(n), regions, ..Account::default() }
    };
    world.accounts = (0..accounts).map(account).collect();
    let member = |n: usize| Member::new(&account_id(n), &format!("account {n}"), "r-root");
    world.organization = Some(Organization {
        management: account_id(0),
        delegated: Vec::new(),
        root: "r-root".to_string(),
        units: Vec::new(),
        members: (0..accounts).map(member).collect(),
    });
    world
}
