//! Counts and times every HTTP attempt the SDK makes, retries included, and reads AWS's clock off it.

use super::error::of_text;
use crate::clock::Stopwatch;
use crate::model::snapshot::ErrorClass;
use crate::telemetry::Telemetry;
use aws_sdk_cloudwatch::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_cloudwatch::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudwatch::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use http_body_util::Limited;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Of one answer. The largest real one, 100,800 datapoints, has about 2 MiB.
const MOST_BYTES: usize = 16 << 20;

pub(super) struct Meter {
    telemetry: Telemetry,
    /// The Date header of the newest answer, in seconds since the epoch.
    server_time: Arc<AtomicI64>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

impl Meter {
    pub(super) fn new(telemetry: &Telemetry, server_time: &Arc<AtomicI64>) -> Meter {
        Meter { telemetry: telemetry.clone(), server_time: server_time.clone() }
    }
}

#[derive(Debug)]
struct Started(Stopwatch);

impl Storable for Started {
    type Storer = StoreReplace<Started>;
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Started(Stopwatch::start()));
        Ok(())
    }

    /// A body that never ends would otherwise be read into memory to its end.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, MOST_BYTES));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().and_then(|response| response.headers().get("date"));
        if let Some(Ok(date)) = date.map(|date| DateTime::from_str(date, DateTimeFormat::HttpDate)) {
            self.server_time.store(date.secs(), Ordering::Relaxed);
        }
        let seconds = config.load::<Started>().map_or(0.0, |started| started.0.seconds());
        if let Some(call) = config.load::<Metadata>() {
            self.telemetry.aws_request(call.service(), call.name(), outcome(context), seconds);
        }
        Ok(())
    }
}

/// What became of one HTTP attempt.
fn outcome(context: &FinalizerInterceptorContextRef<'_>) -> Result<(), ErrorClass> {
    let answer = context.output_or_error();
    if matches!(answer, Some(Ok(_))) {
        return Ok(());
    }
    let Some(response) = context.response() else {
        let timeout = matches!(answer, Some(Err(error)) if error.is_timeout_error());
        return Err(if timeout { ErrorClass::Timeout } else { ErrorClass::Network });
    };
    let headers = ["x-amzn-query-error", "x-amzn-errortype"];
    let named = headers.iter().filter_map(|name| response.headers().get(*name));
    let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let class = named.chain([body.as_ref()]).find_map(of_text);
    Err(class.unwrap_or(match response.status().as_u16() {
        429 => ErrorClass::Throttled,
        500.. => ErrorClass::Server,
        400.. => ErrorClass::Other,
        _ => ErrorClass::Malformed,
    }))
}
