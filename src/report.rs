//! What people read: the status page, and what the command line prints. Pure.

pub mod check;
pub mod explain;
pub mod human;
pub mod runbooks;
pub mod status;
