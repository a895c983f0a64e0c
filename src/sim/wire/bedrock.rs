//! Bedrock's control plane: models, profiles, throughput, deployments, jobs, tags.

mod rows;

use super::members::{choice, only};
use super::pages::Paging;
use super::query::unescape;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use super::spoil::spoil;
use crate::sim::faults::Kind;
use axum::http::Method;
use rows::arn;
use serde_json::{Value, json};

const PAGING: Paging = Paging {
    size: Some("maxResults"),
    token: "nextToken",
    usual: 1000,
    most: 1000,
    bad_size: "ValidationException",
    bad_token: ("ValidationException", "Invalid nextToken."),
};

/// A list in pages, and what it can be filtered by.
struct Listing {
    /// The member of the reply that holds it.
    list: &'static str,
    /// The member of a row that `nameContains` is about.
    name: Option<&'static str>,
    /// The statuses that `statusEquals` may ask for.
    statuses: &'static [&'static str],
}

const SYSTEM_OR_APPLICATION: Listing =
    Listing { list: "inferenceProfileSummaries", name: None, statuses: &[] };
const PROVISIONED: Listing = Listing {
    list: "provisionedModelSummaries",
    name: Some("provisionedModelName"),
    statuses: &["Creating", "InService", "Updating", "Failed"],
};
const DEPLOYMENTS: Listing = Listing {
    list: "modelDeploymentSummaries",
    name: Some("customModelDeploymentName"),
    statuses: &["Creating", "Active", "Failed"],
};
const CUSTOM: Listing = Listing { list: "modelSummaries", name: Some("modelName"), statuses: &[] };
const IMPORTED: Listing = Listing { list: "modelSummaries", name: Some("modelName"), statuses: &[] };
const JOBS: Listing = Listing {
    list: "invocationJobSummaries",
    name: Some("jobName"),
    statuses: &[
        "Submitted",
        "InProgress",
        "Completed",
        "Failed",
        "Stopping",
        "Stopped",
        "PartiallyCompleted",
        "Expired",
        "Validating",
        "Scheduled",
    ],
};

/// The operation of a path, with what the path says of its input.
pub fn route(method: &Method, path: &str) -> Option<(&'static str, Value)> {
    let none = json!({});
    Some(match (method.as_str(), path.trim_end_matches('/')) {
        ("GET", "/foundation-models") => ("ListFoundationModels", none),
        ("GET", "/inference-profiles") => ("ListInferenceProfiles", none),
        ("GET", "/provisioned-model-throughputs") => ("ListProvisionedModelThroughputs", none),
        ("GET", "/model-customization/custom-model-deployments") => ("ListCustomModelDeployments", none),
        ("GET", "/custom-models") => ("ListCustomModels", none),
        ("GET", "/imported-models") => ("ListImportedModels", none),
        ("GET", "/model-invocation-jobs") => ("ListModelInvocationJobs", none),
        ("POST", "/listTagsForResource") => ("ListTagsForResource", none),
        ("GET", path) => {
            let id = unescape(path.strip_prefix("/inference-profiles/")?);
            ("GetInferenceProfile", json!({"inferenceProfileIdentifier": id}))
        }
        _ => return None,
    })
}

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let region = scene.region;
    let mut reply = match operation {
        "ListFoundationModels" => models(scene, input)?,
        "ListInferenceProfiles" => {
            let kind = choice(input, "type", &["SYSTEM_DEFINED", "APPLICATION"])?;
            let application = kind == Some("APPLICATION");
            let rows = if application { rows::applications(scene) } else { rows::system_profiles(scene) };
            SYSTEM_OR_APPLICATION.reply(scene, input, rows)?
        }
        "GetInferenceProfile" => profile(scene, input)?,
        "ListProvisionedModelThroughputs" => {
            let rows = region.provisioned.iter().map(|p| rows::provisioned(scene, p)).collect();
            PROVISIONED.reply(scene, input, rows)?
        }
        "ListCustomModelDeployments" => {
            let rows = scene.view().deployments().map(|d| rows::deployment(scene, d)).collect();
            DEPLOYMENTS.reply(scene, input, rows)?
        }
        "ListCustomModels" => custom_models(scene, input)?,
        "ListImportedModels" => {
            let rows = scene.view().imported().map(|m| rows::imported(scene, m)).collect();
            IMPORTED.reply(scene, input, rows)?
        }
        "ListModelInvocationJobs" => {
            let rows = region.jobs.iter().map(|j| rows::job(scene, j)).collect();
            JOBS.reply(scene, input, rows)?
        }
        "ListTagsForResource" => tags(scene, input)?,
        _ => return Err(unknown_operation(operation)),
    };
    spoil(&mut reply, scene.faults);
    Ok(reply)
}

fn not_found(what: &str) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", format!("Could not find {what}."))
}

impl Listing {
    /// A page of those rows that the request's filters let through.
    fn reply(&self, scene: &Scene, input: &Value, mut rows: Vec<Value>) -> Result<Value, Refusal> {
        let mut known = vec!["type", "maxResults", "nextToken"];
        if let Some(name) = self.name {
            known.push("nameContains");
            let wanted = input["nameContains"].as_str().unwrap_or_default();
            rows.retain(|row| row[name].as_str().is_some_and(|name| name.contains(wanted)));
        }
        if !self.statuses.is_empty() {
            known.push("statusEquals");
            let wanted = choice(input, "statusEquals", self.statuses)?;
            rows.retain(|row| wanted.is_none_or(|wanted| row["status"] == wanted));
        }
        only(input, &known)?;
        Ok(PAGING.page(scene, input, rows)?.reply(self.list, |row| row))
    }
}

fn models(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    only(input, &["byProvider", "byCustomizationType", "byOutputModality", "byInferenceType"])?;
    let provider = input["byProvider"].as_str();
    let types = choice(input, "byInferenceType", &["ON_DEMAND", "PROVISIONED"])?;
    let modality = choice(input, "byOutputModality", &["TEXT", "IMAGE", "EMBEDDING"])?;
    let customization =
        choice(input, "byCustomizationType", &["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"])?;
    let mut rows = rows::models(scene);
    // AWS compares providers without regard to case.
    rows.retain(|row| {
        provider.is_none_or(|p| row["providerName"].as_str().is_some_and(|is| is.eq_ignore_ascii_case(p)))
    });
    for (list, wanted) in [
        ("inferenceTypesSupported", types),
        ("outputModalities", modality),
        ("customizationsSupported", customization),
    ] {
        let Some(wanted) = wanted else { continue };
        rows.retain(|row| row[list].as_array().is_some_and(|has| has.iter().any(|one| one == wanted)));
    }
    Ok(json!({"modelSummaries": rows}))
}

/// No account shares models with another here: all are its own.
fn custom_models(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let is_owned = choice(input, "isOwned", &["true", "false"])? != Some("false");
    let mut rest = input.clone();
    rest.as_object_mut().map(|members| members.remove("isOwned"));
    CUSTOM.reply(scene, &rest, if is_owned { rows::custom_models(scene) } else { Vec::new() })
}

fn profile(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let asked = input["inferenceProfileIdentifier"].as_str().unwrap_or_default();
    let mut all = rows::system_profiles(scene).into_iter().chain(rows::applications(scene));
    all.find(|p| p["inferenceProfileId"] == asked || p["inferenceProfileArn"] == asked)
        .ok_or_else(|| not_found(&format!("the inference profile {asked}")))
}

fn tags(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let asked = input["resourceARN"].as_str().unwrap_or_default();
    let denied =
        |fault: &Kind| matches!(fault, Kind::ResourceDenied { resource } if asked.ends_with(resource));
    if scene.faults.iter().any(denied) {
        let message = format!("You are not authorized to perform: bedrock:ListTagsForResource on {asked}");
        return Err(Refusal::new(403, "AccessDeniedException", message));
    }
    let id = |kind: &str| asked.strip_prefix(&arn(scene, kind));
    let profile = scene.region.profiles.iter().find(|p| Some(&*p.id) == id("application-inference-profile/"));
    let project = id("project/").and_then(|id| scene.region.project_tags.get(id));
    let tags = profile.map(|profile| &profile.tags).or(project);
    let tags = tags.ok_or_else(|| not_found(&format!("the resource {asked}")))?;
    let tags = tags.iter().map(|(key, value)| json!({"key": key, "value": value}));
    Ok(json!({"tags": tags.collect::<Vec<_>>()}))
}
