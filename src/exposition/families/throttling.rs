//! Refused calls per model and scope, and why.

use crate::exposition::row::{RATIO, Row, cloudwatch, gauge, target};
use crate::exposition::text::Samples;
use crate::exposition::view::View;
use crate::model::evaluation::ThrottleStatus;

const THROTTLES: &str = cloudwatch!("AWS/Bedrock Invocations and InvocationThrottles, Sum");

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_throttle_ratio",
        target!("model", "scope", "window"),
        "Throttles over invocations and throttles of the window's closed minutes. Absent without attempts. \
         Mantle publishes no throttles.",
        THROTTLES,
        |view, out| each_window(view, out, |status| &status.ratio),
    ),
    gauge(
        "bedrock_attempts",
        target!("model", "scope", "window"),
        "Invocations and throttles of the window's closed minutes.",
        THROTTLES,
        |view, out| each_window(view, out, |status| &status.attempts),
    ),
    gauge(
        "bedrock_throttled_seconds",
        target!("model", "scope", "window"),
        "How much of the window, in whole minutes, saw any throttled call.",
        THROTTLES,
        throttled_seconds,
    ),
    gauge(
        "bedrock_throttle_cause",
        target!("model", "scope", "cause"),
        "Why calls of the last 15 minutes were throttled; always 1. unknown before five throttled minutes.",
        RATIO,
        causes,
    ),
];

fn labels(status: &ThrottleStatus) -> [&str; 2] {
    [&status.model, status.scope.word()]
}

fn each_window(
    view: &View<'_>,
    out: &mut Samples<'_>,
    values: fn(&ThrottleStatus) -> &[(&'static str, f64)],
) {
    for status in &view.evaluation.throttling {
        for (window, value) in values(status) {
            out.put(&labels(status), &[window], *value);
        }
    }
}

fn throttled_seconds(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.evaluation.throttling {
        out.put(&labels(status), &["15m"], status.throttled_seconds as f64);
    }
}

fn causes(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.evaluation.throttling {
        if let Some(cause) = status.cause {
            out.put(&labels(status), &[cause.word()], 1.0);
        }
    }
}
