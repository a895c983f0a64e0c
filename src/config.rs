//! The shape of config.yaml: which keys there are, and what the text of each may be.
//!
//! Reading never stops at the first mistake: what is wrong becomes a [`Complaint`], which [`Config`] carries
//! along until [`plan`](crate::plan::plan) adds its own and refuses the config with all of them. Every key is
//! optional; what an absent one means is the plan's business.

mod complaint;
mod file;
pub(crate) mod kinds;
mod section;
mod tree;
mod variables;
pub mod web;

use crate::exposition::QuotaExport;
use crate::model::ids::QuotaKind;
use crate::model::organization::AccountState;
pub use complaint::{At, Complaint, Complaints};
pub(crate) use file::{read, read_again, read_bytes, text};
use kinds::*;
pub use kinds::{CadenceKind, Statistic};
use section::Section;
use std::collections::BTreeMap;
use std::path::Path;
use tree::Node;

/// What the file says. `None`: it does not say.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// As messages call it.
    pub file: String,
    /// What was wrong with it so far.
    pub complaints: Vec<Complaint>,
    pub accounts: Vec<Account>,
    pub organization: Option<Organization>,
    /// Who reads the usage of all accounts.
    pub monitoring_account: Option<Login>,
    /// Of accounts that name none.
    pub regions: Option<At<Regions>>,
    pub usage: Usage,
    pub quotas: Quotas,
    pub catalog: Catalog,
    pub budget: Budget,
    /// Seconds between two scrapes by Prometheus.
    pub scrape_interval: Option<At<u64>>,
    pub overrides: Overrides,
    /// By id.
    pub projects: BTreeMap<String, Project>,
    pub aws: Aws,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where it stands in the file, and its full key.
    pub line: usize,
    pub key: String,
    pub name: Option<At<String>>,
    /// What the credentials must be of.
    pub account_id: Option<At<String>>,
    pub login: Login,
    pub regions: Option<At<Regions>>,
}

/// The credentials that a section names; with neither a role nor a profile, the current ones.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The full key of the section.
    pub key: String,
    pub role_arn: Option<At<String>>,
    /// What the trust policy of the role asks for.
    pub external_id: Option<At<String>>,
    /// A profile of the AWS CLI's shared config.
    pub profile: Option<At<String>>,
}

/// Where further accounts are found.
#[derive(Clone, Debug, Default)]
pub struct Organization {
    /// Where it stands in the file.
    pub line: usize,
    /// The name of the role in each account.
    pub assume_role: Option<At<String>>,
    /// Who may call AWS Organizations. The external id is that of the roles in the accounts, too.
    pub login: Login,
    pub include: Include,
    pub exclude: Option<At<Vec<At<String>>>>,
    pub regions: Option<At<Regions>>,
    /// Seconds.
    pub interval: Option<At<u64>>,
}

/// Which accounts of an organization.
#[derive(Clone, Debug, Default)]
pub struct Include {
    pub ous: Option<At<Vec<At<String>>>>,
    pub tags: BTreeMap<String, String>,
    pub names: Option<At<Vec<At<String>>>>,
    pub states: Option<At<Vec<At<AccountState>>>>,
}

/// Durations in seconds.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    pub interval: Option<At<u64>>,
    pub cadence: Option<At<CadenceKind>>,
    pub hot_ratio: Option<At<f64>>,
    pub normal_interval: Option<At<u64>>,
    pub idle_interval: Option<At<u64>>,
    pub idle_after: Option<At<u64>>,
    pub discovery_interval: Option<At<u64>>,
    pub max_age: Option<At<u64>>,
    pub delay: Option<At<u64>>,
    pub settle: Option<At<u64>>,
    pub lookback: Option<At<u64>>,
    pub thresholds: Option<At<Vec<At<f64>>>>,
    pub latency: Option<At<Vec<At<Statistic>>>>,
    pub gauges: Option<At<bool>>,
    pub tiers_and_projects: Option<At<bool>>,
}

/// Durations in seconds.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    pub interval: Option<At<u64>>,
    pub max_age: Option<At<u64>>,
    pub export: Option<At<QuotaExport>>,
    pub watch: Option<At<Vec<At<String>>>>,
    pub usage_metrics: Option<At<bool>>,
}

/// Durations in seconds.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub interval: Option<At<u64>>,
    pub max_age: Option<At<u64>>,
    pub team_tag: Option<At<String>>,
}

/// What a project is called; at least one of both is given.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub name: Option<At<String>>,
    pub team: Option<At<String>>,
}

#[derive(Clone, Debug, Default)]
pub struct Budget {
    pub dollars_per_day: Option<At<f64>>,
}

#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// By invocation id: the quota codes it spends; an inner `None`: it spends none of that kind.
    pub models: BTreeMap<String, BTreeMap<QuotaKind, Option<String>>>,
    /// By quota code: whose quota the row is; `None`: no model's.
    pub quotas: BTreeMap<String, Option<String>>,
    /// By base model id: what an output token costs.
    pub burndown: BTreeMap<String, f64>,
}

/// Timeouts in seconds.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    pub endpoint_url: Option<At<String>>,
    pub cloudwatch: Option<At<String>>,
    pub servicequotas: Option<At<String>>,
    pub bedrock: Option<At<String>>,
    pub sts: Option<At<String>>,
    pub organizations: Option<At<String>>,
    pub account: Option<At<String>>,
    pub oam: Option<At<String>>,
    pub sts_region: Option<At<String>>,
    pub session_name: Option<At<String>>,
    /// Seconds.
    pub session_duration: Option<At<u64>>,
    pub session_tags: BTreeMap<String, String>,
    pub connect_timeout: Option<At<u64>>,
    pub attempt_timeout: Option<At<u64>>,
    pub operation_timeout: Option<At<u64>>,
    pub max_attempts: Option<At<u32>>,
}

/// What `regions` says.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    List(Vec<At<String>>),
    AllEnabled,
}

/// Reads the file; no path is an empty config.
pub fn load(path: Option<&Path>) -> Result<Config, Complaints> {
    load_by(path, read)
}

/// The same of a file that will be read again.
pub fn load_again(path: Option<&Path>) -> Result<Config, Complaints> {
    load_by(path, read_again)
}

fn load_by(path: Option<&Path>, read: fn(&Path) -> Result<String, String>) -> Result<Config, Complaints> {
    let Some(path) = path else { return Ok(Config::default()) };
    let file = path.display().to_string();
    match read(path).and_then(|text| expect_something(path, text)) {
        Ok(text) => Ok(parse_with(&file, &text, &|name| std::env::var(name).ok())),
        Err(message) => Err(Complaints { file, list: vec![Complaint::new(0, String::new(), message)] }),
    }
}

/// A file that is being written is empty for a moment, and one on a full disk for longer: without a word it would mean the
/// account of the exporter's own credentials.
fn expect_something(path: &Path, text: String) -> Result<String, String> {
    let says_nothing = |line: &str| matches!(line.trim(), "" | "---" | "...") || line.trim().starts_with('#');
    if path != Path::new("/dev/null") && text.trim_start_matches('\u{feff}').lines().all(says_nothing) {
        return Err("found nothing, as in a file that is just being written; expected keys, or {} where all defaults \
                    are meant"
            .into());
    }
    Ok(text)
}

/// Reads the text of a config in an environment without variables; `file` is what messages call it.
pub fn parse(file: &str, text: &str) -> Config {
    parse_with(file, text, &|_| None)
}

/// The same where `lookup` says what the environment's variables hold.
pub fn parse_with(file: &str, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Config {
    let mut config = Config { file: file.into(), ..Config::default() };
    match tree::parse(text) {
        Err(tree::Refused { line, why }) => {
            config.complaints.push(Complaint::new(line, String::new(), why));
        }
        Ok(mut root) => {
            let mut missing = Vec::new();
            variables::expand(&mut root, "", lookup, &mut missing);
            if missing.is_empty() {
                read_all(&root, &mut config);
            } else {
                // What the values would have been nobody knows: nothing else is said of them.
                config.complaints = missing;
            }
        }
    }
    config
}

fn read_all(root: &Node, config: &mut Config) {
    let mut complaints = Vec::new();
    let out = &mut complaints;
    let mut top = Section::new(root.line, root, "", out);
    config.accounts = top.sections("accounts", out).into_iter().map(|s| account(s, out)).collect();
    config.organization = top.section("organization", out).map(|s| organization(s, out));
    if let Some(mut section) = top.section("monitoring_account", out) {
        config.monitoring_account = Some(login(&mut section, out));
        section.finish(out);
    }
    config.regions = regions(&mut top, out);
    config.usage = within(&mut top, "usage", usage, out);
    config.quotas = within(&mut top, "quotas", quotas, out);
    config.catalog = within(&mut top, "catalog", catalog, out);
    config.budget = within(&mut top, "budget", budget, out);
    config.scrape_interval = top.value("scrape_interval", &SCRAPE_INTERVAL, out);
    config.overrides = within(&mut top, "overrides", overrides, out);
    config.projects = within(&mut top, "projects", projects, out);
    config.aws = within(&mut top, "aws", aws, out);
    top.finish(out);
    config.complaints = complaints;
}

type Out<'a> = &'a mut Vec<Complaint>;

/// Reads the section of that name, if it is there, and complains about what it must not hold.
fn within<T: Default>(
    parent: &mut Section,
    name: &'static str,
    read: fn(&mut Section, Out) -> T,
    out: Out,
) -> T {
    let Some(mut section) = parent.section(name, out) else { return T::default() };
    let value = read(&mut section, out);
    section.finish(out);
    value
}

fn account(mut s: Section, out: Out) -> Account {
    let account = Account {
        line: s.line(),
        key: s.key().into(),
        name: s.value("name", &TEXT, out),
        account_id: s.value("account_id", &ACCOUNT_ID, out),
        login: login(&mut s, out),
        regions: regions(&mut s, out),
    };
    s.finish(out);
    account
}

fn login(s: &mut Section, out: Out) -> Login {
    Login {
        key: s.key().into(),
        role_arn: s.value("role_arn", &ROLE_ARN, out),
        external_id: s.value("external_id", &TEXT, out),
        profile: s.value("profile", &TEXT, out),
    }
}

fn regions(s: &mut Section, out: Out) -> Option<At<Regions>> {
    let At { line, value } = s.list_or("regions", "all_enabled", &REGION, out)?;
    Some(At { line, value: value.map_or(Regions::AllEnabled, Regions::List) })
}

fn organization(mut s: Section, out: Out) -> Organization {
    let organization = Organization {
        line: s.line(),
        assume_role: s.value("assume_role", &ROLE_NAME, out),
        login: login(&mut s, out),
        include: within(&mut s, "include", include, out),
        exclude: s.list("exclude", &ACCOUNT_ID, out),
        regions: regions(&mut s, out),
        interval: s.value("interval", &DISCOVERY_INTERVAL, out),
    };
    s.finish(out);
    organization
}

fn include(s: &mut Section, out: Out) -> Include {
    Include {
        ous: s.list("ous", &UNIT, out),
        tags: within(s, "tags", |s, out| s.each(&TEXT, &TEXT, out), out),
        names: s.list("names", &TEXT, out),
        states: s.list("states", &ACCOUNT_STATE, out),
    }
}

fn usage(s: &mut Section, out: Out) -> Usage {
    Usage {
        interval: s.value("interval", &INTERVAL, out),
        cadence: s.value("cadence", &CADENCE, out),
        hot_ratio: s.value("hot_ratio", &THRESHOLD, out),
        normal_interval: s.value("normal_interval", &INTERVAL, out),
        idle_interval: s.value("idle_interval", &INTERVAL, out),
        idle_after: s.value("idle_after", &AGE, out),
        discovery_interval: s.value("discovery_interval", &INTERVAL, out),
        max_age: s.value("max_age", &AGE, out),
        delay: s.value("delay", &DELAY, out),
        settle: s.value("settle", &DELAY, out),
        lookback: s.value("lookback", &LOOKBACK, out),
        thresholds: s.list("thresholds", &THRESHOLD, out),
        latency: s.list("latency", &STATISTIC, out),
        gauges: s.value("gauges", &SWITCH, out),
        tiers_and_projects: s.value("tiers_and_projects", &SWITCH, out),
    }
}

fn quotas(s: &mut Section, out: Out) -> Quotas {
    Quotas {
        interval: s.value("interval", &INTERVAL, out),
        max_age: s.value("max_age", &AGE, out),
        export: s.value("export", &QUOTA_EXPORT, out),
        watch: s.list("watch", &QUOTA_CODE, out),
        usage_metrics: s.value("usage_metrics", &SWITCH, out),
    }
}

fn catalog(s: &mut Section, out: Out) -> Catalog {
    Catalog {
        interval: s.value("interval", &INTERVAL, out),
        max_age: s.value("max_age", &AGE, out),
        team_tag: s.value("team_tag", &TEXT, out),
    }
}

fn budget(s: &mut Section, out: Out) -> Budget {
    Budget { dollars_per_day: s.value("dollars_per_day", &DOLLARS, out) }
}

fn overrides(s: &mut Section, out: Out) -> Overrides {
    Overrides {
        models: within(s, "models", model_overrides, out),
        quotas: within(s, "quotas", quota_overrides, out),
        burndown: within(s, "burndown", |s, out| s.each(&MODEL, &FACTOR, out), out),
    }
}

fn model_overrides(s: &mut Section, out: Out) -> BTreeMap<String, BTreeMap<QuotaKind, Option<String>>> {
    let kinds = |mut s: Section, out: Out| {
        let code = |kind: &QuotaKind| Some((*kind, s.value(kind.word(), &QUOTA_CODE_OR_NONE, out)?.value));
        let codes = QuotaKind::ALL.iter().filter_map(code).collect();
        s.finish(out);
        codes
    };
    s.each_section(&INVOCATION_ID, out).into_iter().map(|(id, section)| (id, kinds(section, out))).collect()
}

fn quota_overrides(s: &mut Section, out: Out) -> BTreeMap<String, Option<String>> {
    s.each(&QUOTA_CODE, &MODEL_OR_NONE, out)
}

fn projects(s: &mut Section, out: Out) -> BTreeMap<String, Project> {
    let project = |mut s: Section, out: Out| {
        let (line, key, complaints) = (s.line(), s.key().to_string(), out.len());
        let project = Project { name: s.value("name", &TEXT, out), team: s.value("team", &TEXT, out) };
        s.finish(out);
        if project.name.is_none() && project.team.is_none() && out.len() == complaints {
            let message = "found neither name nor team, expected at least one of both";
            out.push(Complaint::new(line, key, message.into()));
        }
        project
    };
    s.each_section(&PROJECT_ID, out).into_iter().map(|(id, section)| (id, project(section, out))).collect()
}

fn aws(s: &mut Section, out: Out) -> Aws {
    let mut aws = Aws {
        endpoint_url: s.value("endpoint_url", &URL, out),
        sts_region: s.value("sts_region", &REGION, out),
        session_name: s.value("session_name", &SESSION_NAME, out),
        session_duration: s.value("session_duration", &SESSION_DURATION, out),
        session_tags: within(s, "session_tags", |s, out| s.each(&TEXT, &TEXT, out), out),
        connect_timeout: s.value("connect_timeout", &TIMEOUT, out),
        attempt_timeout: s.value("attempt_timeout", &TIMEOUT, out),
        operation_timeout: s.value("operation_timeout", &TIMEOUT, out),
        max_attempts: s.value("max_attempts", &ATTEMPTS, out),
        ..Aws::default()
    };
    if let Some(mut s) = s.section("endpoints", out) {
        aws.cloudwatch = s.value("cloudwatch", &URL, out);
        aws.servicequotas = s.value("servicequotas", &URL, out);
        aws.bedrock = s.value("bedrock", &URL, out);
        aws.sts = s.value("sts", &URL, out);
        aws.organizations = s.value("organizations", &URL, out);
        aws.account = s.value("account", &URL, out);
        aws.oam = s.value("oam", &URL, out);
        s.finish(out);
    }
    aws
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example with its commented-out keys in use.
    fn example_in_full() -> Config {
        let text = include_str!("../config.example.yaml");
        let in_use = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') || rest.starts_with("  ") => rest.to_string(),
            _ => line.to_string(),
        };
        let text: Vec<String> = text.lines().map(in_use).collect();
        parse("config.example.yaml", &text.join("\n"))
    }

    #[test]
    fn the_example_shows_every_key() {
        let config = example_in_full();
        assert_eq!(config.complaints, []);
        assert!(crate::plan::plan(&config).is_ok());
        let sections = (&config.usage, &config.quotas, &config.aws, &config.catalog, &config.budget);
        let mut organization = config.organization.unwrap();
        assert!(organization.login.role_arn.is_some() && !organization.include.tags.is_empty());
        organization.login.profile = organization.login.role_arn.clone();
        let mut monitoring = config.monitoring_account.unwrap();
        assert!(monitoring.role_arn.is_some());
        monitoring.profile = monitoring.role_arn.clone();
        let sections = format!("{sections:?}{organization:?}{monitoring:?}");
        assert!(!sections.contains("None"), "{sections}");
        assert!(config.regions.is_some() && config.scrape_interval.is_some());
        let shown = |shows: fn(&Account) -> bool| config.accounts.iter().any(shows);
        assert!(
            shown(|a| a.name.is_some())
                && shown(|a| a.login.role_arn.is_some())
                && shown(|a| a.regions.is_some())
        );
        assert!(shown(|a| a.login.external_id.is_some()) && shown(|a| a.login.profile.is_some()));
        assert!(shown(|a| a.account_id.is_some()) && !config.aws.session_tags.is_empty());
        let Overrides { models, quotas, burndown } = &config.overrides;
        assert_eq!(models.values().next().map(BTreeMap::len), Some(QuotaKind::ALL.len()));
        assert!(!quotas.is_empty() && !burndown.is_empty());
        assert!(!format!("{:?}", config.projects).contains("None") && !config.projects.is_empty());
    }
}
