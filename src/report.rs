//! What people read: the status page, and what the command line prints. Pure.

pub mod check;
pub mod envelope;
pub mod explain;
pub mod human;
pub mod quotas;
pub mod sheet;
pub mod status;
pub mod usage;
