//! Every metric family there is: the one table that /metrics, docs/METRICS.md and the tests of the
//! dashboards and alerts are made from.

use super::text::Samples;
use super::view::{UNKNOWN, View, base_model, quota_family};
use crate::model::catalog::ProvisionedThroughput;
use crate::model::evaluation::{IdStatus, QuotaStatus, ThrottleStatus};
use crate::model::ids::{QuotaKind, Scope, State};
use crate::model::quota::{IncreaseRequest, ServiceQuota};
use crate::model::snapshot::{Collector, CollectorState, ErrorClass};
use crate::model::time::Timestamp;
use crate::model::usage::Metric;
use std::fmt;

/// One metric family.
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// All of its labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
    /// What the values come from; those of AWS are collected on a schedule, not on a scrape.
    pub source: &'static str,
    /// Its samples of one target; none for the exporter's own metrics, which telemetry keeps.
    pub(super) samples: Option<fn(&View<'_>, &mut Samples<'_>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        })
    }
}

impl Family {
    /// Whether telemetry keeps it rather than the snapshot.
    pub fn is_telemetry(&self) -> bool {
        self.samples.is_none()
    }

    /// The HELP text: meaning, and what of AWS it is made from.
    pub fn full_help(&self) -> String {
        if self.source == EXPORTER {
            return self.help.to_owned();
        }
        format!("{} Source: {}, collected on a schedule.", self.help, self.source)
    }
}

const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: &'static str,
    samples: fn(&View<'_>, &mut Samples<'_>),
) -> Family {
    Family { name, kind: Kind::Gauge, labels, help, source, samples: Some(samples) }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: &'static str,
    samples: fn(&View<'_>, &mut Samples<'_>),
) -> Family {
    Family { name, kind: Kind::Counter, labels, help, source, samples: Some(samples) }
}

const fn own(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind, labels, help, source: EXPORTER, samples: None }
}

macro_rules! target {
    ($($more:literal),*) => { &["account_id", "region" $(, $more)*] };
}

macro_rules! quota {
    ($($more:literal),*) => {
        target!("model", "endpoint", "scope", "variant", "quota", "quota_code" $(, $more)*)
    };
}

macro_rules! id {
    ($($more:literal),*) => { target!("endpoint", "model_id", "model", "scope" $(, $more)*) };
}

macro_rules! cloudwatch {
    ($metric:literal) => {
        concat!("CloudWatch ", $metric, ", period 60 s")
    };
}

const EXPORTER: &str = "the exporter itself";
const LISTS: &str = "Service Quotas and Bedrock's model lists, joined by quota and model names";
const APPLIED: &str = "Service Quotas ListServiceQuotas";
const DEFAULTS: &str = "Service Quotas ListAWSDefaultServiceQuotas";
const REQUESTS: &str = "Service Quotas ListRequestedServiceQuotaChangeHistory";
const USAGE: &str = "CloudWatch AWS/Bedrock and AWS/BedrockMantle, Sum, period 60 s; for batch jobs and model units \
    Bedrock's lists of them";
const TOKENS: &str = cloudwatch!("AWS/Bedrock and AWS/BedrockMantle, Sum");
const MINUTES: &str = cloudwatch!("AWS/Bedrock and AWS/BedrockMantle");
const RATIO: &str = "CloudWatch, Sum, period 60 s, and Service Quotas' applied values";
const THROTTLES: &str = cloudwatch!("AWS/Bedrock Invocations and InvocationThrottles, Sum");
const IDS: &str = "CloudWatch ListMetrics and Bedrock's ListInferenceProfiles, ListProvisionedModelThroughputs, \
    ListCustomModelDeployments and ListTagsForResource";
const MODELS: &str = "Bedrock ListFoundationModels";
const PROVISIONED: &str = "Bedrock ListProvisionedModelThroughputs";
const JOBS: &str = "Bedrock ListModelInvocationJobs";

const PROVISIONED_LABELS: &[&str] = target!("provisioned_model_id", "name", "model");
const COLLECTOR_LABELS: &[&str] = target!("collector");

// What telemetry keeps.

pub const TARGETS: Family =
    own(Kind::Gauge, "bedrock_exporter_targets", &[], "Targets (account and region) that are watched.");
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
pub const BUILD_INFO: Family = own(
    Kind::Gauge,
    "bedrock_exporter_build_info",
    &["version", "revision", "mode"],
    "What runs: always 1. In mode demo everything about Bedrock comes from a simulated AWS.",
);

/// Every family, in the order in which they are written.
pub static ALL: &[Family] = &[
    gauge(
        "bedrock_account_info",
        &["account_id", "account_name"],
        "A watched account and its name, its id where it has none; always 1.",
        EXPORTER,
        |t, out| t.account.iter().for_each(|(id, name)| out.put(&[id, name], &[], 1.0)),
    ),
    // Model quotas.
    gauge(
        "bedrock_quota_limit",
        quota!(),
        "The value in force of a model's quota (applied value), in the unit the label quota names.",
        APPLIED,
        |t, out| quotas(t, out, |status| status.quota.limit),
    ),
    gauge(
        "bedrock_quota_default",
        quota!(),
        "AWS's default value of a model's quota, in the unit the label quota names.",
        DEFAULTS,
        |t, out| quotas(t, out, |status| status.quota.default),
    ),
    gauge(
        "bedrock_quota_usage",
        quota!(),
        "What was spent of a model's quota in the newest settled minute known for all its invocation ids; of \
         a day quota since the day (UTC) began. Absent where unknown.",
        USAGE,
        |t, out| quotas(t, out, |status| status.usage),
    ),
    gauge(
        "bedrock_quota_usage_peak",
        quota!(),
        "The largest single minute's usage of a model's quota in the look-back window (15 minutes unless \
         configured); of a day quota its usage.",
        USAGE,
        |t, out| quotas(t, out, |status| status.peak),
    ),
    gauge(
        "bedrock_quota_utilization_ratio",
        quota!(),
        "bedrock_quota_usage over bedrock_quota_limit, 1 is all of it. Absent where the limit is 0 or \
         unknown.",
        RATIO,
        |t, out| quotas(t, out, |status| status.ratio),
    ),
    gauge(
        "bedrock_quota_utilization_peak_ratio",
        quota!(),
        "bedrock_quota_usage_peak over bedrock_quota_limit, 1 is all of it. Absent where the limit is 0 or \
         unknown.",
        RATIO,
        |t, out| quotas(t, out, |status| status.peak_ratio),
    ),
    gauge(
        "bedrock_quota_above_threshold_seconds",
        quota!("threshold"),
        "How much of the look-back window, in whole minutes, the utilization ratio was at or above the \
         threshold.",
        RATIO,
        |t, out| {
            for status in &t.quotas {
                for (threshold, seconds) in &status.above_threshold {
                    out.put(&quota_labels(status), &[&threshold.to_string()], *seconds as f64);
                }
            }
        },
    ),
    gauge(
        "bedrock_quota_throttled_utilization_ratio",
        quota!(),
        "The observed ceiling: the largest utilization ratio among the throttled minutes of the look-back \
         window. Well below 1 it shows that max_tokens reserves quota which is never used.",
        RATIO,
        |t, out| quotas(t, out, |status| status.throttled_ratio),
    ),
    gauge(
        "bedrock_quota_state",
        quota!("state"),
        "The one state that holds for a model's quota; always 1. quota_code is empty in state \
         no_such_quota.",
        LISTS,
        |t, out| {
            for status in &t.quotas {
                out.put(&quota_labels(status), &[status.state.word()], 1.0);
            }
        },
    ),
    gauge(
        "bedrock_quota_info",
        quota!("quota_name", "adjustable", "match", "usage_source"),
        "Name of a model's quota, how it was matched to the model, and what its usage is measured by; \
         always 1.",
        LISTS,
        |t, out| {
            for status in t.quotas.iter().filter(|status| status.state != State::NoSuchQuota) {
                let quota = &status.quota;
                let more = [
                    &*quota.name,
                    adjustable(quota.adjustable),
                    quota.method.word(),
                    status.usage_source.word(),
                ];
                out.put(&quota_labels(status), &more, 1.0);
            }
        },
    ),
    counter(
        "bedrock_quota_tokens_total",
        quota!("model_id"),
        "Tokens that each invocation id was charged against a model's token quota, from settled minutes.",
        TOKENS,
        |t, out| {
            for status in t.quotas.iter().filter(|status| of_tokens(status.quota.key.kind)) {
                for (id, tokens) in &status.charged {
                    out.put(&quota_labels(status), &[&id.id], *tokens);
                }
            }
        },
    ),
    gauge(
        "bedrock_quota_exhaustion_timestamp_seconds",
        quota!(),
        "When today's pace will have spent a day quota, in seconds since the epoch. Absent where not before \
         the reset.",
        RATIO,
        |t, out| quotas(t, out, |status| seconds(status.exhaustion)),
    ),
    gauge(
        "bedrock_quota_implied_burndown_factor",
        quota!(),
        "How many tokens of quota one output token spends, as EstimatedTPMQuotaUsage and the token counts \
         imply. Absent where either is.",
        cloudwatch!("AWS/Bedrock EstimatedTPMQuotaUsage and token counts, Sum"),
        |t, out| quotas(t, out, |status| status.implied_burndown),
    ),
    // The inventory.
    gauge(
        "bedrock_service_quota_applied",
        target!("quota_code"),
        "The applied value of any quota of the service bedrock. Absent where AWS lists none, or an error \
         in its place.",
        APPLIED,
        |t, out| inventory(t, out, ServiceQuota::limit),
    ),
    gauge(
        "bedrock_service_quota_default",
        target!("quota_code"),
        "AWS's default value of any quota of the service bedrock.",
        DEFAULTS,
        |t, out| inventory(t, out, |row| row.default),
    ),
    gauge(
        "bedrock_service_quota_info",
        target!("quota_code", "quota_name", "adjustable", "family"),
        "Name of a quota of the service bedrock and what family of quotas its name belongs to; always 1.",
        APPLIED,
        |t, out| {
            for row in &t.inventory {
                let more = [&*row.name, adjustable(row.adjustable), quota_family(&row.name)];
                out.put(&[&row.code], &more, 1.0);
            }
        },
    ),
    gauge(
        "bedrock_service_quota_increase_requested",
        target!("quota_code", "status"),
        "The value that an open increase request asks for.",
        REQUESTS,
        |t, out| requests(t, out, |request| request.desired),
    ),
    gauge(
        "bedrock_service_quota_increase_created_timestamp_seconds",
        target!("quota_code", "status"),
        "When an open increase request was made, in seconds since the epoch.",
        REQUESTS,
        |t, out| requests(t, out, |request| seconds(request.created)),
    ),
    // Usage per invocation id: the newest settled minute.
    gauge(
        "bedrock_invocations_per_minute",
        id!(),
        "Invocations in the newest settled minute.",
        cloudwatch!("AWS/Bedrock Invocations, AWS/BedrockMantle Inferences, Sum"),
        |t, out| minute(t, out, Metric::Invocations),
    ),
    gauge(
        "bedrock_invocation_throttles_per_minute",
        id!(),
        "Throttled calls in the newest settled minute, SDK retries included. Mantle publishes no throttles.",
        cloudwatch!("AWS/Bedrock InvocationThrottles, Sum"),
        |t, out| minute(t, out, Metric::Throttles),
    ),
    gauge(
        "bedrock_invocation_client_errors_per_minute",
        id!(),
        "Calls that failed by the client's fault in the newest settled minute.",
        cloudwatch!("AWS/Bedrock InvocationClientErrors, AWS/BedrockMantle InferenceClientErrors, Sum"),
        |t, out| minute(t, out, Metric::ClientErrors),
    ),
    gauge(
        "bedrock_invocation_server_errors_per_minute",
        id!(),
        "Calls that failed by the service's fault in the newest settled minute.",
        cloudwatch!("AWS/Bedrock InvocationServerErrors, Sum"),
        |t, out| minute(t, out, Metric::ServerErrors),
    ),
    gauge(
        "bedrock_legacy_invocations_per_minute",
        id!(),
        "Invocations of a model in the legacy state in the newest settled minute.",
        cloudwatch!("AWS/Bedrock LegacyModelInvocations, Sum"),
        |t, out| minute(t, out, Metric::LegacyInvocations),
    ),
    gauge(
        "bedrock_input_tokens_per_minute",
        id!(),
        "Input tokens in the newest settled minute, cached ones excluded on the runtime endpoint.",
        cloudwatch!("AWS/Bedrock InputTokenCount and its like in AWS/BedrockMantle, Sum"),
        |t, out| minute(t, out, Metric::InputTokens),
    ),
    gauge(
        "bedrock_output_tokens_per_minute",
        id!(),
        "Output tokens in the newest settled minute.",
        cloudwatch!("AWS/Bedrock OutputTokenCount and its like in AWS/BedrockMantle, Sum"),
        |t, out| minute(t, out, Metric::OutputTokens),
    ),
    gauge(
        "bedrock_cache_read_tokens_per_minute",
        id!(),
        "Input tokens read from the prompt cache in the newest settled minute.",
        cloudwatch!("AWS/Bedrock CacheReadInputTokenCount, Sum"),
        |t, out| minute(t, out, Metric::CacheReadTokens),
    ),
    gauge(
        "bedrock_cache_write_tokens_per_minute",
        id!(),
        "Input tokens written to the prompt cache in the newest settled minute.",
        cloudwatch!("AWS/Bedrock CacheWriteInputTokenCount, Sum"),
        |t, out| minute(t, out, Metric::CacheWriteTokens),
    ),
    gauge(
        "bedrock_estimated_quota_tokens_per_minute",
        id!(),
        "Tokens charged against the tokens-per-minute quota in the newest settled minute, as AWS estimates \
         them.",
        cloudwatch!("AWS/Bedrock EstimatedTPMQuotaUsage, Sum"),
        |t, out| minute(t, out, Metric::EstimatedTokens),
    ),
    gauge(
        "bedrock_output_images_per_minute",
        id!(),
        "Images made in the newest settled minute.",
        cloudwatch!("AWS/Bedrock OutputImageCount, Sum"),
        |t, out| minute(t, out, Metric::OutputImages),
    ),
    gauge(
        "bedrock_invocation_latency_seconds",
        id!("statistic"),
        "Time from the call to its last token in the newest settled minute. Absent without traffic.",
        cloudwatch!("AWS/Bedrock InvocationLatency"),
        |t, out| latency(t, out, &LATENCY),
    ),
    gauge(
        "bedrock_time_to_first_token_seconds",
        id!("statistic"),
        "Time from the call to its first token in the newest settled minute, streaming calls only. Absent \
         without traffic.",
        cloudwatch!("AWS/Bedrock TimeToFirstToken"),
        |t, out| latency(t, out, &FIRST_TOKEN),
    ),
    // Usage per invocation id: counters.
    counter(
        "bedrock_invocations_total",
        id!(),
        "Invocations since the id was first seen.",
        cloudwatch!("AWS/Bedrock Invocations, AWS/BedrockMantle Inferences, Sum"),
        |t, out| total(t, out, Metric::Invocations),
    ),
    counter(
        "bedrock_invocation_throttles_total",
        id!(),
        "Throttled calls since the id was first seen, SDK retries included. Mantle publishes no throttles.",
        cloudwatch!("AWS/Bedrock InvocationThrottles, Sum"),
        |t, out| total(t, out, Metric::Throttles),
    ),
    counter(
        "bedrock_invocation_client_errors_total",
        id!(),
        "Calls that failed by the client's fault since the id was first seen.",
        cloudwatch!("AWS/Bedrock InvocationClientErrors, AWS/BedrockMantle InferenceClientErrors, Sum"),
        |t, out| total(t, out, Metric::ClientErrors),
    ),
    counter(
        "bedrock_invocation_server_errors_total",
        id!(),
        "Calls that failed by the service's fault since the id was first seen.",
        cloudwatch!("AWS/Bedrock InvocationServerErrors, Sum"),
        |t, out| total(t, out, Metric::ServerErrors),
    ),
    counter(
        "bedrock_legacy_invocations_total",
        id!(),
        "Invocations of a model in the legacy state since the id was first seen.",
        cloudwatch!("AWS/Bedrock LegacyModelInvocations, Sum"),
        |t, out| total(t, out, Metric::LegacyInvocations),
    ),
    counter(
        "bedrock_input_tokens_total",
        id!(),
        "Input tokens since the id was first seen, cached ones excluded on the runtime endpoint.",
        cloudwatch!("AWS/Bedrock InputTokenCount and its like in AWS/BedrockMantle, Sum"),
        |t, out| total(t, out, Metric::InputTokens),
    ),
    counter(
        "bedrock_output_tokens_total",
        id!(),
        "Output tokens since the id was first seen.",
        cloudwatch!("AWS/Bedrock OutputTokenCount and its like in AWS/BedrockMantle, Sum"),
        |t, out| total(t, out, Metric::OutputTokens),
    ),
    counter(
        "bedrock_cache_read_tokens_total",
        id!(),
        "Input tokens read from the prompt cache since the id was first seen.",
        cloudwatch!("AWS/Bedrock CacheReadInputTokenCount, Sum"),
        |t, out| total(t, out, Metric::CacheReadTokens),
    ),
    counter(
        "bedrock_cache_write_tokens_total",
        id!(),
        "Input tokens written to the prompt cache since the id was first seen.",
        cloudwatch!("AWS/Bedrock CacheWriteInputTokenCount, Sum"),
        |t, out| total(t, out, Metric::CacheWriteTokens),
    ),
    counter(
        "bedrock_estimated_quota_tokens_total",
        id!(),
        "Tokens charged against the tokens-per-minute quota since the id was first seen, as AWS estimates \
         them.",
        cloudwatch!("AWS/Bedrock EstimatedTPMQuotaUsage, Sum"),
        |t, out| total(t, out, Metric::EstimatedTokens),
    ),
    counter(
        "bedrock_output_images_total",
        id!(),
        "Images made since the id was first seen.",
        cloudwatch!("AWS/Bedrock OutputImageCount, Sum"),
        |t, out| total(t, out, Metric::OutputImages),
    ),
    // Throttling per model and scope.
    gauge(
        "bedrock_throttle_ratio",
        target!("model", "scope", "window"),
        "Throttles over invocations and throttles of the window's closed minutes. Absent without attempts. \
         Mantle publishes no throttles.",
        THROTTLES,
        |t, out| throttling(t, out, |status| &status.ratio),
    ),
    gauge(
        "bedrock_attempts",
        target!("model", "scope", "window"),
        "Invocations and throttles of the window's closed minutes.",
        THROTTLES,
        |t, out| throttling(t, out, |status| &status.attempts),
    ),
    gauge(
        "bedrock_throttled_seconds",
        target!("model", "scope", "window"),
        "How much of the window, in whole minutes, saw any throttled call.",
        THROTTLES,
        |t, out| {
            for status in &t.evaluation.throttling {
                out.put(&throttle_labels(status), &["15m"], status.throttled_seconds as f64);
            }
        },
    ),
    gauge(
        "bedrock_throttle_cause",
        target!("model", "scope", "cause"),
        "Why calls of the last 15 minutes were throttled; always 1. unknown before five throttled minutes.",
        RATIO,
        |t, out| {
            for status in &t.evaluation.throttling {
                if let Some(cause) = status.cause {
                    out.put(&throttle_labels(status), &[cause.word()], 1.0);
                }
            }
        },
    ),
    // Ids and models.
    gauge(
        "bedrock_unmapped_model",
        target!("model_id", "reason"),
        "Traffic of the last 24 hours for which no quota could be found, and why; always 1.",
        IDS,
        |t, out| t.unmapped.iter().for_each(|(id, reason)| out.put(&[id, reason], &[], 1.0)),
    ),
    gauge(
        "bedrock_model_id_info",
        target!("endpoint", "model_id", "name", "type", "model", "scope", "confidence", "team"),
        "Every invocation id, the model and scope it means, and the team that its profile's tag names \
         (unattributed otherwise); always 1.",
        IDS,
        |t, out| {
            for id in &t.evaluation.ids {
                let ([endpoint, model_id, model, scope], resolution) = (id_labels(id), &id.resolution);
                let name = resolution.name.as_deref().unwrap_or_default();
                let (id_type, confidence) = (resolution.id_type.word(), resolution.confidence.word());
                let values = [endpoint, model_id, name, id_type, model, scope, confidence, t.team(id)];
                out.put(&values, &[], 1.0);
            }
        },
    ),
    gauge(
        "bedrock_model_info",
        target!("model", "model_name", "provider", "lifecycle"),
        "A foundation model that the region offers; always 1. lifecycle is ACTIVE, LEGACY or unknown.",
        MODELS,
        |t, out| {
            for (id, model) in &t.models {
                let name = model.name.as_deref().unwrap_or(id);
                let provider = model.provider.as_deref().unwrap_or(UNKNOWN);
                let lifecycle = model.lifecycle.as_deref().unwrap_or(UNKNOWN);
                out.put(&[id, name, provider, lifecycle], &[], 1.0);
            }
        },
    ),
    gauge(
        "bedrock_model_end_of_life_timestamp_seconds",
        target!("model"),
        "When a foundation model's life ends, in seconds since the epoch, where AWS says so.",
        MODELS,
        |t, out| t.models.iter().for_each(|(id, model)| out.put(&[id], &[], seconds(model.end_of_life))),
    ),
    // Provisioned throughput and batch.
    gauge(
        "bedrock_provisioned_throughput_model_units",
        PROVISIONED_LABELS,
        "Model units that a provisioned throughput has.",
        PROVISIONED,
        |t, out| provisioned(t, out, |units| Some(units.model_units)),
    ),
    gauge(
        "bedrock_provisioned_throughput_desired_model_units",
        PROVISIONED_LABELS,
        "Model units that were asked for, for a provisioned throughput.",
        PROVISIONED,
        |t, out| provisioned(t, out, |units| Some(units.desired_model_units)),
    ),
    gauge(
        "bedrock_provisioned_throughput_status",
        target!("provisioned_model_id", "name", "model", "status"),
        "The status of a provisioned throughput (Creating, InService, Updating, Failed); always 1.",
        PROVISIONED,
        |t, out| {
            for (id, units) in &t.provisioned {
                out.put(&[id, &units.name, provisioned_model(units)], &[&units.status], 1.0);
            }
        },
    ),
    gauge(
        "bedrock_provisioned_throughput_commitment_expiration_timestamp_seconds",
        PROVISIONED_LABELS,
        "When the commitment of a provisioned throughput ends, in seconds since the epoch. Absent without \
         one.",
        PROVISIONED,
        |t, out| provisioned(t, out, |units| seconds(units.commitment_expires)),
    ),
    gauge(
        "bedrock_batch_jobs",
        target!("model", "status"),
        "Batch inference jobs submitted or in progress.",
        JOBS,
        |t, out| {
            for ((model, status), count) in &t.jobs {
                out.put(&[model, status], &[], *count as f64);
            }
        },
    ),
    // Freshness.
    gauge(
        "bedrock_usage_complete_until_timestamp_seconds",
        target!(),
        "The end of the last minute that was read for every invocation id, in seconds since the epoch. \
         Advances without traffic too.",
        MINUTES,
        |t, out| out.put(&[], &[], seconds(t.evaluation.complete_until)),
    ),
    gauge(
        "bedrock_usage_datapoint_timestamp_seconds",
        target!(),
        "The newest datapoint of any invocation id, in seconds since the epoch. Ages when nothing is called.",
        MINUTES,
        |t, out| out.put(&[], &[], seconds(t.evaluation.newest_datapoint)),
    ),
    gauge(
        "bedrock_exporter_target_up",
        COLLECTOR_LABELS,
        "Whether the last collection brought everything that it asked for: 1 or 0.",
        EXPORTER,
        |t, out| collectors(t, out, |state| state.last_attempt.map(|_| f64::from(state.up))),
    ),
    gauge(
        "bedrock_exporter_last_success_timestamp_seconds",
        COLLECTOR_LABELS,
        "When a collection last brought everything that it asked for, in seconds since the epoch.",
        EXPORTER,
        |t, out| collectors(t, out, |state| seconds(state.last_success)),
    ),
    gauge(
        "bedrock_exporter_collection_duration_seconds",
        COLLECTOR_LABELS,
        "How long the last collection took.",
        EXPORTER,
        |t, out| collectors(t, out, |state| state.last_attempt.map(|_| state.seconds)),
    ),
    counter(
        "bedrock_exporter_collection_errors_total",
        target!("collector", "class"),
        "Errors of collections. Every class is there from the start, at 0, so that increase() sees the first \
         error.",
        EXPORTER,
        |t, out| {
            for collector in Collector::ALL {
                let errors = t.state.collectors.get(collector).map(|state| &state.errors);
                for class in ErrorClass::ALL {
                    let count = errors.and_then(|errors| errors.get(class)).copied().unwrap_or(0);
                    out.put(&[collector.word()], &[class.word()], count as f64);
                }
            }
        },
    ),
    gauge(
        "bedrock_exporter_budget_degraded",
        target!(),
        "Whether budget.dollars_per_day has the calmest ids read less often: 1 or 0. Absent without a budget.",
        EXPORTER,
        |t, out| out.put(&[], &[], t.state.slowed.map(f64::from)),
    ),
    TARGETS,
    COLLECTION_INTERVAL,
    AWS_REQUESTS,
    AWS_REQUEST_DURATION,
    METRICS_REQUESTED,
    ESTIMATED_COST,
    BUDGET,
    SERIES,
    DISCOVERY_UP,
    DISCOVERY_ERRORS,
    RELOAD_SUCCESSFUL,
    RELOAD_SUCCESS_TIMESTAMP,
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

/// In CloudWatch these are milliseconds; the words are values of the label `statistic`.
const LATENCY: [(Metric, &str); 5] = [
    (Metric::LatencyAverage, "average"),
    (Metric::LatencyP50, "p50"),
    (Metric::LatencyP90, "p90"),
    (Metric::LatencyP99, "p99"),
    (Metric::LatencyMaximum, "maximum"),
];
const FIRST_TOKEN: [(Metric, &str); 5] = [
    (Metric::FirstTokenAverage, "average"),
    (Metric::FirstTokenP50, "p50"),
    (Metric::FirstTokenP90, "p90"),
    (Metric::FirstTokenP99, "p99"),
    (Metric::FirstTokenMaximum, "maximum"),
];

fn quota_labels(status: &QuotaStatus) -> [&str; 6] {
    let key = &status.quota.key;
    let (endpoint, scope, variant) = (key.endpoint.word(), key.scope.word(), key.variant.word());
    [&key.model, endpoint, scope, variant, key.kind.word(), &key.code]
}

fn id_labels(id: &IdStatus) -> [&str; 4] {
    let model = id.resolution.model.as_deref().unwrap_or(UNKNOWN);
    let scope = id.resolution.scope.map_or(UNKNOWN, Scope::word);
    [id.id.endpoint.word(), &id.id.id, model, scope]
}

fn throttle_labels(status: &ThrottleStatus) -> [&str; 2] {
    [&status.model, status.scope.word()]
}

fn provisioned_model(units: &ProvisionedThroughput) -> &str {
    base_model(&units.foundation_model_arn).unwrap_or(UNKNOWN)
}

fn adjustable(adjustable: Option<bool>) -> &'static str {
    match adjustable {
        Some(true) => "true",
        Some(false) => "false",
        None => UNKNOWN,
    }
}

fn of_tokens(kind: QuotaKind) -> bool {
    use QuotaKind::*;
    matches!(kind, TokensPerMinute | TokensPerDay | InputTokensPerMinute | OutputTokensPerMinute)
}

fn seconds(at: Option<Timestamp>) -> Option<f64> {
    at.map(|at| at.0 as f64)
}

fn quotas(t: &View<'_>, out: &mut Samples<'_>, value: fn(&QuotaStatus) -> Option<f64>) {
    t.quotas.iter().for_each(|status| out.put(&quota_labels(status), &[], value(status)));
}

fn inventory(t: &View<'_>, out: &mut Samples<'_>, value: fn(&ServiceQuota) -> Option<f64>) {
    t.inventory.iter().for_each(|row| out.put(&[&row.code], &[], value(row)));
}

fn requests(t: &View<'_>, out: &mut Samples<'_>, value: fn(&IncreaseRequest) -> Option<f64>) {
    t.requests
        .iter()
        .for_each(|request| out.put(&[&request.quota_code, &request.status], &[], value(request)));
}

fn minute(t: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    if t.export.gauges {
        t.evaluation.ids.iter().for_each(|id| out.put(&id_labels(id), &[], id.minute.get(&metric).copied()));
    }
}

fn total(t: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    t.evaluation.ids.iter().for_each(|id| out.put(&id_labels(id), &[], id.totals.get(&metric).copied()));
}

fn latency(t: &View<'_>, out: &mut Samples<'_>, statistics: &[(Metric, &str)]) {
    for id in &t.evaluation.ids {
        for (metric, statistic) in statistics {
            let seconds = id.minute.get(metric).map(|milliseconds| milliseconds / 1000.0);
            out.put(&id_labels(id), &[statistic], seconds);
        }
    }
}

fn throttling(t: &View<'_>, out: &mut Samples<'_>, windows: fn(&ThrottleStatus) -> &[(&'static str, f64)]) {
    for status in &t.evaluation.throttling {
        for (window, value) in windows(status) {
            out.put(&throttle_labels(status), &[window], *value);
        }
    }
}

fn provisioned(t: &View<'_>, out: &mut Samples<'_>, value: fn(&ProvisionedThroughput) -> Option<f64>) {
    for (id, units) in &t.provisioned {
        out.put(&[id, &units.name, provisioned_model(units)], &[], value(units));
    }
}

fn collectors(t: &View<'_>, out: &mut Samples<'_>, value: fn(&CollectorState) -> Option<f64>) {
    t.state.collectors.iter().for_each(|(name, state)| out.put(&[name.word()], &[], value(state)));
}
