//! Counts and times every HTTP attempt the SDK makes, retries included, and reads AWS's clock off it.

use super::error::of_code;
use crate::clock::Stopwatch;
use crate::model::observation::ErrorClass;
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
use http::Uri;
use http_body_util::Limited;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The URL of the newest attempt.
pub(super) type Host = Arc<Mutex<Option<Uri>>>;

/// Of one answer. The largest real one, 100,800 datapoints, has about 2 MiB.
const MOST_BYTES: usize = 16 << 20;

pub(super) struct Meter {
    telemetry: Telemetry,
    /// The Date header of the newest answer, in seconds since the epoch.
    server_time: Arc<AtomicI64>,
    /// Where the newest attempt was sent.
    host: Host,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

impl Meter {
    pub(super) fn new(telemetry: &Telemetry, server_time: &Arc<AtomicI64>, host: &Host) -> Meter {
        Meter { telemetry: telemetry.clone(), server_time: server_time.clone(), host: host.clone() }
    }
}

/// When an attempt was sent, and whether it has been counted: the next one may fail before it is sent.
#[derive(Debug)]
struct Started(Stopwatch, AtomicBool);

impl Storable for Started {
    type Storer = StoreReplace<Started>;
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    /// What ends before this, for want of keys or of a valid URL, was never sent and is not counted.
    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let host = context.request().uri().parse().ok();
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = host;
        config.interceptor_state().store_put(Started(Stopwatch::start(), AtomicBool::new(false)));
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
        let started = config.load::<Started>().filter(|started| !started.1.swap(true, Ordering::Relaxed));
        if let (Some(call), Some(Started(stopwatch, _))) = (config.load::<Metadata>(), started) {
            self.telemetry.aws_request(call.service(), call.name(), outcome(context), stopwatch.seconds());
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
    let is_timeout = matches!(answer, Some(Err(error)) if error.is_timeout_error());
    let Some(response) = context.response().filter(|_| !is_timeout) else {
        return Err(if is_timeout { ErrorClass::Timeout } else { ErrorClass::Network });
    };
    let Some(body) = response.body().bytes().map(String::from_utf8_lossy) else {
        return Err(ErrorClass::Network);
    };
    let headers = ["x-amzn-query-error", "x-amzn-errortype"];
    let named = headers.iter().find_map(|name| response.headers().get(*name));
    let code = code_in(named.unwrap_or(after_key(&body)));
    Err(of_code(code).unwrap_or(match response.status().as_u16() {
        429 => ErrorClass::Throttled,
        500.. => ErrorClass::Server,
        400.. if !code.is_empty() => ErrorClass::Other,
        _ => ErrorClass::Malformed,
    }))
}

/// What follows the key of the code in an error's body, whichever protocol it is in.
fn after_key(body: &str) -> &str {
    let keys = ["__type", "<Code>"];
    keys.iter().find_map(|key| body.split_once(key)).map_or("", |(_, after)| after)
}

/// The first word, without the namespace before it: `com.amazonaws.x#ThrottlingException;…`.
fn code_in(text: &str) -> &str {
    let end = |c: char| matches!(c, '<' | ';' | ',' | '}');
    let text = text.split(end).next().unwrap_or_default();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.rfind(|word| word.len() > 3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_from_its_own_field_and_no_other() {
        let json =
            r#"{"__type":"com.amazon.coral#AccessDeniedException","message":"not ThrottlingException"}"#;
        assert_eq!(code_in(after_key(json)), "AccessDeniedException");
        let xml = "<Error><Code>ExpiredToken</Code><Message>Throttling</Message></Error>";
        assert_eq!(code_in(after_key(xml)), "ExpiredToken");
        assert_eq!(code_in(after_key("<html>Throttling</html>")), "");
        assert_eq!(code_in("Throttling;Sender"), "Throttling");
    }
}
