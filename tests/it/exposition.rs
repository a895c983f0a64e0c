//! What a scrape shows of a snapshot.

use crate::cloud::{Cloud, NOON};
use crate::prometheus_text::{Sample, parse, promtool_check};
use crate::world::{self, NOVA, NOW, SONNET};
use bedrock_quota_exporter::exposition::{Export, QuotaExport, Rendered, compress, families, render};
use bedrock_quota_exporter::model::catalog::BatchJob;
use bedrock_quota_exporter::model::evaluation::Evaluation;
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, Target};
use bedrock_quota_exporter::model::quota::{IncreaseRequest, QuotaList, ServiceQuota};
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::state::TargetState;
use bedrock_quota_exporter::model::usage::InvocationId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

fn rendered(snapshot: &Snapshot, export: &Export) -> String {
    let mut out = Vec::new();
    let series = render(&mut out, snapshot, export).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(series, text.lines().filter(|line| !line.starts_with('#')).count());
    text
}

/// The samples of one family, as `label,label… value` of the labels asked for.
fn samples(text: &str, family: &str, labels: &[&str]) -> Vec<String> {
    let families = parse(text);
    let line = |sample: &Sample| {
        let labels: Vec<&str> = labels.iter().map(|name| sample.label(name)).collect();
        format!("{} {}", labels.join(","), sample.value)
    };
    families.get(family).iter().flat_map(|family| family.samples.iter().map(line)).collect()
}

#[test]
fn a_whole_exposition() {
    insta::assert_snapshot!(rendered(&world::whole(), &world::export()));
}

#[test]
fn every_family_has_a_sample_with_exactly_its_labels() {
    let text = rendered(&world::whole(), &world::export());
    let shown = parse(&text);
    let table = families::all().map(|row| &row.family);
    let expected: BTreeMap<_, _> = table.map(|family| (family.name.to_owned(), family)).collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, family) in shown {
        assert_eq!(family.kind, expected[&name].kind.to_string(), "{name}");
        assert_eq!(family.help, expected[&name].full_help(), "{name}");
        let labels =
            |sample: &Sample| sample.labels.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>();
        let shown: BTreeSet<Vec<String>> = family.samples.iter().map(labels).collect();
        assert_eq!(shown, label_sets(&name, expected[&name].labels), "{name}");
    }
}

/// What the samples of a family have: all of its labels, but for refused calls, which name the id only where its model
/// or scope is unknown.
fn label_sets(name: &str, labels: &[&str]) -> BTreeSet<Vec<String>> {
    let all: Vec<String> = labels.iter().map(|label| label.to_string()).collect();
    let of_pools =
        ["bedrock_attempts", "bedrock_throttle_cause", "bedrock_throttle_ratio", "bedrock_throttled_seconds"];
    if !of_pools.contains(&name) {
        return BTreeSet::from([all]);
    }
    let of_models = all.iter().filter(|label| *label != "model_id").cloned().collect();
    BTreeSet::from([all, of_models])
}

#[test]
fn promtool_has_nothing_to_say() {
    assert_eq!(promtool_check(&rendered(&world::whole(), &world::export())), "");
}

#[test]
fn nothing_known_is_nothing_rendered() {
    assert_eq!(rendered(&Snapshot::default(), &world::export()), "");
    let untouched = world::state(
        Target::new("111111111111", "us-east-1"),
        None,
        None,
        BTreeMap::new(),
        Evaluation::default(),
    );
    let shown = parse(&rendered(&world::snapshot([untouched]), &world::export()));
    let names: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(names, ["bedrock_account_info", "bedrock_exporter_collection_errors_total"]);
}

#[test]
fn a_value_that_is_no_number_is_unknown() {
    let mut status = world::quota_status(NOVA, Scope::OnDemand, QuotaKind::RequestsPerMinute, "L-1");
    (status.usage, status.ratio, status.peak) = (Some(f64::NAN), Some(f64::INFINITY), Some(3.0));
    let text = rendered(
        &of(Evaluation { quotas: vec![Arc::new(status)], ..Evaluation::default() }),
        &world::export(),
    );
    assert_eq!(samples(&text, "bedrock_quota_usage_peak", &["quota_code"]), ["L-1 3"]);
    assert!(!text.contains("bedrock_quota_usage{") && !text.contains("bedrock_quota_utilization_ratio"));
}

#[test]
fn minute_gauges_can_be_left_out_and_counters_and_latencies_stay() {
    let all = parse(&rendered(&world::whole(), &world::export()));
    let trimmed = parse(&rendered(&world::whole(), &Export { gauges: false, ..world::export() }));
    let gone: Vec<_> = all.keys().filter(|name| !trimmed.contains_key(*name)).collect();
    assert_eq!(gone.len(), 11);
    assert!(gone.iter().all(|name| name.ends_with("_per_minute")), "{gone:?}");
}

#[test]
fn an_account_without_a_name_goes_by_its_id_and_one_in_two_regions_is_told_once() {
    let text = rendered(&world::whole(), &world::export());
    assert_eq!(
        samples(&text, "bedrock_account_info", &["account_id", "account_name"]),
        ["111111111111,production 1", "222222222222,222222222222 1"]
    );
}

#[test]
fn batch_jobs_are_counted_once_each_by_base_model() {
    let text = rendered(&world::whole(), &world::export());
    assert_eq!(
        samples(&text, "bedrock_batch_jobs", &["model", "status"]),
        [format!("{NOVA},Submitted 1"), format!("{SONNET},InProgress 2"), "unknown,Submitted 1".to_owned()]
    );
}

/// With ListInferenceProfiles denied, too: the profile's id tells its model.
#[test]
fn a_batch_job_is_of_the_model_whose_quota_counts_it() {
    let mut cloud = Cloud::new(NOON);
    cloud.model(NOVA, "Nova Lite", "Amazon");
    let name =
        "Sum of in-progress and submitted batch inference jobs using a base model for Amazon Nova Lite";
    cloud.quota("L-00000041", name, Some(20.0));
    cloud.catalog.profiles = None;
    cloud.catalog.batch_jobs = Some(vec![BatchJob {
        arn: "arn:aws:bedrock:us-east-1:000000000001:model-invocation-job/abc".into(),
        model_id: format!("us.{NOVA}"),
        status: "InProgress".into(),
    }]);
    cloud.round();
    let text = rendered(&cloud.snapshot, &world::export());
    assert_eq!(samples(&text, "bedrock_quota_usage", &["model", "quota"]), [format!("{NOVA},batch_jobs 1")]);
    assert_eq!(samples(&text, "bedrock_batch_jobs", &["model", "status"]), [format!("{NOVA},InProgress 1")]);
}

#[test]
fn of_two_requests_for_one_quota_the_newer_shows() {
    let request = |desired, age| IncreaseRequest {
        quota_code: "L-1".into(),
        status: "PENDING".into(),
        desired: Some(desired),
        created: Some(NOW.minus(age)),
    };
    let list = QuotaList {
        quotas: Vec::new(),
        requests: Some(vec![request(1.0, 60), request(2.0, 10), request(3.0, 90)]),
        ..QuotaList::default()
    };
    let state = world::state(here(), Some(list), None, BTreeMap::new(), Evaluation::default());
    let text = rendered(&world::snapshot([state]), &world::export());
    assert_eq!(samples(&text, "bedrock_service_quota_increase_requested", &["quota_code"]), ["L-1 2"]);
}

fn here() -> Target {
    Target::new("111111111111", "us-east-1")
}

fn of(evaluation: Evaluation) -> Snapshot {
    world::snapshot([world::state(here(), None, None, BTreeMap::new(), evaluation)])
}

/// One row per reason to show it, and one for which there is none.
fn fleet() -> Snapshot {
    let row = |code: &str, applied: f64, default: f64| ServiceQuota {
        default: Some(default),
        ..world::service_quota(code, "x", applied)
    };
    let model = |model: &str, code: &str, limit: f64| {
        let mut status = world::quota_status(model, Scope::Global, QuotaKind::TokensPerMinute, code);
        Arc::make_mut(&mut status.quota).limit = Some(limit);
        bedrock_quota_exporter::model::evaluation::QuotaStatus {
            is_spent: false,
            usage: Some(0.0),
            peak: Some(0.0),
            ratio: Some(0.0),
            peak_ratio: Some(0.0),
            above_threshold: vec![(0.9, 0)],
            ..status
        }
    };
    let codes = ["L-used", "L-idle", "L-changed", "L-requested", "L-watched", "L-spent"];
    let evaluation = Evaluation {
        quotas: [
            model("acme.used", "L-used", 1_000.0),
            model("acme.idle", "L-idle", 1_000.0),
            model("acme.idle", "L-changed", 999.0),
            model("acme.idle", "L-requested", 1_000.0),
            model("acme.idle", "L-watched", 1_000.0),
            bedrock_quota_exporter::model::evaluation::QuotaStatus {
                is_spent: true,
                above_threshold: vec![(0.8, 60), (0.9, 0)],
                ..model("acme.idle", "L-spent", 1_000.0)
            },
        ]
        .into_iter()
        .map(Arc::new)
        .collect(),
        ..Evaluation::default()
    };
    let mut quotas: Vec<_> =
        codes.map(|code| row(code, if code == "L-changed" { 999.0 } else { 1_000.0 }, 1_000.0)).into();
    quotas.extend([row("S-idle", 5.0, 5.0), row("S-changed", 6.0, 5.0), row("S-watched", 5.0, 5.0)]);
    let requests = vec![IncreaseRequest {
        quota_code: "L-requested".into(),
        status: "CASE_OPENED".into(),
        desired: None,
        created: None,
    }];
    let quotas = quotas.into_iter().map(Arc::new).collect();
    let list = QuotaList { quotas, requests: Some(requests), ..QuotaList::default() };
    let mut old =
        world::id_status(InvocationId::runtime("acme.idle"), Some("acme.idle"), Some(Scope::OnDemand));
    old.last_datapoint = Some(NOW.minus(14 * 86_400 + 1));
    let used = world::id_status(InvocationId::runtime("acme.used"), Some("acme.used"), Some(Scope::OnDemand));
    let models_in_use = BTreeSet::from(["acme.used".into()]);
    let elsewhere = Evaluation { ids: vec![old, used], models_in_use, ..Evaluation::default() };
    let state = |target, list, evaluation: Evaluation| -> TargetState {
        world::state(target, list, None, BTreeMap::new(), evaluation)
    };
    world::snapshot([
        state(here(), Some(list.clone()), evaluation.clone()),
        state(Target::new("111111111111", "us-west-2"), None, elsewhere),
        state(Target::new("222222222222", "us-east-1"), Some(list), evaluation),
    ])
}

#[test]
fn in_use_keeps_what_the_account_uses_anywhere_and_what_is_out_of_the_ordinary() {
    let watch = BTreeSet::from(["L-watched".to_owned(), "S-watched".to_owned()]);
    let export = Export { quotas: QuotaExport::InUse, watch, ..Export::default() };
    let text = rendered(&fleet(), &export);
    let shown = |family, account: &str| -> Vec<String> {
        let samples = samples(&text, family, &["account_id", "quota_code"]);
        samples
            .iter()
            .filter_map(|line| line.strip_prefix(account)?.split([',', ' ']).nth(1).map(str::to_owned))
            .collect()
    };
    let one = ["L-used", "L-changed", "L-requested", "L-watched", "L-spent"];
    assert_eq!(shown("bedrock_quota_limit", "111111111111"), one);
    assert_eq!(shown("bedrock_quota_limit", "222222222222"), one[1..]);
    let inventory = ["L-requested", "L-watched", "S-changed", "S-watched"];
    assert_eq!(shown("bedrock_service_quota_applied", "111111111111"), inventory);
    assert_eq!(shown("bedrock_service_quota_applied", "222222222222"), inventory);
    let said_by_others = [
        ("bedrock_quota_usage", &one[..]),
        ("bedrock_quota_default", &["L-changed"]),
        ("bedrock_quota_utilization_ratio", &["L-spent"]),
        ("bedrock_quota_usage_peak", &["L-spent"]),
        ("bedrock_quota_utilization_peak_ratio", &["L-spent"]),
        ("bedrock_quota_info", &["L-changed", "L-spent"]),
    ];
    for (family, codes) in said_by_others {
        assert_eq!(shown(family, "111111111111"), codes, "{family}");
    }
    let reached = samples(&text, "bedrock_quota_above_threshold_seconds", &["quota_code", "threshold"]);
    assert_eq!(reached, ["L-spent,0.8 60"; 2]);
    let all = rendered(&fleet(), &world::export());
    assert_eq!(samples(&all, "bedrock_service_quota_applied", &[]).len(), 18);
    assert_eq!(samples(&all, "bedrock_quota_limit", &[]).len(), 12);
}

fn body(rendered: &Rendered, own: &str) -> Vec<u8> {
    let (head, tail) = rendered.gzip(own);
    let mut body: Vec<u8> = head.flat_map(|piece| piece.as_ref().to_vec()).collect();
    body.extend(tail);
    body
}

#[test]
fn the_compressed_form_is_one_gzip_member_and_inflates_to_the_same_text() {
    let (snapshot, export) = (world::whole(), world::export());
    let rendered_once = compress(&snapshot, &export).unwrap();
    let text = rendered(&snapshot, &export);
    assert_eq!(rendered_once.series, parse(&text).values().map(|family| family.samples.len()).sum::<usize>());
    let plain: Vec<u8> = rendered_once.plain().flat_map(Result::unwrap).collect();
    assert_eq!(String::from_utf8(plain).unwrap(), text);
    for own in ["", "# the exporter's own\n"] {
        let body = body(&rendered_once, own);
        let mut inflated = String::new();
        // The single-member reader checks length and checksum, and must leave nothing over.
        let mut member = flate2::bufread::GzDecoder::new(&*body);
        member.read_to_string(&mut inflated).unwrap();
        assert_eq!(inflated, format!("{text}{own}"));
        assert!(member.into_inner().is_empty());
    }
}

#[test]
fn an_empty_snapshot_compresses_too() {
    let rendered = compress(&Snapshot::default(), &Export::default()).unwrap();
    assert_eq!((rendered.series, rendered.plain().count()), (0, 0));
}

#[test]
fn plain_text_comes_in_chunks() {
    let ids = (0..20_000).map(|n| world::id_status(InvocationId::runtime(&format!("id-{n}")), None, None));
    let snapshot = of(Evaluation { ids: ids.collect(), ..Evaluation::default() });
    let compressed = compress(&snapshot, &Export::default()).unwrap();
    let chunks: Vec<Vec<u8>> = compressed.plain().map(Result::unwrap).collect();
    assert!(chunks.len() > 3 && chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= 64 * 1024));
    let text = rendered(&snapshot, &Export::default());
    assert_eq!(String::from_utf8(chunks.concat()).unwrap(), text);
    assert!(compressed.gzip("").0.count() > 1, "kept in pieces");
    let mut inflated = String::new();
    flate2::read::GzDecoder::new(&*body(&compressed, "")).read_to_string(&mut inflated).unwrap();
    assert!(inflated == text);
}

proptest! {
    /// Names and tags are the users': whatever stands in them, one series says exactly that.
    #[test]
    fn any_name_survives(name in ".*|[\\\\\"\n\r\t ]*", team in "\\PC*|[\\\\\"\n]+") {
        let mut id = world::id_status(InvocationId::runtime("abc"), None, None);
        let mut resolution = (*id.resolution).clone();
        resolution.name = Some(name.clone());
        resolution.tags.insert("team".into(), team.clone());
        id.resolution = Arc::new(resolution);
        let text = rendered(&of(Evaluation { ids: vec![id], ..Evaluation::default() }), &world::export());
        let families = parse(&text);
        let sample = &families["bedrock_model_id_info"].samples[0];
        prop_assert_eq!(sample.label("name"), name);
        prop_assert_eq!(sample.label("team"), if team.is_empty() { "unattributed" } else { &team });
    }

    #[test]
    fn any_number_reads_back(value in any::<f64>().prop_filter("known", |value| value.is_finite())) {
        let mut status = world::quota_status(NOVA, Scope::OnDemand, QuotaKind::RequestsPerMinute, "L-1");
        status.usage = Some(value);
        let text = rendered(&of(Evaluation { quotas: vec![Arc::new(status)], ..Evaluation::default() }), &world::export());
        prop_assert_eq!(parse(&text)["bedrock_quota_usage"].samples[0].value, value);
    }
}
