//! The exporter's own metrics, in one injected value.

pub mod families;

use crate::exposition::family::Family;
use crate::model::ids::words;
use crate::model::observation::{Collector, ErrorClass};
use crate::model::settings::Settings;
use crate::model::shard::Shard;
use crate::model::time::Timestamp;
use prometheus::{
    Counter, CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntGauge, Opts, Registry,
    TextEncoder,
};
use std::sync::Arc;

/// From a healthy call (tens of milliseconds) to the operation timeout with retries.
const CALL_SECONDS: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A handle on the exporter's own metrics; clones share them.
#[derive(Clone)]
pub struct Telemetry {
    registry: Registry,
    run: Arc<Run>,
    aws_requests: CounterVec,
    aws_request_duration: HistogramVec,
    metrics_requested: IntCounter,
    estimated_cost: Counter,
    /// Without labels: a family that can be without samples.
    budget: GaugeVec,
    series: IntGauge,
    targets: IntGauge,
    shard: GaugeVec,
    interval: GaugeVec,
    discovery_up: GaugeVec,
    discovery_errors: CounterVec,
    connections: IntGauge,
    connections_closed: CounterVec,
    writer_turned: IntGauge,
    /// Without labels, as `budget`.
    storage_written: GaugeVec,
    reload_successful: IntGauge,
    web_config_reloaded: IntGauge,
    reload_success_timestamp: IntGauge,
}

words! {
    /// Why the server closed a connection by itself: the label `reason`.
    Closed {
        /// Nothing was asked for minutes.
        Idle = "idle",
        /// The head of a request came too slowly.
        SlowRequest = "slow_request",
        /// An answer was read too slowly.
        SlowAnswer = "slow_answer",
        /// There were too many connections, and none had been idle for longer.
        Limit = "limit",
        /// TLS was not agreed upon in time.
        SlowHandshake = "slow_handshake",
        /// TLS could not be agreed upon.
        Handshake = "handshake",
    }
}

words! {
    /// What is read of AWS to know what to watch: the label `discovery`.
    Discovery {
        /// The accounts of an organization.
        Accounts = "accounts",
        /// The regions that accounts have enabled.
        Regions = "regions",
    }
}

/// What runs.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit it was built from; empty where the build was not told.
pub const REVISION: &str = match option_env!("BEDROCK_QUOTA_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// What runs: the labels of bedrock_exporter_build_info.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    pub version: &'a str,
    /// The commit it was built from; empty where not known.
    pub revision: &'a str,
    /// `serve`, or `demo` where AWS is simulated.
    pub mode: &'a str,
}

/// What runs, and since when.
#[derive(Debug, PartialEq)]
pub struct Run {
    pub version: String,
    pub revision: String,
    pub mode: String,
    pub started: Timestamp,
}

impl Telemetry {
    /// Everything at 0, and the configuration loaded successfully at `now`.
    pub fn new(build: Build<'_>, now: Timestamp) -> Telemetry {
        let registry = Registry::new();
        let info: GaugeVec = register(&registry, &families::BUILD_INFO, GaugeVec::new);
        info.with_label_values(&[build.version, build.revision, build.mode]).set(1.0);
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("registered once");
        let telemetry = Telemetry {
            run: Arc::new(Run {
                version: build.version.to_owned(),
                revision: build.revision.to_owned(),
                mode: build.mode.to_owned(),
                started: now,
            }),
            aws_requests: register(&registry, &families::AWS_REQUESTS, CounterVec::new),
            aws_request_duration: register(&registry, &families::AWS_REQUEST_DURATION, |opts, labels| {
                HistogramVec::new(HistogramOpts::from(opts).buckets(CALL_SECONDS.to_vec()), labels)
            }),
            metrics_requested: single(&registry, &families::METRICS_REQUESTED, IntCounter::with_opts),
            estimated_cost: single(&registry, &families::ESTIMATED_COST, Counter::with_opts),
            budget: register(&registry, &families::BUDGET, GaugeVec::new),
            series: single(&registry, &families::SERIES, IntGauge::with_opts),
            targets: single(&registry, &families::TARGETS, IntGauge::with_opts),
            shard: register(&registry, &families::SHARD, GaugeVec::new),
            interval: register(&registry, &families::COLLECTION_INTERVAL, GaugeVec::new),
            discovery_up: register(&registry, &families::DISCOVERY_UP, GaugeVec::new),
            discovery_errors: register(&registry, &families::DISCOVERY_ERRORS, CounterVec::new),
            connections: single(&registry, &families::CONNECTIONS, IntGauge::with_opts),
            connections_closed: register(&registry, &families::CONNECTIONS_CLOSED, CounterVec::new),
            writer_turned: single(&registry, &families::WRITER_TURNED, IntGauge::with_opts),
            storage_written: register(&registry, &families::STORAGE_WRITTEN, GaugeVec::new),
            web_config_reloaded: single(&registry, &families::WEB_CONFIG_RELOADED, IntGauge::with_opts),
            reload_successful: single(&registry, &families::RELOAD_SUCCESSFUL, IntGauge::with_opts),
            reload_success_timestamp: single(
                &registry,
                &families::RELOAD_SUCCESS_TIMESTAMP,
                IntGauge::with_opts,
            ),
            registry,
        };
        for reason in Closed::ALL {
            telemetry.connections_closed.with_label_values(&[reason.word()]).inc_by(0.0);
        }
        telemetry.writer_turned(now);
        telemetry.set_shard(Shard::default());
        telemetry.reloaded(true, now);
        telemetry.web_config_reloaded(true);
        telemetry
    }

    /// One finished call, for example `("cloudwatch", "GetMetricData", Ok(()), 0.2)`.
    pub fn aws_request(&self, service: &str, operation: &str, outcome: Result<(), ErrorClass>, seconds: f64) {
        let outcome = outcome.map_or_else(ErrorClass::word, |()| "success");
        self.aws_requests.with_label_values(&[service, operation, outcome]).inc();
        self.aws_request_duration.with_label_values(&[service, operation]).observe(seconds);
    }

    /// `count` metrics were requested of GetMetricData, as AWS bills them.
    pub fn metrics_requested(&self, count: u64) {
        self.metrics_requested.inc_by(count);
    }

    /// Calls were made that cost so much, 0 or more.
    pub fn cost_dollars(&self, dollars: f64) {
        self.estimated_cost.inc_by(dollars);
    }

    /// What a plan says: how often is collected, what it may cost, and how many targets there are.
    pub fn planned(&self, settings: &Settings, targets: usize) {
        self.set_targets(targets);
        self.set_interval(Collector::Quotas, settings.quotas_interval as f64);
        self.set_interval(Collector::Catalog, settings.catalog_interval as f64);
        self.set_interval(Collector::Usage, settings.usage_interval as f64);
        self.set_budget(settings.budget);
    }

    /// What the calls may cost, US dollars a day.
    pub fn set_budget(&self, dollars_per_day: Option<f64>) {
        match dollars_per_day {
            Some(dollars) => self.budget.with_label_values::<&str>(&[]).set(dollars),
            None => self.budget.reset(),
        }
    }

    /// The counters were written to their file.
    pub fn stored(&self, now: Timestamp) {
        self.storage_written.with_label_values::<&str>(&[]).set(now.0 as f64);
    }

    /// The newest rendering has so many series.
    pub fn set_series(&self, count: usize) {
        self.series.set(count as i64);
    }

    pub fn set_targets(&self, count: usize) {
        self.targets.set(count as i64);
    }

    /// Which accounts are watched here, where several exporters share them.
    pub fn set_shard(&self, shard: Shard) {
        self.shard.reset();
        let (number, total) = (shard.number().to_string(), shard.total().to_string());
        self.shard.with_label_values(&[&number, &total]).set(f64::from(shard.total()));
    }

    pub fn set_interval(&self, collector: Collector, seconds: f64) {
        self.interval.with_label_values(&[collector.word()]).set(seconds);
    }

    /// A list was read, or could not be. `up`: whether all lists of its kind could be, when last tried.
    pub fn discovered(&self, discovery: Discovery, up: bool, error: Option<ErrorClass>) {
        self.discovery_up.with_label_values(&[discovery.word()]).set(f64::from(up));
        for class in ErrorClass::ALL {
            let counter = self.discovery_errors.with_label_values(&[discovery.word(), class.word()]);
            counter.inc_by(f64::from(error == Some(*class)));
        }
    }

    /// The config asks for no such list any more.
    pub fn undiscovered(&self, discovery: Discovery) {
        let _ = self.discovery_up.remove_label_values(&[discovery.word()]);
    }

    /// So many clients are connected.
    pub fn set_connections(&self, count: usize) {
        self.connections.set(count as i64);
    }

    /// The server closed a connection by itself.
    pub fn connection_closed(&self, reason: Closed) {
        self.connections_closed.with_label_values(&[reason.word()]).inc();
    }

    /// The writer has taken in what came, started what is due, and waits.
    pub fn writer_turned(&self, now: Timestamp) {
        self.writer_turned.set(now.0);
    }

    /// The configuration was loaded anew, or could not be.
    pub fn reloaded(&self, successfully: bool, now: Timestamp) {
        self.reload_successful.set(successfully.into());
        if successfully {
            self.reload_success_timestamp.set(now.0);
        }
    }

    /// The web configuration, or a file that it names, was changed and read anew, or could not be.
    pub fn web_config_reloaded(&self, successfully: bool) {
        self.web_config_reloaded.set(successfully.into());
    }

    /// What runs, and since when.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The estimated price of the calls to CloudWatch since the start, US dollars.
    pub fn dollars(&self) -> f64 {
        self.estimated_cost.get()
    }

    /// Whether the last (re)load of the configuration succeeded, and when one last did.
    pub fn last_load(&self) -> (bool, Timestamp) {
        (self.reload_successful.get() == 1, Timestamp(self.reload_success_timestamp.get()))
    }

    /// Prometheus text, families by name.
    pub fn render(&self) -> String {
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).expect("the registry checked every family")
    }
}

/// Makes the family's metric and registers it. Names, labels and texts are the table's.
fn register<M: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    family: &Family,
    make: impl FnOnce(Opts, &[&str]) -> prometheus::Result<M>,
) -> M {
    let metric = make(Opts::new(family.name, family.full_help()), family.labels).expect("valid names");
    registry.register(Box::new(metric.clone())).expect("registered once");
    metric
}

fn single<M: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    family: &Family,
    make: impl FnOnce(Opts) -> prometheus::Result<M>,
) -> M {
    register(registry, family, |opts, _| make(opts))
}
