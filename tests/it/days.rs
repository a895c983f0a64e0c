//! Day quotas: hours from before the start, minutes since, midnight in between.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const NOVA: &str = "amazon.nova-pro-v1:0";
const DAY: &str = "L-1";

/// 100 input tokens and 20 output tokens in every minute of two days, of a day's 1,000,000.
fn cloud(now: Timestamp) -> Cloud {
    let mut cloud = Cloud::new(now);
    cloud.model(NOVA, "Nova Pro", "Amazon");
    let name = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(DAY, name, Some(1_000_000.0));
    let midnight = NOON.day_start().minute();
    for minute in (midnight - 1440).until(midnight + 3 * 1440) {
        for (metric, value) in
            [(Metric::Invocations, 1.0), (Metric::InputTokens, 100.0), (Metric::OutputTokens, 20.0)]
        {
            cloud.point(NOVA, metric, minute, value);
        }
    }
    cloud
}

/// What has settled of the day.
fn expected(now: Timestamp) -> f64 {
    let settled = now.minus(240).minute();
    120.0 * (settled.0 - (settled - 1).start().day_start().minute().0) as f64
}

#[test]
fn at_any_minute_of_an_hour_a_start_finds_the_whole_day_with_its_second_round() {
    for minute in [0, 1, 3, 4, 5, 30, 58, 59] {
        let mut cloud = cloud(NOON.plus(minute * 60));
        cloud.round();
        assert_eq!(cloud.status(DAY).usage, None, "unknown until the hours are filled");
        cloud.run_until(cloud.now.plus(60));
        assert_eq!(cloud.status(DAY).usage, Some(expected(cloud.now)), "{minute} past");
        assert_eq!(cloud.status(DAY).peak, cloud.status(DAY).usage);
    }
}

#[test]
fn a_day_ends_with_its_last_settled_minute() {
    let midnight = NOON.day_start().plus(86_400);
    let mut cloud = cloud(midnight.minus(1800));
    cloud.round();
    let mut last = 0.0;
    for minute in 1..60 {
        cloud.run_until(midnight.minus(1800).plus(60 * minute));
        let usage = cloud.status(DAY).usage.unwrap();
        assert_eq!(usage, expected(cloud.now), "{}", cloud.now);
        assert!(usage > last || cloud.now == midnight.plus(300), "grows but for the reset, {}", cloud.now);
        last = usage;
    }
    assert_eq!(last, 120.0 * 25.0);
}

#[test]
fn an_hour_that_cannot_be_read_keeps_the_day_unknown_until_it_can() {
    let mut cloud = cloud(NOON.plus(600));
    cloud.round();
    cloud.failing.insert((InvocationId::runtime(NOVA), Metric::OutputTokens));
    cloud.run_until(cloud.now.plus(180));
    assert_eq!(cloud.status(DAY).usage, None);
    cloud.failing.clear();
    cloud.run_until(cloud.now.plus(60));
    assert_eq!(cloud.status(DAY).usage, Some(expected(cloud.now)));
}

#[test]
fn an_outage_across_midnight_fills_both_days() {
    let midnight = NOON.day_start().plus(86_400);
    let mut cloud = cloud(midnight.minus(7200));
    cloud.round();
    cloud.run_until(midnight.minus(3600));
    cloud.at(midnight.plus(3 * 3600)).round();
    assert_eq!(cloud.status(DAY).usage, Some(expected(cloud.now)));
}

#[test]
fn exhaustion_is_when_today_s_pace_spends_the_limit_and_only_before_the_reset() {
    let mut cloud = cloud(NOON);
    cloud.round();
    cloud.run_until(NOON.plus(60));
    assert_eq!(cloud.status(DAY).exhaustion, None, "120 a minute is 172,800 a day");
    cloud.quota(
        DAY,
        "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)",
        Some(120_000.0),
    );
    cloud.run_until(NOON.plus(1200));
    let spent = NOON.day_start().minute() + 1000;
    assert_eq!(cloud.status(DAY).exhaustion, Some(spent.start()));
}

#[test]
fn what_is_charged_per_id_is_a_counter_at_the_row_s_weight() {
    let mut cloud = cloud(NOON);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    let settled = cloud.now.minus(240).minute();
    let first: Minute = NOON.minus(120).minute();
    assert_eq!(
        cloud.status(DAY).charged,
        [(InvocationId::runtime(NOVA), 120.0 * (settled.0 - first.0) as f64)]
    );
}
