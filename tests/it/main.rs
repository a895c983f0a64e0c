//! Everything a user would notice, in one binary.

mod accuracy;
mod cloud;
mod counters;
mod days;
mod explain;
mod failure;
mod matching;
mod mistakes;
mod oracle;
mod properties;
mod schedule;
mod throttle;
