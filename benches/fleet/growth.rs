//! What targets and ids cost the exporter itself: a state of the core, fed as the daemon feeds it, without AWS.

use crate::process::resident;
use bedrock_quota_exporter::exposition::compress;
use bedrock_quota_exporter::model::budget::DOLLARS_PER_METRIC;
use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel, InferenceProfile, ProfileKind};
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::observation::{Collector, Observation, Outcome};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota};
use bedrock_quota_exporter::model::request::{SeriesRequest, UsageRequest};
use bedrock_quota_exporter::model::schedule::{due, newly_listed};
use bedrock_quota_exporter::model::settings::Settings;
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::state::TargetState;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::model::usage::{
    InvocationId, ListedId, Metric, QUERIES_PER_CALL, SeriesReading, UsageReading,
};
use bedrock_quota_exporter::{config, plan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// A Friday at noon.
const NOON: Timestamp = Timestamp(1_795_176_000);
/// Minutes that pass, each with a round of whatever is due; counted are the last of them.
const ROUNDS: u64 = 20;
const COUNTED: u64 = 15;

/// Each case in a process of its own.
pub fn measure() {
    println!(
        "{:>7}{:>6}{:>10}{:>8}{:>11}{:>11}{:>11}{:>12}{:>9}{:>10}{:>11}",
        "targets",
        "ids",
        "series",
        "MiB",
        "identity",
        "gzip",
        "ms a page",
        "ms a round",
        "calls",
        "metrics",
        "$ a month"
    );
    for (targets, ids) in [(1, 40), (25, 40), (250, 40), (1, 400), (1, 4_000)] {
        let arguments = ["case".to_string(), targets.to_string(), ids.to_string()];
        let done = Command::new(std::env::current_exe().unwrap()).args(arguments).status().unwrap();
        assert!(done.success());
    }
}

/// So many targets with so many ids each; `calls` of GetMetricData and `metrics` billed are those of an hour.
pub fn case(targets: usize, ids: usize) {
    let plan = plan::plan(&config::parse("growth", "regions: [us-east-1]\n")).unwrap();
    let settings = Settings { spread: false, ..plan.settings };
    let lists = Lists::new(ids);
    let named: Vec<Target> = (0..targets).map(|n| Target::new(&format!("{n:012}"), "us-east-1")).collect();
    let before = resident("self", "VmRSS:");
    let mut snapshot = Snapshot::new(named.iter().cloned(), NOON);
    let (mut calls, mut metrics, mut worked) = (0, 0, 0.0);
    for round in 0..=ROUNDS {
        let now = NOON.plus(60 * round);
        for (number, target) in named.iter().enumerate() {
            let outcomes = lists.outcomes(number, &snapshot.targets[target], &settings, now);
            let counted = number == 0 && round > ROUNDS - COUNTED;
            for reading in outcomes.iter().filter(|_| counted) {
                let Some(Observation::Usage(reading)) = &reading.observation else { continue };
                let of = |series: &SeriesReading| (series.id.clone(), series.metric.billed_as());
                metrics += reading.minutes.iter().map(of).collect::<BTreeSet<_>>().len();
                calls += reading.minutes.len().div_ceil(QUERIES_PER_CALL);
            }
            let started = Instant::now();
            snapshot = snapshot.advance(&settings, outcomes, now);
            if round > ROUNDS - COUNTED {
                worked += started.elapsed().as_secs_f64();
            }
        }
    }
    let memory = resident("self", "VmRSS:") - before;
    let started = Instant::now();
    let page = compress(&snapshot, &plan.export).unwrap();
    let drawn = started.elapsed().as_secs_f64() * 1000.0;
    let identity: usize = page.plain().map(|piece| piece.unwrap().len()).sum();
    let an_hour = targets as f64 * 60.0 / COUNTED as f64;
    let (calls, metrics) = (calls as f64 * an_hour, metrics as f64 * an_hour);
    println!(
        "{targets:>7}{ids:>6}{:>10}{memory:>8.1}{identity:>11}{:>11}{drawn:>11.0}{:>12.0}{calls:>9.0}{metrics:>10.0}{:>11.0}",
        page.series,
        page.size(),
        worked * 1000.0 / COUNTED as f64,
        metrics * 730.0 * DOLLARS_PER_METRIC,
    );
}

/// The public lists of us-east-1, and what is called by them.
struct Lists {
    quotas: QuotaList,
    catalog: Catalog,
    ids: Vec<ListedId>,
    numbers: BTreeMap<InvocationId, usize>,
}

impl Lists {
    /// Beyond the public ids, application profiles of their models.
    fn new(ids: usize) -> Lists {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        let quotas = read(include_str!("../../data/service-quotas.json"));
        let models = read(include_str!("../../data/foundation-models.json"));
        let profiles = read(include_str!("../../data/inference-profiles.json"));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_string();
        let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
        let quota = |row: &Value| ServiceQuota {
            code: text(row, "QuotaCode"),
            name: text(row, "QuotaName"),
            applied: Some(1e6),
            default: Some(1e6),
            listed: true,
            adjustable: Some(true),
            ..ServiceQuota::default()
        };
        let mut rows: Vec<Arc<ServiceQuota>> =
            list(&quotas, "Quotas").iter().map(quota).map(Arc::new).collect();
        rows.sort_by(|a, b| a.code.cmp(&b.code));
        rows.dedup_by(|a, b| a.code == b.code);
        let model = |row: &Value| FoundationModel {
            id: text(row, "modelId"),
            name: Some(text(row, "modelName")),
            provider: Some(text(row, "providerName")),
            inference_types: vec!["ON_DEMAND".into()],
            lifecycle: Some("ACTIVE".into()),
            end_of_life: None,
        };
        let profile = |id: String, kind, model: &str| InferenceProfile {
            arn: format!("arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/{id}"),
            name: Some(id.clone()),
            id,
            kind,
            model_arns: vec![format!("arn:aws:bedrock:us-east-1::foundation-model/{model}")],
        };
        let system = list(&profiles, "inferenceProfiles");
        let listed: Vec<(String, String)> =
            system.iter().map(|row| (text(row, "inferenceProfileId"), text(row, "modelId"))).collect();
        let own = (0..ids.saturating_sub(listed.len())).map(|n| {
            let model = listed[n % listed.len()].1.as_str();
            profile(format!("own{n:09}"), ProfileKind::Application, model)
        });
        let public = listed.iter().map(|(id, model)| profile(id.clone(), ProfileKind::SystemDefined, model));
        let profiles: Vec<Arc<InferenceProfile>> = public.chain(own).map(Arc::new).collect();
        let metrics: Vec<Metric> =
            Metric::ALL.iter().copied().filter(|m| value(*m, 0, 0).is_some()).collect();
        let called = profiles
            .iter()
            .take(ids)
            .map(|profile| ListedId { id: InvocationId::runtime(&profile.id), metrics: metrics.clone() });
        let ids: Vec<ListedId> = called.collect();
        Lists {
            numbers: ids.iter().enumerate().map(|(number, listed)| (listed.id.clone(), number)).collect(),
            ids,
            quotas: QuotaList { quotas: rows, requests: Some(Vec::new()), closed: Vec::new() },
            catalog: Catalog {
                models: Some(list(&models, "models").iter().map(model).map(Arc::new).collect()),
                profiles: Some(profiles),
                ..Catalog::default()
            },
        }
    }

    /// What a target's collections bring that are due now.
    fn outcomes(
        &self,
        number: usize,
        state: &TargetState,
        settings: &Settings,
        now: Timestamp,
    ) -> Vec<Outcome> {
        let requests = due(state, settings, now);
        // Three quotas of each target are like no other's.
        let quotas = requests.quotas.then(|| {
            let mut list = self.quotas.clone();
            for row in list.quotas.iter_mut().step_by(300) {
                Arc::make_mut(row).applied = Some(1e6 + number as f64);
            }
            (Collector::Quotas, Observation::Quotas(list))
        });
        let catalog =
            requests.catalog.then(|| (Collector::Catalog, Observation::Catalog(self.catalog.clone())));
        let usage = requests
            .usage
            .map(|request| (Collector::Usage, Observation::Usage(self.reading(state, settings, request))));
        let observed = quotas.into_iter().chain(catalog).chain(usage);
        let outcome = |(collector, observation)| Outcome {
            target: state.target.clone(),
            collector,
            started: now,
            seconds: 0.5,
            observation: Some(observation),
            errors: Vec::new(),
        };
        observed.map(outcome).collect()
    }

    fn reading(&self, state: &TargetState, settings: &Settings, request: UsageRequest) -> UsageReading {
        let mut series = request.minutes.clone();
        if request.discover {
            series.extend(newly_listed(state, settings, &request, &self.ids));
        }
        UsageReading {
            listed: request.discover.then(|| self.ids.clone()),
            minutes: series.into_iter().map(|series| self.series(series)).collect(),
            today: request.today.into_iter().map(|series| self.series(series)).collect(),
            ..UsageReading::default()
        }
    }

    fn series(&self, SeriesRequest { id, metric, from, until }: SeriesRequest) -> SeriesReading {
        let number = self.numbers[&id];
        let point = |minute: i64| value(metric, number, minute);
        let points = from.until(until).filter_map(|minute| Some((minute, point(minute.0)?))).collect();
        SeriesReading { id, metric, from, until, complete: true, points }
    }
}

/// What an id publishes of a metric in a minute.
fn value(metric: Metric, id: usize, minute: i64) -> Option<f64> {
    let calls = (5 + id % 40) as f64 + (minute % 7) as f64;
    Some(match metric {
        Metric::Invocations => calls,
        Metric::InputTokens => 1_500.0 * calls,
        Metric::OutputTokens => 300.0 * calls,
        Metric::CacheReadTokens => 300.0 * calls,
        Metric::CacheWriteTokens => 60.0 * calls,
        Metric::EstimatedTokens => (1_500.0 + 60.0 + 5.0 * 300.0) * calls,
        Metric::LatencyAverage | Metric::LatencyP50 => 900.0 + 1.37 * calls,
        Metric::LatencyP90 | Metric::LatencyP99 | Metric::LatencyMaximum => 4_100.0 + 13.1 * calls,
        Metric::FirstTokenAverage | Metric::FirstTokenP50 => 400.0 + 0.71 * calls,
        Metric::FirstTokenP90 | Metric::FirstTokenP99 | Metric::FirstTokenMaximum => 1_900.0 + 7.3 * calls,
        _ => return None,
    })
}
