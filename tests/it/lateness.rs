//! An AWS that publishes late, in pieces, or nothing for a while: what is shown meanwhile, and what it comes to.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const OPUS: &str = "anthropic.claude-opus-5";
const US: &str = "us.anthropic.claude-opus-5";
const FABLE: &str = "anthropic.claude-fable-5";
const NOVA: &str = "amazon.nova-pro-v1:0";
const RPM: &str = "L-1";
const TPM: &str = "L-2";
const FABLE_TPM: &str = "L-3";
const DAY: &str = "L-4";
const NOVA_TPM: &str = "L-5";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(OPUS, "Claude Opus 5", "Anthropic");
    cloud.model(FABLE, "Claude Fable 5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    cloud.profile(US, ProfileKind::SystemDefined, OPUS, &["us-east-1", "us-west-2"]);
    let row = |scope, what, model| format!("{scope} model inference {what} per minute for {model}");
    cloud.quota(RPM, &row("Cross-region", "requests", "Anthropic Claude Opus 5"), Some(1000.0));
    cloud.quota(TPM, &row("Cross-region", "tokens", "Anthropic Claude Opus 5"), Some(1e6));
    cloud.quota(FABLE_TPM, &row("On-demand", "tokens", "Anthropic Claude Fable 5"), Some(1e6));
    cloud.quota(NOVA_TPM, &row("On-demand", "tokens", "Amazon Nova Pro"), Some(1e6));
    let name = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(DAY, name, Some(1e9));
    cloud
}

/// 100 calls, 4,000 input and 1,000 output tokens in each of these minutes.
fn calls(cloud: &mut Cloud, id: &str, from: Minute, until: Minute) {
    for minute in from.until(until) {
        cloud.point(id, Metric::Invocations, minute, 100.0);
        cloud.point(id, Metric::InputTokens, minute, 4_000.0);
        cloud.point(id, Metric::OutputTokens, minute, 1_000.0);
    }
}

/// The same of one id, with AWS's estimate of 14,000 tokens.
fn estimated_calls(cloud: &mut Cloud, from: Minute, until: Minute) {
    calls(cloud, US, from, until);
    for minute in from.until(until) {
        cloud.point(US, Metric::EstimatedTokens, minute, 14_000.0);
    }
}

fn charged(cloud: &Cloud, code: &str, id: &str) -> Option<f64> {
    let charged = &cloud.status(code).charged;
    charged.iter().find(|(of, _)| *of == InvocationId::runtime(id)).map(|(_, charged)| *charged)
}

#[test]
fn an_estimate_listed_14_minutes_after_the_tokens_is_not_charged_on_top_of_them() {
    let mut cloud = cloud();
    cloud.round();
    let born = NOON.minute() + 5;
    estimated_calls(&mut cloud, born, born + 60);
    cloud.show_from(US, Metric::EstimatedTokens, born.start().plus(14 * 60));
    let mut last = 0.0;
    while cloud.now < NOON.plus(75 * 60) {
        cloud.run_until(cloud.now.plus(60));
        let counted = charged(&cloud, TPM, US).unwrap_or(0.0);
        assert!(counted >= last, "a counter never falls: {last}, then {counted}");
        last = counted;
    }
    assert_eq!(last, 60.0 * 14_000.0);
}

#[test]
fn a_new_id_whose_estimate_is_listed_is_charged_without_waiting_for_what_else_may_be_listed() {
    let mut cloud = cloud();
    cloud.round();
    let born = NOON.minute() + 5;
    estimated_calls(&mut cloud, born, born + 60);
    cloud.run_until(born.start().plus(10 * 60));
    let settled = cloud.now.minus(240).minute().0 - born.0;
    assert_eq!(charged(&cloud, TPM, US), Some(14_000.0 * settled as f64));
}

#[test]
fn a_minute_whose_estimate_is_missing_is_in_the_peak_by_its_tokens() {
    let mut cloud = cloud();
    let missing = NOON.minute() + 10;
    calls(&mut cloud, US, NOON.minute() - 60, NOON.minute() + 60);
    for minute in (NOON.minute() - 60).until(NOON.minute() + 60).filter(|&minute| minute != missing) {
        cloud.point(US, Metric::EstimatedTokens, minute, 14_000.0);
    }
    cloud.point(US, Metric::InputTokens, missing, 40_000.0);
    cloud.point(US, Metric::OutputTokens, missing, 10_000.0);
    cloud.round();
    cloud.run_until(missing.end().plus(300));
    assert_eq!(cloud.status(TPM).peak, Some(140_000.0));
    // It comes after all: what was shown meanwhile is replaced.
    cloud.point(US, Metric::EstimatedTokens, missing, 139_000.0);
    cloud.run_until(missing.end().plus(480));
    assert_eq!(cloud.status(TPM).peak, Some(139_000.0));
}

#[test]
fn an_id_refused_at_first_is_charged_once_when_it_begins_to_be_answered() {
    let mut cloud = cloud();
    for minute in (NOON.minute() - 40).until(NOON.minute() + 20) {
        cloud.point(NOVA, Metric::Throttles, minute, 50.0);
    }
    cloud.round();
    calls(&mut cloud, NOVA, NOON.minute() + 20, NOON.minute() + 60);
    for minute in (NOON.minute() + 20).until(NOON.minute() + 60) {
        cloud.point(NOVA, Metric::EstimatedTokens, minute, 5_000.0);
    }
    cloud.show_from(NOVA, Metric::InputTokens, NOON.plus(27 * 60));
    cloud.show_from(NOVA, Metric::OutputTokens, NOON.plus(33 * 60));
    cloud.show_from(NOVA, Metric::EstimatedTokens, NOON.plus(35 * 60));
    cloud.run_until(NOON.plus(90 * 60));
    assert_eq!(charged(&cloud, NOVA_TPM, NOVA), Some(40.0 * 5_000.0));
    assert_eq!(cloud.status(DAY).usage, Some(40.0 * 5_000.0));
}

#[test]
fn a_minute_published_six_minutes_late_is_never_shown_as_0_and_is_counted() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 60, NOON.minute());
    for minute in NOON.minute().until(NOON.minute() + 90) {
        cloud.late_point(US, Metric::Invocations, minute, 100.0, 360);
        cloud.late_point(US, Metric::InputTokens, minute, 4_000.0, 360);
        cloud.late_point(US, Metric::OutputTokens, minute, 1_000.0, 360);
    }
    cloud.round();
    while cloud.now < NOON.plus(3600) {
        cloud.run_until(cloud.now.plus(60));
        assert_eq!(cloud.status(RPM).usage, Some(100.0), "{}", cloud.now);
        assert_eq!(cloud.status(TPM).usage, Some(14_000.0), "{}", cloud.now);
    }
    let published = cloud.now.minus(360).minute().0 - (NOON.minute().0 - 2);
    assert_eq!(cloud.total(US, Metric::Invocations), Some(100.0 * published as f64));
    assert_eq!(charged(&cloud, TPM, US), Some(14_000.0 * published as f64));
}

#[test]
fn a_minute_published_half_an_hour_late_is_counted_and_in_the_peak() {
    let mut cloud = cloud();
    cloud.settings.lookback_minutes = 60;
    calls(&mut cloud, US, NOON.minute() - 60, NOON.minute() + 90);
    cloud.late_point(US, Metric::Invocations, NOON.minute() + 10, 700.0, 1790);
    cloud.round();
    cloud.run_until(NOON.plus(45 * 60));
    assert_eq!(cloud.status(RPM).peak, Some(700.0));
    assert_eq!(cloud.total(US, Metric::Invocations), Some(100.0 * 44.0 + 700.0));
}

#[test]
fn minutes_in_which_all_ids_of_a_busy_target_fall_silent_are_unknown_for_an_hour_and_then_0() {
    let mut cloud = cloud();
    for id in [US, NOVA] {
        calls(&mut cloud, id, NOON.minute() - 60, NOON.minute());
    }
    cloud.round();
    while cloud.now < NOON.plus(3600) {
        cloud.run_until(cloud.now.plus(60));
        let usage = cloud.status(RPM).usage;
        assert!(usage.is_none_or(|usage| usage == 100.0), "{usage:?} at {}", cloud.now);
    }
    cloud.run_until(NOON.plus(3600 + 600));
    assert_eq!(cloud.status(RPM).usage, Some(0.0));
}

#[test]
fn a_flood_after_an_outage_of_publishing_is_counted_wholly() {
    let mut cloud = cloud();
    for id in [US, NOVA] {
        calls(&mut cloud, id, NOON.minute() - 60, NOON.minute() + 180);
        for minute in NOON.minute().until(NOON.minute() + 50) {
            let late = (NOON.minute() + 50 - minute.0).0 as u64 * 60;
            cloud.late_point(id, Metric::Invocations, minute, 100.0, late);
            cloud.late_point(id, Metric::InputTokens, minute, 4_000.0, late);
            cloud.late_point(id, Metric::OutputTokens, minute, 1_000.0, late);
        }
    }
    cloud.round();
    cloud.run_until(NOON.plus(2 * 3600));
    assert_eq!(cloud.total(US, Metric::Invocations), Some(100.0 * 120.0));
    let settled = cloud.now.minus(240).minute().0 - (NOON.minute().0 - 2);
    assert_eq!(charged(&cloud, TPM, US), Some(14_000.0 * settled as f64));
}

#[test]
fn a_workload_that_ends_is_0_a_quarter_of_an_hour_later() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 60, NOON.minute());
    cloud.round();
    cloud.run_until(NOON.plus(900));
    assert_eq!(cloud.status(RPM).usage, Some(0.0));
}

#[test]
fn tokens_are_unknown_while_a_token_metric_of_a_new_id_is_not_listed() {
    let mut cloud = cloud();
    cloud.round();
    let born = NOON.minute() + 5;
    calls(&mut cloud, US, born, born + 60);
    cloud.show_from(US, Metric::InputTokens, born.start().plus(600));
    cloud.show_from(US, Metric::OutputTokens, born.start().plus(900));
    while cloud.now < NOON.plus(2400) {
        cloud.run_until(cloud.now.plus(60));
        let requests = cloud.status(RPM).usage.unwrap();
        let expected = if requests == 0.0 { vec![Some(0.0)] } else { vec![None, Some(14_000.0)] };
        let usage = cloud.status(TPM).usage;
        assert!(expected.contains(&usage), "{usage:?} at {}", cloud.now);
    }
    assert_eq!(cloud.status(TPM).usage, Some(14_000.0));
    let settled = cloud.now.minus(240).minute().0 - born.0;
    assert_eq!(charged(&cloud, TPM, US), Some(14_000.0 * settled as f64));
}

#[test]
fn an_id_that_never_publishes_output_tokens_is_known_once_listmetrics_would_show_them() {
    let mut cloud = cloud();
    cloud.round();
    let born = NOON.minute() + 5;
    for minute in born.until(born + 60) {
        cloud.point(NOVA, Metric::Invocations, minute, 1.0);
        cloud.point(NOVA, Metric::InputTokens, minute, 300.0);
    }
    cloud.run_until(NOON.plus(1800));
    assert_eq!(cloud.status(NOVA_TPM).usage, Some(300.0));
}

#[test]
fn a_day_counts_minutes_without_an_estimate_from_before_a_start_as_after_it() {
    let fill = |cloud: &mut Cloud| {
        let midnight = NOON.day_start().minute();
        calls(cloud, NOVA, midnight, midnight + 1440);
        for minute in midnight.until(midnight + 1440) {
            if minute.0 % 3 > 0 {
                cloud.point(NOVA, Metric::EstimatedTokens, minute, 5_500.0);
            }
        }
    };
    let mut cloud = cloud();
    fill(&mut cloud);
    cloud.restart(NOON.plus(1234)).round();
    cloud.run_until(cloud.now.plus(60));
    let usage = cloud.status(DAY).usage;
    let settled = cloud.now.minus(240).minute();
    let of_minute = |minute: Minute| if minute.0 % 3 > 0 { 5_500.0 } else { 5_000.0 };
    let expected: f64 = NOON.day_start().minute().until(settled).map(of_minute).sum();
    // The newest minutes may still get their estimate; what they show meanwhile is theirs as well.
    let newest: f64 = (settled - 10).until(settled).map(of_minute).sum();
    assert!(usage <= Some(expected) && usage >= Some(expected - newest), "{usage:?}: {expected}");
    cloud.restart(cloud.now).round();
    cloud.run_until(cloud.now.plus(60));
    let again = cloud.status(DAY).usage.unwrap() - usage.unwrap();
    assert!((0.0..=2.0 * 5_500.0).contains(&again), "one or two minutes more after a restart: {again}");
}

#[test]
fn one_minute_without_an_estimate_or_a_burndown_does_not_end_the_counter() {
    let mut cloud = cloud();
    calls(&mut cloud, FABLE, NOON.minute() - 60, NOON.minute() + 120);
    for minute in (NOON.minute() - 60).until(NOON.minute() + 120) {
        if minute != NOON.minute() + 10 {
            cloud.point(FABLE, Metric::EstimatedTokens, minute, 9_000.0);
        }
    }
    cloud.round();
    cloud.run_until(NOON.plus(3600));
    let minutes = cloud.now.minus(240).minute().0 - (NOON.minute().0 - 2);
    let known = 9_000.0 * (minutes - 1) as f64 + 4_000.0;
    assert_eq!(charged(&cloud, FABLE_TPM, FABLE), Some(known), "without the minute's output tokens");
    let uncounted = &cloud.status(FABLE_TPM).uncounted;
    assert_eq!(*uncounted, [(InvocationId::runtime(FABLE), 1_000.0)], "which are said to be missing");
}

#[test]
fn nothing_late_is_counted_twice_across_rounds_of_any_length() {
    for interval in [20, 60, 135, 300] {
        let mut cloud = cloud();
        cloud.settings.usage_interval = interval;
        calls(&mut cloud, US, NOON.minute() - 60, NOON.minute() + 120);
        for (minute, late) in [(3, 400), (4, 1700), (17, 900), (18, 899), (30, 61)] {
            cloud.late_point(US, Metric::InputTokens, NOON.minute() + minute, 9_000.0, late);
        }
        cloud.round();
        let end: Timestamp = NOON.plus(5400);
        cloud.run_until(end);
        let closed = end.minus(120).minute().0 - (NOON.minute().0 - 2);
        let expected = 4_000.0 * closed as f64 + 5.0 * 5_000.0;
        assert_eq!(cloud.total(US, Metric::InputTokens), Some(expected), "every {interval} s");
    }
}
