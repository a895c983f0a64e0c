//! Under which names and sets of dimensions CloudWatch publishes a stream.

use super::Region;
use super::stream::{Endpoint, Stream};

/// Name and value, in CloudWatch's order.
pub(super) type Dimensions = Vec<(&'static str, String)>;

pub(super) const RUNTIME: [&str; 15] = [
    "Invocations",
    "InvocationLatency",
    "TimeToFirstToken",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "CacheReadInputTokens",
    "CacheWriteInputTokens",
    "EstimatedTPMQuotaUsage",
    "OutputImageCount",
    "LegacyModelInvocations",
];
pub(super) const ACCOUNT_WIDE: [&str; 9] = [
    "Invocations",
    "InvocationLatency",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "OutputImageCount",
    "ModelInvocationLogsCloudWatchDeliverySuccess",
];
const IMAGES: [&str; 1] = ["OutputImageCount"];
pub(super) const MANTLE: [&str; 6] = [
    "Inferences",
    "InferenceClientErrors",
    "TotalInputTokens",
    "TotalOutputTokens",
    "InputTokens",
    "OutputTokens",
];

/// One set of dimensions under which a stream is published.
pub(super) struct Level {
    pub dimensions: Dimensions,
    /// The part of the stream's calls that it shows.
    pub share: f64,
    pub metrics: &'static [&'static str],
}

pub(super) fn namespace(stream: &Stream) -> &'static str {
    match stream.endpoint {
        Endpoint::Runtime => "AWS/Bedrock",
        Endpoint::Mantle { .. } => "AWS/BedrockMantle",
    }
}

pub(super) fn levels(region: &Region, stream: &Stream) -> Vec<Level> {
    let level = |dimensions, share, metrics| Level { dimensions, share, metrics };
    if let Endpoint::Mantle { project } = &stream.endpoint {
        let (project, model) = (("Project", project.clone()), ("Model", stream.model_id.clone()));
        let sets = [vec![], vec![project.clone()], vec![model.clone()], vec![model, project]];
        return sets.map(|dimensions| level(dimensions, 1.0, &MANTLE)).into();
    }
    let id = || ("ModelId", stream.model_id.clone());
    let mut levels = vec![level(vec![id()], 1.0, &RUNTIME[..])];
    for tier in &stream.tiers {
        let (asked, resolved) = (tier.asked.clone(), tier.resolved.clone());
        let tiers = vec![id(), ("ResolvedServiceTier", resolved), ("ServiceTier", asked)];
        levels.push(level(tiers, tier.share, &RUNTIME));
    }
    for (project, share) in &stream.projects {
        levels.push(level(vec![id(), ("Project", project.clone())], *share, &RUNTIME));
    }
    for (window, share) in &stream.context_windows {
        levels.push(level(vec![("ContextWindow", window.clone()), id()], *share, &RUNTIME));
    }
    if let Some(size) = &stream.image_size {
        let image = vec![("BucketedStepSize", "30".to_string()), ("ImageSize", size.clone()), id()];
        levels.push(level(image, 1.0, &IMAGES));
    }
    if region.account_wide {
        levels.push(level(vec![], 1.0, &ACCOUNT_WIDE));
    }
    levels
}
