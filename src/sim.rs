//! A simulated AWS: a [`world`] behind a [`wire`].
//!
//! ```text
//! seed, moment ─▶ World { accounts, organization, lists, publishing }               pure
//!                    ▲
//!                 handle ─▶ desk (clock, permissions, faults, rates, counts)        one task
//!                    ▲
//!  HTTP ─▶ serve ─▶ wire ─▶ cloudwatch, service_quotas, bedrock, runtime, sts, organizations, account, oam
//!             └───▶ admin (/_sim/)
//! ```
//!
//! What happens is the world's: traffic that a seed makes up, and calls that the runtime admitted. `demo` and
//! `irregular` are worlds: one with something to see, and for each seed one that is as unsteady as AWS.
//!
//! It is reached by its URL only and shares nothing with the exporter, so that a misunderstanding
//! between the two can show. It listens on loopback alone and owns the accounts 000000000000 and up.

pub mod world;

pub mod demo;
pub mod irregular;

pub mod call;
pub mod faults;
pub mod policy;

pub mod desk;

pub mod handle;

pub mod wire;

pub mod admin;

pub mod serve;

pub use handle::Sim;
pub use serve::serve;
