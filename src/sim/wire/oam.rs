//! CloudWatch Observability Access Manager: the sink of a monitoring account and the links to it.

use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use serde_json::{Value, json};

/// ListAttachedLinks gives up to 1,000 links a page.
const LINKS: Paging = Paging { most: 1000, ..SINKS };

const SINKS: Paging = Paging {
    size: Some("MaxResults"),
    token: "NextToken",
    usual: 5,
    most: 100,
    bad_size: "InvalidParameterException",
    bad_token: ("InvalidParameterException", "The NextToken is not valid."),
};

/// The operation that a method and a path mean.
pub fn route(method: &str, path: &str) -> Option<&'static str> {
    match (method, path) {
        ("POST", "/ListSinks") => Some("ListSinks"),
        ("POST", "/ListAttachedLinks") => Some("ListAttachedLinks"),
        _ => None,
    }
}

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let arn = |account: &str, kind: &str| {
        format!("arn:aws:oam:{}:{account}:{kind}/00000000-0000-4000-8000-{account}", scene.region.name)
    };
    let sink = arn(&scene.account.id, "sink");
    let sources = &scene.account.sources;
    let rows = match operation {
        "ListSinks" if sources.is_empty() => Vec::new(),
        "ListSinks" => vec![json!({"Arn": sink, "Id": sink.rsplit('/').next(), "Name": "monitoring"})],
        "ListAttachedLinks" if sources.is_empty() || input["SinkIdentifier"] != sink.as_str() => {
            return Err(Refusal::new(404, "ResourceNotFoundException", "The sink does not exist."));
        }
        "ListAttachedLinks" => {
            let link = |account: &String| {
                let kinds = ["AWS::CloudWatch::Metric"];
                json!({"Label": account, "LinkArn": arn(account, "link"), "ResourceTypes": kinds})
            };
            sources.iter().map(link).collect()
        }
        _ => return Err(unknown_operation(operation)),
    };
    let paging = if operation == "ListSinks" { SINKS } else { LINKS };
    Ok(paging.page(scene, input, rows)?.reply("Items", |row| row))
}
