//! A failed target keeps its last good values until they are too old, then goes silent; nothing unknown
//! becomes 0, and no other target notices.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::{Catalog, ProfileKind};
use bedrock_quota_exporter::model::ids::{State, Target};
use bedrock_quota_exporter::model::observation::{CollectError, Collector, ErrorClass, Observation, Outcome};
use bedrock_quota_exporter::model::quota::IncreaseRequest;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric, SeriesReading, UsageReading};
use std::sync::Arc;

const MODEL: &str = "anthropic.claude-opus-5";
const US: &str = "us.anthropic.claude-opus-5";
const APP: &str = "abcdefghijkl";
const RPM: &str = "L-00000001";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(MODEL, "Claude Opus 5", "Anthropic");
    cloud.profile(US, ProfileKind::SystemDefined, MODEL, &["us-east-1", "us-west-2"]);
    cloud.profile(APP, ProfileKind::Application, MODEL, &["us-east-1", "us-west-2"]);
    cloud.quota(
        RPM,
        "Cross-region model inference requests per minute for Anthropic Claude Opus 5",
        Some(100.0),
    );
    for minute in (NOON.minute() - 60).until(NOON.minute() + 3000) {
        cloud.point(US, Metric::Invocations, minute, 10.0);
        cloud.point(APP, Metric::Invocations, minute, 5.0);
    }
    cloud
}

fn fail_until(cloud: &mut Cloud, end: Timestamp) {
    while cloud.now < end {
        let next = cloud.now.plus(60).min(end);
        cloud.at(next).failed_round();
    }
}

#[test]
fn a_failed_target_keeps_its_values_until_max_age_then_its_usage_goes_and_its_limits_stay() {
    let mut cloud = cloud();
    cloud.round();
    cloud.run_until(NOON.plus(600));
    let good = cloud.evaluation().clone();
    fail_until(&mut cloud, NOON.plus(600 + 900));
    assert_eq!(cloud.evaluation().quotas, good.quotas);
    assert_eq!(cloud.evaluation().ids, good.ids);
    assert_eq!(cloud.snapshot.next_change(), Some(NOON.plus(600 + 901)));

    cloud.at(NOON.plus(600 + 901)).advance(Vec::new());
    let gone = cloud.evaluation();
    assert!(gone.ids.is_empty() && gone.throttling.is_empty() && gone.unmapped.is_empty());
    let status = cloud.status(RPM);
    assert_eq!((status.usage, status.peak, status.ratio), (None, None, None), "unknown, never 0");
    assert_eq!((status.state, status.quota.limit), (State::Ok, Some(100.0)));
    assert!(status.charged.is_empty());
    assert_eq!(gone.complete_until, Some(NOON.plus(480)), "never vanishes");
    assert_eq!(gone.newest_datapoint, good.newest_datapoint);
}

#[test]
fn healing_takes_one_round_and_finds_the_minutes_in_between() {
    let mut cloud = cloud();
    cloud.round();
    cloud.run_until(NOON.plus(600));
    fail_until(&mut cloud, NOON.plus(4200));
    cloud.at(NOON.plus(4260)).round();
    assert_eq!(cloud.status(RPM).usage, Some(15.0));
    assert_eq!(cloud.evaluation().complete_until, Some(NOON.plus(4140)));
    assert!(cloud.state().collectors[&Collector::Usage].up);
    assert_eq!(cloud.total(US, Metric::Invocations), Some(710.0));
}

#[test]
fn quotas_that_are_too_old_vanish_and_usage_per_id_stays() {
    let mut cloud = cloud();
    cloud.round();
    let requests_failing = |cloud: &mut Cloud| {
        let usage = cloud.requests().usage.unwrap();
        let outcome = cloud.outcome(Collector::Usage, Observation::Usage(cloud.answer(&usage)));
        cloud.advance(vec![outcome]);
    };
    for hour in 1..=24 {
        cloud.at(NOON.plus(hour * 3600));
        requests_failing(&mut cloud);
    }
    assert_eq!(cloud.status(RPM).usage, Some(15.0));
    cloud.at(NOON.plus(24 * 3600 + 1));
    cloud.advance(Vec::new());
    assert!(cloud.evaluation().quotas.is_empty());
    assert!(cloud.evaluation().unmapped.is_empty(), "without quotas nobody can say that an id has none");
    assert_eq!(cloud.id(US).unwrap().minute.get(Metric::Invocations), Some(10.0));
}

#[test]
fn a_catalog_list_that_could_not_be_read_keeps_what_it_held_until_max_age() {
    let mut cloud = cloud();
    cloud.round();
    let partial = |cloud: &Cloud| Outcome {
        errors: vec![CollectError {
            class: ErrorClass::AccessDenied,
            message: "ListInferenceProfiles".into(),
        }],
        ..cloud.outcome(
            Collector::Catalog,
            Observation::Catalog(Catalog { profiles: None, ..cloud.catalog.clone() }),
        )
    };
    cloud.settings.usage_max_age = 1_000_000;
    cloud.at(NOON.plus(86_400));
    let outcome = partial(&cloud);
    cloud.advance(vec![outcome]);
    assert_eq!(cloud.id(APP).unwrap().resolution.model.as_deref(), Some(MODEL));
    assert!(!cloud.state().collectors[&Collector::Catalog].up);
    assert_eq!(cloud.state().collectors[&Collector::Catalog].errors[&ErrorClass::AccessDenied], 1);
    cloud.at(NOON.plus(86_401)).advance(Vec::new());
    let catalog = &cloud.state().catalog.as_ref().unwrap().value;
    assert!(catalog.profiles.is_none() && catalog.models.is_some());
    assert_eq!(cloud.id(APP).unwrap().resolution.model, None, "nobody can say any longer");
}

#[test]
fn increase_requests_that_could_not_be_read_keep_what_they_held_until_max_age() {
    let mut cloud = cloud();
    let open = IncreaseRequest {
        quota_code: RPM.into(),
        status: "CASE_OPENED".into(),
        desired: Some(500.0),
        created: Some(NOON),
    };
    cloud.quotas.requests = Some(vec![open]);
    cloud.round();
    cloud.quotas.requests = None;
    let held = |cloud: &Cloud| cloud.state().quotas.as_ref().unwrap().value.requests.clone();
    for seconds in [900, 80_000, 86_400] {
        cloud.at(NOON.plus(seconds));
        let outcome = cloud.outcome(Collector::Quotas, Observation::Quotas(cloud.quotas.clone()));
        cloud.advance(vec![outcome]);
        assert_eq!(held(&cloud).unwrap().len(), 1);
    }
    cloud.at(NOON.plus(86_401)).advance(Vec::new());
    assert_eq!(held(&cloud), None);
}

#[test]
fn one_target_s_failure_never_touches_another() {
    let mut cloud = cloud();
    cloud.round();
    let other = Target::new("000000000002", "eu-west-1");
    let targets = [cloud.target.clone(), other.clone()];
    cloud.snapshot = cloud.snapshot.with_targets(targets, &cloud.settings, cloud.now);
    let before = cloud.snapshot.targets[&cloud.target].clone();
    let failure = Outcome {
        target: other.clone(),
        observation: None,
        errors: vec![CollectError { class: ErrorClass::Timeout, message: "GetMetricData".into() }],
        ..cloud.outcome(Collector::Usage, Observation::Usage(UsageReading::default()))
    };
    cloud.advance(vec![failure]);
    assert!(Arc::ptr_eq(&before, &cloud.snapshot.targets[&cloud.target]), "shared, not made again");
    assert_eq!(cloud.snapshot.targets[&other].collectors[&Collector::Usage].errors[&ErrorClass::Timeout], 1);
    assert!(cloud.snapshot.targets[&other].evaluation.quotas.is_empty());
}

#[test]
fn targets_keep_once_what_is_the_same_in_all_of_them() {
    let mut cloud = cloud();
    for model in 0..5 {
        let (id, name) = (format!("acme.model-{model}-v1:0"), format!("Model {model}"));
        cloud.model(&id, &name, "Acme");
        let row = format!("On-demand model inference requests per minute for Acme {name}");
        cloud.quota(&format!("L-0000001{model}"), &row, Some(50.0));
    }
    let targets = ["000000000001", "000000000002"].map(|account| Target::new(account, "us-east-1"));
    cloud.snapshot = cloud.snapshot.with_targets(targets.clone(), &cloud.settings, cloud.now);
    let round = |cloud: &mut Cloud| {
        for target in &targets {
            cloud.target = target.clone();
            cloud.round();
        }
        targets.clone().map(|target| cloud.snapshot.targets[&target].evaluation.clone())
    };
    let [one, other] = round(&mut cloud);
    assert!(one.quotas.iter().any(|status| status.is_spent));
    assert!(one.quotas.iter().filter(|status| status.usage == Some(0.0)).count() >= 5);
    for (one, other) in one.quotas.iter().zip(&other.quotas) {
        assert_eq!(Arc::ptr_eq(one, other), !one.is_spent, "{one:?}");
    }
    for (one, other) in one.ids.iter().zip(&other.ids) {
        assert!(Arc::ptr_eq(&one.resolution, &other.resolution), "{one:?}");
    }
    let now = cloud.now.plus(60);
    let [later, _] = round(cloud.at(now));
    for (before, later) in one.quotas.iter().zip(&later.quotas).filter(|(before, _)| !before.is_spent) {
        assert!(Arc::ptr_eq(before, later), "{later:?}");
    }
}

#[test]
fn outcomes_of_a_target_that_is_no_longer_watched_are_dropped() {
    let mut cloud = cloud();
    cloud.round();
    let late = cloud.outcome(Collector::Quotas, Observation::Quotas(cloud.quotas.clone()));
    cloud.snapshot =
        cloud.snapshot.with_targets([Target::new("000000000002", "eu-west-1")], &cloud.settings, NOON);
    cloud.snapshot = cloud.snapshot.advance(&cloud.settings, vec![late], NOON);
    assert!(!cloud.snapshot.targets.contains_key(&cloud.target));
}

#[test]
fn a_reload_keeps_counters_and_minutes_and_reads_them_by_the_new_rules() {
    let mut cloud = cloud();
    cloud.round();
    cloud.run_until(NOON.plus(600));
    let total = cloud.total(US, Metric::Invocations);
    cloud.settings.lookback_minutes = 5;
    cloud.settings.rules.quotas.insert(RPM.into(), None);
    cloud.snapshot = cloud.snapshot.with_targets([cloud.target.clone()], &cloud.settings, cloud.now);
    assert_eq!(cloud.total(US, Metric::Invocations), total);
    assert!(!cloud.evaluation().quotas.iter().any(|status| &*status.quota.key.code == RPM));
}

#[test]
fn a_round_without_any_complete_series_is_no_success() {
    let mut cloud = cloud();
    cloud.round();
    cloud.run_until(NOON.plus(300));
    cloud.failing = cloud.points.keys().cloned().collect();
    for id in [US, APP] {
        cloud.failing.insert((InvocationId::runtime(id), Metric::Throttles));
    }
    cloud.run_until(NOON.plus(300 + 960));
    assert!(cloud.evaluation().ids.is_empty(), "nothing was read for longer than max_age");
}

/// Reads one series with these points once, at `NOON`, over the last half hour.
fn read(points: &[(Minute, f64)], complete: bool) -> Cloud {
    let mut cloud = cloud();
    cloud.points.clear();
    cloud.round();
    let series = |metric, points: &[(Minute, f64)]| SeriesReading {
        id: InvocationId::runtime(US),
        metric,
        from: NOON.minute() - 30,
        until: NOON.minute() + 30,
        complete,
        points: points.to_vec(),
    };
    let minutes = vec![series(Metric::Invocations, points), series(Metric::Throttles, &[])];
    let reading = UsageReading { minutes, ..UsageReading::default() };
    let outcome = cloud.outcome(Collector::Usage, Observation::Usage(reading));
    cloud.advance(vec![outcome]);
    cloud
}

#[test]
fn bad_points_are_unknown_minutes_and_good_ones_beside_them_stay() {
    let newest = NOON.minute() - 5;
    let cases = [
        ("a negative value", vec![(newest, -4.0), (newest - 1, 7.0)], 7.0, 7.0),
        ("not a number", vec![(newest, f64::NAN), (newest - 1, 7.0)], 7.0, 7.0),
        ("infinity", vec![(newest, f64::INFINITY)], 0.0, 0.0),
        ("a point in the future", vec![(NOON.minute() + 9, 50.0), (newest, 3.0)], 3.0, 3.0),
        ("points out of order", vec![(newest, 3.0), (newest - 8, 9.0), (newest - 2, 1.0)], 3.0, 9.0),
        ("a minute twice: the later counts", vec![(newest, 9.0), (newest, 3.0)], 3.0, 3.0),
    ];
    for (name, points, usage, peak) in cases {
        let cloud = read(&points, true);
        assert_eq!((cloud.status(RPM).usage, cloud.status(RPM).peak), (Some(usage), Some(peak)), "{name}");
    }
}

#[test]
fn minutes_without_a_point_in_a_partial_answer_are_unknown() {
    let newest = NOON.minute() - 5;
    let cloud = read(&[(newest - 3, 4.0)], false);
    assert_eq!(cloud.status(RPM).usage, Some(4.0), "the newest minute known");
    assert_eq!(cloud.id(US).unwrap().minute.get(Metric::Invocations), Some(4.0));
}
