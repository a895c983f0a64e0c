//! From what a config says to what is to be done, or everything that is wrong with it. Pure.

mod accounts;
mod given;
mod settings;

pub(crate) use accounts::places;
pub use accounts::{AccountPlan, Credentials, OrganizationPlan, Regions};
pub(crate) use settings::metrics;

use crate::config::{At, Aws, Complaint, Complaints, Config, Project};
use crate::exposition::{Export, ProjectName, QuotaExport};
use crate::model::partition;
use crate::model::settings::Settings;
use crate::model::shard::Shard;
use accounts::{accounts, organization, own_credentials, refuse_another_partition, regions, role_partition};
use given::{Out, distinct, or, text};
use settings::settings;
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

impl Plan {
    /// The profiles of the AWS CLI that it names.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &str> {
        let own = self.accounts.iter().map(|account| &account.credentials);
        let own = own.chain(self.organization.iter().map(|organization| &organization.credentials));
        own.chain(&self.monitoring).filter_map(|credentials| match credentials {
            Credentials::Profile(name) => Some(name.as_str()),
            _ => None,
        })
    }
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
            quotas: or(&config.quotas.export, QuotaExport::InUse),
            watch: distinct(&config.quotas.watch, "quotas.watch", &[], &mut complaints).into_iter().collect(),
            gauges: or(&config.usage.gauges, false),
            team_tag: config.catalog.team_tag.as_ref().map(|tag| tag.value.clone()),
            projects: config
                .projects
                .iter()
                .map(|(id, project)| (id.clone(), project_name(project)))
                .collect(),
            account_names: BTreeMap::new(),
        },
        shard: Shard::default(),
        settings,
    };
    if complaints.is_empty() {
        return Ok(plan);
    }
    complaints.sort_by_key(|complaint| complaint.line);
    Err(Complaints { file: config.file.clone(), list: complaints })
}

fn project_name(project: &Project) -> ProjectName {
    let given = |at| text(at).unwrap_or_default();
    ProjectName { name: given(&project.name), team: given(&project.team) }
}

/// An STS that cannot give out one of the roles.
fn refuse_sts_of_another_partition(aws: &Aws, config: &Config, out: Out) {
    let Some(At { line, value: region }) = &aws.sts_region else { return };
    let accounts = config.accounts.iter().map(|account| &account.login);
    let others = config.organization.iter().map(|organization| &organization.login);
    let own = partition::of_region(region);
    let other = accounts.chain(others).chain(&config.monitoring_account).find_map(|login| {
        let role = role_partition(login)?;
        (role != own).then(|| format!("expected a region of {role}, as {}.role_arn", login.key))
    });
    if let Some(expected) = other {
        let message = format!("found {region} of the partition {own}, {expected}");
        out.push(Complaint::new(*line, "aws.sts_region".into(), message));
    }
}

fn aws(aws: &Aws, config: &Config, out: Out) -> AwsPlan {
    refuse_sts_of_another_partition(aws, config, out);
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
