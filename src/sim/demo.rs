//! The world of the demo: three accounts in four regions, and something to see in each.
//!
//! Accounts …00, …01 and …02 are 000000000000, 000000000001 and 000000000002.
//!
//! | account | region | invocation id | what is seen |
//! |---|---|---|---|
//! | …00 | us-east-1 | us.anthropic.claude-sonnet-4-5-20250929-v1:0 | near its tokens per minute (over 90 %); 1M-context series; an increase request has been open for nine days |
//! | …00 | us-east-1 | us.anthropic.claude-haiku-4-5-20251001-v1:0 | shares its quotas with two application profiles, `srch7f3k2m9q` (team search) and `supp4d8w1x6z` (team support) |
//! | …00 | us-east-1 | us.deepseek.r1-v1:0 | throttled by requests per minute, at 40 % of its tokens; two service tiers, two projects and calls of none; an increase was not approved five hours ago |
//! | …00 | us-east-1 | global.anthropic.claude-opus-5 | a model without a requests quota |
//! | …00 | us-east-1 | anthropic.claude-opus-5 (mantle) | AWS/BedrockMantle, two projects |
//! | …00 | us-east-1 | (none) | agents, flows, prompts, data automation and guardrails: calls and things that AWS/Usage counts, GetAgent near its limit |
//! | …00 | us-west-2 | us.anthropic.claude-sonnet-4-6 | throttled at 40 % of measured use: max_tokens is reserved |
//! | …00 | us-west-2 | provisioned-model/pt7k2m4x9qva | a provisioned throughput, its commitment ends in nine days |
//! | …00 | us-west-2 | (none) | batch jobs, submitted and in progress |
//! | …00 | us-west-2 | stability.stable-image-core-v1:1 | images, also by ImageSize |
//! | …00 | eu-central-1 | eu.anthropic.claude-sonnet-4-6 | day and night; cache metrics |
//! | …00 | ap-northeast-1 | jp.anthropic.claude-haiku-4-5-20251001-v1:0 | cache metrics in their other spelling |
//! | …01 | us-east-1 | us.anthropic.claude-sonnet-4-6 | applied far below the default |
//! | …01 | us-east-1 | us.anthropic.claude-opus-4-5-20251101-v1:0 | idle for a day, then every call refused from six minutes before start |
//! | …01 | us-east-1 | twelvelabs.pegasus-1-2-v1:0 | calls of 20 s, held to a number of concurrent requests |
//! | …01 | us-east-1 | …:custom-model-deployment/cmd3x7k9p2qw | a custom-model deployment; another custom model is being made |
//! | …01 | us-west-2 | us.meta.llama4-maverick-17b-instruct-v1:0 | a quota listed only as default; no EstimatedTPMQuotaUsage |
//! | …01 | eu-central-1 | openai.gpt-oss-120b-1:0 | service tiers, a quarter of the calls to the reserved one served by another; no EstimatedTPMQuotaUsage |
//! | …01 | ap-northeast-1 | amazon.nova-lite-v1:0, apac.amazon.nova-lite-v1:0 | tokens per day, one row for both; a quota row without a value |
//! | …01 | ap-northeast-1 | qwen.qwen3-32b-v1:0 | at today's pace its tokens per day are spent before midnight (UTC) |
//! | …01 | ap-northeast-1 | global.anthropic.claude-sonnet-4-5-20250929-v1:0 | its tokens per day are spent: every call refused |
//! | …02 | us-east-1 | us.anthropic.claude-opus-4-1-20250805-v1:0 | a legacy model, still called |
//! | …02 | us-east-1 | openai.gpt-oss-20b-1:0 | short of capacity: server errors, no throttles |
//! | …02 | us-east-1 | gone5t2r8y4u | an application profile deleted since: traffic without a quota |
//! | …02 | us-west-2 | us.amazon.nova-pro-v1:0 | its quota is lowered two minutes after start, below what it uses |
//! | …02 | us-west-2 | …:imported-model/imp8n3v5c7lk | an imported model |
//! | …02 | us-west-2 | (none) | guardrails that are refused a fifth of their calls |
//! | …02 | eu-central-1 | eu.anthropic.claude-opus-4-8 | a quota of zero, with attempts |
//! | …02 | eu-central-1 | eu.anthropic.claude-haiku-4-5-20251001-v1:0, eu.amazon.nova-pro-v1:0, eu.amazon.nova-2-lite-v1:0 | refused together from ten minutes before start, all far below their limits: the account's tokens per day |
//! | …02 | ap-northeast-1 | amazon.nova-2-5-sonic | a model that no quota row names; a row with an ErrorReason, one at RESOURCE level |

mod control_planes;
mod labs;
mod production;
mod research;
pub mod rows;

use super::world::lists::Lists;
use super::world::{Account, Member, Organization, Unit, World};
use rows::Rows;
use std::collections::BTreeMap;

impl World {
    /// The demo's world; its story begins at `start` (seconds since the epoch).
    pub fn demo(seed: u64, start: i64) -> World {
        let rows = Rows(Lists::public());
        let account = |id: &str, regions| Account { id: id.into(), regions, ..Account::default() };
        let monitoring = account("000000000000", production::regions(&rows, start));
        let accounts = vec![
            Account { sources: vec!["000000000001".into()], ..monitoring },
            account("000000000001", research::regions(&rows, start)),
            account("000000000002", labs::regions(&rows, start)),
        ];
        World { seed, accounts, organization: Some(organization()), ..World::default() }
    }
}

/// …00 is the management account, and the monitoring account of …01; …03 is suspended, and there is nothing
/// in it.
fn organization() -> Organization {
    let (root, workloads, sandbox) = ("r-demo", "ou-demo-workload", "ou-demo-sandbox0");
    let unit =
        |id: &str, name: &str, parent: &str| Unit { id: id.into(), name: name.into(), parent: parent.into() };
    let tagged = |value: &str| BTreeMap::from([("bedrock".to_string(), value.to_string())]);
    let members = vec![
        Member::new("000000000000", "production", root),
        Member { tags: tagged("true"), ..Member::new("000000000001", "research", "ou-demo-research") },
        Member { tags: tagged("trial"), ..Member::new("000000000002", "labs", sandbox) },
        Member { state: "SUSPENDED".into(), ..Member::new("000000000003", "retired", sandbox) },
    ];
    let units = vec![
        unit(workloads, "Workloads", root),
        unit("ou-demo-research", "Research", workloads),
        unit(sandbox, "Sandbox", root),
    ];
    let management = "000000000000".to_string();
    Organization { management, delegated: Vec::new(), root: root.into(), units, members }
}

#[cfg(test)]
mod tests {
    use super::rows::DAY;
    use super::*;
    use crate::sim::world::stream::Tally;

    /// 2026-11-20 12:00 UTC.
    const START: i64 = 1_795_176_000;

    /// The quarter of an hour before the demo starts, minute by minute, of all streams of an id.
    fn minutes(world: &World, account: &str, region: &str, id: &str, from: i64) -> Vec<Tally> {
        let (account, region) = (world.account(account).unwrap(), world.region(account, region).unwrap());
        let streams: Vec<_> = region.streams.iter().filter(|s| s.model_id == id).collect();
        assert!(!streams.is_empty(), "{id}");
        let tally = |minute| {
            streams.iter().map(|s| world.flow(account, region, s).tally(minute)).reduce(sum).unwrap()
        };
        (from / 60..from / 60 + 15).map(tally).collect()
    }

    fn sum(a: Tally, b: Tally) -> Tally {
        Tally { invocations: a.invocations + b.invocations, throttles: a.throttles + b.throttles, ..a }
    }

    /// The largest charge of a quota in those minutes, as a share of the limit.
    fn peak(world: &World, account: &str, region: &str, name: &str, from: i64) -> f64 {
        let (account, region) = (world.account(account).unwrap(), world.region(account, region).unwrap());
        let code = Rows(Lists::public()).code(name);
        let ratio = |m| world.charge(account, region, &code, m) / world.limit(region, &code, m * 60).unwrap();
        (from / 60..from / 60 + 15).map(ratio).fold(0.0, f64::max)
    }

    const A: &str = "000000000000";
    const B: &str = "000000000001";
    const C: &str = "000000000002";
    const BEFORE: i64 = START - 900;

    #[test]
    fn every_id_of_the_table_has_traffic_where_the_table_says() {
        let world = World::demo(1, START);
        let table = include_str!("demo.rs").lines().filter_map(|l| l.strip_prefix("//! | …"));
        let rows: Vec<Vec<&str>> = table.map(|row| row.split(" | ").collect()).collect();
        assert!(rows.len() > 20);
        for row in rows {
            let region = world.region(&format!("0000000000{}", row[0]), row[1]).unwrap();
            for id in row[2].split(", ").filter(|id| *id != "(none)") {
                let wanted = id.trim_start_matches("…:").trim_end_matches(" (mantle)");
                assert!(region.streams.iter().any(|s| s.model_id.ends_with(wanted)), "{row:?}");
            }
        }
    }

    #[test]
    fn the_situations_are_as_told_whatever_the_seed() {
        for seed in [1, 2, 3] {
            let world = World::demo(seed, START);
            let sonnet = "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1";
            let near = peak(&world, A, "us-east-1", sonnet, BEFORE);
            assert!((0.9..1.0).contains(&near), "{near}");
            let calls =
                minutes(&world, A, "us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", BEFORE);
            assert!(calls.iter().all(|m| m.throttles == 0));

            let reserved = "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.6";
            let settled = peak(&world, A, "us-west-2", reserved, BEFORE);
            assert!((0.38..0.42).contains(&settled), "{settled}");
            let calls = minutes(&world, A, "us-west-2", "us.anthropic.claude-sonnet-4-6", BEFORE);
            assert!(calls.iter().all(|m| m.throttles > 50));

            let requests = "Cross-region model inference requests per minute for DeepSeek R1 V1";
            assert_eq!(peak(&world, A, "us-east-1", requests, BEFORE), 1.0);

            let zero = minutes(&world, C, "eu-central-1", "eu.anthropic.claude-opus-4-8", BEFORE);
            assert!(zero.iter().all(|m| m.invocations == 0 && m.throttles > 0));

            let broken = minutes(&world, C, "us-east-1", "openai.gpt-oss-20b-1:0", BEFORE);
            assert!(broken.iter().all(|m| m.server_errors > 0 && m.throttles == 0));
        }
    }

    #[test]
    fn an_idle_model_storms_just_before_the_start() {
        let world = World::demo(1, START);
        let id = "us.anthropic.claude-opus-4-5-20251101-v1:0";
        let idle = minutes(&world, B, "us-east-1", id, START - 6 * 3600);
        assert!(idle.iter().all(|m| *m == Tally::default()));
        let storm = minutes(&world, B, "us-east-1", id, START - 300);
        assert!(storm.iter().all(|m| m.invocations == 0 && m.throttles > 100));
        let long_ago: Vec<_> =
            (2..9).flat_map(|d| minutes(&world, B, "us-east-1", id, START - d * DAY)).collect();
        assert!(long_ago.iter().any(|m| m.invocations > 0));
    }

    #[test]
    fn a_quota_is_lowered_two_minutes_after_the_start() {
        let world = World::demo(1, START);
        let row = "Cross-region model inference tokens per minute for Amazon Nova Pro";
        let before = peak(&world, C, "us-west-2", row, BEFORE);
        assert!((0.5..0.6).contains(&before), "{before}");
        let after = minutes(&world, C, "us-west-2", "us.amazon.nova-pro-v1:0", START + 120);
        assert!(after.iter().all(|m| m.throttles > 0));
        assert!(peak(&world, C, "us-west-2", row, START + 120) > 0.95);
    }

    /// What a model's quota is charged for the day of `start` by then, as a share of the limit.
    fn of_the_day(start: i64, name: &str) -> f64 {
        let world = World::demo(1, start);
        let (account, region) = (world.account(B).unwrap(), world.region(B, "ap-northeast-1").unwrap());
        let code = Rows(Lists::public()).code(name);
        let minutes = (start - start.rem_euclid(DAY)) / 60..start / 60;
        let spent: f64 = minutes.map(|minute| world.charge(account, region, &code, minute)).sum();
        spent / world.limit(region, &code, start).unwrap()
    }

    #[test]
    fn tokens_of_the_day_run_out_and_are_spent_at_any_time_of_the_day() {
        for passed in [0.01, 0.1, 0.3, 0.5, 0.8, 0.97] {
            let start = START - DAY / 2 + (passed * DAY as f64) as i64 / 60 * 60;
            let qwen =
                "Model invocation max tokens per day for Qwen3 32B V1 (doubled for cross-region calls)";
            let running_out = of_the_day(start, qwen);
            assert!(
                running_out > 0.55 && running_out > passed && running_out < 1.0,
                "{passed}: {running_out}"
            );
            let sonnet =
                "Global cross-region model inference tokens per day for Anthropic Claude Sonnet 4.5 V1";
            let spent = of_the_day(start, sonnet);
            assert!((1.0..1.06).contains(&spent), "{passed}: {spent}");
            let world = World::demo(1, start);
            let id = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
            let calls = minutes(&world, B, "ap-northeast-1", id, start);
            assert!(calls.iter().all(|m| m.invocations == 0 && m.throttles > 20));
            let yesterday = minutes(&world, B, "ap-northeast-1", id, start - DAY);
            assert!(yesterday.iter().all(|m| m.throttles == 0));
        }
    }

    #[test]
    fn three_models_are_refused_together_far_below_their_limits() {
        let world = World::demo(1, START);
        for (id, name) in [
            ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "Anthropic Claude Haiku 4.5"),
            ("eu.amazon.nova-pro-v1:0", "Amazon Nova Pro"),
            ("eu.amazon.nova-2-lite-v1:0", "Amazon Nova 2 Lite"),
        ] {
            let refused = minutes(&world, C, "eu-central-1", id, START - 600);
            assert!(refused.iter().all(|m| m.throttles > m.invocations));
            for what in ["requests", "tokens"] {
                let row = format!("Cross-region model inference {what} per minute for {name}");
                let (before, after) = (START - 1800, START - 600);
                assert!(peak(&world, C, "eu-central-1", &row, before) < 0.5, "{row}");
                assert!(peak(&world, C, "eu-central-1", &row, after) < 0.15, "{row}");
            }
        }
    }

    #[test]
    fn two_application_profiles_and_a_geographic_one_share_a_quota() {
        let world = World::demo(1, START);
        let row = "Cross-region model inference requests per minute for Anthropic Claude Haiku 4.5";
        let ids = ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "srch7f3k2m9q", "supp4d8w1x6z"];
        let calls = |id| minutes(&world, A, "us-east-1", id, BEFORE)[0].invocations;
        let code = Rows(Lists::public()).code(row);
        let account = world.account(A).unwrap();
        let charged = world.charge(account, &account.regions[0], &code, BEFORE / 60);
        assert_eq!(charged, ids.map(calls).iter().sum::<u64>() as f64);
    }
}
