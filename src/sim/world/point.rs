//! Points: the statistics CloudWatch keeps of a minute, and what of a stream's minute each metric shows.

use super::stream::{Invocations, Stream, Tally};

/// The statistics of a bucket. Latencies are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub sum: f64,
    pub count: f64,
    pub min: f64,
    pub max: f64,
}

impl Point {
    pub(super) fn add(self, other: Point) -> Point {
        Point {
            sum: self.sum + other.sum,
            count: self.count + other.count,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// The value of a statistic as GetMetricData spells it; `None` if it is no statistic.
    pub fn statistic(&self, name: &str) -> Option<f64> {
        Some(match name {
            "Sum" => self.sum,
            "SampleCount" => self.count,
            "Average" => self.sum / self.count,
            "Minimum" => self.min,
            "Maximum" => self.max,
            _ => self.percentile(percent(name)?),
        })
    }

    /// Values lie on one curve from the smallest over the mean to the largest.
    fn percentile(&self, percent: f64) -> f64 {
        let mean = self.sum / self.count;
        let rank = percent / 100.0;
        if rank < 0.5 {
            self.min + (mean * 0.9 - self.min) * rank * 2.0
        } else {
            mean * 0.9 + (self.max - mean * 0.9) * (rank * 2.0 - 1.0).powi(4)
        }
    }
}

/// The percentage in `p99` or `p99.9`.
fn percent(statistic: &str) -> Option<f64> {
    let digits = statistic.strip_prefix('p')?;
    digits
        .parse()
        .ok()
        .filter(|p| (0.0..=100.0).contains(p) && digits.starts_with(|c: char| c.is_ascii_digit()))
}

/// Tells whether GetMetricData knows the statistic.
pub fn is_statistic(name: &str) -> bool {
    matches!(name, "Sum" | "SampleCount" | "Average" | "Minimum" | "Maximum") || percent(name).is_some()
}

/// A metric's point for a settled minute; `part` of the counts.
pub(super) fn point(
    stream: &Stream,
    tally: &Tally,
    metric: &str,
    part: f64,
    invocations: Invocations,
) -> Option<Point> {
    let part_of = |n: u64| (n as f64 * part).floor();
    let calls = part_of(tally.invocations);
    let counted = |n: u64| Point { sum: part_of(n), count: part_of(n), min: 1.0, max: 1.0 };
    let amount = |n: u64| {
        let mean = n as f64 / tally.invocations.max(1) as f64;
        Point { sum: part_of(n), count: calls.max(1.0), min: (mean * 0.4).floor(), max: (mean * 2.5).ceil() }
    };
    let duration = |ms: f64| Point { sum: ms * calls, count: calls, min: ms * 0.3, max: ms * 4.0 };
    let spelled = |tokens: bool, n: u64| (stream.cache_tokens_spelling == tokens).then(|| amount(n));
    let point = match metric {
        "Invocations" => counted(invocations.of(tally)),
        "Inferences" | "ModelInvocationLogsCloudWatchDeliverySuccess" => counted(tally.invocations),
        "InvocationThrottles" => counted(tally.throttles),
        // The mantle endpoint publishes no throttles of its own.
        "InferenceClientErrors" => counted(tally.client_errors),
        "InvocationClientErrors" => counted(tally.client_errors),
        "InvocationServerErrors" => counted(tally.server_errors),
        "LegacyModelInvocations" => counted(tally.legacy),
        "InvocationLatency" => duration(tally.latency_ms),
        "TimeToFirstToken" => duration(tally.first_token_ms?),
        "InputTokenCount" | "InputTokens" => amount(tally.input),
        "OutputTokenCount" | "OutputTokens" | "TotalOutputTokens" => amount(tally.output),
        "TotalInputTokens" => amount(tally.input + tally.cache_read + tally.cache_write),
        "CacheReadInputTokenCount" => spelled(false, tally.cache_read)?,
        "CacheWriteInputTokenCount" => spelled(false, tally.cache_write)?,
        "CacheReadInputTokens" => spelled(true, tally.cache_read)?,
        "CacheWriteInputTokens" => spelled(true, tally.cache_write)?,
        "EstimatedTPMQuotaUsage" => amount(tally.estimated?),
        "OutputImageCount" => amount(tally.images),
        _ => return None,
    };
    (point.count > 0.0 && point.sum > 0.0).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_cloudwatch() {
        let point = Point { sum: 1000.0, count: 10.0, min: 20.0, max: 400.0 };
        let of = |name| point.statistic(name);
        assert_eq!([of("Sum"), of("SampleCount"), of("Average")], [Some(1000.0), Some(10.0), Some(100.0)]);
        assert_eq!(
            [of("Minimum"), of("Maximum"), of("p0"), of("p100")],
            [Some(20.0), Some(400.0), Some(20.0), Some(400.0)]
        );
        assert!(of("p50") < of("p90") && of("p90") < of("p99.9"));
        for unknown in ["sum", "p101", "p", "p-1", "TM(10%:90%)"] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }
}
