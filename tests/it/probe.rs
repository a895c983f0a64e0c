//! `probe`: real calls against the simulated runtime, on its own clock, so that minutes take no time.

mod binary;
mod rules;

use bedrock_quota_exporter::aws::{Connection, Environment};
use bedrock_quota_exporter::config;
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::plan::{self, Credentials};
use bedrock_quota_exporter::probe::{
    Bound, Dimension, End, HardLimits, Next, Predicted, Prices, Probe, Reached, Settings, rehearse,
};
use bedrock_quota_exporter::report::probe as report;
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::{Answering, Clock};
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::World;
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// 2026-11-20 12:00 UTC.
const NOON: i64 = 1_795_176_000;
/// 120 requests and 60,000 tokens a minute in the account of labs; nobody else calls it.
const SONNET: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
/// 2,000 requests and 4,000,000 tokens a minute there or more.
const ROOMY: &str = "us.amazon.nova-micro-v1:0";
const SMALL: Predicted = Predicted { requests: Some(120.0), tokens: Some(60_000.0), burndown: Some(5.0) };
const FREE: Prices = Prices { input: 0.0, output: 0.0 };

fn settings(dimensions: &[Dimension]) -> Settings {
    Settings {
        dimensions: dimensions.to_vec(),
        hold: 60.0,
        limits: HardLimits {
            requests: Some(20_000),
            tokens: Some(20_000_000),
            dollars: Some(1.0),
            minutes: Some(120.0),
        },
        prices: Some(FREE),
        predicted: SMALL,
        largest_output: 4096,
    }
}

/// What a run writes, of one that was as predicted.
pub fn document() -> serde_json::Value {
    let rehearsal = rehearse(&settings(Dimension::ALL));
    serde_json::from_str(&report::json(&rules::about(), &rehearsal, &rehearsal)).unwrap()
}

/// The simulated AWS, whose clock stands wherever the probe is.
struct Bench {
    sim: Sim,
    connection: Arc<Connection>,
    now: f64,
}

impl Bench {
    async fn start() -> Bench {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sim = Sim::new(World::demo(1, NOON));
        sim.set_answering(Answering { output_tokens: 10, latency_ms: 0 }).await;
        tokio::spawn(sim.clone().serve(listener, std::future::pending()));
        let mut plan = plan::plan(&config::parse("test", "regions: [us-east-1]\n")).unwrap();
        plan.aws.endpoint_url = Some(url);
        plan.aws.simulated_keys = Some("AKIA000000000002TEST".to_string());
        let build = Build { version: "test", revision: "", mode: "test" };
        let telemetry = Telemetry::new(build, Timestamp(NOON));
        let environment = Environment::load(&plan.aws, Some("us-east-1"), &telemetry).await.unwrap();
        let session = environment.session(&Credentials::Default).await;
        let connection = session.connect(&Target::new("000000000002", "us-east-1"));
        connection.ready(Timestamp(NOON)).await.unwrap();
        Bench { sim, connection: Arc::new(connection), now: NOON as f64 }
    }

    /// Answers take so long that calls made at once are under way together.
    async fn slow_answers(&self) {
        self.sim.set_answering(Answering { output_tokens: 10, latency_ms: 300 }).await;
    }

    async fn set_clock(&mut self, now: f64) {
        self.now = now;
        self.sim.set_clock(Clock::Paced { at: (now * 1e3) as i64, since: 0, times: 0 }).await;
    }

    /// Runs to the end. Calls that are due at the same moment are made at once; then all of them are answered.
    async fn run(&mut self, model_id: &str, settings: Settings) -> Probe {
        let mut probe = Probe::new(settings, self.now);
        let mut calls = JoinSet::new();
        loop {
            match probe.next(self.now) {
                Next::Call(call) => {
                    let (connection, id) = (self.connection.clone(), model_id.to_string());
                    let text = "one ".repeat(call.input as usize);
                    calls.spawn(async move {
                        (call.number, connection.runtime().converse(&id, text, call.max_tokens).await)
                    });
                }
                Next::Wait(until) if calls.is_empty() => self.set_clock(until).await,
                Next::Wait(_) => {
                    while let Some(over) = calls.join_next().await {
                        let (number, answer) = over.unwrap();
                        probe.answered(number, answer, self.now);
                    }
                }
                Next::Done => return probe,
            }
        }
    }
}

fn found(probe: &Probe) -> f64 {
    let [finding] = &probe.findings[..] else { panic!("{:?}", probe.findings) };
    let Reached::Found { value, .. } = finding.reached else { panic!("{:?}", probe.findings) };
    assert_eq!(probe.end, Some(End::Complete));
    value
}

fn assert_near(found: f64, limit: f64) {
    assert!((found / limit - 1.0).abs() < 0.05, "{found}, expected {limit}");
}

#[tokio::test]
async fn requests_and_tokens_are_found_whatever_the_quota_lists_say() {
    // What is predicted is true, is twice the truth, a third of it, or not known.
    let cases = [
        (Dimension::Requests, Some(2.0), 120.0),
        (Dimension::Requests, Some(1.0 / 3.0), 120.0),
        (Dimension::Tokens, Some(1.0), 60_000.0),
        (Dimension::Tokens, None, 60_000.0),
    ];
    for (dimension, share, limit) in cases {
        let predicted = Predicted {
            requests: share.map(|share| 120.0 * share),
            tokens: share.map(|share| 60_000.0 * share),
            ..SMALL
        };
        let mut bench = Bench::start().await;
        let probe = bench.run(SONNET, Settings { predicted, ..settings(&[dimension]) }).await;
        assert_near(found(&probe), limit);
        let text = &probe.book.calls.iter().find_map(|call| {
            let (_, answer) = call.answered.as_ref()?;
            (answer.status == Some(429)).then(|| (answer.message.clone(), answer.request_id.clone()))
        });
        let (message, request_id) = text.clone().unwrap();
        assert!(message.to_lowercase().contains(dimension.word()), "{message}");
        assert_eq!(request_id.unwrap().len(), 36);
    }
}

#[tokio::test]
async fn what_max_tokens_reserve_is_found_though_hardly_any_is_used() {
    let mut bench = Bench::start().await;
    bench.slow_answers().await;
    let probe = bench.run(SONNET, settings(&[Dimension::Reservation])).await;
    assert_near(found(&probe), 60_000.0);
    // Settled use shows nothing of it.
    assert!(probe.book.spending.tokens() < 20_000.0, "{:?}", probe.book.spending);
}

#[tokio::test]
async fn a_model_with_room_ends_the_run_at_its_own_limits() {
    let mut bench = Bench::start().await;
    let told = settings(&[Dimension::Requests, Dimension::Tokens]);
    let limits = HardLimits { requests: Some(200), ..told.limits };
    let predicted = Predicted { requests: Some(200.0), tokens: Some(200_000.0), burndown: Some(1.0) };
    let probe = bench.run(ROOMY, Settings { limits, predicted, ..told }).await;
    assert_eq!(probe.end, Some(End::Limit(Bound::Requests)));
    assert_eq!(probe.book.calls.len(), 200);
    assert!(matches!(probe.findings[0].reached, Reached::Held { level: Some(level) } if level >= 100.0));
    assert!(matches!(probe.findings[1].reached, Reached::Skipped(_)), "{:?}", probe.findings);
}

#[tokio::test]
async fn want_of_capacity_is_no_quota() {
    for kind in [Kind::Status { status: 503, code: None }, Kind::Overloaded { retry_after: Some(7) }] {
        let mut bench = Bench::start().await;
        let mut probe = Probe::new(settings(&[Dimension::Requests]), bench.now);
        let mut sent = Vec::new();
        // The first calls get in.
        while probe.end.is_none() {
            match probe.next(bench.now) {
                Next::Call(call) => {
                    if sent.len() == 5 {
                        let service = Some("bedrock-runtime".to_string());
                        bench.sim.set_faults(vec![Fault { service, ..Fault::new(kind.clone()) }]).await;
                    }
                    sent.push(bench.now);
                    let runtime = bench.connection.runtime();
                    let answer = runtime.converse(SONNET, "one?".to_string(), call.max_tokens).await;
                    probe.answered(call.number, answer, bench.now);
                }
                Next::Wait(until) => bench.set_clock(until).await,
                Next::Done => break,
            }
        }
        assert_eq!(probe.end, Some(End::Capacity));
        assert!(matches!(probe.findings[0].reached, Reached::Capacity { .. }), "{:?}", probe.findings);
        if kind == (Kind::Overloaded { retry_after: Some(7) }) {
            let pauses = sent[5..].windows(2).map(|pair| pair[1] - pair[0]);
            assert!(pauses.clone().all(|pause| pause >= 6.999), "{:?}", pauses.collect::<Vec<_>>());
        }
    }
}
