//! The fault matrix: everything that can go wrong at one of three targets, at the start and later.
//!
//! In every cell the other targets' series are those of a calm run; of the failing one, whatever the fault
//! does not touch is too, and the rest keeps its last values until they are too old and then goes. No value
//! is shown that the calm run never showed, and one round after the fault all is well.

use crate::rig::Rig;
use bedrock_quota_exporter::model::observation::Collector::{self, Catalog, Quotas, Usage};
use bedrock_quota_exporter::model::observation::ErrorClass::{self, *};
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::lists::Lists;
use bedrock_quota_exporter::sim::world::stream::{Demand, Stream};
use bedrock_quota_exporter::sim::world::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A Sunday at noon, UTC.
const NOON: i64 = 1_795_348_800;
const FAILING: (&str, &str) = ("000000000001", "us-west-2");
/// Values are kept for two rounds after the last good one.
const CONFIG: &str = "usage: {cadence: fixed, discovery_interval: 1m, max_age: 2m}\nquotas: {interval: 1m, max_age: 2m}\n\
    catalog: {interval: 1m, max_age: 2m}\n";
const IMPATIENT: &str = "aws: {max_attempts: 1, attempt_timeout: 3s}\n";
const PATIENT: &str = "aws: {max_attempts: 1}\n";
/// Good rounds before a fault in steady state, and how many rounds it lasts.
const BEFORE: usize = 3;
const FAULTY: usize = 3;

const DEFAULTS: &[&str] = &["bedrock_quota_default", "bedrock_service_quota_default"];
const REQUESTS: &[&str] = &["bedrock_service_quota_increase"];
const USAGE: &[&str] = &[
    "bedrock_quota_usage",
    "bedrock_quota_utilization",
    "bedrock_quota_above_threshold",
    "bedrock_quota_tokens_total",
    "bedrock_quota_implied",
    "bedrock_quota_info",
    // A row that no list has is there for the usage alone.
    "bedrock_quota_state",
    "bedrock_usage_",
    "bedrock_invocation",
    "bedrock_input",
    "bedrock_output",
    "bedrock_estimated",
    "bedrock_attempts",
    "bedrock_throttle",
    "bedrock_model_id_info",
    "bedrock_unmapped",
];
const QUOTAS: &[&str] = &[
    "bedrock_quota_",
    "bedrock_service_quota_",
    "bedrock_model_quotas_",
    "bedrock_unmapped",
    "bedrock_throttle_cause",
];
/// Of a usage answer in which every datapoint is spoilt. Throttles have none, and are truly 0.
const VALUES: &[&str] = &[
    "bedrock_quota_usage",
    "bedrock_quota_utilization",
    "bedrock_invocations_per_minute",
    "bedrock_input_tokens_per_minute",
    "bedrock_output_tokens_per_minute",
];
/// What the list of models names.
const NAMES: &[&str] = &["bedrock_model_info", "bedrock_model_id_info", "bedrock_batch_jobs"];
const ALL: &[&str] = &["bedrock_"];

type Samples = BTreeMap<String, f64>;

struct Cell {
    name: String,
    faults: Vec<Fault>,
    /// Which collectors fail, and how.
    fails: Vec<(Collector, ErrorClass)>,
    /// The families that are kept and then go, by their beginnings. All others stay as in the calm run.
    touches: Vec<&'static str>,
    /// Those that must be gone in the end.
    goes: Vec<&'static str>,
}

/// A fault of the failing target, in one operation or in all of a service (`monitoring/…`, `…`), STS aside.
fn cell(kind: Kind, at: &str, fails: &[(Collector, ErrorClass)], touches: &[&[&'static str]]) -> Cell {
    let (service, operation) = at.split_once('/').unwrap_or((at, ""));
    let some = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
    // Roles are assumed with keys of the first account: calls to STS are told by their region alone.
    let account = (service != "sts").then(|| FAILING.0.to_string());
    let region = Some(FAILING.1.to_string());
    let (service, operation) = (some(service), some(operation));
    let touches = touches.concat();
    let state = |family: &&str| !family.ends_with("_state") && !family.ends_with("_id_info");
    Cell {
        name: format!("{kind:?} at {at}"),
        faults: vec![Fault { account, region, service, operation, kind }],
        fails: fails.to_vec(),
        goes: touches.iter().copied().filter(state).collect(),
        touches,
    }
}

fn all(class: ErrorClass) -> Vec<(Collector, ErrorClass)> {
    Collector::ALL.iter().map(|&collector| (collector, class)).collect()
}

fn world() -> World {
    const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    const APPLICATION: &str = "abcdefghijkl";
    let mut lists: Lists = (*World::default().lists).clone();
    lists.models.retain(|model| model.id == SONNET);
    lists.profiles.retain(|profile| profile.model_id == SONNET);
    let stream = |id: &str, calls: f64| Stream {
        model_id: id.to_string(),
        demand: Demand::Steady(calls),
        ..Stream::default()
    };
    let profile = ApplicationProfile {
        id: APPLICATION.into(),
        name: "chat".into(),
        source: format!("us.{SONNET}"),
        tags: BTreeMap::from([("team".into(), "support".into())]),
    };
    let request = IncreaseRequest {
        code: "L-F4DDD3EB".into(),
        desired: 9e6,
        status: "CASE_OPENED".into(),
        created: NOON - 86_400,
        updated: NOON - 86_400,
    };
    let unit = ProvisionedThroughput {
        id: "pt7k2m4x9qva".into(),
        name: "search".into(),
        model_id: SONNET.into(),
        units: 2,
        desired_units: 2,
        status: "InService".into(),
        commitment: None,
        created: NOON - 86_400,
    };
    let job = BatchJob {
        id: "job000000001".into(),
        name: "nightly".into(),
        model_id: SONNET.into(),
        status: "InProgress".into(),
        submitted: NOON - 3_600,
        records: 100,
        processed: 50,
    };
    let account = |id: &str, region: &str| Account {
        id: id.to_string(),
        regions: vec![Region {
            name: region.to_string(),
            codes: Some(["L-4A6BFAB1", "L-F4DDD3EB", "L-E3F10727"].map(String::from).to_vec()),
            streams: vec![stream(&format!("us.{SONNET}"), 20.0), stream(APPLICATION, 7.0)],
            profiles: vec![profile.clone()],
            requests: vec![request.clone()],
            provisioned: vec![unit.clone()],
            jobs: vec![job.clone()],
            ..Region::default()
        }],
        ..Account::default()
    };
    World {
        lists: Arc::new(lists),
        accounts: vec![
            account("000000000000", "us-east-1"),
            account(FAILING.0, FAILING.1),
            account("000000000002", "us-east-2"),
        ],
        publishing: Publishing::at_once(),
        rates: false,
        rough_pages: false,
        ..World::default()
    }
}

/// The samples of the failing target, and those of the others.
fn apart(rig: &Rig) -> (Samples, Samples) {
    let samples = rig.samples().into_iter().filter(|(key, _)| !key.contains("collection_duration"));
    samples.partition(|(key, _)| key.contains(FAILING.0))
}

/// What the failing target's collectors last complained of.
fn said(rig: &Rig) -> String {
    let target = rig.snapshot.targets.values().find(|state| &*state.target.account_id == FAILING.0).unwrap();
    let errors = target.collectors.values().filter_map(|state| state.last_error.clone());
    errors.collect::<Vec<_>>().join("; ")
}

fn begins(key: &str, families: &[&str]) -> bool {
    families.iter().any(|family| key.starts_with(family))
}

/// What each round of a run without faults shows.
async fn calm(config: &str) -> Vec<(Samples, Samples)> {
    let mut rig = Rig::start(world(), &format!("{CONFIG}{config}"), NOON).await;
    let mut rounds = Vec::new();
    for round in 0..=BEFORE + FAULTY {
        rig.round(NOON + 60 * round as i64).await;
        rounds.push(apart(&rig));
    }
    rounds
}

async fn run(cells: &[Cell], config: &str, starts: &[usize]) {
    let calm = calm(config).await;
    for cell in cells {
        for &start in starts {
            run_cell(cell, config, start, &calm).await;
        }
    }
}

async fn run_cell(cell: &Cell, config: &str, start: usize, calm: &[(Samples, Samples)]) {
    let mut rig = Rig::start(world(), &format!("{CONFIG}{config}"), NOON).await;
    let mut last_good = Samples::new();
    for (round, (wanted, others)) in calm.iter().enumerate().take(start + FAULTY + 1) {
        let faulty = round >= start && round < start + FAULTY;
        rig.sim.set_faults(if faulty { cell.faults.clone() } else { Vec::new() }).await;
        rig.round(NOON + 60 * round as i64).await;
        let (failing, rest) = apart(&rig);
        let at = format!("{} from round {start}, in round {round}", cell.name);
        let diff = difference(rest.iter(), others.iter());
        assert!(diff.is_empty(), "{at}: another target: {diff:#?}");
        let at = format!("{at} ({})", said(&rig));
        if faulty {
            check_faulty(cell, &failing, &calm[..=round], &at);
            if start > 0 && round < start + 2 {
                let kept = last_good.keys().filter(|key| begins(key, &cell.goes));
                let lost: Vec<_> = kept.filter(|key| !failing.contains_key(*key)).collect();
                assert!(lost.is_empty(), "{at}: not kept: {lost:#?}");
            }
            if start == 0 || round + 1 == start + FAULTY {
                let left: Vec<_> = failing.keys().filter(|key| gone(cell, key)).collect();
                assert!(left.is_empty(), "{at}: still there: {left:#?}");
            }
        } else {
            // Counters that began late are held at 0 for two scrapes; a day's past hours are read once it
            // is known which quota they spend.
            let later = |key: &str| key.contains("_total{") || key.contains("quota=\"tokens_per_day\"");
            let late = |key: &str| start == 0 && begins(key, &cell.touches) && later(key);
            let settled = |(key, _): &(&String, &f64)| !is_own(key) && !late(key);
            let diff = difference(failing.iter().filter(settled), wanted.iter().filter(settled));
            assert!(diff.is_empty(), "{at}, not faulty: {diff:#?}");
            check_up(&[], &failing, &at);
        }
        last_good = if faulty { last_good } else { failing };
    }
}

/// What never vanishes once it was known, or is there as long as the target is.
fn gone(cell: &Cell, key: &str) -> bool {
    let lasting = begins(key, &["bedrock_usage_", "bedrock_account_info"]);
    let info = is_info(key) && !begins(key, &["bedrock_model_info"]);
    begins(key, &cell.goes) && !info && !is_own(key) && !lasting
}

/// About the exporter rather than Bedrock.
fn is_own(key: &str) -> bool {
    key.starts_with("bedrock_exporter_")
}

/// Always 1; what is told is in the labels, which may say that something is unknown.
fn is_info(key: &str) -> bool {
    let family = key.split('{').next().unwrap_or(key);
    ["_info", "_state", "_model", "_cause"].iter().any(|end| family.ends_with(end))
}

fn difference<'a>(
    left: impl Iterator<Item = (&'a String, &'a f64)>,
    right: impl Iterator<Item = (&'a String, &'a f64)>,
) -> Vec<String> {
    let text = |(key, value): (&String, &f64)| format!("{key} {value}");
    let (left, right): (BTreeSet<_>, BTreeSet<_>) = (left.map(text).collect(), right.map(text).collect());
    let missing = right.difference(&left).map(|line| format!("- {line}"));
    left.difference(&right).map(|line| format!("+ {line}")).chain(missing).collect()
}

fn check_faulty(cell: &Cell, failing: &Samples, calm: &[(Samples, Samples)], at: &str) {
    let wanted = &calm.last().unwrap().0;
    let untouched = |(key, _): &(&String, &f64)| !is_own(key) && !begins(key, &cell.touches);
    let diff = difference(failing.iter().filter(untouched), wanted.iter().filter(untouched));
    assert!(diff.is_empty(), "{at}: what the fault does not touch: {diff:#?}");
    for (key, value) in failing.iter().filter(|(key, _)| begins(key, &cell.touches) && !is_own(key)) {
        let known = calm.iter().any(|(samples, _)| samples.get(key) == Some(value));
        // A window of half an hour counts the minutes that are known; without a list a model has no name.
        let windowed = begins(key, &["bedrock_attempts", "bedrock_throttle_ratio"]) && *value > 0.0;
        let unnamed = key.contains("model=\"unknown\"");
        assert!(known || windowed || unnamed || is_info(key), "{at}: {key} {value} was never true");
    }
    check_up(&cell.fails, failing, at);
}

fn check_up(fails: &[(Collector, ErrorClass)], failing: &Samples, at: &str) {
    for &collector in Collector::ALL {
        let label = format!("collector=\"{collector}\"");
        let find = |family: &'static str| {
            let own = failing.iter().filter(move |(key, _)| key.starts_with(family));
            own.filter(|(key, _)| key.contains(&label))
        };
        let class = fails.iter().find(|(failed, _)| *failed == collector).map(|(_, class)| class);
        let up = find("bedrock_exporter_target_up").map(|(_, up)| *up).next();
        assert_eq!(up, Some(if class.is_some() { 0.0 } else { 1.0 }), "{at}: target_up of {collector}");
        let Some(class) = class else { continue };
        let counted = find("bedrock_exporter_collection_errors_total").filter(|(_, count)| **count > 0.0);
        let counted: Vec<&String> = counted.map(|(key, _)| key).collect();
        let right = counted.len() == 1 && counted[0].contains(&format!("class=\"{class}\""));
        assert!(right, "{at}: {collector} should count {class}, not {counted:#?}");
    }
}

const BOTH: &[usize] = &[0, BEFORE];

#[tokio::test]
async fn refusals() {
    let status = |status| Kind::Status { status, code: None };
    let kinds = [
        (status(429), Throttled),
        (status(500), Server),
        (status(503), Server),
        (Kind::AccessDenied, AccessDenied),
        (Kind::ExpiredToken, ExpiredCredentials),
    ];
    let cells = kinds.map(|(kind, class)| cell(kind, "", &all(class), &[ALL]));
    run(&cells, PATIENT, BOTH).await;
}

#[tokio::test]
async fn broken_answers() {
    let kinds = [(Kind::Reset, Network), (Kind::Truncated, Network), (Kind::ContentType, Malformed)];
    let mut cells = Vec::from(kinds.map(|(kind, class)| cell(kind, "", &all(class), &[ALL])));
    cells.push(cell(Kind::HugeBody, "monitoring/GetMetricData", &[(Usage, Malformed)], &[USAGE]));
    cells.push(cell(Kind::HugeBody, "servicequotas/ListServiceQuotas", &[(Quotas, Malformed)], &[QUOTAS]));
    // Whoever takes such an answer for an empty list has no limit left, and no alert rings.
    for list in ["ListServiceQuotas", "ListAWSDefaultServiceQuotas"] {
        let at = format!("servicequotas/{list}");
        cells.push(cell(Kind::EmptyBody, &at, &[(Quotas, Malformed)], &[QUOTAS]));
    }
    cells.push(Cell {
        goes: vec!["bedrock_model_info"],
        ..cell(Kind::EmptyBody, "bedrock/ListFoundationModels", &[(Catalog, Malformed)], &[NAMES])
    });
    run(&cells, PATIENT, BOTH).await;
}

#[tokio::test]
async fn silence_at_the_start() {
    run(&[cell(Kind::Timeout, "", &all(Timeout), &[ALL])], IMPATIENT, &[0]).await;
}

#[tokio::test]
async fn silence_later() {
    run(&[cell(Kind::Timeout, "", &all(Timeout), &[ALL])], IMPATIENT, &[BEFORE]).await;
}

#[tokio::test]
async fn one_byte_a_second_at_the_start() {
    run(&[cell(Kind::Slow, "", &all(Timeout), &[ALL])], IMPATIENT, &[0]).await;
}

#[tokio::test]
async fn one_byte_a_second_later() {
    run(&[cell(Kind::Slow, "", &all(Timeout), &[ALL])], IMPATIENT, &[BEFORE]).await;
}

#[tokio::test]
async fn pages_and_rows_of_quotas() {
    let quotas = |kind, list: &str, class: Option<ErrorClass>, touches: &[&[&'static str]]| {
        let fails: Vec<_> = class.map(|class| (Quotas, class)).into_iter().collect();
        cell(kind, &format!("servicequotas{list}"), &fails, touches)
    };
    let applied = "/ListServiceQuotas";
    let cells = [
        quotas(Kind::EmptyPage, "", None, &[]),
        quotas(Kind::DuplicateQuota, "", None, &[]),
        // Of the other rows everything stays.
        Cell { goes: Vec::new(), ..quotas(Kind::ContradictingQuota, "", Some(Malformed), &[QUOTAS]) },
        quotas(Kind::ResourceRow, "", None, &[]),
        quotas(Kind::ErrorReason, "", Some(Server), &[QUOTAS]),
        quotas(Kind::ErrorReason, applied, Some(Server), &[QUOTAS]),
        quotas(Kind::NegativeValue, "", Some(Malformed), &[QUOTAS]),
        quotas(Kind::NanValue, applied, Some(Malformed), &[QUOTAS]),
        quotas(Kind::HugeValue, "", Some(Malformed), &[QUOTAS]),
        quotas(Kind::MissingValue, applied, Some(Malformed), &[QUOTAS]),
        quotas(Kind::RepeatingToken, "", Some(Malformed), &[QUOTAS]),
    ];
    run(&cells, PATIENT, BOTH).await;
}

#[tokio::test]
async fn datapoints_and_their_status() {
    let data = |kind, class: Option<ErrorClass>, touches: &[&[&'static str]]| {
        let fails: Vec<_> = class.map(|class| (Usage, class)).into_iter().collect();
        cell(kind, "monitoring", &fails, touches)
    };
    let spoilt = |kind| Cell { goes: VALUES.to_vec(), ..data(kind, Some(Malformed), &[USAGE]) };
    let cells = [
        data(Kind::EmptyPage, None, &[]),
        data(Kind::Unordered, None, &[]),
        spoilt(Kind::NegativeValue),
        spoilt(Kind::HugeValue),
        spoilt(Kind::MissingValue),
        spoilt(Kind::FuturePoints),
        spoilt(Kind::NanValue),
        data(Kind::InternalError, Some(Server), &[USAGE]),
        data(Kind::Forbidden, Some(AccessDenied), &[USAGE]),
        data(Kind::RepeatingToken, Some(Malformed), &[USAGE]),
        data(Kind::ClockSkew { seconds: 600 }, Some(ErrorClass::ClockSkew), &[USAGE]),
        data(Kind::ClockSkew { seconds: -600 }, Some(ErrorClass::ClockSkew), &[USAGE]),
    ];
    run(&cells, PATIENT, BOTH).await;
    // Half of the minutes is still something: nothing that was read has to go.
    let partial = Cell { goes: Vec::new(), ..data(Kind::PartialData, Some(Server), &[USAGE]) };
    run(&[partial], PATIENT, &[BEFORE]).await;
}

#[tokio::test]
async fn a_denied_call_costs_only_what_it_feeds() {
    let denied = |collector, at, touches: &[&[&'static str]]| {
        cell(Kind::AccessDenied, at, &[(collector, AccessDenied)], touches)
    };
    let cells = [
        denied(Quotas, "servicequotas/ListServiceQuotas", &[QUOTAS]),
        denied(Quotas, "servicequotas/ListAWSDefaultServiceQuotas", &[DEFAULTS]),
        denied(Quotas, "servicequotas/ListRequestedServiceQuotaChangeHistory", &[REQUESTS]),
        Cell {
            goes: vec!["bedrock_model_info"],
            ..denied(Catalog, "bedrock/ListFoundationModels", &[NAMES])
        },
        denied(Catalog, "bedrock/ListProvisionedModelThroughputs", &[&["bedrock_provisioned"]]),
        denied(Catalog, "bedrock/ListCustomModelDeployments", &[]),
        denied(Catalog, "bedrock/ListCustomModels", &[]),
        denied(Catalog, "bedrock/ListImportedModels", &[]),
        denied(Catalog, "bedrock/ListModelInvocationJobs", &[&["bedrock_batch_jobs"]]),
        // Teams are not lost at once.
        Cell {
            goes: vec!["bedrock_model_id_info"],
            ..denied(Catalog, "bedrock/ListTagsForResource", &[&["bedrock_model_id_info"]])
        },
        denied(Usage, "monitoring/GetMetricData", &[USAGE]),
    ];
    run(&cells, PATIENT, BOTH).await;
    // Ids that are known go on being read.
    let listing = denied(Usage, "monitoring/ListMetrics", &[]);
    run(&[listing], PATIENT, &[BEFORE]).await;
    run(&[denied(Usage, "monitoring/ListMetrics", &[USAGE])], PATIENT, &[0]).await;
}

/// Without the list nobody knows what an application profile spends: its traffic is said to be unmapped, and
/// what is known of its quota is the traffic of the others.
#[tokio::test]
async fn denied_profiles_leave_their_traffic_unmapped() {
    let denied = cell(Kind::AccessDenied, "bedrock/ListInferenceProfiles", &[(Catalog, AccessDenied)], &[]);
    let mut rig = Rig::start(world(), &format!("{CONFIG}{PATIENT}"), NOON).await;
    for (round, faults) in [denied.faults.clone(), Vec::new()].into_iter().enumerate() {
        let healed = faults.is_empty();
        rig.sim.set_faults(faults).await;
        rig.round(NOON + 60 * round as i64).await;
        check_up(if healed { &[] } else { &denied.fails }, &apart(&rig).0, "profiles");
        let own = format!("account_id=\"{}\"", FAILING.0);
        let unmapped = rig.find("bedrock_unmapped_model", &[&own, "model_id=\"abcdefghijkl\""]);
        assert_eq!(unmapped.is_empty(), healed, "{unmapped:?}");
        let calls = |id: &str| rig.find("bedrock_invocations_per_minute", &[&own, id])[0].1;
        let shown = if healed { calls("abcdefghijkl") } else { 0.0 } + calls("model_id=\"us.");
        assert_eq!(rig.find("bedrock_quota_usage", &[&own, "L-4A6BFAB1"])[0].1, shown);
    }
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_at_the_start() {
    let status = Kind::Status { status: 503, code: None };
    let kinds = [(status, Server), (Kind::AccessDenied, AccessDenied), (Kind::Reset, Network)];
    let cells = kinds.map(|(kind, class)| cell(kind, "sts", &all(class), &[ALL]));
    run(&cells, PATIENT, &[0]).await;
    run(&[cell(Kind::Timeout, "sts", &all(Timeout), &[ALL])], IMPATIENT, &[0]).await;
}

#[tokio::test]
async fn an_assumed_role_outlives_an_outage_of_sts() {
    let status = Kind::Status { status: 503, code: None };
    run(&[cell(status, "sts", &[], &[])], PATIENT, &[BEFORE]).await;
}
