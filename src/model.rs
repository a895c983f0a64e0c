//! The pure core: what AWS said, which usage spends which quota, and what that means now.
//!
//! Nothing below knows tokio, the AWS SDK, a clock or a file; `now` is always an argument.

pub mod arn;
pub mod budget;
pub mod burndown;
pub mod catalog;
pub(crate) mod day;
pub(crate) mod evaluate;
pub mod evaluation;
pub mod ids;
pub mod matching;
pub(crate) mod minutes;
pub mod observation;
pub mod organization;
pub mod quota;
pub mod request;
pub mod schedule;
pub mod settings;
pub mod shard;
mod sharing;
pub mod snapshot;
pub mod state;
pub mod time;
mod tripwire;
pub mod usage;

/// The old places of what has moved.
pub mod cadence {
    pub use super::budget::DOLLARS_PER_METRIC;
    pub use super::settings::Cadence;
}
