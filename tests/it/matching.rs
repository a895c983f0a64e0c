//! The join of usage to quota: models of tomorrow, the classic mistakes, and what must never matter.

use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel, InferenceProfile, ProfileKind};
use bedrock_quota_exporter::model::ids::{Method, QuotaKind, Scope, State, Variant};
use bedrock_quota_exporter::model::matching::{Charge, Confidence, Index, ModelQuota, Rules, Unmapped};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota, UsageMetric};
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::offline::{self, File};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const RPM: QuotaKind = QuotaKind::RequestsPerMinute;
const TPM: QuotaKind = QuotaKind::TokensPerMinute;
const TPD: QuotaKind = QuotaKind::TokensPerDay;

fn row(code: &str, name: &str) -> ServiceQuota {
    ServiceQuota {
        code: code.to_string(),
        name: name.to_string(),
        applied: Some(100.0),
        listed: true,
        ..ServiceQuota::default()
    }
}

fn rows(rows: &[(&str, &str)]) -> QuotaList {
    QuotaList {
        quotas: rows.iter().map(|(code, name)| row(code, name).into()).collect(),
        ..QuotaList::default()
    }
}

/// Models by id, with a name where one is given.
fn catalog(models: &[(&str, &str)]) -> Catalog {
    let model = |(id, name): &(&str, &str)| FoundationModel {
        id: id.to_string(),
        name: (!name.is_empty()).then(|| name.to_string()),
        ..FoundationModel::default()
    };
    Catalog { models: Some(models.iter().map(model).map(Arc::new).collect()), ..Catalog::default() }
}

fn index(quotas: &[(&str, &str)], models: &[(&str, &str)]) -> Index {
    Index::new(&rows(quotas), &catalog(models), &Rules::default())
}

fn charge(index: &Index, id: &str, kind: QuotaKind) -> Charge {
    let charges = index.resolve(&InvocationId::runtime(id)).charges;
    charges.into_iter().find(|c| c.kind == kind).unwrap_or_else(|| panic!("{id} has no charge for {kind}"))
}

fn code(index: &Index, id: &str, kind: QuotaKind) -> Option<String> {
    charge(index, id, kind).quota_code().map(str::to_string)
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

#[test]
fn models_of_tomorrow_with_regular_names() {
    let tomorrow = [
        ("anthropic.claude-sonnet-6", "", "Anthropic Claude Sonnet 6"),
        ("anthropic.claude-sonnet-6-5-20270301-v1:0", "", "Anthropic Claude Sonnet 6.5 V1"),
        ("anthropic.claude-haiku-6-20270101-v2:0", "", "Claude Haiku 6 V2"),
        ("meta.llama5-90b-instruct-v1:0", "", "Meta Llama 5 90B Instruct"),
        ("meta.llama5-1-400b-instruct-v1:0", "", "Meta Llama 5.1 400B Instruct"),
        ("amazon.nova-3-pro-v1:0", "Nova 3 Pro", "Amazon Nova 3 Pro V1"),
        ("amazon.nova-3-pro-v2:0", "Nova 3 Pro v2", "Amazon Nova 3 Pro V2"),
        ("amazon.titan-embed-text-v3:0", "", "Amazon Titan Text Embeddings V3"),
        ("mistral.mistral-large-4-675b-instruct", "Mistral Large 4", "Mistral Large 4"),
        ("mistral.mistral-large-2611-v1:0", "", "Mistral AI Mistral Large (26.11)"),
        ("mistral.magistral-medium-2612", "Magistral Medium 1.3", "Magistral Medium 1.3"),
        ("cohere.rerank-v4-0:0", "", "Cohere Rerank 4.0"),
        ("cohere.command-a-plus-v1:0", "", "Cohere Command A+"),
        ("qwen.qwen4-300b-a30b-v1:0", "", "Qwen4 300B A30B V1"),
        ("openai.gpt-7-sol", "", "GPT-7 Sol"),
        ("openai.gpt-oss-2-240b-1:0", "", "OpenAI GPT OSS 2 240B"),
        ("xai.grok-5-fast", "", "xAI Grok 5 Fast"),
        ("zai.glm-6", "", "Z.ai GLM-6"),
        ("deepseek.v4-v1:0", "", "DeepSeek V4 V1"),
        ("moonshotai.kimi-k4.5", "", "Moonshot AI Kimi K4.5"),
        ("google.gemma-4-31b-it", "", "Gemma 4 31B"),
        ("stability.sd4-large-v1:0", "Stable Diffusion 4 Large", "Stability.ai Stable Diffusion 4 Large"),
        ("twelvelabs.pegasus-2-0-v1:0", "", "TwelveLabs Pegasus 2.0"),
        ("bfl.flux-3-pro-v1:0", "FLUX 3 Pro", "Black Forest Labs FLUX 3 Pro"),
    ];
    let provider = |id: &str| id.starts_with("bfl.").then(|| "Black Forest Labs".to_string());
    let mut catalog = catalog(&tomorrow.map(|(id, name, _)| (id, name)));
    catalog.models.iter_mut().flatten().for_each(|model| {
        Arc::make_mut(model).provider = provider(&model.id);
    });
    let names: Vec<Arc<ServiceQuota>> = tomorrow
        .iter()
        .enumerate()
        .map(|(at, (_, _, name))| {
            let name = format!("Cross-region model inference tokens per minute for {name}");
            row(&format!("L-{at:04}"), &name).into()
        })
        .collect();
    let index = Index::new(&QuotaList { quotas: names, ..QuotaList::default() }, &catalog, &Rules::default());
    for (at, (id, _, name)) in tomorrow.iter().enumerate() {
        let charge = charge(&index, &format!("us.{id}"), TPM);
        assert_eq!(charge.quota_code(), Some(format!("L-{at:04}").as_str()), "{name}: {}", charge.reason);
        assert_eq!(charge.method, Some(Method::Identity));
    }
}

#[test]
fn an_irregular_name_is_unknown_until_one_line_of_config_says_whose_it_is() {
    let quotas =
        rows(&[("L-1", "Cross-region model inference tokens per minute for Anthropic Claude Sonnet Six")]);
    let catalog = catalog(&[("anthropic.claude-sonnet-6", "Claude Sonnet 6")]);
    let id = InvocationId::runtime("us.anthropic.claude-sonnet-6");

    let index = Index::new(&quotas, &catalog, &Rules::default());
    let resolution = index.resolve(&id);
    let tokens = &resolution.charges[1];
    assert_eq!((tokens.kind, tokens.state, tokens.quota.as_ref()), (TPM, State::Unknown, None));
    assert!(tokens.reason.starts_with("L-1 “Cross-region model inference"), "{}", tokens.reason);
    assert_eq!(resolution.unmapped, Some(Unmapped::IrregularName));

    let by_code = Rules {
        quotas: BTreeMap::from([("L-1".to_string(), Some("anthropic.claude-sonnet-6".to_string()))]),
        ..Rules::default()
    };
    let by_id = Rules {
        models: BTreeMap::from([(id.id.to_string(), BTreeMap::from([(TPM, Some("L-1".to_string()))]))]),
        ..Rules::default()
    };
    for rules in [by_code, by_id] {
        let index = Index::new(&quotas, &catalog, &rules);
        let resolution = index.resolve(&id);
        let tokens = &resolution.charges[1];
        assert_eq!((tokens.quota_code(), tokens.method), (Some("L-1"), Some(Method::Override)));
        assert_eq!(resolution.unmapped, None);
        let published = index.quota(tokens.quota.as_ref().unwrap()).expect("overridden rows are published");
        assert_eq!((published.method, published.limit), (Method::Override, Some(100.0)));
    }
}

/// Its requests are counted and its tokens are not: while they are undecided, the id is told of.
#[test]
fn a_partly_matched_id_is_not_silent() {
    let id = InvocationId::runtime("us.anthropic.claude-sonnet-6");
    let requests = ("L-1", "Cross-region model inference requests per minute for Anthropic Claude Sonnet 6");
    let tokens = "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 6";
    let preview = format!("{tokens} (Preview)");
    for (rows, unmapped) in [
        (vec![requests], None),
        (vec![requests, ("L-2", tokens)], None),
        (vec![requests, ("L-2", &preview)], Some(Unmapped::IrregularName)),
        (vec![requests, ("L-2", tokens), ("L-3", tokens)], Some(Unmapped::Ambiguous)),
    ] {
        let resolution = index(&rows, &[("anthropic.claude-sonnet-6", "")]).resolve(&id);
        assert_eq!(resolution.charges[0].quota_code(), Some("L-1"), "{rows:?}");
        assert_eq!(resolution.unmapped, unmapped, "{rows:?}");
    }
}

#[test]
fn overrides_go_before_everything() {
    let quotas = rows(&[
        ("L-1", "On-demand model inference tokens per minute for Mistral Large"),
        ("L-2", "On-demand model inference tokens per minute for Amazon Nova Lite"),
        ("L-3", "On-demand model inference requests per minute for Amazon Nova Lite"),
        ("L-4", "Something that this exporter cannot read"),
    ]);
    let catalog = catalog(&[("amazon.nova-lite-v1:0", ""), ("mistral.mistral-large-2402-v1:0", "")]);
    let some = |code: &str| Some(code.to_string());
    let rules = Rules {
        models: BTreeMap::from([
            ("amazon.nova-lite-v1:0".to_string(), BTreeMap::from([(RPM, None), (TPD, some("L-4"))])),
            ("abcdef012345".to_string(), BTreeMap::from([(TPM, some("L-2")), (RPM, some("L-9"))])),
            ("fedcba543210".to_string(), BTreeMap::from([(RPM, some("L-2"))])),
        ]),
        quotas: BTreeMap::from([("L-1".to_string(), None)]),
    };
    let index = Index::new(&quotas, &catalog, &rules);
    let nova = "amazon.nova-lite-v1:0";

    assert_eq!(
        code(&index, "mistral.mistral-large-2402-v1:0", TPM),
        None,
        "an alias that the config revokes"
    );
    let none = charge(&index, nova, RPM);
    assert_eq!(
        (none.quota_code(), none.state, none.method),
        (None, State::NoSuchQuota, Some(Method::Override))
    );
    assert_eq!(code(&index, nova, TPM), some("L-2"), "kinds that the config does not name stay as they are");
    assert_eq!(code(&index, nova, TPD), some("L-4"));

    // A row that a model has already is spent together with that model.
    let shared = charge(&index, "abcdef012345", TPM);
    assert_eq!(shared.quota, charge(&index, nova, TPM).quota);
    assert!(charge(&index, "abcdef012345", RPM).reason.contains("L-9, which is not listed"));
    assert!(charge(&index, "fedcba543210", RPM).reason.contains("L-2, but its name says tokens_per_minute"));
}

/// A pin is for one id: the other ids of its model and scope do not follow.
#[test]
fn a_pinned_row_is_no_other_ids() {
    let quotas = rows(&[("L-1", "Cross-region model inference tokens per minute for Claude Sonnet Six")]);
    let rules = Rules {
        models: BTreeMap::from([(
            "us.anthropic.claude-sonnet-6".to_string(),
            BTreeMap::from([(TPM, Some("L-1".to_string()))]),
        )]),
        ..Rules::default()
    };
    let index = Index::new(&quotas, &catalog(&[("anthropic.claude-sonnet-6", "")]), &rules);
    assert_eq!(code(&index, "us.anthropic.claude-sonnet-6", TPM).as_deref(), Some("L-1"));
    assert_eq!(code(&index, "eu.anthropic.claude-sonnet-6", TPM), None);
}

#[test]
fn version_prefix_matched() {
    let name = |version: &str| {
        format!("Cross-region model inference tokens per minute for Anthropic Claude {version}")
    };
    let (sonnet_4, opus_5) = (name("Sonnet 4"), name("Opus 5"));
    let models = [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5"),
        ("anthropic.claude-opus-5-5", "Claude Opus 5.5"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "Claude Sonnet 4"),
    ];
    let index = index(&[("L-4", &sonnet_4), ("L-5", &opus_5)], &models);
    assert_eq!(code(&index, "us.anthropic.claude-sonnet-4-20250514-v1:0", TPM).as_deref(), Some("L-4"));
    assert_eq!(code(&index, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", TPM), None);
    assert_eq!(code(&index, "us.anthropic.claude-opus-5-5", TPM), None);
    assert_eq!(
        code(&index, "us.anthropic.claude-opus-5", TPM).as_deref(),
        Some("L-5"),
        "not listed, but spelled"
    );
}

#[test]
fn cross_region_use_over_an_on_demand_limit() {
    let index = index(
        &[
            ("L-1", "On-demand model inference tokens per minute for Amazon Nova Lite"),
            ("L-2", "Cross-region model inference requests per minute for Amazon Nova Lite"),
            (
                "L-3",
                "Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)",
            ),
        ],
        &[("amazon.nova-lite-v1:0", "Nova Lite")],
    );
    let tokens = charge(&index, "us.amazon.nova-lite-v1:0", TPM);
    assert_eq!((tokens.quota_code(), tokens.state), (None, State::NoSuchQuota));
    assert_eq!(code(&index, "amazon.nova-lite-v1:0", RPM), None);
    assert_eq!(code(&index, "global.amazon.nova-lite-v1:0", RPM), None, "global is not cross-region");
    assert_eq!(code(&index, "global.amazon.nova-lite-v1:0", TPD), None);
}

#[test]
fn a_shared_day_row_counts_cross_region_tokens_half() {
    let day = "Model invocation max tokens per day for Amazon Nova Lite";
    let model = [("amazon.nova-lite-v1:0", "")];
    let doubled = index(&[("L-1", &format!("{day} (doubled for cross-region calls)"))], &model);
    let plain = index(&[("L-1", day)], &model);
    for (id, weight) in [("amazon.nova-lite-v1:0", 1.0), ("eu.amazon.nova-lite-v1:0", 0.5)] {
        let charged = charge(&doubled, id, TPD);
        assert_eq!((charged.quota_code(), charged.weight), (Some("L-1"), weight));
        assert_eq!(charged.quota.unwrap().scope, Scope::Regional);
        assert_eq!(charge(&plain, id, TPD).weight, 1.0);
    }
}

#[test]
fn the_account_wide_day_quota_is_no_models() {
    let index = index(&[("L-E3F10727", "Cross-Model Max Tokens Per Day")], &[("amazon.nova-lite-v1:0", "")]);
    assert_eq!(index.quotas(), []);
    assert_eq!(charge(&index, "amazon.nova-lite-v1:0", TPD).state, State::NoSuchQuota);
}

/// Neither the larger nor the first: two rows of one name leave the model without.
#[test]
fn largest_of_several_candidates_taken() {
    let index = index(
        &[
            ("L-1", "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 6"),
            ("L-2", "Cross-Region model inference tokens per minute for Claude Sonnet 6 V1"),
            ("L-3", "Cross-region model inference requests per minute for Claude Sonnet 6"),
        ],
        &[("anthropic.claude-sonnet-6", "")],
    );
    let tokens = charge(&index, "us.anthropic.claude-sonnet-6", TPM);
    assert_eq!((tokens.quota.as_ref(), tokens.state), (None, State::Unknown));
    assert_eq!(tokens.reason, "L-1 and L-2 name it equally well");
    assert_eq!(index.quotas().iter().map(|q| &*q.key.code).collect::<Vec<_>>(), ["L-3"]);
}

#[test]
fn one_row_claimed_by_two_models() {
    let models =
        [("anthropic.claude-sonnet-6-20270101-v1:0", ""), ("anthropic.claude-sonnet-6-20270601-v1:0", "")];
    let index = index(&[("L-1", "On-demand model inference tokens per minute for Claude Sonnet 6")], &models);
    for (id, _) in models {
        let resolution = index.resolve(&InvocationId::runtime(id));
        assert_eq!(resolution.unmapped, Some(Unmapped::Ambiguous));
        assert!(resolution.charges.iter().all(|c| c.quota_code().is_none()));
    }
}

#[test]
fn who_claims_an_identity_only_by_name_loses() {
    let name = "On-demand model inference tokens per minute for Amazon Titan Text Embeddings V2";
    let (by_id, by_name) = ("amazon.titan-embed-text-v2:0", "amazon.titan-embed-g1-text-02");
    let both = [(by_id, "Titan Text Embeddings V2"), (by_name, "Titan Text Embeddings v2")];
    for models in [&both[..], &both[1..]] {
        let index = index(&[("L-1", name)], models);
        assert_eq!(code(&index, by_name, TPM), None);
        assert_eq!(code(&index, by_id, TPM).as_deref(), Some("L-1"));
    }
    let reel = index(
        &[("L-1", "On-demand InvokeModel concurrent requests for Amazon Nova Reel1.0")],
        &[("amazon.nova-reel-v1:0", "Nova Reel"), ("amazon.nova-reel-v1:1", "Nova Reel")],
    );
    assert_eq!(reel.quotas().iter().map(|q| &*q.key.model).collect::<Vec<_>>(), ["amazon.nova-reel-v1:0"]);
}

#[test]
fn a_listed_name_does_not_outweigh_the_id() {
    let v2 = [("L-1", "On-demand model inference tokens per minute for Acme Rocket V2")];
    let contradicted = index(&v2, &[("acme.rocket-v1:0", "Rocket V2")]);
    assert_eq!(code(&contradicted, "acme.rocket-v1:0", TPM), None);

    // The tokens row spells the id, so the requests row that carries only its listed name is doubtful.
    let rows = [
        ("L-1", "On-demand model inference tokens per minute for Acme Rocket 3B"),
        ("L-2", "On-demand model inference requests per minute for Acme Comet"),
    ];
    let spelled = index(&rows, &[("acme.rocket-3b-v1:0", "Comet")]);
    assert_eq!(code(&spelled, "acme.rocket-3b-v1:0", TPM).as_deref(), Some("L-1"));
    let requests = charge(&spelled, "acme.rocket-3b-v1:0", RPM);
    assert_eq!((requests.quota.as_ref(), requests.state), (None, State::Unknown));
    let named = index(&rows[1..], &[("acme.rocket-3b-v1:0", "Comet")]);
    assert_eq!(code(&named, "acme.rocket-3b-v1:0", RPM).as_deref(), Some("L-2"));
}

#[test]
fn an_unversioned_name_is_not_the_newest_versions() {
    let index = index(
        &[
            ("L-1", "On-demand model inference tokens per minute for Mistral AI Mistral Large"),
            ("L-2", "Cross-region model inference requests per minute for Twelve Labs Pegasus"),
        ],
        &[
            ("mistral.mistral-large-2611-v1:0", "Mistral Large (26.11)"),
            ("twelvelabs.pegasus-2-0-v1:0", "Pegasus v2.0"),
        ],
    );
    assert_eq!(index.quotas(), []);
    let alias = charge(&index, "mistral.mistral-large-2402-v1:0", TPM);
    assert_eq!((alias.quota_code(), alias.method), (Some("L-1"), Some(Method::Alias)), "{}", alias.reason);
}

#[test]
fn default_silently_used_for_a_missing_applied_value() {
    let name = "On-demand model inference tokens per minute for Amazon Nova Lite";
    let state = |quota: ServiceQuota| {
        let list = QuotaList { quotas: vec![quota.into()], ..QuotaList::default() };
        let index = Index::new(&list, &catalog(&[("amazon.nova-lite-v1:0", "")]), &Rules::default());
        let ModelQuota { state, limit, default, .. } = &*index.quotas()[0];
        assert_eq!(charge(&index, "amazon.nova-lite-v1:0", TPM).state, *state);
        (*state, *limit, *default)
    };
    let base = ServiceQuota { default: Some(7.0), ..row("L-1", name) };
    let (applied, listed) = (None, false);
    assert_eq!(state(ServiceQuota { applied, listed, ..base.clone() }), (State::NotListed, None, Some(7.0)));
    assert_eq!(state(ServiceQuota { applied, ..base.clone() }), (State::Unknown, None, Some(7.0)));
    assert_eq!(
        state(ServiceQuota { applied: Some(0.0), ..base.clone() }),
        (State::Zero, Some(0.0), Some(7.0))
    );
    let error = Some("DEPENDENCY_ACCESS_DENIED_ERROR: no".to_string());
    assert_eq!(state(ServiceQuota { error, ..base.clone() }), (State::Error, None, Some(7.0)));
    assert_eq!(state(base), (State::Ok, Some(100.0), Some(7.0)));
}

/// Rows whose calls cannot be told apart are published, but nothing is charged to them.
#[test]
fn context_window_variants_counted_twice() {
    let name = "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1";
    let latency =
        "On-demand, latency-optimized model inference tokens per minute for Anthropic Claude Sonnet 4.5";
    let long = format!("{name} 1M Context Length");
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let index = index(&[("L-1", name), ("L-2", &long), ("L-3", latency)], &[(model, "")]);
    let published: Vec<(Variant, &str, State)> =
        index.of_model(model).iter().map(|q| (q.key.variant, &*q.key.code, q.state)).collect();
    let expected = [
        (Variant::LatencyOptimized, "L-3", State::Unmeasurable),
        (Variant::Standard, "L-1", State::Ok),
        (Variant::OneMillionContext, "L-2", State::Unmeasurable),
    ];
    assert_eq!(published, expected);
    assert_eq!(code(&index, &format!("us.{model}"), TPM).as_deref(), Some("L-1"));
    assert_eq!(code(&index, model, TPM), None);
}

#[test]
fn asynchronous_calls_in_flight_are_unmeasurable() {
    let index = index(
        &[
            ("L-1", "On-demand InvokeModel async concurrent requests for Amazon Nova 3 Reel"),
            ("L-2", "On-demand InvokeModel concurrent requests for Amazon Nova 3 Reel"),
        ],
        &[("amazon.nova-3-reel-v1:0", "")],
    );
    let state = |kind| charge(&index, "amazon.nova-3-reel-v1:0", kind).state;
    assert_eq!(state(QuotaKind::AsyncConcurrentRequests), State::Unmeasurable);
    assert_eq!(state(QuotaKind::ConcurrentRequests), State::Ok);
}

#[test]
fn provisioned_only_ids_spend_model_units() {
    let index = index(
        &[
            ("L-1", "On-demand model inference tokens per minute for Amazon Nova Lite"),
            (
                "L-2",
                "Model units per provisioned model for the 24k context length variant for Amazon Nova Lite",
            ),
        ],
        &[("amazon.nova-lite-v1:0", "Nova Lite"), ("amazon.nova-lite-v1:0:24k", "Nova Lite")],
    );
    let resolution = index.resolve(&InvocationId::runtime("amazon.nova-lite-v1:0:24k"));
    let charged: Vec<_> = resolution.charges.iter().map(|c| (c.kind, c.quota_code())).collect();
    assert_eq!(charged, [(QuotaKind::ModelUnits, Some("L-2"))]);
    assert_eq!((resolution.scope, resolution.unmapped), (Some(Scope::Provisioned), None));
}

#[test]
fn batch_rows_that_come_twice_are_both_published() {
    let name = "Sum of in-progress and submitted batch inference jobs using a base model for Qwen3 32B";
    let index = index(&[("L-1", name), ("L-2", name)], &[("qwen.qwen3-32b-v1:0", "")]);
    let codes: Vec<&str> = index.of_model("qwen.qwen3-32b-v1:0").iter().map(|q| &*q.key.code).collect();
    assert_eq!(codes, ["L-1", "L-2"]);
}

#[test]
fn mantle_rows_are_apart_from_runtime_rows() {
    let index = index(
        &[
            ("L-1", "[bedrock-mantle endpoint] Input tokens per minute for Claude Opus 6"),
            ("L-2", "[bedrock-mantle endpoint] Output tokens per minute for Claude Opus 6"),
            ("L-3", "On-demand model inference tokens per minute for Anthropic Claude Opus 6"),
        ],
        &[("anthropic.claude-opus-6", "")],
    );
    let charges = index.resolve(&InvocationId::mantle("anthropic.claude-opus-6")).charges;
    assert_eq!(charges.iter().map(Charge::quota_code).collect::<Vec<_>>(), [Some("L-1"), Some("L-2")]);
    let charges = index.resolve(&InvocationId::runtime("anthropic.claude-opus-6")).charges;
    assert_eq!(charges.iter().map(Charge::quota_code).collect::<Vec<_>>(), [None, Some("L-3"), None]);
}

#[test]
fn a_models_own_usage_metric_goes_before_its_name() {
    let metric = UsageMetric {
        namespace: "AWS/Bedrock".to_string(),
        name: "Invocations".to_string(),
        dimensions: vec![("ModelId".to_string(), "us.anthropic.claude-opus-6".to_string())],
        statistic: "Sum".to_string(),
    };
    let name = "Cross-region model inference requests per minute for Anthropic Claude Opus 7";
    let quota = ServiceQuota { usage_metric: Some(metric), ..row("L-1", name) };
    let list = QuotaList { quotas: vec![quota.into()], ..QuotaList::default() };
    let models = catalog(&[("anthropic.claude-opus-6", ""), ("anthropic.claude-opus-7", "")]);
    let index = Index::new(&list, &models, &Rules::default());
    assert_eq!(charge(&index, "us.anthropic.claude-opus-6", RPM).method, Some(Method::UsageMetric));
    assert_eq!(code(&index, "us.anthropic.claude-opus-7", RPM), None);
}

#[test]
fn an_id_that_no_list_shows_is_matched_by_what_it_spells() {
    let index = index(&[("L-1", "On-demand model inference tokens per minute for Amazon Nova 9 Lite")], &[]);
    let resolution = index.resolve(&InvocationId::runtime("amazon.nova-9-lite-v1:0"));
    assert_eq!(resolution.confidence, Confidence::Inferred);
    let key = resolution.charges[1].quota.as_ref().expect("the row is found");
    assert_eq!(index.describe(key).expect("any row found is described").limit, Some(100.0));
    assert_eq!(index.quotas(), [], "only listed models are published without traffic");

    let nothing = index.resolve(&InvocationId::runtime("acme.rocket-1-v1:0"));
    assert_eq!(nothing.unmapped, Some(Unmapped::UnknownModel));
    assert!(nothing.charges.iter().all(|c| c.quota.is_none() && c.state == State::Unknown));
}

#[test]
fn application_profiles_share_the_rows_of_what_they_were_copied_from() {
    let model = "amazon.nova-lite-v1:0";
    let profile = |id: &str, kind, regions: &[&str]| {
        Arc::new(InferenceProfile {
            id: id.to_string(),
            arn: format!("arn:aws:bedrock:us-east-1:000000000001:application-inference-profile/{id}"),
            name: Some("team a".to_string()),
            kind,
            model_arns: regions
                .iter()
                .map(|r| format!("arn:aws:bedrock:{r}::foundation-model/{model}"))
                .collect(),
        })
    };
    let regions = ["us-east-1", "us-west-2"];
    let application = profile("abcdef012345", ProfileKind::Application, &regions);
    let tags = BTreeMap::from([("team".to_string(), "a".to_string())]);
    let catalog = Catalog {
        profiles: Some(vec![
            profile("us.amazon.nova-lite-v1:0", ProfileKind::SystemDefined, &regions),
            application.clone(),
        ]),
        tags: Some(BTreeMap::from([(application.arn.clone(), tags)])),
        ..catalog(&[(model, "")])
    };
    let quotas = rows(&[("L-1", "Cross-region model inference tokens per minute for Amazon Nova Lite")]);
    let index = Index::new(&quotas, &catalog, &Rules::default());
    let application = index.resolve(&InvocationId::runtime("abcdef012345"));
    let system = index.resolve(&InvocationId::runtime("us.amazon.nova-lite-v1:0"));
    assert_eq!(application.charges, system.charges);
    assert_eq!(application.tags["team"], "a");
    assert_eq!((application.confidence, application.scope), (Confidence::Exact, Some(Scope::CrossRegion)));
}

/// What two indices say about the same ids, and every row they publish.
fn all(index: &Index, ids: &[InvocationId]) -> (Vec<Arc<ModelQuota>>, Vec<String>) {
    (index.quotas().to_vec(), ids.iter().map(|id| format!("{:?}", index.resolve(id))).collect())
}

fn ids(catalog: &Catalog) -> Vec<InvocationId> {
    let models = catalog.models.iter().flatten().map(|m| &m.id);
    let profiles = catalog.profiles.iter().flatten().map(|p| &p.id);
    models.chain(profiles).map(|id| InvocationId::runtime(id)).collect()
}

#[test]
fn every_inference_row_of_a_listed_model_is_matched_or_explained() {
    let (quotas, catalog) = (shipped_quotas(), shipped_catalog());
    let index = Index::new(&quotas, &catalog, &Rules::default());
    let published: BTreeSet<&str> = index.quotas().iter().map(|q| &*q.key.code).collect();
    assert_eq!(published.len(), index.quotas().len(), "a row is one model's");
    assert!(published.len() > 450, "{}", published.len());
    for id in ids(&catalog) {
        let resolution = index.resolve(&id);
        for charge in &resolution.charges {
            let matched = charge.quota.as_ref().and_then(|key| index.quota(key));
            assert_eq!(matched.is_some(), charge.quota_code().is_some(), "{id:?} {charge:?}");
            assert!(!charge.reason.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_never_changes_a_match(
        quotas in Just(shipped_quotas().quotas).prop_shuffle(),
        models in Just(shipped_catalog().models.unwrap()).prop_shuffle(),
        profiles in Just(shipped_catalog().profiles.unwrap()).prop_shuffle(),
    ) {
        let (sorted, rules) = (shipped_catalog(), Rules::default());
        let ids = ids(&sorted);
        let shuffled = Catalog { models: Some(models), profiles: Some(profiles), ..Catalog::default() };
        let expected = Index::new(&shipped_quotas(), &sorted, &rules);
        let index = Index::new(&QuotaList { quotas, ..QuotaList::default() }, &shuffled, &rules);
        prop_assert_eq!(all(&index, &ids), all(&expected, &ids));
    }

    #[test]
    fn renaming_an_unrelated_quota_never_changes_another_match(
        at in 0..889_usize,
        name in "[A-Z][a-z]{3,9} (requests|tokens) per (second|hour) for [A-Z][a-z]{3,9} [0-9]",
    ) {
        let (mut quotas, catalog) = (shipped_quotas(), shipped_catalog());
        let before = Index::new(&quotas, &catalog, &Rules::default());
        let code = quotas.quotas[at].code.clone();
        Arc::make_mut(&mut quotas.quotas[at]).name = name;
        let after = Index::new(&quotas, &catalog, &Rules::default());
        let others = |index: &Index| -> Vec<Arc<ModelQuota>> {
            index.quotas().iter().filter(|q| *q.key.code != *code).cloned().collect()
        };
        prop_assert_eq!(others(&after), others(&before));
    }

    /// A region that lacks a model may still list its rows: no other model gets them.
    #[test]
    fn rows_of_a_model_that_is_not_offered_are_no_others(keep in prop::collection::vec(any::<bool>(), 169)) {
        let (quotas, catalog) = (shipped_quotas(), shipped_catalog());
        let mut models = catalog.models.clone().unwrap_or_default();
        let mut kept = keep.into_iter();
        models.retain(|_| kept.next() == Some(true));
        let some = Catalog { models: Some(models), ..Catalog::default() };
        let owners = |catalog: &Catalog| -> BTreeMap<String, String> {
            let index = Index::new(&quotas, catalog, &Rules::default());
            let owner = |q: &Arc<ModelQuota>| (q.key.code.to_string(), q.key.model.to_string());
            index.quotas().iter().map(owner).collect()
        };
        let all = owners(&catalog);
        for (code, owner) in owners(&some) {
            prop_assert_eq!(Some(&owner), all.get(&code), "{}", code);
        }
    }

    /// Any two regular models, however near: each gets its own row and never the other's.
    #[test]
    fn near_names_never_borrow(near in near_models()) {
        let models: Vec<(&str, &str)> = near.iter().map(|(id, _)| (id.as_str(), "")).collect();
        let names: Vec<String> =
            near.iter().map(|(_, name)| format!("On-demand model inference tokens per minute for {name}")).collect();
        let codes: Vec<String> = (0..near.len()).map(|at| format!("L-{at}")).collect();
        let rows: Vec<(&str, &str)> = codes.iter().map(String::as_str).zip(names.iter().map(String::as_str)).collect();
        let whole = index(&rows, &models);
        for (at, (id, name)) in near.iter().enumerate() {
            prop_assert_eq!(code(&whole, id, TPM), Some(codes[at].clone()), "{} {}", id, name);
            let mut without = rows.clone();
            without.remove(at);
            prop_assert_eq!(code(&index(&without, &models), id, TPM), None, "{} borrowed", id);
            prop_assert_eq!(code(&index(&without, &models[at..=at]), id, TPM), None, "{} borrowed", id);
        }
    }
}

/// Up to eight different models of one invented family, as ids and as quota names.
fn near_models() -> impl Strategy<Value = Vec<(String, String)>> {
    let word = prop_oneof![Just("rocket"), Just("rocket-lite"), Just("rocket-pro"), Just("rocket-pro-vl")];
    let version = prop_oneof![Just(vec![4]), Just(vec![4, 5]), Just(vec![5]), Just(vec![4, 1])];
    let size = prop_oneof![Just(""), Just("8b"), Just("80b")];
    let model = (word, version, size, 1..3_u32).prop_map(|(words, version, size, revision)| {
        let dotted = |dot: &str| version.iter().map(u32::to_string).collect::<Vec<_>>().join(dot);
        let sized = |hyphen: &str| if size.is_empty() { String::new() } else { format!("{hyphen}{size}") };
        let id = format!("acme.{words}-{}{}-v{revision}:0", dotted("-"), sized("-"));
        let suffix = if revision == 1 { "" } else { " V2" };
        let words = words.replace('-', " ");
        let name = format!("Acme {words} {}{}{suffix}", dotted("."), sized(" ").to_uppercase());
        (id, name)
    });
    prop::collection::btree_set(model, 2..8).prop_map(|models| models.into_iter().collect())
}
