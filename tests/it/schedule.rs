//! What is read when: by need, by interval, and again until it has settled.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::{Catalog, ProfileKind};
use bedrock_quota_exporter::model::observation::{CollectError, Collector, ErrorClass, Observation, Outcome};
use bedrock_quota_exporter::model::request::{Requests, SeriesRequest};
use bedrock_quota_exporter::model::schedule::next_due;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};

const NOVA: &str = "amazon.nova-pro-v1:0";
const SONIC: &str = "amazon.nova-sonic-v1:0";

fn cloud(now: Timestamp) -> Cloud {
    let mut cloud = Cloud::new(now);
    cloud.model(NOVA, "Nova Pro", "Amazon");
    cloud.model(SONIC, "Nova Sonic", "Amazon");
    cloud.quota("L-1", "On-demand model inference tokens per minute for Amazon Nova Pro", Some(1e6));
    cloud.quota(
        "L-2",
        "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)",
        Some(1e9),
    );
    cloud.quota("L-3", "On-demand InvokeModel concurrent requests for Amazon Nova Sonic", Some(20.0));
    for minute in (now.minute() - 900).until(now.minute() + 3000) {
        for (id, metric) in [
            (NOVA, Metric::Invocations),
            (NOVA, Metric::InputTokens),
            (NOVA, Metric::LatencyP50),
            (NOVA, Metric::FirstTokenP50),
            (SONIC, Metric::Invocations),
            (SONIC, Metric::LatencyP50),
        ] {
            cloud.point(id, metric, minute, 1.0);
        }
    }
    cloud
}

fn metrics(requests: &[SeriesRequest], id: &str) -> Vec<Metric> {
    requests.iter().filter(|r| &*r.id.id == id).map(|r| r.metric).collect()
}

#[test]
fn everything_is_due_at_the_start_and_then_each_collector_at_its_interval() {
    let mut cloud = cloud(NOON);
    let first = cloud.requests();
    assert!(first.quotas && first.catalog);
    let usage = first.usage.unwrap();
    assert!(usage.discover && usage.everything && usage.minutes.is_empty() && usage.today.is_empty());

    cloud.round();
    assert_eq!(cloud.requests(), Requests::default());
    assert_eq!(next_due(cloud.state(), &cloud.settings), NOON.plus(60));
    let mut read = Vec::new();
    for second in 1..=3600 {
        cloud.at(NOON.plus(second));
        let requests = cloud.requests();
        let discover = requests.usage.as_ref().is_some_and(|usage| usage.discover);
        assert!(!requests.usage.as_ref().is_some_and(|usage| usage.everything));
        if requests != Requests::default() {
            read.push((requests.quotas, requests.catalog, discover));
            cloud.round();
        }
    }
    assert_eq!(read.len(), 60);
    assert_eq!(read.iter().filter(|read| read.0).count(), 4, "quotas every 15 minutes");
    assert_eq!(read.iter().filter(|read| read.1).count(), 1, "the catalog every hour");
    assert_eq!(read.iter().filter(|read| read.2).count(), 12, "ListMetrics every five minutes");
}

#[test]
fn the_first_reading_covers_every_window() {
    for minutes_past in 0..60 {
        let now = NOON.plus(minutes_past * 60 + 17);
        let request = cloud(now).requests().usage.unwrap();
        let (from, until) = request.new_ids.unwrap();
        assert_eq!(until, now.minute() - 2, "closed minutes only");
        assert!(until.0 - from.0 >= 34, "the longest window is 30 minutes, of settled ones");
    }
}

#[test]
fn one_query_per_id_metric_and_statistic_over_what_may_still_come() {
    let mut cloud = cloud(NOON);
    cloud.round();
    cloud.run_until(NOON.plus(120));
    let minutes = cloud.at(NOON.plus(180)).requests().usage.unwrap().minutes;
    use Metric::*;
    assert_eq!(
        metrics(&minutes, NOVA),
        [Invocations, Throttles, InputTokens, LatencyP50, LatencyP99],
        "what is listed, always throttles, the statistics of the config; no time to first token"
    );
    assert_eq!(
        metrics(&minutes, SONIC),
        [Invocations, Throttles, LatencyAverage, LatencyP50, LatencyP99],
        "the average for a quota of concurrent requests"
    );
    let (from, closed) = (NOON.minute() - 32, NOON.minute() + 1);
    for request in &minutes {
        let wakes = [Invocations, Throttles].contains(&request.metric);
        let until = if wakes { closed + 2 } else { closed };
        assert_eq!(
            (request.from, request.until),
            (from, until),
            "from half an hour before the first unsettled one"
        );
    }
}

#[test]
fn after_an_outage_reading_resumes_half_an_hour_before_the_last_complete_minute_15_days_at_most() {
    let mut cloud = cloud(NOON);
    cloud.round();
    let from = |cloud: &Cloud| cloud.requests().usage.unwrap().minutes[0].from;
    cloud.at(NOON.plus(2 * 86_400));
    assert_eq!(from(&cloud), NOON.minute() - 34);
    cloud.at(NOON.plus(20 * 86_400));
    assert_eq!(from(&cloud), NOON.plus(5 * 86_400).minute() + 1);
}

#[test]
fn after_hours_without_listmetrics_everything_is_listed_again() {
    let mut cloud = cloud(NOON);
    cloud.round();
    assert!(!cloud.at(NOON.plus(2 * 3600)).requests().usage.unwrap().everything);
    assert!(cloud.at(NOON.plus(3 * 3600)).requests().usage.unwrap().everything);
}

#[test]
fn a_known_id_is_read_for_14_days_after_its_last_datapoint() {
    let mut cloud = cloud(NOON);
    cloud.points.retain(|(id, _), _| &*id.id == NOVA);
    for points in cloud.points.values_mut() {
        points.retain(|minute, _| *minute < NOON.minute());
    }
    cloud.round();
    cloud.settings.usage_interval = 3600;
    cloud.run_until(NOON.plus(14 * 86_400 - 3600));
    assert!(!cloud.at(NOON.plus(14 * 86_400)).requests().usage.unwrap().minutes.is_empty());
    cloud.round();
    cloud.run_until(NOON.plus(14 * 86_400 + 7200));
    assert!(cloud.evaluation().ids.is_empty());
}

#[test]
fn day_quotas_ask_for_the_minutes_before_the_start_once() {
    let mut cloud = cloud(NOON.plus(600));
    cloud.round();
    let today = cloud.at(NOON.plus(660)).requests().usage.unwrap().today;
    let request = SeriesRequest {
        id: InvocationId::runtime(NOVA),
        metric: Metric::InputTokens,
        from: NOON.day_start().minute(),
        until: NOON.minute() - 28,
    };
    assert_eq!(today, [request], "token metrics that are listed, of ids that spend a day quota");
    cloud.round();
    assert_eq!(cloud.at(NOON.plus(720)).requests().usage.unwrap().today, []);
}

#[test]
fn a_failed_collector_is_tried_again_with_the_next_usage_round_unless_permission_is_missing() {
    let mut cloud = cloud(NOON);
    cloud.failed_round();
    cloud.at(NOON.plus(59));
    assert_eq!(cloud.requests(), Requests::default());
    cloud.at(NOON.plus(60));
    assert!(cloud.requests().quotas && cloud.requests().catalog && cloud.requests().usage.is_some());
    cloud.round();

    let partial = |cloud: &Cloud, class| Outcome {
        errors: vec![CollectError { class, message: "ListImportedModels".into() }],
        ..cloud.outcome(
            Collector::Catalog,
            Observation::Catalog(Catalog { imported: None, ..cloud.catalog.clone() }),
        )
    };
    for (class, soon) in [(ErrorClass::Throttled, true), (ErrorClass::AccessDenied, false)] {
        let outcome = partial(&cloud, class);
        cloud.advance(vec![outcome]);
        let then = cloud.now.plus(60);
        cloud.at(then);
        assert_eq!(cloud.requests().catalog, soon, "{class}");
    }
}

#[test]
fn quotas_are_read_at_once_when_calls_begin_to_be_refused_below_the_limit() {
    for (accepted, at_once) in [(400.0, true), (950.0, false)] {
        let mut cloud = Cloud::new(NOON);
        cloud.model("cohere.command-r-v1:0", "Command R", "Cohere");
        cloud.profile(
            "us.cohere.command-r-v1:0",
            ProfileKind::SystemDefined,
            "cohere.command-r-v1:0",
            &["us-east-1"],
        );
        cloud.quota(
            "L-1",
            "On-demand model inference requests per minute for Cohere Command R",
            Some(1000.0),
        );
        cloud.quota("L-2", "On-demand model inference tokens per minute for Cohere Command R", Some(1e6));
        for minute in (NOON.minute() - 60).until(NOON.minute() + 60) {
            cloud.point("cohere.command-r-v1:0", Metric::Invocations, minute, accepted);
            if minute >= NOON.minute() + 3 {
                cloud.point("cohere.command-r-v1:0", Metric::Throttles, minute, 30.0);
            }
        }
        cloud.round();
        let seen = (NOON.minute() + 3).end();
        cloud.run_until(seen);
        assert_eq!(cloud.requests().quotas, at_once, "accepted {accepted} of 1000");
        if at_once {
            assert!(next_due(cloud.state(), &cloud.settings) <= seen);
            cloud.round();
            let then = seen.plus(300);
            cloud.run_until(then);
            assert!(!cloud.requests().quotas, "once for one storm");
        }
    }
}
