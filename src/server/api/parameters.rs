//! What the URL of a request asks for.

use super::problem::Problem;
use crate::api::Query;
use crate::gateway::Format;
use crate::model::ids::Scope;
use axum::extract::Query as Parameters;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use std::collections::BTreeMap;

/// Names and values as they stand in the URL.
pub(super) type Given = Result<Parameters<Vec<(String, String)>>, QueryRejection>;

/// What a request asks for.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) query: Query,
    /// Only so many quotas, those nearest their limits.
    pub(super) fullest: Option<usize>,
    pub(super) format: Option<Format>,
    pub(super) share: Option<f64>,
}

/// A parameter of the URL.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) takes: Takes,
}

/// What a parameter may be.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Text,
    Word(fn() -> Vec<&'static str>),
    /// From 1 to this.
    Count(usize),
    /// Above 0, at most 1.
    Share,
}

const ACCOUNT: Parameter = Parameter {
    name: "account",
    about: "An account id, or the name that the config gives it.",
    takes: Takes::Text,
};
const REGION: Parameter = Parameter { name: "region", about: "Such as us-east-1.", takes: Takes::Text };
const MODEL: Parameter = Parameter { name: "model", about: "A base model id.", takes: Takes::Text };
const MODEL_ID: Parameter = Parameter {
    name: "model_id",
    about: "An invocation id, as CloudWatch spells it: it stands for the quotas that its calls spend.",
    takes: Takes::Text,
};
const SCOPE: Parameter = Parameter {
    name: "scope",
    about: "Which pool of capacity calls draw on.",
    takes: Takes::Word(|| Scope::ALL.iter().map(|scope| scope.word()).collect()),
};
const FULLEST: Parameter = Parameter {
    name: "fullest",
    about: "Only so many quotas: those that the largest minute of the look-back window brought nearest their limits, \
        the fullest first.",
    // More at once are no list that anybody reads.
    takes: Takes::Count(1000),
};
const FORMAT: Parameter = Parameter {
    name: "format",
    about: "Who reads the limits: LiteLLM's proxy or Envoy AI Gateway, both as YAML; json without it.",
    takes: Takes::Word(|| Format::ALL.iter().map(|format| format.word()).collect()),
};
const SHARE: Parameter = Parameter {
    name: "share",
    about: "How much of each applied quota is told, above 0 and at most 1; 1 without it.",
    takes: Takes::Share,
};

pub(super) const OF_TARGETS: &[Parameter] = &[ACCOUNT, REGION];
pub(super) const OF_MODELS: &[Parameter] = &[ACCOUNT, REGION, MODEL, MODEL_ID, SCOPE];
pub(super) const OF_HEADROOM: &[Parameter] = &[ACCOUNT, REGION, MODEL, MODEL_ID, SCOPE, FULLEST];
pub(super) const OF_EXPORT: &[Parameter] = &[ACCOUNT, REGION, MODEL, MODEL_ID, SCOPE, FORMAT, SHARE];

/// What a request asks for, or what is wrong with it.
pub(super) fn asked(given: Given, known: &[Parameter]) -> Result<Asked, Problem> {
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
    let mut take = |parameter: &Parameter| values.remove(parameter.name);
    Ok(Asked {
        query: Query {
            account: take(&ACCOUNT),
            region: take(&REGION),
            model: take(&MODEL),
            model_id: take(&MODEL_ID),
            scope: take(&SCOPE),
        },
        fullest: take(&FULLEST).and_then(|number| number.parse().ok()),
        format: take(&FORMAT).and_then(|word| Format::from_word(&word)),
        share: take(&SHARE).and_then(|number| number.parse().ok()),
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
    let expected = parameter.takes.refuses(value)?;
    Some(format!("`{name}` is `{value}`; expected {expected}"))
}

impl Takes {
    /// What is expected, where that is something else.
    fn refuses(self, value: &str) -> Option<String> {
        let (is_fine, expected) = match self {
            Takes::Text => return None,
            Takes::Word(words) => (words().contains(&value), format!("one of {}", words().join(", "))),
            Takes::Count(most) => {
                let is_fine = value.parse().is_ok_and(|number: usize| (1..=most).contains(&number));
                (is_fine, format!("a number from 1 to {most}"))
            }
            Takes::Share => {
                let is_fine = value.parse().is_ok_and(|share: f64| share > 0.0 && share <= 1.0);
                (is_fine, "a number above 0, at most 1".to_string())
            }
        };
        (!is_fine).then_some(expected)
    }
}
