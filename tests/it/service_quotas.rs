//! Quotas that are no model's, end to end: what the simulated AWS counts, against what is published; and a second,
//! naive calculation from the simulated AWS's own points.

use crate::cloud::{Cloud, NOON};
use crate::rig::Rig;
use bedrock_quota_exporter::exposition::families;
use bedrock_quota_exporter::model::ids::{Method, Target, UsageSource};
use bedrock_quota_exporter::model::meter::SeriesName;
use bedrock_quota_exporter::model::observation::{Collector, Observation};
use bedrock_quota_exporter::model::quota::UsageMetric;
use bedrock_quota_exporter::model::schedule::service_queries;
use bedrock_quota_exporter::model::service::{Listing, ServiceAnswer, ServiceQuery, ServiceReading};
use bedrock_quota_exporter::model::usage::{Metric, UsageReading};
use bedrock_quota_exporter::sim::desk::Clock;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::counted::{Counted, Guarded};
use bedrock_quota_exporter::sim::world::lists::Lists;
use bedrock_quota_exporter::sim::world::stream::Demand;
use bedrock_quota_exporter::sim::world::{
    Account, Applied, ImportedModel, Publishing, QuotaChange, Region, World,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// 2026-11-20T12:00:00Z.
const START: i64 = 1_795_176_000;
const ACCOUNT: &str = "000000000000";

fn code(name: &str) -> String {
    Lists::public().quotas.iter().find(|quota| quota.name == name).expect(name).code.clone()
}

fn guarded(throttled: f64, active: std::ops::Range<i64>) -> Guarded {
    Guarded {
        calls: Demand::Steady(600.0),
        throttled,
        client_errors: 0.02,
        server_errors: 0.01,
        intervened: 0.05,
        units: vec![("WordPolicy", 2.0), ("ContentPolicy", 1.0)],
        active,
    }
}

fn world(counted: Vec<Counted>, limits: &[(&str, f64)]) -> World {
    let change = |(name, value): &(&str, f64)| QuotaChange {
        code: code(name),
        from: i64::MIN,
        applied: Applied::Value(*value),
    };
    let quotas = limits.iter().map(change).collect();
    let region = Region { name: "us-east-1".into(), counted, quotas, ..Region::default() };
    let account = Account { id: ACCOUNT.into(), regions: vec![region], ..Account::default() };
    World { accounts: vec![account], publishing: Publishing::at_once(), ..World::default() }
}

async fn after(world: World, config: &str, minutes: i64) -> Rig {
    let mut rig = Rig::start(world, config, START).await;
    for minute in 0..=minutes {
        rig.round(START + 60 * minute).await;
    }
    rig
}

fn of(rig: &Rig, family: &str, name: &str) -> Option<f64> {
    let label = format!("quota_code=\"{}\"", code(name));
    rig.find(family, &[&label]).first().map(|(_, value)| *value)
}

const GET_AGENT: &str = "GetAgent requests per second";
const LIST_AGENTS: &str = "ListAgents requests per second";
const BLUEPRINT: &str = "Throttle rate limit for GetBlueprint";
const AGENTS: &str = "Agents per account";
const GROUPS: &str = "Action groups per Agent";
const WORDS: &str = "(Guardrails) On-demand ApplyGuardrail Word filter policy text units per second";
const CONTENT: &str = "(Guardrails) On-demand ApplyGuardrail Content filter policy text units per second";
const REQUESTS: &str = "(Guardrails) On-demand ApplyGuardrail requests per second";

#[tokio::test]
async fn rows_are_measured_by_their_own_metrics_and_guardrails_by_theirs() {
    let mut counted = vec![
        Counted::calls("GetAgent", Demand::Steady(300.0)),
        Counted::calls("ListAgents", Demand::Steady(120.0)),
        Counted::calls("GetBlueprint", Demand::Steady(60.0)),
        Counted::calls("NobodysOperation", Demand::Steady(60.0)),
        Counted::things("Agents", 42.0),
        Counted::things("AGENT1/ActionGroup", 3.0),
        Counted::things("AGENT2/ActionGroup", 7.0),
    ];
    counted.extend(guarded(0.0, i64::MIN..i64::MAX).series());
    let limits = [(GET_AGENT, 10.0), (AGENTS, 100.0), (GROUPS, 20.0), (WORDS, 50.0), (REQUESTS, 0.0)];
    let rig = after(world(counted, &limits), "", 3).await;
    let near = |family: &str, name: &str, expected: f64| {
        let found = of(&rig, family, name).unwrap_or_else(|| panic!("{family} of {name}"));
        assert!((found - expected).abs() <= 0.05 * expected, "{family} of {name}: {found} for {expected}");
    };
    // Calls of a minute over 60: the least that the fullest second held. The hint Maximum would be 1 of a minute.
    near("bedrock_service_quota_usage", GET_AGENT, 5.0);
    near("bedrock_service_quota_utilization_peak_ratio", GET_AGENT, 0.5);
    near("bedrock_service_quota_usage", LIST_AGENTS, 2.0);
    near("bedrock_service_quota_usage", BLUEPRINT, 1.0);
    near("bedrock_service_quota_usage", AGENTS, 42.0);
    near("bedrock_service_quota_utilization_ratio", AGENTS, 0.42);
    near("bedrock_service_quota_usage", GROUPS, 7.0);
    near("bedrock_service_quota_usage", WORDS, 20.0);
    near("bedrock_service_quota_usage", REQUESTS, 10.0);
    assert_eq!(of(&rig, "bedrock_service_quota_utilization_ratio", REQUESTS), None, "a limit of 0");
    assert_eq!(of(&rig, "bedrock_service_quota_usage", CONTENT), None, "two quotas share what is published");
    assert_eq!(of(&rig, "bedrock_service_quota_usage", "(Flows) GetFlow requests per second"), None);
    let info = |name: &str| {
        let label = format!("quota_code=\"{}\"", code(name));
        rig.find("bedrock_service_quota_info", &[&label]).remove(0).0
    };
    for (name, words) in [
        (GET_AGENT, r#"measured_by="usage_metric",bound="lower",unmeasurable="""#),
        (AGENTS, r#"measured_by="usage_metric",bound="exact",unmeasurable="""#),
        (WORDS, r#"measured_by="guardrails",bound="lower",unmeasurable="""#),
        (CONTENT, r#"measured_by="",bound="",unmeasurable="inseparable""#),
        ("(Knowledge Bases) Retrieve requests per second", r#"bound="",unmeasurable="no_usage_metric""#),
        ("Cross-Model Max Tokens Per Day", r#"bound="",unmeasurable="price_weighted""#),
    ] {
        assert!(info(name).contains(words), "{}", info(name));
    }
}

#[tokio::test]
async fn whoever_wants_none_of_it_pays_nothing_for_it_and_others_by_how_near_the_limit_is() {
    let counted = vec![Counted::calls("GetAgent", Demand::Steady(300.0))];
    let near = after(world(counted.clone(), &[(GET_AGENT, 10.0)]), "", 60).await;
    let far = after(world(counted.clone(), &[(GET_AGENT, 100.0)]), "", 60).await;
    let every_round = "usage: {cadence: fixed}";
    let fixed = after(world(counted.clone(), &[(GET_AGENT, 10.0)]), every_round, 60).await;
    let without = after(world(counted, &[(GET_AGENT, 10.0)]), "quotas: {usage_metrics: false}", 60).await;
    // GetMetricData is asked for nothing else in this world.
    let metrics = |rig: &Rig| (rig.telemetry.dollars() / 1e-5).round();
    // From the second minute on, when the row is known: every five minutes, twice, every quarter of an hour.
    assert_eq!([&near, &far, &fixed, &without].map(metrics), [12.0, 2.0, 4.0, 0.0]);
    assert!(of(&far, "bedrock_service_quota_usage", GET_AGENT).is_some());
    assert_eq!(of(&without, "bedrock_service_quota_usage", GET_AGENT), None);
}

/// ListServiceQuotas leaves rows without an applied value out: their metric stands beside their default.
#[tokio::test]
async fn a_row_that_only_the_defaults_list_has_is_measured_by_its_metric() {
    let mut world = world(vec![Counted::calls("GetAgent", Demand::Steady(300.0))], &[]);
    let only_default = QuotaChange { code: code(GET_AGENT), from: i64::MIN, applied: Applied::DefaultOnly };
    world.accounts[0].regions[0].quotas.push(only_default);
    let rig = after(world, "", 3).await;
    let usage = of(&rig, "bedrock_service_quota_usage", GET_AGENT).unwrap();
    assert!((4.8..5.2).contains(&usage), "{usage}");
}

/// Two minutes at six tenths of the limit, right after a reading: they show with the next one, as long as a peak that is
/// found at once, and the row is read sooner from then on.
#[tokio::test]
async fn a_peak_between_two_calm_readings_is_shown_as_long_as_any_other() {
    let of_minutes = |minutes: std::ops::Range<i64>| START + 60 * minutes.start..START + 60 * minutes.end;
    let burst = Counted { active: of_minutes(2..4), ..Counted::calls("GetAgent", Demand::Steady(300.0)) };
    let counted = vec![Counted::calls("GetAgent", Demand::Steady(60.0)), burst];
    let mut rig = after(world(counted, &[(GET_AGENT, 10.0)]), "", 30).await;
    let told = |rig: &Rig| {
        let peak = of(rig, "bedrock_service_quota_utilization_peak_ratio", GET_AGENT).unwrap();
        let until = of(rig, "bedrock_service_quota_complete_until_timestamp_seconds", GET_AGENT).unwrap();
        (peak > 0.5, (until as i64 - START) / 60)
    };
    // Read in the second minute, four minutes after the newest one that had settled.
    assert_eq!(told(&rig), (false, 1 - 4));
    let mut shown = Vec::new();
    for minute in 31..=70 {
        rig.round(START + 60 * minute).await;
        let (peak, until) = told(&rig);
        shown.extend(peak.then_some(minute));
        assert!(until >= minute - 30 - 4, "{until} in minute {minute}");
    }
    // Until the first reading that is a look-back window later.
    assert_eq!((shown.first(), shown.last(), shown.len()), (Some(&31), Some(&45), 15));
}

/// Calls of guardrails are read every five minutes, their refusals in every round; and how many calls there are with them.
#[tokio::test]
async fn the_first_refusal_of_a_guardrail_has_its_share_in_the_same_round() {
    let mut counted = guarded(0.0, i64::MIN..START + 1320).series();
    counted.extend(guarded(0.4, START + 1320..i64::MAX).series());
    let mut rig = after(world(counted, &[]), "", 20).await;
    let only = |rig: &Rig, family: &str, labels: &[&str]| rig.find(family, labels).first().map(|s| s.1);
    for minute in 21..=30 {
        rig.round(START + 60 * minute).await;
        let seconds = only(&rig, "bedrock_guardrail_throttled_seconds", &[]).unwrap();
        if seconds > 0.0 {
            let ratio = only(&rig, "bedrock_guardrail_throttle_ratio", &["window=\"5m\""]).unwrap();
            assert_eq!(seconds, 60.0);
            assert!((0.05..0.15).contains(&ratio), "{ratio} of five minutes, in minute {minute}");
            // A minute is read two minutes after its end.
            assert_eq!(minute, 22 + 1 + 2);
            return;
        }
    }
    panic!("never shown");
}

/// What is listed is searched for anew every quarter of an hour. Refusals do not wait for that to be answered.
#[tokio::test]
async fn refusals_of_guardrails_show_while_nothing_can_be_listed() {
    let mut counted = guarded(0.0, i64::MIN..START + 1320).series();
    counted.extend(guarded(0.4, START + 1320..i64::MAX).series());
    let mut rig = after(world(counted, &[]), "aws: {max_attempts: 1}", 10).await;
    let refused = Kind::Status { status: 500, code: None };
    let down = Fault { operation: Some("ListMetrics".into()), ..Fault::new(refused) };
    rig.sim.set_faults(vec![down]).await;
    for minute in 11..=30 {
        rig.round(START + 60 * minute).await;
    }
    let seconds = rig.find("bedrock_guardrail_throttled_seconds", &[]).first().map(|sample| sample.1);
    assert_eq!(seconds, Some(360.0), "the refusals of minutes 22 to 27");
}

#[tokio::test]
async fn refusals_of_guardrails_show_within_a_round_and_their_share_is_that_of_all_calls() {
    let storm = START + 1200..i64::MAX;
    let mut counted = guarded(0.0, i64::MIN..START + 1200).series();
    counted.extend(guarded(0.4, storm).series());
    let mut rig = after(world(counted, &[]), "", 20).await;
    let ratio =
        |rig: &Rig| rig.find("bedrock_guardrail_throttle_ratio", &["window=\"5m\""]).first().map(|s| s.1);
    assert_eq!(ratio(&rig), Some(0.0));
    for minute in 21..=28 {
        rig.round(START + 60 * minute).await;
    }
    let found = ratio(&rig).unwrap();
    assert!((found - 0.4).abs() < 0.01, "{found}");
    let seconds = rig.find("bedrock_guardrail_throttled_seconds", &[]).remove(0).1;
    assert!((300.0..=420.0).contains(&seconds), "{seconds}");
    let refused = rig.find("bedrock_guardrail_throttles_per_minute", &[]).remove(0).1;
    assert!((225.0..=255.0).contains(&refused), "{refused}");
}

#[tokio::test]
async fn what_was_read_goes_when_it_is_too_old_and_a_failure_costs_nothing_else() {
    let counted = vec![Counted::calls("GetAgent", Demand::Steady(300.0))];
    let mut rig = after(world(counted, &[]), "", 3).await;
    let target = Target::new(ACCOUNT, "us-east-1");
    assert!(of(&rig, "bedrock_service_quota_usage", GET_AGENT).is_some());
    // Three quarters of an hour after it was read in the second minute: half an hour and the maximal age of usage.
    let late = START + 60 + 2701;
    rig.sim.set_clock(Clock::Fixed { now: late }).await;
    rig.snapshot = rig.snapshot.advance(
        &rig.plan.settings,
        Vec::new(),
        bedrock_quota_exporter::model::time::Timestamp(late),
    );
    assert_eq!(of(&rig, "bedrock_service_quota_usage", GET_AGENT), None);
    assert!(rig.snapshot.targets[&target].quotas.is_some());
}

/// What AWS lists and counts beside: batch inference, mantle's undocumented metrics as they are, and things that lists
/// of the catalog hold.
#[tokio::test]
async fn batch_mantle_and_listed_things_are_shown() {
    let mut counted = Vec::from(Counted::pending("amazon.nova-pro-v1:0", 19_000.0, 5.7e7));
    counted.extend(Counted::mantle("anthropic.claude-opus-5", 420_000.0, 4.0));
    let mut world = world(counted, &[("Imported models per account", 8.0)]);
    let imported = |id: &str| ImportedModel {
        id: id.into(),
        name: id.into(),
        architecture: "qwen2".into(),
        created: START - 86_400,
    };
    world.accounts[0].regions[0].imported = ["imp8n3v5c7lk", "imp8n3v5c7lm"].map(imported).into();
    let rig = after(world, "", 2).await;
    let only = |family: &str| rig.find(family, &[]).iter().map(|sample| sample.1).collect::<Vec<_>>();
    assert_eq!(only("bedrock_batch_records_pending"), [19_000.0]);
    assert_eq!(only("bedrock_batch_tokens_pending"), [5.7e7]);
    assert_eq!(only("bedrock_mantle_burndown_consumed"), [420_000.0]);
    assert_eq!(only("bedrock_mantle_equivalent_reservation_units"), [4.0]);
    assert_eq!(of(&rig, "bedrock_service_quota_usage", "Imported models per account"), Some(2.0));
    assert_eq!(
        of(&rig, "bedrock_service_quota_utilization_ratio", "Imported models per account"),
        Some(0.25)
    );
}

/// No row of model inference carries a UsageMetric today. One day one may: then it is measured by it, and that is told.
#[test]
fn a_models_row_with_a_metric_of_its_own_is_measured_by_it() {
    let (mut cloud, id) = (Cloud::new(NOON), "amazon.nova-lite-v1:0");
    cloud.settings.service_interval = Some(900);
    cloud.model(id, "Nova Lite", "Amazon");
    cloud.quota("L-1", "On-demand model inference requests per minute for Amazon Nova Lite", Some(200.0));
    let series = SeriesName::new("AWS/Bedrock", "AdmittedCalls", &[("ModelId", id)]);
    let metric = UsageMetric {
        namespace: "AWS/Bedrock".into(),
        name: "AdmittedCalls".into(),
        dimensions: vec![("ModelId".into(), id.into())],
        statistic: "Sum".into(),
    };
    Arc::make_mut(&mut cloud.quotas.quotas[0]).usage_metric = Some(metric);
    for minute in NOON.minus(3600).minute().until(NOON.plus(600).minute()) {
        cloud.point(id, Metric::Invocations, minute, 30.0);
    }
    cloud.round();
    let at = NOON.plus(60);
    cloud.at(at);
    let asked = cloud.requests().usage.unwrap().service;
    let listing = Listing { namespace: "AWS/Bedrock".into(), service: None };
    assert_eq!(asked.listings.into_iter().collect::<Vec<_>>(), [listing]);
    let listed = vec![series];
    let queries = service_queries(cloud.state(), &cloud.settings, &listed, at);
    let answer = |query: ServiceQuery| {
        let points = query.from.until(query.until).map(|minute| (minute, 150.0)).collect();
        ServiceAnswer { query, complete: true, points }
    };
    let service = ServiceReading { listed: Some(listed), answers: queries.into_iter().map(answer).collect() };
    let reading = UsageReading { service, ..UsageReading::default() };
    let outcome = cloud.outcome(Collector::Usage, Observation::Usage(reading));
    cloud.advance(vec![outcome]);
    let status = cloud.status("L-1");
    assert_eq!((status.usage, status.ratio), (Some(150.0), Some(0.75)));
    assert_eq!((status.quota.method, status.usage_source), (Method::UsageMetric, UsageSource::UsageMetric));
    assert_eq!(cloud.evaluation().model_rows_with_usage_metric, 1);
}

/// The newest minute and the fullest one of every control-plane API of a demo account, computed from the simulated
/// AWS's own points by the row's own metric: what the exporter publishes is the same to the last digit.
#[tokio::test]
async fn a_naive_calculation_from_the_points_agrees() {
    let mut world = World::demo(7, START);
    world.publishing = Publishing::at_once();
    world.accounts.retain(|account| account.id == ACCOUNT);
    world.accounts[0].regions.retain(|region| region.name == "us-east-1");
    let now = START + 180;
    let mut expected: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    {
        let view = world.view(ACCOUNT, "us-east-1", now).unwrap();
        for row in view.quotas() {
            let Some(metric) = row.usage_metric().filter(|metric| metric.name == "CallCount") else {
                continue;
            };
            let dimensions = [
                ("Class", "None"),
                ("Resource", metric.resource),
                ("Service", "Bedrock"),
                ("Type", metric.of),
            ];
            let dimensions = dimensions.map(|(name, value)| (name.to_string(), value.to_string()));
            let tallies = Default::default();
            // The settled minutes at that moment: what ended four minutes ago. Fifteen of them are looked back on.
            let end = (now - 240) / 60 * 60;
            let points = view.read(("AWS/Usage", "CallCount"), &dimensions, 60, end - 900..end, &tallies);
            if let Some((at, newest)) = points.last() {
                assert_eq!(*at, end - 60, "a steady demand");
                let fullest = points.iter().map(|(_, point)| point.sum).fold(0.0, f64::max);
                expected.insert(row.code.to_string(), (newest.sum / 60.0, fullest / 60.0));
            }
        }
    }
    assert!(expected.len() >= 6, "{expected:?}");
    let mut rig = Rig::start(world, "", START).await;
    rig.round(START).await;
    rig.round(now).await;
    for (code, (usage, peak)) in expected {
        let label = format!("quota_code=\"{code}\"");
        let found = |family: &str| rig.find(family, &[&label]).first().map(|sample| sample.1);
        assert_eq!(found("bedrock_service_quota_usage"), Some(usage), "{code}");
        assert_eq!(found("bedrock_service_quota_usage_peak"), Some(peak), "{code}");
    }
}

/// Each of the rows that carry a UsageMetric, with a number of its own: the one that its own series holds.
#[tokio::test]
async fn every_row_with_a_metric_is_measured_by_its_own_series() {
    let bare = world(Vec::new(), &[]);
    let rows = bare.view(ACCOUNT, "us-east-1", START).unwrap().quotas();
    let metered = rows.iter().filter_map(|row| Some((row.code, row.usage_metric()?)));
    let metered: Vec<_> = metered.map(|(code, metric)| (code, metric.name, metric.resource)).collect();
    let series = |(n, (_, metric, resource)): (usize, &(&str, &str, &str))| match *metric {
        "CallCount" => Counted::calls(resource, Demand::Steady(90.0 + 17.0 * n as f64)),
        _ => Counted::things(&resource.replace("${AgentId}", "AGENT1"), 3.0 + n as f64),
    };
    let world = world(metered.iter().enumerate().map(series).collect(), &[]);
    // The second round is the first to know the rows; what ended four minutes before has settled.
    let newest = START + 60 - 240 - 60;
    let expected = |n: usize, metric: &str, resource: &str| {
        if metric != "CallCount" {
            return 3.0 + n as f64;
        }
        let dimensions = [("Class", "None"), ("Resource", resource), ("Service", "Bedrock"), ("Type", "API")];
        let dimensions = dimensions.map(|(name, value)| (name.to_string(), value.to_string()));
        let view = world.view(ACCOUNT, "us-east-1", START + 60).unwrap();
        let name = ("AWS/Usage", "CallCount");
        let points = view.read(name, &dimensions, 60, newest..newest + 60, &Default::default());
        points[0].1.sum / 60.0
    };
    let rig = after(world.clone(), "", 1).await;
    for (n, (code, metric, resource)) in metered.iter().enumerate() {
        let label = format!("quota_code=\"{code}\"");
        let found = rig.find("bedrock_service_quota_usage", &[&label]).first().map(|sample| sample.1);
        assert_eq!(found, Some(expected(n, metric, resource)), "{code}: {metric} of {resource}");
    }
    assert_eq!(metered.len(), 83, "as docs/COVERAGE.md says");
    let measured = rig.find("bedrock_service_quota_info", &["measured_by=\"usage_metric\""]);
    assert_eq!(measured.len(), metered.len());
}

/// What a newcomer's demo cannot show: a model without estimates of which nobody knows what an output token costs, and a
/// budget, which only a config has.
const UNSEEN: [&str; 2] = ["bedrock_quota_uncounted_output_tokens", "bedrock_exporter_budget_degraded"];

#[tokio::test]
async fn the_demo_shows_every_family() {
    let world = World { publishing: Publishing::at_once(), rates: false, ..World::demo(1, START) };
    // From the second round on rows are known that say what is read.
    let rig = after(world, "", 1).await;
    let shown: BTreeSet<String> =
        rig.samples().keys().filter_map(|key| Some(key.split_once('{')?.0.to_string())).collect();
    let names = families::all().map(|row| row.family.name);
    let missing: Vec<&str> = names.filter(|name| !shown.contains(*name)).collect();
    assert_eq!(missing, UNSEEN);
    let errors = rig.find("bedrock_guardrail_client_errors_per_minute", &[]);
    assert!(errors.iter().all(|(_, errors)| (1.0..20.0).contains(errors)), "{errors:?}");
    let processed = rig.find("bedrock_batch_input_tokens_per_minute", &[]);
    assert_eq!(processed.iter().map(|(_, tokens)| *tokens).collect::<Vec<_>>(), [570_000.0]);
}

#[tokio::test]
async fn of_two_rows_of_one_code_that_differ_none_is_taken() {
    let codes = [GET_AGENT, AGENTS].map(code).to_vec();
    let mut world = world(Vec::new(), &[(GET_AGENT, 10.0), (AGENTS, 100.0)]);
    world.accounts[0].regions[0].codes = Some(codes);
    let twice = |operation: &str| Fault {
        operation: Some(operation.to_string()),
        ..Fault::new(Kind::ContradictingQuota)
    };
    for (list, family) in [
        ("ListServiceQuotas", "bedrock_service_quota_applied"),
        ("ListAWSDefaultServiceQuotas", "bedrock_service_quota_default"),
    ] {
        let mut rig = Rig::start(world.clone(), "", START).await;
        rig.sim.set_faults(vec![twice(list)]).await;
        rig.round(START).await;
        assert_eq!(of(&rig, family, GET_AGENT), None, "{list}");
        assert!(of(&rig, family, AGENTS).is_some(), "{list}");
        let target = rig.snapshot.targets.values().next().unwrap();
        let said = target.collectors[&Collector::Quotas].last_error.clone().unwrap_or_default();
        let name = code(GET_AGENT);
        assert!(said.contains(&format!("{list}: {name} is listed as “{GET_AGENT}”: ")), "{said}");
        assert!(said.contains(" and as ") && said.contains(", expected once"), "{said}");
    }
}
