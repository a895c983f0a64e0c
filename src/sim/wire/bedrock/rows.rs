//! What Bedrock's control plane lists, as rows of its replies.

use crate::sim::wire::scene::Scene;
use crate::sim::world::lists::{Model, Profile, base_id};
use crate::sim::world::{
    ApplicationProfile, BatchJob, CustomModel, Deployment, ImportedModel, ProvisionedThroughput,
};
use serde_json::{Value, json};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// When everything that has no date of its own was made.
const LONG_AGO: i64 = 1_735_689_600;

/// `arn:aws:bedrock:REGION:ACCOUNT:KIND/ID`.
pub(super) fn arn(scene: &Scene, kind_and_id: &str) -> String {
    format!("arn:aws:bedrock:{}:{}:{kind_and_id}", scene.region.name, scene.account.id)
}

fn model_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{id}")
}

fn time(seconds: i64) -> Option<String> {
    UtcDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

/// The foundation models that can be called from the region, in any way.
pub(super) fn models(scene: &Scene) -> Vec<Value> {
    let (lists, region) = (&scene.world.lists, scene.region.name.as_str());
    let here = |model: &&Model| lists.offers(region, model) || is_provisioned_only(scene, model);
    lists.models.iter().filter(here).map(|model| self::model(region, model)).collect()
}

/// Tells whether a model is the provisioned-only variant of one that is offered in the region.
fn is_provisioned_only(scene: &Scene, model: &Model) -> bool {
    let lists = &scene.world.lists;
    let base = lists.models.iter().find(|base| base.id == base_id(&model.id));
    let offered = base.is_some_and(|base| lists.offers(&scene.region.name, base));
    offered && model.inference_types == ["PROVISIONED"]
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

pub(super) fn system_profiles(scene: &Scene) -> Vec<Value> {
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

pub(super) fn applications(scene: &Scene) -> Vec<Value> {
    scene.view().profiles().map(|p| application(scene, p)).collect()
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

pub(super) fn provisioned(scene: &Scene, throughput: &ProvisionedThroughput) -> Value {
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

pub(super) fn deployment(scene: &Scene, deployment: &Deployment) -> Value {
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

/// Those that are deployed, and the others.
pub(super) fn custom_models(scene: &Scene) -> Vec<Value> {
    let view = scene.view();
    let deployed = view.deployments().map(|deployment| CustomModel {
        id: deployment.id.clone(),
        name: deployment.name.clone(),
        base_model_id: deployment.base_model_id.clone(),
        status: "Active".into(),
        created: deployment.created,
    });
    deployed.chain(scene.region.custom_models.iter().cloned()).map(|model| custom(scene, &model)).collect()
}

fn custom(scene: &Scene, model: &CustomModel) -> Value {
    let base = model_arn(&scene.region.name, &model.base_model_id);
    json!({
        "modelArn": arn(scene, &format!("custom-model/{}/{}", model.base_model_id, model.id)),
        "modelName": model.name,
        "creationTime": time(model.created),
        "baseModelArn": base,
        "baseModelName": model.base_model_id,
        "customizationType": "FINE_TUNING",
        "ownerAccountId": scene.account.id,
        "modelStatus": model.status,
    })
}

pub(super) fn imported(scene: &Scene, model: &ImportedModel) -> Value {
    json!({
        "modelArn": arn(scene, &format!("imported-model/{}", model.id)),
        "modelName": model.name,
        "creationTime": time(model.created),
        "instructSupported": true,
        "modelArchitecture": model.architecture,
    })
}

pub(super) fn job(scene: &Scene, job: &BatchJob) -> Value {
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
