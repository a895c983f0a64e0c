//! What the command line prints. Pure.

pub mod check;
