//! Counters that outlive the process: with what the one before has left, the next one goes on as if it had been there
//! all the time; without, it starts anew.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::counters::Counters;
use bedrock_quota_exporter::model::settings::Cadence;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const OPUS: &str = "anthropic.claude-opus-5";
const US: &str = "us.anthropic.claude-opus-5";
const NOVA: &str = "amazon.nova-pro-v1:0";
const TPM: &str = "L-1";
const NOVA_TPM: &str = "L-2";
const DAY: &str = "L-3";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(OPUS, "Claude Opus 5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    cloud.profile(US, ProfileKind::SystemDefined, OPUS, &["us-east-1", "us-west-2"]);
    let row = |scope, model| format!("{scope} model inference tokens per minute for {model}");
    cloud.quota(TPM, &row("Cross-region", "Anthropic Claude Opus 5"), Some(1e6));
    cloud.quota(NOVA_TPM, &row("On-demand", "Amazon Nova Pro"), Some(1e6));
    let day = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(DAY, day, Some(1e9));
    cloud
}

/// 10 calls more in each minute of an hour, so that no two minutes are alike; Opus burns 10 of quota a token.
fn calls(cloud: &mut Cloud, id: &str, from: Minute, until: Minute) {
    for minute in from.until(until) {
        let n = 100.0 + 10.0 * (minute.0 % 60) as f64;
        cloud.point(id, Metric::Invocations, minute, n);
        cloud.point(id, Metric::InputTokens, minute, 40.0 * n);
        cloud.point(id, Metric::OutputTokens, minute, 10.0 * n);
    }
}

fn sum(cloud: &Cloud, id: &str, metric: Metric, from: Minute, until: Minute) -> f64 {
    let points = cloud.points.get(&(InvocationId::runtime(id), metric));
    points.map_or(0.0, |points| points.range(from..until).map(|(_, value)| value).sum())
}

fn charged(cloud: &Cloud, code: &str, id: &str) -> Option<f64> {
    let charged = &cloud.status(code).charged;
    charged.iter().find(|(of, _)| *of == InvocationId::runtime(id)).map(|(_, charged)| *charged)
}

/// The first minute that a counter counts which is there from NOON on.
fn counted_from() -> Minute {
    NOON.minus(120).minute()
}

/// Runs on, and holds every counter against the one before.
fn run_without_a_fall(cloud: &mut Cloud, end: Timestamp, mut before: (f64, f64)) {
    while cloud.now < end {
        cloud.run_until(cloud.now.plus(cloud.settings.usage_interval).min(end));
        let calls = cloud.total(US, Metric::Invocations).unwrap_or(before.0);
        let tokens = charged(cloud, TPM, US).unwrap_or(before.1);
        assert!((calls, tokens) >= before && tokens >= before.1, "{calls}, {tokens} after {before:?}");
        before = (calls, tokens);
    }
}

fn check(cloud: &Cloud) {
    let closed = cloud.now.minus(120).minute();
    let settled = cloud.now.minus(240).minute();
    for (id, code, burndown) in [(US, TPM, 10.0), (NOVA, NOVA_TPM, 1.0)] {
        let counted = sum(cloud, id, Metric::Invocations, counted_from(), closed);
        assert_eq!(cloud.total(id, Metric::Invocations), Some(counted), "{id}");
        let input = sum(cloud, id, Metric::InputTokens, counted_from(), settled);
        let output = sum(cloud, id, Metric::OutputTokens, counted_from(), settled);
        assert_eq!(charged(cloud, code, id), Some(input + burndown * output), "{id}");
    }
}

#[test]
fn a_restart_that_goes_on_counts_every_minute_once_however_long_nobody_was_there() {
    for absent in [0, 20, 60, 61, 600, 7200, 2 * 86_400] {
        for interval in [60, 150] {
            let mut cloud = cloud();
            cloud.settings.usage_interval = interval;
            for id in [US, NOVA] {
                calls(&mut cloud, id, NOON.minute() - 120, NOON.minute() + 3 * 1440);
            }
            cloud.round();
            cloud.run_until(NOON.plus(1830));
            check(&cloud);
            let before = (cloud.total(US, Metric::Invocations).unwrap(), charged(&cloud, TPM, US).unwrap());
            cloud.go_on(cloud.now.plus(absent)).round();
            check(&cloud);
            let end = cloud.now.plus(1200);
            run_without_a_fall(&mut cloud, end, before);
            check(&cloud);
        }
    }
}

#[test]
fn without_what_was_left_a_restart_starts_anew() {
    let mut cloud = cloud();
    cloud.settings.counter_hold = 0;
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    cloud.restart(NOON.plus(1860)).round();
    assert_eq!(cloud.total(US, Metric::Invocations), Some(0.0));
    let nothing = cloud.snapshot.resumed(&Counters::default());
    assert!(nothing.is_same(&cloud.snapshot));
}

/// Both counters of `US` after its hold, by the default settings.
fn let_go(cloud: &mut Cloud) -> (f64, f64) {
    calls(cloud, US, NOON.minute() - 120, NOON.minute() + 240);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    both(cloud)
}

fn both(cloud: &Cloud) -> (f64, f64) {
    (cloud.total(US, Metric::Invocations).unwrap(), charged(cloud, TPM, US).unwrap())
}

#[test]
fn a_longer_scrape_interval_holds_no_counter_that_was_let_go() {
    let mut cloud = cloud();
    let counted = let_go(&mut cloud);
    assert!(counted.0 > 0.0 && counted.1 > 0.0);
    // A reload: the interval is an hour now, and all that was counted is younger than two.
    cloud.settings.counter_hold = 7200;
    cloud.snapshot = cloud.snapshot.with_targets([cloud.target.clone()], &cloud.settings, cloud.now);
    assert_eq!(both(&cloud), counted, "a fall to 0 would look like a reset");
    run_without_a_fall(&mut cloud, NOON.plus(3600), counted);
    // Nor after a restart.
    let counted = both(&cloud);
    cloud.go_on(NOON.plus(3620)).round();
    assert!(both(&cloud) >= counted);
}

#[test]
fn a_clock_set_back_holds_no_counter_that_was_let_go() {
    for back in [90, 240, 1790, 7200, 200_000] {
        let mut cloud = cloud();
        let counted = let_go(&mut cloud);
        let end = cloud.now;
        cloud.at(end.minus(back)).round();
        assert_eq!(both(&cloud), counted, "{back} s back");
        // Nor after the restart that follows.
        let soon = cloud.now.plus(60);
        cloud.go_on(soon).round();
        run_without_a_fall(&mut cloud, soon.plus(900), counted);
    }
}

#[test]
fn a_counter_born_by_a_clock_that_was_ahead_is_let_go_as_soon_as_any_other() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 240);
    cloud.at(NOON.plus(7200)).round();
    cloud.at(NOON).round();
    cloud.run_until(NOON.plus(60));
    assert_eq!(cloud.total(US, Metric::Invocations), Some(0.0));
    cloud.run_until(NOON.plus(8000));
    assert!(cloud.total(US, Metric::Invocations) > Some(0.0));
    let waits = cloud.snapshot.next_change().is_none_or(|at| at > cloud.now);
    assert!(waits, "nothing is left to be let go");
}

#[test]
fn a_counter_that_goes_on_is_not_held_at_0_and_one_that_was_held_still_is() {
    let mut cloud = cloud();
    cloud.settings.counter_hold = 300;
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    cloud.round();
    cloud.run_until(NOON.plus(60));
    cloud.go_on(NOON.plus(120)).round();
    assert_eq!(cloud.total(US, Metric::Invocations), Some(0.0), "its first addition is still to be seen");
    cloud.run_until(NOON.plus(600));
    let counted = cloud.total(US, Metric::Invocations).unwrap();
    assert!(counted > 0.0);
    cloud.go_on(NOON.plus(620)).round();
    assert!(cloud.total(US, Metric::Invocations) >= Some(counted), "0 would look like a reset");
}

#[test]
fn minutes_published_late_are_counted_across_restarts() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    calls(&mut cloud, NOVA, NOON.minute() - 120, NOON.minute() + 120);
    for (minute, late) in [(3, 400), (10, 1500), (20, 1700), (24, 900), (29, 600)] {
        for metric in [Metric::Invocations, Metric::InputTokens, Metric::OutputTokens] {
            cloud.late_point(US, metric, NOON.minute() + minute, 5_000.0 + minute as f64, late);
        }
    }
    cloud.round();
    let mut before = (0.0, 0.0);
    for restart in [500, 1260, 1500, 1800, 1805, 2400] {
        let end = NOON.plus(restart);
        run_without_a_fall(&mut cloud, end, before);
        before = (cloud.total(US, Metric::Invocations).unwrap(), charged(&cloud, TPM, US).unwrap_or(0.0));
        cloud.go_on(NOON.plus(restart + 15)).round();
    }
    run_without_a_fall(&mut cloud, NOON.plus(2415 + 50 * 60), before);
    check(&cloud);
}

#[test]
fn estimates_that_come_after_a_restart_replace_what_was_charged_without_them() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    for minute in (NOON.minute() - 120).until(NOON.minute() + 120) {
        let late = if minute.0 % 7 == 0 { 1500 } else { 60 };
        cloud.late_point(US, Metric::EstimatedTokens, minute, 77_000.0, late);
    }
    cloud.round();
    for restart in [600, 1200, 1800, 1830] {
        cloud.run_until(NOON.plus(restart));
        cloud.go_on(NOON.plus(restart + 15)).round();
    }
    cloud.run_until(NOON.plus(7200));
    cloud.run_until(cloud.now.plus(2400));
    let minutes = (NOON.minute() + 120).0 - counted_from().0;
    assert_eq!(charged(&cloud, TPM, US), Some(77_000.0 * minutes as f64));
}

#[test]
fn an_answer_that_is_not_whole_after_a_restart_lets_no_counter_fall() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    calls(&mut cloud, NOVA, NOON.minute() - 120, NOON.minute() + 120);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    let before = (cloud.total(US, Metric::Invocations).unwrap(), charged(&cloud, TPM, US).unwrap());
    cloud.partial = cloud.points.keys().cloned().collect();
    cloud.go_on(NOON.plus(1900)).round();
    run_without_a_fall(&mut cloud, NOON.plus(2400), before);
    assert!(cloud.total(US, Metric::Invocations) >= Some(before.0));
    // And once more, before anything was whole again.
    cloud.go_on(NOON.plus(2460)).round();
    run_without_a_fall(&mut cloud, NOON.plus(2700), before);
    cloud.partial.clear();
    run_without_a_fall(&mut cloud, NOON.plus(5400), before);
    check(&cloud);
}

#[test]
fn ids_that_came_while_nobody_was_there_are_counted_from_their_first_minute() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 300);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    calls(&mut cloud, NOVA, NOON.minute() + 35, NOON.minute() + 300);
    cloud.go_on(NOON.plus(3 * 3600)).round();
    cloud.run_until(cloud.now.plus(1800));
    check(&cloud);
    let today = cloud.status(DAY).usage.unwrap();
    let settled = cloud.now.minus(240).minute();
    let tokens = |metric| sum(&cloud, NOVA, metric, NOON.minute(), settled);
    assert_eq!(today, tokens(Metric::InputTokens) + tokens(Metric::OutputTokens), "the day is read back");
}

#[test]
fn an_id_that_is_idle_at_the_restart_is_counted_when_it_wakes() {
    let adaptive = Cadence { hot_ratio: 0.5, normal_interval: 300, idle_interval: 900, idle_after: 3600 };
    let mut cloud = cloud();
    cloud.settings.cadence = Some(adaptive);
    calls(&mut cloud, NOVA, NOON.minute() - 120, NOON.minute() + 600);
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 30);
    calls(&mut cloud, US, NOON.minute() + 200, NOON.minute() + 260);
    cloud.round();
    cloud.run_until(NOON.plus(190 * 60));
    let counted = cloud.total(US, Metric::Invocations);
    cloud.go_on(NOON.plus(205 * 60)).round();
    assert!(cloud.total(US, Metric::Invocations) >= counted);
    cloud.run_until(NOON.plus(360 * 60));
    let until = NOON.minute() + 300;
    let all = |metric| sum(&cloud, US, metric, counted_from(), until);
    assert_eq!(cloud.total(US, Metric::Invocations), Some(all(Metric::Invocations)));
    let tokens = all(Metric::InputTokens) + 10.0 * all(Metric::OutputTokens);
    assert_eq!(charged(&cloud, TPM, US), Some(tokens));
}

#[test]
fn what_was_left_survives_a_process_that_read_nothing() {
    let mut cloud = cloud();
    calls(&mut cloud, US, NOON.minute() - 120, NOON.minute() + 120);
    calls(&mut cloud, NOVA, NOON.minute() - 120, NOON.minute() + 120);
    cloud.round();
    cloud.run_until(NOON.plus(1800));
    let left = cloud.snapshot.counters(&cloud.settings);
    cloud.go_on(NOON.plus(1900)).failed_round();
    assert_eq!(cloud.snapshot.counters(&cloud.settings), left);
    cloud.go_on(NOON.plus(2400)).round();
    check(&cloud);
    let unwatched = Counters::default().beside(&left, NOON.plus(86_400));
    assert_eq!(unwatched, left, "of an account that is not known yet");
    let forgotten = Counters::default().beside(&left, NOON.plus(16 * 86_400));
    assert_eq!(forgotten, Counters::default(), "CloudWatch has none of its minutes any more");
}
