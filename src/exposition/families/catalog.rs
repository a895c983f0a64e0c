//! What there is: invocation ids, models, provisioned throughput, batch jobs.

use crate::exposition::row::{Row, gauge, seconds, target};
use crate::exposition::text::Samples;
use crate::exposition::view::{UNKNOWN, View, base_model, id_labels};
use crate::model::catalog::ProvisionedThroughput;

const IDS: &str = "CloudWatch ListMetrics and Bedrock's ListInferenceProfiles, ListProvisionedModelThroughputs, \
    ListCustomModelDeployments and ListTagsForResource";
const MODELS: &str = "Bedrock ListFoundationModels";
const PROVISIONED: &str = "Bedrock ListProvisionedModelThroughputs";
const JOBS: &str = "Bedrock ListModelInvocationJobs";

const PROVISIONED_LABELS: &[&str] = target!("provisioned_model_id", "name", "model");

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_unmapped_model",
        target!("model_id", "reason"),
        "Traffic of the last 24 hours for which no quota, or not every one, could be found, and why; always 1.",
        IDS,
        unmapped,
    ),
    gauge(
        "bedrock_model_id_info",
        target!("endpoint", "model_id", "name", "type", "model", "scope", "confidence", "team"),
        "Every invocation id, the model and scope it means, and the team that its profile's tag names \
         (unattributed otherwise); always 1.",
        IDS,
        id_infos,
    ),
    gauge(
        "bedrock_model_info",
        target!("model", "model_name", "provider", "lifecycle"),
        "A foundation model that the region offers; always 1. lifecycle is ACTIVE, LEGACY or unknown.",
        MODELS,
        model_infos,
    ),
    gauge(
        "bedrock_model_end_of_life_timestamp_seconds",
        target!("model"),
        "When a foundation model's life ends, in seconds since the epoch, where AWS says so.",
        MODELS,
        ends_of_life,
    ),
    gauge(
        "bedrock_provisioned_throughput_model_units",
        PROVISIONED_LABELS,
        "Model units that a provisioned throughput has.",
        PROVISIONED,
        |view, out| each_provisioned(view, out, |units| Some(units.model_units)),
    ),
    gauge(
        "bedrock_provisioned_throughput_desired_model_units",
        PROVISIONED_LABELS,
        "Model units that were asked for, for a provisioned throughput.",
        PROVISIONED,
        |view, out| each_provisioned(view, out, |units| Some(units.desired_model_units)),
    ),
    gauge(
        "bedrock_provisioned_throughput_status",
        target!("provisioned_model_id", "name", "model", "status"),
        "The status of a provisioned throughput (Creating, InService, Updating, Failed); always 1.",
        PROVISIONED,
        provisioned_status,
    ),
    gauge(
        "bedrock_provisioned_throughput_commitment_expiration_timestamp_seconds",
        PROVISIONED_LABELS,
        "When the commitment of a provisioned throughput ends, in seconds since the epoch. Absent without \
         one.",
        PROVISIONED,
        |view, out| each_provisioned(view, out, |units| seconds(units.commitment_expires)),
    ),
    gauge(
        "bedrock_batch_jobs",
        target!("model", "status"),
        "Batch inference jobs submitted or in progress.",
        JOBS,
        batch_jobs,
    ),
];

fn unmapped(view: &View<'_>, out: &mut Samples<'_>) {
    for (id, reason) in &view.unmapped {
        out.put(&[id, reason], &[], 1.0);
    }
}

fn id_infos(view: &View<'_>, out: &mut Samples<'_>) {
    for id in &view.evaluation.ids {
        let [endpoint, model_id, model, scope] = id_labels(id);
        let resolution = &id.resolution;
        let name = resolution.name.as_deref().unwrap_or_default();
        let (id_type, confidence) = (resolution.id_type.word(), resolution.confidence.word());
        out.put(&[endpoint, model_id, name, id_type, model, scope, confidence, view.team(id)], &[], 1.0);
    }
}

fn model_infos(view: &View<'_>, out: &mut Samples<'_>) {
    for (id, model) in &view.models {
        let name = model.name.as_deref().unwrap_or(id);
        let provider = model.provider.as_deref().unwrap_or(UNKNOWN);
        let lifecycle = model.lifecycle.as_deref().unwrap_or(UNKNOWN);
        out.put(&[id, name, provider, lifecycle], &[], 1.0);
    }
}

fn ends_of_life(view: &View<'_>, out: &mut Samples<'_>) {
    for (id, model) in &view.models {
        out.put(&[id], &[], seconds(model.end_of_life));
    }
}

fn each_provisioned(
    view: &View<'_>,
    out: &mut Samples<'_>,
    value: fn(&ProvisionedThroughput) -> Option<f64>,
) {
    for (id, units) in &view.provisioned {
        out.put(&[id, &units.name, provisioned_model(units)], &[], value(units));
    }
}

fn provisioned_status(view: &View<'_>, out: &mut Samples<'_>) {
    for (id, units) in &view.provisioned {
        out.put(&[id, &units.name, provisioned_model(units)], &[&units.status], 1.0);
    }
}

fn provisioned_model(units: &ProvisionedThroughput) -> &str {
    base_model(&units.foundation_model_arn).unwrap_or(UNKNOWN)
}

fn batch_jobs(view: &View<'_>, out: &mut Samples<'_>) {
    for ((model, status), count) in &view.jobs {
        out.put(&[model, status], &[], *count as f64);
    }
}
