//! Snapshots of a hostile world, and files that are none.

use super::{ran, scratch};
use serde_json::{Value, json};

const HEADER: &str = r#"{"snapshot":"bedrock-quota-exporter","version":1,"taken":"2026-11-26T09:00:00Z","origin":"aws","masked":false,"team_tag":"team"}"#;

/// A snapshot of these targets.
pub(super) fn snapshot(name: &str, targets: &[Value]) -> String {
    write(name, &text(targets))
}

fn text(targets: &[Value]) -> String {
    let lines = targets.iter().map(|target| format!("{target}\n")).collect::<String>();
    format!("{HEADER}\n{lines}{{\"targets\":{}}}\n", targets.len())
}

fn write(name: &str, text: &str) -> String {
    let path = scratch(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_string()
}

pub(super) fn target(usage: Value) -> Value {
    json!({
        "account_id": "111122223333", "account_name": "shop", "region": "us-east-1",
        "quotas": [], "requests": [], "catalog": null, "usage": usage, "troubles": [],
    })
}

/// Ten minutes of ids.
fn usage(ids: Vec<Value>) -> Value {
    json!({
        "from": "2026-11-26T08:40:00Z", "until": "2026-11-26T08:50:00Z", "settled": "2026-11-26T08:50:00Z",
        "ids": ids,
    })
}

pub(super) fn id(id: &str, metrics: Value) -> Value {
    json!({"endpoint": "runtime", "id": id, "metrics": metrics})
}

/// Every tool reads it without a panic, about a model too, and prints nothing that a terminal would obey; returns
/// everything that they print.
fn everything(path: &str, about: &str) -> String {
    let mut all = String::new();
    for args in [
        &["provisioned"][..],
        &["capacity", about],
        &["usage", about],
        &["diagnose", about],
        &["increase", about],
        &["increase", about, "--format", "json"],
        &["chart", "--account", "111122223333", "--region", "us-east-1"],
        &["export"],
    ] {
        let (code, out, error) = ran(&[args, &["--from", path]].concat());
        // There may be nothing to draw, to draft or to export: that is said in a line.
        let said = error.starts_with("bedrock-quota-exporter: ") && error.lines().count() == 1;
        assert!([0, 3].contains(&code) && error.is_empty() || code == 1 && said, "{args:?}: {code} {error}");
        all += &(out + &error);
    }
    for tool in ["quotas", "usage", "diagnose"] {
        for format in ["table", "json", "csv"] {
            let (code, out, error) = ran(&[tool, "--from", path, "--format", format]);
            assert!([0, 3].contains(&code), "{tool} {format}: {error}");
            all += &out;
        }
    }
    let (code, page, error) = ran(&["report", "--from", path]);
    assert_eq!(code, 0, "{error}");
    all += &page;
    assert!(!all.contains(|c: char| c.is_control() && !c.is_whitespace()), "{all}");
    all
}

#[test]
fn names_with_markup_formulas_and_escape_sequences_stay_names() {
    let evil = "<script>alert(1)</script>";
    let mut shop = target(usage(vec![
        id(evil, json!({"invocations": {"points": [[0, [5, 7]]]}, "throttles": {"points": [[0, [1]]]}})),
        id("=cmd|' /C calc'!A0", json!({"invocations": {"points": [[0, [5]]]}})),
        id("\u{1b}[2J\u{202e}gpj", json!({"invocations": {"points": [[0, [5]]]}})),
    ]));
    shop["account_name"] = evil.into();
    shop["quotas"] = json!([{"code": "L-1", "name": evil, "applied": 1, "default": 2, "listed": true, "adjustable": null}]);
    shop["troubles"] = json!([{"class": "access_denied", "message": "cloudwatch:ListMetrics: <img src=x onerror=alert(1)>"}]);
    let path = snapshot("evil.jsonl", &[shop]);
    let (_, page, _) = ran(&["report", "--from", &path]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    let (_, svg, _) = ran(&["chart", "--from", &path]);
    assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script"), "{svg}");
    let (_, csv, _) = ran(&["usage", "--from", &path, "--format", "csv"]);
    assert!(csv.contains(",'=cmd|' /C calc'!A0,"), "{csv}");
    let mut elsewhere = target(usage(Vec::new()));
    elsewhere["account_name"] = "\u{1b}]0;x\u{7}\u{202e}gpj".into();
    elsewhere["region"] = "eu\u{1b}[2J".into();
    let named = snapshot("evil-names.jsonl", &[elsewhere]);
    let (code, _, error) = ran(&["usage", "--from", &named, "--account", "nobody"]);
    assert_eq!(code, 1);
    assert!(error.contains("<1b>]0;x<7><202e>gpj (111122223333), eu<1b>[2J"), "{error}");
    everything(&path, evil);
    everything(&path, "gpj");
    for about in [&[][..], &["gpj"]] {
        let (_, table, _) = ran(&[&["usage", "--from", &path], about].concat());
        assert!(table.contains("<1b>[2J<202e>gpj") && !table.contains('\u{1b}'), "{table}");
    }
}

#[test]
fn nothing_known_is_shown_as_nothing_known() {
    let mut denied = target(Value::Null);
    for key in ["quotas", "requests", "catalog"] {
        denied[key] = Value::Null;
    }
    denied["troubles"] =
        json!([{"class": "access_denied", "message": "servicequotas:ListServiceQuotas: denied"}]);
    let path = snapshot("denied.jsonl", &[denied]);
    let all = everything(&path, "claude");
    assert!(all.contains("not read (access_denied): servicequotas:ListServiceQuotas: denied"), "{all}");
    let quiet = snapshot("quiet.jsonl", &[target(usage(Vec::new()))]);
    assert!(everything(&quiet, "claude").contains("no traffic"));
    assert_eq!(ran(&["chart", "--from", &quiet]).0, 1);
}

#[test]
fn a_model_that_was_only_ever_refused_has_a_rate_of_one() {
    let refused = id("anthropic.claude-x-v1:0", json!({"throttles": {"points": [[0, [3, 4, 5, 6, 7, 8]]]}}));
    let path = snapshot("refused.jsonl", &[target(usage(vec![refused]))]);
    let (_, out, _) = ran(&["usage", "--from", &path, "--format", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let totals = &document["targets"][0]["models"][0]["totals"];
    assert_eq!(
        (&totals["throttle_rate"], &totals["throttles"], &totals["requests"]),
        (&json!(1), &json!(33), &json!(0))
    );
    let (code, out, _) = ran(&["diagnose", "--from", &path]);
    assert_eq!(code, 3);
    assert!(out.contains("33 of 33 calls were refused (100 %), in 6 minutes"), "{out}");
    everything(&path, "claude-x");
}

#[test]
fn minutes_that_could_not_be_read_are_in_no_percentile() {
    let points = json!({"points": [[0, [10, 20]], [5, [30]]], "unread": [[2, 3]]});
    let known = json!({"points": []});
    let path = snapshot(
        "gaps.jsonl",
        &[target(usage(vec![id("m.x", json!({"invocations": points, "throttles": known}))]))],
    );
    let (_, out, _) = ran(&["usage", "--from", &path, "--format", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let model = &document["targets"][0]["models"][0];
    assert_eq!((&model["totals"]["requests"], &model["totals"]["unread_minutes"]), (&json!(60), &json!(3)));
    assert_eq!(model["minutes_with_traffic"], 3);
    assert_eq!(model["week"][0]["minutes"], 7);
}

#[test]
fn ten_thousand_ids_are_read_and_one_more_is_not() {
    let many = |count: usize| {
        let ids = (0..count)
            .map(|n| id(&format!("app{n:09}"), json!({"invocations": {"points": [[n % 10, [1]]]}})));
        snapshot(&format!("ids-{count}.jsonl"), &[target(usage(ids.collect()))])
    };
    let path = many(10_000);
    let (code, out, error) = ran(&["usage", "--from", &path, "--format", "csv"]);
    assert_eq!((code, out.lines().count(), error.as_str()), (0, 10_001, ""));
    everything(&path, "app000000007");
    let (code, _, error) = ran(&["usage", "--from", &many(10_001)]);
    assert_eq!(code, 1);
    assert!(error.contains("line 2: usage: found 10001 ids, expected at most 10000"), "{error}");
}

#[test]
fn what_was_looked_through_in_vain_is_the_span_of_the_snapshot() {
    let path = snapshot("vain.jsonl", &[target(usage(vec![id("m.x", json!({}))]))]);
    for tool in ["usage", "increase"] {
        let (code, out, error) = ran(&[tool, "--from", &path, "nonsense"]);
        assert_eq!((code, out.as_str()), (1, ""), "{tool}");
        assert!(error.contains("contains \"nonsense\" (10m until 2026-11-26 09:00 UTC; "), "{tool}: {error}");
    }
}

#[test]
fn an_account_is_masked_within_every_name() {
    const OWN: &str = "111122223333";
    let arn = |what: &str| format!("arn:aws:bedrock:us-east-1:{OWN}:{what}");
    let name = format!("team-{OWN}_x9{OWN}1");
    let mut shop = target(usage(vec![id(&arn("application-inference-profile/abc"), json!({}))]));
    shop["account_name"] = name.as_str().into();
    shop["quotas"] = json!([{"code": "L-1", "name": "n", "applied": null, "default": 2, "listed": true,
        "adjustable": null, "error": name}]);
    shop["troubles"] = json!([{"class": "access_denied", "message": name}]);
    shop["reserved"] = json!([name]);
    let model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0";
    shop["catalog"] = json!({
        "models": [], "profiles": [{"id": "abc", "arn": arn("application-inference-profile/abc"), "name": name,
            "application": true, "model_arns": [model]}],
        "provisioned": [{"arn": arn("provisioned-model/p"), "name": name, "model_arn": arn("custom-model/x"),
            "foundation_model_arn": model, "model_units": 1, "desired_model_units": 1, "status": "InService",
            "commitment": null, "commitment_expires": null}],
        "deployments": [{"arn": arn("custom-model-deployment/d"), "name": name, "model_arn": arn("custom-model/x"),
            "status": "Active"}],
        "custom_models": [{"arn": arn("custom-model/x"), "status": null}],
        "imported": [{"arn": arn("imported-model/i"), "name": name}],
        "batch_jobs": [{"arn": arn("model-invocation-job/j"), "model_id": name, "status": "Submitted"}],
        "tags": {arn("application-inference-profile/abc"): {"team": name, format!("of-{OWN}"): "x"}},
    });
    let from = snapshot("named.jsonl", &[shop]);
    let masked = scratch("named-masked.jsonl");
    let (code, _, error) = ran(&["snapshot", "save", "--mask", "--from", &from, masked.to_str().unwrap()]);
    assert_eq!((code, error.as_str()), (0, ""));
    let text = std::fs::read_to_string(&masked).unwrap();
    assert!(!text.contains(OWN), "{text}");
    let target: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let other = target["account_id"].as_str().unwrap();
    let (tags, profile) = (&target["catalog"]["tags"], &target["catalog"]["profiles"][0]);
    assert_eq!(tags[profile["arn"].as_str().unwrap()]["team"], format!("team-{other}_x9{other}1"));
    assert_eq!(profile["name"], format!("team-{other}_x9{other}1"), "all else of a name stays");
}

#[test]
fn a_file_that_is_no_snapshot_gets_one_clear_message() {
    let end = "{\"targets\":0}";
    let with = |usage: Value| format!("{HEADER}\n{}\n{{\"targets\":1}}\n", target(usage));
    let points = |points: Value| with(usage(vec![id("m", json!({"invocations": {"points": points}}))]));
    for (name, text, message) in [
        ("empty", String::new(), "expected a snapshot as `snapshot save` writes it, found an empty file"),
        (
            "text",
            "hello".into(),
            "expected a snapshot as `snapshot save` writes it, found no JSON on line 1: ",
        ),
        (
            "other",
            "{\"a\":1}".into(),
            "expected a snapshot as `snapshot save` writes it, found JSON of something else on line 1",
        ),
        ("newer", HEADER.replace(":1,", ":2,"), "expected a snapshot of version 1, found version 2"),
        ("cut", HEADER.to_string(), "found no end after 0 targets: the file is not whole"),
        ("miscounted", format!("{HEADER}\n{{\"targets\":3}}"), "line 2: found 0 targets, expected 3"),
        ("nobody", format!("{HEADER}\n{end}"), "there is no account in it"),
        (
            "beyond",
            points(json!([[9, [1, 2]]])),
            "line 2: invocations of \"m\": found minute 9, expected less than 10: the span's",
        ),
        (
            "negative",
            points(json!([[0, [-1]]])),
            "line 2: invocations of \"m\": found -1, expected a count from 0 to 1e15",
        ),
        ("words", points(json!("many")), "line 2: invalid type: string \"many\""),
        (
            "clock",
            with(usage(vec![])).replace("2026-11-26T08:50:00Z", "soon"),
            "line 2: found \"soon\", expected a time such as 2026-11-26T09:00:00Z",
        ),
        (
            "long",
            with(usage(vec![])).replace("2026-11-26T08:40", "2025-11-26T08:40"),
            "line 2: usage: found 2025-11-26T08:40:00Z to ",
        ),
        (
            "twice",
            with(usage(vec![id("m", json!({})), id("m", json!({}))])),
            "line 2: usage: found \"m\" twice, expected once",
        ),
        (
            "target twice",
            text(&[target(usage(vec![])), target(usage(vec![]))]),
            "line 3: found shop (111122223333), us-east-1, which line 2 holds already: expected each once",
        ),
        (
            "two files in one",
            [text(&[target(usage(vec![]))]), text(&[target(usage(vec![]))])].concat(),
            "line 4: found more after line 3, where the snapshot ends: expected one snapshot in a file",
        ),
        (
            "metric",
            with(usage(vec![id("m", json!({"dollars": {"points": []}}))])),
            "line 2: metrics: found \"dollars\", which no version of this program writes",
        ),
    ] {
        let path = write(name, &text);
        let (code, out, error) = ran(&["usage", "--from", &path]);
        assert_eq!((code, out.as_str()), (1, ""), "{name}");
        assert!(error.starts_with(&format!("bedrock-quota-exporter: {path}: {message}")), "{name}: {error}");
        assert_eq!(error.lines().count(), 1, "{name}: {error}");
    }
}
