//! Prometheus exporter for Amazon Bedrock quotas.
//!
//! ```text
//! config.yaml ─parse─▶ Config ─plan─▶ Plan { targets, cadences, window, aws }
//!                       │ when due, per target (account × region)        shell: aws/, collect/
//!                       ▼
//!    quotas:  ListServiceQuotas, ListAWSDefaultServiceQuotas, change history   (slow)
//!    catalog: foundation models, inference profiles, provisioned throughput    (slow)
//!    usage:   ListMetrics, GetMetricData                                       (fast)
//!                       ▼
//!    Observation | CollectError { class }
//!                       │ Snapshot::advance(outcomes, now): match, burn down, evaluate   core: model/
//!                       ▼
//!    Arc<Snapshot> ──watch──▶ exposition ─▶ GET /metrics
//!                        └──▶ report     ─▶ status page, tables of `check` and `explain`
//! ```
//!
//! The modules, in reading order:

pub mod cli;
pub mod commands;
pub mod config;
pub mod plan;

pub mod model;

mod clock;

pub mod aws;
pub mod chart;
pub mod collect;
pub mod daemon;
pub mod diagnosis;
mod gather;
pub mod increase;

pub mod exposition;
pub mod findings;
pub mod offline;
pub mod picture;
pub mod report;
pub mod server;
pub mod telemetry;

pub mod sim;
