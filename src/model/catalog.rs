//! What the Bedrock control plane lists: models, profiles, provisioned throughput, jobs.

use super::arn::Arn;
use super::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One reading of a target's catalog. `None` is a list that could not be read, never an empty one. Targets
/// share the models and profiles that are equal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// ListFoundationModels.
    pub models: Option<Vec<Arc<FoundationModel>>>,
    /// ListInferenceProfiles, SYSTEM_DEFINED and APPLICATION.
    pub profiles: Option<Vec<Arc<InferenceProfile>>>,
    /// ListProvisionedModelThroughputs.
    pub provisioned: Option<Vec<ProvisionedThroughput>>,
    /// ListCustomModelDeployments.
    pub deployments: Option<Vec<CustomModelDeployment>>,
    /// ListCustomModels: the account's own.
    pub custom_models: Option<Vec<CustomModel>>,
    /// ListImportedModels.
    pub imported: Option<Vec<ImportedModel>>,
    /// ListModelInvocationJobs, Submitted and InProgress only.
    pub batch_jobs: Option<Vec<BatchJob>>,
    /// ListTagsForResource of application profiles and projects, by ARN: the tags whose keys the config names.
    pub tags: Option<BTreeMap<String, Tags>>,
}

impl Catalog {
    /// Takes over the tags of profiles that are still listed, and of projects, whose own could not be read this time, so
    /// that a team does not lose its name by one failed call.
    pub(crate) fn keep_tags(&mut self, before: &Catalog) {
        let (Some(tags), Some(known)) = (&mut self.tags, &before.tags) else { return };
        let profiles: BTreeSet<&str> = self.profiles.iter().flatten().map(|profile| &*profile.arn).collect();
        let is_project = |arn: &str| Arn::parse(arn).is_some_and(|arn| arn.kind() == "project");
        for (arn, kept) in known.iter().filter(|(arn, _)| profiles.contains(&***arn) || is_project(arn)) {
            tags.entry(arn.clone()).or_insert_with(|| kept.clone());
        }
    }
}

/// By key.
pub type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundationModel {
    /// For example `anthropic.claude-sonnet-4-5-20250929-v1:0`.
    pub id: String,
    /// modelName; some listings have none.
    pub name: Option<String>,
    pub provider: Option<String>,
    /// inferenceTypesSupported: `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`. Empty: not said.
    pub inference_types: Vec<String>,
    /// modelLifecycle.status: `ACTIVE` or `LEGACY`.
    pub lifecycle: Option<String>,
    /// modelLifecycle.endOfLifeTime.
    pub end_of_life: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InferenceProfile {
    /// inferenceProfileId: `us.anthropic…` for system-defined ones, 12 characters for application ones.
    pub id: String,
    /// Empty for system-defined ones, where it tells nothing that the id does not.
    pub arn: String,
    pub name: Option<String>,
    pub kind: ProfileKind,
    /// models[].modelArn: one per region the profile may route to.
    pub model_arns: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileKind {
    SystemDefined,
    Application,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProvisionedThroughput {
    pub arn: String,
    pub name: String,
    /// The model it serves, maybe a custom one.
    pub model_arn: String,
    /// The base model, as an ARN.
    pub foundation_model_arn: String,
    pub model_units: f64,
    pub desired_model_units: f64,
    /// `Creating`, `InService`, `Updating`, `Failed`.
    pub status: String,
    /// commitmentDuration, for example `OneMonth`; `None`: no commitment.
    pub commitment: Option<String>,
    pub commitment_expires: Option<Timestamp>,
}

impl ProvisionedThroughput {
    /// The last part of its ARN.
    pub fn id(&self) -> &str {
        Arn::parse(&self.arn).map_or(&self.arn, |arn| arn.id())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CustomModelDeployment {
    pub arn: String,
    pub name: String,
    /// `…:custom-model/BASE_MODEL_ID/ID`: the base model stands in the ARN.
    pub model_arn: String,
    pub status: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CustomModel {
    pub arn: String,
    /// `Creating`, `Active`, `Failed`; `None`: not said.
    pub status: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportedModel {
    pub arn: String,
    pub name: String,
}

/// A batch inference job that counts against its quota.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchJob {
    pub arn: String,
    /// As given at submission: an id, an ARN or an inference profile.
    pub model_id: String,
    /// `Submitted`, `InProgress`, …
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_could_not_be_read_are_those_of_before_while_the_profile_is_listed() {
        let profile = |arn: &str| {
            Arc::new(InferenceProfile {
                id: arn.to_string(),
                arn: arn.to_string(),
                name: None,
                kind: ProfileKind::Application,
                model_arns: Vec::new(),
            })
        };
        let tags = |pairs: &[(&str, &str)]| {
            let of = |(arn, team): &(&str, &str)| {
                (arn.to_string(), Tags::from([("team".to_string(), team.to_string())]))
            };
            Some(pairs.iter().map(of).collect::<BTreeMap<_, _>>())
        };
        let before =
            Catalog { tags: tags(&[("a", "old"), ("b", "old"), ("gone", "old")]), ..Catalog::default() };
        let profiles = Some(["a", "b", "c"].map(profile).to_vec());
        let mut now = Catalog { profiles, tags: tags(&[("a", "new")]), ..Catalog::default() };
        now.keep_tags(&before);
        assert_eq!(now.tags, tags(&[("a", "new"), ("b", "old")]));
    }
}
