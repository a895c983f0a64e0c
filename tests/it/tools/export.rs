//! `export`: limits for gateways, held against the lists that they come from.

use super::hostile::{snapshot, target};
use super::{json, of_demo, ran, scratch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

const PLACE: [&str; 4] = ["--account", "production", "--region", "us-west-2"];

fn exported(args: &[&str]) -> Vec<Value> {
    let document = json(&[&["export"], args].concat());
    assert_eq!(document["kind"], "export");
    document["items"].as_array().unwrap().clone()
}

/// Applied values by model, scope and what they limit, as `quotas` lists them.
fn applied() -> BTreeMap<[String; 3], f64> {
    let document = json(&[&["quotas"], &PLACE[..]].concat());
    let rows = document["targets"][0]["quotas"].as_array().unwrap();
    let plain = |row: &&Value| {
        row["endpoint"] == "runtime" && row["variant"] == "standard" && !row["limit"].is_null()
    };
    let key = |row: &Value| {
        ["model", "scope", "quota"].map(|key| row[key].as_str().unwrap_or_default().to_string())
    };
    rows.iter().filter(plain).map(|row| (key(row), row["limit"].as_f64().unwrap())).collect()
}

#[test]
fn every_limit_is_the_share_of_the_applied_quota_of_its_model_and_scope() {
    let applied = applied();
    let items = exported(&[&["--share", "0.5"], &PLACE[..]].concat());
    assert!(items.len() > 50, "{}", items.len());
    let mut known = 0;
    for item in &items {
        for quota in ["requests_per_minute", "tokens_per_minute"] {
            let key = [&item["model"], &item["scope"], &Value::from(quota)]
                .map(|v| v.as_str().unwrap().to_string());
            let expected = applied.get(&key).map(|limit| (limit * 0.5).floor());
            assert_eq!(item[quota].as_f64(), expected, "{item}");
            assert_eq!(item["unknown"][quota].is_string(), expected.is_none(), "why: {item}");
            known += usize::from(expected.is_some());
        }
    }
    assert!(known > 50, "{known}");
    let sonnet = exported(&[&["--model-id", "us.anthropic.claude-sonnet-4-6"], &PLACE[..]].concat());
    assert_eq!(sonnet.len(), 1);
    assert_eq!(
        (&sonnet[0]["tokens_per_minute"], &sonnet[0]["output_burndown"]),
        (&6_000_000.into(), &5.0.into())
    );
}

#[test]
fn gateways_get_their_own_form_and_no_limit_of_0_for_what_is_not_known() {
    let model = ["--model", "anthropic.claude-sonnet-4-6", "--share", "0.8"];
    for (format, name) in [("litellm", "export_for_litellm"), ("envoy", "export_for_envoy")] {
        let (code, out) = of_demo(&[&["export", "--format", format], &PLACE[..], &model].concat());
        assert_eq!(code, 0);
        insta::assert_snapshot!(name, out);
        let (_, all) = of_demo(&["export", "--format", format]);
        assert!(all.lines().any(|line| line.trim_start().starts_with("# left out: ")), "{all}");
        assert!(all.contains("is 0, every call is refused"), "a quota of 0 is none to spend: {all}");
        let zero = all.lines().find(|line| !line.trim_start().starts_with('#') && line.ends_with(": 0"));
        assert_eq!(zero, None);
    }
}

#[test]
fn a_share_of_less_than_1_leaves_an_id_out_for_litellm() {
    let share = ["--share", "0.01", "--account", "labs", "--region", "us-east-1"];
    let (code, out) = of_demo(&[&["export", "--format", "litellm"], &share[..]].concat());
    assert_eq!(code, 0);
    let of_json = exported(&share);
    let is_below = |item: &Value| {
        let quotas = ["requests_per_minute", "tokens_per_minute", "tokens_per_day"];
        quotas.iter().any(|quota| item[quota] == json!(0))
    };
    assert!(of_json.iter().any(is_below) && !of_json.iter().all(is_below), "json tells both");
    for item in &of_json {
        let id = item["model_id"].as_str().unwrap();
        let is_told = out.contains(&format!("model: \"bedrock/{id}\"\n"));
        assert_eq!(is_told, !is_below(item), "a limit that is left out is none: {item}");
    }
    assert!(out.contains("and the share of it is less than 1"), "{out}");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_only_by_another_text() {
    let path = scratch("limits.yaml");
    let _ = std::fs::remove_file(&path);
    let file = path.to_str().unwrap();
    let export = |share: &str| {
        let args = ["export", "--format", "litellm", "--share", share, "--output", file];
        of_demo(&[&args, &PLACE[..]].concat())
    };
    assert_eq!(export("0.8"), (0, String::new()));
    let seen = || {
        let there = std::fs::metadata(&path).unwrap();
        (there.ino(), there.mtime(), there.mtime_nsec())
    };
    let first = seen();
    export("0.8");
    assert_eq!(seen(), first, "the same text leaves the file alone");
    export("0.7");
    assert_ne!(seen(), first);
    assert!(std::fs::read_to_string(&path).unwrap().contains("at 70 % of the applied quotas"));
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let left: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".limits.yaml")), "{left:?}");
}

#[test]
fn lists_that_were_not_read_are_an_error_and_leave_the_file_alone() {
    let path = scratch("kept.yaml");
    std::fs::write(&path, "kept").unwrap();
    let mut denied = target(Value::Null);
    denied["quotas"] = Value::Null;
    denied["catalog"] = json!({"models": [], "profiles": []});
    denied["troubles"] =
        json!([{"class": "access_denied", "message": "servicequotas:ListServiceQuotas: denied"}]);
    let from = snapshot("unlisted.jsonl", &[denied]);
    let (code, out, error) = ran(&["export", "--from", &from, "--output", path.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("were not all read: servicequotas:ListServiceQuotas: denied"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn a_wrong_flag_gets_one_clear_message() {
    for (args, expected) in [
        (&["export", "--demo", "--share", "1.5"][..], "expected a number above 0, at most 1, such as 0.8"),
        (&["export", "--demo", "--format", "kong"], "expected litellm, envoy or json"),
        (&["export", "--url", "ftp://localhost"], "expected http://HOST:PORT or https://HOST:PORT"),
        (&["export", "--url", "http://127.0.0.1:9", "--demo"], "cannot be used with"),
    ] {
        let (code, _, error) = ran(args);
        assert!(code == 2 && error.contains(expected), "{args:?}: {code}: {error}");
    }
    let (code, error) = {
        let (code, _, error) = ran(&["export", "--url", "http://127.0.0.1:9"]);
        (code, error)
    };
    assert!(code == 1 && error.contains("no answer from 127.0.0.1:9: "), "{error}");
}
