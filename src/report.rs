//! What people read: the status page, and what the command line prints. Pure.

pub mod capacity;
pub mod check;
pub mod coverage;
pub mod diagnose;
pub mod effective;
pub mod envelope;
pub mod explain;
pub mod human;
pub mod increase;
pub mod live;
pub mod page;
pub mod probe;
pub mod provisioned;
pub mod quotas;
pub mod runbooks;
pub mod safe;
pub mod sheet;
pub mod status;
pub mod usage;
