//! What is watched, how fresh it is, and how reading it goes.

use crate::exposition::family::EXPORTER;
use crate::exposition::row::{Row, cloudwatch, counter, gauge, seconds, target};
use crate::exposition::text::Samples;
use crate::exposition::view::View;
use crate::model::observation::{Collector, ErrorClass};
use crate::model::partition::is_opt_in;
use crate::model::state::CollectorState;

const MINUTES: &str = cloudwatch!("AWS/Bedrock and AWS/BedrockMantle");

const COLLECTOR_LABELS: &[&str] = target!("collector");

pub(super) const ACCOUNTS: &[Row] = &[gauge(
    "bedrock_account_info",
    &["account_id", "account_name"],
    "A watched account and its name, its id where it has none; always 1.",
    EXPORTER,
    accounts,
)];

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_usage_complete_until_timestamp_seconds",
        target!(),
        "The end of the last minute that was read for every invocation id, in seconds since the epoch. \
         Advances without traffic too.",
        MINUTES,
        |view, out| out.put(&[], &[], seconds(view.evaluation.complete_until)),
    ),
    gauge(
        "bedrock_usage_datapoint_timestamp_seconds",
        target!(),
        "The newest datapoint of any invocation id, in seconds since the epoch. Ages when nothing is called.",
        MINUTES,
        |view, out| out.put(&[], &[], seconds(view.evaluation.newest_datapoint)),
    ),
    gauge(
        "bedrock_exporter_target_up",
        COLLECTOR_LABELS,
        "Whether the last collection brought everything that it asked for: 1 or 0.",
        EXPORTER,
        |view, out| each_collector(view, out, |state| state.last_attempt.map(|_| f64::from(state.up))),
    ),
    gauge(
        "bedrock_exporter_last_success_timestamp_seconds",
        COLLECTOR_LABELS,
        "When a collection last brought everything that it asked for, in seconds since the epoch.",
        EXPORTER,
        |view, out| each_collector(view, out, |state| seconds(state.last_success)),
    ),
    gauge(
        "bedrock_exporter_collection_duration_seconds",
        COLLECTOR_LABELS,
        "How long the last collection took.",
        EXPORTER,
        |view, out| each_collector(view, out, |state| state.last_attempt.map(|_| state.seconds)),
    ),
    counter(
        "bedrock_exporter_collection_errors_total",
        target!("collector", "class"),
        "Errors of collections. Every class is there from the start, at 0, so that increase() sees the first \
         error.",
        EXPORTER,
        errors,
    ),
    gauge(
        "bedrock_exporter_budget_degraded",
        target!(),
        "Whether budget.dollars_per_day has the calmest ids read less often: 1 or 0. Absent without a budget.",
        EXPORTER,
        |view, out| out.put(&[], &[], view.state.slowed.map(f64::from)),
    ),
];

fn accounts(view: &View<'_>, out: &mut Samples<'_>) {
    if let Some((id, name)) = view.account {
        out.put(&[id, name], &[], 1.0);
    }
}

fn each_collector(view: &View<'_>, out: &mut Samples<'_>, value: fn(&CollectorState) -> Option<f64>) {
    for (collector, state) in &view.state.collectors {
        out.put(&[collector.word()], &[], value(state));
    }
}

fn errors(view: &View<'_>, out: &mut Samples<'_>) {
    for collector in Collector::ALL {
        let errors = view.state.collectors.get(collector).map(|state| &state.errors);
        for class in ErrorClass::ALL {
            let count = errors.and_then(|errors| errors.get(class)).copied().unwrap_or(0);
            // Most regions cannot be disabled: a series less for each collector.
            if *class == ErrorClass::RegionDisabled && count == 0 && !is_opt_in(&view.state.target.region) {
                continue;
            }
            out.put(&[collector.word()], &[class.word()], count as f64);
        }
    }
}
