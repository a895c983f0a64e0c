//! The usage of quotas that are no model's, guardrails and batch inference.

use crate::exposition::row::{APPLIED, Row, cloudwatch, gauge, target};
use crate::exposition::text::Samples;
use crate::exposition::view::View;
use crate::model::evaluation::{BatchStatus, GuardrailStatus, MantleStatus, ServiceStatus};

const SOURCE: &str = "CloudWatch, the row's own UsageMetric or AWS/Bedrock/Guardrails, period 60 s, and Service Quotas' \
     applied values";
const GUARDRAILS: &str = cloudwatch!("AWS/Bedrock/Guardrails, Operation ApplyGuardrail, Sum");
const UNDOCUMENTED: &str = cloudwatch!("AWS/BedrockMantle, dimension Model");
const BATCH: &str = cloudwatch!("AWS/Bedrock/Batch");

pub(super) const QUOTAS: &[Row] = &[
    gauge(
        "bedrock_service_quota_usage",
        target!("quota_code"),
        "What is used of a quota that is no model's, in the unit of its limit: how many there are, or the rate of the \
         newest settled minute. Of a limit of seconds it is the minute's mean: the fullest second held at least that \
         (bound lower in bedrock_service_quota_info). Absent where ListMetrics shows no datapoint of three hours.",
        SOURCE,
        |view, out| each_quota(view, out, |status| status.usage),
    ),
    gauge(
        "bedrock_service_quota_usage_peak",
        target!("quota_code"),
        "The largest such value of the look-back window, and of all minutes that were first read within it.",
        SOURCE,
        |view, out| each_quota(view, out, |status| status.peak),
    ),
    gauge(
        "bedrock_service_quota_utilization_ratio",
        target!("quota_code"),
        "bedrock_service_quota_usage over the applied value, where that is known and above 0.",
        SOURCE,
        |view, out| each_quota(view, out, |status| status.ratio),
    ),
    gauge(
        "bedrock_service_quota_utilization_peak_ratio",
        target!("quota_code"),
        "bedrock_service_quota_usage_peak over the applied value, where that is known and above 0.",
        SOURCE,
        |view, out| each_quota(view, out, |status| status.peak_ratio),
    ),
    gauge(
        "bedrock_service_quota_complete_until_timestamp_seconds",
        target!("quota_code"),
        "The end of the newest minute that bedrock_service_quota_usage and its peak know, in seconds since the epoch: a \
         quota far from its limit is read every half an hour. Absent where a list is counted.",
        SOURCE,
        |view, out| each_quota(view, out, |status| status.complete_until.map(|at| at.0 as f64)),
    ),
];

/// What AWS may change one day.
pub(super) const PROBE: &[Row] = &[gauge(
    "bedrock_model_quotas_with_usage_metric",
    target!(),
    "How many quotas of models carry a UsageMetric, by which they are then measured. 0 so far: usage is joined to them by \
     name.",
    APPLIED,
    |view, out| {
        let read = view.state.quotas.as_ref();
        out.put(&[], &[], read.map(|_| view.evaluation.model_rows_with_usage_metric as f64));
    },
)];

macro_rules! guardrail {
    ($name:literal, $help:literal, $field:ident) => {
        gauge($name, target!(), $help, GUARDRAILS, |view, out| {
            out.put(&[], &[], view.evaluation.guardrails.as_ref().and_then(|status| status.$field));
        })
    };
}

pub(super) const RUNTIME: &[Row] = &[
    guardrail!(
        "bedrock_guardrail_invocations_per_minute",
        "Calls of ApplyGuardrail in the newest settled minute read, all guardrails together: like those of a normal id, in \
         every round while calls are refused.",
        calls
    ),
    guardrail!(
        "bedrock_guardrail_throttles_per_minute",
        "Refused calls of ApplyGuardrail in the newest settled minute.",
        throttles
    ),
    guardrail!(
        "bedrock_guardrail_client_errors_per_minute",
        "Calls of ApplyGuardrail that failed by the client's fault in the newest settled minute read, every half an hour.",
        client_errors
    ),
    guardrail!(
        "bedrock_guardrail_server_errors_per_minute",
        "Calls of ApplyGuardrail that failed by the service's fault in the newest settled minute read.",
        server_errors
    ),
    guardrail!(
        "bedrock_guardrail_interventions_per_minute",
        "Calls of ApplyGuardrail in which a guardrail intervened, in the newest settled minute read, every half an hour.",
        intervened
    ),
    gauge(
        "bedrock_guardrail_throttle_ratio",
        target!("window"),
        "Throttles over calls and throttles of ApplyGuardrail in the window's closed minutes. Absent without attempts.",
        GUARDRAILS,
        |view, out| each_window(view, out, |status| &status.ratio),
    ),
    gauge(
        "bedrock_guardrail_attempts",
        target!("window"),
        "Calls and throttles of ApplyGuardrail in the window's closed minutes.",
        GUARDRAILS,
        |view, out| each_window(view, out, |status| &status.attempts),
    ),
    gauge(
        "bedrock_guardrail_throttled_seconds",
        target!("window"),
        "How much of the window, in whole minutes, saw any refused call of ApplyGuardrail.",
        GUARDRAILS,
        |view, out| {
            let seconds = view.evaluation.guardrails.as_ref().map(|status| status.throttled_seconds as f64);
            out.put(&["15m"], &[], seconds);
        },
    ),
    gauge(
        "bedrock_batch_records_pending",
        target!("model_id"),
        "Records of batch inference that wait to be processed.",
        BATCH,
        |view, out| each_batch(view, out, |status| status.records_pending),
    ),
    gauge(
        "bedrock_batch_tokens_pending",
        target!("model_id"),
        "Tokens of batch inference that wait to be processed.",
        BATCH,
        |view, out| each_batch(view, out, |status| status.tokens_pending),
    ),
    gauge(
        "bedrock_batch_input_tokens_per_minute",
        target!("model_id"),
        "Input tokens that batch inference processed in the newest minute told.",
        BATCH,
        |view, out| each_batch(view, out, |status| status.input_tokens),
    ),
    gauge(
        "bedrock_batch_output_tokens_per_minute",
        target!("model_id"),
        "Output tokens that batch inference processed in the newest minute told.",
        BATCH,
        |view, out| each_batch(view, out, |status| status.output_tokens),
    ),
];

/// Undocumented: what they count, and whether mantle has a burndown at all, is not verified.
pub(super) const MANTLE: &[Row] = &[
    gauge(
        "bedrock_mantle_burndown_consumed",
        target!("model_id"),
        "BurnDownConsumed of the mantle endpoint, as its newest minute has it. AWS documents neither its meaning nor its \
         unit.",
        UNDOCUMENTED,
        |view, out| each_mantle(view, out, |status| status.burndown_consumed),
    ),
    gauge(
        "bedrock_mantle_equivalent_reservation_units",
        target!("model_id"),
        "EquivalentReservationUnits of the mantle endpoint, as its newest minute has it. AWS documents neither its \
         meaning nor its unit.",
        UNDOCUMENTED,
        |view, out| each_mantle(view, out, |status| status.equivalent_reservation_units),
    ),
];

fn each_mantle(view: &View<'_>, out: &mut Samples<'_>, value: fn(&MantleStatus) -> Option<f64>) {
    for status in &view.evaluation.mantle {
        out.put(&[&status.model_id], &[], value(status));
    }
}

fn each_quota(view: &View<'_>, out: &mut Samples<'_>, value: fn(&ServiceStatus) -> Option<f64>) {
    for status in &view.service {
        out.put(&[&status.row.code], &[], value(status));
    }
}

fn each_window(
    view: &View<'_>,
    out: &mut Samples<'_>,
    values: fn(&GuardrailStatus) -> &[(&'static str, f64)],
) {
    for (window, value) in view.evaluation.guardrails.iter().flat_map(values) {
        out.put(&[window], &[], *value);
    }
}

fn each_batch(view: &View<'_>, out: &mut Samples<'_>, value: fn(&BatchStatus) -> Option<f64>) {
    for status in &view.evaluation.batch {
        out.put(&[&status.model_id], &[], value(status));
    }
}
