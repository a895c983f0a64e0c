//! The exporter's own metrics.

use crate::prometheus_text::{parse, promtool_check};
use bedrock_quota_exporter::model::observation::{Collector, ErrorClass};
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::telemetry::{Build, Discovery, Telemetry, families};
use std::collections::BTreeMap;

fn telemetry() -> Telemetry {
    Telemetry::new(Build { version: "1.2.3", revision: "abc", mode: "demo" }, Timestamp(1_795_255_200))
}

fn busy() -> Telemetry {
    let telemetry = telemetry();
    let shared = telemetry.clone();
    shared.aws_request("cloudwatch", "GetMetricData", Ok(()), 0.2);
    shared.aws_request("cloudwatch", "GetMetricData", Err(ErrorClass::Throttled), 1.5);
    shared.metrics_requested(500);
    shared.metrics_requested(20);
    shared.cost_dollars(0.0052);
    shared.set_budget(Some(5.0));
    shared.stored(Timestamp(1_795_255_260));
    shared.set_series(1_234);
    shared.set_targets(3);
    shared.set_interval(Collector::Usage, 60.0);
    shared.discovered(Discovery::Accounts, false, Some(ErrorClass::AccessDenied));
    shared.discovered(Discovery::Accounts, true, None);
    shared.reloaded(false, Timestamp(1_795_255_300));
    telemetry
}

#[test]
fn the_exporters_own_metrics() {
    let text = busy().render();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("process_") && !line.contains(" process_")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn they_are_the_tables() {
    let shown = parse(&busy().render());
    let table = families::ALL.iter();
    let expected: BTreeMap<_, _> = table.map(|family| (family.name.to_owned(), family)).collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, family) in shown {
        assert_eq!(family.kind, expected[&name].kind.to_string(), "{name}");
        assert_eq!(family.help, expected[&name].full_help(), "{name}");
        for sample in family.samples {
            let mut labels: Vec<&str> = sample.labels.iter().map(|(label, _)| &**label).collect();
            labels.retain(|label| *label != "le");
            labels.sort_unstable();
            let mut table = expected[&name].labels.to_vec();
            table.sort_unstable();
            assert_eq!(labels, table, "{name}");
        }
    }
}

#[test]
fn a_budget_that_is_taken_away_is_no_longer_shown() {
    let shown = |telemetry: &Telemetry| parse(&telemetry.render()).contains_key(families::BUDGET.name);
    let telemetry = telemetry();
    assert!(!shown(&telemetry));
    telemetry.set_budget(Some(5.0));
    assert!(shown(&telemetry));
    telemetry.set_budget(None);
    assert!(!shown(&telemetry));
}

#[test]
fn promtool_has_nothing_to_say_of_them() {
    assert_eq!(promtool_check(&busy().render()), "");
}

#[test]
fn a_failed_reload_shows_and_keeps_the_time_of_the_last_good_one() {
    let value = |telemetry: &Telemetry, name: &str| parse(&telemetry.render())[name].samples[0].value;
    let telemetry = telemetry();
    let (successful, at) = (families::RELOAD_SUCCESSFUL.name, families::RELOAD_SUCCESS_TIMESTAMP.name);
    assert_eq!((value(&telemetry, successful), value(&telemetry, at)), (1.0, 1_795_255_200.0));
    telemetry.reloaded(false, Timestamp(1_795_255_300));
    assert_eq!((value(&telemetry, successful), value(&telemetry, at)), (0.0, 1_795_255_200.0));
    telemetry.reloaded(true, Timestamp(1_795_255_400));
    assert_eq!((value(&telemetry, successful), value(&telemetry, at)), (1.0, 1_795_255_400.0));
}
