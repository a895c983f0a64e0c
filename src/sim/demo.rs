//! The world of the demo: three accounts in four regions, and something to see in each.
//!
//! Accounts …00, …01 and …02 are 000000000000, 000000000001 and 000000000002.
//!
//! | account | region | invocation id | what is seen |
//! |---|---|---|---|
//! | …00 | us-east-1 | us.anthropic.claude-sonnet-4-5-20250929-v1:0 | near its tokens per minute (over 90 %); 1M-context series; an increase request is open |
//! | …00 | us-east-1 | us.anthropic.claude-haiku-4-5-20251001-v1:0 | shares its quotas with two application profiles, `srch7f3k2m9q` (team search) and `supp4d8w1x6z` (team support) |
//! | …00 | us-east-1 | us.deepseek.r1-v1:0 | throttled by requests per minute, at 40 % of its tokens |
//! | …00 | us-east-1 | global.anthropic.claude-opus-5 | a model without a requests quota |
//! | …00 | us-east-1 | anthropic.claude-opus-5 (mantle) | AWS/BedrockMantle, two projects |
//! | …00 | us-west-2 | us.anthropic.claude-sonnet-4-6 | throttled at 40 % of measured use: max_tokens is reserved |
//! | …00 | us-west-2 | provisioned-model/pt7k2m4x9qva | a provisioned throughput, committed for some weeks more |
//! | …00 | us-west-2 | (none) | batch jobs, submitted and in progress |
//! | …00 | us-west-2 | stability.stable-image-core-v1:1 | images, also by ImageSize |
//! | …00 | eu-central-1 | eu.anthropic.claude-sonnet-4-6 | day and night; cache metrics |
//! | …00 | ap-northeast-1 | jp.anthropic.claude-haiku-4-5-20251001-v1:0 | cache metrics in their other spelling |
//! | …01 | us-east-1 | us.anthropic.claude-sonnet-4-6 | applied far below the default |
//! | …01 | us-east-1 | us.anthropic.claude-opus-4-5-20251101-v1:0 | idle for a day, then every call refused from six minutes before start |
//! | …01 | us-east-1 | twelvelabs.pegasus-1-2-v1:0 | calls of 20 s, held to a number of concurrent requests |
//! | …01 | us-east-1 | …:custom-model-deployment/cmd3x7k9p2qw | a custom-model deployment |
//! | …01 | us-west-2 | us.meta.llama4-maverick-17b-instruct-v1:0 | a quota listed only as default; no EstimatedTPMQuotaUsage |
//! | …01 | eu-central-1 | openai.gpt-oss-120b-1:0 | service tiers; no EstimatedTPMQuotaUsage |
//! | …01 | ap-northeast-1 | amazon.nova-lite-v1:0, apac.amazon.nova-lite-v1:0 | tokens per day, one row for both; a quota row without a value |
//! | …02 | us-east-1 | us.anthropic.claude-opus-4-1-20250805-v1:0 | a legacy model, still called |
//! | …02 | us-east-1 | openai.gpt-oss-20b-1:0 | short of capacity: server errors, no throttles |
//! | …02 | us-east-1 | gone5t2r8y4u | an application profile deleted since: traffic without a quota |
//! | …02 | us-west-2 | us.amazon.nova-pro-v1:0 | its quota is lowered two minutes after start, below what it uses |
//! | …02 | us-west-2 | …:imported-model/imp8n3v5c7lk | an imported model |
//! | …02 | eu-central-1 | eu.anthropic.claude-opus-4-8 | a quota of zero, with attempts |
//! | …02 | ap-northeast-1 | amazon.nova-2-5-sonic | a model that no quota row names; a row with an ErrorReason, one at RESOURCE level |

use super::lists::Lists;
use super::traffic::{Call, Charge, Demand, Endpoint, Per, Stream};
use super::world::{
    Account, ApplicationProfile, Applied, BatchJob, Deployment, ImportedModel, IncreaseRequest,
    ProvisionedThroughput, QuotaChange, Region, World,
};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
const ALWAYS: i64 = i64::MIN;

impl World {
    /// The demo's world; its story begins at `start` (seconds since the epoch).
    pub fn demo(seed: u64, start: i64) -> World {
        let rows = Rows(Lists::public());
        let account = |id: &str, regions: Vec<Region>| Account { id: id.into(), external_id: None, regions };
        let accounts = vec![
            account("000000000000", production(&rows, start)),
            account("000000000001", research(&rows, start)),
            account("000000000002", labs(&rows, start)),
        ];
        World { seed, accounts, ..World::default() }
    }
}

fn production(rows: &Rows, start: i64) -> Vec<Region> {
    let sonnet = "Anthropic Claude Sonnet 4.5 V1";
    let haiku = rows.cross_region("Anthropic Claude Haiku 4.5");
    let haiku_stream = |id: &str, rate: f64| Stream {
        call: Call { input: 1800.0, output: 220.0, first_token_ms: Some(420.0), ..Call::default() },
        burndown: 5.0,
        charges: haiku.clone(),
        ..stream(id, daily(rate * 0.5, rate))
    };
    let us_east_1 = Region {
        streams: vec![
            Stream {
                // 850 calls × (3000 + 5 × 500) tokens of 5,000,000.
                call: Call { input: 3000.0, output: 500.0, first_token_ms: Some(900.0), ..Call::default() },
                burndown: 5.0,
                charges: rows.cross_region(sonnet),
                context_windows: vec![("200K".into(), 0.9), ("1M".into(), 0.1)],
                ..stream("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Demand::Steady(850.0))
            },
            haiku_stream("us.anthropic.claude-haiku-4-5-20251001-v1:0", 450.0),
            haiku_stream("srch7f3k2m9q", 300.0),
            haiku_stream("supp4d8w1x6z", 150.0),
            Stream {
                call: Call { input: 250.0, output: 150.0, ..Call::default() },
                charges: rows.cross_region("DeepSeek R1 V1"),
                retries: 2,
                ..stream("us.deepseek.r1-v1:0", Demand::Steady(260.0))
            },
            Stream {
                call: Call { input: 6000.0, output: 900.0, latency_ms: 14_000.0, ..Call::default() },
                burndown: 10.0,
                charges: rows.global("Anthropic Claude Opus 5"),
                ..stream("global.anthropic.claude-opus-5", daily(200.0, 900.0))
            },
            mantle(rows, "proj_checkout", 60.0),
            mantle(rows, "proj_research", 25.0),
        ],
        profiles: vec![
            application("srch7f3k2m9q", "search", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
            application("supp4d8w1x6z", "support", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ],
        requests: vec![
            request(
                rows,
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1",
                20e6,
                "CASE_OPENED",
                start - 3 * DAY,
            ),
            request(
                rows,
                "Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5",
                5e6,
                "CASE_CLOSED",
                start - 40 * DAY,
            ),
        ],
        ..region("us-east-1")
    };
    let image =
        rows.named(&["On-demand model inference requests per minute for Stability.ai Stable Image Core"]);
    let us_west_2 = Region {
        streams: vec![
            Stream {
                // Reserves 40,000 tokens a call, settles to 16,000: 150 of 250 calls fit.
                call: Call {
                    input: 8000.0,
                    output: 1600.0,
                    max_tokens: 32_000.0,
                    latency_ms: 21_000.0,
                    ..Call::default()
                },
                burndown: 5.0,
                charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
                ..stream("us.anthropic.claude-sonnet-4-6", Demand::Steady(250.0))
            },
            Stream {
                estimated: false,
                ..stream(
                    "arn:aws:bedrock:us-west-2:000000000000:provisioned-model/pt7k2m4x9qva",
                    daily(20.0, 80.0),
                )
            },
            Stream {
                call: Call { input: 0.0, output: 0.0, images: 1.0, latency_ms: 6000.0, ..Call::default() },
                charges: image,
                estimated: false,
                image_size: Some("1024x1024".into()),
                ..stream("stability.stable-image-core-v1:1", daily(5.0, 40.0))
            },
            embeddings(rows, "amazon.titan-embed-text-v2:0", "Amazon Titan Text Embeddings V2", 700.0),
        ],
        provisioned: vec![ProvisionedThroughput {
            id: "pt7k2m4x9qva".into(),
            name: "llama-70b-search".into(),
            model_id: "meta.llama3-1-70b-instruct-v1:0:128k".into(),
            units: 2,
            desired_units: 3,
            status: "Updating".into(),
            commitment: Some(("OneMonth".into(), start + 17 * DAY)),
            created: start - 13 * DAY,
        }],
        quotas: vec![rows.change(
            "Model units per provisioned model for Meta Llama 3.1 70B Instruct",
            ALWAYS,
            Applied::Value(4.0),
        )],
        jobs: vec![
            job(
                "b1q8w2e5r7ty",
                "nightly-tags",
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                "InProgress",
                start - 5400,
                0.62,
            ),
            job(
                "b2m4n6b8v1cx",
                "backfill-2026",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "Submitted",
                start - 600,
                0.0,
            ),
            job("b3z7x5c3v1bn", "backfill-2025", "amazon.nova-lite-v1:0", "Completed", start - 2 * DAY, 1.0),
        ],
        ..region("us-west-2")
    };
    let eu_central_1 = Region {
        streams: vec![Stream {
            call: Call {
                input: 900.0,
                output: 350.0,
                cache_read: 6000.0,
                cache_write: 700.0,
                first_token_ms: Some(800.0),
                ..Call::default()
            },
            burndown: 5.0,
            charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
            ..stream(
                "eu.anthropic.claude-sonnet-4-6",
                Demand::Daily { low: 60.0, high: 900.0, peak_hour: 10.0, bursts: 0.04 },
            )
        }],
        account_wide: false,
        ..region("eu-central-1")
    };
    let ap_northeast_1 = Region {
        streams: vec![Stream {
            call: Call {
                input: 700.0,
                output: 200.0,
                cache_read: 2500.0,
                cache_write: 300.0,
                ..Call::default()
            },
            burndown: 5.0,
            charges: rows.cross_region("Anthropic Claude Haiku 4.5"),
            cache_tokens_spelling: true,
            ..stream(
                "jp.anthropic.claude-haiku-4-5-20251001-v1:0",
                Demand::Daily { low: 30.0, high: 500.0, peak_hour: 4.0, bursts: 0.02 },
            )
        }],
        ..region("ap-northeast-1")
    };
    vec![us_east_1, us_west_2, eu_central_1, ap_northeast_1]
}

fn research(rows: &Rows, start: i64) -> Vec<Region> {
    let opus = rows.cross_region("Anthropic Claude Opus 4.5");
    let opus_call = |max_tokens| Call { input: 4000.0, output: 600.0, max_tokens, ..Call::default() };
    let storm = start - 360;
    let deployed = "arn:aws:bedrock:us-east-1:000000000001:custom-model-deployment/cmd3x7k9p2qw";
    let us_east_1 = Region {
        streams: vec![
            Stream {
                // 70 calls × (2500 + 5 × 400) tokens of 600,000.
                call: Call { input: 2500.0, output: 400.0, ..Call::default() },
                burndown: 5.0,
                charges: rows.cross_region("Anthropic Claude Sonnet 4.6"),
                ..stream("us.anthropic.claude-sonnet-4-6", daily(40.0, 110.0))
            },
            Stream {
                call: opus_call(0.0),
                burndown: 5.0,
                charges: opus.clone(),
                active: ALWAYS..start - DAY,
                ..stream("us.anthropic.claude-opus-4-5-20251101-v1:0", daily(0.5, 4.0))
            },
            Stream {
                // One call reserves 68,000 tokens of 60,000.
                call: opus_call(64_000.0),
                burndown: 5.0,
                charges: opus,
                active: storm..i64::MAX,
                retries: 3,
                ..stream("us.anthropic.claude-opus-4-5-20251101-v1:0", Demand::Steady(40.0))
            },
            Stream {
                call: Call { input: 0.0, output: 300.0, latency_ms: 20_000.0, ..Call::default() },
                charges: rows.on_demand("Twelve Labs Pegasus"),
                estimated: false,
                ..stream("twelvelabs.pegasus-1-2-v1:0", daily(10.0, 45.0))
            },
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
        quotas: vec![
            rows.change(
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.6",
                ALWAYS,
                Applied::Value(600e3),
            ),
            rows.change(
                "Cross-region model inference requests per minute for Anthropic Claude Sonnet 4.6",
                ALWAYS,
                Applied::Value(200.0),
            ),
            rows.change(
                "Cross-region model inference tokens per minute for Anthropic Claude Opus 4.5",
                ALWAYS,
                Applied::Value(60e3),
            ),
        ],
        ..region("us-east-1")
    };
    let us_west_2 = Region {
        streams: vec![
            Stream {
                charges: rows.cross_region("Meta Llama 4 Maverick V1"),
                estimated: false,
                ..stream("us.meta.llama4-maverick-17b-instruct-v1:0", daily(30.0, 200.0))
            },
            embeddings(rows, "cohere.embed-english-v3", "Cohere Embed English", 120.0),
        ],
        quotas: vec![rows.change(
            "Cross-region model inference tokens per minute for Meta Llama 4 Maverick V1",
            ALWAYS,
            Applied::DefaultOnly,
        )],
        ..region("us-west-2")
    };
    let eu_central_1 = Region {
        streams: vec![Stream {
            charges: rows.on_demand("OpenAI GPT OSS 120B"),
            estimated: false,
            tiers: vec![("default".into(), 0.7), ("flex".into(), 0.3)],
            ..stream("openai.gpt-oss-120b-1:0", daily(100.0, 1200.0))
        }],
        ..region("eu-central-1")
    };
    let nova = |id: &str, charges: Vec<Charge>, rate: f64| Stream {
        call: Call { input: 600.0, output: 150.0, ..Call::default() },
        charges: [
            charges,
            rows.named(&[
                "Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)",
            ]),
        ]
        .concat(),
        ..stream(id, daily(rate * 0.4, rate))
    };
    let ap_northeast_1 = Region {
        streams: vec![
            nova("amazon.nova-lite-v1:0", rows.on_demand("Amazon Nova Lite"), 190.0),
            nova("apac.amazon.nova-lite-v1:0", rows.cross_region("Amazon Nova Lite"), 320.0),
        ],
        day_rows: true,
        quotas: vec![
            rows.change(
                "Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)",
                ALWAYS,
                Applied::Value(600e6),
            ),
            rows.change(
                "On-demand model inference requests per minute for Cohere Embed V4",
                ALWAYS,
                Applied::NoValue,
            ),
        ],
        ..region("ap-northeast-1")
    };
    vec![us_east_1, us_west_2, eu_central_1, ap_northeast_1]
}

fn labs(rows: &Rows, start: i64) -> Vec<Region> {
    let us_east_1 = Region {
        streams: vec![
            Stream {
                burndown: 5.0,
                charges: rows.cross_region("Anthropic Claude Opus 4.1"),
                legacy: true,
                ..stream("us.anthropic.claude-opus-4-1-20250805-v1:0", daily(5.0, 60.0))
            },
            Stream {
                call: Call {
                    server_errors: 0.35,
                    client_errors: 0.01,
                    latency_ms: 9000.0,
                    ..Call::default()
                },
                charges: rows.on_demand("OpenAI GPT OSS 20B"),
                estimated: false,
                ..stream("openai.gpt-oss-20b-1:0", daily(80.0, 400.0))
            },
            stream("gone5t2r8y4u", Demand::Steady(12.0)),
        ],
        ..region("us-east-1")
    };
    let lowered = "Cross-region model inference tokens per minute for Amazon Nova Pro";
    let imported = "arn:aws:bedrock:us-west-2:000000000002:imported-model/imp8n3v5c7lk";
    let us_west_2 = Region {
        streams: vec![
            Stream {
                // 400 calls × (2200 + 550) tokens: 55 % of 2,000,000, above 800,000.
                call: Call { input: 2200.0, output: 550.0, ..Call::default() },
                charges: rows.cross_region("Amazon Nova Pro"),
                ..stream("us.amazon.nova-pro-v1:0", Demand::Steady(400.0))
            },
            Stream { estimated: false, ..stream(imported, daily(2.0, 25.0)) },
        ],
        imported: vec![ImportedModel {
            id: "imp8n3v5c7lk".into(),
            name: "legal-qwen".into(),
            architecture: "qwen2".into(),
            created: start - 90 * DAY,
        }],
        quotas: vec![rows.change(lowered, start + 120, Applied::Value(800e3))],
        ..region("us-west-2")
    };
    let eu_central_1 = Region {
        streams: vec![Stream {
            burndown: 15.0,
            charges: rows.cross_region("Anthropic Claude Opus 4.8"),
            ..stream("eu.anthropic.claude-opus-4-8", Demand::Steady(6.0))
        }],
        quotas: vec![rows.change(
            "Cross-region model inference tokens per minute for Anthropic Claude Opus 4.8",
            ALWAYS,
            Applied::Value(0.0),
        )],
        ..region("eu-central-1")
    };
    let ap_northeast_1 = Region {
        streams: vec![
            Stream { estimated: false, ..stream("amazon.nova-2-5-sonic", daily(3.0, 30.0)) },
            embeddings(rows, "cohere.embed-multilingual-v3", "Cohere Embed Multilingual", 60.0),
        ],
        quotas: vec![
            rows.change(
                "On-demand model inference requests per minute for Cohere Rerank 3.5",
                ALWAYS,
                Applied::Error("DEPENDENCY_SERVICE_ERROR".into()),
            ),
            rows.change("Agents per account", ALWAYS, Applied::Resource(10.0)),
        ],
        ..region("ap-northeast-1")
    };
    vec![us_east_1, us_west_2, eu_central_1, ap_northeast_1]
}

fn region(name: &str) -> Region {
    Region { name: name.into(), account_wide: true, ..Region::default() }
}

fn stream(model_id: &str, demand: Demand) -> Stream {
    Stream { model_id: model_id.into(), demand, ..Stream::default() }
}

fn daily(low: f64, high: f64) -> Demand {
    Demand::Daily { low, high, peak_hour: 16.0, bursts: 0.02 }
}

fn embeddings(rows: &Rows, id: &str, name: &str, rate: f64) -> Stream {
    Stream {
        call: Call { input: 180.0, output: 0.0, latency_ms: 90.0, ..Call::default() },
        charges: rows.on_demand(name),
        ..stream(id, daily(rate * 0.2, rate))
    }
}

fn mantle(rows: &Rows, project: &str, rate: f64) -> Stream {
    let names = ["Input", "Output"].map(|direction| {
        format!("[bedrock-mantle endpoint] {direction} tokens per minute for Claude Opus 5")
    });
    Stream {
        endpoint: Endpoint::Mantle { project: project.into() },
        call: Call { input: 5000.0, output: 700.0, client_errors: 0.02, ..Call::default() },
        charges: rows.named(&[&names[0], &names[1]]),
        ..stream("anthropic.claude-opus-5", daily(rate * 0.3, rate))
    }
}

fn application(id: &str, team: &str, source: &str) -> ApplicationProfile {
    let tags = BTreeMap::from([("team".into(), team.into()), ("cost-center".into(), "4711".into())]);
    ApplicationProfile { id: id.into(), name: format!("{team}-assistant"), source: source.into(), tags }
}

fn request(rows: &Rows, name: &str, desired: f64, status: &str, created: i64) -> IncreaseRequest {
    IncreaseRequest { code: rows.code(name), desired, status: status.into(), created }
}

fn job(id: &str, name: &str, model_id: &str, status: &str, submitted: i64, done: f64) -> BatchJob {
    let records = 50_000;
    BatchJob {
        id: id.into(),
        name: name.into(),
        model_id: model_id.into(),
        status: status.into(),
        submitted,
        records,
        processed: (records as f64 * done) as u64,
    }
}

/// The public quota rows, looked up by name.
struct Rows(std::sync::Arc<Lists>);

impl Rows {
    fn code(&self, name: &str) -> String {
        let row = self.0.quotas.iter().find(|q| q.name == name);
        row.unwrap_or_else(|| panic!("no quota is called {name:?}")).code.clone()
    }

    fn change(&self, name: &str, from: i64, applied: Applied) -> QuotaChange {
        QuotaChange { code: self.code(name), from, applied }
    }

    /// Charges to these rows.
    fn named(&self, names: &[&str]) -> Vec<Charge> {
        names.iter().map(|name| Charge { code: self.code(name), per: per(name) }).collect()
    }

    /// Charges to those of these rows that exist: many models have no requests quota.
    fn existing(&self, head: &str, model: &str) -> Vec<Charge> {
        let names = ["requests", "tokens"].map(|what| format!("{head} {what} per minute for {model}"));
        let rows = self.0.quotas.iter().filter(|q| names.iter().any(|n| q.name.eq_ignore_ascii_case(n)));
        rows.map(|q| Charge { code: q.code.clone(), per: per(&q.name) }).collect()
    }

    fn on_demand(&self, model: &str) -> Vec<Charge> {
        self.existing("On-demand model inference", model)
    }

    fn cross_region(&self, model: &str) -> Vec<Charge> {
        self.existing("Cross-region model inference", model)
    }

    fn global(&self, model: &str) -> Vec<Charge> {
        self.existing("Global cross-region model inference", model)
    }

    fn deployment(&self, model: &str) -> Vec<Charge> {
        self.existing("(Model customization) Sum of on demand custom model deployment", model)
    }
}

fn per(name: &str) -> Per {
    match name {
        n if n.contains("requests per minute") => Per::Request,
        n if n.contains("tokens per day") => Per::TokenOfTheDay,
        n if n.contains("Input tokens") => Per::InputToken,
        n if n.contains("Output tokens") => Per::OutputToken,
        _ => Per::Token,
    }
}
