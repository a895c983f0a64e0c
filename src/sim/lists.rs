//! The public lists the world is made of: quotas, foundation models, system inference profiles.
//!
//! They are facts compiled from AWS's documentation. Where no default value is public, the sim makes
//! one up ([`Lists::default_value`]): AWS itself always shows a number.

use super::names::{self, Words};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// A row of Service Quotas, service code `bedrock`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quota {
    #[serde(rename = "QuotaCode")]
    pub code: String,
    #[serde(rename = "QuotaName")]
    pub name: String,
    /// AWS's default value, where it is public.
    pub value: Option<f64>,
    /// Exceptions by region; `other` is every region not named.
    #[serde(default)]
    pub value_by_region: BTreeMap<String, f64>,
    pub adjustable: Option<bool>,
}

/// A row of ListFoundationModels, for all regions at once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    #[serde(rename = "modelId")]
    pub id: String,
    #[serde(rename = "modelName")]
    pub name: Option<String>,
    #[serde(rename = "providerName")]
    pub provider: Option<String>,
    #[serde(default, rename = "inferenceTypesSupported")]
    pub inference_types: Vec<String>,
    #[serde(default)]
    pub on_demand_regions: Vec<String>,
    #[serde(default)]
    pub lifecycle: Lifecycle,
}

/// Where a model stands in its life, in the regions it is true for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Lifecycle {
    /// `LEGACY`, `EOL…` or anything else for active.
    pub status: String,
    #[serde(default)]
    pub regions: Vec<String>,
    /// `2026-07-08`.
    pub legacy_date: Option<String>,
    pub eol_date: Option<String>,
}

/// A system-defined inference profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    #[serde(rename = "inferenceProfileId")]
    pub id: String,
    #[serde(rename = "inferenceProfileName")]
    pub name: Option<String>,
    /// `us`, `eu`, …, `global`.
    pub prefix: String,
    pub model_id: String,
    /// The regions it can be called from.
    #[serde(default)]
    pub source_regions: Vec<String>,
    /// The regions it routes to, by source region.
    #[serde(default, rename = "destinationRegionsBySourceRegion")]
    pub destinations: BTreeMap<String, Vec<String>>,
}

/// All rows, for every region.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub quotas: Vec<Quota>,
    pub models: Vec<Model>,
    pub profiles: Vec<Profile>,
}

/// Regions that still list the rows of models which are offered nowhere any more.
const OLDEST_REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];

impl Lists {
    /// The lists under `data/`.
    pub fn public() -> Arc<Lists> {
        static LISTS: OnceLock<Arc<Lists>> = OnceLock::new();
        LISTS.get_or_init(|| Arc::new(Lists::embedded())).clone()
    }

    fn embedded() -> Lists {
        #[derive(Deserialize)]
        struct Quotas {
            #[serde(rename = "Quotas")]
            rows: Vec<Quota>,
        }
        #[derive(Deserialize)]
        struct Models {
            models: Vec<Model>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Profiles {
            inference_profiles: Vec<Profile>,
        }
        let shipped = "the lists under data/ are part of the binary and tested";
        let quotas: Quotas =
            serde_json::from_str(include_str!("../../data/service-quotas.json")).expect(shipped);
        let models: Models =
            serde_json::from_str(include_str!("../../data/foundation-models.json")).expect(shipped);
        let profiles: Profiles =
            serde_json::from_str(include_str!("../../data/inference-profiles.json")).expect(shipped);
        Lists { quotas: quotas.rows, models: models.models, profiles: profiles.inference_profiles }
    }

    /// The row with that code.
    pub fn quota(&self, code: &str) -> Option<&Quota> {
        self.quotas.iter().find(|q| q.code == code)
    }

    /// AWS's default value of a row in a region. Made up, but always the same, where none is public.
    pub fn default_value(&self, quota: &Quota, region: &str) -> f64 {
        let by_region = &quota.value_by_region;
        let public = by_region.get(region).or(by_region.get("other")).copied().or(quota.value);
        public.unwrap_or_else(|| made_up_value(&quota.name))
    }

    /// Whether any call from the region can reach the model.
    pub fn offers(&self, region: &str, model: &Model) -> bool {
        model.on_demand_regions.iter().any(|r| r == region)
            || self.profiles_of(model, region).next().is_some()
    }

    /// The system profiles of a model that can be called from the region.
    pub fn profiles_of<'a>(&'a self, model: &'a Model, region: &'a str) -> impl Iterator<Item = &'a Profile> {
        let id = base_id(&model.id);
        self.profiles.iter().filter(move |p| p.model_id == id && p.source_regions.iter().any(|r| r == region))
    }

    /// The codes of the rows that Service Quotas lists in a region: the service-wide ones, and of the
    /// models' only those the region offers.
    pub fn codes_listed(&self, region: &str) -> Vec<&str> {
        let known = Known::new(self);
        self.quotas.iter().filter(|q| self.lists(&known, region, q)).map(|q| q.code.as_str()).collect()
    }

    fn lists(&self, known: &Known, region: &str, quota: &Quota) -> bool {
        let Some((scope, subject)) = names::subject(&quota.name) else { return true };
        let models = known.models(subject);
        let alive = |m: &Model| !m.on_demand_regions.is_empty() || self.called_anywhere(m);
        if !models.iter().any(|m| alive(m)) {
            return OLDEST_REGIONS.contains(&region);
        }
        models.iter().any(|m| match scope {
            names::Scope::OnDemand => m.on_demand_regions.iter().any(|r| r == region),
            names::Scope::Geographic => self.profiles_of(m, region).any(|p| p.prefix != "global"),
            names::Scope::Global => self.profiles_of(m, region).any(|p| p.prefix == "global"),
            names::Scope::Any => self.offers(region, m),
        })
    }

    fn called_anywhere(&self, model: &Model) -> bool {
        let id = base_id(&model.id);
        self.profiles.iter().any(|p| p.model_id == id && !p.source_regions.is_empty())
    }
}

/// `amazon.nova-lite-v1:0` for the provisioned-only `amazon.nova-lite-v1:0:24k`.
pub fn base_id(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((base, variant)) if variant.ends_with(['k', 'm']) => base,
        _ => id,
    }
}

/// The models by the words of their ids and names.
struct Known<'a> {
    by_words: HashMap<Words, Vec<&'a Model>>,
}

impl<'a> Known<'a> {
    fn new(lists: &'a Lists) -> Known<'a> {
        let mut by_words: HashMap<Words, Vec<&Model>> = HashMap::new();
        for model in &lists.models {
            by_words.entry(names::words_of_id(&model.id)).or_default().push(model);
            if let Some(name) = &model.name {
                by_words.entry(names::words(name)).or_default().push(model);
            }
        }
        Known { by_words }
    }

    /// The models a row may be about: those with exactly its words, else those with more.
    fn models(&self, subject: &str) -> Vec<&'a Model> {
        let words = names::words(subject);
        if let Some(models) = self.by_words.get(&words) {
            return models.clone();
        }
        self.by_words.iter().filter(|(w, _)| words.is_subset(w)).flat_map(|(_, m)| m.clone()).collect()
    }
}

fn made_up_value(name: &str) -> f64 {
    if name.contains("tokens per day") {
        288_000_000.0
    } else if name.contains("tokens per minute") {
        200_000.0
    } else if name.contains("requests per minute") {
        200.0
    } else {
        const ROUND: [f64; 6] = [5.0, 10.0, 20.0, 50.0, 100.0, 1000.0];
        ROUND[(super::noise::hash(&[name]) % ROUND.len() as u64) as usize]
    }
}
