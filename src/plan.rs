//! From what a config says to what is to be done, or everything that is wrong with it. Pure.

use crate::config::kinds::{ROLE_NAME, duration_text, role_account};
use crate::config::{
    self, Account, At, Aws, CadenceKind, Complaint, Complaints, Config, Login, Organization, Statistic, Usage,
};
use crate::exposition::{Export, QuotaExport};
use crate::model::arn::Arn;
use crate::model::matching::Rules;
use crate::model::organization::{AccountState, Filter};
use crate::model::partition;
use crate::model::settings::Cadence;
use crate::model::settings::Settings;
use crate::model::shard::Shard;
use crate::model::usage::Metric;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is to be done. Every default has been filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// At least one, unless there is an organization.
    pub accounts: Vec<AccountPlan>,
    pub organization: Option<OrganizationPlan>,
    /// Who reads the usage of all accounts, each of which else reads its own.
    pub monitoring: Option<Credentials>,
    /// Seconds between two readings of what there is to watch.
    pub discovery_interval: u64,
    pub aws: AwsPlan,
    pub settings: Settings,
    pub export: Export,
    /// The accounts that are this exporter's; never from a config.
    pub shard: Shard,
}

/// An account to watch: one target per region.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPlan {
    /// `account_name` of bedrock_account_info.
    pub name: Option<String>,
    pub credentials: Credentials,
    /// Where the config tells it; otherwise STS is asked. Credentials of another account are refused.
    pub account_id: Option<String>,
    pub regions: Regions,
}

/// Where an account is watched.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// None: the region that the SDK finds by itself.
    List(Vec<String>),
    /// Those with Bedrock that the account has enabled.
    AllEnabled,
}

impl Regions {
    /// Those that the config tells.
    pub fn listed(&self) -> &[String] {
        match self {
            Regions::List(regions) => regions,
            Regions::AllEnabled => &[],
        }
    }
}

/// Where further accounts are found, and how they are watched.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationPlan {
    /// Who may call AWS Organizations: its management account, or a delegated administrator.
    pub credentials: Credentials,
    /// The name of the role in each account, with its path.
    pub role: String,
    pub external_id: Option<String>,
    pub filter: Filter,
    pub regions: Regions,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// The SDK's default chain.
    Default,
    /// Assumed with the credentials of the default chain.
    Role { arn: String, external_id: Option<String> },
    /// A profile of the AWS CLI's shared config.
    Profile(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct AwsPlan {
    /// For every service that has none of its own below; `None`: the SDK's, also by its environment variables.
    pub endpoint_url: Option<String>,
    pub cloudwatch_url: Option<String>,
    pub servicequotas_url: Option<String>,
    pub bedrock_url: Option<String>,
    pub sts_url: Option<String>,
    pub organizations_url: Option<String>,
    pub account_url: Option<String>,
    pub oam_url: Option<String>,
    /// Where STS is asked; `None`: the region of the environment or the profile.
    pub sts_region: Option<String>,
    /// What CloudTrail shows as the session of an assumed role; `None`: the exporter's name.
    pub session_name: Option<String>,
    /// How long keys of an assumed role live; `None`: STS's own hour.
    pub session_duration: Option<Duration>,
    /// Tags of the sessions of assumed roles.
    pub session_tags: BTreeMap<String, String>,
    pub connect_timeout: Duration,
    /// Of one attempt of a call.
    pub attempt_timeout: Duration,
    /// Of a call with all its attempts.
    pub operation_timeout: Duration,
    /// The first one included.
    pub max_attempts: u32,
    /// An access key id that only the simulated AWS knows; never from a config.
    pub simulated_keys: Option<String>,
}

/// Plans a config, or refuses it with every complaint.
pub fn plan(config: &Config) -> Result<Plan, Complaints> {
    let mut complaints = config.complaints.clone();
    let settings = settings(config, &mut complaints);
    let shared = regions(&config.regions, "regions", &Regions::List(Vec::new()), &mut complaints);
    let interval = config.organization.as_ref().and_then(|organization| organization.interval.clone());
    let plan = Plan {
        accounts: accounts(config, &shared, &mut complaints),
        organization: config.organization.as_ref().map(|o| organization(o, &shared, &mut complaints)),
        monitoring: config.monitoring_account.as_ref().map(|login| {
            refuse_another_partition(login, shared.listed(), &mut complaints);
            own_credentials(login, &mut complaints)
        }),
        discovery_interval: or(&interval, 3600),
        aws: aws(&config.aws, config, &mut complaints),
        export: Export {
            quotas: or(&config.quotas.export, QuotaExport::All),
            watch: values(&config.quotas.watch).into_iter().collect(),
            gauges: or(&config.usage.gauges, true),
            team_tag: config.catalog.team_tag.as_ref().map(|tag| tag.value.clone()),
            account_names: BTreeMap::new(),
        },
        shard: Shard::default(),
        settings,
    };
    if complaints.is_empty() {
        return Ok(plan);
    }
    complaints.sort();
    Err(Complaints { file: config.file.clone(), list: complaints })
}

type Out<'a> = &'a mut Vec<Complaint>;

fn accounts(config: &Config, shared: &Regions, out: Out) -> Vec<AccountPlan> {
    let current = [Account::default()];
    let alone = config.accounts.is_empty() && config.organization.is_none();
    let accounts = if alone { &current[..] } else { &config.accounts };
    let plans: Vec<AccountPlan> = accounts.iter().map(|account| account_plan(account, shared, out)).collect();
    refuse_same_targets(accounts, &plans, out);
    plans
}

fn account_plan(account: &Account, shared: &Regions, out: Out) -> AccountPlan {
    let credentials = own_credentials(&account.login, out);
    let of_role = match &credentials {
        Credentials::Role { arn, .. } => role_account(arn).map(String::from),
        _ => None,
    };
    if let (Some(At { line, value }), Some(of_role)) = (&account.account_id, &of_role)
        && value != of_role
    {
        let message = format!("found {value}, expected {of_role}, the account of role_arn, or nothing");
        out.push(Complaint::new(*line, format!("{}.account_id", account.key), message));
    }
    let account_id = text(&account.account_id).or(of_role);
    let regions = regions(&account.regions, &format!("{}.regions", account.key), shared, out);
    refuse_another_partition(&account.login, regions.listed(), out);
    AccountPlan { name: text(&account.name), credentials, account_id, regions }
}

fn text(at: &Option<At<String>>) -> Option<String> {
    at.as_ref().map(|at| at.value.clone())
}

/// The credentials that a section names. Its external id may be meant for other roles than its own.
fn credentials(login: &Login, out: Out) -> Credentials {
    if let (Some(profile), Some(_)) = (&login.profile, &login.role_arn) {
        let message = "found beside role_arn, expected only one of the two";
        out.push(Complaint::new(profile.line, format!("{}.profile", login.key), message.into()));
    }
    match (text(&login.role_arn), text(&login.profile)) {
        (Some(arn), _) => Credentials::Role { arn, external_id: text(&login.external_id) },
        (None, Some(profile)) => Credentials::Profile(profile),
        (None, None) => Credentials::Default,
    }
}

/// A role is of no use in a region of another partition.
fn refuse_another_partition(login: &Login, regions: &[String], out: Out) {
    let Some(At { line, value: arn }) = &login.role_arn else { return };
    let own = Arn::parse(arn).map_or("", |arn| arn.partition);
    if let Some(region) = regions.iter().find(|region| partition::of_region(region) != own) {
        let other = partition::of_region(region);
        let message =
            format!("found a role of the partition {own}, expected one of {other}, where {region} is");
        out.push(Complaint::new(*line, format!("{}.role_arn", login.key), message));
    }
}

/// Those of [`credentials`], where an external id without a role is a mistake.
fn own_credentials(login: &Login, out: Out) -> Credentials {
    if let (Some(id), None) = (&login.external_id, &login.role_arn) {
        let message = "found without role_arn, expected beside it";
        out.push(Complaint::new(id.line, format!("{}.external_id", login.key), message.into()));
    }
    credentials(login, out)
}

fn organization(organization: &Organization, shared: &Regions, out: Out) -> OrganizationPlan {
    let Organization { login, include, .. } = organization;
    let role = text(&organization.assume_role).unwrap_or_else(|| {
        let key = "organization.assume_role";
        if out.iter().all(|complaint| complaint.key != key) {
            let message = format!("found none, expected {}", ROLE_NAME.expected);
            out.push(Complaint::new(organization.line, key.into(), message));
        }
        String::new()
    });
    OrganizationPlan {
        credentials: credentials(login, out),
        role,
        external_id: text(&login.external_id),
        filter: Filter {
            ous: some(&include.ous, "organization.include.ous", "id", &[], out),
            tags: include.tags.clone(),
            names: some(&include.names, "organization.include.names", "name", &[], out),
            states: some(
                &include.states,
                "organization.include.states",
                "state",
                &[AccountState::Active],
                out,
            ),
            exclude: distinct(&organization.exclude, "organization.exclude", &[], out),
        },
        regions: regions(&organization.regions, "organization.regions", shared, out),
    }
}

fn regions(given: &Option<At<config::Regions>>, key: &str, default: &Regions, out: Out) -> Regions {
    match given {
        None => default.clone(),
        Some(At { value: config::Regions::AllEnabled, .. }) => Regions::AllEnabled,
        Some(At { line, value: config::Regions::List(list) }) => {
            let list = Some(At { line: *line, value: list.clone() });
            Regions::List(some(&list, key, "region", &[], out))
        }
    }
}

/// A list of distinct items, as given or its default; an empty one is complained about.
fn some<T>(list: &Option<At<Vec<At<T>>>>, key: &str, what: &str, default: &[T], out: Out) -> Vec<T>
where
    T: Clone + PartialEq + std::fmt::Display,
{
    let items = distinct(list, key, default, out);
    if let Some(At { line, value }) = list
        && value.is_empty()
        && !out.iter().any(|complaint| complaint.key.starts_with(key))
    {
        let message = format!("found an empty list, expected at least one {what}");
        out.push(Complaint::new(*line, key.into(), message));
    }
    items
}

/// Two entries for one account and region would publish each series twice.
fn refuse_same_targets(accounts: &[Account], plans: &[AccountPlan], out: Out) {
    let flawed: Vec<String> = out.iter().map(|complaint| complaint.key.clone()).collect();
    let is_flawed = |key: &str| flawed.iter().any(|f| f.starts_with(key));
    let mut seen: BTreeMap<String, Vec<(&str, &Account)>> = BTreeMap::new();
    for (account, plan) in accounts.iter().zip(plans) {
        if is_flawed(&account.key) || account.regions.is_none() && is_flawed("regions") {
            continue;
        }
        let others = seen.entry(plan.account()).or_default();
        let overlap = |region: &str, other: &str| region == other || [region, other].contains(&ALL_ENABLED);
        for region in places(&plan.regions) {
            let first =
                others.iter().find(|(other, first)| first.key != account.key && overlap(region, other));
            if let Some((_, first)) = first {
                let found = format!("found {} in {region} again", plan.account());
                let message = format!("{found}, expected only one entry for it, as {} is", first.key);
                out.push(Complaint::new(account.line, account.key.clone(), message));
            }
            others.push((region, account));
        }
    }
}

const ALL_ENABLED: &str = "all enabled regions";

/// The regions in words.
pub(crate) fn places(regions: &Regions) -> Vec<&str> {
    match regions {
        Regions::List(list) if list.is_empty() => vec!["the SDK's own region"],
        Regions::List(list) => list.iter().map(String::as_str).collect(),
        Regions::AllEnabled => vec![ALL_ENABLED],
    }
}

impl AccountPlan {
    /// The account as far as the config tells it, for a message.
    pub fn account(&self) -> String {
        self.credentials.account()
    }
}

impl Credentials {
    /// What they are called in a message.
    pub fn who(&self) -> String {
        match self {
            Credentials::Role { arn, .. } => format!("role {arn}"),
            Credentials::Profile(profile) => format!("profile {profile}"),
            Credentials::Default => "the environment".into(),
        }
    }

    /// Their account as far as the config tells it, for a message.
    pub fn account(&self) -> String {
        match self {
            Credentials::Role { arn, .. } => format!("account {}", role_account(arn).unwrap_or(arn)),
            Credentials::Profile(profile) => format!("the account of profile {profile}"),
            Credentials::Default => "the account of the current credentials".into(),
        }
    }

    /// Whether they are of that account, as far as the config tells it.
    pub fn are_of(&self, account_id: &str) -> bool {
        matches!(self, Credentials::Role { arn, .. } if role_account(arn) == Some(account_id))
    }
}

fn settings(config: &Config, out: Out) -> Settings {
    let Config { usage, quotas, catalog, overrides, .. } = config;
    let (usage_interval, usage_max_age) =
        times("usage", (&usage.interval, 60), (&usage.max_age, 15 * 60), out);
    let (quotas_interval, quotas_max_age) =
        times("quotas", (&quotas.interval, 15 * 60), (&quotas.max_age, 24 * 3600), out);
    let (catalog_interval, catalog_max_age) =
        times("catalog", (&catalog.interval, 3600), (&catalog.max_age, 24 * 3600), out);
    let (delay, settle) = delays(usage, out);
    let budget = config.budget.dollars_per_day.as_ref();
    let cadence = cadence(usage, out);
    if let (Some(at), None) = (budget, &cadence) {
        let message = "found beside usage.cadence: fixed, expected adaptive: only that can be slowed";
        out.push(Complaint::new(at.line, "budget.dollars_per_day".into(), message.into()));
    }
    Settings {
        delay,
        settle,
        cadence,
        budget: budget.map(|at| at.value),
        lookback_minutes: (or(&usage.lookback, LOOKBACK) / 60) as i64,
        spread: true,
        thresholds: distinct(&usage.thresholds, "usage.thresholds", &[0.8, 0.9, 1.0], out),
        usage_interval,
        discovery_interval: or(&usage.discovery_interval, 5 * 60),
        quotas_interval,
        catalog_interval,
        service_interval: or(&quotas.usage_metrics, true).then(|| service_interval(usage, usage_interval)),
        usage_max_age,
        quotas_max_age,
        catalog_max_age,
        counter_hold: 2 * or(&config.scrape_interval, 60),
        statistics: distinct(&usage.latency, "usage.latency", &[Statistic::P50, Statistic::P99], out)
            .into_iter()
            .flat_map(metrics)
            .collect(),
        rules: Rules { models: overrides.models.clone(), quotas: overrides.quotas.clone() },
        burndown: overrides.burndown.clone(),
    }
}

/// A collector's interval and maximal age, each as given or its default. Values that live shorter than two
/// intervals would vanish with the first failed round.
fn times(
    section: &str,
    (given_interval, interval): (&Option<At<u64>>, u64),
    (given_age, age): (&Option<At<u64>>, u64),
    out: Out,
) -> (u64, u64) {
    let (interval, age) = (or(given_interval, interval), or(given_age, age));
    if age < 2 * interval {
        let line = given_age.as_ref().or(given_interval.as_ref()).map_or(0, |at| at.line);
        let default = if given_age.is_none() { " (the default)" } else { "" };
        let (found, least) = (duration_text(age), duration_text(2 * interval));
        let message = format!("found {found}{default}, expected at least {least}: twice {section}.interval");
        out.push(Complaint::new(line, format!("{section}.max_age"), message));
    }
    (interval, age)
}

/// Unless told otherwise, usage looks back this far, in seconds.
const LOOKBACK: u64 = 15 * 60;

/// What is no model's is as calm as an idle id.
fn service_interval(usage: &Usage, usage_interval: u64) -> u64 {
    or(&usage.idle_interval, IDLE_INTERVAL).max(usage_interval)
}

/// Unless told otherwise, idle ids are read so often, in seconds.
const IDLE_INTERVAL: u64 = 15 * 60;

/// Readings further apart than the look-back window would leave peaks between them unseen.
fn cadence(usage: &Usage, out: Out) -> Option<Cadence> {
    let lookback = or(&usage.lookback, LOOKBACK);
    let mut interval = |given: &Option<At<u64>>, key: &str, default: u64| {
        if let Some(at) = given.as_ref().filter(|at| at.value > lookback) {
            let (found, most) = (duration_text(at.value), duration_text(lookback));
            let message = format!("found {found}, expected at most {most}: usage.lookback");
            out.push(Complaint::new(at.line, format!("usage.{key}"), message));
        }
        or(given, default.min(lookback))
    };
    let cadence = Cadence {
        hot_ratio: or(&usage.hot_ratio, 0.5),
        normal_interval: interval(&usage.normal_interval, "normal_interval", 5 * 60),
        idle_interval: interval(&usage.idle_interval, "idle_interval", IDLE_INTERVAL),
        idle_after: or(&usage.idle_after, 3600),
    };
    (or(&usage.cadence, CadenceKind::Adaptive) == CadenceKind::Adaptive).then_some(cadence)
}

fn delays(usage: &Usage, out: Out) -> (u64, u64) {
    let (delay, settle) = (or(&usage.delay, 120), or(&usage.settle, 240));
    if settle < delay {
        let line = usage.settle.as_ref().or(usage.delay.as_ref()).map_or(0, |at| at.line);
        let default = if usage.settle.is_none() { " (the default)" } else { "" };
        let (found, least) = (duration_text(settle), duration_text(delay));
        let message = format!("found {found}{default}, expected at least {least}: usage.delay");
        out.push(Complaint::new(line, "usage.settle".into(), message));
    }
    (delay, settle)
}

/// The two metrics of a statistic: latency, and time to the first token.
pub(crate) fn metrics(statistic: Statistic) -> [Metric; 2] {
    match statistic {
        Statistic::P50 => [Metric::LatencyP50, Metric::FirstTokenP50],
        Statistic::P90 => [Metric::LatencyP90, Metric::FirstTokenP90],
        Statistic::P99 => [Metric::LatencyP99, Metric::FirstTokenP99],
        Statistic::Average => [Metric::LatencyAverage, Metric::FirstTokenAverage],
        Statistic::Maximum => [Metric::LatencyMaximum, Metric::FirstTokenMaximum],
    }
}

fn aws(aws: &Aws, config: &Config, out: Out) -> AwsPlan {
    if let Some(At { value: region, .. }) = &aws.sts_region {
        let accounts = config.accounts.iter().map(|account| &account.login);
        let others = config.organization.iter().map(|organization| &organization.login);
        for login in accounts.chain(others).chain(&config.monitoring_account) {
            refuse_another_partition(login, std::slice::from_ref(region), out);
        }
    }
    let (connect, attempt) = (or(&aws.connect_timeout, 3), or(&aws.attempt_timeout, 15));
    let operation = or(&aws.operation_timeout, 45);
    if !(connect <= attempt && attempt <= operation) {
        let given = [&aws.operation_timeout, &aws.attempt_timeout, &aws.connect_timeout];
        let line = given.into_iter().flatten().map(|at| at.line).next().unwrap_or(0);
        let found = format!("found connect {connect}s, attempt {attempt}s, operation {operation}s");
        let message = format!("{found}, expected connect_timeout <= attempt_timeout <= operation_timeout");
        out.push(Complaint::new(line, "aws".into(), message));
    }
    let url = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
    AwsPlan {
        endpoint_url: url(&aws.endpoint_url),
        cloudwatch_url: url(&aws.cloudwatch),
        servicequotas_url: url(&aws.servicequotas),
        bedrock_url: url(&aws.bedrock),
        sts_url: url(&aws.sts),
        organizations_url: url(&aws.organizations),
        account_url: url(&aws.account),
        oam_url: url(&aws.oam),
        sts_region: text(&aws.sts_region),
        session_name: text(&aws.session_name),
        session_duration: aws.session_duration.as_ref().map(|at| Duration::from_secs(at.value)),
        session_tags: aws.session_tags.clone(),
        connect_timeout: Duration::from_secs(connect),
        attempt_timeout: Duration::from_secs(attempt),
        operation_timeout: Duration::from_secs(operation),
        max_attempts: or(&aws.max_attempts, 3),
        simulated_keys: None,
    }
}

fn or<T: Clone>(at: &Option<At<T>>, default: T) -> T {
    at.as_ref().map_or(default, |at| at.value.clone())
}

fn values<T: Clone>(list: &Option<At<Vec<At<T>>>>) -> Vec<T> {
    list.iter().flat_map(|list| &list.value).map(|at| at.value.clone()).collect()
}

/// The list as given or its default; an item given twice is complained about.
fn distinct<T>(list: &Option<At<Vec<At<T>>>>, key: &str, default: &[T], out: Out) -> Vec<T>
where
    T: Clone + PartialEq + std::fmt::Display,
{
    let Some(At { value: items, .. }) = list else { return default.to_vec() };
    for (i, item) in items.iter().enumerate() {
        if items[..i].iter().any(|earlier| earlier.value == item.value) {
            let message = format!("found {} again, expected each once", item.value);
            out.push(Complaint::new(item.line, format!("{key}[{i}]"), message));
        }
    }
    values(list)
}
