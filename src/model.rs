//! The pure core: what AWS said, which usage spends which quota, and what that means now.
//!
//! Nothing below knows tokio, the AWS SDK, a clock or a file; `now` is always an argument. From bottom to top,
//! each line knowing only those above it:
//!
//! ```text
//! words        arn, ids, awaited, organization, partition, redaction, shard, sharing, time
//! what AWS says   quota, meter, service, catalog, listed, usage, spelling, parts, burndown
//! what is asked, what comes back   request, observation
//! which usage spends which quota   matching, coverage
//! what a target means to /metrics (values only), and the config's share   evaluation, settings
//! what is remembered   counters, day, minutes, tripwire, budget
//! everything known of one target   state
//! which metrics decide   decisive
//! judgements   schedule (state → requests), evaluate (state → evaluation)
//! the one step   snapshot (snapshot, outcomes, now → snapshot)
//! ```

pub mod arn;
pub mod awaited;
pub mod ids;
pub mod organization;
pub mod partition;
pub mod redaction;
pub mod shard;
mod sharing;
pub mod time;

pub mod burndown;
pub mod catalog;
mod listed;
pub mod meter;
pub mod parts;
pub mod quota;
pub mod service;
pub(crate) mod spelling;
pub mod usage;

pub mod observation;
pub mod request;

pub mod matching;

pub mod coverage;

pub mod evaluation;
pub mod settings;

pub mod budget;
pub mod counters;
pub(crate) mod day;
pub(crate) mod minutes;
mod tripwire;

pub mod state;

mod decisive;
pub(crate) mod evaluate;
pub mod schedule;

pub mod snapshot;
