//! Account 000000000001: small limits, and a storm.

use super::rows::{ALWAYS, DAY, Rows, daily, embeddings, region, rush, stream};
use crate::sim::world::stream::{Call, Charge, Demand, Stream, Tier};
use crate::sim::world::{Applied, CustomModel, Deployment, Region};

pub(super) fn regions(rows: &Rows, start: i64) -> Vec<Region> {
    vec![us_east_1(rows, start), us_west_2(rows), eu_central_1(rows), ap_northeast_1(rows, start)]
}

fn us_east_1(rows: &Rows, start: i64) -> Region {
    let deployed = "arn:aws:bedrock:us-east-1:000000000001:custom-model-deployment/cmd3x7k9p2qw";
    let cross_region = |what, model| format!("Cross-region model inference {what} per minute for {model}");
    let applied = |what, model, value| rows.holds(&cross_region(what, model), Applied::Value(value));
    Region {
        streams: vec![
            below_the_default(rows),
            Stream { active: ALWAYS..start - DAY, ..opus(rows, 0.0, daily(0.5, 4.0)) },
            // One call reserves 68,000 tokens of 60,000.
            Stream { active: start - 360..i64::MAX, retries: 3, ..opus(rows, 64e3, Demand::Steady(40.0)) },
            concurrent(rows),
            Stream {
                charges: rows.deployment("Amazon Nova Lite"),
                estimated: false,
                ..stream(deployed, daily(10.0, 60.0))
            },
        ],
        deployments: vec![Deployment {
            id: "cmd3x7k9p2qw".into(),
            name: "support-tuned-nova".into(),
            base_model_id: "amazon.nova-lite-v1:0:300k".into(),
            created: start - 60 * DAY,
        }],
        custom_models: vec![CustomModel {
            id: "cmm8w2e6r4ty".into(),
            name: "support-tuned-nova-next".into(),
            base_model_id: "amazon.nova-lite-v1:0:300k".into(),
            status: "Creating".into(),
            created: start - 1800,
        }],
        quotas: vec![
            applied("tokens", "Anthropic Claude Sonnet 4.6", 600e3),
            applied("requests", "Anthropic Claude Sonnet 4.6", 200.0),
            applied("tokens", "Anthropic Claude Opus 4.5", 60e3),
        ],
        ..region("us-east-1")
    }
}

/// 110 calls × (2500 + 5 × 400) tokens of 600,000, where 6,000,000 are the default.
fn below_the_default(rows: &Rows) -> Stream {
    Stream {
        call: Call { input: 2500.0, output: 400.0, ..Call::default() },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
        ..stream("us.anthropic.claude-sonnet-4-6", daily(40.0, 110.0))
    }
}

fn opus(rows: &Rows, max_tokens: f64, demand: Demand) -> Stream {
    Stream {
        call: Call { input: 4000.0, output: 600.0, max_tokens, ..Call::default() },
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Opus 4.5"),
        ..stream("us.anthropic.claude-opus-4-5-20251101-v1:0", demand)
    }
}

/// 45 calls of 20 s a minute: 15 at a time.
fn concurrent(rows: &Rows) -> Stream {
    Stream {
        call: Call { input: 0.0, output: 300.0, latency_ms: 20_000.0, ..Call::default() },
        charges: rows.on_demand("Twelve Labs Pegasus"),
        estimated: false,
        ..stream("twelvelabs.pegasus-1-2-v1:0", daily(10.0, 45.0))
    }
}

fn us_west_2(rows: &Rows) -> Region {
    let tokens = "Cross-region model inference tokens per minute for Meta Llama 4 Maverick V1";
    let maverick = Stream {
        charges: rows.cross_region("Meta Llama 4 Maverick V1"),
        estimated: false,
        ..stream("us.meta.llama4-maverick-17b-instruct-v1:0", daily(30.0, 200.0))
    };
    Region {
        streams: vec![maverick, embeddings(rows, "cohere.embed-english-v3", "Cohere Embed English", 120.0)],
        quotas: vec![rows.holds(tokens, Applied::DefaultOnly)],
        ..region("us-west-2")
    }
}

fn eu_central_1(rows: &Rows) -> Region {
    let tiers = Stream {
        charges: rows.on_demand("OpenAI GPT OSS 120B"),
        estimated: false,
        tiers: vec![
            Tier::new("default", 0.4),
            Tier::new("priority", 0.1),
            Tier::new("flex", 0.3),
            Tier::new("reserved", 0.15),
            Tier { resolved: "default".into(), ..Tier::new("reserved", 0.05) },
        ],
        ..stream("openai.gpt-oss-120b-1:0", daily(100.0, 1200.0))
    };
    Region { streams: vec![tiers], ..region("eu-central-1") }
}

fn ap_northeast_1(rows: &Rows, start: i64) -> Region {
    let day = "Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)";
    let nova = |id: &str, charges: Vec<Charge>, rate: f64| Stream {
        call: Call { input: 600.0, output: 150.0, ..Call::default() },
        charges: [charges, rows.named(&[day])].concat(),
        ..stream(id, daily(rate * 0.4, rate))
    };
    let without_value = "On-demand model inference requests per minute for Cohere Embed V4";
    let both = vec![
        nova("amazon.nova-lite-v1:0", rows.on_demand("Amazon Nova Lite"), 190.0),
        nova("apac.amazon.nova-lite-v1:0", rows.cross_region("Amazon Nova Lite"), 320.0),
    ];
    Region {
        streams: [both, running_out(rows, start), spent(rows, start)].concat(),
        day_rows: true,
        quotas: vec![
            rows.holds(day, Applied::Value(600e6)),
            rows.holds(without_value, Applied::NoValue),
            rows.holds(QWEN_DAY, Applied::Value(QWEN_TOKENS)),
            rows.holds(SONNET_DAY, Applied::Value(SONNET_TOKENS)),
        ],
        ..region("ap-northeast-1")
    }
}

const QWEN_DAY: &str =
    "Model invocation max tokens per day for Qwen3 32B V1 (doubled for cross-region calls)";
const QWEN_TOKENS: f64 = 100e6;
const SONNET_DAY: &str =
    "Global cross-region model inference tokens per day for Anthropic Claude Sonnet 4.5 V1";
const SONNET_TOKENS: f64 = 20e6;

/// Half-way between what of the day has passed and all of it: at that pace it lasts no day, whenever that is.
fn running_out(rows: &Rows, start: i64) -> Vec<Stream> {
    let passed = start.rem_euclid(DAY) as f64 / DAY as f64;
    let share = 0.5 + 0.5 * passed.max(0.2);
    let qwen = Stream {
        call: Call { input: 9000.0, output: 1000.0, ..Call::default() },
        charges: [rows.on_demand("Qwen3 32B V1"), rows.named(&[QWEN_DAY])].concat(),
        ..stream("qwen.qwen3-32b-v1:0", Demand::Steady(4.0))
    };
    rush(qwen.clone(), QWEN_TOKENS, share, start, qwen)
}

/// A little more than all of it, and then nothing but refusals.
fn spent(rows: &Rows, start: i64) -> Vec<Stream> {
    let sonnet = Stream {
        call: Call { input: 5000.0, output: 1000.0, ..Call::default() },
        burndown: 5.0,
        charges: [rows.global("Anthropic Claude Sonnet 4.5 V1"), rows.named(&[SONNET_DAY])].concat(),
        ..stream("global.anthropic.claude-sonnet-4-5-20250929-v1:0", Demand::Steady(25.0))
    };
    let refused = Stream { refused: 1.0, retries: 2, ..sonnet.clone() };
    rush(sonnet, SONNET_TOKENS, 1.03, start - start.rem_euclid(DAY) / 5, refused)
}
