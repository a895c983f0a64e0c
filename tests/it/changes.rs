//! Lists and limits that change while usage is held against them: ids that ListMetrics does not show yet, profiles
//! that are deleted, limits that are cut and raised, models whose usage cannot be read.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::exposition::{Export, QuotaExport, render};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::evaluation::{Cause, QuotaStatus};
use bedrock_quota_exporter::model::ids::Scope;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const OPUS: &str = "anthropic.claude-opus-5";
const US: &str = "us.anthropic.claude-opus-5";
const NOVA: &str = "amazon.nova-pro-v1:0";
const TEAM: &str = "teamaaaaaaaa";
const RPM: &str = "L-1";
const TPM: &str = "L-2";
const DAY: &str = "L-3";

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(OPUS, "Claude Opus 5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    cloud.profile(US, ProfileKind::SystemDefined, OPUS, &["us-east-1", "us-west-2"]);
    limit_requests(&mut cloud, 1000.0);
    let tokens = "Cross-region model inference tokens per minute for Anthropic Claude Opus 5";
    cloud.quota(TPM, tokens, Some(600_000.0));
    let day = "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)";
    cloud.quota(DAY, day, Some(1_000_000.0));
    cloud
}

fn limit_requests(cloud: &mut Cloud, limit: f64) {
    let name = "Cross-region model inference requests per minute for Anthropic Claude Opus 5";
    cloud.quota(RPM, name, Some(limit));
}

/// The same calls, and input tokens, in each of these minutes.
fn calls(cloud: &mut Cloud, id: &str, (from, until): (Minute, Minute), calls: f64, tokens: f64) {
    for minute in from.until(until) {
        cloud.point(id, Metric::Invocations, minute, calls);
        cloud.point(id, Metric::InputTokens, minute, tokens);
        cloud.point(id, Metric::OutputTokens, minute, 0.0);
    }
}

/// The last quarter of an hour above so much of the limit, in seconds.
fn above(status: &QuotaStatus, threshold: f64) -> Option<u64> {
    status.above_threshold.iter().find(|(of, _)| *of == threshold).map(|(_, seconds)| *seconds)
}

#[test]
fn a_quota_whose_new_id_is_not_listed_yet_is_unknown_while_all_ids_together_show_its_calls() {
    let mut cloud = cloud();
    cloud.settings.discovery_interval = 900;
    let born = NOON.minute() + 2;
    calls(&mut cloud, NOVA, (NOON.minute() - 60, NOON.minute() + 60), 10.0, 500.0);
    calls(&mut cloud, US, (born, born + 60), 70.0, 501_114.0);
    for minute in (NOON.minute() - 60).until(NOON.minute() + 60) {
        let all = if minute < born { 10.0 } else { 80.0 };
        cloud
            .points
            .entry((InvocationId::account_wide(), Metric::Invocations))
            .or_default()
            .insert(minute, all);
    }
    for metric in [Metric::Invocations, Metric::InputTokens, Metric::OutputTokens] {
        cloud.show_from(US, metric, NOON.plus(720));
    }
    cloud.round();
    let mut unknown = 0;
    while cloud.now < NOON.plus(1800) {
        cloud.run_until(cloud.now.plus(60));
        let status = cloud.status(TPM);
        let is_new = cloud.now.minus(240).minute() > born;
        unknown += usize::from(is_new && status.usage.is_none());
        let right = if is_new { [None, Some(501_114.0)] } else { [None, Some(0.0)] };
        assert!(right.contains(&status.usage), "{:?} at {}", status.usage, cloud.now);
    }
    assert!(unknown > 0, "there were minutes in which nobody could know");
    assert_eq!(cloud.status(TPM).ratio, Some(501_114.0 / 600_000.0));
}

#[test]
fn a_deleted_application_profile_keeps_its_share_of_the_day_and_of_the_peaks() {
    let mut cloud = cloud();
    cloud.settings.catalog_interval = 300;
    cloud.profile(TEAM, ProfileKind::Application, NOVA, &["us-east-1"]);
    let midnight = NOON.day_start().minute();
    calls(&mut cloud, NOVA, (midnight, NOON.minute() + 60), 1.0, 2.0);
    calls(&mut cloud, TEAM, (midnight, NOON.minute()), 100.0, 300.0);
    cloud.round();
    cloud.run_until(NOON.plus(300));
    let spent = cloud.status(DAY).usage.unwrap();
    assert_eq!(spent, 720.0 * 300.0 + 721.0 * 2.0, "the whole morning");
    cloud.catalog.profiles.get_or_insert_default().retain(|profile| profile.id != TEAM);
    while cloud.now < NOON.plus(3600) {
        cloud.run_until(cloud.now.plus(60));
        let settled = cloud.now.minus(240).minute().0 - NOON.minute().0;
        assert_eq!(cloud.status(DAY).usage, Some(spent + 2.0 * (settled - 1) as f64), "{}", cloud.now);
    }
    assert_eq!(cloud.id(TEAM).unwrap().resolution.model.as_deref(), Some(NOVA));
}

/// 30 minutes of `requests` a minute, at a limit that is another one from their middle on, as the rounds show it.
fn change(cloud: &mut Cloud, requests: f64, refused: f64, limit: f64) -> Vec<(Timestamp, QuotaStatus)> {
    cloud.settings.quotas_interval = 300;
    let (from, until) = (NOON.minute() - 60, NOON.minute() + 60);
    calls(cloud, US, (from, until), requests, 10.0);
    for minute in from.until(until).filter(|_| refused > 0.0) {
        cloud.point(US, Metric::Throttles, minute, refused);
    }
    cloud.round();
    cloud.run_until(NOON.plus(900));
    limit_requests(cloud, limit);
    let mut shown = Vec::new();
    while cloud.now < NOON.plus(1800) {
        cloud.run_until(cloud.now.plus(60));
        shown.push((cloud.now, cloud.status(RPM).clone()));
    }
    shown
}

#[test]
fn minutes_before_a_limit_was_cut_are_not_above_the_new_one() {
    let mut cloud = cloud();
    let shown = change(&mut cloud, 286.0, 0.0, 200.0);
    let cut = NOON.plus(900);
    for (at, status) in &shown {
        let since = at.minus(240).since(cut.minute().start()) / 60;
        let above = above(status, 0.9).unwrap();
        assert!(above <= 60 * since, "{above} s at {at}, {since} minutes after the cut");
        let is_over = status.peak_ratio > Some(1.0);
        assert!(!is_over || since > 0, "{:?} at {at}: no minute was so near to its limit", status.peak_ratio);
    }
    let (_, last) = shown.last().unwrap();
    assert_eq!(last.ratio, Some(1.43));
    assert_eq!(last.peak_ratio, Some(1.43), "once minutes under the new limit have settled");
}

#[test]
fn the_observed_ceiling_of_minutes_before_a_limit_was_raised_is_no_reservation() {
    let mut cloud = cloud();
    limit_requests(&mut cloud, 100.0);
    let shown = change(&mut cloud, 95.0, 20.0, 200.0);
    let raise = NOON.plus(900);
    for (at, status) in &shown {
        let is_past = at.minus(240 + 900) < raise;
        let ceiling = status.throttled_ratio.unwrap();
        assert!(!is_past || ceiling == 0.95, "{ceiling} at {at}");
    }
    let causes = cloud.throttling(Scope::CrossRegion).unwrap().cause;
    assert_ne!(causes, Some(Cause::Reservation), "most minutes were refused at the old limit");
}

/// The codes whose limits `quotas.export: in_use` shows.
fn limits_in_use(cloud: &Cloud) -> Vec<&'static str> {
    let export = Export { quotas: QuotaExport::InUse, ..Export::default() };
    let mut page = Vec::new();
    render(&mut page, &cloud.snapshot, &export).unwrap();
    let page = String::from_utf8(page).unwrap();
    let is_shown = |code: &&str| {
        let label = format!("quota_code=\"{code}\"");
        page.lines().any(|line| line.starts_with("bedrock_quota_limit{") && line.contains(&label))
    };
    [RPM, TPM, DAY].into_iter().filter(is_shown).collect()
}

#[test]
fn limits_in_use_stay_while_cloudwatch_fails() {
    let mut cloud = cloud();
    calls(&mut cloud, US, (NOON.minute() - 60, NOON.minute() + 60), 1.0, 10.0);
    cloud.round();
    cloud.run_until(NOON.plus(600));
    assert_eq!(limits_in_use(&cloud), [RPM, TPM]);
    while cloud.now < NOON.plus(600 + 2 * 3600) {
        cloud.at(cloud.now.plus(60)).failed_round();
    }
    assert_eq!(cloud.status(RPM).usage, None, "two hours are too long for usage");
    assert_eq!(limits_in_use(&cloud), [RPM, TPM]);
}

#[test]
fn limits_of_a_model_used_hours_before_a_start_are_in_use() {
    let mut cloud = cloud();
    calls(&mut cloud, US, (NOON.minute() - 500, NOON.minute() - 400), 1.0, 10.0);
    cloud.round();
    cloud.run_until(NOON.plus(600));
    assert_eq!(limits_in_use(&cloud), [RPM, TPM]);
    cloud.restart(NOON.plus(7200)).round();
    assert_eq!(limits_in_use(&cloud), [RPM, TPM]);
}
