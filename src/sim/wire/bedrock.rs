//! Bedrock's control plane: models, profiles, throughput, deployments, jobs, tags.

use super::pages::Paging;
use super::query::unescape;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use super::spoil::spoil;
use crate::sim::world::lists::{Model, Profile, base_id};
use crate::sim::world::{ApplicationProfile, BatchJob, Deployment, ImportedModel, ProvisionedThroughput};
use axum::http::Method;
use serde_json::{Value, json};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// When everything that has no date of its own was made.
const LONG_AGO: i64 = 1_735_689_600;
const PAGING: Paging = Paging {
    size: Some("maxResults"),
    token: "nextToken",
    usual: 1000,
    most: 1000,
    bad_size: "ValidationException",
    bad_token: ("ValidationException", "Invalid nextToken."),
};

/// The operation of a path, with what the path says of its input.
pub fn route(method: &Method, path: &str) -> Option<(&'static str, Value)> {
    let none = json!({});
    Some(match (method.as_str(), path.trim_end_matches('/')) {
        ("GET", "/foundation-models") => ("ListFoundationModels", none),
        ("GET", "/inference-profiles") => ("ListInferenceProfiles", none),
        ("GET", "/provisioned-model-throughputs") => ("ListProvisionedModelThroughputs", none),
        ("GET", "/model-customization/custom-model-deployments") => ("ListCustomModelDeployments", none),
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
        "ListFoundationModels" => json!({"modelSummaries": models(scene)}),
        "ListInferenceProfiles" => {
            let application = match input["type"].as_str() {
                None | Some("SYSTEM_DEFINED") => false,
                Some("APPLICATION") => true,
                Some(other) => {
                    return Err(invalid(format!("Value '{other}' at 'type' failed to satisfy constraint")));
                }
            };
            let rows = if application { applications(scene) } else { system_profiles(scene) };
            PAGING.page(scene, input, rows)?.reply("inferenceProfileSummaries", |row| row)
        }
        "GetInferenceProfile" => profile(scene, input)?,
        "ListProvisionedModelThroughputs" => {
            let page = PAGING.page(scene, input, region.provisioned.iter().collect())?;
            page.reply("provisionedModelSummaries", |row| provisioned(scene, row))
        }
        "ListCustomModelDeployments" => {
            let page = PAGING.page(scene, input, region.deployments.iter().collect())?;
            page.reply("modelDeploymentSummaries", |row| deployment(scene, row))
        }
        "ListImportedModels" => {
            let page = PAGING.page(scene, input, region.imported.iter().collect())?;
            page.reply("modelSummaries", |row| imported(scene, row))
        }
        "ListModelInvocationJobs" => {
            let wanted = input["statusEquals"].as_str();
            let jobs = region.jobs.iter().filter(|j| wanted.is_none_or(|w| w == j.status)).collect();
            PAGING.page(scene, input, jobs)?.reply("invocationJobSummaries", |row| job(scene, row))
        }
        "ListTagsForResource" => tags(scene, input)?,
        _ => return Err(unknown_operation(operation)),
    };
    spoil(&mut reply, scene.faults);
    Ok(reply)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

fn not_found(what: &str) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", format!("Could not find {what}."))
}

/// `arn:aws:bedrock:REGION:ACCOUNT:KIND/ID`.
pub fn arn(scene: &Scene, kind_and_id: &str) -> String {
    format!("arn:aws:bedrock:{}:{}:{kind_and_id}", scene.region.name, scene.account.id)
}

fn model_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{id}")
}

fn time(seconds: i64) -> Option<String> {
    UtcDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

fn models(scene: &Scene) -> Vec<Value> {
    let lists = &scene.world.lists;
    let region = scene.region.name.as_str();
    let base = |m: &Model| {
        lists.models.iter().find(|b| b.id == base_id(&m.id)).is_some_and(|b| lists.offers(region, b))
    };
    let provisioned = |m: &Model| m.inference_types == ["PROVISIONED"] && base(m);
    let here = lists.models.iter().filter(|m| lists.offers(region, m) || provisioned(m));
    here.map(|m| model(region, m)).collect()
}

fn model(region: &str, model: &Model) -> Value {
    let on_demand = model.on_demand_regions.iter().any(|r| r == region);
    let types = model.inference_types.iter().filter(|t| *t != "ON_DEMAND" || on_demand);
    let (input, output) = modalities(&model.id);
    let mut row = json!({
        "modelArn": model_arn(region, &model.id),
        "modelId": model.id,
        "providerName": model.provider,
        "inputModalities": input,
        "outputModalities": output,
        "responseStreamingSupported": output == ["TEXT"],
        "customizationsSupported": [],
        "inferenceTypesSupported": types.collect::<Vec<_>>(),
        "modelLifecycle": lifecycle(region, model),
    });
    if let Some(name) = &model.name {
        row["modelName"] = json!(name);
    }
    row
}

fn modalities(id: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    match id {
        id if id.contains("embed") => (vec!["TEXT"], vec!["EMBEDDING"]),
        id if id.starts_with("stability.") => (vec!["TEXT", "IMAGE"], vec!["IMAGE"]),
        _ => (vec!["TEXT"], vec!["TEXT"]),
    }
}

fn lifecycle(region: &str, model: &Model) -> Value {
    let life = &model.lifecycle;
    let ending = life.status.starts_with("LEGACY") || life.status.starts_with("EOL");
    if !ending || !(life.regions.is_empty() || life.regions.iter().any(|r| r == region)) {
        return json!({"status": "ACTIVE"});
    }
    let mut row = json!({"status": "LEGACY"});
    for (key, date) in [("legacyTime", &life.legacy_date), ("endOfLifeTime", &life.eol_date)] {
        if let Some(date) = date {
            row[key] = json!(format!("{date}T00:00:00Z"));
        }
    }
    row
}

fn system_profiles(scene: &Scene) -> Vec<Value> {
    let profiles = scene.world.lists.profiles.iter();
    profiles
        .filter(|p| p.source_regions.contains(&scene.region.name))
        .map(|p| system_profile(scene, p))
        .collect()
}

fn system_profile(scene: &Scene, profile: &Profile) -> Value {
    let name = profile.name.clone().unwrap_or_else(|| profile.id.clone());
    json!({
        "inferenceProfileId": profile.id,
        "inferenceProfileArn": arn(scene, &format!("inference-profile/{}", profile.id)),
        "inferenceProfileName": name,
        "description": format!("Routes requests to {} in several regions.", profile.model_id),
        "models": destinations(&scene.region.name, profile),
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": time(LONG_AGO),
        "updatedAt": time(LONG_AGO),
    })
}

/// The models a system profile routes to. Global ones have an ARN without region; where the list does
/// not tell the destinations, they are the regions that can call the profile.
fn destinations(region: &str, profile: &Profile) -> Vec<Value> {
    let global = vec![region.to_string(), String::new()];
    let regions = match profile.destinations.get(region) {
        _ if profile.prefix == "global" => &global,
        Some(listed) => listed,
        None => &profile.source_regions,
    };
    regions.iter().map(|r| json!({"modelArn": model_arn(r, &profile.model_id)})).collect()
}

fn applications(scene: &Scene) -> Vec<Value> {
    scene.region.profiles.iter().map(|p| application(scene, p)).collect()
}

fn application(scene: &Scene, profile: &ApplicationProfile) -> Value {
    let lists = &scene.world.lists;
    let region = scene.region.name.as_str();
    let models = match lists.profiles.iter().find(|p| p.id == profile.source) {
        Some(system) => destinations(region, system),
        None => vec![json!({"modelArn": model_arn(region, &profile.source)})],
    };
    json!({
        "inferenceProfileId": profile.id,
        "inferenceProfileArn": arn(scene, &format!("application-inference-profile/{}", profile.id)),
        "inferenceProfileName": profile.name,
        "models": models,
        "status": "ACTIVE",
        "type": "APPLICATION",
        "createdAt": time(LONG_AGO),
        "updatedAt": time(LONG_AGO),
    })
}

fn profile(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let asked = input["inferenceProfileIdentifier"].as_str().unwrap_or_default();
    let mut all = system_profiles(scene).into_iter().chain(applications(scene));
    all.find(|p| p["inferenceProfileId"] == asked || p["inferenceProfileArn"] == asked)
        .ok_or_else(|| not_found(&format!("the inference profile {asked}")))
}

fn provisioned(scene: &Scene, throughput: &ProvisionedThroughput) -> Value {
    let model = model_arn(&scene.region.name, &throughput.model_id);
    let mut row = json!({
        "provisionedModelName": throughput.name,
        "provisionedModelArn": arn(scene, &format!("provisioned-model/{}", throughput.id)),
        "modelArn": model,
        "desiredModelArn": model,
        "foundationModelArn": model,
        "modelUnits": throughput.units,
        "desiredModelUnits": throughput.desired_units,
        "status": throughput.status,
        "creationTime": time(throughput.created),
        "lastModifiedTime": time(throughput.created),
    });
    if let Some((duration, expires)) = &throughput.commitment {
        row["commitmentDuration"] = json!(duration);
        row["commitmentExpirationTime"] = json!(time(*expires));
    }
    row
}

fn deployment(scene: &Scene, deployment: &Deployment) -> Value {
    let model = format!("custom-model/{}/{}", deployment.base_model_id, deployment.id);
    json!({
        "customModelDeploymentArn": arn(scene, &format!("custom-model-deployment/{}", deployment.id)),
        "customModelDeploymentName": deployment.name,
        "modelArn": arn(scene, &model),
        "createdAt": time(deployment.created),
        "lastUpdatedAt": time(deployment.created),
        "status": "Active",
    })
}

fn imported(scene: &Scene, model: &ImportedModel) -> Value {
    json!({
        "modelArn": arn(scene, &format!("imported-model/{}", model.id)),
        "modelName": model.name,
        "creationTime": time(model.created),
        "instructSupported": true,
        "modelArchitecture": model.architecture,
    })
}

fn job(scene: &Scene, job: &BatchJob) -> Value {
    json!({
        "jobArn": arn(scene, &format!("model-invocation-job/{}", job.id)),
        "jobName": job.name,
        "modelId": job.model_id,
        "roleArn": format!("arn:aws:iam::{}:role/batch", scene.account.id),
        "status": job.status,
        "submitTime": time(job.submitted),
        "lastModifiedTime": time(job.submitted),
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": format!("s3://demo-{}/in/", scene.account.id)}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": format!("s3://demo-{}/out/", scene.account.id)}},
        "totalRecordCount": job.records,
        "processedRecordCount": job.processed,
        "successRecordCount": job.processed,
        "errorRecordCount": 0,
    })
}

fn tags(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let asked = input["resourceARN"].as_str().unwrap_or_default();
    let id = asked.strip_prefix(&arn(scene, "application-inference-profile/"));
    let profile = scene.region.profiles.iter().find(|p| Some(p.id.as_str()) == id);
    let profile = profile.ok_or_else(|| not_found(&format!("the resource {asked}")))?;
    let tags = profile.tags.iter().map(|(key, value)| json!({"key": key, "value": value}));
    Ok(json!({"tags": tags.collect::<Vec<_>>()}))
}
