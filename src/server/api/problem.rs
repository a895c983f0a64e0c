//! Why a request is refused, as RFC 9457 has it.

use crate::api::described::described;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

described! {
    /// Why a request is refused (RFC 9457). Where no page tells more about a problem, its title is that of its status.
    Problem {
        #[serde(rename = "type")]
        kind: &'static str,
        title: &'static str,
        status: u16,
        detail: String,
        /// The parameter that is to blame, where one is.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter: Option<String>,
    }
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: String) -> Problem {
        let title = status.canonical_reason().unwrap_or_default();
        Problem { kind: "about:blank", title, status: status.as_u16(), detail, parameter: None }
    }

    pub(super) fn bad(parameter: &str, detail: String) -> Problem {
        Problem { parameter: Some(parameter.to_string()), ..Problem::new(StatusCode::BAD_REQUEST, detail) }
    }

    pub(super) fn not_found(parameter: &str, detail: String) -> Problem {
        Problem { parameter: Some(parameter.to_string()), ..Problem::new(StatusCode::NOT_FOUND, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [
            (CONTENT_TYPE, "application/problem+json"),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, headers, body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

pub(super) async fn no_such_path() -> Problem {
    let detail = "expected /api/v1/headroom, throttled, minutes, export, quotas, models, findings, targets or openapi.json";
    Problem::new(StatusCode::NOT_FOUND, detail.to_string())
}

pub(super) async fn only_get() -> Response {
    let detail = "only GET and HEAD are answered".to_string();
    ([(ALLOW, "GET,HEAD")], Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)).into_response()
}

/// What is answered where no place became free for the request.
pub(in crate::server) fn busy() -> Response {
    let detail = "too many requests are being answered".to_string();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
}
