//! STS: keys of roles, and whose keys they are.

use super::client::{Client, Way, client};
use super::error;
use crate::config::read_again;
use crate::model::arn::Arn;
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::plan::AwsPlan;
use crate::readings::{PATIENCE, Readings};
use crate::telemetry::Telemetry;
use aws_config::SdkConfig;
use aws_credential_types::Credentials as Keys;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials as Issued, Tag};
use std::path::PathBuf;
use std::time::SystemTime;

const ASSUME: &str = "sts:AssumeRole";
const ASSUME_BY_TOKEN: &str = "sts:AssumeRoleWithWebIdentity";
const IDENTITY: &str = "sts:GetCallerIdentity";
/// What CloudTrail shows unless the config or the profile says otherwise.
const SESSION_NAME: &str = "bedrock-quota-exporter";

/// Kubernetes renews tokens: their files are read each time.
static TOKENS: Readings = Readings::new();

/// A role, as the config or a profile of the AWS CLI asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    /// `None`: the config's.
    pub(super) session_name: Option<String>,
    /// Seconds; `None`: the config's, or STS's own hour.
    pub(super) duration: Option<i32>,
}

/// Who some keys are, and how STS was reached.
pub struct Identity {
    pub account: String,
    pub arn: String,
    pub sts: Way,
}

/// STS in one region.
#[derive(Clone)]
pub(super) struct Sts {
    pub(super) config: SdkConfig,
    pub(super) plan: AwsPlan,
    pub(super) telemetry: Telemetry,
    pub(super) region: String,
}

impl Sts {
    /// Keys of a role, asked for with other keys.
    pub(super) async fn assume(&self, keys: Keys, role: &Role) -> Result<Keys, CollectError> {
        let sts = self.client(Some(keys));
        let call = sts.assume_role().role_arn(&role.arn).set_external_id(role.external_id.clone());
        let call = call.role_session_name(self.session_name(role)).set_duration_seconds(self.duration(role));
        let tags = self.plan.session_tags.iter().filter_map(|(key, value)| {
            // Both parts are there.
            Tag::builder().key(key).value(value).build().ok()
        });
        let tags: Vec<Tag> = tags.collect();
        let call = call.set_tags(Some(tags).filter(|tags| !tags.is_empty()));
        let answer = call.send().await.map_err(|e| sts.failed(ASSUME, e))?;
        keys_of(ASSUME, answer.credentials, answer.assumed_role_user)
    }

    /// Keys of a role, asked for with the token that a file holds, as a pod of Kubernetes has one.
    pub(super) async fn assume_by_token(&self, role: &Role, file: &str) -> Result<Keys, CollectError> {
        let path = PathBuf::from(file);
        let read = TOKENS.read(PATIENCE, move || read_again(&path)).await;
        let token = read.unwrap_or_else(|hanging| Err(hanging.to_string()));
        let unreadable = |wrong| error::no_credentials(format_args!("{ASSUME_BY_TOKEN}: {file}: {wrong}"));
        let token = token.map_err(unreadable)?;
        let sts = self.client(None);
        let call = sts.assume_role_with_web_identity().role_arn(&role.arn).web_identity_token(token.trim());
        let call = call.role_session_name(self.session_name(role)).set_duration_seconds(self.duration(role));
        let answer = call.send().await.map_err(|e| sts.failed(ASSUME_BY_TOKEN, e))?;
        keys_of(ASSUME_BY_TOKEN, answer.credentials, answer.assumed_role_user)
    }

    /// Whose the keys are, which no permission is needed to ask for.
    pub(super) async fn identity(&self, keys: Keys) -> Result<Identity, CollectError> {
        let sts = self.client(Some(keys));
        let answer = sts.get_caller_identity().send().await.map_err(|e| sts.failed(IDENTITY, e))?;
        let account =
            answer.account.ok_or_else(|| error::malformed(IDENTITY, "the answer has no Account"))?;
        let way = sts.way().ok_or_else(|| error::malformed(IDENTITY, "an answer from nowhere"))?;
        Ok(Identity { account, arn: answer.arn.unwrap_or_default(), sts: way })
    }

    fn session_name(&self, role: &Role) -> String {
        let named = role.session_name.as_ref().or(self.plan.session_name.as_ref());
        named.map_or(SESSION_NAME, String::as_str).to_string()
    }

    fn duration(&self, role: &Role) -> Option<i32> {
        role.duration.or(self.plan.session_duration.map(|duration| duration.as_secs() as i32))
    }

    fn client(&self, keys: Option<Keys>) -> Client<aws_sdk_sts::Client> {
        let target = Target::new("", &self.region);
        client!(aws_sdk_sts, self, target, &self.plan.sts_url, &std::sync::Arc::default(), keys)
    }
}

/// The account in the ARN of the role is the one that STS gave the keys for.
fn keys_of(what: &str, issued: Option<Issued>, user: Option<AssumedRoleUser>) -> Result<Keys, CollectError> {
    let Some(issued) = issued else { return Err(error::malformed(what, "the answer has no Credentials")) };
    let expires = SystemTime::try_from(issued.expiration)
        .map_err(|_| error::malformed(what, "an Expiration that no clock can show"))?;
    let account = user.as_ref().and_then(|user| Arn::parse(&user.arn)).map(|arn| arn.account.to_string());
    let mut keys = Keys::builder()
        .access_key_id(issued.access_key_id)
        .secret_access_key(issued.secret_access_key)
        .session_token(issued.session_token)
        .expiry(expires)
        .provider_name("sts");
    keys.set_account_id(account.map(Into::into));
    Ok(keys.build())
}
