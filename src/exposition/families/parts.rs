//! Parts of what each invocation id used: by service tier, and by project.

use crate::exposition::row::{Row, cloudwatch, gauge, target};
use crate::exposition::text::Samples;
use crate::exposition::view::{UNATTRIBUTED, View, labels_of};
use crate::model::evaluation::PartStatus;
use crate::model::ids::Endpoint;
use crate::model::parts::{Part, WINDOW};
use crate::model::usage::Metric;
use std::collections::BTreeSet;

const TIERS: &str = cloudwatch!("AWS/Bedrock, dimensions ModelId, ServiceTier and ResolvedServiceTier, Sum");
const PROJECTS: &str = cloudwatch!(
    "AWS/Bedrock, dimensions ModelId and Project, and AWS/BedrockMantle, dimensions Model and Project, Sum"
);

macro_rules! part {
    ($($more:literal),*) => { target!("endpoint", "model_id", "model", "scope" $(, $more)*, "window") };
}

/// The same four counts of either division: both names, and what is counted.
macro_rules! counts {
    ($($metric:ident { $tier:literal, $project:literal, $what:literal })*) => {
        pub(super) const BY_TIER: &[Row] = &[$(gauge(
            $tier,
            part!("service_tier", "resolved_service_tier"),
            concat!(
                $what, " of the window by the service tier that was asked for and the one that served them. Part of the \
                 id's own series."
            ),
            TIERS,
            |view, out| tiers(view, out, Metric::$metric),
        ),)*];

        pub(super) const BY_PROJECT: &[Row] = &[$(gauge(
            $project,
            part!("project"),
            concat!(
                $what, " of the window by project; unattributed is what the listed projects leave of the id's. Part of the \
                 id's own series."
            ),
            PROJECTS,
            |view, out| projects(view, out, Metric::$metric),
        ),)*];
    };
}

counts! {
    Invocations { "bedrock_tier_invocations", "bedrock_project_invocations", "Invocations" }
    Throttles {
        "bedrock_tier_throttles", "bedrock_project_throttles",
        "Throttled calls (SDK retries included; mantle publishes none)"
    }
    InputTokens {
        "bedrock_tier_input_tokens", "bedrock_project_input_tokens",
        "Input tokens (cached ones excluded on the runtime endpoint)"
    }
    OutputTokens { "bedrock_tier_output_tokens", "bedrock_project_output_tokens", "Output tokens" }
}

pub(super) const PROJECTS_INFO: &[Row] = &[gauge(
    "bedrock_project_info",
    target!("endpoint", "project", "project_name", "team"),
    "Every listed project, the name that the config gives it, and the team that the config or its tag names \
     (unattributed otherwise, as is what no project explains); always 1.",
    "CloudWatch ListMetrics, Bedrock's ListTagsForResource, the config",
    |view, out| {
        for (endpoint, project) in projects_of(view) {
            let (name, team) = view.project(endpoint, project);
            out.put(&[endpoint.word(), project.unwrap_or(UNATTRIBUTED), name, team], &[], 1.0);
        }
    },
)];

fn projects_of<'a>(view: &'a View<'_>) -> BTreeSet<(Endpoint, Option<&'a str>)> {
    let parts = view.evaluation.parts.iter();
    let project = |status: &'a PartStatus| match &status.part {
        Part::Project(project) => Some((status.id.endpoint, project.as_deref())),
        Part::Tier { .. } => None,
    };
    parts.filter_map(project).collect()
}

pub(super) const OVERFLOW: &[Row] = &[gauge(
    "bedrock_reserved_tier_overflow_ratio",
    part!(),
    "The share of the window's calls to the reserved tier that another tier served, on demand. Absent without such calls.",
    TIERS,
    |view, out| {
        for overflow in &view.evaluation.overflows {
            out.put(&labels_of(&overflow.id, &overflow.resolution), &[WINDOW.0], overflow.ratio);
        }
    },
)];

fn tiers(view: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    for status in &view.evaluation.parts {
        if let Part::Tier { asked, served } = &status.part {
            let labels = labels_of(&status.id, &status.resolution);
            out.put(&labels, &[asked, served, WINDOW.0], status.counts.get(&metric).copied());
        }
    }
}

fn projects(view: &View<'_>, out: &mut Samples<'_>, metric: Metric) {
    for status in &view.evaluation.parts {
        if let Part::Project(project) = &status.part {
            let labels = labels_of(&status.id, &status.resolution);
            let project = project.as_deref().unwrap_or(UNATTRIBUTED);
            out.put(&labels, &[project, WINDOW.0], status.counts.get(&metric).copied());
        }
    }
}
