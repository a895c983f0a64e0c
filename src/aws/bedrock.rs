//! The Bedrock control plane.

use super::connection::Connection;
use super::error::malformed;
use super::pages::{Pace, list};
use crate::model::catalog::{
    BatchJob, Catalog, CustomModel, CustomModelDeployment, FoundationModel, ImportedModel, InferenceProfile,
    ProfileKind, ProvisionedThroughput, Tags,
};
use crate::model::observation::CollectError;
use crate::model::time::Timestamp;
use aws_sdk_bedrock::primitives::DateTime;
use aws_sdk_bedrock::types::{InferenceProfileSummary, InferenceProfileType, ModelInvocationJobStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Control-plane rates are not documented; 10 calls a second is what the slowest list of the other
/// services allows, and half of it is used.
const RATE: u32 = 10;

/// After how many failures, without any success, the tags of the other profiles are not asked for.
const HOPELESS: usize = 5;

fn seconds(at: DateTime) -> Timestamp {
    Timestamp(at.secs())
}

impl Connection {
    /// Every list of the catalog; one that fails is `None` and said, the others are not touched.
    /// `None` only where every list failed. `projects`: the ARNs of projects whose tags are read, too.
    pub async fn catalog(
        &self,
        tag_keys: &[String],
        projects: BTreeSet<String>,
    ) -> (Option<Catalog>, Vec<CollectError>) {
        let (models, profiles, provisioned, deployments, custom_models, imported, batch_jobs) = tokio::join!(
            self.models(),
            self.profiles(),
            self.provisioned(),
            self.deployments(),
            self.custom_models(),
            self.imported(),
            self.batch_jobs(),
        );
        let mut errors = Vec::new();
        let tags = match &profiles {
            Ok(profiles) if !tag_keys.is_empty() => {
                let tagged = profiles.iter().filter(|profile| profile.kind == ProfileKind::Application);
                let arns = tagged.map(|profile| &*profile.arn).chain(projects.iter().map(String::as_str));
                self.tags(arns, tag_keys, &mut errors).await
            }
            _ => None,
        };
        let catalog = Catalog {
            models: kept(models, &mut errors).map(shared),
            profiles: kept(profiles, &mut errors).map(shared),
            provisioned: kept(provisioned, &mut errors),
            deployments: kept(deployments, &mut errors),
            custom_models: kept(custom_models, &mut errors),
            imported: kept(imported, &mut errors),
            batch_jobs: kept(batch_jobs, &mut errors),
            tags,
        };
        ((catalog != Catalog::default()).then_some(catalog), errors)
    }

    async fn models(&self) -> Result<Vec<FoundationModel>, CollectError> {
        let what = "bedrock:ListFoundationModels";
        let client = self.bedrock();
        let answer = client.list_foundation_models().send().await.map_err(|e| client.failed(what, e))?;
        // An answer without the list is none: models that were known stay so.
        let models =
            answer.model_summaries.ok_or_else(|| malformed(what, "found no modelSummaries in the answer"))?;
        let models = models.into_iter().map(|model| FoundationModel {
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
        profiles.sort_by(|a, b| a.id.cmp(&b.id));
        profiles.dedup_by(|a, b| a.id == b.id);
        Ok(profiles)
    }

    async fn profiles_of(&self, kind: InferenceProfileType) -> Result<Vec<InferenceProfile>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListInferenceProfiles",
            client,
            client.list_inference_profiles().type_equals(kind.clone()).max_results(1000),
            inference_profile_summaries
        )
        .await?;
        Ok(list.into_iter().map(inference_profile).collect())
    }

    /// The tags named by `keys`, of each resource. One whose tags cannot be read is not among them and touches no
    /// other; of failures alike, one is said. `None` where none could be read.
    async fn tags(
        &self,
        arns: impl Iterator<Item = &str>,
        keys: &[String],
        errors: &mut Vec<CollectError>,
    ) -> Option<BTreeMap<String, Tags>> {
        let what = "bedrock:ListTagsForResource";
        let client = self.bedrock();
        let pace = Pace::new(RATE);
        let mut all = BTreeMap::new();
        let mut failures: Vec<(CollectError, usize)> = Vec::new();
        for arn in arns {
            // What fails for the first few fails for all: a permission that is missing, most likely.
            if all.is_empty() && failures.iter().map(|(_, times)| times).sum::<usize>() == HOPELESS {
                break;
            }
            pace.tick().await;
            match client.list_tags_for_resource().resource_arn(arn).send().await {
                Ok(answer) => {
                    let named = answer.tags.unwrap_or_default().into_iter();
                    let named = named.filter(|tag| keys.contains(&tag.key));
                    all.insert(arn.to_string(), named.map(|tag| (tag.key, tag.value)).collect());
                }
                Err(error) => {
                    let error = client.failed(what, error);
                    match failures.iter_mut().find(|(other, _)| other.class == error.class) {
                        Some((_, times)) => *times += 1,
                        None => failures.push((error, 1)),
                    }
                }
            }
        }
        let none = all.is_empty() && !failures.is_empty();
        errors.extend(failures.into_iter().map(|(error, times)| match times {
            1 => error,
            _ => CollectError::new(error.class, format!("{} ({times} times)", error.message)),
        }));
        (!none).then_some(all)
    }

    async fn provisioned(&self) -> Result<Vec<ProvisionedThroughput>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListProvisionedModelThroughputs",
            client,
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
            client,
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

    async fn custom_models(&self) -> Result<Vec<CustomModel>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListCustomModels",
            client,
            // Those that other accounts share count against theirs.
            client.list_custom_models().is_owned(true).max_results(1000),
            model_summaries
        )
        .await?;
        let models = list.into_iter().map(|model| CustomModel {
            arn: model.model_arn,
            status: model.model_status.map(|status| status.as_str().to_string()),
        });
        Ok(models.collect())
    }

    async fn imported(&self) -> Result<Vec<ImportedModel>, CollectError> {
        let client = self.bedrock();
        let list = list!(
            &Pace::new(RATE),
            "bedrock:ListImportedModels",
            client,
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
                client,
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

/// Its kind is what the answer says, not what was asked for: an endpoint may overlook the filter.
fn inference_profile(profile: InferenceProfileSummary) -> InferenceProfile {
    let kind = match profile.r#type {
        InferenceProfileType::Application => ProfileKind::Application,
        _ => ProfileKind::SystemDefined,
    };
    InferenceProfile {
        id: profile.inference_profile_id,
        // Without the account in it, all accounts have the same list, kept in memory once.
        arn: match kind {
            ProfileKind::Application => profile.inference_profile_arn,
            ProfileKind::SystemDefined => String::new(),
        },
        name: Some(profile.inference_profile_name),
        kind,
        model_arns: profile.models.into_iter().filter_map(|model| model.model_arn).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_bedrock::types::InferenceProfileStatus;

    #[test]
    fn a_profile_is_of_the_kind_that_the_answer_says() {
        for (said, kind) in [
            (InferenceProfileType::Application, ProfileKind::Application),
            (InferenceProfileType::SystemDefined, ProfileKind::SystemDefined),
        ] {
            let summary = InferenceProfileSummary::builder()
                .inference_profile_id("abcdef012345")
                .inference_profile_arn(
                    "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/x",
                )
                .inference_profile_name("checkout")
                .set_models(Some(Vec::new()))
                .status(InferenceProfileStatus::Active)
                .r#type(said)
                .build()
                .expect("every field is given");
            let profile = inference_profile(summary);
            assert_eq!(profile.kind, kind);
            assert_eq!(profile.arn.is_empty(), kind == ProfileKind::SystemDefined);
        }
    }
}
