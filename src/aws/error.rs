//! What went wrong, in one of a closed set of classes.

use crate::model::snapshot::{CollectError, ErrorClass};
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;

/// Sorts an SDK error. `what` names the call, for example `bedrock:ListFoundationModels`.
pub(super) fn classify<E>(what: &str, error: SdkError<E, HttpResponse>) -> CollectError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = &error {
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or("");
        let message = service.err().message().unwrap_or("no message");
        let class = of_code(code).unwrap_or(if status >= 500 {
            ErrorClass::Server
        } else if code.is_empty() {
            ErrorClass::Malformed
        } else {
            ErrorClass::Other
        });
        let code = if code.is_empty() { "no error code" } else { code };
        return CollectError { class, message: format!("{what}: HTTP {status}, {code}: {message}") };
    }
    let class = match &error {
        SdkError::TimeoutError(_) => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_io() => ErrorClass::Network,
        SdkError::ResponseError(response) if response.raw().status().as_u16() >= 500 => ErrorClass::Server,
        SdkError::ResponseError(_) => ErrorClass::Malformed,
        _ => ErrorClass::Other,
    };
    let causes = causes(&error);
    // Credentials fail inside the dispatch: what STS or the provider said is deeper in the chain.
    let class = match class {
        ErrorClass::Other | ErrorClass::Network => of_chain(&causes).unwrap_or(class),
        ErrorClass::Malformed => of_body(&causes).unwrap_or(class),
        class => class,
    };
    CollectError { class, message: format!("{what}: {}", causes.join(": ")) }
}

/// An answer of HTTP 200 that cannot be what AWS means.
pub(super) fn malformed(what: &str, found: impl std::fmt::Display) -> CollectError {
    CollectError { class: ErrorClass::Malformed, message: format!("{what}: {found}") }
}

/// AWS's error codes, whichever service they come from.
fn of_code(code: &str) -> Option<ErrorClass> {
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
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "RegionDisabledException"
        | "SubscriptionRequiredException" => ErrorClass::AccessDenied,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => ErrorClass::ExpiredCredentials,
        "RequestExpired"
        | "RequestTimeTooSkewed"
        | "RequestInTheFuture"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => ErrorClass::ClockSkew,
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

/// The class of the first error code that a text names.
pub(super) fn of_text(text: &str) -> Option<ErrorClass> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find_map(of_code)
}

fn of_chain(causes: &[String]) -> Option<ErrorClass> {
    causes.iter().find_map(|cause| of_text(cause)).or_else(|| {
        let text = causes.join(" ").to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match has(&["credential", "identity"]) {
            // The role is fine: STS could not be reached.
            true if has(&["timeout", "timed out"]) => Some(ErrorClass::Timeout),
            true if has(&["io error", "connect"]) => Some(ErrorClass::Network),
            true => Some(ErrorClass::ExpiredCredentials),
            false => None,
        }
    })
}

/// The class of an answer whose body did not come to its end.
fn of_body(causes: &[String]) -> Option<ErrorClass> {
    let has = |words: &str| causes.iter().any(|cause| cause.contains(words));
    if has("minimum throughput") {
        return Some(ErrorClass::Timeout);
    }
    has("body from connection").then_some(ErrorClass::Network)
}

/// The messages of an error and what caused it, each once, without the SDK's own wrapping.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_throttling_code_of_the_services_read_is_throttled() {
        for code in ["Throttling", "ThrottlingException", "TooManyRequestsException"] {
            assert_eq!(of_code(code), Some(ErrorClass::Throttled), "{code}");
        }
    }

    #[test]
    fn a_code_deep_in_the_chain_names_the_class() {
        let causes = vec![
            "dispatch failure".to_string(),
            "an error occurred while loading credentials".to_string(),
            "AccessDenied: not authorized to perform sts:AssumeRole".to_string(),
        ];
        assert_eq!(of_chain(&causes), Some(ErrorClass::AccessDenied));
    }

    #[test]
    fn no_credentials_at_all_are_a_matter_of_credentials() {
        let causes = vec!["dispatch failure".to_string(), "no credentials in the provider chain".to_string()];
        assert_eq!(of_chain(&causes), Some(ErrorClass::ExpiredCredentials));
    }

    #[test]
    fn an_sts_that_cannot_be_reached_is_no_matter_of_credentials() {
        let class = |cause: &str| {
            let chain = ["dispatch failure", "an error occurred while loading credentials", cause];
            of_chain(&chain.map(String::from))
        };
        assert_eq!(class("connection closed before message completed"), Some(ErrorClass::Network));
        assert_eq!(class("operation attempt timeout occurred after 15s"), Some(ErrorClass::Timeout));
        assert_eq!(class("the profile has no role"), Some(ErrorClass::ExpiredCredentials));
    }

    #[test]
    fn an_unknown_chain_stays_unknown() {
        assert_eq!(of_chain(&["connection reset by peer".to_string()]), None);
    }
}
