//! AWS: credentials, clients and calls, one file per service. No SDK type leaves this module.

pub mod account;
pub mod bedrock;
pub mod cloudwatch;
mod error;
mod meter;
pub mod oam;
pub mod organizations;
mod pages;
pub mod service_quotas;

use crate::model::ids::Target;
use crate::model::snapshot::CollectError;
use crate::model::time::Timestamp;
use crate::plan::{AwsPlan, Credentials};
use crate::telemetry::Telemetry;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudwatch::config::{
    Credentials as Keys, IdentityCache, SharedCredentialsProvider, SharedHttpClient, SharedInterceptor,
};
use aws_smithy_http_client::tls;
use aws_smithy_runtime::client::retries::RetryPartition;
use oam::Links;
use pages::Pace;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Kept open to each host, one for each service and region; each holds on to buffers of its largest answer.
const IDLE_CONNECTIONS: usize = 8;

/// One set of credentials. Its clients in every region share one HTTP client and one identity cache,
/// so a role is assumed once per refresh, however many regions it is used in.
pub struct Session {
    config: SdkConfig,
    plan: AwsPlan,
    telemetry: Telemetry,
}

/// The way to one target. The SDK's clients take some 40 KiB each, so they live as long as a collection;
/// what they share (connections, credentials, retry budgets) lives on.
#[derive(Clone)]
pub struct Connection {
    pub target: Target,
    session: Arc<Session>,
    pub telemetry: Telemetry,
    server_time: Arc<AtomicI64>,
    paces: Paces,
    /// Of the monitoring account, where that one reads the metrics.
    links: Option<Arc<Links>>,
}

/// The rates of CloudWatch in one account and region.
#[derive(Clone)]
struct Paces {
    list: Pace,
    data: Pace,
}

/// A monitoring account, as CloudWatch's cross-account observability has it: it reads the metrics of many.
pub struct Monitoring {
    session: Arc<Session>,
    /// By region: what is asked of it counts together, whichever account it is about.
    regions: BTreeMap<Arc<str>, (Paces, Arc<Links>)>,
}

/// The process-wide part: the environment's configuration, read once, with one HTTP client.
#[derive(Clone)]
pub struct Environment {
    config: SdkConfig,
    plan: AwsPlan,
    telemetry: Telemetry,
}

impl Environment {
    /// Reads the SDK's usual sources (environment variables, shared files) and lays `plan` over them.
    /// `region` keeps the SDK from looking for one, which outside EC2 takes seconds.
    pub async fn load(plan: &AwsPlan, region: Option<&str>, telemetry: &Telemetry) -> Environment {
        let http = aws_smithy_http_client::Builder::new()
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        Environment::on(http, plan, region, telemetry).await
    }

    /// The same for a new plan, over the HTTP client of this one.
    pub async fn reload(&self, plan: &AwsPlan, region: Option<&str>, telemetry: &Telemetry) -> Environment {
        match self.config.http_client() {
            Some(http) => Environment::on(http, plan, region, telemetry).await,
            None => Environment::load(plan, region, telemetry).await,
        }
    }

    async fn on(
        http: SharedHttpClient,
        plan: &AwsPlan,
        region: Option<&str>,
        telemetry: &Telemetry,
    ) -> Environment {
        let mut loader = loader(plan, http);
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_string()));
        }
        if let Some(keys) = &plan.simulated_keys {
            loader = loader.credentials_provider(Keys::new(keys, "simulated", None, None, "simulated AWS"));
        }
        let config = loader.load().await;
        Environment { config, plan: plan.clone(), telemetry: telemetry.clone() }
    }

    /// The region the SDK was told by its environment, if any.
    pub fn region(&self) -> Option<String> {
        self.config.region().map(|region| region.to_string())
    }

    /// Credentials for one account. Nothing is asked of AWS yet.
    pub async fn session(&self, credentials: &Credentials) -> Arc<Session> {
        let config = match credentials {
            Credentials::Default => self.config.clone(),
            Credentials::Profile(name) => match self.config.http_client() {
                Some(http) => loader(&self.plan, http).profile_name(name).load().await,
                None => self.config.clone(),
            },
            Credentials::Role { arn, external_id } => self.assume(arn, external_id.as_deref()).await,
        };
        Arc::new(Session { config, plan: self.plan.clone(), telemetry: self.telemetry.clone() })
    }

    async fn assume(&self, arn: &str, external_id: Option<&str>) -> SdkConfig {
        let region = self.config.region().cloned().unwrap_or_else(|| Region::from_static("us-east-1"));
        let mut sts = self.config.to_builder().region(region.clone());
        if let Some(url) = &self.plan.sts_url {
            sts = sts.endpoint_url(url);
        }
        let mut role = AssumeRoleProvider::builder(arn)
            .session_name("bedrock-quota-exporter")
            .region(region)
            .configure(&sts.build());
        if let Some(external_id) = external_id {
            role = role.external_id(external_id);
        }
        let provider = SharedCredentialsProvider::new(role.build().await);
        self.config
            .to_builder()
            .credentials_provider(provider)
            .identity_cache(IdentityCache::lazy().build())
            .build()
    }
}

fn loader(plan: &AwsPlan, http: SharedHttpClient) -> aws_config::ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(plan.connect_timeout)
        .operation_attempt_timeout(plan.attempt_timeout)
        .operation_timeout(plan.operation_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(plan.max_attempts))
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new("bedrock-quota-exporter") {
        loader = loader.app_name(name);
    }
    if let Some(url) = &plan.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader
}

/// Builds a service's client: the region, its endpoint override, the meter, and a retry budget of its
/// own, so that a failing target cannot spend the retries of the others.
macro_rules! client {
    ($sdk:ident, $session:expr, $target:expr, $endpoint:expr, $server_time:expr) => {{
        let mut config = $sdk::config::Builder::from(&$session.config)
            .region(Region::new($target.region.to_string()))
            .retry_partition(RetryPartition::new(format!("{}-{}", stringify!($sdk), $target)))
            .interceptor(SharedInterceptor::new(meter::Meter::new(&$session.telemetry, $server_time)));
        if let Some(url) = $endpoint {
            config = config.endpoint_url(url);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl Session {
    /// The region of its profile, or the environment's.
    pub fn region(&self) -> Option<String> {
        self.config.region().map(|region| region.to_string())
    }

    /// The account these credentials belong to (sts:GetCallerIdentity, which needs no permission).
    pub async fn account_id(&self, region: &str) -> Result<String, CollectError> {
        let target = Target::new("", region);
        let sts = client!(aws_sdk_sts, self, target, &self.plan.sts_url, &Arc::default());
        let what = "sts:GetCallerIdentity";
        let answer = sts.get_caller_identity().send().await.map_err(|e| error::classify(what, e))?;
        answer.account.ok_or_else(|| error::malformed(what, "the answer has no Account"))
    }

    fn account(&self, region: &str) -> aws_sdk_account::Client {
        let target = Target::new("", region);
        client!(aws_sdk_account, self, target, &self.plan.account_url, &Arc::default())
    }

    fn oam(&self, region: &str) -> aws_sdk_oam::Client {
        let target = Target::new("", region);
        client!(aws_sdk_oam, self, target, &self.plan.oam_url, &Arc::default())
    }

    fn organizations(&self, region: &str) -> aws_sdk_organizations::Client {
        let target = Target::new("", region);
        client!(aws_sdk_organizations, self, target, &self.plan.organizations_url, &Arc::default())
    }

    /// The way to one target of this account.
    pub fn connect(self: &Arc<Session>, target: &Target) -> Connection {
        Connection {
            target: target.clone(),
            session: self.clone(),
            telemetry: self.telemetry.clone(),
            server_time: Arc::default(),
            paces: Paces::new(),
            links: None,
        }
    }
}

impl Paces {
    fn new() -> Paces {
        Paces { list: Pace::new(cloudwatch::LIST_RATE), data: Pace::new(cloudwatch::DATA_RATE) }
    }
}

impl Monitoring {
    pub fn new(session: Arc<Session>) -> Monitoring {
        Monitoring { session, regions: BTreeMap::new() }
    }

    /// The way to one target of `account`, whose metrics the monitoring account reads.
    pub fn connect(&mut self, account: &Arc<Session>, target: &Target) -> Connection {
        let Monitoring { session, regions } = self;
        let region = &target.region;
        let (paces, links) = regions
            .entry(region.clone())
            .or_insert_with(|| (Paces::new(), Arc::new(Links::new(session.clone(), region))));
        Connection { paces: paces.clone(), links: Some(links.clone()), ..account.connect(target) }
    }
}

/// Where the services of a whole partition are.
fn home(region: &str) -> &'static str {
    const HOMES: [(&str, &str); 7] = [
        ("cn-", "cn-northwest-1"),
        ("us-gov-", "us-gov-west-1"),
        ("eusc-", "eusc-de-east-1"),
        ("us-iso-", "us-iso-east-1"),
        ("us-isob-", "us-isob-east-1"),
        ("eu-isoe-", "eu-isoe-west-1"),
        ("us-isof-", "us-isof-south-1"),
    ];
    let home = HOMES.iter().find(|(prefix, _)| region.starts_with(prefix));
    home.map_or("us-east-1", |(_, home)| home)
}

impl Connection {
    pub fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        let Connection { session, target, server_time, links, .. } = self;
        let reader = links.as_ref().map_or(session, |links| &links.session);
        client!(aws_sdk_cloudwatch, reader, target, &reader.plan.cloudwatch_url, server_time)
    }

    pub fn service_quotas(&self) -> aws_sdk_servicequotas::Client {
        let Connection { session, target, .. } = self;
        client!(aws_sdk_servicequotas, session, target, &session.plan.servicequotas_url, &Arc::default())
    }

    pub fn bedrock(&self) -> aws_sdk_bedrock::Client {
        let Connection { session, target, .. } = self;
        client!(aws_sdk_bedrock, session, target, &session.plan.bedrock_url, &Arc::default())
    }

    /// Whose metrics they are, where CloudWatch must be told.
    fn owner(&self) -> Option<&str> {
        self.links.as_ref().map(|_| &*self.target.account_id)
    }

    /// What CloudWatch's clock showed in its newest answer (the Date header) since it was last forgotten.
    pub fn server_time(&self) -> Option<Timestamp> {
        Some(self.server_time.load(Ordering::Relaxed)).filter(|at| *at != 0).map(Timestamp)
    }

    /// An answer of the last round says nothing about the clocks of this one.
    pub fn forget_server_time(&self) {
        self.server_time.store(0, Ordering::Relaxed);
    }
}
