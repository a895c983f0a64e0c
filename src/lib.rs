//! Prometheus exporter for Amazon Bedrock quotas.
//!
//! ```text
//! config.yaml ─parse─▶ Config ─plan─▶ Plan { accounts, organization, aws, settings, export }
//!                       │ accounts and regions that only AWS can tell            shell: daemon/fleet
//!                       │ when due, per target (account × region)                shell: aws/, collect
//!                       ▼
//!    quotas:  ListServiceQuotas, ListAWSDefaultServiceQuotas, change history   (slow)
//!    catalog: foundation models, inference profiles, provisioned throughput    (slow)
//!    usage:   ListMetrics, GetMetricData                                       (fast)
//!                       ▼
//!    Outcome { target, collector, Observation, errors }
//!                       │ Snapshot::advance(outcomes, now): match, burn down, evaluate   core: model/
//!                       ▼
//!    Arc<Snapshot> ──watch──▶ exposition ─▶ GET /metrics
//!                        └──▶ findings ─▶ report ─▶ status page
//!
//!    AWS, a file ─▶ Picture ─▶ diagnosis, chart, report                        the tools around the daemon
//! ```
//!
//! The modules, in reading order:

// What is asked for.
pub mod cli;
pub mod config;
pub mod plan;

// What it means: pure.
pub mod model;

// The world outside.
pub mod aws;
mod clock;
pub mod collect;
mod readings;
mod whole;

// The long-running process, and what it says.
pub mod api;
pub mod daemon;
pub mod exposition;
pub mod findings;
pub mod gateway;
pub mod log;
pub mod report;
pub mod server;
pub mod telemetry;

// The tools around it.
pub mod chart;
pub mod commands;
pub mod diagnosis;
mod gather;
pub mod increase;
pub mod mcp;
pub mod offline;
pub mod picture;
pub mod probe;
pub mod top;

// AWS, simulated: shares nothing with all of the above.
pub mod sim;
