//! What each invocation id used: the newest settled minute, and counters.

use crate::exposition::row::{Row, cloudwatch, counter, gauge, target};
use crate::exposition::text::Samples;
use crate::exposition::view::{View, id_labels};
use crate::model::usage::Metric;

macro_rules! id {
    ($($more:literal),*) => { target!("endpoint", "model_id", "model", "scope" $(, $more)*) };
}

/// Counts and sums of CloudWatch, each as a gauge and as a counter: both names, what is counted, what the
/// HELP text adds to that, and what of CloudWatch it is.
macro_rules! counts {
    ($($metric:ident { $gauge:literal, $counter:literal, $what:literal, $more:literal, $source:literal })*) => {
        pub(super) const GAUGES: &[Row] = &[$(gauge(
            $gauge,
            id!(),
            concat!($what, " in the newest settled minute", $more),
            cloudwatch!($source),
            |view, out| minute(view, out, Metric::$metric),
        ),)*];

        pub(super) const COUNTERS: &[Row] = &[$(counter(
            $counter,
            id!(),
            concat!($what, " since the id was first seen", $more),
            cloudwatch!($source),
            |view, out| total(view, out, Metric::$metric),
        ),)*];
    };
}

counts! {
    Invocations {
        "bedrock_invocations_per_minute", "bedrock_invocations_total",
        "Invocations", ".",
        "AWS/Bedrock Invocations, AWS/BedrockMantle Inferences, Sum"
    }
    Throttles {
        "bedrock_invocation_throttles_per_minute", "bedrock_invocation_throttles_total",
        "Throttled calls", ", SDK retries included. Mantle publishes no throttles.",
        "AWS/Bedrock InvocationThrottles, Sum"
    }
    ClientErrors {
        "bedrock_invocation_client_errors_per_minute", "bedrock_invocation_client_errors_total",
        "Calls that failed by the client's fault", ".",
        "AWS/Bedrock InvocationClientErrors, AWS/BedrockMantle InferenceClientErrors, Sum"
    }
    ServerErrors {
        "bedrock_invocation_server_errors_per_minute", "bedrock_invocation_server_errors_total",
        "Calls that failed by the service's fault", ".",
        "AWS/Bedrock InvocationServerErrors, Sum"
    }
    LegacyInvocations {
        "bedrock_legacy_invocations_per_minute", "bedrock_legacy_invocations_total",
        "Invocations of a model in the legacy state", ".",
        "AWS/Bedrock LegacyModelInvocations, Sum"
    }
    InputTokens {
        "bedrock_input_tokens_per_minute", "bedrock_input_tokens_total",
        "Input tokens", ", cached ones excluded on the runtime endpoint.",
        "AWS/Bedrock InputTokenCount and its like in AWS/BedrockMantle, Sum"
    }
    OutputTokens {
        "bedrock_output_tokens_per_minute", "bedrock_output_tokens_total",
        "Output tokens", ".",
        "AWS/Bedrock OutputTokenCount and its like in AWS/BedrockMantle, Sum"
    }
    CacheReadTokens {
        "bedrock_cache_read_tokens_per_minute", "bedrock_cache_read_tokens_total",
        "Input tokens read from the prompt cache", ".",
        "AWS/Bedrock CacheReadInputTokenCount, Sum"
    }
    CacheWriteTokens {
        "bedrock_cache_write_tokens_per_minute", "bedrock_cache_write_tokens_total",
        "Input tokens written to the prompt cache", ".",
        "AWS/Bedrock CacheWriteInputTokenCount, Sum"
    }
    EstimatedTokens {
        "bedrock_estimated_quota_tokens_per_minute", "bedrock_estimated_quota_tokens_total",
        "Tokens charged against the tokens-per-minute quota", ", as AWS estimates them.",
        "AWS/Bedrock EstimatedTPMQuotaUsage, Sum"
    }
    OutputImages {
        "bedrock_output_images_per_minute", "bedrock_output_images_total",
        "Images made", ".",
        "AWS/Bedrock OutputImageCount, Sum"
    }
}

pub(super) const LATENCIES: &[Row] = &[
    gauge(
        "bedrock_invocation_latency_seconds",
        id!("statistic"),
        "Time from the call to its last token in the newest settled minute. Absent without traffic.",
        cloudwatch!("AWS/Bedrock InvocationLatency"),
        |view, out| latency(view, out, &LATENCY),
    ),
    gauge(
        "bedrock_time_to_first_token_seconds",
        id!("statistic"),
        "Time from the call to its first token in the newest settled minute, streaming calls only. Absent \
         without traffic.",
        cloudwatch!("AWS/Bedrock TimeToFirstToken"),
        |view, out| latency(view, out, &FIRST_TOKEN),
    ),
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

fn minute(view: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    if view.export.gauges {
        for id in &view.evaluation.ids {
            out.put(&id_labels(id), &[], id.minute.get(metric));
        }
    }
}

fn total(view: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    for id in &view.evaluation.ids {
        out.put(&id_labels(id), &[], id.totals.get(metric));
    }
}

fn latency(view: &View<'_>, out: &mut Samples<'_>, statistics: &[(Metric, &str)]) {
    for id in &view.evaluation.ids {
        for (metric, statistic) in statistics {
            let seconds = id.minute.get(*metric).map(|milliseconds| milliseconds / 1000.0);
            out.put(&id_labels(id), &[statistic], seconds);
        }
    }
}
