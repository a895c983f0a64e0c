//! What an invocation id is, by its form and by the live lists: type, base model and scope.

use super::identity::{provider_stem, split_context};
use super::meaning::{Meaning, Spends};
use super::profiles::{is_base_id, model_name, prefixed, regions, sole_model, system_scope};
use super::resolution::{IdType, Unmapped};
use crate::model::arn::Arn;
use crate::model::catalog::{Catalog, FoundationModel, InferenceProfile, ProfileKind, Tags};
use crate::model::ids::Scope;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Providers on Bedrock, by the first part of their model ids, for readings without a model list.
const PROVIDERS: &[&str] = &[
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// The catalog, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lists {
    pub models: BTreeMap<String, Arc<FoundationModel>>,
    profiles: HashMap<String, Arc<InferenceProfile>>,
    tags: BTreeMap<String, Tags>,
    provisioned: HashMap<String, (String, String)>,
    deployments: HashMap<String, (String, String)>,
    imported: HashMap<String, String>,
    /// Stems of every provider known.
    pub providers: BTreeSet<String>,
}

impl Lists {
    pub(super) fn new(catalog: &Catalog) -> Lists {
        let mut lists = Lists { tags: catalog.tags.clone().unwrap_or_default(), ..Lists::default() };
        for model in catalog.models.iter().flatten() {
            lists.models.insert(model.id.clone(), model.clone());
        }
        for profile in catalog.profiles.iter().flatten() {
            lists.profiles.insert(profile.id.clone(), profile.clone());
        }
        lists.add_models_of_profiles();
        for p in catalog.provisioned.iter().flatten() {
            let model = Arn::parse(&p.foundation_model_arn).map_or("", |arn| arn.id()).to_string();
            lists.provisioned.insert(p.id().to_string(), (p.name.clone(), model));
        }
        for d in catalog.deployments.iter().flatten() {
            lists.deployments.insert(d.arn.clone(), (d.name.clone(), d.model_arn.clone()));
        }
        for i in catalog.imported.iter().flatten() {
            lists.imported.insert(i.arn.clone(), i.name.clone());
        }
        lists.providers = lists.provider_stems();
        lists
    }

    /// Models that only their system-defined profiles show, with the name that those give them.
    fn add_models_of_profiles(&mut self) {
        let mut names: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for profile in self.profiles.values().filter(|p| p.kind == ProfileKind::SystemDefined) {
            if let Some(model) = sole_model(profile).filter(|model| !self.models.contains_key(*model)) {
                names.entry(model.to_string()).or_default().extend(model_name(profile));
            }
        }
        let models = names.into_iter().map(|(id, names)| {
            let name = names.first().map(|name| name.to_string());
            (id.clone(), Arc::new(FoundationModel { id, name, ..FoundationModel::default() }))
        });
        let models: Vec<_> = models.collect();
        self.models.extend(models);
    }

    fn provider_stems(&self) -> BTreeSet<String> {
        let ids = self.models.keys().filter_map(|id| id.split_once('.')).map(|(provider, _)| provider);
        let names = self.models.values().filter_map(|m| m.provider.as_deref());
        let stems = PROVIDERS.iter().copied().chain(ids).chain(names).map(provider_stem);
        stems.filter(|stem| !stem.is_empty()).collect()
    }

    /// An id of AWS/Bedrock.
    pub(super) fn runtime(&self, id: &str) -> Meaning {
        match Arn::parse(id) {
            Some(arn) => self.arn(id, arn),
            None => self.plain(id),
        }
    }

    /// An id of AWS/BedrockMantle: a base model id, sometimes without its provider.
    pub(super) fn mantle(&self, id: &str) -> Meaning {
        let meaning = |model: &str| Meaning::of(IdType::Mantle, model, Scope::OnDemand, Spends::Mantle);
        let mut ends = self.models.keys().filter(|m| m.split_once('.').is_some_and(|(_, rest)| rest == id));
        match (ends.next(), ends.next()) {
            _ if self.models.contains_key(id) => meaning(id),
            (Some(model), None) => meaning(model),
            _ if self.has_provider(id) => meaning(id),
            _ => {
                let words = format!("`{id}` is neither a base model id nor the end of one listed model id");
                Meaning::unclear(IdType::Mantle, Unmapped::UnknownId, words)
            }
        }
    }

    fn has_provider(&self, id: &str) -> bool {
        let provider = id.split_once('.').map(|(provider, _)| provider_stem(provider));
        is_base_id(id) && provider.is_some_and(|stem| self.providers.contains(&stem))
    }

    fn plain(&self, id: &str) -> Meaning {
        if let Some(profile) = self.profiles.get(id) {
            return self.profile(profile);
        }
        if let Some(meaning) = self.provisioned_throughput(id) {
            return meaning;
        }
        if let Some((scope, base)) = prefixed(id) {
            return Meaning::of(IdType::SystemProfile, base, scope, Spends::Shared);
        }
        if let Some((prefix, base)) = self.unknown_prefix(id) {
            let words = format!("no list shows this inference profile, and `{prefix}` is no known prefix");
            let unclear = Meaning::unclear(IdType::SystemProfile, Unmapped::UnknownScope, words);
            return Meaning { model: Some(base.to_string()), ..unclear };
        }
        if is_base_id(id) {
            return self.base(id);
        }
        let words = format!("`{id}` is in no list of inference profiles or provisioned throughput");
        Meaning::unclear(IdType::Unknown, Unmapped::UnknownId, words)
    }

    fn base(&self, id: &str) -> Meaning {
        let meaning = if self.provisioned_only(id) {
            Meaning::of(IdType::Base, id, Scope::Provisioned, Spends::ModelUnits)
        } else {
            Meaning::of(IdType::Base, id, Scope::OnDemand, Spends::Shared)
        };
        Meaning { listed: self.models.contains_key(id), ..meaning }
    }

    /// Ids such as `…:24k`, and those whose one inference type is PROVISIONED.
    pub(super) fn provisioned_only(&self, id: &str) -> bool {
        let types = self.models.get(id).map(|m| m.inference_types.as_slice()).unwrap_or_default();
        split_context(id).1.is_some() || (!types.is_empty() && types.iter().all(|t| t == "PROVISIONED"))
    }

    fn unknown_prefix<'a>(&self, id: &'a str) -> Option<(&'a str, &'a str)> {
        let (prefix, base) = id.split_once('.')?;
        let new = prefix.len() <= 6 && !self.providers.contains(&provider_stem(prefix));
        (new && self.has_provider(base)).then_some((prefix, base))
    }

    fn profile(&self, profile: &InferenceProfile) -> Meaning {
        let id_type = match profile.kind {
            ProfileKind::SystemDefined => IdType::SystemProfile,
            ProfileKind::Application => IdType::ApplicationProfile,
        };
        let name = profile.name.as_deref();
        let spelled = prefixed(&profile.id).map(|(_, base)| base);
        let Some(model) = sole_model(profile).or(spelled) else {
            let words = "its model list does not name exactly one base model".to_string();
            return Meaning::unclear(id_type, Unmapped::UnknownModel, words).named(name);
        };
        let scope = match profile.kind {
            ProfileKind::SystemDefined => Ok(system_scope(profile)),
            ProfileKind::Application => self.application_scope(profile, model),
        };
        let meaning = match scope {
            Ok(scope) => Meaning::of(id_type, model, scope, Spends::Shared),
            Err(words) => {
                let unclear = Meaning::unclear(id_type, Unmapped::UnknownScope, words);
                Meaning { model: Some(model.to_string()), ..unclear }
            }
        };
        let tags = self.tags.get(&profile.arn).cloned().unwrap_or_default();
        Meaning { tags, ..meaning.named(name) }
    }

    /// The scope of what the profile was copied from, by the set of its regions.
    fn application_scope(&self, profile: &InferenceProfile, model: &str) -> Result<Scope, String> {
        let own = regions(profile);
        if own.contains("") {
            return Ok(Scope::Global);
        }
        // Only geographic profiles span regions; the set may be older than today's of the system profile.
        if own.len() > 1 {
            return Ok(Scope::CrossRegion);
        }
        let types = self.models.get(model).map(|m| m.inference_types.as_slice()).unwrap_or_default();
        let on_demand = types.is_empty() || types.iter().any(|t| t == "ON_DEMAND");
        let system =
            |p: &&Arc<InferenceProfile>| p.kind == ProfileKind::SystemDefined && sole_model(p) == Some(model);
        let geographic = self.profiles.values().filter(system).any(|p| regions(p) == own);
        match (on_demand, geographic) {
            (true, false) => Ok(Scope::OnDemand),
            (false, true) => Ok(Scope::CrossRegion),
            (true, true) => {
                Err("its one region is both on-demand and a whole geographic profile".to_string())
            }
            (false, false) => {
                Err(format!("its one region is neither on-demand for {model} nor a system-defined profile's"))
            }
        }
    }

    fn provisioned_throughput(&self, id: &str) -> Option<Meaning> {
        let (name, model) = self.provisioned.get(id)?;
        let meaning = Meaning::of(IdType::Provisioned, model, Scope::Provisioned, Spends::ModelUnits);
        Some(meaning.named(Some(name)))
    }

    fn arn(&self, text: &str, arn: Arn) -> Meaning {
        let id = arn.id();
        match arn.kind() {
            "foundation-model" | "inference-profile" => self.plain(id),
            "application-inference-profile" => match self.profiles.get(id) {
                Some(profile) => self.profile(profile),
                None => not_listed(IdType::ApplicationProfile, "ListInferenceProfiles"),
            },
            "provisioned-model" => self.provisioned_throughput(id).unwrap_or(Meaning {
                model: None,
                ..Meaning::of(IdType::Provisioned, "", Scope::Provisioned, Spends::Nothing)
            }),
            "custom-model-deployment" => self.deployment(text),
            "imported-model" => {
                let meaning = Meaning { spends: Spends::Nothing, ..Meaning::blank(IdType::Imported) };
                match self.imported.get(text) {
                    Some(name) => meaning.named(Some(name)),
                    None => meaning,
                }
            }
            kind => {
                let words = format!("no quota is known for an ARN of kind `{kind}`");
                Meaning::unclear(IdType::Unknown, Unmapped::UnknownId, words)
            }
        }
    }

    fn deployment(&self, arn: &str) -> Meaning {
        let Some((name, model_arn)) = self.deployments.get(arn) else {
            return not_listed(IdType::CustomDeployment, "ListCustomModelDeployments");
        };
        let custom = Arn::parse(model_arn).filter(|arn| arn.kind() == "custom-model");
        let base = custom.and_then(|arn| arn.id().split('/').next());
        let Some(base) = base.filter(|base| is_base_id(base)) else {
            let words = format!("no base model stands in `{model_arn}`");
            return Meaning::unclear(IdType::CustomDeployment, Unmapped::UnknownModel, words)
                .named(Some(name));
        };
        let base = split_context(base).0;
        Meaning::of(IdType::CustomDeployment, base, Scope::OnDemand, Spends::CustomDeployment)
            .named(Some(name))
    }
}

fn not_listed(id_type: IdType, list: &str) -> Meaning {
    Meaning::unclear(
        id_type,
        Unmapped::UnknownId,
        format!("{list} does not show it, so its model is unknown"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{CustomModelDeployment, ImportedModel, ProvisionedThroughput};

    const NOVA: &str = "amazon.nova-lite-v1:0";

    fn profile(id: &str, kind: ProfileKind, regions: &[&str]) -> InferenceProfile {
        let arn = |region: &&str| format!("arn:aws:bedrock:{region}::foundation-model/{NOVA}");
        InferenceProfile {
            id: id.to_string(),
            arn: format!("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/{id}"),
            name: None,
            kind,
            model_arns: regions.iter().map(arn).collect(),
        }
    }

    fn lists() -> Lists {
        let model = |id: &str, types: &[&str]| {
            let inference_types = types.iter().map(|t| t.to_string()).collect();
            Arc::new(FoundationModel { id: id.to_string(), inference_types, ..FoundationModel::default() })
        };
        let profile = |id: &str, kind, regions: &[&str]| Arc::new(profile(id, kind, regions));
        let account = "arn:aws:bedrock:us-east-1:111122223333";
        use ProfileKind::{Application, SystemDefined};
        Lists::new(&Catalog {
            models: Some(vec![
                model(NOVA, &["ON_DEMAND", "INFERENCE_PROFILE"]),
                model("amazon.titan-embed-image-v1:0", &["PROVISIONED"]),
                model("openai.gpt-5.4", &["INFERENCE_PROFILE"]),
            ]),
            profiles: Some(vec![
                profile("us.amazon.nova-lite-v1:0", SystemDefined, &["us-east-1", "us-west-2"]),
                profile("kr.amazon.nova-lite-v1:0", SystemDefined, &["ap-northeast-2"]),
                profile("copyofodemnd", Application, &["us-east-1"]),
                profile("copyofthegeo", Application, &["us-west-2", "us-east-1"]),
                profile("copyofglobal", Application, &["us-east-1", ""]),
                profile("ofother2regs", Application, &["us-east-1", "us-east-2"]),
                profile("geo1oronedem", Application, &["ap-northeast-2"]),
            ]),
            provisioned: Some(vec![ProvisionedThroughput {
                arn: format!("{account}:provisioned-model/abcdef012345"),
                name: "units".to_string(),
                model_arn: String::new(),
                foundation_model_arn: format!("arn:aws:bedrock:us-east-1::foundation-model/{NOVA}:24k"),
                model_units: 1.0,
                desired_model_units: 1.0,
                status: "InService".to_string(),
                commitment: None,
                commitment_expires: None,
            }]),
            deployments: Some(vec![
                CustomModelDeployment {
                    arn: format!("{account}:custom-model-deployment/aaaaaaaaaaaa"),
                    name: "tuned".to_string(),
                    model_arn: format!("{account}:custom-model/{NOVA}:300k/bbbbbbbbbbbb"),
                    status: "Active".to_string(),
                },
                CustomModelDeployment {
                    arn: format!("{account}:custom-model-deployment/cccccccccccc"),
                    name: "brought along".to_string(),
                    model_arn: format!("{account}:custom-model/imported/dddddddddddd"),
                    status: "Active".to_string(),
                },
            ]),
            custom_models: None,
            imported: Some(vec![ImportedModel {
                arn: format!("{account}:imported-model/eeeeeeeeeeee"),
                name: "mine".to_string(),
            }]),
            batch_jobs: None,
            tags: None,
        })
    }

    fn read(lists: &Lists, id: &str) -> String {
        let Meaning { id_type, model, scope, unclear, .. } = lists.runtime(id);
        let scope = scope.map_or("-", |s| s.word());
        let model = model.as_deref().unwrap_or("-");
        format!("{id_type} {model} {scope} {}", unclear.map_or("", |(reason, _)| reason.word()))
            .trim_end()
            .to_string()
    }

    #[test]
    fn every_form_of_id() {
        let lists = lists();
        let account = "arn:aws:bedrock:us-east-1:111122223333";
        let geographic = ["us", "eu", "apac", "au", "jp", "ca", "in", "us-gov"];
        for prefix in geographic {
            let expected = format!("system_profile {NOVA} cross_region");
            assert_eq!(read(&lists, &format!("{prefix}.{NOVA}")), expected);
        }
        for (id, expected) in [
            (NOVA.to_string(), "base amazon.nova-lite-v1:0 on_demand"),
            ("deepseek.v3.2".to_string(), "base deepseek.v3.2 on_demand"),
            (format!("{NOVA}:24k"), "base amazon.nova-lite-v1:0:24k provisioned"),
            ("amazon.titan-embed-image-v1:0".to_string(), "base amazon.titan-embed-image-v1:0 provisioned"),
            (format!("global.{NOVA}"), "system_profile amazon.nova-lite-v1:0 global"),
            (format!("kr.{NOVA}"), "system_profile amazon.nova-lite-v1:0 cross_region"),
            (format!("uk.{NOVA}"), "system_profile amazon.nova-lite-v1:0 - unknown_scope"),
            (
                format!("{account}:inference-profile/us.{NOVA}"),
                "system_profile amazon.nova-lite-v1:0 cross_region",
            ),
            (
                format!("arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"),
                "base amazon.nova-lite-v1:0 on_demand",
            ),
            ("abcdef012345".to_string(), "provisioned amazon.nova-lite-v1:0:24k provisioned"),
            (
                format!("{account}:provisioned-model/abcdef012345"),
                "provisioned amazon.nova-lite-v1:0:24k provisioned",
            ),
            (format!("{account}:provisioned-model/unlisted0000"), "provisioned - provisioned"),
            (
                format!("{account}:custom-model-deployment/aaaaaaaaaaaa"),
                "custom_deployment amazon.nova-lite-v1:0 on_demand",
            ),
            (
                format!("{account}:custom-model-deployment/cccccccccccc"),
                "custom_deployment - - unknown_model",
            ),
            (format!("{account}:custom-model-deployment/unlisted0000"), "custom_deployment - - unknown_id"),
            (format!("{account}:imported-model/eeeeeeeeeeee"), "imported - -"),
            (format!("{account}:prompt/ffffffffffff"), "unknown - - unknown_id"),
            ("unlisted0000".to_string(), "unknown - - unknown_id"),
            (String::new(), "unknown - - unknown_id"),
        ] {
            assert_eq!(read(&lists, &id), expected, "{id}");
        }
    }

    #[test]
    fn an_application_profile_spends_what_it_was_copied_from() {
        let lists = lists();
        for (id, expected) in [
            ("copyofodemnd", "on_demand"),
            ("copyofthegeo", "cross_region"),
            ("copyofglobal", "global"),
            // Its regions are no system-defined profile's today; only geographic ones ever span regions.
            ("ofother2regs", "cross_region"),
        ] {
            let expected = format!("application_profile {NOVA} {expected}");
            assert_eq!(read(&lists, id), expected);
            let arn = format!("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/{id}");
            assert_eq!(read(&lists, &arn), expected);
        }
    }

    #[test]
    fn an_application_profile_of_an_unknown_scope_is_not_guessed() {
        let expected = format!("application_profile {NOVA} - unknown_scope");
        assert_eq!(read(&lists(), "geo1oronedem"), expected);
    }

    #[test]
    fn mantle_ids_may_leave_out_the_provider() {
        let lists = lists();
        for (id, model) in [
            ("openai.gpt-5.4", Some("openai.gpt-5.4")),
            ("gpt-5.4", Some("openai.gpt-5.4")),
            ("anthropic.claude-opus-6", Some("anthropic.claude-opus-6")),
            ("gpt-7.1", None),
            ("us.openai.gpt-5.4", None),
        ] {
            assert_eq!(lists.mantle(id).model.as_deref(), model, "{id}");
        }
    }
}
