//! The tools around the daemon: one picture, many renderings.

mod capacity;
mod chart;
mod diagnose;
mod export;
mod increase;
mod manual;
mod mcp;
mod output;
mod probe;
mod provisioned;
mod quotas;
mod report;
mod snapshot;
mod usage;

pub(super) use output::{print, terminal, unless_closed};

pub use capacity::capacity;
pub use chart::chart;
pub use diagnose::diagnose;
pub use export::export;
pub use increase::increase;
pub use manual::{completions, man};
pub use mcp::mcp;
pub use probe::probe;
pub use provisioned::provisioned;
pub use quotas::quotas;
pub use report::report;
pub use snapshot::snapshot;
pub use usage::usage;
