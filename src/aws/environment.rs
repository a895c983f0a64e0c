//! The process-wide part: what the environment says of AWS, and the sessions of the accounts.

use super::endpoints;
use super::files::{self, Files};
use super::http::{self, variable};
use super::session::Session;
use super::sources::Sources;
use super::sts::Role;
use super::told::Log;
use super::wallet::{Source, Wallet};
use crate::model::partition;
use crate::plan::{AwsPlan, Credentials, Plan};
use crate::telemetry::Telemetry;
use anyhow::{Error, Result};
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
    log: Arc<Log>,
    /// As the environment tells it.
    region: Option<String>,
    /// The AWS CLI's files, or what is wrong with them.
    files: Result<Arc<Files>, String>,
    sources: Arc<Sources>,
    current: Arc<Wallet>,
}

impl Environment {
    /// Reads the usual sources (environment variables, the AWS CLI's files) and lays `plan` over them.
    /// `region`: where no region is told; with one the instance is not asked for its own, which outside EC2 takes
    /// seconds. An error names the variable, or the key of a profile, that cannot be followed.
    pub async fn load(plan: &AwsPlan, region: Option<&str>, telemetry: &Telemetry) -> Result<Environment> {
        Environment::over(http::client().await?, plan, region, telemetry).await
    }

    /// The same over any HTTP client, such as one whose answers are made up.
    pub async fn over(
        http: SharedHttpClient,
        plan: &AwsPlan,
        region: Option<&str>,
        telemetry: &Telemetry,
    ) -> Result<Environment> {
        Environment::on(http, Arc::default(), plan, region, telemetry).await
    }

    /// The same for a new plan, over the HTTP client of this one, and as if the log went on.
    pub async fn reload(
        &self,
        plan: &AwsPlan,
        region: Option<&str>,
        telemetry: &Telemetry,
    ) -> Result<Environment> {
        Environment::on(self.http.clone(), self.log.clone(), plan, region, telemetry).await
    }

    async fn on(
        http: SharedHttpClient,
        log: Arc<Log>,
        plan: &AwsPlan,
        fallback: Option<&str>,
        telemetry: &Telemetry,
    ) -> Result<Environment> {
        let files = Files::read().await.map(Arc::new);
        let of_profile = files.as_ref().ok().and_then(|files| files.profiles.get("region")).map(String::from);
        let told = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or(of_profile);
        let told = match (told, fallback) {
            (Some(told), _) => Some(told),
            (None, Some(_)) => None,
            // They may say where the instance is asked, and the SDK would read them for it.
            (None, None) if files.is_err() => None,
            (None, None) => {
                let instance = ImdsRegionProvider::builder().build();
                instance.region().await.map(|region| region.to_string())
            }
        };
        let region = told.clone().or(fallback.map(String::from));
        let config = loader(plan, http.clone(), region.as_deref(), &files).load().await;
        let profiles = files.as_ref().ok().map(|files| &files.profiles);
        let selected = profiles.map_or("default", ProfileSet::selected_profile);
        endpoints::check(plan, &config, profiles, selected).map_err(Error::msg)?;
        let sources = sources(&config, plan, telemetry, &log, region.as_deref());
        let source = match &plan.simulated_keys {
            Some(keys) => Source::Fixed(Keys::new(keys, "simulated", None, None, "simulated AWS")),
            None => Source::Current,
        };
        let current = Wallet::new("the environment".to_string(), source, &sources, false);
        let (plan, telemetry) = (plan.clone(), telemetry.clone());
        Ok(Environment { config, plan, telemetry, http, log, region, files, sources, current })
    }

    /// Refuses profiles with an endpoint that is none, as [`Environment::load`] does for the environment itself.
    pub async fn check_profiles(&self, plan: &Plan) -> Result<()> {
        let profiles = self.files.as_ref().ok().map(|files| &files.profiles);
        for name in plan.profiles() {
            let config = self.of_profile(name).await;
            endpoints::check(&self.plan, &config, profiles, name).map_err(Error::msg)?;
        }
        Ok(())
    }

    /// What the environment says where a profile is named.
    async fn of_profile(&self, name: &str) -> SdkConfig {
        let region = self.region_of(name);
        loader(&self.plan, self.http.clone(), region.as_deref(), &self.files).profile_name(name).load().await
    }

    /// The region that the environment tells, or the fallback.
    pub fn region(&self) -> Option<String> {
        self.region.clone()
    }

    /// Says of credentials that failed that nobody has them any more, once that is so.
    pub(crate) fn forget_unused(&self) {
        self.log.forget_unused();
    }

    /// Why the AWS CLI's files are not read, which may tell a region.
    pub fn unread(&self) -> Option<&str> {
        self.files.as_ref().err().map(String::as_str)
    }

    /// The region of a profile's own, or else the environment's.
    fn region_of(&self, profile: &str) -> Option<String> {
        let files = self.files.as_ref().ok();
        let own = files.and_then(|files| files.profiles.get_profile(profile)?.get("region"));
        own.map(String::from).or_else(|| self.region.clone())
    }

    /// Credentials for one account. Nothing is asked of AWS yet.
    pub async fn session(&self, credentials: &Credentials) -> Arc<Session> {
        let (config, region, sources) = match credentials {
            Credentials::Profile(name) => {
                let region = self.region_of(name);
                let config = self.of_profile(name).await;
                let sources = sources(&config, &self.plan, &self.telemetry, &self.log, region.as_deref());
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

fn sources(
    config: &SdkConfig,
    plan: &AwsPlan,
    telemetry: &Telemetry,
    log: &Arc<Log>,
    region: Option<&str>,
) -> Arc<Sources> {
    let region = plan.sts_region.as_deref().or(region).unwrap_or_else(|| partition::home("aws"));
    Arc::new(Sources {
        config: config.clone(),
        plan: plan.clone(),
        telemetry: telemetry.clone(),
        region: region.to_string(),
        log: log.clone(),
    })
}

/// The SDK's configuration without credentials: every client is given its own.
fn loader(
    plan: &AwsPlan,
    http: SharedHttpClient,
    region: Option<&str>,
    files: &Result<Arc<Files>, String>,
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
    loader.profile_files(files.as_ref().map_or_else(|_| files::none(), |files| files.contents.clone()))
}
