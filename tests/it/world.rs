//! A small fixed world, built by hand, in which every family has a sample.

use bedrock_quota_exporter::exposition::{Export, QuotaExport};
use bedrock_quota_exporter::model::catalog::*;
use bedrock_quota_exporter::model::evaluation::*;
use bedrock_quota_exporter::model::ids::*;
use bedrock_quota_exporter::model::matching::*;
use bedrock_quota_exporter::model::meter::MeasuredBy;
use bedrock_quota_exporter::model::observation::*;
use bedrock_quota_exporter::model::parts::Part;
use bedrock_quota_exporter::model::quota::*;
use bedrock_quota_exporter::model::snapshot::*;
use bedrock_quota_exporter::model::state::*;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::model::usage::*;
use bedrock_quota_exporter::report::status::Exporter;
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-11-21T10:00:00Z
pub const NOW: Timestamp = Timestamp(1_795_255_200);
pub const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
pub const NOVA: &str = "amazon.nova-lite-v1:0";

/// The one place where a `TargetState` is put together by hand.
pub fn state(
    target: Target,
    quotas: Option<QuotaList>,
    catalog: Option<Catalog>,
    collectors: BTreeMap<Collector, CollectorState>,
    evaluation: Evaluation,
) -> TargetState {
    let at = NOW.minus(30);
    let mut state = TargetState::new(target, at);
    state.quotas = quotas.map(|list| Observed { at, value: Arc::new(list) });
    state.catalog = catalog.map(|catalog| Observed { at, value: Arc::new(catalog) });
    state.collectors = collectors;
    state.evaluation = Arc::new(evaluation);
    state.slowed = state.quotas.is_some().then_some(true);
    state
}

pub fn snapshot(states: impl IntoIterator<Item = TargetState>) -> Snapshot {
    let targets = states.into_iter().map(|state| (state.target.clone(), Arc::new(state))).collect();
    Snapshot { at: NOW, targets }
}

/// Everything, under names from the config.
pub fn export() -> Export {
    Export {
        quotas: QuotaExport::All,
        gauges: true,
        team_tag: Some("team".into()),
        account_names: BTreeMap::from([("111111111111".into(), "production".into())]),
        ..Export::default()
    }
}

/// Production in two regions, the second of which was never read, and a second account whose usage
/// cannot be read.
pub fn whole() -> Snapshot {
    let virginia = state(
        Target::new("111111111111", "us-east-1"),
        Some(quota_list()),
        Some(catalog()),
        all_up(),
        evaluation(),
    );
    let oregon =
        state(Target::new("111111111111", "us-west-2"), None, None, BTreeMap::new(), Evaluation::default());
    let denied = CollectorState {
        last_attempt: Some(NOW.minus(20)),
        last_success: Some(NOW.minus(7_200)),
        up: false,
        seconds: 0.75,
        errors: BTreeMap::from([(ErrorClass::AccessDenied, 120)]),
        last_error: Some("GetMetricData: AccessDenied".into()),
        retry: false,
    };
    let stale = Evaluation {
        complete_until: Some(NOW.minus(7_320)),
        newest_datapoint: Some(NOW.minus(7_380)),
        ..Evaluation::default()
    };
    let frankfurt = state(
        Target::new("222222222222", "eu-central-1"),
        Some(QuotaList {
            quotas: vec![service_quota("L-0000000A", "Batch inference jobs", 20.0).into()],
            ..QuotaList::default()
        }),
        None,
        BTreeMap::from([(Collector::Quotas, up()), (Collector::Usage, denied)]),
        stale,
    );
    snapshot([virginia, oregon, frankfurt])
}

/// What the exporter of a demo says of itself after a day.
pub fn exporter() -> Exporter {
    Exporter {
        version: "1.2.3".into(),
        revision: "abc".into(),
        mode: "demo".into(),
        started: NOW.minus(86_400),
        dollars: 1.25,
        budget: Some(20.0),
        loaded: true,
        loaded_at: NOW.minus(86_400),
    }
}

/// Everything of the small world, many times; `broken`: nothing can be read any more.
pub fn fleet(targets: usize, broken: bool) -> Snapshot {
    let whole = whole();
    let state = &whole.targets[&Target::new("111111111111", "us-east-1")];
    let error = "cloudwatch:GetMetricData: HTTP 403, AccessDenied: not authorized to perform it";
    let states = (0..targets).map(|number| {
        let mut state = TargetState::clone(state);
        let account = format!("{:012}", 111_111_111_111_u64 + number as u64 / 5);
        state.target = Target::new(&account, &format!("us-east-{}", number % 5));
        for status in state.collectors.values_mut().filter(|_| broken) {
            (status.up, status.last_error) = (false, Some(error.into()));
        }
        state
    });
    snapshot(states)
}

fn up() -> CollectorState {
    CollectorState {
        last_attempt: Some(NOW.minus(20)),
        last_success: Some(NOW.minus(20)),
        up: true,
        seconds: 1.25,
        errors: BTreeMap::new(),
        last_error: None,
        retry: false,
    }
}

fn all_up() -> BTreeMap<Collector, CollectorState> {
    Collector::ALL.iter().map(|collector| (*collector, up())).collect()
}

pub fn service_quota(code: &str, name: &str, applied: f64) -> ServiceQuota {
    ServiceQuota {
        code: code.into(),
        name: name.into(),
        applied: Some(applied),
        default: Some(applied),
        listed: true,
        adjustable: Some(true),
        ..ServiceQuota::default()
    }
}

fn quota_list() -> QuotaList {
    let broken = ServiceQuota {
        error: Some("DEPENDENCY_ACCESS_DENIED_ERROR: …".into()),
        ..service_quota("L-0000000E", "Guardrails per account", 100.0)
    };
    let only_default = ServiceQuota {
        applied: None,
        listed: false,
        adjustable: None,
        ..service_quota("L-0000000D", "Agents per \"account\"", 1_000.0)
    };
    let quotas = [
        ServiceQuota {
            default: Some(1e6),
            ..service_quota(
                "L-00000001",
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1",
                5e6,
            )
        },
        service_quota(
            "L-00000002",
            "On-demand model inference requests per minute for Amazon Nova Lite",
            0.0,
        ),
        only_default,
        broken,
        metered(),
    ];
    QuotaList {
        quotas: quotas.map(Arc::new).into(),
        requests: Some(vec![IncreaseRequest {
            quota_code: "L-00000001".into(),
            status: "CASE_OPENED".into(),
            desired: Some(8e6),
            created: Some(NOW.minus(86_400)),
        }]),
        ..QuotaList::default()
    }
}

fn catalog() -> Catalog {
    let foundation = |id: &str| format!("arn:aws:bedrock:us-east-1::foundation-model/{id}");
    let model = |id: &str, name: &str, provider: &str, lifecycle: &str| FoundationModel {
        id: id.into(),
        name: Some(name.into()),
        provider: Some(provider.into()),
        inference_types: vec!["ON_DEMAND".into()],
        lifecycle: Some(lifecycle.into()),
        end_of_life: None,
    };
    Catalog {
        models: Some(
            [
                model(SONNET, "Claude Sonnet 4.5", "Anthropic", "ACTIVE"),
                FoundationModel {
                    end_of_life: Some(NOW.plus(30 * 86_400)),
                    ..model(NOVA, "Nova Lite", "Amazon", "LEGACY")
                },
                FoundationModel { id: "acme.unnamed-v1:0".into(), ..FoundationModel::default() },
            ]
            .map(Arc::new)
            .into(),
        ),
        profiles: Some(vec![Arc::new(InferenceProfile {
            id: format!("us.{SONNET}"),
            arn: format!("arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.{SONNET}"),
            name: Some("US Claude Sonnet 4.5".into()),
            kind: ProfileKind::SystemDefined,
            model_arns: vec![foundation(SONNET)],
        })]),
        provisioned: Some(vec![ProvisionedThroughput {
            arn: "arn:aws:bedrock:us-east-1:111111111111:provisioned-model/abcdefghijkl".into(),
            name: "nova-for-search".into(),
            model_arn:
                "arn:aws:bedrock:us-east-1:111111111111:custom-model/amazon.nova-lite-v1:0/mnopqrstuvwx"
                    .into(),
            foundation_model_arn: foundation(NOVA),
            model_units: 1.0,
            desired_model_units: 2.0,
            status: "Updating".into(),
            commitment: Some("OneMonth".into()),
            commitment_expires: Some(NOW.plus(5 * 86_400)),
        }]),
        batch_jobs: Some(vec![
            job("1", &format!("us.{SONNET}"), "InProgress"),
            job("2", &foundation(SONNET), "InProgress"),
            job("3", NOVA, "Submitted"),
            job("3", NOVA, "Submitted"),
            job("4", "nobodylistst", "Submitted"),
        ]),
        ..Catalog::default()
    }
}

fn job(number: &str, model: &str, status: &str) -> BatchJob {
    let arn = format!("arn:aws:bedrock:us-east-1:111111111111:model-invocation-job/{number}");
    BatchJob { arn, model_id: model.into(), status: status.into() }
}

/// A row with a limit of 1000 and nothing known of its usage.
pub fn quota_status(model: &str, scope: Scope, kind: QuotaKind, code: &str) -> QuotaStatus {
    let key = QuotaKey {
        model: model.into(),
        endpoint: Endpoint::Runtime,
        scope,
        variant: Variant::Standard,
        kind,
        code: code.into(),
    };
    QuotaStatus {
        quota: Arc::new(ModelQuota {
            key,
            name: format!("{kind} of {model}"),
            method: Method::Identity,
            limit: Some(1_000.0),
            default: Some(1_000.0),
            adjustable: Some(true),
            state: State::Ok,
        }),
        state: State::Ok,
        usage_source: UsageSource::Counted,
        is_spent: true,
        usage: None,
        peak: None,
        ratio: None,
        peak_ratio: None,
        above_threshold: Vec::new(),
        throttled_ratio: None,
        exhaustion: None,
        implied_burndown: None,
        charged: Vec::new(),
        uncounted: Vec::new(),
    }
}

pub fn id_status(id: InvocationId, model: Option<&str>, scope: Option<Scope>) -> IdStatus {
    let resolution = Resolution {
        id_type: IdType::Base,
        model: model.map(Arc::from),
        scope,
        name: None,
        confidence: Confidence::Exact,
        tags: BTreeMap::new(),
        charges: Vec::new(),
        unmapped: None,
    };
    IdStatus {
        id,
        resolution: Arc::new(resolution),
        minute: Values::default(),
        totals: Values::default(),
        last_datapoint: Some(NOW.minus(300)),
    }
}

fn evaluation() -> Evaluation {
    let profile = InvocationId::runtime(&format!("us.{SONNET}"));
    let team = InvocationId::runtime("a1b2c3d4e5f6");
    let tokens = QuotaStatus {
        usage_source: UsageSource::Estimated,
        usage: Some(3.5e6),
        peak: Some(4.75e6),
        ratio: Some(0.7),
        peak_ratio: Some(0.95),
        above_threshold: vec![(0.8, 240), (0.9, 60)],
        throttled_ratio: Some(0.4),
        implied_burndown: Some(5.0),
        charged: vec![(team.clone(), 0.0), (profile.clone(), 123_456_789.0)],
        uncounted: vec![(profile.clone(), 1_200.0)],
        ..quota_status(SONNET, Scope::CrossRegion, QuotaKind::TokensPerMinute, "L-00000001")
    };
    let day = QuotaStatus {
        usage_source: UsageSource::Reconstructed,
        usage: Some(812.5),
        peak: Some(812.5),
        ratio: Some(0.8125),
        peak_ratio: Some(0.8125),
        exhaustion: Some(NOW.plus(7_200)),
        ..quota_status(NOVA, Scope::Regional, QuotaKind::TokensPerDay, "L-00000003")
    };
    let zero = {
        let mut status = quota_status(NOVA, Scope::OnDemand, QuotaKind::RequestsPerMinute, "L-00000002");
        let quota = Arc::make_mut(&mut status.quota);
        (quota.limit, quota.default) = (Some(0.0), Some(2_000.0));
        QuotaStatus { state: State::Zero, usage: Some(0.0), peak: Some(0.0), ..status }
    };
    let missing = {
        let mut status = quota_status(SONNET, Scope::CrossRegion, QuotaKind::RequestsPerMinute, "");
        let quota = Arc::make_mut(&mut status.quota);
        (quota.limit, quota.default) = (None, None);
        QuotaStatus { state: State::NoSuchQuota, ..status }
    };
    let ids = ids(profile, team);
    let (parts, overflows) = parts(&ids[2]);
    Evaluation {
        quotas: [zero, day, missing, tokens].map(Arc::new).to_vec(),
        models_in_use: ids.iter().filter_map(|id| id.resolution.model.clone()).collect(),
        ids,
        throttling: vec![throttled(SONNET), throttled_id("acme.secret-v1:0")],
        unmapped: vec![
            (InvocationId::runtime("acme.secret-v1:0"), Unmapped::NoQuota),
            (InvocationId::mantle("acme.secret-v1:0"), Unmapped::NoQuota),
        ],
        service: vec![ServiceStatus {
            row: Arc::new(metered()),
            by: MeasuredBy::UsageMetric,
            is_lower_bound: true,
            usage: Some(4.5),
            peak: Some(9.0),
            ratio: Some(0.45),
            peak_ratio: Some(0.9),
            complete_until: Some(NOW.minus(240)),
        }],
        guardrails: Some(GuardrailStatus {
            calls: Some(900.0),
            throttles: Some(100.0),
            client_errors: Some(2.0),
            server_errors: Some(0.0),
            intervened: Some(30.0),
            ratio: vec![("5m", 0.1), ("30m", 0.05)],
            attempts: vec![("5m", 5_000.0), ("30m", 30_000.0)],
            throttled_seconds: 240,
        }),
        model_rows_with_usage_metric: 0,
        mantle: vec![MantleStatus {
            model_id: "anthropic.claude-opus-5".into(),
            burndown_consumed: Some(7_500.0),
            equivalent_reservation_units: Some(3.0),
        }],
        batch: vec![BatchStatus {
            model_id: NOVA.into(),
            records_pending: Some(19_000.0),
            tokens_pending: Some(5.7e7),
            input_tokens: Some(120_000.0),
            output_tokens: Some(30_000.0),
        }],
        parts,
        overflows,
        usage_known: true,
        complete_until: Some(NOW.minus(240)),
        newest_datapoint: Some(NOW.minus(300)),
    }
}

/// A tenth of an id's calls ask for the reserved tier, a fifth of which it leaves to others; and a project of them.
fn parts(id: &IdStatus) -> (Vec<PartStatus>, Vec<OverflowStatus>) {
    let status = |part, calls: f64| {
        let counts = [
            (Metric::Invocations, calls),
            (Metric::Throttles, calls / 10.0),
            (Metric::InputTokens, calls * 1_000.0),
            (Metric::OutputTokens, calls * 250.0),
        ];
        let (id, resolution) = (id.id.clone(), id.resolution.clone());
        PartStatus { id, resolution, part, counts: counts.into() }
    };
    let tier = |asked: &str, served: &str| Part::Tier { asked: asked.into(), served: served.into() };
    let parts = vec![
        status(tier("default", "default"), 9_000.0),
        status(tier("reserved", "reserved"), 800.0),
        status(tier("reserved", "default"), 200.0),
        status(Part::Project(Some("proj_search".into())), 7_000.0),
        status(Part::Project(None), 3_000.0),
    ];
    let overflow = OverflowStatus { id: id.id.clone(), resolution: id.resolution.clone(), ratio: 0.2 };
    (parts, vec![overflow])
}

/// A row that names the metric it is measured by.
fn metered() -> ServiceQuota {
    let dimensions = [("Class", "None"), ("Resource", "GetAgent"), ("Service", "Bedrock"), ("Type", "API")];
    let metric = UsageMetric {
        namespace: "AWS/Usage".into(),
        name: "CallCount".into(),
        dimensions: dimensions.map(|(name, value)| (name.to_string(), value.to_string())).into(),
        statistic: "Sum".into(),
    };
    let row = service_quota("L-0000000F", "GetAgent requests per second", 10.0);
    ServiceQuota { usage_metric: Some(metric), ..row }
}

/// A quarter of its calls are refused, since max_tokens reserves too much.
pub fn throttled(model: &str) -> ThrottleStatus {
    ThrottleStatus {
        pool: Pool { model: Some(model.into()), scope: Some(Scope::CrossRegion), id: None },
        ratio: vec![("5m", 0.25), ("30m", 1.0 / 3.0), ("1m", 0.5)],
        attempts: vec![("5m", 400.0), ("30m", 2_400.0), ("1m", 80.0)],
        throttled_seconds: 300,
        cause: Some(Cause::Reservation),
        together: 0,
    }
}

/// Refusals of an id of which nothing else is known.
fn throttled_id(id: &str) -> ThrottleStatus {
    let pool = Pool { model: None, scope: None, id: Some(InvocationId::runtime(id)) };
    ThrottleStatus { pool, cause: Some(Cause::Unknown), ..throttled(id) }
}

fn ids(profile: InvocationId, team: InvocationId) -> Vec<IdStatus> {
    let metrics = Metric::ALL.iter().copied().filter(|metric| metric.canonical() == *metric);
    let every_total = metrics
        .clone()
        .filter(|metric| metric.is_sum())
        .zip([120_000.0, 321.0, 12.0, 3.0, 4.5e9, 1.25e8, 7e6, 8e5, 5.125e9, 0.0, 17.0]);
    let every_minute = metrics.zip((1..).map(|n| f64::from(n) * 100.0));
    let busy = IdStatus {
        minute: every_minute.collect(),
        totals: every_total.collect(),
        ..id_status(profile, Some(SONNET), Some(Scope::CrossRegion))
    };
    let mut search = id_status(team, Some(SONNET), Some(Scope::CrossRegion));
    search.minute = [(Metric::Invocations, 0.0), (Metric::Throttles, 7.0)].into_iter().collect();
    search.totals = [(Metric::Invocations, 0.0), (Metric::Throttles, 7.0)].into_iter().collect();
    let resolution = Resolution {
        id_type: IdType::ApplicationProfile,
        name: Some("search \"beta\"".into()),
        tags: BTreeMap::from([("team".into(), "Suche\\Größe".into())]),
        ..(*search.resolution).clone()
    };
    search.resolution = Arc::new(resolution);
    let mut secret = id_status(InvocationId::runtime("acme.secret-v1:0"), None, None);
    secret.totals = [(Metric::Invocations, 5.0)].into_iter().collect();
    let mut mantle = id_status(InvocationId::mantle("acme.secret-v1:0"), None, None);
    mantle.totals = [(Metric::Invocations, 6.0)].into_iter().collect();
    vec![search, secret, busy, mantle]
}
