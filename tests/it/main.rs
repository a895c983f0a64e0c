//! Everything a user would notice, in one binary.

mod accuracy;
mod cloud;
mod counters;
mod mistakes;
mod oracle;
