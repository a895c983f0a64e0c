//! Everything a user would notice, in one binary.

mod accuracy;
mod architecture;
mod cloud;
mod config;
mod counters;
mod demo;
mod explain;
mod exposition;
mod faults;
mod matching;
mod metrics_doc;
mod ministack;
mod mistakes;
mod oracle;
mod prometheus_text;
mod reload;
mod rig;
mod rounds;
mod sim;
mod telemetry;
mod world;
