//! How CloudWatch spells what is read: namespaces, dimensions, metric names, statistics.

use super::ids::Endpoint;
use super::usage::Metric;

pub(crate) const fn namespace(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Runtime => "AWS/Bedrock",
        Endpoint::Mantle => "AWS/BedrockMantle",
    }
}

/// The one dimension of the exact set that is read. Every other set (ServiceTier, ContextWindow, Project, …)
/// holds the same calls once more.
pub(crate) const fn dimension(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Runtime => "ModelId",
        Endpoint::Mantle => "Model",
    }
}

/// The dimension of calls that the reserved tier served.
pub(crate) const RESERVED: (&str, &str) = ("ResolvedServiceTier", "reserved");

const RUNTIME: &[(&str, &str, Metric)] = &[
    ("Invocations", "Sum", Metric::Invocations),
    ("InvocationThrottles", "Sum", Metric::Throttles),
    ("InvocationClientErrors", "Sum", Metric::ClientErrors),
    ("InvocationServerErrors", "Sum", Metric::ServerErrors),
    ("InputTokenCount", "Sum", Metric::InputTokens),
    ("OutputTokenCount", "Sum", Metric::OutputTokens),
    ("CacheReadInputTokenCount", "Sum", Metric::CacheReadTokens),
    ("CacheWriteInputTokenCount", "Sum", Metric::CacheWriteTokens),
    ("CacheReadInputTokens", "Sum", Metric::CacheReadTokensOtherName),
    ("CacheWriteInputTokens", "Sum", Metric::CacheWriteTokensOtherName),
    ("EstimatedTPMQuotaUsage", "Sum", Metric::EstimatedTokens),
    ("OutputImageCount", "Sum", Metric::OutputImages),
    ("LegacyModelInvocations", "Sum", Metric::LegacyInvocations),
    ("InvocationLatency", "Average", Metric::LatencyAverage),
    ("InvocationLatency", "p50", Metric::LatencyP50),
    ("InvocationLatency", "p90", Metric::LatencyP90),
    ("InvocationLatency", "p99", Metric::LatencyP99),
    ("InvocationLatency", "Maximum", Metric::LatencyMaximum),
    ("TimeToFirstToken", "Average", Metric::FirstTokenAverage),
    ("TimeToFirstToken", "p50", Metric::FirstTokenP50),
    ("TimeToFirstToken", "p90", Metric::FirstTokenP90),
    ("TimeToFirstToken", "p99", Metric::FirstTokenP99),
    ("TimeToFirstToken", "Maximum", Metric::FirstTokenMaximum),
];

/// Whether the quota counts cached input is not documented: TotalInputTokens, which holds it, cannot
/// understate.
const MANTLE: &[(&str, &str, Metric)] = &[
    ("Inferences", "Sum", Metric::Invocations),
    ("InferenceClientErrors", "Sum", Metric::ClientErrors),
    ("TotalInputTokens", "Sum", Metric::InputTokens),
    ("TotalOutputTokens", "Sum", Metric::OutputTokens),
];

fn table(endpoint: Endpoint) -> &'static [(&'static str, &'static str, Metric)] {
    match endpoint {
        Endpoint::Runtime => RUNTIME,
        Endpoint::Mantle => MANTLE,
    }
}

/// Everything that is read of a metric that ListMetrics shows; nothing where it is not known.
pub(crate) fn metrics(endpoint: Endpoint, name: &str) -> impl Iterator<Item = Metric> {
    table(endpoint).iter().filter(move |row| row.0 == name).map(|row| row.2)
}

/// Metric name and statistic. A metric the endpoint does not have is asked by its runtime name, and
/// answered with no datapoint.
pub(crate) fn query(endpoint: Endpoint, metric: Metric) -> (&'static str, &'static str) {
    let rows = table(endpoint).iter().chain(RUNTIME);
    rows.clone().find(|row| row.2 == metric).map_or(("Invocations", "Sum"), |row| (row.0, row.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_model_has_one_name_and_statistic() {
        for metric in Metric::ALL {
            assert_eq!(RUNTIME.iter().filter(|row| row.2 == *metric).count(), 1, "{metric}");
        }
    }
}
