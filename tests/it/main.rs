//! Everything a user would notice, in one binary.

mod accuracy;
mod architecture;
mod cloud;
mod config;
mod counters;
mod days;
mod demo;
mod dimensions;
mod explain;
mod exposition;
mod failure;
mod live;
mod matching;
mod metrics_doc;
mod ministack;
mod mistakes;
mod oracle;
mod prometheus_text;
mod properties;
mod rig;
mod rounds;
mod schedule;
mod sim;
mod telemetry;
mod throttle;
mod world;
