//! The classic mistakes of joining usage to quotas, each with a test named after it.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::{BatchJob, ProfileKind, ProvisionedThroughput};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, State, UsageSource};
use bedrock_quota_exporter::model::matching::Unmapped;
use bedrock_quota_exporter::model::observation::{Collector, Observation};
use bedrock_quota_exporter::model::time::Minute;
use bedrock_quota_exporter::model::usage::{InvocationId, ListedId, Metric, SeriesReading, UsageReading};
use std::sync::Arc;

const BASE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const US: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const GLOBAL: &str = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
const APP: &str = "abcdefghijkl";
const OTHER_APP: &str = "mnopqrstuvwx";
const NOVA: &str = "amazon.nova-pro-v1:0";
const US_NOVA: &str = "us.amazon.nova-pro-v1:0";

const RPM: &str = "L-00000001";
const TPM: &str = "L-00000002";
const GLOBAL_TPM: &str = "L-00000003";
const LONG_CONTEXT_TPM: &str = "L-00000004";
const ON_DEMAND_TPM: &str = "L-00000005";
const ON_DEMAND_RPM: &str = "L-00000006";
const NOVA_TPM: &str = "L-00000011";
const US_NOVA_TPM: &str = "L-00000012";
const NOVA_DAY: &str = "L-00000013";
const US_NOVA_RPM: &str = "L-00000014";

/// One Claude model with rows in three scopes, one Nova model with a day row, two application profiles
/// of the geographic Claude profile.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(BASE, "Claude Sonnet 4.5", "Anthropic");
    cloud.model(NOVA, "Nova Pro", "Amazon");
    for model in [BASE, NOVA] {
        cloud.profile(&format!("us.{model}"), ProfileKind::SystemDefined, model, &["us-east-1", "us-west-2"]);
    }
    for app in [APP, OTHER_APP] {
        cloud.profile(app, ProfileKind::Application, BASE, &["us-east-1", "us-west-2"]);
    }
    let sonnet = "Anthropic Claude Sonnet 4.5 V1";
    for (code, name, limit) in [
        (RPM, format!("Cross-region model inference requests per minute for {sonnet}"), 100.0),
        (TPM, format!("Cross-region model inference tokens per minute for {sonnet}"), 100_000.0),
        (GLOBAL_TPM, format!("Global cross-region model inference tokens per minute for {sonnet}"), 50_000.0),
        (
            LONG_CONTEXT_TPM,
            format!("Cross-region model inference tokens per minute for {sonnet} 1M Context Length"),
            1_000_000.0,
        ),
        (ON_DEMAND_TPM, format!("On-demand model inference tokens per minute for {sonnet}"), 10_000.0),
        (ON_DEMAND_RPM, format!("On-demand model inference requests per minute for {sonnet}"), 10.0),
        (NOVA_TPM, "On-demand model inference tokens per minute for Amazon Nova Pro".into(), 20_000.0),
        (US_NOVA_TPM, "Cross-region model inference tokens per minute for Amazon Nova Pro".into(), 40_000.0),
        (US_NOVA_RPM, "Cross-region model inference requests per minute for Amazon Nova Pro".into(), 400.0),
        (
            NOVA_DAY,
            "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)".into(),
            1_000_000.0,
        ),
    ] {
        cloud.quota(code, &name, Some(limit));
    }
    cloud
}

/// The newest settled minute at `NOON`.
fn newest() -> Minute {
    NOON.minute() - 5
}

#[test]
fn maxima_of_different_minutes_added() {
    let mut cloud = cloud();
    cloud.point(US, Metric::Invocations, newest() - 3, 60.0);
    cloud.point(APP, Metric::Invocations, newest() - 7, 50.0);
    cloud.round();
    assert_eq!(cloud.status(RPM).peak, Some(60.0));
    assert_eq!(cloud.status(RPM).peak_ratio, Some(0.6));
}

#[test]
fn peaks_of_models_added_that_did_not_coincide() {
    let mut cloud = cloud();
    for (id, at, tokens) in [(US, 2, 70_000.0), (APP, 4, 60_000.0), (OTHER_APP, 4, 30_000.0)] {
        cloud.point(id, Metric::EstimatedTokens, newest() - at, tokens);
        cloud.point(id, Metric::Invocations, newest() - at, 1.0);
    }
    cloud.round();
    assert_eq!(cloud.status(TPM).peak, Some(90_000.0), "the two that did coincide");
}

#[test]
fn per_second_minute_hour_slips() {
    let mut cloud = cloud();
    for minute in (newest() - 30).until(newest() + 1) {
        cloud.point(US, Metric::Invocations, minute, 90.0);
    }
    cloud.round();
    let status = cloud.status(RPM);
    assert_eq!((status.usage, status.ratio), (Some(90.0), Some(0.9)), "a minute's sum is the minute's usage");
    assert_eq!(status.above_threshold, [(0.5, 900), (0.9, 900)], "15 whole minutes");
    let concurrent = "On-demand InvokeModel concurrent requests for Amazon Nova Pro";
    cloud.quota("L-00000021", concurrent, Some(20.0));
    cloud.point(NOVA, Metric::Invocations, newest(), 30.0);
    cloud.point(NOVA, Metric::LatencyAverage, newest(), 4_000.0);
    cloud.restart(NOON).round();
    cloud.run_until(NOON.plus(60));
    let status = cloud.status("L-00000021");
    assert_eq!(status.usage_source, UsageSource::LittlesLaw);
    assert_eq!(status.peak, Some(2.0), "30 calls a minute of 4 s each are 2 in flight");
}

#[test]
fn minutes_with_only_throttles_dropped() {
    let mut cloud = cloud();
    for minute in (newest() - 9).until(newest() + 1) {
        cloud.point(US, Metric::Throttles, minute, 40.0);
    }
    cloud.round();
    let throttling = cloud.throttling(Scope::CrossRegion).unwrap();
    assert_eq!(throttling.ratio, [("5m", 1.0), ("30m", 1.0), ("1m", 1.0)]);
    assert_eq!(throttling.attempts[1..], [("30m", 400.0), ("1m", 40.0)]);
    assert_eq!(throttling.throttled_seconds, 600);
    assert_eq!(cloud.status(RPM).usage, Some(0.0), "no call was accepted");
    assert_eq!(cloud.status(RPM).throttled_ratio, Some(0.0));
}

#[test]
fn errors_minus_throttles_below_zero() {
    let mut cloud = cloud();
    for (metric, count) in
        [(Metric::Invocations, 20.0), (Metric::Throttles, 30.0), (Metric::ClientErrors, 5.0)]
    {
        cloud.point(US, metric, newest(), count);
    }
    cloud.round();
    let minute = &cloud.id(US).unwrap().minute;
    assert_eq!(minute.get(Metric::ClientErrors), Some(5.0), "counted apart: throttles are no part of errors");
    assert_eq!(minute.get(Metric::ServerErrors), Some(0.0), "an absent count beside a present one");
    assert_eq!(cloud.total(US, Metric::ServerErrors), None, "its counter begins with the first error, at 0");
    assert_eq!(cloud.throttling(Scope::CrossRegion).unwrap().ratio[0], ("5m", 0.6));
    assert_eq!(cloud.status(RPM).usage, Some(20.0), "requests per minute count invocations alone");
}

#[test]
fn observed_zero_taken_for_a_gap() {
    let mut cloud = cloud();
    cloud.point(US, Metric::Invocations, newest() - 20, 5.0);
    cloud.round();
    assert_eq!(cloud.status(RPM).usage, Some(0.0), "a complete answer without datapoints");
    assert_eq!(cloud.status(RPM).peak, Some(0.0));
    assert_eq!(cloud.evaluation().complete_until, Some(NOON.minus(120)), "advances without traffic");
    assert_eq!(cloud.evaluation().newest_datapoint, Some((newest() - 20).start()), "ages");
}

#[test]
fn a_gap_taken_for_an_observed_zero() {
    let mut cloud = cloud();
    cloud.point(US, Metric::Invocations, newest() - 20, 5.0);
    cloud.point(GLOBAL, Metric::OutputTokens, newest() - 20, 5.0);
    cloud.failing.insert((InvocationId::runtime(US), Metric::Invocations));
    cloud.round();
    assert_eq!(cloud.status(RPM).usage, None);
    assert_eq!(cloud.status(RPM).peak, None);
    assert_eq!(cloud.status(GLOBAL_TPM).usage, Some(0.0), "a failed page loses only itself");
    assert!(cloud.id(US).unwrap().minute.get(Metric::Invocations).is_none());
    assert_eq!(cloud.evaluation().complete_until, None);
}

#[test]
fn a_failing_id_taken_for_an_idle_one_in_a_shared_quota() {
    let mut cloud = cloud();
    for minute in (newest() - 30).until(newest() + 10) {
        cloud.point(US, Metric::Invocations, minute, 10.0);
        cloud.point(APP, Metric::Invocations, minute, 30.0);
    }
    cloud.round();
    cloud.failing.insert((InvocationId::runtime(APP), Metric::Invocations));
    cloud.run_until(NOON.plus(300));
    assert_eq!(cloud.status(RPM).usage, Some(40.0), "the newest minute known for all ids");
    cloud.run_until(NOON.plus(1300));
    assert_eq!(cloud.status(RPM).usage, None, "unknown once that is too long ago");
    assert_eq!(cloud.status(TPM).usage, Some(0.0));
}

#[test]
fn cache_metrics_under_two_spellings_added() {
    let mut cloud = cloud();
    cloud.round();
    let series = |metric, complete, points: &[(Minute, f64)]| SeriesReading {
        id: InvocationId::runtime(US_NOVA),
        metric,
        from: newest() - 30,
        until: newest() + 3,
        complete,
        points: points.to_vec(),
    };
    let minutes = vec![
        series(Metric::Invocations, true, &[(newest(), 1.0)]),
        series(Metric::Throttles, true, &[]),
        series(Metric::InputTokens, true, &[]),
        series(Metric::OutputTokens, true, &[]),
        series(Metric::CacheWriteTokens, true, &[(newest(), 700.0), (newest() - 1, 900.0)]),
        series(Metric::CacheWriteTokens, true, &[(newest(), 650.0)]),
    ];
    let tokens = [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens];
    let metrics = [&[Metric::Invocations], &tokens[..]].concat();
    let listed = Some(vec![ListedId { id: InvocationId::runtime(US_NOVA), metrics }]);
    let reading =
        UsageReading { listed: listed.clone(), minutes: minutes.clone(), ..UsageReading::default() };
    let outcome = cloud.outcome(Collector::Usage, Observation::Usage(reading));
    cloud.advance(vec![outcome]);
    let status = cloud.status(US_NOVA_TPM);
    assert_eq!((status.usage, status.peak), (Some(700.0), Some(900.0)));

    let mut half = minutes;
    half[5].complete = false;
    let reading = UsageReading { listed, minutes: half, ..UsageReading::default() };
    cloud.restart(NOON).round();
    let outcome = cloud.outcome(Collector::Usage, Observation::Usage(reading));
    cloud.advance(vec![outcome]);
    let (peak, usage) = (cloud.status(US_NOVA_TPM).peak, cloud.status(US_NOVA_TPM).usage);
    assert_eq!(
        (usage, peak),
        (Some(700.0), Some(700.0)),
        "minutes that one spelling leaves open are unknown"
    );
}

#[test]
fn unaligned_start_time() {
    let mut cloud = cloud();
    cloud.point(US, Metric::Invocations, newest(), 10.0);
    for second in 0..60 {
        cloud.restart(NOON.plus(second)).round();
        let request = cloud.at(NOON.plus(second + 60)).requests().usage.unwrap();
        for series in &request.minutes {
            // Of what may wake somebody, every minute that has ended.
            let wakes = [Metric::Invocations, Metric::Throttles].contains(&series.metric);
            let until = if wakes { NOON.plus(60) } else { NOON.minus(60) };
            assert_eq!(series.until.start(), until, "closed minutes only, whole ones: {}", series.metric);
        }
        assert_eq!(cloud.evaluation().complete_until, Some(NOON.minus(120)));
    }
}

#[test]
fn a_day_row_for_cross_region_calls_at_full_weight() {
    let mut cloud = cloud();
    for (id, tokens) in [(NOVA, 1_000.0), (US_NOVA, 4_000.0)] {
        cloud.point(id, Metric::Invocations, newest() - 100, 1.0);
        cloud.point(id, Metric::InputTokens, newest() - 100, tokens);
        cloud.point(id, Metric::InputTokens, newest(), tokens);
    }
    cloud.round();
    assert_eq!(cloud.status(NOVA_DAY).usage, None, "unknown until the hours are filled");
    cloud.run_until(NOON.plus(60));
    let status = cloud.status(NOVA_DAY);
    assert_eq!(status.usage, Some(2.0 * 1_000.0 + 2.0 * 4_000.0 / 2.0));
    assert_eq!(status.quota.key.scope, Scope::Regional);
}

#[test]
fn an_estimate_added_to_the_tokens_it_estimates() {
    let mut cloud = cloud();
    for minute in [newest(), newest() - 1] {
        cloud.point(US, Metric::Invocations, minute, 2.0);
        cloud.point(US, Metric::InputTokens, minute, 1_000.0);
        cloud.point(US, Metric::OutputTokens, minute, 200.0);
        cloud.point(US, Metric::CacheWriteTokens, minute, 300.0);
        cloud.point(US, Metric::CacheReadTokens, minute, 9_000.0);
    }
    cloud.point(US, Metric::EstimatedTokens, newest(), 2_400.0);
    cloud.round();
    let status = cloud.status(TPM);
    assert_eq!(status.usage, Some(2_400.0), "the estimate wins");
    assert_eq!(status.peak, Some(2_400.0), "1000 + 300 + 5 × 200 = 2300 in the minute without one");
    assert_eq!(status.usage_source, UsageSource::Estimated);
    assert_eq!(status.implied_burndown, Some(5.5));
}

#[test]
fn usage_of_a_model_without_known_burndown_reconstructed() {
    let mut cloud = cloud();
    let fable = "anthropic.claude-fable-5";
    cloud.model(fable, "Claude Fable 5", "Anthropic");
    cloud.quota(
        "L-00000031",
        "On-demand model inference tokens per minute for Anthropic Claude Fable 5",
        Some(9e5),
    );
    for metric in [Metric::Invocations, Metric::InputTokens, Metric::OutputTokens] {
        cloud.point(fable, metric, newest(), 100.0);
    }
    cloud.round();
    let status = cloud.status("L-00000031");
    assert_eq!((status.state, status.usage), (State::Unmeasurable, None));
    assert_eq!(status.usage_source, UsageSource::None);
    cloud.point(fable, Metric::EstimatedTokens, newest(), 700.0);
    cloud.restart(NOON).round();
    let status = cloud.status("L-00000031");
    assert_eq!((status.state, status.usage), (State::Ok, Some(700.0)));
}

#[test]
fn a_share_of_the_long_context_row_guessed() {
    let mut cloud = cloud();
    cloud.point(US, Metric::EstimatedTokens, newest(), 500.0);
    cloud.round();
    let status = cloud.status(LONG_CONTEXT_TPM);
    assert_eq!((status.state, status.usage), (State::Unmeasurable, None));
    assert_eq!(status.quota.limit, Some(1_000_000.0), "its limit is published");
    assert_eq!(cloud.status(TPM).usage, Some(500.0));
}

#[test]
fn default_silently_used_for_a_missing_applied_value() {
    let mut cloud = cloud();
    let quota = cloud.quotas.quotas.iter_mut().find(|quota| quota.code == TPM).unwrap();
    let quota = Arc::make_mut(quota);
    (quota.applied, quota.listed) = (None, false);
    cloud.point(US, Metric::EstimatedTokens, newest(), 50_000.0);
    cloud.round();
    let status = cloud.status(TPM);
    assert_eq!((status.state, status.usage, status.ratio), (State::NotListed, Some(50_000.0), None));
    assert_eq!((status.quota.limit, status.quota.default), (None, Some(100_000.0)));
}

#[test]
fn a_ratio_to_a_zero_quota() {
    let mut cloud = cloud();
    cloud.quota(
        RPM,
        "Cross-region model inference requests per minute for Anthropic Claude Sonnet 4.5 V1",
        Some(0.0),
    );
    cloud.point(US, Metric::Throttles, newest(), 10.0);
    cloud.round();
    let status = cloud.status(RPM);
    assert_eq!((status.state, status.usage, status.ratio), (State::Zero, Some(0.0), None));
    assert!(status.above_threshold.is_empty());
}

#[test]
fn a_missing_quota_taken_for_a_zero_or_another_one() {
    let mut cloud = cloud();
    cloud.point(GLOBAL, Metric::Invocations, newest(), 30.0);
    cloud.round();
    let missing = cloud.missing(QuotaKind::RequestsPerMinute, Scope::Global).unwrap();
    assert_eq!((missing.state, missing.usage, missing.ratio), (State::NoSuchQuota, Some(30.0), None));
    assert_eq!(cloud.status(RPM).usage, Some(0.0), "the cross-region row is not charged");
}

#[test]
fn an_application_profile_of_an_unknown_scope_guessed() {
    let mut cloud = cloud();
    // Its one region may be an on-demand model's, and is a whole geographic profile as well.
    cloud.profile(&format!("kr.{BASE}"), ProfileKind::SystemDefined, BASE, &["ap-northeast-2"]);
    cloud.profile("unknownscope", ProfileKind::Application, BASE, &["ap-northeast-2"]);
    cloud.point("unknownscope", Metric::Invocations, newest(), 40.0);
    cloud.point(US, Metric::Invocations, newest(), 30.0);
    cloud.round();
    assert_eq!(cloud.status(RPM).usage, Some(30.0), "what is known to be charged");
    assert_eq!(cloud.status(ON_DEMAND_RPM).usage, None, "nobody is known to spend it, and somebody may");
    assert_eq!(cloud.status(NOVA_TPM).usage, Some(0.0), "another model's");
    let unmapped = (InvocationId::runtime("unknownscope"), Unmapped::UnknownScope);
    assert_eq!(cloud.evaluation().unmapped, [unmapped]);
    cloud.run_until(NOON.plus(86_400 - 300));
    assert_eq!(cloud.evaluation().unmapped.len(), 1, "kept for 24 hours after the traffic");
    cloud.run_until(NOON.plus(86_400));
    assert_eq!(cloud.evaluation().unmapped, []);
    assert_eq!(cloud.status(ON_DEMAND_RPM).usage, Some(0.0));
}

#[test]
fn jobs_of_other_models_or_units_of_other_throughputs_counted() {
    let mut cloud = cloud();
    let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
    cloud.model(haiku, "Claude 3 Haiku", "Anthropic");
    let batch = "Sum of in-progress and submitted batch inference jobs using a base model for Claude 3 Haiku";
    cloud.quota("L-00000041", batch, Some(20.0));
    let units = "Model units per provisioned model for the 24k context length variant for Amazon Nova Pro";
    cloud.quota("L-00000042", units, Some(10.0));
    cloud.model("amazon.nova-pro-v1:0:24k", "Nova Pro", "Amazon");
    let provisioned = cloud.catalog.models.iter_mut().flatten().last().unwrap();
    Arc::make_mut(provisioned).inference_types = vec!["PROVISIONED".into()];
    let job = |model_id: &str| BatchJob {
        arn: "arn:aws:bedrock:us-east-1:000000000001:model-invocation-job/abc".into(),
        model_id: model_id.into(),
        status: "InProgress".into(),
    };
    cloud.catalog.batch_jobs = Some(vec![
        job(haiku),
        job("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"),
        job("us.anthropic.claude-3-haiku-20240307-v1:0"),
        job(BASE),
        job(
            "arn:aws:bedrock:us-east-1:000000000001:custom-model/anthropic.claude-3-haiku-20240307-v1:0:200k/abc",
        ),
    ]);
    let throughput = |model: &str, units, status: &str| ProvisionedThroughput {
        arn: "arn:aws:bedrock:us-east-1:000000000001:provisioned-model/abc".into(),
        name: "team".into(),
        model_arn: format!("arn:aws:bedrock:us-east-1::foundation-model/{model}"),
        foundation_model_arn: format!("arn:aws:bedrock:us-east-1::foundation-model/{model}"),
        model_units: units,
        desired_model_units: units,
        status: status.into(),
        commitment: None,
        commitment_expires: None,
    };
    cloud.catalog.provisioned = Some(vec![
        throughput("amazon.nova-pro-v1:0:24k", 2.0, "InService"),
        throughput("amazon.nova-pro-v1:0:24k", 1.0, "Updating"),
        throughput("amazon.nova-pro-v1:0:24k", 5.0, "Failed"),
        throughput("amazon.nova-pro-v1:0:300k", 7.0, "InService"),
    ]);
    cloud.round();
    assert_eq!(cloud.status("L-00000041").usage, Some(3.0));
    assert_eq!(cloud.status("L-00000042").usage, Some(2.0), "the limit is one provisioned model's");
    assert_eq!(cloud.status("L-00000042").ratio, Some(0.2));
}
