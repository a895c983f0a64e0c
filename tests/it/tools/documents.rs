//! docs/JSON.md and docs/THROTTLING.md, held against what is printed.

use super::{SNAPSHOT, json, ran};
use bedrock_quota_exporter::diagnosis::causes;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;

const JSON: &str = include_str!("../../../docs/JSON.md");

/// Every key of a document with its way there.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                // What users call their tags, and metrics, are no keys of the shape.
                let path = if at.ends_with("metrics") { format!("{at}.METRIC") } else { path };
                let path = if at.ends_with("tags") { format!("{at}.ARN") } else { path };
                if !at.ends_with(".ARN") {
                    found.insert(path.clone());
                    paths(value, &path, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| paths(value, &format!("{at}[]"), found)),
        _ => {}
    }
}

/// The keys that a section of the document has in the first column of its table.
fn documented(section: &str) -> BTreeSet<String> {
    let text =
        JSON.split("\n## ").find(|text| text.starts_with(section)).unwrap_or_else(|| panic!("{section}"));
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(key, _)| key.to_string()).collect()
}

fn assert_documented(section: &str, documents: &[Value], rare: &[&str]) {
    let mut found = BTreeSet::new();
    documents.iter().for_each(|document| paths(document, "", &mut found));
    found.extend(rare.iter().map(|path| path.to_string()));
    let told = documented(section);
    let (untold, gone): (Vec<_>, Vec<_>) =
        (found.difference(&told).collect(), told.difference(&found).collect());
    assert!(untold.is_empty() && gone.is_empty(), "{section}: not told: {untold:#?}, not there: {gone:#?}");
}

#[test]
fn every_key_is_told_and_there_is_no_other() {
    assert_documented("`quotas`", &[json(&["quotas"])], &[]);
    let diff = json(&["quotas", "--diff", "production/us-west-2", "research/us-east-1"]);
    assert_documented("`quotas --diff`", &[diff], &[]);
    assert_documented("`usage`", &[json(&["usage"])], &[]);
    let rare = [
        "unknown.output_burndown",
        "unknown.requests_per_minute",
        "unknown.tokens_per_day",
        "unknown.tokens_per_minute",
    ];
    let rare = rare.map(|key| format!("items[].{key}"));
    assert_documented("`export`", &[json(&["export"])], &rare.each_ref().map(String::as_str));
    assert_documented("`diagnose`", &[json(&["diagnose"])], &[]);
    let (code, message, _) = ran(&["diagnose", "--format", "json", "--error", "Too many tokens"]);
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!((code, &message["version"], &message["kind"]), (3, &1.into(), &"message".into()));
    assert_documented("`diagnose --error`", &[message], &[]);
    let draft = json(&["increase", "--account", "research", "--region", "us-east-1", "sonnet-4-6"]);
    let grown =
        ["tokens_before", "tokens_last", "days_ahead", "projected"].map(|key| format!("draft.growth.{key}"));
    assert_documented("`increase`", &[draft], &grown.each_ref().map(String::as_str));
    assert_documented("`provisioned`", &[json(&["provisioned"])], &[]);
    let capacity = [json(&["capacity", "claude-sonnet-4-6"]), json(&["capacity", "llama3-1-70b"])];
    assert_documented("`capacity`", &capacity, &[]);
    assert_documented("`probe`", &[crate::probe::document()], &[]);
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&*SNAPSHOT).unwrap()).read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // What goes wrong does not in the demo.
    let rare = ["troubles[].class", "troubles[].message", "usage.ids[].metrics.METRIC.unread"];
    assert_documented("The snapshot file", &lines, &rare);
}

#[test]
fn the_decision_table_is_the_codes() {
    let shipped = include_str!("../../../docs/THROTTLING.md");
    assert!(
        shipped == causes::document(),
        "docs/THROTTLING.md is not what the table says:\n{}",
        causes::document()
    );
}
