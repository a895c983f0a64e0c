//! Counters count every minute once: born at 0, no outage, re-read or restart counted twice or not at all.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const ID: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// 10 calls in every minute from an hour before `NOON` on.
fn steady() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    for minute in (NOON.minute() - 60).until(NOON.minute() + 24 * 60) {
        cloud.point(ID, Metric::Invocations, minute, 10.0);
    }
    cloud
}

/// The minutes that a counter counts at `now`: those not yet readable when the exporter came.
fn counted(now: Timestamp) -> f64 {
    10.0 * ((now.0 - NOON.0) / 60) as f64
}

#[test]
fn minutes_read_before_the_start_feed_windows_never_counters() {
    let mut cloud = steady();
    cloud.round();
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(0.0));
    assert_eq!(cloud.id(ID).unwrap().minute.get(Metric::Invocations), Some(10.0));
}

#[test]
fn a_counter_stands_at_0_for_two_scrapes_and_then_holds_everything() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(60));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(0.0));
    cloud.run_until(NOON.plus(180));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now)));
}

#[test]
fn a_held_counter_is_let_go_when_its_time_has_come_without_any_reading() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(60));
    let next = cloud.snapshot.next_change().unwrap();
    assert_eq!(next, NOON.plus(120));
    cloud.at(next).advance(Vec::new());
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(10.0));
}

#[test]
fn reading_a_minute_twice_counts_it_once() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(1200));
    let once = cloud.total(ID, Metric::Invocations);
    cloud.settings.usage_interval = 1;
    cloud.run_until(NOON.plus(1230));
    assert_eq!(cloud.total(ID, Metric::Invocations), once);
    assert_eq!(once, Some(counted(cloud.now)));
}

#[test]
fn a_late_growing_minute_adds_only_what_grew() {
    let mut cloud = steady();
    let late = NOON.minute() + 5;
    cloud.point(ID, Metric::Invocations, late, 4.0);
    cloud.round();
    cloud.run_until(late.end().plus(120));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now) - 6.0));
    cloud.point(ID, Metric::Invocations, late, 25.0);
    cloud.run_until(late.end().plus(240));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now) + 15.0));
}

#[test]
fn a_counter_never_decreases_when_a_stale_answer_holds_less() {
    let mut cloud = steady();
    cloud.round();
    let minute = NOON.minute() + 5;
    cloud.run_until(minute.end().plus(120));
    cloud.points.get_mut(&(InvocationId::runtime(ID), Metric::Invocations)).unwrap().remove(&minute);
    cloud.run_until(minute.end().plus(180));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now)));
}

#[test]
fn an_outage_of_hours_loses_nothing() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(600));
    while cloud.now < NOON.plus(7 * 3600) {
        let next = cloud.now.plus(60);
        cloud.at(next).failed_round();
    }
    cloud.run_until(NOON.plus(8 * 3600));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now)));
}

#[test]
fn one_series_that_fails_for_hours_loses_nothing_and_holds_up_completeness_only() {
    let mut cloud = steady();
    for minute in (NOON.minute() - 60).until(NOON.minute() + 24 * 60) {
        cloud.point(ID, Metric::InputTokens, minute, 100.0);
    }
    cloud.round();
    cloud.run_until(NOON.plus(600));
    cloud.failing.insert((InvocationId::runtime(ID), Metric::InputTokens));
    cloud.run_until(NOON.plus(9 * 3600));
    assert_eq!(cloud.total(ID, Metric::Invocations), Some(counted(cloud.now)));
    assert_eq!(cloud.evaluation().complete_until, Some(NOON.plus(480)));
    cloud.failing.clear();
    cloud.run_until(NOON.plus(10 * 3600));
    assert_eq!(cloud.total(ID, Metric::InputTokens), Some(10.0 * counted(cloud.now)));
    assert_eq!(cloud.evaluation().complete_until, Some(cloud.now.minus(120)));
}

#[test]
fn an_id_that_appears_while_the_exporter_runs_is_counted_from_its_first_minute() {
    let mut cloud = Cloud::new(NOON);
    cloud.round();
    cloud.run_until(NOON.plus(3600));
    let born = cloud.now.minute() - 12;
    for minute in born.until(born + 600) {
        cloud.point(ID, Metric::Throttles, minute, 7.0);
    }
    cloud.run_until(NOON.plus(3600 + 300));
    assert_eq!(cloud.total(ID, Metric::Throttles), Some(0.0), "two scrapes at 0");
    cloud.run_until(NOON.plus(2 * 3600));
    let minutes = cloud.now.minus(120).minute().0 - born.0;
    assert_eq!(cloud.total(ID, Metric::Throttles), Some(7.0 * minutes as f64));
}

#[test]
fn a_restart_counts_no_minute_again() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(3600));
    let before = cloud.total(ID, Metric::Invocations).unwrap();
    cloud.restart(cloud.now).round();
    cloud.run_until(NOON.plus(7200));
    let after = cloud.total(ID, Metric::Invocations).unwrap();
    assert_eq!(before + after, counted(cloud.now));
}

#[test]
fn memory_of_minutes_is_bounded_by_the_windows() {
    let mut cloud = steady();
    cloud.round();
    cloud.run_until(NOON.plus(6 * 3600));
    let request = cloud.at(NOON.plus(6 * 3600 + 60)).requests().usage.unwrap();
    let spans = |wakes: bool| {
        let asked = request
            .minutes
            .iter()
            .filter(move |series| [Metric::Invocations, Metric::Throttles].contains(&series.metric) == wakes);
        asked.map(|series| series.until.0 - series.from.0)
    };
    assert!(spans(false).all(|span| span <= 33), "only what still settles or may come half an hour late");
    assert!(spans(true).all(|span| span <= 33 + 2), "and what is not closed of what may wake somebody");
}
