//! Quota lists as they could be tomorrow: rows misspelled, renamed, re-scoped or without their model. A
//! wrong match is 0 by policy; a row that may be the one looked for keeps its absence from being claimed.

use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel, InferenceProfile, ProfileKind};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, State};
use bedrock_quota_exporter::model::matching::{Charge, Index, Rules};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota};
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::offline::{self, File};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const RPM: QuotaKind = QuotaKind::RequestsPerMinute;
const TPM: QuotaKind = QuotaKind::TokensPerMinute;
const TPD: QuotaKind = QuotaKind::TokensPerDay;

fn list(names: &[&str]) -> QuotaList {
    let row = |(at, name): (usize, &&str)| ServiceQuota {
        code: format!("L-{at}"),
        name: name.to_string(),
        applied: Some(100.0),
        listed: true,
        ..ServiceQuota::default()
    };
    QuotaList { quotas: names.iter().enumerate().map(row).map(Arc::new).collect(), ..QuotaList::default() }
}

/// Models by id and modelName; no name where it is empty.
fn catalog(models: &[(&str, &str)]) -> Catalog {
    let model = |(id, name): &(&str, &str)| FoundationModel {
        id: id.to_string(),
        name: (!name.is_empty()).then(|| name.to_string()),
        ..FoundationModel::default()
    };
    Catalog { models: Some(models.iter().map(model).map(Arc::new).collect()), ..Catalog::default() }
}

fn charge(index: &Index, id: &str, kind: QuotaKind) -> Charge {
    let charges = index.resolve(&InvocationId::runtime(id)).charges;
    charges.into_iter().find(|c| c.kind == kind).unwrap_or_else(|| panic!("{id} has no charge for {kind}"))
}

fn charge_of(names: &[&str], models: &[(&str, &str)], id: &str, kind: QuotaKind) -> Charge {
    charge(&Index::new(&list(names), &catalog(models), &Rules::default()), id, kind)
}

#[test]
fn a_row_that_was_not_understood_is_no_proof_of_absence() {
    let (sonnet, sonnet_61) = ("us.anthropic.claude-sonnet-6", "us.anthropic.claude-sonnet-6-1");
    let (old, nova) = ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", "amazon.nova-lite-v1:0");
    let pool = "Cross-region model inference tokens per minute for";
    let rows: &[(&str, QuotaKind, String)] = &[
        (sonnet, TPM, format!("{pool} Anthropic Claude Sonet 6")),
        (sonnet, TPM, format!("{pool} Anthropic Claude Sonnets 6")),
        (sonnet, TPM, format!("{pool} Antropic Claude Sonnet 6 Model")),
        (sonnet, TPM, format!("{pool} ClaudeSonnet 6")),
        (sonnet, TPM, format!("{pool} Anthropic Claude Sonnet 6 (Preview)")),
        (sonnet, TPM, format!("{pool} Anthropic Claude Sonnet 6 200K Context Length")),
        (sonnet, TPM, format!("{pool} Anthropic Claude Sonnet 6 200K context")),
        (sonnet_61, TPM, format!("{pool} Anthropic Claude Sonnet 6-1")),
        (sonnet, TPM, "Cross-region model inference input tokens per minute for Claude Sonnet 6".to_string()),
        (sonnet, TPM, "US cross-region model inference tokens per minute for Claude Sonnet 6".to_string()),
        (sonnet, TPM, "Cross region inference: Claude Sonnet 6 tokens per minute".to_string()),
        (sonnet, RPM, "Cross-regoin model inference requests per minute for Claude Sonnet 6".to_string()),
        (sonnet, TPD, "Model invocation maximum tokens per day for Claude Sonnet 6".to_string()),
        (old, TPM, "Cross-region model tokens per minute for Anthropic Claude 3.5 Sonnet".to_string()),
        (nova, RPM, "Regional model inference requests per minute for Amazon Nova Lite".to_string()),
        (nova, RPM, "On-demand model inference requests per second for Amazon Nova Lite".to_string()),
    ];
    for (id, kind, row) in rows {
        let charge = charge_of(&[row], &[], id, *kind);
        assert_eq!((charge.state, charge.quota_code()), (State::Unknown, None), "{row}: {}", charge.reason);
        assert!(charge.reason.contains("L-0") && charge.reason.contains(row), "{row}: {}", charge.reason);
    }
}

#[test]
fn a_custom_deployment_s_row_that_was_not_understood_is_no_proof_of_absence() {
    use bedrock_quota_exporter::model::catalog::CustomModelDeployment;
    let account = "arn:aws:bedrock:us-east-1:111122223333";
    let deployment = CustomModelDeployment {
        arn: format!("{account}:custom-model-deployment/aaaaaaaaaaaa"),
        name: "tuned".to_string(),
        model_arn: format!("{account}:custom-model/amazon.nova-lite-v1:0:300k/bbbbbbbbbbbb"),
        status: "Active".to_string(),
    };
    let id = deployment.arn.clone();
    let catalog =
        Catalog { deployments: Some(vec![deployment]), ..catalog(&[("amazon.nova-lite-v1:0", "Nova Lite")]) };
    let row =
        "(Model customization) Sum of on demand custom model deployments requests per minute for Nova Lite";
    let index = Index::new(&list(&[row]), &catalog, &Rules::default());
    assert_eq!(charge(&index, &id, RPM).state, State::Unknown);
    assert_eq!(charge(&index, "amazon.nova-lite-v1:0", RPM).state, State::NoSuchQuota);
}

#[test]
fn a_row_of_another_pool_quantity_or_model_is_none_of_its() {
    let id = "us.anthropic.claude-sonnet-6";
    for row in [
        "On-demand model inference tokens per minute for Anthropic Claude Sonet 6",
        "Global cross-region model inference tokens per minute for Anthropic Claude Sonet 6",
        "On-demand model inference input tokens per minute for Anthropic Claude Sonnet 6",
        "Cross-region model inference requests per minute for Anthropic Claude Sonet 6",
        "Cross-region model inference input tokens per day for Anthropic Claude Sonnet 6",
        "Cross-region model inference images per hour for Anthropic Claude Sonnet 6",
        "[bedrock-mantle endpoint] Tokens per minute for Claude Sonnet 6",
        "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 6.5",
        "Cross-region model inference tokens per minute for Anthropic Claude Opus 6",
        "Cross-region model inference tokens per minute for Anthropic Claude Saga 6",
        "Cross-region model inference tokens per minute for Cohere Sonet 6",
        "Batch inference job size for Claude Sonet 6",
    ] {
        let charge = charge_of(&[row], &[("anthropic.claude-sonnet-6", "Claude Sonnet 6")], id, TPM);
        assert_eq!(charge.state, State::NoSuchQuota, "{row}: {}", charge.reason);
    }
}

/// AWS renamed five of these in 2025, under the same codes.
#[test]
fn the_older_name_of_an_inference_row_is_read() {
    let row = "Cross-Region InvokeModel tokens per minute for Anthropic Claude 3.5 Sonnet";
    let id = "us.anthropic.claude-3-5-sonnet-20240620-v1:0";
    assert_eq!(charge_of(&[row], &[], id, TPM).quota_code(), Some("L-0"));
    let both = [row, "Cross-region model inference tokens per minute for Anthropic Claude 3.5 Sonnet"];
    assert_eq!(charge_of(&both, &[], id, TPM).reason, "L-0 and L-1 name it equally well");
}

/// The rightful model is in no list; who takes its row has borrowed it.
#[test]
fn a_row_is_not_borrowed_while_its_model_is_absent() {
    for (model, name, row) in [
        ("anthropic.claude-sonnet-6-fast", "Claude Sonnet 6", "Anthropic Claude Sonnet 6"),
        ("anthropic.claude-sonnet-6-fast-v1:0", "Claude Sonnet 6", "Claude Sonnet 6"),
        ("amazon.nova-9-lite-v2:0", "Nova 9 Lite", "Amazon Nova 9 Lite"),
        ("meta.llama3-8b-v1:0", "Llama 3 8B", "Meta Llama 3 8B Instruct"),
        ("qwen.qwen4-30b-v1:0", "Qwen4 30B", "Qwen4 30B A3B"),
        ("amazon.nova-reel-v1:1", "Nova Reel", "Amazon Nova Reel"),
        ("stability.stable-image-pro-v1:1", "Stable Image Pro 1.0", "Stable Image Pro"),
        ("acme.rocket-v0:3", "Rocket", "Acme Rocket"),
        ("acme.rocket-v2:0", "Rocket", "Acme Rocket 2"),
        ("acme.rocket-2-v1:0", "Rocket 2", "Acme Rocket V2"),
        ("acme.rocket-5-turbo-4-v1:0", "Rocket 5 Turbo 4", "Acme Rocket 4 Turbo 5"),
        ("acme.rocket-4-turbo-5-v1:0", "Rocket 4 Turbo 5", "Acme Turbo 4 Rocket 5"),
        ("cohere.embed-english-v4", "Embed English", "Acme Embed English V3"),
    ] {
        let mut catalog = catalog(&[(model, name)]);
        Arc::make_mut(&mut catalog.models.as_mut().unwrap()[0]).provider =
            model.starts_with("acme.").then(|| "Acme".to_string());
        let rows = [format!("On-demand model inference tokens per minute for {row}")];
        let index = Index::new(&list(&rows.each_ref().map(String::as_str)), &catalog, &Rules::default());
        let charge = charge(&index, model, TPM);
        assert_eq!(charge.quota_code(), None, "{row} → {model}: {}", charge.reason);
        assert_eq!(index.quotas(), [], "{row} → {model}");
    }
}

#[test]
fn a_hint_names_the_nearest_row_or_none() {
    let quotas = shipped_quotas();
    let index = Index::new(&quotas, &shipped_catalog(), &Rules::default());
    let code = |name: &str| {
        let row = quotas.quotas.iter().find(|row| row.name == name);
        row.unwrap_or_else(|| panic!("no row {name}")).code.clone()
    };
    let light = charge(&index, "cohere.command-light-text-v14", TPM);
    let rows = ["Cohere Command Light", "Cohere Command"]
        .map(|name| code(&format!("On-demand model inference tokens per minute for {name}")));
    assert_eq!(light.state, State::Unknown);
    assert!(light.reason.contains(&rows[0]) && !light.reason.contains(&rows[1]), "{}", light.reason);

    let command = charge(&index, "cohere.command-text-v14", TPM);
    assert!(command.reason.contains(&rows[1]) && !command.reason.contains(&rows[0]), "{}", command.reason);

    let claude = charge(&index, "anthropic.claude-v2:1", TPM);
    assert_eq!(claude.quota_code(), None);
    assert!(!claude.reason.contains("Instant"), "{}", claude.reason);
    let rows = ["Nova Lite Max", "Nova Lite Ultimate"]
        .map(|name| format!("On-demand model inference tokens per minute for Amazon {name}"));
    let two = charge_of(&rows.each_ref().map(String::as_str), &[], "amazon.nova-lite-v1:0", TPM);
    assert!(
        two.reason.contains("L-0") && two.reason.contains("L-1"),
        "as near as each other: {}",
        two.reason
    );
}

#[test]
fn an_application_profile_of_several_regions_is_cross_region_whatever_the_system_profile_spans_today() {
    let model = "amazon.nova-lite-v1:0";
    let profile = |id: &str, kind, regions: &[&str]| InferenceProfile {
        id: id.to_string(),
        arn: format!("arn:aws:bedrock:us-east-1:000000000001:application-inference-profile/{id}"),
        name: None,
        kind,
        model_arns: regions
            .iter()
            .map(|r| format!("arn:aws:bedrock:{r}::foundation-model/{model}"))
            .collect(),
    };
    let today = ["us-east-1", "us-east-2", "us-west-2"];
    let profiles = [
        profile("us.amazon.nova-lite-v1:0", ProfileKind::SystemDefined, &today),
        profile("abcdef012345", ProfileKind::Application, &today[..2]),
    ];
    let catalog = Catalog { profiles: Some(profiles.map(Arc::new).to_vec()), ..catalog(&[(model, "")]) };
    let row = "Cross-region model inference tokens per minute for Amazon Nova Lite";
    let index = Index::new(&list(&[row]), &catalog, &Rules::default());
    let resolution = index.resolve(&InvocationId::runtime("abcdef012345"));
    assert_eq!((resolution.scope, resolution.unmapped), (Some(Scope::CrossRegion), None));
    assert_eq!(charge(&index, "abcdef012345", TPM).quota_code(), Some("L-0"));
}

#[test]
fn profiles_name_their_models_where_listing_models_is_denied() {
    let (quotas, all) = (shipped_quotas(), shipped_catalog());
    let denied = Catalog { models: None, ..all.clone() };
    let (with, without) =
        (Index::new(&quotas, &all, &Rules::default()), Index::new(&quotas, &denied, &Rules::default()));
    let stability: Vec<&str> = all.profiles.iter().flatten().map(|p| &*p.id).collect();
    let stability: Vec<&str> = stability.into_iter().filter(|id| id.contains("stability.")).collect();
    assert!(stability.len() > 10);
    for id in stability {
        let (known, read) = (charge(&with, id, RPM), charge(&without, id, RPM));
        assert!(known.quota_code().is_some(), "{id}");
        assert_eq!(read.quota_code(), known.quota_code(), "{id}: {}", read.reason);
    }
}

fn shipped_quotas() -> QuotaList {
    let file = File { path: "service-quotas.json", content: include_str!("../../data/service-quotas.json") };
    offline::quotas(Some(file), None, None).expect("the shipped list is read")
}

fn shipped_catalog() -> Catalog {
    let models = File { path: "models", content: include_str!("../../data/foundation-models.json") };
    let profiles = File { path: "profiles", content: include_str!("../../data/inference-profiles.json") };
    Catalog {
        models: Some(offline::models(models).expect("the shipped list is read")),
        profiles: Some(offline::profiles(profiles, None).expect("the shipped list is read")),
        ..Catalog::default()
    }
}

fn ids(catalog: &Catalog) -> Vec<InvocationId> {
    let models: Vec<&str> = catalog.models.iter().flatten().map(|m| &*m.id).collect();
    let profiles = catalog.profiles.iter().flatten().map(|p| &*p.id);
    let runtime = models.iter().copied().chain(profiles).map(InvocationId::runtime);
    runtime.chain(models.iter().copied().map(InvocationId::mantle)).collect()
}

type Charges = BTreeMap<(InvocationId, QuotaKind), Charge>;

fn charges(quotas: &QuotaList, catalog: &Catalog, ids: &[InvocationId]) -> Charges {
    let index = Index::new(quotas, catalog, &Rules::default());
    let of = |id: &InvocationId| {
        let charges = index.resolve(id).charges;
        charges.into_iter().map(|charge| ((id.clone(), charge.kind), charge)).collect::<Vec<_>>()
    };
    ids.iter().flat_map(of).collect()
}

/// What breaks the rule that whatever was matched is still matched to the same row, or unknown with that row in
/// the reason, and that nothing else is matched: the row's code, and what is wrong.
fn wrong(before: &Charges, after: &Charges, told: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for ((id, kind), charge) in after {
        let known = before.get(&(id.clone(), *kind)).and_then(|charge| charge.quota_code());
        let Charge { state, reason, .. } = charge;
        match charge.quota_code() {
            Some(code) if known != Some(code) => {
                wrong.push((code.to_string(), format!("{} {kind}: {code} for {known:?}", id.id)));
            }
            Some(_) => (),
            None => {
                let said = |code: &&str| *state == State::Unknown && reason.contains(code);
                if let Some(code) = known.filter(|code| told(code) && !said(code)) {
                    wrong
                        .push((code.to_string(), format!("{} {kind}: {code} lost: {state} {reason}", id.id)));
                }
            }
        }
    }
    wrong
}

/// A region may list the rows of any model that it does not offer.
#[test]
fn whichever_model_is_missing_no_other_takes_its_rows() {
    let (quotas, whole) = (shipped_quotas(), shipped_catalog());
    let ids = ids(&whole);
    let before = charges(&quotas, &whole, &ids);
    let mut of_provider: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for model in whole.models.iter().flatten() {
        of_provider.entry(model.id.split_once('.').unwrap().0).or_default().push(&model.id);
    }
    // Models of different providers do not meet, so that each round drops one of each.
    for round in 0..of_provider.values().map(Vec::len).max().unwrap() {
        let missing: BTreeSet<&str> =
            of_provider.values().filter_map(|ids| ids.get(round).copied()).collect();
        let is_missing = |id: &str| missing.iter().any(|missing| id.ends_with(missing));
        let mut catalog = whole.clone();
        catalog.models.as_mut().unwrap().retain(|model| !is_missing(&model.id));
        catalog.profiles.as_mut().unwrap().retain(|profile| !is_missing(&profile.id));
        for ((id, kind), charge) in charges(&quotas, &catalog, &ids) {
            let known = before.get(&(id.clone(), kind)).and_then(|charge| charge.quota_code());
            let wrong = charge.quota_code().filter(|code| known != Some(code));
            assert_eq!(wrong, None, "without {missing:?}, {id:?} {kind}: {}", charge.reason);
        }
    }
}

/// A sibling in each model's place: another word, or another revision, under the name of the rightful one.
#[test]
fn no_sibling_takes_the_rows_of_a_model_that_is_missing() {
    let (quotas, whole) = (shipped_quotas(), shipped_catalog());
    let faster = |id: &str| id.replacen('.', ".quick-", 1);
    let revised = |id: &str| id.strip_suffix(":0").map(|id| format!("{id}:7")).unwrap_or_default();
    for sibling in [&faster as &dyn Fn(&str) -> String, &revised] {
        let mut catalog = Catalog { profiles: None, ..whole.clone() };
        for model in catalog.models.iter_mut().flatten() {
            let own = Arc::make_mut(model);
            own.id = sibling(&own.id);
        }
        catalog.models.as_mut().unwrap().retain(|model| !model.id.is_empty() && !model.id.contains(":0:"));
        let index = Index::new(&quotas, &catalog, &Rules::default());
        for model in catalog.models.iter().flatten() {
            for id in [InvocationId::runtime(&model.id), InvocationId::runtime(&format!("us.{}", model.id))] {
                let charges = index.resolve(&id).charges;
                let borrowed: Vec<_> =
                    charges.iter().filter_map(|c| Some((c.quota_code()?, &c.reason))).collect();
                assert_eq!(borrowed, [], "{id:?}");
            }
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// One slip in one word of three letters or more; a word with digits is another version, not a misspelling.
fn misspelled(name: &str, random: &mut Seeded) -> String {
    let mut words: Vec<String> = name.split(' ').map(str::to_string).collect();
    let spelled = |word: &&mut String| {
        word.len() > 2 && word.bytes().all(|b| b.is_ascii_alphabetic()) && !word.eq_ignore_ascii_case("plus")
    };
    let mut candidates: Vec<&mut String> = words.iter_mut().filter(spelled).collect();
    let at = random.below(candidates.len());
    let word = &mut candidates[at];
    // A first letter that is wrong leaves little to go by.
    let at = 1 + random.below(word.len() - 1);
    match random.below(5) {
        0 => drop(word.remove(at)),
        1 => word.insert(at, word.as_bytes()[at] as char),
        2 => {
            let letter = word.remove(at);
            word.insert(at - 1, letter);
        }
        3 => word.replace_range(at..=at, "q"),
        _ => word.push('s'),
    }
    words.join(" ")
}

fn is_a_model_s(name: &str) -> bool {
    name.contains(" for ") && !name.contains("atch") && !name.contains("Fine-tuning")
}

/// Every row of the list under another name. `None` leaves it as it is.
fn renamed(quotas: &QuotaList, mut name: impl FnMut(&str) -> Option<String>) -> QuotaList {
    let mut quotas = quotas.clone();
    for row in &mut quotas.quotas {
        if let Some(name) = name(&row.name) {
            Arc::make_mut(row).name = name;
        }
    }
    quotas
}

#[test]
fn the_case_of_a_name_never_matters() {
    let (quotas, catalog) = (shipped_quotas(), shipped_catalog());
    let ids = ids(&catalog);
    let codes = |quotas: &QuotaList| -> BTreeSet<String> {
        let all = charges(quotas, &catalog, &ids);
        all.iter().map(|((id, kind), charge)| format!("{} {kind} {:?}", id.id, charge.quota_code())).collect()
    };
    let expected = codes(&quotas);
    let title = |name: &str| {
        let word = |word: &str| word[..1].to_uppercase() + &word[1..].to_lowercase();
        name.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    for recased in [&str::to_uppercase as &dyn Fn(&str) -> String, &str::to_lowercase, &title] {
        let found = codes(&renamed(&quotas, |name| Some(recased(name))));
        assert_eq!(found.symmetric_difference(&expected).collect::<Vec<_>>(), [&""; 0]);
    }
}

#[test]
fn every_row_with_something_added_to_its_name_keeps_absence_from_being_claimed() {
    let (quotas, catalog) = (shipped_quotas(), shipped_catalog());
    let ids = ids(&catalog);
    let before = charges(&quotas, &catalog, &ids);
    let rows: Vec<&str> = quotas.quotas.iter().map(|q| &*q.name).filter(|name| is_a_model_s(name)).collect();
    assert!(rows.len() > 500);
    let additions: [&dyn Fn(&str) -> String; 6] = [
        &|name| format!("{name} (Preview)"),
        &|name| format!("{name} 200K Context Length"),
        &|name| format!("Regional {name}"),
        &|name| name.replacen("ross-region", "ross-region (US)", 1),
        &|name| name.replacen(" tokens per", " input tokens per", 1),
        &|name| name.replacen(" for ", " for the model ", 1),
    ];
    for added in additions {
        let changed = renamed(&quotas, |name| is_a_model_s(name).then(|| added(name)));
        let after = charges(&changed, &catalog, &ids);
        assert_eq!(wrong(&before, &after, |code| is_per_call(&quotas, code)), []);
    }
}

/// Concurrency rows are charged where they are found, and their absence is never claimed. A row of model units
/// with another context length is another row.
fn is_per_call(quotas: &QuotaList, code: &str) -> bool {
    let mut row = quotas.quotas.iter().filter(|row| row.code == code);
    row.any(|row| !row.name.contains("concurrent") && !row.name.starts_with("Model units"))
}

/// Every row at once, each with a slip of its own.
#[test]
fn a_misspelled_row_is_matched_rightly_or_unknown() {
    let (quotas, catalog) = (shipped_quotas(), shipped_catalog());
    let ids = ids(&catalog);
    let before = charges(&quotas, &catalog, &ids);
    for seed in 0..5 {
        let mut random = Seeded(seed);
        let changed = renamed(&quotas, |name| is_a_model_s(name).then(|| misspelled(name, &mut random)));
        let after = charges(&changed, &catalog, &ids);
        let wrong = wrong(&before, &after, |code| is_per_call(&quotas, code));
        let named = |wrong: &(String, String)| {
            let row = changed.quotas.iter().find(|row| row.code == wrong.0);
            format!("{} “{}”", wrong.1, row.map(|row| &*row.name).unwrap_or_default())
        };
        assert_eq!(wrong.iter().map(named).collect::<Vec<_>>(), Vec::<String>::new(), "seed {seed}");
    }
}
