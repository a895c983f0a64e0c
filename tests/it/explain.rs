//! `explain` on files as the AWS CLI prints them.

use bedrock_quota_exporter::model::matching::Rules;
use bedrock_quota_exporter::offline::File;
use bedrock_quota_exporter::report::explain::{self, ExplainInputs, Format, Shape};
use serde_json::{Value, json};

const NOVA: &str = "amazon.nova-lite-v1:0";

/// Applied values: one in error, one without a value, one of 0, one that is not the account's.
fn applied() -> String {
    json!({"Quotas": [
        {"ServiceCode": "bedrock", "QuotaCode": "L-0001", "Value": 400.0, "Adjustable": false,
         "QuotaName": "Cross-region model inference requests per minute for Amazon Nova Lite",
         "Unit": "None", "GlobalQuota": false, "QuotaAppliedAtLevel": "ACCOUNT"},
        {"ServiceCode": "bedrock", "QuotaCode": "L-0002", "Value": 0.0, "Adjustable": true,
         "QuotaName": "Cross-region model inference tokens per minute for Amazon Nova Lite"},
        {"QuotaCode": "L-0003",
         "QuotaName": "Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)"},
        {"QuotaCode": "L-0004", "Value": 7.0,
         "ErrorReason": {"ErrorCode": "DEPENDENCY_ACCESS_DENIED_ERROR", "ErrorMessage": "denied"},
         "QuotaName": "On-demand model inference requests per minute for Amazon Nova Lite"},
        {"QuotaCode": "L-0004", "Value": 9.0, "QuotaAppliedAtLevel": "RESOURCE",
         "QuotaName": "On-demand model inference requests per minute for Amazon Nova Lite"},
        {"QuotaCode": "L-0006", "Value": 60.5,
         "QuotaName": "(Model customization) Sum of on demand custom model deployment requests per minute for Amazon Nova Lite"},
        {"QuotaCode": "L-0007", "Value": 12.0,
         "QuotaName": "[bedrock-mantle endpoint] Input tokens per minute for Nova Lite"}
    ]})
    .to_string()
}

fn defaults() -> String {
    json!({"Quotas": [
        {"QuotaCode": "L-0002", "Value": 8000000.0,
         "QuotaName": "Cross-region model inference tokens per minute for Amazon Nova Lite"},
        {"QuotaCode": "L-0005", "Value": 200000.0, "Adjustable": true,
         "QuotaName": "On-demand model inference tokens per minute for Amazon Nova Lite"}
    ]})
    .to_string()
}

fn models() -> String {
    json!({"modelSummaries": [{
        "modelArn": format!("arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"),
        "modelId": NOVA, "modelName": "Nova Lite", "providerName": "Amazon",
        "inputModalities": ["TEXT"], "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND", "INFERENCE_PROFILE"],
        "modelLifecycle": {"status": "ACTIVE"}
    }]})
    .to_string()
}

fn profiles() -> String {
    let arn =
        |region: &str| json!({"modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{NOVA}")});
    json!({"inferenceProfileSummaries": [
        {"inferenceProfileName": "US Nova Lite", "inferenceProfileId": format!("us.{NOVA}"),
         "inferenceProfileArn": format!("arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{NOVA}"),
         "models": [arn("us-east-1"), arn("us-west-2")], "status": "ACTIVE", "type": "SYSTEM_DEFINED"},
        {"inferenceProfileName": "checkout", "inferenceProfileId": "a1b2c3d4e5f6",
         "inferenceProfileArn": "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6",
         "models": [arn("us-west-2"), arn("us-east-1")], "status": "ACTIVE", "type": "APPLICATION"}
    ]})
    .to_string()
}

fn deployments() -> String {
    let account = "arn:aws:bedrock:us-east-1:111122223333";
    json!({"modelDeploymentSummaries": [{
        "customModelDeploymentArn": format!("{account}:custom-model-deployment/d1d2d3d4d5d6"),
        "customModelDeploymentName": "tuned",
        "modelArn": format!("{account}:custom-model/{NOVA}:300k/c1c2c3c4c5c6"),
        "status": "Active"
    }]})
    .to_string()
}

fn run(ids: &[&str], format: Format) -> String {
    let texts = [applied(), defaults(), models(), profiles(), deployments()];
    let file = |at: usize| Some(File { path: "file.json", content: &texts[at] });
    let inputs = ExplainInputs {
        quotas: file(0),
        defaults: file(1),
        models: file(2),
        profiles: file(3),
        deployments: file(4),
        region: None,
    };
    let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    explain::run(&inputs, &Rules::default(), &ids, format).expect("the files are as the AWS CLI prints them")
}

const IDS: [&str; 7] = [
    NOVA,
    "us.amazon.nova-lite-v1:0",
    "global.amazon.nova-lite-v1:0",
    "a1b2c3d4e5f6",
    "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/d1d2d3d4d5d6",
    "arn:aws:bedrock:us-east-1:111122223333:imported-model/e1e2e3e4e5e6",
    "no such thing",
];

const ALL: Format = Format::Table(Shape { width: 100, all: true });

#[test]
fn a_table_says_which_quota_and_why() {
    insta::assert_snapshot!(run(&IDS, ALL));
}

#[test]
fn what_cannot_apply_is_hidden_and_no_line_is_wider_than_the_terminal() {
    let table = run(&IDS, Format::Table(Shape { width: 80, all: false }));
    assert!(!table.contains("bedrock-mantle endpoint only"), "{table}");
    assert!(
        table.contains("no global row for requests_per_minute"),
        "that a row is missing matters: {table}"
    );
    assert_eq!(table.matches("no quota counts the calls of imported models").count(), 1, "{table}");
    let words = |line: &str| line.split_whitespace().count();
    let wide = table.lines().find(|line| line.chars().count() > 80 && words(line) > 1);
    assert_eq!(wide, None);
}

#[test]
fn json_has_one_object_per_id_and_always_the_same_keys() {
    let explained: Value = serde_json::from_str(&run(&IDS, Format::Json)).expect("JSON");
    let explained = explained.as_array().expect("an array");
    assert_eq!(explained.iter().map(|e| e["id"].as_str().unwrap()).collect::<Vec<_>>(), IDS);
    for object in explained {
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let facts = ["confidence", "id", "model", "name", "quotas", "scope", "type", "unmapped"];
        assert_eq!(keys(object), facts);
        let kinds = [
            "input_tokens_per_minute",
            "output_tokens_per_minute",
            "requests_per_minute",
            "tokens_per_day",
            "tokens_per_minute",
        ];
        assert_eq!(keys(&object["quotas"]), kinds);
        for kind in kinds {
            let quota = &object["quotas"][kind];
            assert_eq!(keys(quota), ["code", "default", "limit", "method", "name", "reason", "state"]);
            assert_eq!(quota["code"].is_null(), quota["method"].is_null(), "{quota}");
            assert!(quota["reason"].as_str().is_some_and(|r| !r.is_empty()), "{quota}");
        }
    }
    assert_eq!(
        explained[1]["quotas"]["tokens_per_minute"],
        json!({
            "code": "L-0002",
            "name": "Cross-region model inference tokens per minute for Amazon Nova Lite",
            "limit": 0,
            "default": 8000000,
            "state": "zero",
            "method": "identity",
            "reason": "the quota name spells the model id",
        })
    );
}

/// The last page of a list is whole, and so is a list whose token is null.
#[test]
fn a_token_that_says_nothing_follows_is_no_truncation() {
    for token in ["null", "\"\""] {
        let content = format!(r#"{{"Quotas": [], "NextToken": {token}}}"#);
        let quotas = Some(File { path: "q.json", content: &content });
        let inputs = ExplainInputs { quotas, ..ExplainInputs::default() };
        assert_eq!(explain::run(&inputs, &Rules::default(), &[], Format::Json).as_deref(), Ok("[]\n"));
    }
}

/// Facts of an id that has a quota beyond the usual ones, and of one without any.
#[test]
fn json_tells_all_that_the_table_shows() {
    let quotas = json!({"Quotas": [{
        "QuotaCode": "L-1", "Value": 20.0,
        "QuotaName": "On-demand InvokeModel concurrent requests for Amazon Nova Lite"
    }]})
    .to_string();
    let quotas = Some(File { path: "quotas.json", content: &quotas });
    let inputs = ExplainInputs { quotas, ..ExplainInputs::default() };
    let ids = [NOVA.to_string(), "no such thing".to_string()];
    let table = explain::run(&inputs, &Rules::default(), &ids, ALL).unwrap();
    let json = explain::run(&inputs, &Rules::default(), &ids, Format::Json).unwrap();
    let explained: Value = serde_json::from_str(&json).unwrap();
    assert!(table.contains("concurrent_requests"), "{table}");
    assert_eq!(explained[0]["quotas"]["concurrent_requests"]["limit"], 20);
    assert_eq!((&explained[0]["type"], &explained[0]["confidence"]), (&json!("base"), &json!("inferred")));
    assert_eq!((&explained[0]["unmapped"], &explained[1]["unmapped"]), (&Value::Null, &json!("unknown_id")));
    for object in explained.as_array().unwrap() {
        for kind in object["quotas"].as_object().unwrap().keys() {
            assert!(table.contains(&format!("\n  {kind} ")), "{kind}");
        }
    }
}

#[test]
fn values_by_region_are_taken_only_for_a_named_region() {
    let quotas = json!({"Quotas": [{
        "QuotaCode": "L-1", "QuotaName": "On-demand model inference requests per minute for Amazon Nova Lite",
        "Value": 200, "ValueByRegion": {"us-east-1": 2000, "other": 250}
    }]})
    .to_string();
    for (region, limit) in [(None, 200), (Some("us-east-1"), 2000), (Some("eu-west-3"), 250)] {
        let quotas = Some(File { path: "quotas.json", content: &quotas });
        let inputs = ExplainInputs { quotas, region, ..ExplainInputs::default() };
        let json = explain::run(&inputs, &Rules::default(), &[NOVA.to_string()], Format::Json).unwrap();
        let explained: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(explained[0]["quotas"]["requests_per_minute"]["limit"], limit, "{region:?}");
    }
}

#[test]
fn a_file_that_is_something_else_gets_one_clear_message() {
    let quotas = |content| ExplainInputs { quotas: file("q.json", content), ..ExplainInputs::default() };
    let models = |content| ExplainInputs { models: file("m.json", content), ..ExplainInputs::default() };
    let profiles = |content| ExplainInputs { profiles: file("p.json", content), ..ExplainInputs::default() };
    fn file<'a>(path: &'a str, content: &'a str) -> Option<File<'a>> {
        Some(File { path, content })
    }
    for (inputs, message) in [
        (
            quotas(""),
            "q.json: expected the JSON that `aws service-quotas list-service-quotas` prints, {\"Quotas\": […]}, \
             found no JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            quotas(r#"{"modelSummaries": [], "x": 1}"#),
            "q.json: expected the JSON that `aws service-quotas list-service-quotas` prints, {\"Quotas\": […]}, \
             found an object with modelSummaries, x",
        ),
        (
            quotas(r#"{"Quotas": [{"QuotaCode": "L-1"}]}"#),
            "q.json: Quotas[0]: missing field `QuotaName`, found an object with QuotaCode",
        ),
        (
            quotas(r#"{"Quotas": [{"QuotaCode": "L-1", "QuotaName": "x", "ServiceCode": "ec2"}]}"#),
            "q.json: expected quotas of the service code bedrock, found ec2",
        ),
        (
            quotas(r#"{"Quotas": [{"QuotaCode": "L-1", "QuotaName": "x"}], "NextToken": "eyJNYXJrZXIi"}"#),
            "q.json: expected the whole list, found 1 Quotas and a NextToken, so that more follow: run \
             `aws service-quotas list-service-quotas` without --max-items, --no-paginate and --starting-token",
        ),
        (
            profiles(r#"{"inferenceProfileSummaries": [], "nextToken": "a"}"#),
            "p.json: expected the whole list, found 0 inferenceProfileSummaries and a NextToken, so that more \
             follow: run `aws bedrock list-inference-profiles` without --max-items, --no-paginate and \
             --starting-token",
        ),
        (
            models(r#"[1, 2]"#),
            "m.json: expected the JSON that `aws bedrock list-foundation-models` prints, \
             {\"modelSummaries\": […]}, found a list of 2",
        ),
        (
            models(r#"{"modelSummaries": null}"#),
            "m.json: expected the JSON that `aws bedrock list-foundation-models` prints, \
             {\"modelSummaries\": […]}, found modelSummaries: null",
        ),
        (
            profiles(r#"{"inferenceProfileSummaries": ["us.amazon.nova-lite-v1:0"]}"#),
            "p.json: inferenceProfileSummaries[0]: invalid type: string \"us.amazon.nova-lite-v1:0\", \
             expected an object, found `\"us.amazon.nova-lite-v1:0\"`",
        ),
    ] {
        let found = explain::run(&inputs, &Rules::default(), &[], ALL);
        assert_eq!(found, Err(message.to_string()));
    }
}
