//! Keeps callers of Amazon Bedrock within their quotas.
//!
//! Bedrock reserves a call's input and all of its `max_tokens` when it lets the call in; when the call ends, what it
//! used takes the reservation's place. A [`Limiter`] does the same before the call is made, so that Bedrock need not
//! refuse it. It knows no clock, no runtime and no network: time and chance are arguments, in seconds of any clock and from
//! 0 to 1. With the feature `converse` there are `Quotas`, which call Bedrock by AWS's SDK.
//!
//! ```
//! use bedrock_quota_client::{Limiter, Limits, Usage};
//!
//! let limits = Limits { tokens_per_minute: Some(6000.0), burndown: 5.0, ..Limits::default() };
//! let mut limiter = Limiter::new(&limits)?;
//! // Input and max_tokens.
//! limiter.ask("first", 1000.0 + 4000.0, None);
//! limiter.ask("second", 1000.0 + 4000.0, None);
//! let step = limiter.step(0.0);
//! assert_eq!((step.admitted, step.wake), (vec!["first"], Some(40.0)));
//! let usage = Usage { input: 1000, output: 20, ..Usage::default() };
//! limiter.settle(2.0, &"first", limits.charge(&usage));
//! assert_eq!(limiter.step(2.0).admitted, ["second"]);
//! # Ok::<(), bedrock_quota_client::BadLimits>(())
//! ```

mod bucket;
#[cfg(feature = "converse")]
mod converse;
mod day;
mod estimator;
#[cfg(feature = "headroom")]
mod headroom;
mod limiter;
mod limits;
mod retries;

#[cfg(feature = "converse")]
pub use converse::{CallError, Quotas, Statistics};
pub use estimator::Estimator;
pub use limiter::{Left, Limiter, Step};
pub use limits::{BadLimits, Limits, Usage};
pub use retries::{backoff, may_retry};
