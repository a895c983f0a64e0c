//! Account 000000000000: busy, and near its limits.

use super::control_planes;
use super::rows::{DAY, Rows, daily, embeddings, region, stream};
use crate::sim::world::stream::{Call, Demand, Endpoint, Stream, Tier};
use crate::sim::world::{
    ApplicationProfile, Applied, BatchJob, IncreaseRequest, ProvisionedThroughput, Region,
};
use std::collections::BTreeMap;

/// Two projects of the runtime endpoint, and the team that the first one is tagged with.
const CRAWLER: &str = "proj_crawler2n6tq4zk7wbvc";
const EVALS: &str = "proj_evals3k5rm2xjq7ht6dn";

const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

pub(super) fn regions(rows: &Rows, start: i64) -> Vec<Region> {
    vec![us_east_1(rows, start), us_west_2(rows, start), eu_central_1(rows), ap_northeast_1(rows)]
}

fn us_east_1(rows: &Rows, start: i64) -> Region {
    let tokens = |model| format!("Cross-region model inference tokens per minute for {model}");
    let request = |row: String, desired, status: &str, (created, updated)| IncreaseRequest {
        code: rows.code(&row),
        desired,
        status: status.into(),
        created: start - created,
        updated: start - updated,
    };
    let deepseek = "Cross-region model inference requests per minute for DeepSeek R1 V1".to_string();
    Region {
        streams: vec![
            near_its_tokens(rows),
            one_of_three(rows, HAIKU, 450.0),
            one_of_three(rows, "srch7f3k2m9q", 300.0),
            one_of_three(rows, "supp4d8w1x6z", 150.0),
            throttled_by_requests(rows),
            without_a_requests_quota(rows),
            mantle(rows, "proj_checkout", 60.0),
            mantle(rows, "proj_research", 25.0),
        ],
        profiles: vec![application("srch7f3k2m9q", "search"), application("supp4d8w1x6z", "support")],
        project_tags: BTreeMap::from([
            (CRAWLER.into(), BTreeMap::from([("team".into(), "search".into())])),
            (EVALS.into(), BTreeMap::new()),
        ]),
        requests: vec![
            request(tokens("Anthropic Claude Sonnet 4.5 V1"), 20e6, "CASE_OPENED", (9 * DAY, 2 * DAY)),
            request(tokens("Anthropic Claude Haiku 4.5"), 5e6, "CASE_CLOSED", (40 * DAY, 33 * DAY)),
            request(deepseek, 400.0, "NOT_APPROVED", (6 * DAY, 5 * 3600)),
        ],
        counted: control_planes::busy(rows),
        ..region("us-east-1")
    }
}

/// 850 calls × (3000 + 5 × 500) tokens of 5,000,000.
fn near_its_tokens(rows: &Rows) -> Stream {
    Stream {
        call: Call { input: 3000.0, output: 500.0, first_token_ms: Some(900.0), ..Call::default() },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Sonnet 4.5 V1"),
        context_windows: vec![("200K".into(), 0.9), ("1M".into(), 0.1)],
        ..stream("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Demand::Steady(850.0))
    }
}

/// A geographic profile and two application profiles copied from it.
fn one_of_three(rows: &Rows, id: &str, rate: f64) -> Stream {
    Stream {
        call: Call { input: 1800.0, output: 220.0, first_token_ms: Some(420.0), ..Call::default() },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Haiku 4.5"),
        ..stream(id, daily(rate * 0.5, rate))
    }
}

fn application(id: &str, team: &str) -> ApplicationProfile {
    let tags = BTreeMap::from([("team".into(), team.into()), ("cost-center".into(), "4711".into())]);
    ApplicationProfile { id: id.into(), name: format!("{team}-assistant"), source: HAIKU.into(), tags }
}

/// 260 calls of 200, 400 tokens each.
fn throttled_by_requests(rows: &Rows) -> Stream {
    Stream {
        call: Call { input: 250.0, output: 150.0, ..Call::default() },
        charges: rows.cross_region("DeepSeek R1 V1"),
        retries: 2,
        tiers: vec![Tier::new("default", 0.8), Tier::new("flex", 0.2)],
        projects: vec![(CRAWLER.into(), 0.7), (EVALS.into(), 0.2)],
        ..stream("us.deepseek.r1-v1:0", Demand::Steady(260.0))
    }
}

fn without_a_requests_quota(rows: &Rows) -> Stream {
    Stream {
        call: Call { input: 6000.0, output: 900.0, latency_ms: 14_000.0, ..Call::default() },
        burndown: 10.0,
        charges: rows.global("Anthropic Claude Opus 5"),
        ..stream("global.anthropic.claude-opus-5", daily(200.0, 900.0))
    }
}

fn mantle(rows: &Rows, project: &str, rate: f64) -> Stream {
    let quota =
        |direction| format!("[bedrock-mantle endpoint] {direction} tokens per minute for Claude Opus 5");
    Stream {
        endpoint: Endpoint::Mantle { project: project.into() },
        call: Call { input: 5000.0, output: 700.0, client_errors: 0.02, ..Call::default() },
        charges: rows.named(&[&quota("Input"), &quota("Output")]),
        ..stream("anthropic.claude-opus-5", daily(rate * 0.3, rate))
    }
}

fn us_west_2(rows: &Rows, start: i64) -> Region {
    let committed = "arn:aws:bedrock:us-west-2:000000000000:provisioned-model/pt7k2m4x9qva";
    let units = "Model units per provisioned model for Meta Llama 3.1 70B Instruct";
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    Region {
        streams: vec![
            throttled_by_reservation(rows),
            Stream { estimated: false, ..stream(committed, daily(20.0, 80.0)) },
            images(rows),
            embeddings(rows, "amazon.titan-embed-text-v2:0", "Amazon Titan Text Embeddings V2", 700.0),
        ],
        provisioned: vec![ProvisionedThroughput {
            id: "pt7k2m4x9qva".into(),
            name: "llama-70b-search".into(),
            model_id: "meta.llama3-1-70b-instruct-v1:0:128k".into(),
            units: 2,
            desired_units: 3,
            status: "Updating".into(),
            commitment: Some(("OneMonth".into(), start + 9 * DAY)),
            created: start - 21 * DAY,
        }],
        quotas: vec![rows.holds(units, Applied::Value(4.0))],
        jobs: vec![
            job(["b1q8w2e5r7ty", "nightly-tags", sonnet, "InProgress"], start - 5400, 31_000),
            job(["b2m4n6b8v1cx", "backfill-2026", &format!("us.{sonnet}"), "Submitted"], start - 600, 0),
            job(
                ["b3z7x5c3v1bn", "backfill-2025", "amazon.nova-lite-v1:0", "Completed"],
                start - 2 * DAY,
                50_000,
            ),
        ],
        counted: control_planes::waiting(&BTreeMap::from([(sonnet, (19_000.0, 57e6))])),
        ..region("us-west-2")
    }
}

/// A call reserves 40,000 tokens and settles to 16,000: 150 of 250 fit into 6,000,000.
fn throttled_by_reservation(rows: &Rows) -> Stream {
    let call = Call { input: 8000.0, output: 1600.0, max_tokens: 32_000.0, ..Call::default() };
    Stream {
        call: Call { latency_ms: 21_000.0, ..call },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
        ..stream("us.anthropic.claude-sonnet-4-6", Demand::Steady(250.0))
    }
}

fn images(rows: &Rows) -> Stream {
    let requests = "On-demand model inference requests per minute for Stability.ai Stable Image Core";
    Stream {
        call: Call { input: 0.0, output: 0.0, images: 1.0, latency_ms: 6000.0, ..Call::default() },
        charges: rows.named(&[requests]),
        estimated: false,
        image_size: Some("1024x1024".into()),
        ..stream("stability.stable-image-core-v1:1", daily(5.0, 40.0))
    }
}

/// A batch job of 50,000 records; id, name, model and status.
fn job([id, name, model_id, status]: [&str; 4], submitted: i64, processed: u64) -> BatchJob {
    BatchJob {
        id: id.into(),
        name: name.into(),
        model_id: model_id.into(),
        status: status.into(),
        submitted,
        records: 50_000,
        processed,
    }
}

fn eu_central_1(rows: &Rows) -> Region {
    let call =
        Call { input: 900.0, output: 350.0, cache_read: 6000.0, cache_write: 700.0, ..Call::default() };
    let office = Demand::Daily { low: 60.0, high: 900.0, peak_hour: 10.0, bursts: 0.04 };
    let sonnet = Stream {
        call: Call { first_token_ms: Some(800.0), ..call },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
        ..stream("eu.anthropic.claude-sonnet-4-6", office)
    };
    Region { streams: vec![sonnet], account_wide: false, ..region("eu-central-1") }
}

fn ap_northeast_1(rows: &Rows) -> Region {
    let office = Demand::Daily { low: 30.0, high: 500.0, peak_hour: 4.0, bursts: 0.02 };
    let haiku = Stream {
        call: Call { input: 700.0, output: 200.0, cache_read: 2500.0, cache_write: 300.0, ..Call::default() },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Haiku 4.5"),
        cache_tokens_spelling: true,
        ..stream("jp.anthropic.claude-haiku-4-5-20251001-v1:0", office)
    };
    Region { streams: vec![haiku], ..region("ap-northeast-1") }
}
