//! What holds for any traffic.

use crate::cloud::{Cloud, NOON};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::time::Minute;
use bedrock_quota_exporter::model::usage::Metric;
use proptest::collection::vec;
use proptest::prelude::*;

const MODEL: &str = "anthropic.claude-opus-5";
const IDS: [&str; 4] = ["us.anthropic.claude-opus-5", "appaaaaaaaaa", "appbbbbbbbbb", "appccccccccc"];
const SPAN: usize = 40;

/// Calls per id and minute, the last minute being the newest settled one.
fn cloud(traffic: &[Vec<Option<u32>>]) -> Cloud {
    let mut cloud = Cloud::new(NOON);
    cloud.model(MODEL, "Claude Opus 5", "Anthropic");
    cloud.profile(IDS[0], ProfileKind::SystemDefined, MODEL, &["us-east-1", "us-west-2"]);
    for app in &IDS[1..] {
        cloud.profile(app, ProfileKind::Application, MODEL, &["us-east-1", "us-west-2"]);
    }
    let name = |what| format!("Cross-region model inference {what} per minute for Anthropic Claude Opus 5");
    cloud.quota("L-1", &name("requests"), Some(1000.0));
    cloud.quota("L-2", &name("tokens"), Some(1e6));
    for (id, calls) in IDS.iter().zip(traffic) {
        for (minute, &calls) in calls.iter().enumerate() {
            // The newest minutes have a datapoint in any case: without one they may only be late.
            let calls = calls.or((minute + 20 >= SPAN).then_some(0));
            if let Some(calls) = calls {
                cloud.point(id, Metric::Invocations, at(minute), calls.into());
                cloud.point(id, Metric::InputTokens, at(minute), f64::from(calls) * 100.0);
                cloud.point(id, Metric::OutputTokens, at(minute), f64::from(calls) * 7.0);
            }
        }
    }
    cloud
}

fn at(minute: usize) -> Minute {
    NOON.minute() - 4 - (SPAN - minute) as i64
}

fn traffic() -> impl Strategy<Value = Vec<Vec<Option<u32>>>> {
    vec(vec(prop::option::weighted(0.6, 0u32..500), SPAN), IDS.len())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_sum_over_application_profiles_plus_the_rest_is_the_quota_s_usage_minute_by_minute(traffic in traffic()) {
        // With a window of one minute, peak and usage are that minute's.
        for last in SPAN - 5..SPAN {
            let mut cloud = cloud(&traffic);
            cloud.settings.lookback_minutes = 1;
            cloud.restart(at(last).end().plus(240)).round();
            let calls: u32 = traffic.iter().map(|calls| calls[last].unwrap_or(0)).sum();
            prop_assert_eq!(cloud.status("L-1").usage, Some(calls.into()));
            prop_assert_eq!(cloud.status("L-2").usage, Some(f64::from(calls) * (100.0 + 10.0 * 7.0)));
            prop_assert_eq!(cloud.status("L-1").peak, cloud.status("L-1").usage);
        }
    }

    #[test]
    fn the_largest_minute_is_no_less_than_the_mean_of_the_window(traffic in traffic()) {
        let mut cloud = cloud(&traffic);
        cloud.round();
        let sum: u32 = traffic.iter().flat_map(|calls| &calls[SPAN - 15..]).map(|calls| calls.unwrap_or(0)).sum();
        let status = cloud.status("L-1");
        prop_assert!(status.peak.unwrap() >= f64::from(sum) / 15.0);
        prop_assert!(status.peak.unwrap() >= status.usage.unwrap());
        prop_assert!(status.peak_ratio.unwrap() >= status.ratio.unwrap());
    }

    #[test]
    fn reading_minutes_twice_counts_them_once(traffic in traffic(), pauses in vec(1u64..100, 20)) {
        let mut cloud = cloud(&traffic);
        let start = at(SPAN / 2).start().plus(120);
        cloud.settings.usage_interval = 1;
        cloud.settings.counter_hold = 0;
        cloud.restart(start).round();
        for pause in pauses {
            let then = cloud.now.plus(pause);
            cloud.at(then).round();
        }
        let closed = cloud.now.minus(120).minute();
        for (id, calls) in IDS.iter().zip(&traffic) {
            let read = (SPAN / 2..SPAN).filter(|&minute| at(minute) < closed);
            let sum: u32 = read.map(|minute| calls[minute].unwrap_or(0)).sum();
            let total = cloud.total(id, Metric::Invocations).unwrap_or(0.0);
            prop_assert_eq!(total, f64::from(sum), "{}", id);
        }
    }
}
