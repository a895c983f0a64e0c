//! Asking for more: the one call that changes something, made only by `increase --submit`.

use super::connection::Connection;
use super::error::malformed;
use super::service_quotas::SERVICE;
use crate::model::observation::CollectError;
use aws_sdk_cloudwatch::error::SdkError;

/// As IAM spells it.
pub const PERMISSION: &str = "servicequotas:RequestServiceQuotaIncrease";
/// A code that no quota has.
const NO_QUOTA: &str = "L-00000000";

/// A request that AWS has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Requested {
    pub id: String,
    /// As AWS spells it: `PENDING`, …
    pub status: String,
}

impl Connection {
    /// Whether the credentials may ask for more. AWS looks at permissions before it looks the quota up, so a request
    /// for a quota that does not exist tells, and nobody can grant it.
    ///
    /// # Errors
    /// If they may not, or AWS cannot be asked.
    pub async fn may_request(&self) -> Result<(), CollectError> {
        let client = self.service_quotas();
        let call = client.request_service_quota_increase().service_code(SERVICE).quota_code(NO_QUOTA);
        match call.desired_value(1.0).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_resource_exception() => Ok(()),
            Err(error) => Err(client.failed(PERMISSION, error)),
        }
    }

    /// Asks for more.
    ///
    /// # Errors
    /// As AWS words them: a request is open already, the value is too low.
    pub async fn request_increase(&self, code: &str, value: f64) -> Result<Requested, CollectError> {
        let client = self.service_quotas();
        let call = client.request_service_quota_increase().service_code(SERVICE).quota_code(code);
        let answer = call.desired_value(value).send().await;
        let answer = answer.map_err(|error| client.failed(PERMISSION, error))?;
        let request = answer.requested_quota.ok_or_else(|| malformed(PERMISSION, "no RequestedQuota"))?;
        let status = request.status.as_ref().map_or("no status", |status| status.as_str()).to_string();
        Ok(Requested { id: request.id.unwrap_or_default(), status })
    }
}
