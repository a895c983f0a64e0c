//! The pure core: what AWS said, which usage spends which quota, and what that means now.
//!
//! Nothing below knows tokio, the AWS SDK, a clock or a file; `now` is always an argument.

pub mod catalog;
pub mod evaluation;
pub mod ids;
pub mod matching;
pub mod quota;
pub mod snapshot;
pub mod time;
pub mod usage;
