//! What is tried again, and when.

/// AWS's SDKs try a model that is not ready so often.
const NOT_READY_ATTEMPTS: u32 = 5;
/// Seconds that the first retry waits at most, and any.
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 20.0;

/// Whether an error is one that passes, after so many attempts. `status` is HTTP's, `code` the error's type.
pub fn may_retry(status: u16, code: &str, attempts: u32) -> bool {
    match (status, code) {
        (_, "ModelNotReadyException") => attempts < NOT_READY_ATTEMPTS,
        (429, "ThrottlingException" | "TooManyRequestsException") | (503 | 529, _) => true,
        _ => false,
    }
}

/// Seconds before the next attempt, after so many retries: full jitter, and no less than Bedrock asks for.
/// `chance` is from 0 to 1.
pub fn backoff(retries: u32, chance: f64, retry_after: Option<f64>) -> f64 {
    let most = LONGEST_PAUSE.min(FIRST_PAUSE * f64::from(2_u32).powi(retries.min(30) as i32));
    (chance * most).max(retry_after.unwrap_or_default())
}
