//! `provisioned` and `capacity`, against the simulated world's truth.

use super::{Truth, json, number, of_demo, percentile, seconds, truth};
use serde_json::json as value;

const PURCHASE: &str = "arn:aws:bedrock:us-west-2:000000000000:provisioned-model/pt7k2m4x9qva";

/// What is looked at of a minute of the truth.
type Column = fn(&Truth) -> f64;

#[test]
fn what_was_bought_is_listed_with_the_use_of_a_unit() {
    let usage = json(&["usage", "--account", "production", "--region", "us-west-2"])["targets"][0].clone();
    let minutes = seconds(&usage["from"]) / 60..seconds(&usage["until"]) / 60;
    let truth = truth("000000000000", "us-west-2", &[PURCHASE], minutes);
    let document = json(&["provisioned", "--account", "production", "--region", "us-west-2"]);
    let bought = &document["targets"][0]["provisioned"][0];
    for (key, expected) in [
        ("arn", value!(PURCHASE)),
        ("model", value!("meta.llama3-1-70b-instruct-v1:0:128k")),
        ("model_units", value!(2)),
        ("desired_model_units", value!(3)),
        ("status", value!("Updating")),
        ("commitment", value!("OneMonth")),
        ("throttles", value!(0)),
    ] {
        assert_eq!(bought[key], expected, "{key}");
    }
    assert_eq!(number(&bought["requests"]), truth.iter().map(|minute| minute[0]).sum::<f64>());
    let kinds: [(&str, Column); 2] = [
        ("requests_per_minute_and_unit", |minute| minute[0]),
        ("tokens_per_minute_and_unit", |minute| minute[2] + minute[3]),
    ];
    for (key, of) in kinds {
        let busy: Vec<f64> = truth.iter().map(of).filter(|sum| *sum > 0.0).collect();
        for (part, percent) in [("p50", 50.0), ("p90", 90.0), ("max", 100.0)] {
            assert_eq!(number(&bought[key][part]), percentile(&busy, percent) / 2.0, "{key} {part}");
        }
    }
    let (code, table) = of_demo(&["provisioned"]);
    assert_eq!((code, table.matches("llama-70b-search").count()), (0, 1), "{table}");
    assert!(table.contains("2 → 3") && table.contains("Units cannot be changed"), "{table}");
    assert_eq!(
        of_demo(&["provisioned", "--account", "labs"]),
        (0, "no provisioned throughput\n".to_string())
    );
}

#[test]
fn calls_that_the_reserved_tier_served_are_seen() {
    let place = ["--account", "research", "--region", "eu-central-1"];
    let (_, table) = of_demo(&[&["capacity"], &place[..], &["gpt-oss-120b"]].concat());
    assert!(table.contains("reserved tier: it served calls of openai.gpt-oss-120b-1:0 in the"), "{table}");
    let (_, table) =
        of_demo(&["capacity", "--account", "production", "--region", "us-west-2", "claude-sonnet-4-6"]);
    assert!(
        table.contains("reserved tier: it served no call in the two weeks before this was read"),
        "{table}"
    );
}

#[test]
fn capacity_is_limits_their_use_and_where_the_ceiling_was() {
    let place = ["--account", "production", "--region", "us-west-2"];
    let document = json(&[&["capacity"], &place[..], &["claude-sonnet-4-6"]].concat());
    let models = document["targets"][0]["models"].as_array().unwrap();
    let cross = models.iter().find(|model| model["scope"] == "cross_region").unwrap();
    let tokens = cross["quotas"].as_array().unwrap();
    let tokens = tokens.iter().find(|quota| quota["quota"] == "tokens_per_minute").unwrap();
    let usage = json(&[&["usage"], &place[..], &["claude-sonnet-4-6"]].concat());
    let same = usage["targets"][0]["models"][0]["quotas"].as_array().unwrap().clone();
    assert!(same.contains(tokens), "as `usage` has it: {tokens}");
    assert_eq!(tokens["limit"], 6_000_000);
    assert!((0.38..0.43).contains(&(number(&tokens["ceiling"]) / 6e6)), "{tokens}");
    let (_, table) = of_demo(&[&["capacity"], &place[..], &["llama3-1-70b"]].concat());
    assert!(table.contains("provisioned: 2 model units (Updating), llama-70b-search"), "{table}");
    assert!(table.contains("does not exist"), "{table}");
}
