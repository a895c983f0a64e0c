//! Where keys come from: the places that every AWS tool looks at, in the same order.

use super::endpoints::{self, OF_SESSIONS};
use super::error;
use super::files::{Files, look};
use super::http::variable;
use super::profiles::{self, Base, Recipe};
use super::sts::{Role, Sts};
use super::told::Log;
use crate::model::arn::Arn;
use crate::model::observation::CollectError;
use crate::model::partition;
use crate::model::time::Timestamp;
use crate::plan::AwsPlan;
use crate::readings::Readings;
use crate::telemetry::Telemetry;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use std::env::{self, VarError};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::timeout;

/// Files of sessions, and of a container's token, that the SDK reads.
static CACHES: Readings = Readings::new();
static TOKENS: Readings = Readings::new();

/// What it takes to get keys: the environment's configuration, and the region of STS.
pub(super) struct Sources {
    pub(super) config: SdkConfig,
    pub(super) plan: AwsPlan,
    pub(super) telemetry: Telemetry,
    /// Where STS is asked, by `aws.sts_region`, the profile or the environment.
    pub(super) region: String,
    /// What was said of credentials that failed.
    pub(super) log: Arc<Log>,
}

impl Sources {
    /// What the SDK takes for the time, to hold it against the expiry of keys.
    pub(super) fn clock(&self) -> SystemTime {
        self.config.time_source().map_or(SystemTime::UNIX_EPOCH, |source| source.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        let since = self.clock().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_secs() as i64)
    }

    pub(super) fn sts(&self) -> Sts {
        Sts {
            config: self.config.clone(),
            plan: self.plan.clone(),
            telemetry: self.telemetry.clone(),
            region: self.region.clone(),
        }
    }

    /// STS where the role is known: each partition has its own.
    pub(super) fn sts_for(&self, role: &str) -> Sts {
        let partition = Arn::parse(role).map_or("aws", |arn| arn.partition);
        let is_there = self.plan.sts_region.is_some() || partition::of_region(&self.region) == partition;
        let region = if is_there { self.region.clone() } else { partition::home(partition).to_string() };
        Sts { region, ..self.sts() }
    }

    /// The keys that the SDKs call default. A profile that AWS_PROFILE names must be there, whatever else is.
    pub(super) async fn current(&self) -> Result<Keys, CollectError> {
        if variable("AWS_PROFILE").is_none()
            && let Some(keys) = of_variables().await?
        {
            // Nobody asks for what the files hold.
            return Ok(keys);
        }
        let files = Files::read().await.map_err(error::no_credentials)?;
        let profiles = &files.profiles;
        let selected = profiles.selected_profile();
        if selected != "default" && profiles.get_profile(selected).is_none() {
            return Err(error::no_credentials(format_args!(
                "AWS_PROFILE: the profile {selected} is neither in the AWS config file nor in the AWS credentials file"
            )));
        }
        if let Some(keys) = of_variables().await? {
            return Ok(keys);
        }
        if profiles.get_profile(selected).is_some() {
            let recipe = profiles::recipe(profiles, selected).map_err(error::no_credentials)?;
            if let Some(keys) = self.follow(recipe, &files).await? {
                return Ok(keys);
            }
        }
        if let (Some(file), Some(arn)) = (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), variable("AWS_ROLE_ARN")) {
            let session_name = variable("AWS_ROLE_SESSION_NAME");
            let role = Role { arn, external_id: None, session_name, duration: None };
            return self.sts_for(&role.arn).assume_by_token(&role, &file).await;
        }
        if let Some(keys) = self.container().await? {
            return Ok(keys);
        }
        match self.instance().await? {
            Some(keys) => Ok(keys),
            None => Err(error::no_credentials(
                "none in the environment's variables, in a profile, as a web identity, or of a container or an instance",
            )),
        }
    }

    /// The keys of a profile, or why it has none.
    pub(super) async fn profile(&self, name: &str) -> Result<Keys, CollectError> {
        let files = Files::read().await.map_err(error::no_credentials)?;
        let recipe = profiles::recipe(&files.profiles, name).map_err(error::no_credentials)?;
        let keys = self.follow(recipe, &files).await?;
        keys.ok_or_else(|| error::no_credentials(format_args!("the profile {name} holds no credentials")))
    }

    async fn follow(&self, recipe: Recipe, files: &Files) -> Result<Option<Keys>, CollectError> {
        let keys = match recipe.base {
            Base::Keys(keys) => Some(keys),
            Base::Environment => of_variables().await?,
            Base::Container => self.container().await?,
            Base::Instance => self.instance().await?,
            Base::Token { role, file } => Some(self.sts_for(&role.arn).assume_by_token(&role, &file).await?),
            Base::Process(process) => Some(process.keys(self.plan.operation_timeout).await?),
            Base::Sdk { profile, cache } => {
                if let Some((path, writer)) = cache {
                    let unreadable =
                        |wrong| error::no_credentials(format_args!("{wrong} (`{writer}` writes it)"));
                    look(&CACHES, &path).await.map_err(unreadable)?;
                }
                for service in OF_SESSIONS {
                    endpoints::check_of(service, &self.config, Some(&files.profiles), &profile)
                        .map_err(error::no_credentials)?;
                }
                let provider = ProfileFileCredentialsProvider::builder().configure(&self.provider_config());
                let provider = provider.profile_files(files.contents.clone()).profile_name(&profile).build();
                let keys = provider.provide_credentials();
                self.in_time(&format!("the profile {profile}"), async { found(keys.await) }).await?
            }
        };
        let Some(mut keys) = keys else { return Ok(None) };
        for role in &recipe.roles {
            keys = self.sts_for(&role.arn).assume(keys, role).await?;
        }
        Ok(Some(keys))
    }

    /// ECS, and EKS Pod Identity.
    async fn container(&self) -> Result<Option<Keys>, CollectError> {
        const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        let endpoints = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        let told = endpoints.into_iter().find_map(|name| Some((name, variable(name)?)));
        if let Some(file) = variable(TOKEN_FILE).filter(|_| told.is_some()) {
            let unreadable = |wrong| error::no_credentials(format_args!("{TOKEN_FILE}: {wrong}"));
            look(&TOKENS, Path::new(&file)).await.map_err(unreadable)?;
        }
        let provider = EcsCredentialsProvider::builder().configure(&self.provider_config()).build();
        let provided = async {
            match (provider.provide_credentials().await, told) {
                (Err(error @ CredentialsError::InvalidConfiguration(_)), Some((name, uri))) => {
                    Err(error::of_container(name, &uri, &error))
                }
                (provided, _) => found(provided),
            }
        };
        self.in_time("the container's endpoint", provided).await
    }

    async fn instance(&self) -> Result<Option<Keys>, CollectError> {
        let provider = ImdsCredentialsProvider::builder().configure(&self.provider_config()).build();
        self.in_time("the instance's metadata", async { found(provider.provide_credentials().await) }).await
    }

    /// Gives up what one of the SDK's own ways takes longer for than a call may; not all of them are bounded.
    async fn in_time<T>(
        &self,
        who: &str,
        keys: impl Future<Output = Result<T, CollectError>>,
    ) -> Result<T, CollectError> {
        let most = self.plan.operation_timeout;
        let late = |_| {
            let most = most.as_secs();
            error::no_credentials(format_args!("{who} took longer than {most} s (aws.operation_timeout)"))
        };
        timeout(most, keys).await.map_err(late)?
    }

    /// The exporter's own HTTP client and timeouts, for the SDK's own ways to keys.
    fn provider_config(&self) -> ProviderConfig {
        let mut config = ProviderConfig::without_region()
            .with_region(Some(Region::new(self.region.clone())))
            .with_use_fips(self.config.use_fips())
            .with_use_dual_stack(self.config.use_dual_stack());
        if let Some(http) = self.config.http_client() {
            config = config.with_http_client(http);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            config = config.with_timeout_config(timeouts.clone());
        }
        config
    }
}

/// Those of AWS_ACCESS_KEY_ID and its like.
async fn of_variables() -> Result<Option<Keys>, CollectError> {
    const NAMES: [&str; 4] =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    // The SDK would repeat the bytes, and pass a token by.
    let is_read =
        |name: &&str| *name != "SECRET_ACCESS_KEY" || env::var_os("AWS_SECRET_ACCESS_KEY").is_none();
    let is_none = |name: &&str| matches!(env::var(name), Err(VarError::NotUnicode(_)));
    if let Some(name) = NAMES.into_iter().filter(is_read).find(is_none) {
        return Err(error::no_credentials(format_args!(
            "found bytes that are not UTF-8 in {name}, expected text"
        )));
    }
    found(EnvironmentVariableCredentialsProvider::new().provide_credentials().await)
}

/// `None`: this place has no keys, and the next one may have some.
fn found(provided: Result<Keys, CredentialsError>) -> Result<Option<Keys>, CollectError> {
    match provided {
        Ok(keys) => Ok(Some(keys)),
        Err(CredentialsError::CredentialsNotLoaded(_)) => Ok(None),
        Err(error) => Err(error::of_provider(&error)),
    }
}
