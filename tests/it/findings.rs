//! What is wrong now, read off a snapshot.

use crate::world::{self, NOW, SONNET};
use bedrock_quota_exporter::findings::{Finding, Severity, findings, thresholds};
use bedrock_quota_exporter::model::catalog::Catalog;
use bedrock_quota_exporter::model::evaluation::{Cause, Evaluation, Pool, QuotaStatus, ThrottleStatus};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, Target};
use bedrock_quota_exporter::model::matching::{Charge, Unmapped};
use bedrock_quota_exporter::model::quota::{IncreaseRequest, QuotaList};
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::report::human;
use bedrock_quota_exporter::report::runbooks::{RUNBOOKS, runbook};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn of(evaluation: Evaluation) -> Vec<Finding> {
    let target = Target::new("111111111111", "us-east-1");
    let state = world::state(target, None, None, BTreeMap::new(), evaluation);
    findings(&world::snapshot([state]), &world::export().account_names, NOW)
}

fn refused(ratio: f64, attempts: f64, seconds: u64, cause: Option<Cause>) -> Vec<Finding> {
    of(Evaluation {
        throttling: vec![ThrottleStatus {
            pool: Pool { model: Some(SONNET.into()), scope: Some(Scope::Global), id: None },
            ratio: vec![("5m", ratio), ("30m", ratio / 2.0)],
            attempts: vec![("5m", attempts), ("30m", attempts * 5.0)],
            throttled_seconds: seconds,
            cause,
            together: 0,
        }],
        ..Evaluation::default()
    })
}

/// The same, and what the newest minute alone says.
fn refused_in_a_minute(ratio: f64, attempts: f64) -> Vec<Finding> {
    of(Evaluation {
        throttling: vec![ThrottleStatus {
            pool: Pool { model: Some(SONNET.into()), scope: Some(Scope::Global), id: None },
            ratio: vec![("5m", 0.01), ("30m", 0.001), ("1m", ratio)],
            attempts: vec![("5m", 1000.0), ("30m", 5000.0), ("1m", attempts)],
            throttled_seconds: 60,
            cause: None,
            together: 0,
        }],
        ..Evaluation::default()
    })
}

fn names(findings: &[Finding]) -> Vec<(Severity, &'static str)> {
    findings.iter().map(|finding| (finding.severity, finding.runbook)).collect()
}

#[test]
fn refused_calls_are_found_where_the_alerts_ring() {
    const STORM: [(Severity, &str); 1] = [(Severity::Critical, "BedrockThrottling")];
    assert_eq!(names(&refused(0.06, 20.0, 120, None)), STORM);
    assert_eq!(names(&refused(0.06, 19.0, 120, None)), []);
    assert_eq!(names(&refused(0.05, 20.0, 120, None)), []);
    assert_eq!(names(&refused(0.06, 20.0, 60, None)), []);
    assert_eq!(names(&refused_in_a_minute(0.2, 20.0)), STORM);
    assert!(refused_in_a_minute(0.2, 20.0)[0].what.starts_with("20 % of the calls are refused"));
    assert_eq!(names(&refused_in_a_minute(0.19, 20.0)), []);
    assert_eq!(names(&refused_in_a_minute(0.2, 19.0)), []);
    let reserved = [(Severity::Warning, "BedrockThrottledByReservation")];
    assert_eq!(names(&refused(0.03, 20.0, 300, Some(Cause::Reservation))), reserved);
    assert_eq!(names(&refused(0.03, 20.0, 300, Some(Cause::TokensPerMinute))), []);
    let zero = [(Severity::Warning, "BedrockZeroQuotaAttempted")];
    assert_eq!(names(&refused(1.0, 40.0, 300, Some(Cause::ZeroQuota))), zero);
    let found = refused(0.25, 400.0, 300, Some(Cause::Reservation));
    assert_eq!(found[0].what, "25 % of the calls are refused: max_tokens is reserved");
    assert_eq!(found[0].remedies[0].how, "Lower max_tokens to what answers need.");
}

#[test]
fn a_quota_is_found_while_it_is_nearly_spent() {
    let status = |kind, change: fn(&mut QuotaStatus)| {
        let mut status = world::quota_status(SONNET, Scope::Global, kind, "L-1");
        change(&mut status);
        of(Evaluation { quotas: vec![Arc::new(status)], ..Evaluation::default() })
    };
    let minute = QuotaKind::TokensPerMinute;
    let near = status(minute, |status| status.above_threshold = vec![(0.8, 900), (0.9, 600)]);
    assert_eq!(names(&near), [(Severity::Warning, "BedrockQuotaNearLimit")]);
    assert_eq!(near[0].subject.quota.as_ref().map(|key| &*key.code), Some("L-1"));
    assert_eq!(status(minute, |status| status.above_threshold = vec![(0.8, 900), (0.9, 540)]), []);
    let day = QuotaKind::TokensPerDay;
    let soon = status(day, |status| {
        (status.ratio, status.exhaustion) = (Some(0.6), Some(NOW.plus(7_200)));
    });
    assert_eq!(names(&soon), [(Severity::Warning, "BedrockDailyTokensRunningOut")]);
    assert_eq!(
        soon[0].what,
        format!(
            "the day's tokens last 2h from now, until {}, at the average pace of the day so far",
            human::minute(NOW.plus(7_200))
        )
    );
    let gone = status(day, |status| (status.ratio, status.exhaustion) = (Some(1.0), Some(NOW)));
    assert_eq!(names(&gone), [(Severity::Critical, "BedrockDailyTokensGone")]);
    assert_eq!(status(day, |status| status.ratio = Some(0.9)), [], "it lasts until the reset");
}

#[test]
fn unmapped_traffic_comes_with_the_line_that_settles_it() {
    let told = |reasons: &[(QuotaKind, &str)], absent: &[QuotaKind]| {
        let mut id = world::id_status(InvocationId::runtime("a\"b"), None, None);
        let charge = |(kind, reason): &(QuotaKind, &str)| Charge {
            kind: *kind,
            quota: None,
            weight: 1.0,
            state: bedrock_quota_exporter::model::ids::State::Unknown,
            method: None,
            reason: reason.to_string(),
        };
        let none = |kind: &QuotaKind| {
            let key = world::quota_status("a", Scope::Global, *kind, "").quota.key.clone();
            Charge { quota: Some(key), ..charge(&(*kind, "no row names it")) }
        };
        let charges = absent.iter().map(none).chain(reasons.iter().map(charge)).collect();
        Arc::make_mut(&mut id.resolution).charges = charges;
        let unmapped = vec![(id.id.clone(), Unmapped::IrregularName)];
        let found = of(Evaluation { ids: vec![id], unmapped, ..Evaluation::default() });
        (found[0].remedies[0].how.clone(), found[0].evidence.clone())
    };
    let line = |reasons: &[(QuotaKind, &str)]| told(reasons, &[]).0;
    let one = "L-0123ABCD “x” may be its own, but the name does not say so; an override would";
    assert_eq!(
        line(&[
            (QuotaKind::RequestsPerMinute, one),
            (QuotaKind::TokensPerMinute, "L-0123ABCD and L-0123ABCE")
        ]),
        r#"overrides: {models: {"a\"b": {requests_per_minute: L-0123ABCD, tokens_per_minute: L-…}}}"#
    );
    assert_eq!(line(&[]), r#"overrides: {models: {"a\"b": {tokens_per_minute: L-…}}}"#);
    let absent = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerDay];
    let (how, evidence) = told(&[(QuotaKind::TokensPerMinute, one)], &absent);
    assert_eq!(how, r#"overrides: {models: {"a\"b": {tokens_per_minute: L-0123ABCD}}}"#);
    assert_eq!(evidence, one, "what does not exist is no reason");
    let (how, _) = told(&[], &absent);
    assert_eq!(how, r#"overrides: {models: {"a\"b": {requests_per_minute: L-…, tokens_per_day: L-…}}}"#);
}

#[test]
fn what_cannot_be_read_is_found_once_for_each_target() {
    let found = findings(&world::whole(), &world::export().account_names, NOW);
    let frankfurt: Vec<&Finding> =
        found.iter().filter(|finding| &*finding.target.region == "eu-central-1").collect();
    assert_eq!(frankfurt.len(), 1, "{frankfurt:?}");
    assert_eq!(frankfurt[0].runbook, "BedrockTargetDown");
    assert_eq!(frankfurt[0].what, "usage cannot be read wholly");
    assert_eq!(frankfurt[0].evidence, "GetMetricData: AccessDenied: last read wholly 2h ago");
    let old = of(Evaluation { complete_until: Some(NOW.minus(1_201)), ..Evaluation::default() });
    assert_eq!(names(&old), [(Severity::Warning, "BedrockDataStale")]);
    assert_eq!(of(Evaluation { complete_until: Some(NOW.minus(1_200)), ..Evaluation::default() }), []);
}

#[test]
fn what_ends_soon_is_found() {
    let mut catalog = Catalog { models: Some(Vec::new()), ..Catalog::default() };
    let model = |id: &str, days: u64| {
        Arc::new(bedrock_quota_exporter::model::catalog::FoundationModel {
            id: id.into(),
            end_of_life: Some(NOW.plus(days * 86_400)),
            ..Default::default()
        })
    };
    catalog.models = Some(vec![model("acme.old", 59), model("acme.idle", 59), model("acme.young", 60)]);
    let called = |id: &str| world::id_status(InvocationId::runtime(id), Some(id), Some(Scope::OnDemand));
    let ids = vec![called("acme.old"), called("acme.young")];
    let request = |code: &str, days: u64| IncreaseRequest {
        quota_code: code.into(),
        status: "CASE_OPENED".into(),
        desired: Some(5e6),
        created: Some(NOW.minus(days * 86_400 + 60)),
    };
    let list =
        QuotaList { requests: Some(vec![request("L-1", 7), request("L-2", 6)]), ..QuotaList::default() };
    let target = Target::new("111111111111", "us-east-1");
    let evaluation = Evaluation { ids, ..Evaluation::default() };
    let state = world::state(target, Some(list), Some(catalog), BTreeMap::new(), evaluation);
    let found = findings(&world::snapshot([state]), &world::export().account_names, NOW);
    let told: Vec<&str> = found.iter().map(|finding| &*finding.what).collect();
    assert_eq!(told, ["the model's life ends in 59d", "an increase of L-1 has been open for 7d"]);
}

#[test]
fn the_thresholds_are_those_of_the_alerts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/generate/values.yaml");
    let values: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let value =
        |alert: &str, key: &str| values[alert][key].as_f64().unwrap_or_else(|| panic!("{alert}.{key}"));
    for (alert, key, ours) in [
        ("throttling", "ratio", thresholds::THROTTLED_RATIO),
        ("throttling", "throttled_seconds", thresholds::THROTTLED_SECONDS as f64),
        ("throttling", "attempts", thresholds::THROTTLED_ATTEMPTS),
        ("throttling", "minute_ratio", thresholds::THROTTLED_MINUTE_RATIO),
        ("reservation", "ratio", thresholds::RESERVED_RATIO),
        ("reservation", "throttled_seconds", thresholds::RESERVED_SECONDS as f64),
        ("zero_quota", "attempts", thresholds::ZERO_ATTEMPTS),
        ("capacity", "ratio", thresholds::FAILED_RATIO),
        ("capacity", "errors", thresholds::FAILED_ERRORS),
        ("capacity", "throttle_ratio", thresholds::FAILED_THROTTLED_RATIO),
        ("near_limit", "ratio", thresholds::NEAR_RATIO),
        ("near_limit", "above_seconds", thresholds::NEAR_SECONDS as f64),
        ("daily", "running_out", thresholds::DAY_RUNNING_OUT),
        ("daily", "gone", thresholds::DAY_GONE),
        ("data_stale", "seconds", thresholds::STALE_SECONDS as f64),
        ("provisioned_commitment", "days", thresholds::COMMITMENT_DAYS as f64),
        ("end_of_life", "days", thresholds::END_OF_LIFE_DAYS as f64),
        ("increase_request", "days", thresholds::INCREASE_DAYS as f64),
    ] {
        assert_eq!(value(alert, key), ours, "{alert}.{key}");
    }
}

#[test]
fn every_runbook_of_the_alerts_is_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = files.map(|name| name.trim_end_matches(".md").to_string()).collect();
    files.sort();
    assert_eq!(RUNBOOKS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), files);
    for finding in findings(&world::whole(), &world::export().account_names, NOW) {
        assert!(
            runbook(finding.runbook).is_some_and(|text| text.starts_with(&format!("# {}", finding.runbook)))
        );
    }
}
