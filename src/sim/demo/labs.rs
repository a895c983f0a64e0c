//! Account 000000000002: what is old, broken, forbidden or unknown.

use super::control_planes;
use super::rows::{ALWAYS, DAY, Rows, daily, embeddings, region, stream};
use crate::sim::world::stream::{Call, Demand, Stream};
use crate::sim::world::{Applied, ImportedModel, QuotaChange, Region};

pub(super) fn regions(rows: &Rows, start: i64) -> Vec<Region> {
    vec![us_east_1(rows), us_west_2(rows, start), eu_central_1(rows, start), ap_northeast_1(rows)]
}

fn us_east_1(rows: &Rows) -> Region {
    let legacy = Stream {
        burndown: 5.0,
        charges: rows.cross_region("Anthropic Claude Opus 4.1"),
        legacy: true,
        ..stream("us.anthropic.claude-opus-4-1-20250805-v1:0", daily(5.0, 60.0))
    };
    let short_of_capacity = Stream {
        call: Call { server_errors: 0.35, client_errors: 0.01, latency_ms: 9000.0, ..Call::default() },
        charges: rows.on_demand("OpenAI GPT OSS 20B"),
        estimated: false,
        ..stream("openai.gpt-oss-20b-1:0", daily(80.0, 400.0))
    };
    let deleted = stream("gone5t2r8y4u", Demand::Steady(12.0));
    // As a new account has it; nothing calls the model, so that `probe` meets nobody.
    let small = |what: &str, value| {
        let row = format!("Cross-region model inference {what} per minute for Anthropic Claude Sonnet 4 V1");
        rows.holds(&row, Applied::Value(value))
    };
    let quotas = vec![small("requests", 120.0), small("tokens", 60_000.0)];
    Region { streams: vec![legacy, short_of_capacity, deleted], quotas, ..region("us-east-1") }
}

fn us_west_2(rows: &Rows, start: i64) -> Region {
    let tokens = "Cross-region model inference tokens per minute for Amazon Nova Pro";
    let imported = "arn:aws:bedrock:us-west-2:000000000002:imported-model/imp8n3v5c7lk";
    // 400 calls × (2200 + 550) tokens: 55 % of 2,000,000, above 800,000.
    let nova = Stream {
        call: Call { input: 2200.0, output: 550.0, ..Call::default() },
        charges: rows.cross_region("Amazon Nova Pro"),
        ..stream("us.amazon.nova-pro-v1:0", Demand::Steady(400.0))
    };
    Region {
        streams: vec![nova, Stream { estimated: false, ..stream(imported, daily(2.0, 25.0)) }],
        imported: vec![ImportedModel {
            id: "imp8n3v5c7lk".into(),
            name: "legal-qwen".into(),
            architecture: "qwen2".into(),
            created: start - 90 * DAY,
        }],
        quotas: vec![QuotaChange { from: start + 120, ..rows.holds(tokens, Applied::Value(800e3)) }],
        counted: control_planes::throttled(),
        ..region("us-west-2")
    }
}

fn eu_central_1(rows: &Rows, start: i64) -> Region {
    let tokens = "Cross-region model inference tokens per minute for Anthropic Claude Opus 4.8";
    let refused = Stream {
        burndown: 15.0,
        charges: rows.cross_region("Anthropic Claude Opus 4.8"),
        ..stream("eu.anthropic.claude-opus-4-8", Demand::Steady(6.0))
    };
    let three = [
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "Anthropic Claude Haiku 4.5", 900.0, 5.0),
        ("eu.amazon.nova-pro-v1:0", "Amazon Nova Pro", 150.0, 1.0),
        ("eu.amazon.nova-2-lite-v1:0", "Amazon Nova 2 Lite", 400.0, 1.0),
    ];
    let together = three.iter().flat_map(|&(id, name, rate, burndown)| {
        let until = start - 600;
        let calls = Stream { burndown, charges: rows.cross_region(name), ..stream(id, Demand::Steady(rate)) };
        let refused = Stream { active: until..i64::MAX, refused: 0.8, retries: 1, ..calls.clone() };
        [Stream { active: ALWAYS..until, ..calls }, refused]
    });
    Region {
        streams: together.chain([refused]).collect(),
        quotas: vec![rows.holds(tokens, Applied::Value(0.0))],
        ..region("eu-central-1")
    }
}

fn ap_northeast_1(rows: &Rows) -> Region {
    let unreadable = "On-demand model inference requests per minute for Cohere Rerank 3.5";
    Region {
        streams: vec![
            Stream { estimated: false, ..stream("amazon.nova-2-5-sonic", daily(3.0, 30.0)) },
            embeddings(rows, "cohere.embed-multilingual-v3", "Cohere Embed Multilingual", 60.0),
        ],
        quotas: vec![
            rows.holds(unreadable, Applied::Error("DEPENDENCY_SERVICE_ERROR".into())),
            rows.holds("Agents per account", Applied::Resource(10.0)),
        ],
        ..region("ap-northeast-1")
    }
}
