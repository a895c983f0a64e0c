//! The pure core: what AWS said, which usage spends which quota, and what that means now.
//!
//! Nothing below knows tokio, the AWS SDK, a clock or a file; `now` is always an argument.

pub mod arn;
pub mod burndown;
pub mod cadence;
pub mod catalog;
mod day;
mod evaluate;
pub mod evaluation;
pub mod ids;
pub mod matching;
mod minutes;
pub mod organization;
pub mod quota;
pub mod schedule;
pub mod shard;
mod sharing;
pub mod snapshot;
pub mod throttling;
pub mod time;
mod tripwire;
pub mod usage;
mod utilization;
