//! `increase`: every field of the draft against the simulated world's truth, what is refused, and what is sent.

use super::hostile::{id, snapshot, target};
use super::{SNAPSHOT, Truth, json, number, percentile, ran, scratch, seconds, truth};
use crate::permissions::allowed;
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::world::World;
use serde_json::{Value, json as value};
use std::io::Write;
use std::process::{Command, Stdio};
use tokio::net::TcpListener;

const RESEARCH: [&str; 5] = ["increase", "--account", "research", "--region", "us-east-1"];

fn drafted(args: &[&str]) -> Value {
    json(args)["draft"].clone()
}

/// How many of some calls had more than 25,000 tokens of a kind, by sums of minutes: at least, and at most.
fn large(minutes: &[Truth], of: Column) -> (f64, f64) {
    let calls = minutes.iter().filter(|minute| minute[0] > 0.0);
    calls.fold((0.0, 0.0), |(least, most), minute| {
        let (calls, input) = (minute[0], of(minute));
        let above = (1..).take_while(|n| f64::from(*n) * 25_000.0 < input).count() as f64;
        (least + if input / calls > 25_000.0 { 1.0 } else { 0.0 }, most + above.min(calls))
    })
}

/// What is looked at of a minute of the truth.
type Column = fn(&Truth) -> f64;

#[test]
fn every_field_of_a_draft_is_the_worlds_truth() {
    let draft = drafted(&[&RESEARCH[..], &["sonnet-4-6"]].concat());
    let minutes = seconds(&draft["from"]) / 60..seconds(&draft["until"]) / 60;
    assert!((1556..=1560).contains(&(minutes.end - minutes.start)), "{minutes:?}");
    let id = "us.anthropic.claude-sonnet-4-6";
    let truth = truth("000000000001", "us-east-1", &[id], minutes);
    let sum = |at: usize| truth.iter().map(|minute| minute[at]).sum::<f64>();
    let busy: Vec<&Truth> = truth.iter().filter(|m| m[0] + m[1] > 0.0).collect();
    let columns: [(&str, Column); 3] = [
        ("tokens_per_minute", |minute| minute[4]),
        ("requests_per_minute", |minute| minute[0]),
        ("attempts_per_minute", |minute| minute[0] + minute[1]),
    ];
    for (key, of) in columns {
        let values: Vec<f64> = busy.iter().map(|minute| of(minute)).collect();
        for (part, percent) in [("p50", 50.0), ("p90", 90.0), ("max", 100.0)] {
            assert_eq!(number(&draft[key][part]), percentile(&values, percent), "{key} {part}");
        }
        assert_eq!(number(&draft[key]["minutes"]), busy.len() as f64, "{key}");
    }
    assert_eq!((number(&draft["requests"]), number(&draft["throttles"])), (sum(0), sum(1)));
    assert_eq!(number(&draft["input_tokens_per_request"]), sum(2) / sum(0));
    assert_eq!(number(&draft["output_tokens_per_request"]), sum(3) / sum(0));
    let (least, most) = large(&truth, |minute| minute[2]);
    assert_eq!(
        (number(&draft["large_requests"]["least"]), number(&draft["large_requests"]["most"])),
        (least, most)
    );
    assert!(most > 0.0, "sums of minutes cannot tell");
    for (key, expected) in [
        ("account_id", value!("000000000001")),
        ("account_name", value!("research")),
        ("region", value!("us-east-1")),
        ("model", value!("anthropic.claude-sonnet-4-6")),
        ("scope", value!("cross_region")),
        ("quota_code", value!("L-15B8E632")),
        ("limit", value!(600_000)),
        ("default", value!(6_000_000)),
        ("invocation_ids", value!([id])),
        // Nobody can know these, and a day does not tell how use grows.
        ("use_case", Value::Null),
        ("alarms", Value::Null),
        ("growth", Value::Null),
        ("blanks", value!(["use_case", "alarms", "growth"])),
        // A limit that was cut: AWS takes only what is above its default.
        ("value", value!(6_100_000)),
        (
            "command",
            value!(
                "aws service-quotas request-service-quota-increase --service-code bedrock --quota-code L-15B8E632 \
                 --desired-value 6100000 --region us-east-1"
            ),
        ),
        (
            "console",
            value!(
                "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/bedrock/quotas/L-15B8E632"
            ),
        ),
    ] {
        assert_eq!(draft[key], expected, "{key}");
    }
    let profiles = draft["profiles"].as_array().unwrap();
    let global =
        profiles.iter().find(|profile| profile["id"] == "global.anthropic.claude-sonnet-4-6").unwrap();
    assert_eq!(global["regions"], value!([]), "it routes anywhere");
    let own = profiles.iter().find(|profile| profile["id"] == id).unwrap();
    assert!(own["regions"].as_array().unwrap().contains(&value!("us-west-2")), "{own}");
}

#[test]
fn what_a_cache_holds_is_part_of_a_prompt_and_of_no_charge() {
    let place = ["--account", "production", "--region", "eu-central-1", "--growth", "100", "sonnet-4-6"];
    let args = [&["increase"], &place[..]].concat();
    let draft = drafted(&args);
    let minutes = seconds(&draft["from"]) / 60..seconds(&draft["until"]) / 60;
    let truth = truth("000000000000", "eu-central-1", &["eu.anthropic.claude-sonnet-4-6"], minutes);
    let sum = |at: usize| truth.iter().map(|minute| minute[at]).sum::<f64>();
    let requests = sum(0);
    for (key, tokens) in [
        ("prompt", sum(2) + sum(5) + sum(6)),
        ("input", sum(2)),
        ("cache_read", sum(5)),
        ("cache_write", sum(6)),
        ("output", sum(3)),
    ] {
        let told = number(&draft[format!("{key}_tokens_per_request")]);
        assert!((told - tokens / requests).abs() < 1e-6, "{key}: {told}");
    }
    let of = |key: &str| (number(&draft[key]["least"]), number(&draft[key]["most"]));
    let whole = large(&truth, |minute| minute[2] + minute[5] + minute[6]);
    let uncached = large(&truth, |minute| minute[2]);
    assert_eq!((of("large_requests"), of("large_uncached_requests")), (whole, uncached));
    assert!(whole.1 > 5.0 * uncached.1, "input alone would bound nothing: {whole:?}, {uncached:?}");
    assert_eq!(number(&draft["large_requests"]["requests"]), requests);
    let (_, text) = super::of_demo(&args);
    let row = |name: &str| text.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
    let average = row("Average tokens per request");
    assert!(average.contains(" input: 6") && average.contains("k read from the cache, 7"), "{average}");
    let share = row("Requests above 25,000 input tokens");
    assert!(share.contains(" by the whole prompt; between 0 % and "), "{share}");
}

#[test]
fn a_minute_of_which_the_cache_was_not_read_bounds_nothing_and_is_in_no_average() {
    // 10 calls of 4,000 tokens; 10 whose cache reads nobody knows; 2 that send more than 25,000 in any case.
    let metrics = value!({
        "invocations": {"points": [[0, [10, 10, 2]]]},
        "throttles": {"points": [[0, [1, 1, 1]]]},
        "input_tokens": {"points": [[0, [10_000, 10_000, 60_000]]]},
        "cache_read_tokens": {"points": [[0, [30_000]]], "unread": [[1, 2]]},
        "output_tokens": {"points": [[0, [1000, 1000, 1000]]]},
        "estimated_tokens": {"points": [[0, [11_000, 11_000, 61_000]]]},
    });
    let path = sonnet("cache-unread.jsonl", "2026-11-26T08:47:00Z", metrics);
    let (code, out, error) = ran(&["increase", "--from", &path, "--format", "json", "sonnet"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let draft = serde_json::from_str::<Value>(&out).unwrap()["draft"].clone();
    assert_eq!(draft["prompt_tokens_per_request"], 4000);
    let range = |least: u64, most: u64| value!({"above_input_tokens": 25_000, "least": least, "most": most, "requests": 22});
    // One of the first ten at most, any of those that were not read.
    assert_eq!(draft["large_requests"], range(1, 1 + 10 + 2));
    assert_eq!(draft["large_uncached_requests"], range(1, 2));
    let (_, text, _) = ran(&["increase", "--from", &path, "sonnet"]);
    assert!(text.contains("; of the 10 of 22 requests whose tokens were read |"), "{text}");
    assert!(
        text.contains("; the tokens of 12 could not all be read, and any of them may be such a call |"),
        "{text}"
    );
}

#[test]
fn the_value_lets_all_calls_in_with_a_fifth_to_spare() {
    let place = ["--account", "production", "--region", "us-west-2", "sonnet-4-6"];
    let draft = drafted(&[&["increase"], &place[..]].concat());
    let found = json(&[&["diagnose"], &place[..]].concat());
    let evidence = found["findings"][0]["evidence"].as_array().unwrap();
    let refused: Vec<i64> = evidence.iter().map(|minute| seconds(&minute["at"]) / 60).collect();
    let id = "us.anthropic.claude-sonnet-4-6";
    let truth = truth("000000000000", "us-west-2", &[id], refused[0]..refused[14] + 1);
    let sum = |at: usize| truth.iter().map(|minute| minute[at]).sum::<f64>();
    // Of some 250 calls that reserve 40,000 tokens each 150 fit into 6,000,000.
    let needed = 6e6 * (sum(0) + sum(1)) / sum(0);
    assert!((9.8e6..10.3e6).contains(&needed), "{needed}");
    assert_eq!(number(&draft["value"]), (needed * 1.2 / 1e6).ceil() * 1e6);
    let reasoning = draft["reasoning"].as_str().unwrap();
    assert!(reasoning.contains(" calls were let in at a limit of 6M: all of them need 1.6"), "{reasoning}");
    let given = drafted(&[
        "increase",
        "--account",
        "production",
        "--region",
        "us-west-2",
        "--value",
        "7500000",
        "--use-case",
        "a | b",
        "--alarms",
        "BedrockThrottling",
        "sonnet-4-6",
    ]);
    assert_eq!((&given["value"], &given["blanks"]), (&value!(7_500_000), &value!(["growth"])));
}

#[test]
fn blanks_stand_out_and_the_markdown_holds_what_the_json_does() {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    let (code, text, error) =
        ran(&[&RESEARCH[..], &from, &["--use-case", "a | b\n# c", "sonnet-4-6"]].concat());
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(text.matches("**[ FILL IN: ").count(), 2, "{text}");
    for part in [
        "| Asked for | **6,100,000** |",
        "| Use case | a \\| b \\# c |",
        "| Requests above 25,000 input tokens | between 0 % and ",
        "```sh\naws service-quotas request-service-quota-increase ",
        "2 blanks to fill in first: alarms, growth.",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// Two weeks of one call a minute, with so many tokens in the first and the second.
fn two_weeks(first: u64, second: u64) -> String {
    const WEEK: usize = 7 * 1440;
    let tokens = [vec![first; WEEK], vec![second; WEEK]].concat();
    let ones = vec![1; 2 * WEEK];
    let metrics = value!({
        "invocations": {"points": [[0, ones]]},
        "input_tokens": {"points": [[0, tokens]]},
        "estimated_tokens": {"points": [[0, tokens]]},
    });
    sonnet(&format!("weeks-{first}-{second}.jsonl"), "2026-11-12T08:50:00Z", metrics)
}

/// What was made of a model since `from`, at a limit of 400 tokens a minute.
fn sonnet(name: &str, from: &str, metrics: Value) -> String {
    let mut shop = target(value!({
        "from": from, "until": "2026-11-26T08:50:00Z", "settled": "2026-11-26T08:50:00Z",
        "ids": [id("us.anthropic.claude-sonnet-4-6", metrics)],
    }));
    shop["quotas"] = value!([{
        "code": "L-15B8E632", "applied": 400, "default": 300, "listed": true, "adjustable": true,
        "name": "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.6",
    }]);
    let model = value!({
        "id": "anthropic.claude-sonnet-4-6", "name": "Claude Sonnet 4.6", "provider": "Anthropic",
        "inference_types": ["INFERENCE_PROFILE"], "lifecycle": "ACTIVE", "end_of_life": null,
    });
    shop["catalog"] = value!({
        "models": [model], "profiles": null, "provisioned": null, "deployments": null, "imported": null,
        "batch_jobs": null, "tags": null,
    });
    snapshot(name, &[shop])
}

#[test]
fn growth_is_that_of_the_last_week_over_the_one_before_projected_in_a_straight_line() {
    let path = two_weeks(300, 330);
    let (code, out, error) = ran(&["increase", "--from", &path, "--format", "json", "sonnet"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&out).unwrap();
    let growth = &document["draft"]["growth"];
    assert_eq!(number(&growth["tokens_before"]), 300.0 * 10_080.0);
    assert_eq!(number(&growth["tokens_last"]), 330.0 * 10_080.0);
    let projected = 1.0 + 30.0 / 330.0 * 90.0 / 7.0;
    assert!((number(&growth["projected"]) - projected).abs() < 1e-9);
    // 330 × 2.17 × 1.2 = 859, to two digits upwards.
    assert_eq!(document["draft"]["value"], 860);
    let (_, out, _) = ran(&["increase", "--from", &path, "--growth", "1.5", "--format", "json", "sonnet"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["draft"]["value"], 600, "330 × 1.5 × 1.2 = 594");
}

#[test]
fn use_that_falls_is_not_projected() {
    let path = two_weeks(390, 300);
    let (code, out, error) = ran(&["increase", "--from", &path, "--format", "json", "sonnet"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["draft"]["growth"]["projected"], Value::Null);
    assert_eq!(document["draft"]["value"], 470, "390 × 1.2 = 468");
    let (_, out, _) = ran(&["increase", "--from", &path, "sonnet"]);
    let row = out.lines().find(|line| line.starts_with("| Growth |")).unwrap();
    assert!(
        row.starts_with("| Growth | none: ") && row.contains("; use that falls is not projected"),
        "{row}"
    );
}

/// What calls of a model that are refused in us-east-1 are told of eu-central-1, where it has room by the minute, with
/// another row of quotas there.
fn elsewhere(code: &str, name: &str, value: u64) -> Option<Value> {
    let mut there = target(value!({
        "from": "2026-11-26T07:50:00Z", "until": "2026-11-26T08:50:00Z", "settled": "2026-11-26T08:50:00Z", "ids": [],
    }));
    let row = |code: &str, name: &str, value: u64| value!({"code": code, "applied": value, "default": 9, "listed": true, "adjustable": true, "name": name});
    let tokens = "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.6";
    there["quotas"] = value!([row("L-15B8E632", tokens, 4000), row(code, name, value)]);
    there["region"] = "eu-central-1".into();
    let mut all: Vec<Value> = std::fs::read_to_string(shut_out(0))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    there["catalog"] = all[1]["catalog"].clone();
    let path = snapshot(&format!("elsewhere-{code}-{value}.jsonl"), &[all.remove(1), there]);
    let (_, out, error) = ran(&["diagnose", "--from", &path, "--format", "json", "sonnet-4-6"]);
    assert_eq!(error, "");
    let found: Value = serde_json::from_str(&out).unwrap();
    let remedies = found["findings"][0]["remedies"].as_array().unwrap();
    remedies.iter().find(|remedy| remedy["what"] == "call elsewhere").map(|remedy| remedy["how"].clone())
}

#[test]
fn where_any_quota_that_a_call_would_spend_is_0_there_is_no_room() {
    let of_model = "for Anthropic Claude Sonnet 4.6";
    let regional = format!("Model invocation max tokens per day {of_model} (doubled for cross-region calls)");
    let requests = format!("Cross-region model inference requests per minute {of_model}");
    let global = format!("Global cross-region model inference tokens per day {of_model}");
    let others =
        "Model invocation max tokens per day for Anthropic Claude Opus 4.7 (doubled for cross-region calls)";
    let rows = [("L-1D", &*regional), ("L-2R", &*requests), ("L-E3F10727", "Cross-Model Max Tokens Per Day")];
    for (code, name) in rows {
        assert_eq!(elsewhere(code, name, 0), None, "{name}");
        let room = elsewhere(code, name, 700).unwrap_or_else(|| panic!("{name}"));
        assert!(
            room.as_str().unwrap().starts_with("cross_region in shop, eu-central-1: 4k of 4k tokens"),
            "{room}"
        );
    }
    for (code, name) in [("L-3G", &*global), ("L-4O", others)] {
        assert!(elsewhere(code, name, 0).is_some(), "cross-region calls do not spend it: {name}");
    }
}

/// An hour of a model: calls are let in and refused in its first half, and only refused in the second. Beside its own
/// limit there is that of global calls, and so many requests of them.
fn shut_out(global_requests: u64) -> String {
    let mut shop = target(value!({
        "from": "2026-11-26T07:50:00Z", "until": "2026-11-26T08:50:00Z", "settled": "2026-11-26T08:50:00Z",
        "ids": [id("us.anthropic.claude-sonnet-4-6", value!({
            "invocations": {"points": [[0, vec![10; 30]]]},
            "throttles": {"points": [[0, vec![1; 60]]]},
            "input_tokens": {"points": [[0, vec![100; 30]]]},
            "estimated_tokens": {"points": [[0, vec![100; 30]]]},
        }))],
    }));
    let row = |code: &str, what: &str, value: u64| {
        let name = format!("{what} per minute for Anthropic Claude Sonnet 4.6");
        value!({"code": code, "applied": value, "default": value, "listed": true, "adjustable": true, "name": name})
    };
    shop["quotas"] = value!([
        row("L-15B8E632", "Cross-region model inference tokens", 4000),
        row("L-2", "Global cross-region model inference tokens", 8000),
        row("L-3", "Global cross-region model inference requests", global_requests),
    ]);
    shop["catalog"] = value!({
        "models": [{
            "id": "anthropic.claude-sonnet-4-6", "name": "Claude Sonnet 4.6", "provider": "Anthropic",
            "inference_types": ["INFERENCE_PROFILE"], "lifecycle": "ACTIVE", "end_of_life": null,
        }],
        "profiles": null, "provisioned": null, "deployments": null, "imported": null, "batch_jobs": null,
        "tags": null,
    });
    snapshot(&format!("shut-out-{global_requests}.jsonl"), &[shop])
}

#[test]
fn that_nothing_was_let_in_is_said_of_the_minutes_of_which_it_is_true() {
    let path = shut_out(50);
    let truth = "No call was let in during the newest 15 refused minutes (between 2026-11-26 08:35 UTC and \
                 2026-11-26 08:50 UTC; of all 360 calls of the span 300 were let in), so what ";
    let (code, out, _) = ran(&["diagnose", "--from", &path, "--format", "json", "sonnet-4-6"]);
    assert_eq!(code, 3);
    let document: Value = serde_json::from_str(&out).unwrap();
    let remedies = document["findings"][0]["remedies"].as_array().unwrap();
    let of = |what: &str| remedies.iter().find(|remedy| remedy["what"] == what);
    let how = |what: &str| of(what).unwrap()["how"].as_str().unwrap();
    assert!(how("lower max_tokens").starts_with(truth), "{out}");
    assert!(how("ask for more").starts_with(truth), "{out}");
    assert_eq!(
        of("ask for more").unwrap()["command"],
        "bedrock-quota-exporter increase --account 111122223333 --region us-east-1 --scope cross_region \
         anthropic.claude-sonnet-4-6",
        "nothing but what the finding is about"
    );
    let (_, draft, _) = ran(&["increase", "--from", &path, "sonnet-4-6"]);
    assert!(draft.contains(truth), "{draft}");
    assert_eq!(
        how("call elsewhere"),
        "global in shop, us-east-1: 8k of 8k tokens and 50 of 50 requests a minute are free"
    );
    let (_, out, _) = ran(&["diagnose", "--from", &shut_out(0), "sonnet-4-6"]);
    assert!(
        out.contains("ask for more") && !out.contains("call elsewhere"),
        "no request is let in there: {out}"
    );
}

#[test]
fn what_aws_would_refuse_is_refused_here_with_the_reason() {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    for (args, reason) in [
        (
            &["--account", "production", "--region", "us-east-1", "claude-sonnet-4-5"][..],
            "a request for L-F4DDD3EB is open already: CASE_OPENED since ",
        ),
        (&["--account", "labs", "--region", "us-east-1", "opus-4-1"], "is a legacy model"),
        (
            &["--account", "research", "--region", "us-east-1", "--value", "6000000", "sonnet-4-6"],
            "6M is not above AWS's default of 6M, and AWS takes only what is",
        ),
    ] {
        let (code, out, error) = ran(&[&["increase"], &from[..], args].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {error}");
        assert!(error.contains(reason), "{args:?}: {error}");
    }
    for (args, message) in [
        (
            &["--account", "labs", "--region", "eu-central-1", "nova"][..],
            "one request is of one model, found amazon.nova",
        ),
        (&["sonnet-4-6"], "one request is of one account and region, found "),
        (
            &["no-such-model"],
            "no model that is called, or invocation id of a known model, contains \"no-such-model\" (26h until ",
        ),
    ] {
        let (code, out, error) = ran(&[&["increase"], &from[..], args].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(error.contains(message), "{args:?}: {error}");
    }
    let (code, out, error) = ran(&["increase", "--from", &two_weeks(100, 100), "sonnet"]);
    assert_eq!((code, out.as_str()), (1, ""));
    let reason =
        "no call was refused, and the busiest minute, growth included, is 100 of 400: 25 % of the limit";
    assert!(error.contains(reason), "{error}");
    let (code, _, error) = ran(&[&["increase", "--scope", "batch", "sonnet-4-6"], &from[..]].concat());
    assert_eq!(code, 2);
    let message = "--scope: found \"batch\", expected one of on_demand, cross_region, global";
    assert!(error.contains(message), "{error}");
    let both = [&RESEARCH[..], &from, &["--submit", "sonnet-4-6"]].concat();
    assert_eq!(ran(&both).0, 2, "a snapshot cannot be submitted");
}

/// `increase --submit` with something typed: exit code, standard output, standard error.
async fn submitted(url: String, typed: &'static str) -> (i32, String, String) {
    let config = scratch(&format!("submit-{}.yaml", url.rsplit(':').next().unwrap()));
    let arn = "arn:aws:iam::000000000001:role/bedrock-quota-exporter";
    let text = format!(
        "accounts: [{{name: research, role_arn: '{arn}', regions: [us-east-1]}}]\naws: {{endpoint_url: '{url}'}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let sent = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["increase", "--since=1h", "--yes", "--submit", "sonnet-4-6", "--config.file"])
            .arg(&config)
            .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without a question.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    });
    let output = sent.await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_sent_once_after_its_code_was_typed_and_never_without_the_permission() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let world = World { rates: false, rough_pages: false, ..World::demo(1, start - 1200) };
    let sim = Sim::new(world);
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    let requests = || sim.world().region("000000000001", "us-east-1").unwrap().requests.clone();
    let before = requests().len();

    let read = ["usage", "quotas", "catalog"];
    sim.set_allowed(Some(allowed(&read))).await;
    let (code, out, error) = submitted(url.clone(), "L-15B8E632\n").await;
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    assert!(
        error.contains("not authorized to perform: servicequotas:RequestServiceQuotaIncrease"),
        "{error}"
    );

    sim.set_allowed(Some(allowed(&[&read[..], &["submit"]].concat()))).await;
    let (code, _, error) = submitted(url.clone(), "y\n").await;
    assert_eq!(code, 1);
    assert!(error.contains("found \"y\", expected L-15B8E632: nothing was sent"), "{error}");
    assert_eq!(requests().len(), before);

    let (code, out, error) = submitted(url.clone(), "L-15B8E632\n").await;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("| Asked for | **6,100,000** |") && out.contains(", PENDING."), "{out}");
    let sent = requests().pop().unwrap();
    assert_eq!((sent.code.as_str(), sent.desired, sent.status.as_str()), ("L-15B8E632", 6.1e6, "PENDING"));
    assert_eq!(requests().len(), before + 1);

    let (code, _, error) = submitted(url, "L-15B8E632\n").await;
    assert_eq!(code, 1);
    assert!(error.contains("a request for L-15B8E632 is open already: PENDING"), "{error}");
    assert_eq!(requests().len(), before + 1);
}
