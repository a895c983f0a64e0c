//! The tools around the daemon: one picture, many renderings.

mod chart;
mod diagnose;
mod manual;
mod output;
mod quotas;
mod report;
mod snapshot;
mod usage;

pub(super) use output::print;

pub use chart::chart;
pub use diagnose::diagnose;
pub use manual::{completions, man};
pub use quotas::quotas;
pub use report::report;
pub use snapshot::snapshot;
pub use usage::usage;
