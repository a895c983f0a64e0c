//! A client of one service in one region: the SDK's own, with its keys, its meter, and the host that it called last.

use super::error;
use super::http;
use super::meter::Host;
use crate::model::observation::CollectError;
use ::http::Uri;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::ops::Deref;
use std::sync::PoisonError;

/// A server, and the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    pub host: String,
    /// `direct`, or the proxy.
    pub route: String,
}

/// A client of the SDK that remembers which server it sent to last, for messages.
pub struct Client<C> {
    pub(super) sdk: C,
    pub(super) host: Host,
}

impl<C> Deref for Client<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.sdk
    }
}

impl<C> Client<C> {
    /// What went wrong with a call of this client.
    pub(super) fn failed<E>(&self, what: &str, error: SdkError<E, HttpResponse>) -> CollectError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let host = self.last().as_ref().map(http::authority);
        error::classify(what, host.as_deref(), error)
    }

    /// Where the newest attempt was sent.
    fn last(&self) -> Option<Uri> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the newest call went, and how.
    pub(super) fn way(&self) -> Option<Way> {
        let uri = self.last()?;
        Some(Way { host: http::authority(&uri), route: http::route(&uri) })
    }
}

/// Builds a service's client: the region, its endpoint override, its keys, the meter, and a retry budget of its
/// own, so that a failing target cannot spend the retries of the others.
macro_rules! client {
    ($sdk:ident, $session:expr, $target:expr, $endpoint:expr, $server_time:expr, $keys:expr) => {{
        let host = $crate::aws::meter::Host::default();
        let meter = $crate::aws::meter::Meter::new(&$session.telemetry, $server_time, &host);
        let mut config = $sdk::config::Builder::from(&$session.config)
            .region(aws_config::Region::new($target.region.to_string()))
            .retry_partition(aws_smithy_runtime::client::retries::RetryPartition::new(format!(
                "{}-{}",
                stringify!($sdk),
                $target
            )))
            .identity_cache(aws_sdk_cloudwatch::config::IdentityCache::no_cache())
            .interceptor(aws_sdk_cloudwatch::config::SharedInterceptor::new(meter));
        if let Some(keys) = $keys {
            config = config.credentials_provider(keys);
        }
        if let Some(url) = $endpoint {
            config = config.endpoint_url(url);
        }
        $crate::aws::client::Client { sdk: $sdk::Client::from_conf(config.build()), host }
    }};
}
pub(super) use client;
