//! The families of the exporter's own metrics.

use crate::exposition::family::{EXPORTER, Family, Kind};

const fn own(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind, labels, help, source: EXPORTER }
}

pub const TARGETS: Family =
    own(Kind::Gauge, "bedrock_exporter_targets", &[], "Targets (account and region) that are watched.");
pub const SHARD: Family = own(
    Kind::Gauge,
    "bedrock_exporter_shard",
    &["shard", "total"],
    "Which slice of the accounts this exporter watches, counted from 0, of how many. The value is the total, so that \
     shards can be counted against it; 1 where nothing is shared.",
);
pub const COLLECTION_INTERVAL: Family = own(
    Kind::Gauge,
    "bedrock_exporter_collection_interval_seconds",
    &["collector"],
    "Configured seconds between two collections of a target.",
);
pub const AWS_REQUESTS: Family = own(
    Kind::Counter,
    "bedrock_exporter_aws_requests_total",
    &["service", "operation", "outcome"],
    "Calls to AWS, retries within a call not counted; outcome is success or the class of the error.",
);
pub const AWS_REQUEST_DURATION: Family = own(
    Kind::Histogram,
    "bedrock_exporter_aws_request_duration_seconds",
    &["service", "operation"],
    "Duration of calls to AWS, retries included.",
);
pub const METRICS_REQUESTED: Family = own(
    Kind::Counter,
    "bedrock_exporter_cloudwatch_metrics_requested_total",
    &[],
    "Metrics requested of GetMetricData, as AWS bills them.",
);
pub const ESTIMATED_COST: Family = own(
    Kind::Counter,
    "bedrock_exporter_estimated_cost_dollars_total",
    &[],
    "Estimated price of the exporter's calls to CloudWatch since its start, in US dollars, at list price.",
);
pub const BUDGET: Family = own(
    Kind::Gauge,
    "bedrock_exporter_budget_dollars_per_day",
    &[],
    "What the exporter's calls to CloudWatch may cost, in US dollars a day. Absent without a budget.",
);
pub const SERIES: Family = own(
    Kind::Gauge,
    "bedrock_exporter_series",
    &[],
    "Series in the newest rendering, the exporter's own ones aside.",
);
pub const DISCOVERY_UP: Family = own(
    Kind::Gauge,
    "bedrock_exporter_discovery_up",
    &["discovery"],
    "Whether the accounts of the organization, or the enabled regions of all accounts, were read successfully the \
     last time: 1 or 0. While they are not, those known are watched on. Absent where the config asks for none.",
);
pub const DISCOVERY_ERRORS: Family = own(
    Kind::Counter,
    "bedrock_exporter_discovery_errors_total",
    &["discovery", "class"],
    "Readings of the organization's accounts, or of enabled regions, that failed.",
);
pub const CONNECTIONS: Family = own(
    Kind::Gauge,
    "bedrock_exporter_http_connections",
    &[],
    "Open connections to the exporter, the scrape's own included.",
);
pub const CONNECTIONS_CLOSED: Family = own(
    Kind::Counter,
    "bedrock_exporter_http_connections_closed_total",
    &["reason"],
    "Connections that the exporter closed by itself: idle for 5 minutes; slow_request: a head took 10 s; slow_answer: \
     an answer was read for 60 s; limit: another one needed the place; slow_handshake: TLS was not agreed upon for \
     10 s; handshake: TLS could not be agreed upon.",
);
pub const WRITER_TURNED: Family = own(
    Kind::Gauge,
    "bedrock_exporter_writer_last_turn_timestamp_seconds",
    &[],
    "When the exporter last took in what came of AWS and looked for what is due, in seconds since the epoch. It does \
     so at least every 30 s, whatever AWS does.",
);
pub const STORAGE_WRITTEN: Family = own(
    Kind::Gauge,
    "bedrock_exporter_storage_last_success_timestamp_seconds",
    &[],
    "When the counters were last written to the file of --storage.path, in seconds since the epoch. Absent without one.",
);
pub const RELOAD_SUCCESSFUL: Family = own(
    Kind::Gauge,
    "bedrock_exporter_config_last_reload_successful",
    &[],
    "Whether the last (re)load of the configuration succeeded: 1 or 0.",
);
pub const RELOAD_SUCCESS_TIMESTAMP: Family = own(
    Kind::Gauge,
    "bedrock_exporter_config_last_reload_success_timestamp_seconds",
    &[],
    "When the configuration was last (re)loaded successfully, in seconds since the epoch.",
);
pub const WEB_CONFIG_RELOADED: Family = own(
    Kind::Gauge,
    "bedrock_exporter_web_config_last_reload_successful",
    &[],
    "Whether the web configuration and the files that it names could be read the last time that they had changed: 1 or \
     0. While they cannot, what they said before is in force. 1 without a web configuration.",
);
pub const BUILD_INFO: Family = own(
    Kind::Gauge,
    "bedrock_exporter_build_info",
    &["version", "revision", "mode"],
    "What runs: always 1. In mode demo everything about Bedrock comes from a simulated AWS.",
);

/// Every one of them, in the order in which docs/METRICS.md tells them.
pub const ALL: &[Family] = &[
    TARGETS,
    SHARD,
    COLLECTION_INTERVAL,
    AWS_REQUESTS,
    AWS_REQUEST_DURATION,
    METRICS_REQUESTED,
    ESTIMATED_COST,
    BUDGET,
    SERIES,
    DISCOVERY_UP,
    DISCOVERY_ERRORS,
    CONNECTIONS,
    CONNECTIONS_CLOSED,
    WRITER_TURNED,
    STORAGE_WRITTEN,
    RELOAD_SUCCESSFUL,
    RELOAD_SUCCESS_TIMESTAMP,
    WEB_CONFIG_RELOADED,
    BUILD_INFO,
    // Of the process, on Linux: names and texts are those of Prometheus's client libraries.
    own(Kind::Counter, "process_cpu_seconds_total", &[], "Total user and system CPU time spent in seconds."),
    own(Kind::Gauge, "process_open_fds", &[], "Number of open file descriptors."),
    own(Kind::Gauge, "process_max_fds", &[], "Maximum number of open file descriptors."),
    own(Kind::Gauge, "process_virtual_memory_bytes", &[], "Virtual memory size in bytes."),
    own(Kind::Gauge, "process_resident_memory_bytes", &[], "Resident memory size in bytes."),
    own(
        Kind::Gauge,
        "process_start_time_seconds",
        &[],
        "Start time of the process since unix epoch in seconds.",
    ),
    own(Kind::Gauge, "process_threads", &[], "Number of OS threads in the process."),
];
