//! The credentials of one account, and its clients of the services that have no regions.

use super::client::{Client, client};
use super::error;
use super::sts::Identity;
use super::wallet::{KeysOf, Wallet};
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::time::Timestamp;
use crate::plan::AwsPlan;
use crate::telemetry::Telemetry;
use aws_config::SdkConfig;
use std::sync::Arc;

/// One set of credentials. Its clients in every region share one HTTP client and one wallet, so a role is assumed
/// once per refresh, however many regions it is used in.
pub struct Session {
    pub(super) config: SdkConfig,
    pub(super) plan: AwsPlan,
    pub(super) telemetry: Telemetry,
    pub(super) region: Option<String>,
    pub(super) wallet: Arc<Wallet>,
}

impl Session {
    /// The region of its profile, or the environment's.
    pub fn region(&self) -> Option<String> {
        self.region.clone()
    }

    /// The account these credentials belong to, as STS says it.
    pub async fn account_id(&self, now: Timestamp) -> Result<String, CollectError> {
        let account = self.wallet.renew(now).await?;
        account.ok_or_else(|| error::malformed("sts:GetCallerIdentity", "the answer has no Account"))
    }

    /// Asks STS, whatever is known already.
    pub async fn identity(&self, now: Timestamp) -> Result<Identity, CollectError> {
        let keys = self.wallet.keys_at(now).await?;
        self.wallet.sts().identity(keys).await
    }

    /// Keys for calls about an account; an empty id is any account.
    pub(super) fn keys(&self, account: &Arc<str>) -> KeysOf {
        KeysOf { wallet: self.wallet.clone(), account: account.clone() }
    }

    pub(super) fn account(&self, region: &str) -> Client<aws_sdk_account::Client> {
        let target = Target::new("", region);
        let keys = Some(self.keys(&target.account_id));
        client!(aws_sdk_account, self, target, &self.plan.account_url, &Arc::default(), keys)
    }

    pub(super) fn oam(&self, region: &str) -> Client<aws_sdk_oam::Client> {
        let target = Target::new("", region);
        let keys = Some(self.keys(&target.account_id));
        client!(aws_sdk_oam, self, target, &self.plan.oam_url, &Arc::default(), keys)
    }

    pub(super) fn organizations(&self, region: &str) -> Client<aws_sdk_organizations::Client> {
        let target = Target::new("", region);
        let keys = Some(self.keys(&target.account_id));
        client!(aws_sdk_organizations, self, target, &self.plan.organizations_url, &Arc::default(), keys)
    }
}
