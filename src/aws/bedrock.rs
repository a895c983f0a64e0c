//! The Bedrock control plane.

use super::Connection;
use super::error::classify;
use super::pages::{Pace, list};
use crate::model::catalog::{
    BatchJob, Catalog, CustomModelDeployment, FoundationModel, ImportedModel, InferenceProfile, ProfileKind,
    ProvisionedThroughput, Tags,
};
use crate::model::snapshot::CollectError;
use crate::model::time::Timestamp;
use aws_sdk_bedrock::primitives::DateTime;
use aws_sdk_bedrock::types::{InferenceProfileType, ModelInvocationJobStatus};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Control-plane rates are not documented; 10 calls a second is what the slowest list of the other
/// services allows, and half of it is used.
const RATE: u32 = 10;

fn seconds(at: DateTime) -> Timestamp {
    Timestamp(at.secs())
}

impl Connection {
    /// Every list of the catalog; one that fails is `None` and said, the others are not touched.
    /// `None` only where every list failed.
    pub async fn catalog(&self, tag_keys: &[String]) -> (Option<Catalog>, Vec<CollectError>) {
        let (models, profiles, provisioned, deployments, imported, batch_jobs) = tokio::join!(
            self.models(),
            self.profiles(),
            self.provisioned(),
            self.deployments(),
            self.imported(),
            self.batch_jobs(),
        );
        let mut errors = Vec::new();
        let tags = match &profiles {
            Ok(profiles) if !tag_keys.is_empty() => kept(self.tags(profiles, tag_keys).await, &mut errors),
            _ => None,
        };
        let catalog = Catalog {
            models: kept(models, &mut errors).map(shared),
            profiles: kept(profiles, &mut errors).map(shared),
            provisioned: kept(provisioned, &mut errors),
            deployments: kept(deployments, &mut errors),
            imported: kept(imported, &mut errors),
            batch_jobs: kept(batch_jobs, &mut errors),
            tags,
        };
        ((catalog != Catalog::default()).then_some(catalog), errors)
    }

    async fn models(&self) -> Result<Vec<FoundationModel>, CollectError> {
        let what = "bedrock:ListFoundationModels";
        let answer = self.bedrock().list_foundation_models().send().await.map_err(|e| classify(what, e))?;
        let models = answer.model_summaries.unwrap_or_default().into_iter().map(|model| FoundationModel {
            id: model.model_id,
            name: model.model_name,
            provider: model.provider_name,
            inference_types: model
                .inference_types_supported
                .unwrap_or_default()
                .iter()
                .map(|kind| kind.as_str().to_string())
                .collect(),
            lifecycle: model.model_lifecycle.as_ref().map(|cycle| cycle.status.as_str().to_string()),
            end_of_life: model.model_lifecycle.and_then(|cycle| cycle.end_of_life_time).map(seconds),
        });
        Ok(models.collect())
    }

    /// Both types.
    async fn profiles(&self) -> Result<Vec<InferenceProfile>, CollectError> {
        let mut profiles = self.profiles_of(InferenceProfileType::SystemDefined).await?;
        profiles.append(&mut self.profiles_of(InferenceProfileType::Application).await?);
        Ok(profiles)
    }

    async fn profiles_of(&self, kind: InferenceProfileType) -> Result<Vec<InferenceProfile>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListInferenceProfiles",
            client.list_inference_profiles().type_equals(kind.clone()).max_results(1000),
            inference_profile_summaries
        )
        .await?;
        let profiles = list.into_iter().map(|profile| InferenceProfile {
            id: profile.inference_profile_id,
            // Without the account in it, all accounts have the same list, kept in memory once.
            arn: match kind {
                InferenceProfileType::Application => profile.inference_profile_arn,
                _ => String::new(),
            },
            name: Some(profile.inference_profile_name),
            kind: match kind {
                InferenceProfileType::Application => ProfileKind::Application,
                _ => ProfileKind::SystemDefined,
            },
            model_arns: profile.models.into_iter().filter_map(|model| model.model_arn).collect(),
        });
        Ok(profiles.collect())
    }

    /// The tags named by `keys`, of the application profiles among `profiles`.
    async fn tags(
        &self,
        profiles: &[InferenceProfile],
        keys: &[String],
    ) -> Result<BTreeMap<String, Tags>, CollectError> {
        let what = "bedrock:ListTagsForResource";
        let client = self.bedrock();
        let pace = Pace::new(RATE);
        let mut all = BTreeMap::new();
        for profile in profiles.iter().filter(|profile| profile.kind == ProfileKind::Application) {
            pace.tick().await;
            let call = client.list_tags_for_resource().resource_arn(&profile.arn);
            let tags = call.send().await.map_err(|e| classify(what, e))?.tags.unwrap_or_default();
            let named = tags.into_iter().filter(|tag| keys.contains(&tag.key));
            all.insert(profile.arn.clone(), named.map(|tag| (tag.key, tag.value)).collect());
        }
        Ok(all)
    }

    async fn provisioned(&self) -> Result<Vec<ProvisionedThroughput>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListProvisionedModelThroughputs",
            client.list_provisioned_model_throughputs().max_results(1000),
            provisioned_model_summaries
        )
        .await?;
        let provisioned = list.into_iter().map(|unit| ProvisionedThroughput {
            arn: unit.provisioned_model_arn,
            name: unit.provisioned_model_name,
            model_arn: unit.model_arn,
            foundation_model_arn: unit.foundation_model_arn,
            model_units: unit.model_units.into(),
            desired_model_units: unit.desired_model_units.into(),
            status: unit.status.as_str().to_string(),
            commitment: unit.commitment_duration.map(|duration| duration.as_str().to_string()),
            commitment_expires: unit.commitment_expiration_time.map(seconds),
        });
        Ok(provisioned.collect())
    }

    async fn deployments(&self) -> Result<Vec<CustomModelDeployment>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListCustomModelDeployments",
            client.list_custom_model_deployments().max_results(1000),
            model_deployment_summaries
        )
        .await?;
        let deployments = list.into_iter().map(|deployment| CustomModelDeployment {
            arn: deployment.custom_model_deployment_arn,
            name: deployment.custom_model_deployment_name,
            model_arn: deployment.model_arn,
            status: deployment.status.as_str().to_string(),
        });
        Ok(deployments.collect())
    }

    async fn imported(&self) -> Result<Vec<ImportedModel>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListImportedModels",
            client.list_imported_models().max_results(1000),
            model_summaries
        )
        .await?;
        let imported = list.into_iter();
        Ok(imported.map(|model| ImportedModel { arn: model.model_arn, name: model.model_name }).collect())
    }

    /// The jobs that count against "Sum of in-progress and submitted batch inference jobs".
    async fn batch_jobs(&self) -> Result<Vec<BatchJob>, CollectError> {
        let client = self.bedrock();
        let mut jobs = Vec::new();
        for status in [ModelInvocationJobStatus::Submitted, ModelInvocationJobStatus::InProgress] {
            let list = list!(
                &Pace::new(RATE),
                "bedrock:ListModelInvocationJobs",
                client.list_model_invocation_jobs().status_equals(status.clone()).max_results(1000),
                invocation_job_summaries
            )
            .await?;
            jobs.extend(list.into_iter().map(|job| BatchJob {
                arn: job.job_arn,
                model_id: job.model_id,
                status: job.status.map_or_else(|| status.to_string(), |s| s.as_str().to_string()),
            }));
        }
        Ok(jobs)
    }
}

/// Not collected from the list itself: that would keep its room for whole rows.
fn shared<T>(list: Vec<T>) -> Vec<Arc<T>> {
    let mut rows = Vec::with_capacity(list.len());
    rows.extend(list.into_iter().map(Arc::new));
    rows
}

fn kept<T>(list: Result<T, CollectError>, errors: &mut Vec<CollectError>) -> Option<T> {
    list.map_err(|error| errors.push(error)).ok()
}
