//! The process-wide part: what the environment says of AWS, and the sessions of the accounts.

use super::http;
use super::profiles;
use super::session::Session;
use super::sources::{Sources, variable};
use super::sts::Role;
use super::wallet::{Source, Wallet};
use crate::model::partition;
use crate::plan::{AwsPlan, Credentials};
use crate::telemetry::Telemetry;
use anyhow::Result;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::profile::ProfileSet;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials as Keys;
use aws_sdk_cloudwatch::config::SharedHttpClient;
use std::sync::Arc;

/// The environment's configuration, read once, with one HTTP client and the current credentials.
#[derive(Clone)]
pub struct Environment {
    config: SdkConfig,
    plan: AwsPlan,
    telemetry: Telemetry,
    http: SharedHttpClient,
    /// As the environment tells it.
    region: Option<String>,
    /// The AWS CLI's files; what is wrong with them is told where credentials are asked for.
    profiles: Option<Arc<ProfileSet>>,
    sources: Arc<Sources>,
    current: Arc<Wallet>,
}

impl Environment {
    /// Reads the usual sources (environment variables, the AWS CLI's files) and lays `plan` over them.
    /// `region`: where no region is told; with one the instance is not asked for its own, which outside EC2 takes
    /// seconds. An error names the variable that cannot be followed.
    pub async fn load(plan: &AwsPlan, region: Option<&str>, telemetry: &Telemetry) -> Result<Environment> {
        Ok(Environment::on(http::client()?, plan, region, telemetry).await)
    }

    /// The same for a new plan, over the HTTP client of this one.
    pub async fn reload(&self, plan: &AwsPlan, region: Option<&str>, telemetry: &Telemetry) -> Environment {
        Environment::on(self.http.clone(), plan, region, telemetry).await
    }

    async fn on(
        http: SharedHttpClient,
        plan: &AwsPlan,
        fallback: Option<&str>,
        telemetry: &Telemetry,
    ) -> Environment {
        let profiles = profiles::read().await.ok().map(Arc::new);
        let of_profile = profiles.as_ref().and_then(|set| set.get("region")).map(String::from);
        let told = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or(of_profile);
        let told = match (told, fallback) {
            (Some(told), _) => Some(told),
            (None, Some(_)) => None,
            (None, None) => {
                let instance = ImdsRegionProvider::builder().build();
                instance.region().await.map(|region| region.to_string())
            }
        };
        let region = told.clone().or(fallback.map(String::from));
        let config = loader(plan, http.clone(), region.as_deref(), profiles.is_some()).load().await;
        let sources = sources(&config, plan, telemetry, region.as_deref());
        let source = match &plan.simulated_keys {
            Some(keys) => Source::Fixed(Keys::new(keys, "simulated", None, None, "simulated AWS")),
            None => Source::Current,
        };
        let current = Wallet::new("the environment".to_string(), source, &sources, false);
        let (plan, telemetry) = (plan.clone(), telemetry.clone());
        Environment { config, plan, telemetry, http, region, profiles, sources, current }
    }

    /// The region that the environment tells, or the fallback.
    pub fn region(&self) -> Option<String> {
        self.region.clone()
    }

    /// The region of a profile's own, or else the environment's.
    fn region_of(&self, profile: &str) -> Option<String> {
        let profiles = self.profiles.as_ref();
        let own = profiles.and_then(|set| set.get_profile(profile)?.get("region"));
        own.map(String::from).or_else(|| self.region.clone())
    }

    /// Credentials for one account. Nothing is asked of AWS yet.
    pub async fn session(&self, credentials: &Credentials) -> Arc<Session> {
        let (config, region, sources) = match credentials {
            Credentials::Profile(name) => {
                let region = self.region_of(name);
                let is_readable = self.profiles.is_some();
                let loader = loader(&self.plan, self.http.clone(), region.as_deref(), is_readable);
                let config = loader.profile_name(name).load().await;
                let sources = sources(&config, &self.plan, &self.telemetry, region.as_deref());
                (config, region, sources)
            }
            _ => (self.config.clone(), self.region.clone(), self.sources.clone()),
        };
        let source = match credentials {
            Credentials::Default => Source::Of(self.current.clone()),
            Credentials::Profile(name) => Source::Profile(name.clone()),
            Credentials::Role { arn, external_id } => {
                let (arn, external_id) = (arn.clone(), external_id.clone());
                Source::Role(
                    self.current.clone(),
                    Role { arn, external_id, session_name: None, duration: None },
                )
            }
        };
        let wallet = Wallet::new(credentials.who(), source, &sources, true);
        let (plan, telemetry) = (self.plan.clone(), self.telemetry.clone());
        Arc::new(Session { config, plan, telemetry, region, wallet })
    }
}

fn sources(config: &SdkConfig, plan: &AwsPlan, telemetry: &Telemetry, region: Option<&str>) -> Arc<Sources> {
    let region = plan.sts_region.as_deref().or(region).unwrap_or_else(|| partition::home("aws"));
    Arc::new(Sources {
        config: config.clone(),
        plan: plan.clone(),
        telemetry: telemetry.clone(),
        region: region.to_string(),
    })
}

/// The SDK's configuration without credentials: every client is given its own. `is_readable`: whether the AWS CLI's
/// files are; the SDK would wait for what hangs.
fn loader(
    plan: &AwsPlan,
    http: SharedHttpClient,
    region: Option<&str>,
    is_readable: bool,
) -> aws_config::ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(plan.connect_timeout)
        .operation_attempt_timeout(plan.attempt_timeout)
        .operation_timeout(plan.operation_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .no_credentials()
        .region(Region::new(region.unwrap_or_else(|| partition::home("aws")).to_string()))
        .retry_config(RetryConfig::standard().with_max_attempts(plan.max_attempts))
        .timeout_config(timeouts)
        // The time of an attempt bounds its answer, too.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Ok(name) = AppName::new("bedrock-quota-exporter") {
        loader = loader.app_name(name);
    }
    if let Some(url) = &plan.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if !is_readable {
        loader = loader.profile_files(profiles::no_files());
    }
    loader
}
