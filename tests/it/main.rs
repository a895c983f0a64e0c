//! One binary for all integration tests.

mod architecture;
mod config;
mod exposition;
mod metrics_doc;
mod prometheus_text;
mod telemetry;
mod world;
