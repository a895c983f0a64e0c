//! What every request passes: the rate limit, then who asks; and the headers that every answer gets.

use super::users::{Admitted, Doorman};
use super::{Guard, Policy};
use crate::config::web::RateLimit;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What is remembered between requests, whatever the web configuration says meanwhile.
#[derive(Debug, Default)]
pub(super) struct Gate {
    bucket: Mutex<Option<Bucket>>,
    doorman: Doorman,
}

/// Requests that may be made at once, as of some time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Whether there is one for a request, and how the bucket looks then; else how long it takes until there is.
fn take(bucket: Option<Bucket>, limit: RateLimit, now: Instant) -> (Bucket, Result<(), Option<Duration>>) {
    let most = f64::from(limit.burst);
    let filled = bucket.map_or(most, |bucket| {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + passed / limit.interval.as_secs_f64()).min(most)
    });
    if filled >= 1.0 {
        return (Bucket { left: filled - 1.0, at: now }, Ok(()));
    }
    let wait = (limit.burst > 0).then(|| limit.interval.mul_f64(1.0 - filled));
    (Bucket { left: filled, at: now }, Err(wait))
}

/// The router behind the gate: nothing of it is answered without.
pub(in crate::server) fn gated(router: Router, guard: Guard) -> Router {
    router.layer(middleware::from_fn_with_state(guard, pass))
}

async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let policy = guard.policy().await;
    let mut answer = match guard.gate.refuses(&policy, request.headers()).await {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in &policy.headers {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    answer
}

impl Gate {
    async fn refuses(&self, policy: &Policy, headers: &HeaderMap) -> Option<Response> {
        if let Some(limit) = policy.rate_limit {
            let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            let (left, taken) = take(*bucket, limit, Instant::now());
            *bucket = Some(left);
            if let Err(wait) = taken {
                return Some(too_many(wait));
            }
        }
        match self.doorman.admits(&policy.users, headers).await {
            Admitted::Yes => None,
            Admitted::No => {
                let challenge =
                    [(WWW_AUTHENTICATE, "Basic realm=\"bedrock-quota-exporter\", charset=\"UTF-8\"")];
                Some((StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n").into_response())
            }
            Admitted::Busy => {
                let busy = "too many passwords are being checked\n";
                Some((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")], busy).into_response())
            }
        }
    }
}

fn too_many(wait: Option<Duration>) -> Response {
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response();
    if let Some(wait) = wait {
        answer.headers_mut().insert(RETRY_AFTER, (wait.as_secs_f64().ceil() as u64).into());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_one_an_interval() {
        let limit = RateLimit { interval: Duration::from_secs(2), burst: 3 };
        let start = Instant::now();
        let mut bucket = None;
        let mut at = |seconds| {
            let (left, taken) = take(bucket, limit, start + Duration::from_secs(seconds));
            bucket = Some(left);
            taken
        };
        assert_eq!([0, 0, 0].map(&mut at), [Ok(()); 3]);
        assert_eq!(at(0), Err(Some(Duration::from_secs(2))));
        assert_eq!(at(1), Err(Some(Duration::from_secs(1))));
        assert_eq!(at(2), Ok(()));
        assert_eq!([100, 100, 100].map(&mut at), [Ok(()); 3], "no more than a burst is saved");
        assert!(at(100).is_err());
    }

    #[test]
    fn a_burst_of_0_refuses_everything() {
        let limit = RateLimit { interval: Duration::from_secs(1), burst: 0 };
        assert_eq!(take(None, limit, Instant::now()).1, Err(None));
    }
}
