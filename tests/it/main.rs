//! One binary for all integration tests.

mod accuracy;
mod architecture;
mod config;
mod exposition;
mod metrics_doc;
mod ministack;
mod prometheus_text;
mod rig;
mod rounds;
mod sim;
mod telemetry;
mod world;
