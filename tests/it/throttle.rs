//! Afternoons of refused calls, from datapoints to cause.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::{CustomModelDeployment, ProfileKind};
use bedrock_quota_exporter::model::evaluation::{Cause, ThrottleStatus};
use bedrock_quota_exporter::model::ids::Scope;
use bedrock_quota_exporter::model::observation::Collector;
use bedrock_quota_exporter::model::schedule::due_at;
use bedrock_quota_exporter::model::settings::Cadence;
use bedrock_quota_exporter::model::time::Minute;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const MODEL: &str = "amazon.nova-pro-v1:0";
const US: &str = "us.amazon.nova-pro-v1:0";
const APP: &str = "abcdefghijkl";

/// 100 requests and 100,000 tokens a minute across regions, 20,000,000 a day on demand.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(MODEL, "Nova Pro", "Amazon");
    cloud.profile(US, ProfileKind::SystemDefined, MODEL, &["us-east-1", "us-west-2"]);
    cloud.profile(APP, ProfileKind::Application, MODEL, &["us-east-1", "us-west-2"]);
    limits(&mut cloud, 100.0, 100_000.0);
    cloud.quota(
        "L-3",
        "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)",
        Some(20_000_000.0),
    );
    cloud
}

fn limits(cloud: &mut Cloud, requests: f64, tokens: f64) {
    let name = |what| format!("Cross-region model inference {what} per minute for Amazon Nova Pro");
    cloud.quota("L-1", &name("requests"), Some(requests));
    cloud.quota("L-2", &name("tokens"), Some(tokens));
}

/// Minutes of the test, counted from the first one after `NOON`.
fn minutes(from: i64, until: i64) -> impl Iterator<Item = Minute> {
    (NOON.minute() + from).until(NOON.minute() + until)
}

fn calls(cloud: &mut Cloud, id: &str, minute: Minute, accepted: f64, tokens: f64, refused: f64) {
    for (metric, value) in
        [(Metric::Invocations, accepted), (Metric::InputTokens, tokens), (Metric::Throttles, refused)]
    {
        if value > 0.0 {
            cloud.point(id, metric, minute, value);
        }
    }
}

fn cause(cloud: &Cloud) -> Option<Cause> {
    cloud.throttling(Scope::CrossRegion).and_then(|status| status.cause)
}

#[test]
fn a_storm_from_idle_at_100_percent_refusal() {
    let mut cloud = cloud();
    cloud.point(US, Metric::Invocations, NOON.minute() - 55, 1.0);
    cloud.round();
    for minute in minutes(0, 30) {
        calls(&mut cloud, US, minute, 0.0, 0.0, 900.0);
    }
    cloud.run_until(NOON.plus(180));
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!((status.throttled_seconds, status.cause), (180, Some(Cause::Unknown)), "as soon as published");
    assert_eq!(status.ratio[0], ("5m", 1.0));
    cloud.run_until(NOON.plus(300 + 240));
    assert_eq!(cause(&cloud), Some(Cause::Reservation), "refused while nothing at all was used");
    assert_eq!(cloud.status("L-2").usage, Some(0.0));
}

/// The share of a window that was refused.
fn share(cloud: &Cloud, window: &str) -> Option<f64> {
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    status.ratio.iter().find(|(name, _)| *name == window).map(|(_, ratio)| *ratio)
}

#[test]
fn a_refusal_that_is_seen_counts_however_young_its_minute_and_its_absence_waits() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 70.0, 30_000.0, 0.0);
    }
    for minute in minutes(0, 30) {
        cloud.late_point(US, Metric::Throttles, minute, 30.0, 50);
    }
    cloud.round();
    cloud.run_until(NOON.plus(60));
    assert_eq!((share(&cloud, "1m"), share(&cloud, "5m")), (None, Some(0.0)));
    cloud.run_until(NOON.plus(120));
    assert_eq!(cloud.throttling(Scope::CrossRegion).unwrap().throttled_seconds, 60);
    assert_eq!((share(&cloud, "1m"), share(&cloud, "5m")), (Some(0.3), Some(0.0)));
    cloud.run_until(NOON.plus(180));
    assert_eq!(cloud.throttling(Scope::CrossRegion).unwrap().throttled_seconds, 120);
    assert_eq!((share(&cloud, "1m"), share(&cloud, "5m")), (Some(0.3), Some(30.0 / 380.0)));
    let minutes = cloud.log.last().unwrap().0.minus(120).minute().0 - NOON.minute().0;
    assert_eq!(cloud.total(US, Metric::Throttles), Some(30.0 * minutes as f64), "counters wait");
}

#[test]
fn refusals_of_a_steady_id_whose_calls_come_late_have_no_share() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 70.0, 30_000.0, 0.0);
    }
    cloud.late_point(US, Metric::Invocations, NOON.minute(), 70.0, 400);
    cloud.point(US, Metric::Throttles, NOON.minute(), 1.0);
    cloud.round();
    cloud.run_until(NOON.plus(180));
    assert_eq!(cloud.throttling(Scope::CrossRegion).unwrap().throttled_seconds, 60);
    assert_eq!(share(&cloud, "1m"), None, "one of unknown many");
}

#[test]
fn usage_is_read_thrice_a_minute_for_three_minutes_after_calls_began_to_be_refused() {
    let mut cloud = cloud();
    for minute in minutes(-30, 60) {
        calls(&mut cloud, US, minute, 70.0, 30_000.0, if minute < NOON.minute() { 0.0 } else { 30.0 });
    }
    let wait = |cloud: &Cloud| due_at(cloud.state(), Collector::Usage, &cloud.settings).since(cloud.now);
    cloud.round();
    assert_eq!(wait(&cloud), 60);
    cloud.run_until(NOON.plus(60));
    assert_eq!(wait(&cloud), 20);
    cloud.run_until(NOON.plus(60 + 180));
    assert_eq!(wait(&cloud), 60, "it goes on, and was seen");
}

#[test]
fn reservation_at_40_percent_spread_over_an_application_profile() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 20.0, 25_000.0, 0.0);
        calls(&mut cloud, APP, minute, 10.0, 15_000.0, if minute >= NOON.minute() { 40.0 } else { 0.0 });
    }
    cloud.round();
    cloud.run_until(NOON.plus(600));
    assert_eq!(cause(&cloud), Some(Cause::Reservation));
    assert_eq!(cloud.status("L-2").throttled_ratio, Some(0.4), "the observed ceiling");
    assert_eq!(cloud.throttling(Scope::OnDemand), None);
}

#[test]
fn a_storm_at_the_requests_limit() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 97.0, 30_000.0, 500.0);
    }
    cloud.round();
    assert_eq!(cause(&cloud), Some(Cause::RequestsPerMinute));
}

#[test]
fn isolated_refusals_name_no_cause() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 20.0, 99_000.0, if minute.0 % 5 == 0 { 1.0 } else { 0.0 });
    }
    cloud.round();
    cloud.run_until(NOON.plus(900));
    assert_eq!(cause(&cloud), Some(Cause::Unknown));
}

#[test]
fn the_cause_goes_15_minutes_after_the_last_refusal() {
    let mut cloud = cloud();
    for minute in minutes(-30, 60) {
        calls(&mut cloud, US, minute, 97.0, 30_000.0, if minute < NOON.minute() { 9.0 } else { 0.0 });
    }
    cloud.round();
    cloud.run_until(NOON.plus(120 + 14 * 60));
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!((status.throttled_seconds, status.cause), (60, Some(Cause::Unknown)));
    cloud.run_until(NOON.plus(120 + 15 * 60));
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!((status.throttled_seconds, status.cause), (0, None));
}

#[test]
fn a_limit_cut_meanwhile_is_read_at_once_and_named() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        let refused = if minute >= NOON.minute() + 2 { 60.0 } else { 0.0 };
        calls(&mut cloud, US, minute, 30.0, 40_000.0, refused);
    }
    cloud.round();
    limits(&mut cloud, 100.0, 41_000.0);
    for second in (60..=720).step_by(60) {
        cloud.at(NOON.plus(second)).round();
        assert_ne!(cause(&cloud), Some(Cause::Reservation), "at {second} s");
    }
    assert_eq!(cause(&cloud), Some(Cause::TokensPerMinute));
}

#[test]
fn a_limit_raised_meanwhile_does_not_turn_the_cause_into_reservation() {
    let mut cloud = cloud();
    for minute in minutes(-30, 60) {
        calls(&mut cloud, US, minute, 30.0, 99_000.0, if minute < NOON.minute() + 13 { 60.0 } else { 0.0 });
    }
    cloud.round();
    cloud.run_until(NOON.plus(840));
    limits(&mut cloud, 100.0, 300_000.0);
    cloud.run_until(NOON.plus(1200));
    assert_eq!(cloud.status("L-2").quota.limit, Some(300_000.0));
    assert_eq!(cause(&cloud), Some(Cause::TokensPerMinute), "those minutes were at the limit of their time");
}

#[test]
fn capacity_shows_as_5xx_with_few_throttles() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 5.0, 3_000.0, 1.0);
        cloud.point(US, Metric::ServerErrors, minute, 40.0);
    }
    cloud.round();
    assert_eq!(cause(&cloud), Some(Cause::Capacity));
}

#[test]
fn a_zero_quota_with_attempts() {
    let mut cloud = cloud();
    limits(&mut cloud, 100.0, 0.0);
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 0.0, 0.0, 7.0);
    }
    cloud.round();
    assert_eq!(cause(&cloud), Some(Cause::ZeroQuota));
}

#[test]
fn the_day_is_spent() {
    let mut cloud = cloud();
    for minute in minutes(-600, -590) {
        calls(&mut cloud, US, minute, 100.0, 3_970_000.0, 0.0);
    }
    for minute in minutes(-20, 30) {
        calls(&mut cloud, US, minute, 0.0, 0.0, 50.0);
    }
    cloud.round();
    cloud.run_until(NOON.plus(60));
    assert_eq!(cloud.status("L-3").ratio, Some(0.9925), "half weight across regions");
    assert_eq!(cause(&cloud), Some(Cause::TokensPerDay));
}

#[test]
fn windows_add_all_ids_minute_by_minute_and_skip_unknown_ones() {
    let mut cloud = cloud();
    for minute in minutes(-60, 10) {
        calls(&mut cloud, US, minute, 30.0, 3_000.0, 10.0);
        calls(&mut cloud, APP, minute, 50.0, 3_000.0, 10.0);
    }
    cloud.round();
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!(status.attempts, [("5m", 500.0), ("30m", 3000.0), ("1m", 100.0)]);
    assert_eq!(status.ratio, [("5m", 0.2), ("30m", 0.2), ("1m", 0.2)]);
    cloud
        .failing
        .insert((bedrock_quota_exporter::model::usage::InvocationId::runtime(APP), Metric::Invocations));
    cloud.run_until(NOON.plus(120));
    let status = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!(status.attempts, [("5m", 300.0), ("30m", 2800.0), ("1m", 100.0)], "three known of both");
    assert_eq!(status.throttled_seconds, 900);
}

/// Whatever they spend, somebody's calls are refused: two such ids are not added up, since they need not share
/// a quota.
#[test]
fn refusals_of_ids_without_a_model_are_shown_by_id() {
    let mut cloud = cloud();
    for minute in minutes(-30, 30) {
        calls(&mut cloud, "zzzzyyyyxxxx", minute, 0.0, 0.0, 500.0);
        calls(&mut cloud, "wwwwvvvvuuuu", minute, 900.0, 90_000.0, 100.0);
    }
    cloud.round();
    cloud.run_until(NOON.plus(600));
    for (id, ratio) in [("zzzzyyyyxxxx", 1.0), ("wwwwvvvvuuuu", 0.1)] {
        let id = InvocationId::runtime(id);
        let mut all = cloud.evaluation().throttling.iter();
        let status = all.find(|status| status.pool.id.as_ref() == Some(&id)).expect("it has its own pool");
        assert_eq!((status.pool.model.as_deref(), status.pool.scope), (None, None), "{id:?}");
        assert_eq!((status.ratio[0], status.throttled_seconds), (("5m", ratio), 900), "{id:?}");
        assert_eq!(status.cause, Some(Cause::Unknown), "{id:?}");
    }
}

const OTHER: &str = "amazon.nova-lite-v1:0";

/// Both models are refused entirely for 20 minutes, while next to nothing is used.
fn two_models_refused_entirely() -> Cloud {
    let mut cloud = cloud();
    cloud.model(OTHER, "Nova Lite", "Amazon");
    cloud.quota("L-5", "On-demand model inference tokens per minute for Amazon Nova Lite", Some(100_000.0));
    for minute in minutes(-30, 30) {
        calls(&mut cloud, US, minute, 0.0, 0.0, 900.0);
        calls(&mut cloud, OTHER, minute, 0.0, 0.0, 90.0);
    }
    cloud
}

/// Nobody publishes how much of it is used; once it is spent, all models refuse all calls.
#[test]
fn reservation_is_not_claimed_where_the_accounts_day_may_be_spent() {
    let mut cloud = two_models_refused_entirely();
    cloud.quota("L-E3F10727", "Cross-Model Max Tokens Per Day", Some(700_000_000.0));
    cloud.round();
    cloud.run_until(NOON.plus(600));
    assert_eq!(cause(&cloud), Some(Cause::Unknown));
    assert_eq!(cloud.throttling(Scope::OnDemand).and_then(|status| status.cause), Some(Cause::Unknown));
}

#[test]
fn reservation_is_claimed_where_no_such_limit_is_listed_or_another_model_answers() {
    let mut unlisted = two_models_refused_entirely();
    unlisted.round();
    unlisted.run_until(NOON.plus(600));
    assert_eq!(cause(&unlisted), Some(Cause::Reservation));

    let mut answered = two_models_refused_entirely();
    answered.quota("L-E3F10727", "Cross-Model Max Tokens Per Day", Some(700_000_000.0));
    for minute in minutes(-30, 30) {
        calls(&mut answered, OTHER, minute, 10.0, 100.0, 0.0);
    }
    answered.round();
    answered.run_until(NOON.plus(600));
    assert_eq!(cause(&answered), Some(Cause::Reservation));
}

/// Three models begin to be refused a part of their calls in the same minute, each at 40 % of its tokens; whether the
/// account has a day quota of all models is not even listed. What is published says what the findings say.
#[test]
fn reservation_is_not_claimed_of_three_models_that_are_refused_in_the_same_minutes() {
    let models = [(US, "Nova Pro"), (OTHER, "Nova Lite"), ("amazon.nova-micro-v1:0", "Nova Micro")];
    let refused = |since: [i64; 3]| {
        let mut cloud = cloud();
        for ((id, name), code) in models[1..].iter().zip(["L-5", "L-6"]) {
            cloud.model(id, name, "Amazon");
            let row = format!("On-demand model inference tokens per minute for Amazon {name}");
            cloud.quota(code, &row, Some(100_000.0));
        }
        for ((id, _), since) in models.iter().zip(since) {
            for at in -30..30 {
                let refused = if at >= since { 40.0 } else { 0.0 };
                calls(&mut cloud, id, NOON.minute() + at, 20.0, 40_000.0, refused);
            }
        }
        cloud.round();
        cloud.run_until(NOON.plus(900));
        cloud.evaluation().throttling.iter().map(|status| (status.cause, status.together)).collect::<Vec<_>>()
    };
    assert_eq!(refused([0, 0, 0]), [(Some(Cause::Unknown), 3); 3]);
    assert_eq!(refused([0, 0, 3]), [(Some(Cause::Reservation), 0); 3], "one began later");
}

const DEPLOYMENT: &str = "arn:aws:bedrock:us-east-1:000000000001:custom-model-deployment/aaaaaaaaaaaa";

/// A custom deployment beside the model itself, on demand, with a row of its own for its requests.
fn deployed(requests: f64) -> Cloud {
    let mut cloud = cloud();
    cloud.quota("L-4", "On-demand model inference requests per minute for Amazon Nova Pro", Some(2_000.0));
    let row = "(Model customization) Sum of on demand custom model deployment requests per minute for Amazon Nova Pro";
    cloud.quota("L-5", row, Some(requests));
    let deployment = CustomModelDeployment {
        arn: DEPLOYMENT.into(),
        name: "tuned".into(),
        model_arn: format!("arn:aws:bedrock:us-east-1:000000000001:custom-model/{MODEL}:300k/bbbbbbbbbbbb"),
        status: "Active".into(),
    };
    cloud.catalog.deployments = Some(vec![deployment]);
    cloud
}

/// The pool of a deployment, or that of the model on demand.
fn pool<'a>(cloud: &'a Cloud, deployment: Option<&str>) -> &'a ThrottleStatus {
    let mut all = cloud.evaluation().throttling.iter();
    let of = |status: &&ThrottleStatus| {
        let id = status.pool.id.as_ref().map(|id| &*id.id);
        status.pool.scope == Some(Scope::OnDemand) && id == deployment
    };
    all.find(of).expect("it has calls")
}

#[test]
fn a_deployment_s_refusals_are_no_share_of_its_model_s_calls() {
    let mut cloud = deployed(60.0);
    cloud.round();
    for minute in minutes(0, 30) {
        calls(&mut cloud, MODEL, minute, 1_000.0, 9_000.0, 0.0);
        calls(&mut cloud, DEPLOYMENT, minute, 50.0, 900.0, 40.0);
    }
    cloud.run_until(NOON.plus(30 * 60));
    let own = pool(&cloud, Some(DEPLOYMENT));
    assert_eq!(own.ratio[0], ("5m", 40.0 / 90.0));
    assert_eq!(own.pool.model.as_deref(), Some(MODEL), "whose deployment it is");
    let model = pool(&cloud, None);
    assert_eq!((model.ratio[0], model.throttled_seconds), (("5m", 0.0), 0));
}

#[test]
fn an_idle_deployment_s_zero_quota_is_no_cause_of_its_model_s_refusals() {
    let mut cloud = deployed(0.0);
    cloud.point(DEPLOYMENT, Metric::Invocations, NOON.minute() - 30, 1.0);
    cloud.round();
    for minute in minutes(0, 30) {
        calls(&mut cloud, MODEL, minute, 1_990.0, 9_000.0, 300.0);
    }
    cloud.run_until(NOON.plus(30 * 60));
    assert_eq!(pool(&cloud, None).cause, Some(Cause::RequestsPerMinute));
    assert_eq!(pool(&cloud, Some(DEPLOYMENT)).cause, None);
}

#[test]
fn an_idle_deployment_does_not_hold_up_its_model_s_ratio() {
    let mut cloud = deployed(60.0);
    let adaptive = Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 600 };
    cloud.settings.cadence = Some(adaptive);
    cloud.point(DEPLOYMENT, Metric::Invocations, NOON.minute() - 50, 1.0);
    for minute in minutes(-60, 40) {
        let refused = if minute < NOON.minute() { 0.0 } else { 500.0 };
        calls(&mut cloud, MODEL, minute, 500.0, 9_000.0, refused);
    }
    cloud.round();
    // Five minutes of refusals fill the window; two more until the last is closed, one until it is read.
    cloud.run_until(NOON.plus(8 * 60));
    assert_eq!(pool(&cloud, None).ratio[0], ("5m", 0.5));
}
