//! AWS: credentials, clients and calls, one file per service. No SDK type leaves this module.
//!
//! In reading order, each above the ones below it: the `environment` makes sessions, and refuses `endpoints` that are
//! none; a `session` has a `wallet` that holds its keys; `sources` and `profiles` tell where keys come from, by the
//! `files` of AWS's tools; a `process` may print them, `sts` gives those of roles. A `connection` is the way to one
//! target; the services add their calls to it, or to the session where they have no regions. A `client` is metered
//! (`meter`), names what went wrong (`error`) and goes out by `http`, trusting the `authorities`; `pages` reads lists to
//! their end. [`probe`] tries every permission once; [`increase`] asks AWS for more; [`runtime`]
//! calls models, for the ramps of `probe` alone.

mod authorities;
mod client;
mod endpoints;
mod error;
mod files;
mod http;
mod meter;
mod pages;

mod environment;
mod process;
mod profiles;
mod session;
mod sources;
mod sts;
mod told;
pub(crate) mod wallet;

pub mod account;
pub mod bedrock;
pub mod cloudwatch;
mod connection;
pub mod increase;
pub mod oam;
pub mod organizations;
pub mod probe;
pub mod runtime;
pub mod service_quotas;

pub use connection::{Connection, Monitoring};
pub use environment::Environment;
pub use session::Session;
