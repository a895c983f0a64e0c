//! What went wrong, in one of a closed set of classes.

use super::http::{Unreachable, chain};
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::redaction::{self, redacted};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::fmt::{self, Display};

/// What AWS answers to keys that it does not know, in the JSON protocols and in the query protocol.
const UNKNOWN_KEYS: [&str; 2] = ["UnrecognizedClientException", "InvalidClientTokenId"];
/// What they may mean: a region does not know the keys of accounts that have not enabled it.
const EITHER: &str = " (AWS does not know the keys, or their account has not enabled the region)";

/// What AWS answers to a signature, in the JSON protocols and in the query protocol, and what it says where it is wrong.
const WRONG_SIGNATURE: [&str; 2] = ["InvalidSignatureException", "SignatureDoesNotMatch"];
const MISMATCH: &str = "does not match the signature";
const ANOTHER_SECRET: &str =
    " (the secret access key is not the one of the access key id, or a proxy changes requests)";

/// Sorts an SDK error by its kind. `what` names the call, for example `bedrock:ListFoundationModels`, and `host` the
/// server that it was last sent to.
pub(super) fn classify<E>(what: &str, host: Option<&str>, error: SdkError<E, HttpResponse>) -> CollectError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    // The keys failed before anything was sent: that is told as what it is.
    if let Some(Refused(error)) = chain(&error).find_map(|link| link.downcast_ref()) {
        return error.clone();
    }
    let at = host.map(|host| format!(" by {host}")).unwrap_or_default();
    if let SdkError::ServiceError(service) = &error {
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or("");
        if code.is_empty() && speaks_otherwise(what, service.raw()) {
            return of_another_protocol(what, host, status);
        }
        if code.is_empty() {
            return of_a_stranger(what, host, status);
        }
        // Before anything is put behind it: what AWS repeats of a request reaches to the end.
        let message = redacted(service.err().message().unwrap_or("no message"));
        let class =
            of_code(code).unwrap_or(if status >= 500 { ErrorClass::Server } else { ErrorClass::Other });
        let either = match code {
            _ if UNKNOWN_KEYS.contains(&code) => EITHER,
            _ if WRONG_SIGNATURE.contains(&code) && message.contains(MISMATCH) => ANOTHER_SECRET,
            _ => "",
        };
        let message = format!("{what}: HTTP {status}, {code}: {message}{either}{}", of_host(code, host));
        return CollectError::new(class, message);
    }
    if let SdkError::ResponseError(response) = &error
        && speaks_otherwise(what, response.raw())
    {
        return of_another_protocol(what, host, response.raw().status().as_u16());
    }
    let class = match &error {
        SdkError::TimeoutError(_) => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_io() => ErrorClass::Network,
        SdkError::DispatchFailure(failure) if failure.as_other().is_some() => ErrorClass::Network,
        SdkError::ResponseError(response) if response.raw().status().as_u16() >= 500 => ErrorClass::Server,
        // The body did not come to its end: it was taken to be read, and never put back.
        SdkError::ResponseError(response) if response.raw().body().bytes().is_none() => of_body(&error),
        SdkError::ResponseError(_) => ErrorClass::Malformed,
        _ => ErrorClass::Other,
    };
    let why = match chain(&error).find_map(|link| link.downcast_ref::<Unreachable>()) {
        Some(unreachable) => unreachable.to_string(),
        None if class == ErrorClass::Timeout => {
            format!("no answer{at} in time: {}", causes(&error).join(": "))
        }
        None if class == ErrorClass::Malformed => causes(&error).join(": ") + &see(what, host),
        None => causes(&error).join(": ") + &at,
    };
    CollectError::new(class, format!("{what}: {why}"))
}

/// An error about keys on its way through the SDK, back to [`classify`].
#[derive(Debug)]
pub(super) struct Refused(pub(super) CollectError);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for Refused {}

/// No credentials could be got, and why.
pub(super) fn no_credentials(why: impl Display) -> CollectError {
    CollectError::new(ErrorClass::NoCredentials, why.to_string())
}

/// What one of the SDK's own ways to credentials says.
pub(super) fn of_provider(error: &CredentialsError) -> CollectError {
    let connector = chain(error).find_map(|link| link.downcast_ref::<ConnectorError>());
    let class = match (error, connector) {
        (CredentialsError::ProviderTimedOut(_), _) => ErrorClass::Timeout,
        (_, Some(connector)) if connector.is_timeout() => ErrorClass::Timeout,
        (_, Some(connector)) if connector.is_io() => ErrorClass::Network,
        _ => ErrorClass::NoCredentials,
    };
    CollectError::new(class, causes(error).join(": "))
}

/// A container's endpoint, told by that variable, that the SDK does not take. A path may be as secret as keys are.
pub(super) fn of_container(variable: &str, uri: &str, error: &CredentialsError) -> CollectError {
    let host = redaction::url(uri);
    let host = match host.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
        None => "no scheme and host".to_string(),
    };
    // The SDK ends with the whole of it.
    let why = chain(error).last().map(|why| why.to_string().replace(uri, "")).unwrap_or_default();
    no_credentials(format_args!("{variable}: found {host}: {}", why.trim_end_matches([':', ' '])))
}

/// The host, where AWS's own words do not tell that it is AWS who speaks.
fn of_host(code: &str, host: Option<&str>) -> String {
    match host {
        Some(host) if of_code(code).is_none() => format!(" (answered by {host})"),
        _ => String::new(),
    }
}

/// Whether the answer of CloudWatch is in another protocol than it was asked in.
fn speaks_otherwise(what: &str, answer: &HttpResponse) -> bool {
    let spoken = answer.headers().get("smithy-protocol");
    what.starts_with("cloudwatch") && answer.status().as_u16() < 500 && spoken != Some("rpc-v2-cbor")
}

fn of_another_protocol(what: &str, host: Option<&str>, status: u16) -> CollectError {
    let server = host.unwrap_or("the server");
    let message = format!(
        "{what}: HTTP {status}, and no answer in RPC v2 CBOR, the protocol that CloudWatch speaks since 2025: {server} \
         is not CloudWatch, or a simulation of an older one; see aws.endpoints.cloudwatch"
    );
    CollectError::new(ErrorClass::Malformed, message)
}

/// Every refusal of AWS has an error code: a page of HTML, a redirect, a gateway's 502 has none.
fn of_a_stranger(what: &str, host: Option<&str>, status: u16) -> CollectError {
    let class = if status >= 500 { ErrorClass::Server } else { ErrorClass::Malformed };
    let message = format!("{what}: HTTP {status}, and no error code as AWS gives one{}", see(what, host));
    CollectError::new(class, message)
}

/// What to look at where somebody else than AWS has answered.
fn see(what: &str, host: Option<&str>) -> String {
    let server = host.unwrap_or("the server");
    let service = what.split(':').next().unwrap_or_default();
    format!(
        ": {server} may be another server than AWS's, or a proxy before it; see aws.endpoints.{service}, \
         aws.endpoint_url and HTTPS_PROXY"
    )
}

/// An answer of HTTP 200 that cannot be what AWS means.
pub(super) fn malformed(what: &str, found: impl std::fmt::Display) -> CollectError {
    CollectError::new(ErrorClass::Malformed, format!("{what}: {found}"))
}

/// AWS's error codes, whichever service they come from.
pub(super) fn of_code(code: &str) -> Option<ErrorClass> {
    Some(match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "LimitExceededException" => ErrorClass::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "OptInRequired"
        | "SubscriptionRequiredException" => ErrorClass::AccessDenied,
        "RegionDisabledException" => ErrorClass::RegionDisabled,
        // The SDK signs by AWS's clock: a signature that does not match is another secret's.
        "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => ErrorClass::ExpiredCredentials,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => ErrorClass::ClockSkew,
        "InternalFailure"
        | "InternalServiceFault"
        | "InternalServerException"
        | "ServiceException"
        | "InternalServerError"
        | "InternalServiceError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => ErrorClass::Server,
        _ => return None,
    })
}

/// The class of an answer whose body did not come to its end: too slow, too large, or cut off.
fn of_body(error: &(dyn Error + 'static)) -> ErrorClass {
    let too_long = chain(error).any(|link| link.is::<http_body_util::LengthLimitError>());
    if too_long { ErrorClass::Malformed } else { ErrorClass::Network }
}

/// The messages of an error and what caused it, each once, without the SDK's own wrapping. Of a call that was never sent
/// only the innermost: the SDK's words for it hold the whole request, with its keys.
pub(super) fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    if let Some(why) = chain(error).last().filter(|_| is_unsent(error)) {
        return vec!["the request could not be made".to_string(), why.to_string()];
    }
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

fn is_unsent(error: &(dyn Error + 'static)) -> bool {
    let connector = chain(error).find_map(|link| link.downcast_ref::<ConnectorError>());
    let was_tried = chain(error).any(|link| link.is::<Unreachable>());
    connector.is_some_and(|connector| !connector.is_io() && !connector.is_timeout()) && !was_tried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_throttling_code_of_the_services_read_is_throttled() {
        for code in ["Throttling", "ThrottlingException", "TooManyRequestsException"] {
            assert_eq!(of_code(code), Some(ErrorClass::Throttled), "{code}");
        }
    }
}
