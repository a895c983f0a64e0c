//! Refused calls per model and scope, and why.

use crate::exposition::row::{RATIO, Row, cloudwatch, gauge, target};
use crate::exposition::text::Samples;
use crate::exposition::view::{UNKNOWN, View};
use crate::model::evaluation::{Pool, ThrottleStatus};
use crate::model::ids::Scope;

const THROTTLES: &str = cloudwatch!("AWS/Bedrock Invocations and InvocationThrottles, Sum");

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_throttle_ratio",
        target!("model", "scope", "window", "model_id"),
        "Throttles over invocations and throttles of the window's closed minutes; of 1m the newest minute of \
         the last five in which any call was refused and whose calls are published. Absent without attempts. \
         Mantle publishes no throttles. model_id stands only where an id stands alone.",
        THROTTLES,
        |view, out| each_window(view, out, |status| &status.ratio),
    ),
    gauge(
        "bedrock_attempts",
        target!("model", "scope", "window", "model_id"),
        "Invocations and throttles of the window's closed minutes; of 1m as in bedrock_throttle_ratio.",
        THROTTLES,
        |view, out| each_window(view, out, |status| &status.attempts),
    ),
    gauge(
        "bedrock_throttled_seconds",
        target!("model", "scope", "window", "model_id"),
        "How much of the window, in whole minutes, saw any throttled call, minutes that are not closed included. With quotas.export in_use absent where \
         none did.",
        THROTTLES,
        throttled_seconds,
    ),
    gauge(
        "bedrock_throttle_cause",
        target!("model", "scope", "cause", "model_id"),
        "Why calls of the last 15 minutes were throttled; always 1. unknown before five throttled minutes, and where \
         several models are refused together, each far below its limits.",
        RATIO,
        causes,
    ),
];

fn labels(status: &ThrottleStatus) -> [&str; 2] {
    let Pool { model, scope, .. } = &status.pool;
    [model.as_deref().unwrap_or(UNKNOWN), scope.map_or(UNKNOWN, Scope::word)]
}

/// The id of a pool of its own; empty, and so no label, where the pool is a model's.
fn id(status: &ThrottleStatus) -> &str {
    status.pool.id.as_ref().map_or("", |id| &id.id)
}

fn each_window(
    view: &View<'_>,
    out: &mut Samples<'_>,
    values: fn(&ThrottleStatus) -> &[(&'static str, f64)],
) {
    for status in &view.evaluation.throttling {
        for (window, value) in values(status) {
            out.put(&labels(status), &[window, id(status)], *value);
        }
    }
}

fn throttled_seconds(view: &View<'_>, out: &mut Samples<'_>) {
    let refused = |status: &&ThrottleStatus| view.says_all() || status.throttled_seconds > 0;
    for status in view.evaluation.throttling.iter().filter(refused) {
        out.put(&labels(status), &["15m", id(status)], status.throttled_seconds as f64);
    }
}

fn causes(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.evaluation.throttling {
        if let Some(cause) = status.cause {
            out.put(&labels(status), &[cause.word(), id(status)], 1.0);
        }
    }
}
