//! The public lists the world is made of: quotas, foundation models, system inference profiles.
//!
//! They are facts compiled from AWS's documentation. Where no default value is public, the sim makes
//! one up ([`Lists::default_value`]): AWS itself always shows a number.

use super::names::{self, Scope, Words};
use super::noise;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    index: Memo,
}

/// The index, made when first asked for. A copy has none yet: its rows may be changed.
#[derive(Debug, Default)]
struct Memo(OnceLock<Index>);

impl Clone for Memo {
    fn clone(&self) -> Memo {
        Memo::default()
    }
}

#[derive(Debug)]
struct Index {
    by_code: HashMap<String, usize>,
    /// For each quota the regions that list it; `None`: all.
    regions: Vec<Option<BTreeSet<String>>>,
}

/// Regions that still list rows for calls which are offered nowhere any more.
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
            serde_json::from_str(include_str!("../../../data/service-quotas.json")).expect(shipped);
        let models: Models =
            serde_json::from_str(include_str!("../../../data/foundation-models.json")).expect(shipped);
        let profiles: Profiles =
            serde_json::from_str(include_str!("../../../data/inference-profiles.json")).expect(shipped);
        Lists {
            quotas: quotas.rows,
            models: models.models,
            profiles: profiles.inference_profiles,
            index: Memo::default(),
        }
    }

    /// The row with that code.
    pub fn quota(&self, code: &str) -> Option<&Quota> {
        self.index().by_code.get(code).map(|i| &self.quotas[*i])
    }

    /// AWS's default value of a row in a region. Made up, but always the same, where none is public.
    pub fn default_value(&self, quota: &Quota, region: &str) -> f64 {
        let by_region = &quota.value_by_region;
        let public = by_region.get(region).or(by_region.get("other")).copied().or(quota.value);
        public.unwrap_or_else(|| made_up_value(&quota.name))
    }

    /// Tells whether any call from the region can reach the model.
    pub fn offers(&self, region: &str, model: &Model) -> bool {
        self.regions_offering(model, Scope::Any).any(|r| r == region)
    }

    /// The rows that Service Quotas lists in a region: the service-wide ones, and of the models' only
    /// those the region offers.
    pub fn listed(&self, region: &str) -> impl Iterator<Item = &Quota> {
        let regions = self.index().regions.iter();
        let here = regions.map(move |regions| regions.as_ref().is_none_or(|r| r.contains(region)));
        self.quotas.iter().zip(here).filter_map(|(quota, here)| here.then_some(quota))
    }

    fn index(&self) -> &Index {
        self.index.0.get_or_init(|| {
            let known = Known::new(self);
            let codes = self.quotas.iter().enumerate().map(|(i, q)| (q.code.clone(), i));
            let regions = self.quotas.iter().map(|q| self.regions_listing(&known, &q.name));
            Index { by_code: codes.collect(), regions: regions.collect() }
        })
    }

    fn regions_listing(&self, known: &Known, name: &str) -> Option<BTreeSet<String>> {
        let (scope, subject) = names::subject(name)?;
        let models = known.models(subject);
        let offering = models.iter().flat_map(|m| self.regions_offering(m, scope));
        let regions: BTreeSet<_> = offering.cloned().collect();
        Some(if regions.is_empty() { OLDEST_REGIONS.map(String::from).into() } else { regions })
    }

    /// The regions that the model can be called from in that way.
    fn regions_offering<'a>(&'a self, model: &'a Model, scope: Scope) -> impl Iterator<Item = &'a String> {
        let on_demand = matches!(scope, Scope::OnDemand | Scope::Any).then_some(&model.on_demand_regions);
        let id = base_id(&model.id);
        let profiles = self.profiles.iter().filter(move |p| p.model_id == id);
        let profiles = profiles.filter(move |p| match scope {
            Scope::OnDemand => false,
            Scope::Geographic => p.prefix != "global",
            Scope::Global => p.prefix == "global",
            Scope::Any => true,
        });
        on_demand.into_iter().flatten().chain(profiles.flat_map(|p| &p.source_regions))
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
        ROUND[(noise::hash(&[name]) % ROUND.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(region: &str) -> Vec<String> {
        Lists::public().listed(region).map(|q| q.name.clone()).collect()
    }

    #[test]
    fn a_region_lists_only_quotas_of_models_it_offers() {
        let opus = "On-demand model inference tokens per minute for Anthropic Claude Opus 5".to_string();
        assert!(names("ap-northeast-2").contains(&opus));
        assert!(!names("us-east-1").contains(&opus));
        let rerank = "On-demand model inference requests per minute for Amazon Rerank 1.0".to_string();
        assert!(names("eu-central-1").contains(&rerank));
        assert!(!names("us-east-1").contains(&rerank));
        let global =
            "Global cross-region model inference tokens per minute for Anthropic Claude Opus 5".to_string();
        assert!(names("us-east-1").contains(&global) && names("ap-northeast-1").contains(&global));
        for region in ["us-east-1", "sa-east-1", "mars-north-1"] {
            assert!(names(region).contains(&"Agents per account".to_string()), "{region}");
        }
    }

    #[test]
    fn every_row_is_listed_somewhere() {
        let lists = Lists::public();
        let regions: BTreeSet<_> = lists
            .models
            .iter()
            .flat_map(|m| &m.on_demand_regions)
            .chain(lists.profiles.iter().flat_map(|p| &p.source_regions))
            .collect();
        let listed: BTreeSet<_> =
            regions.iter().flat_map(|r| lists.listed(r)).map(|q| (&q.code, &q.name)).collect();
        let unlisted: Vec<_> =
            lists.quotas.iter().filter(|q| !listed.contains(&(&q.code, &q.name))).collect();
        assert!(unlisted.is_empty(), "{unlisted:?}");
    }

    #[test]
    fn defaults_differ_by_region_and_are_made_up_where_none_is_public() {
        let lists = Lists::public();
        let of = |name: &str| lists.quotas.iter().find(|q| q.name == name).unwrap();
        let lite = of("Cross-region model inference tokens per minute for Amazon Nova Lite");
        assert_eq!(lists.default_value(lite, "us-east-1"), 8e6);
        assert_eq!(lists.default_value(lite, "eu-central-1"), 4e5);
        let luna = of("Cross-region model inference tokens per minute for GPT-6 Luna");
        assert_eq!(luna.value, None);
        assert_eq!(lists.default_value(luna, "us-east-1"), 2e5);
    }

    #[test]
    fn changed_rows_of_a_copy_are_found() {
        let public = Lists::public();
        assert!(public.quota("L-00000000").is_none());
        let mut copy = (*public).clone();
        copy.quotas =
            vec![Quota { code: "L-00000000".into(), name: "Agents per account".into(), ..Quota::default() }];
        assert!(copy.quota("L-00000000").is_some());
        assert_eq!(copy.listed("us-east-1").count(), 1);
    }
}
