//! CloudWatch and Service Quotas as the core sees them, for tests: a truth per id, metric and minute, and
//! the answers that a round gets from it.

use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel, InferenceProfile, ProfileKind};
use bedrock_quota_exporter::model::evaluation::{Evaluation, IdStatus, QuotaStatus, ThrottleStatus};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, Target};
use bedrock_quota_exporter::model::matching::Rules;
use bedrock_quota_exporter::model::observation::{CollectError, Collector, ErrorClass, Observation, Outcome};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota};
use bedrock_quota_exporter::model::request::{Requests, SeriesRequest, UsageRequest};
use bedrock_quota_exporter::model::schedule::{due, follow_up, newly_listed};
use bedrock_quota_exporter::model::settings::Settings;
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::state::TargetState;
use bedrock_quota_exporter::model::time::{Minute, Timestamp};
use bedrock_quota_exporter::model::usage::{InvocationId, ListedId, Metric, SeriesReading, UsageReading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// 2026-11-21T12:00:00Z.
pub const NOON: Timestamp = Timestamp(1_795_262_400);

pub fn settings() -> Settings {
    Settings {
        spread: false,
        delay: 120,
        settle: 240,
        lookback_minutes: 15,
        thresholds: vec![0.5, 0.9],
        usage_interval: 60,
        discovery_interval: 300,
        quotas_interval: 900,
        catalog_interval: 3600,
        service_interval: None,
        parts: true,
        cadence: None,
        budget: None,
        usage_max_age: 900,
        quotas_max_age: 86_400,
        catalog_max_age: 86_400,
        counter_hold: 120,
        statistics: vec![Metric::LatencyP50, Metric::LatencyP99],
        rules: Rules::default(),
        burndown: BTreeMap::new(),
    }
}

/// What AWS would say, and a snapshot that is told by it.
pub struct Cloud {
    pub points: BTreeMap<(InvocationId, Metric), BTreeMap<Minute, f64>>,
    pub quotas: QuotaList,
    pub catalog: Catalog,
    /// What of a minute's value shows until it has settled.
    pub growth: f64,
    /// Series whose answers are not complete, and hold nothing.
    pub failing: BTreeSet<(InvocationId, Metric)>,
    /// Series whose answers are not complete, and hold every other minute.
    pub partial: BTreeSet<(InvocationId, Metric)>,
    /// When a datapoint is published, where that is not within the minute.
    pub published: BTreeMap<(InvocationId, Metric), BTreeMap<Minute, Timestamp>>,
    /// When ListMetrics begins to show a metric, where that is not with its first datapoint.
    pub shown: BTreeMap<(InvocationId, Metric), Timestamp>,
    /// Everything that was answered, and when.
    pub log: Vec<(Timestamp, UsageReading)>,
    pub settings: Settings,
    pub target: Target,
    pub snapshot: Snapshot,
    pub now: Timestamp,
}

impl Cloud {
    pub fn new(now: Timestamp) -> Cloud {
        let target = Target::new("000000000001", "us-east-1");
        Cloud {
            points: BTreeMap::new(),
            quotas: QuotaList { requests: Some(Vec::new()), ..QuotaList::default() },
            catalog: Catalog {
                models: Some(Vec::new()),
                profiles: Some(Vec::new()),
                provisioned: Some(Vec::new()),
                deployments: Some(Vec::new()),
                custom_models: Some(Vec::new()),
                imported: Some(Vec::new()),
                batch_jobs: Some(Vec::new()),
                tags: None,
            },
            growth: 1.0,
            failing: BTreeSet::new(),
            partial: BTreeSet::new(),
            published: BTreeMap::new(),
            shown: BTreeMap::new(),
            log: Vec::new(),
            settings: settings(),
            snapshot: Snapshot::new([target.clone()], now),
            target,
            now,
        }
    }

    /// One datapoint, so many minutes before or after the test's start of time.
    pub fn point(&mut self, id: &str, metric: Metric, minute: Minute, value: f64) {
        let series = self.points.entry((InvocationId::runtime(id), metric)).or_default();
        series.insert(minute, value);
    }

    /// The same, published so many seconds after the minute's end.
    pub fn late_point(&mut self, id: &str, metric: Metric, minute: Minute, value: f64, late: u64) {
        self.point(id, metric, minute, value);
        let published = self.published.entry((InvocationId::runtime(id), metric)).or_default();
        published.insert(minute, minute.end().plus(late));
    }

    /// ListMetrics shows a metric only from then on.
    pub fn show_from(&mut self, id: &str, metric: Metric, at: Timestamp) {
        self.shown.insert((InvocationId::runtime(id), metric), at);
    }

    fn is_published(&self, series: &(InvocationId, Metric), minute: Minute) -> bool {
        let published = self.published.get(series).and_then(|minutes| minutes.get(&minute));
        published.is_none_or(|at| *at <= self.now)
    }

    pub fn quota(&mut self, code: &str, name: &str, limit: Option<f64>) {
        let quotas = &mut self.quotas.quotas;
        quotas.retain(|quota| quota.code != code);
        quotas.push(Arc::new(ServiceQuota {
            code: code.into(),
            name: name.into(),
            applied: limit,
            default: limit,
            listed: limit.is_some(),
            adjustable: Some(true),
            ..ServiceQuota::default()
        }));
        quotas.sort_by(|a, b| a.code.cmp(&b.code));
    }

    pub fn model(&mut self, id: &str, name: &str, provider: &str) {
        self.catalog.models.get_or_insert_default().push(Arc::new(FoundationModel {
            id: id.into(),
            name: Some(name.into()),
            provider: Some(provider.into()),
            inference_types: vec!["ON_DEMAND".into(), "INFERENCE_PROFILE".into()],
            lifecycle: Some("ACTIVE".into()),
            end_of_life: None,
        }));
    }

    pub fn profile(&mut self, id: &str, kind: ProfileKind, model: &str, regions: &[&str]) {
        let arn = |region: &&str| format!("arn:aws:bedrock:{region}::foundation-model/{model}");
        let path = match kind {
            ProfileKind::SystemDefined => "inference-profile",
            ProfileKind::Application => "application-inference-profile",
        };
        self.catalog.profiles.get_or_insert_default().push(Arc::new(InferenceProfile {
            id: id.into(),
            arn: format!("arn:aws:bedrock:us-east-1:000000000001:{path}/{id}"),
            name: Some(id.into()),
            kind,
            model_arns: regions.iter().map(arn).collect(),
        }));
    }

    /// A new exporter comes, and knows nothing.
    pub fn restart(&mut self, now: Timestamp) -> &mut Cloud {
        self.snapshot = Snapshot::new([self.target.clone()], now);
        self.at(now)
    }

    /// A new exporter comes, and goes on where the one before stopped.
    pub fn go_on(&mut self, now: Timestamp) -> &mut Cloud {
        let counters = self.snapshot.counters(&self.settings);
        self.restart(now);
        self.snapshot = self.snapshot.resumed(&counters);
        self
    }

    pub fn at(&mut self, now: Timestamp) -> &mut Cloud {
        self.now = now;
        self
    }

    /// Collects whatever is due now, wholly.
    pub fn round(&mut self) {
        let requests = self.requests();
        let mut outcomes = Vec::new();
        if requests.quotas {
            outcomes.push(self.outcome(Collector::Quotas, Observation::Quotas(self.quotas.clone())));
        }
        if requests.catalog {
            outcomes.push(self.outcome(Collector::Catalog, Observation::Catalog(self.catalog.clone())));
        }
        if let Some(usage) = requests.usage {
            let reading = self.answer(&usage);
            self.log.push((self.now, reading.clone()));
            outcomes.push(self.outcome(Collector::Usage, Observation::Usage(reading)));
        }
        self.advance(outcomes);
    }

    /// Rounds at every interval until `end`, the last one there.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.now < end {
            self.now = self.now.plus(self.settings.usage_interval).min(end);
            self.round();
        }
    }

    /// Whatever is due now fails.
    pub fn failed_round(&mut self) {
        let requests = self.requests();
        let due = [(requests.quotas, Collector::Quotas), (requests.catalog, Collector::Catalog)];
        let due = due.into_iter().chain([(requests.usage.is_some(), Collector::Usage)]);
        let error = CollectError { class: ErrorClass::Network, message: "connection refused".into() };
        let failures = due.filter(|(due, _)| *due).map(|(_, collector)| Outcome {
            observation: None,
            errors: vec![error.clone()],
            ..self.outcome(collector, Observation::Usage(UsageReading::default()))
        });
        let failures = failures.collect();
        self.advance(failures);
    }

    pub fn advance(&mut self, outcomes: Vec<Outcome>) {
        self.snapshot = self.snapshot.advance(&self.settings, outcomes, self.now);
    }

    pub fn requests(&self) -> Requests {
        due(self.state(), &self.settings, self.now)
    }

    pub fn outcome(&self, collector: Collector, observation: Observation) -> Outcome {
        Outcome {
            target: self.target.clone(),
            collector,
            started: self.now,
            seconds: 0.5,
            observation: Some(observation),
            errors: Vec::new(),
        }
    }

    /// What CloudWatch answers now.
    pub fn answer(&self, request: &UsageRequest) -> UsageReading {
        let today = request.today.iter().map(|r| self.series(r)).collect();
        let mut reading = UsageReading { today, ..UsageReading::default() };
        let mut step = request.clone();
        while step.discover || !step.minutes.is_empty() {
            if step.discover {
                let listed = self.listed(request.everything);
                step.minutes.extend(newly_listed(self.state(), &self.settings, request, &listed));
                reading.listed = Some(listed);
            }
            reading.minutes.extend(step.minutes.iter().map(|r| self.series(r)));
            step = follow_up(self.state(), &self.settings, request, &reading, self.now);
        }
        reading
    }

    fn listed(&self, everything: bool) -> Vec<ListedId> {
        let since = self.now.minus(if everything { 14 * 86_400 } else { 3 * 3600 }).minute();
        let mut ids: BTreeMap<InvocationId, Vec<Metric>> = BTreeMap::new();
        for (series, points) in &self.points {
            let mut recent = points.range(since..self.now.minute());
            let shown = self.shown.get(series).is_none_or(|at| *at <= self.now);
            if shown && recent.any(|(minute, _)| self.is_published(series, *minute)) {
                ids.entry(series.0.clone()).or_default().push(series.1);
            }
        }
        ids.into_iter().map(|(id, metrics)| ListedId { id, metrics }).collect()
    }

    fn series(&self, request: &SeriesRequest) -> SeriesReading {
        let SeriesRequest { id, metric, from, until } = request.clone();
        let key = (id.clone(), metric);
        let (failing, partial) = (self.failing.contains(&key), self.partial.contains(&key));
        let points =
            self.points.get(&key).filter(|_| !failing).into_iter().flat_map(|p| p.range(from..until));
        let published = points.filter(|(minute, _)| self.is_published(&key, **minute));
        let shown = published.filter(|(minute, _)| !partial || minute.0 % 2 == 0);
        let points = shown.map(|(&minute, &value)| (minute, self.grown(minute, value))).collect();
        SeriesReading { id, metric, from, until, complete: !failing && !partial, points }
    }

    fn grown(&self, minute: Minute, value: f64) -> f64 {
        let settled = self.now >= minute.end().plus(self.settings.settle - 30);
        if settled { value } else { (value * self.growth).floor() }
    }

    pub fn state(&self) -> &TargetState {
        &self.snapshot.targets[&self.target]
    }

    pub fn evaluation(&self) -> &Evaluation {
        &self.state().evaluation
    }

    pub fn id(&self, id: &str) -> Option<&IdStatus> {
        self.evaluation().ids.iter().find(|status| &*status.id.id == id)
    }

    pub fn total(&self, id: &str, metric: Metric) -> Option<f64> {
        self.id(id).and_then(|status| status.totals.get(metric))
    }

    /// The quota of that code; of day rows and others alike.
    pub fn status(&self, code: &str) -> &QuotaStatus {
        let found = self.evaluation().quotas.iter().find(|status| &*status.quota.key.code == code);
        found.unwrap_or_else(|| panic!("{code} is among the model quotas"))
    }

    pub fn missing(&self, kind: QuotaKind, scope: Scope) -> Option<&QuotaStatus> {
        let rows = self.evaluation().quotas.iter().map(|status| &**status);
        let mut rows = rows.filter(|s| s.quota.key.code.is_empty());
        rows.find(|s| s.quota.key.kind == kind && s.quota.key.scope == scope)
    }

    pub fn throttling(&self, scope: Scope) -> Option<&ThrottleStatus> {
        self.evaluation().throttling.iter().find(|status| status.pool.scope == Some(scope))
    }
}
