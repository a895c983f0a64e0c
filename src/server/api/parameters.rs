//! What the URL of a request asks for.

use super::problem::Problem;
use crate::api::Query;
use crate::model::ids::Scope;
use axum::extract::Query as Parameters;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use std::collections::BTreeMap;

/// Names and values as they stand in the URL.
pub(super) type Given = Result<Parameters<Vec<(String, String)>>, QueryRejection>;

/// A parameter of the URL.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

const ACCOUNT: Parameter =
    Parameter { name: "account", about: "An account id, or the name that the config gives it." };
const REGION: Parameter = Parameter { name: "region", about: "Such as us-east-1." };
const MODEL: Parameter = Parameter { name: "model", about: "A base model id." };
const MODEL_ID: Parameter = Parameter {
    name: "model_id",
    about: "An invocation id, as CloudWatch spells it: it stands for the quotas that its calls spend.",
};
const SCOPE: Parameter = Parameter { name: "scope", about: "Which pool of capacity calls draw on." };

pub(super) const OF_TARGETS: &[Parameter] = &[ACCOUNT, REGION];
pub(super) const OF_MODELS: &[Parameter] = &[ACCOUNT, REGION, MODEL, MODEL_ID, SCOPE];

impl Parameter {
    /// The words that it may be; empty: any text.
    pub(super) fn words(&self) -> Vec<&'static str> {
        if self.name == SCOPE.name {
            Scope::ALL.iter().map(|scope| scope.word()).collect()
        } else {
            Vec::new()
        }
    }
}

/// The query of a request, or what is wrong with it.
pub(super) fn query(given: Given, known: &[Parameter]) -> Result<Query, Problem> {
    let Parameters(given) =
        given.map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in given {
        if let Some(complaint) = complaint(&name, &value, known) {
            return Err(Problem::bad(&name, complaint));
        }
        if values.insert(name.clone(), value).is_some() {
            return Err(Problem::bad(&name, format!("`{name}` is there twice")));
        }
    }
    Ok(Query {
        account: values.remove("account"),
        region: values.remove("region"),
        model: values.remove("model"),
        model_id: values.remove("model_id"),
        scope: values.remove("scope"),
    })
}

fn complaint(name: &str, value: &str, known: &[Parameter]) -> Option<String> {
    let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
        let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
        return Some(format!("`{name}` is no parameter; expected any of {}", names.join(", ")));
    };
    if value.is_empty() {
        return Some(format!("`{name}` is empty"));
    }
    let words = parameter.words();
    let is_word = words.is_empty() || words.contains(&value);
    (!is_word).then(|| format!("`{name}` is `{value}`; expected one of {}", words.join(", ")))
}
