//! How many of the quota codes that AWS's own documents state for an invocation id are found, and that
//! none is wrong or borrowed.

use bedrock_quota_exporter::model::ids::QuotaKind;
use bedrock_quota_exporter::model::matching::Rules;
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::offline::File;
use bedrock_quota_exporter::report::explain::{self, ExplainInputs, Format};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

const QUOTAS: &str = include_str!("../../data/service-quotas.json");
const MODELS: &str = include_str!("../../data/foundation-models.json");
const PROFILES: &str = include_str!("../../data/inference-profiles.json");
const TRUTH: &str = include_str!("../data/quota-truth.json");

const KINDS: [(&str, &str); 3] =
    [("rpm", "requests_per_minute"), ("tpm", "tokens_per_minute"), ("tpd", "tokens_per_day")];

#[derive(Deserialize)]
struct Truth {
    truth: Vec<Value>,
    wrong: Vec<Wrong>,
    none: Vec<NoQuota>,
    #[serde(default)]
    disputed: Vec<Value>,
}

#[derive(Deserialize)]
struct Wrong {
    model_id: String,
    scope: String,
    dimension: String,
    wrong_code: String,
}

#[derive(Deserialize)]
struct NoQuota {
    invocation_id: String,
    must_not_have: Vec<String>,
}

/// The table beside the project where there is one, else the copy made when it was last read.
fn truth() -> Truth {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/quota-truth.json");
    let text = std::fs::read_to_string(beside).unwrap_or_else(|_| TRUTH.to_string());
    serde_json::from_str(&text).expect("quota-truth.json has the lists truth, wrong and none")
}

fn inputs() -> ExplainInputs<'static> {
    let file = |path, content| Some(File { path, content });
    ExplainInputs {
        quotas: file("service-quotas.json", QUOTAS),
        models: file("foundation-models.json", MODELS),
        profiles: file("inference-profiles.json", PROFILES),
        ..ExplainInputs::default()
    }
}

fn explain(ids: &[String]) -> Vec<Value> {
    let json = explain::run(&inputs(), &Rules::default(), ids, Format::Json).expect("the lists are read");
    serde_json::from_str(&json).expect("explain prints JSON")
}

fn quota<'a>(explained: &'a Value, dimension: &str) -> &'a Value {
    let kind = KINDS.iter().find(|(short, _)| *short == dimension).map_or(dimension, |(_, kind)| kind);
    &explained["quotas"][kind]
}

#[test]
fn stated_codes_are_found_and_no_other_is() {
    let truth = truth();
    let disputed: BTreeSet<&str> =
        truth.disputed.iter().filter_map(|d| d["invocation_id"].as_str()).collect();
    let ids: Vec<String> =
        truth.truth.iter().map(|t| t["invocation_id"].as_str().unwrap().to_string()).collect();
    let (mut stated, mut found) = (0, 0);
    let mut wrong = Vec::new();
    for (row, explained) in truth.truth.iter().zip(explain(&ids)) {
        let id = row["invocation_id"].as_str().unwrap();
        for (dimension, _) in KINDS {
            let (code, quota) = (&row[dimension], quota(&explained, dimension));
            stated += usize::from(code.is_string());
            match quota["code"].as_str() {
                Some(_) if quota["code"] == *code => found += 1,
                Some(other) if !disputed.contains(id) => {
                    wrong.push(format!("{id} {dimension}: {other} for {code}"))
                }
                _ if code.is_string() => println!("missed: {id} {dimension} {code}: {}", quota["reason"]),
                _ => (),
            }
        }
    }
    println!("accuracy: {found} of {stated} stated codes found on {} ids, {} wrong", ids.len(), wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert!(stated > 200 && found * 100 >= stated * 98, "{found} of {stated}");
}

#[test]
fn codes_known_to_be_wrong_are_not_given() {
    let truth = truth();
    let id = |w: &Wrong| match w.scope.as_str() {
        "base" => w.model_id.clone(),
        prefix => format!("{prefix}.{}", w.model_id),
    };
    let ids: Vec<String> = truth.wrong.iter().map(id).collect();
    for (wrong, explained) in truth.wrong.iter().zip(explain(&ids)) {
        let code = &quota(&explained, &wrong.dimension)["code"];
        assert_ne!(code, wrong.wrong_code.as_str(), "{} {}", explained["id"], wrong.dimension);
    }
    assert!(truth.wrong.len() >= 19);
}

#[test]
fn ids_without_a_quota_get_none() {
    let truth = truth();
    let ids: Vec<String> = truth.none.iter().map(|n| n.invocation_id.clone()).collect();
    for (none, explained) in truth.none.iter().zip(explain(&ids)) {
        for dimension in none.must_not_have.iter().filter(|d| *d != "concurrent") {
            assert_eq!(
                quota(&explained, dimension)["code"],
                Value::Null,
                "{} {dimension}",
                none.invocation_id
            );
        }
    }
    assert!(truth.none.len() >= 18);
}

#[test]
fn calls_in_flight_are_limited_where_stated_and_nowhere_else() {
    let index = explain::index(&inputs(), &Rules::default()).expect("the lists are read");
    let code = |id: &str| {
        let charges = index.resolve(&InvocationId::runtime(id)).charges;
        let charge = charges.into_iter().find(|c| c.kind == QuotaKind::ConcurrentRequests);
        charge.and_then(|c| c.quota_code().map(Value::from)).unwrap_or_default()
    };
    let truth = truth();
    for row in &truth.truth {
        let id = row["invocation_id"].as_str().unwrap();
        assert_eq!(code(id), row["concurrent"], "{id}");
    }
    for none in truth.none.iter().filter(|n| n.must_not_have.iter().any(|d| d == "concurrent")) {
        assert_eq!(code(&none.invocation_id), Value::Null, "{}", none.invocation_id);
    }
}
