//! The OpenAPI description, of the types that are answered and the table that is served.

use super::parameters::{Parameter, Takes};
use super::problem::Problem;
use crate::api::Described;
use crate::server::site::Site;
use crate::telemetry::VERSION;
use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};

/// A list that can be asked for.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) listing: fn() -> Value,
    /// A type beside JSON in which it is answered, where a parameter asks for it.
    pub(super) other_type: Option<&'static str>,
    /// Whether an answer of one place and scope has the fields of limits of rate.
    pub(super) rate_limits: bool,
    pub(super) route: fn() -> MethodRouter<Site>,
}

impl Operation {
    pub(super) fn path(&self) -> String {
        format!("/api/v1/{}", self.name)
    }

    fn description(&self) -> Value {
        let parameters: Vec<Value> = self.parameters.iter().map(Parameter::description).collect();
        let mut content = json!({"application/json": {"schema": (self.listing)()}});
        if let Some(other) = self.other_type {
            // Another program's form: it is the one to say what is in it.
            content[other] = json!({});
        }
        let refused = |why: &str| json!({"description": why, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
        let header = |about: &str| json!({"description": about, "schema": {"type": "string"}});
        let mut headers = json!({"ETag": header("Of the snapshot")});
        if self.rate_limits {
            let whose = "where all items are of one target, and of one scope or invocation id \
                (draft-ietf-httpapi-ratelimit-headers-11)";
            headers["RateLimit-Policy"] =
                header(&format!("Each quota by its code, with its limit and window, {whose}"));
            headers["RateLimit"] = header(&format!("What is left of each quota, {whose}"));
        }
        let mut busy = refused("It was not read yet, or too many requests are being answered");
        busy["headers"] = json!({"Retry-After": header("In seconds")});
        let mut other_method = refused("Only GET and HEAD are answered");
        other_method["headers"] = json!({"Allow": header("GET,HEAD")});
        json!({"get": {
            "operationId": self.name,
            "summary": self.summary,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": self.summary,
                    "headers": headers,
                    "content": content,
                },
                "304": {"description": "The snapshot is that of If-None-Match"},
                "400": refused("A parameter is wrong; `parameter` names it"),
                "404": refused("Nothing that is watched is what a parameter asks for"),
                "405": other_method,
                "503": busy,
            },
        }})
    }
}

impl Parameter {
    fn description(&self) -> Value {
        let schema = match self.takes {
            Takes::Text => json!({"type": "string", "minLength": 1}),
            Takes::Word(words) => json!({"type": "string", "enum": words()}),
            Takes::Count(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
            Takes::Share => json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        };
        json!({"name": self.name, "in": "query", "description": self.about, "required": false, "schema": schema})
    }
}

pub(super) fn openapi(operations: &[Operation]) -> Value {
    let paths: Map<String, Value> = operations.iter().map(|each| (each.path(), each.description())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bedrock-quota-exporter",
            "version": VERSION,
            "description": "The newest snapshot of Amazon Bedrock's quotas and of what is used of them. No request \
                causes a call to AWS. What is not known is null.",
        },
        "paths": paths,
        "components": {"schemas": {"Problem": Problem::schema()}},
    })
}
