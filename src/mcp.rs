//! The tools for assistants: what each is asked and answers. Pure; the protocol itself is the sub-command's.

use crate::model::ids::words;
use serde_json::{Map, Value, json};

/// Longer than any id of AWS.
const LONGEST: usize = 2048;
/// An answer of more characters is of no use to an assistant, and dear.
const MOST_TEXT: usize = 200_000;

words! {
    Tool {
        Headroom = "headroom",
        Findings = "findings",
        Quotas = "quotas",
        Usage = "usage",
        Explain = "explain",
    }
}

words! {
    /// What a tool is asked by.
    Argument {
        Account = "account",
        Region = "region",
        Model = "model",
        ModelId = "model_id",
        Scope = "scope",
    }
}

/// A question that is well-formed. Absent: all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    pub account: Option<String>,
    pub region: Option<String>,
    pub model: Option<String>,
    pub model_id: Option<String>,
    pub scope: Option<String>,
}

impl Tool {
    /// What it is good for, for whoever chooses among tools.
    pub fn description(self) -> &'static str {
        match self {
            Tool::Headroom => {
                "How much of Amazon Bedrock's quotas is left: limit, use, peak, observed ceiling, whether calls are \
                 refused and why, and a safe rate. null is unknown, never 0."
            }
            Tool::Findings => {
                "What is wrong with Bedrock quotas and calls: refused calls and their cause, limits that are near, with \
                 evidence, and remedies in numbers."
            }
            Tool::Quotas => "Rows of Service Quotas for Bedrock: code, name, applied value, AWS's default.",
            Tool::Usage => "What Bedrock models were asked for: use and peaks against limits, and who calls.",
            Tool::Explain => {
                "Which quotas the calls of an invocation id (model, inference profile, ARN) spend, and how that is known."
            }
        }
    }

    fn arguments(self) -> &'static [Argument] {
        match self {
            Tool::Headroom => Argument::ALL,
            Tool::Findings => &[Argument::Account, Argument::Region],
            Tool::Quotas | Tool::Usage => &[Argument::Account, Argument::Region, Argument::Model],
            Tool::Explain => &[Argument::Account, Argument::Region, Argument::ModelId],
        }
    }

    fn required(self) -> &'static [Argument] {
        if self == Tool::Explain { &[Argument::ModelId] } else { &[] }
    }

    /// The JSON Schema of its arguments.
    pub fn schema(self) -> Map<String, Value> {
        let property = |argument: &Argument| {
            let property = json!({
                "type": "string", "maxLength": LONGEST, "description": argument.description(),
            });
            (argument.word().to_string(), property)
        };
        let properties: Map<String, Value> = self.arguments().iter().map(property).collect();
        let required: Vec<&str> = self.required().iter().map(|argument| argument.word()).collect();
        let schema = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }

    /// Reads its arguments.
    ///
    /// # Errors
    /// Names the argument, what was found and what was expected.
    pub fn question(self, arguments: &Map<String, Value>) -> Result<Question, String> {
        let mut question = Question::default();
        for (name, value) in arguments {
            let known = Argument::from_word(name).filter(|argument| self.arguments().contains(argument));
            let argument = known.ok_or_else(|| self.unknown(name))?;
            let place = match argument {
                Argument::Account => &mut question.account,
                Argument::Region => &mut question.region,
                Argument::Model => &mut question.model,
                Argument::ModelId => &mut question.model_id,
                Argument::Scope => &mut question.scope,
            };
            // What is null was not told.
            if !value.is_null() {
                *place = Some(text(argument, value)?);
            }
        }
        let missing = self.required().iter().find(|argument| !question.has(**argument));
        match missing {
            Some(argument) => Err(format!("{argument}: found nothing, expected {}", argument.description())),
            None => Ok(question),
        }
    }

    fn unknown(self, name: &str) -> String {
        let known: Vec<&str> = self.arguments().iter().map(|argument| argument.word()).collect();
        let name: String = name.chars().take(100).collect();
        format!("found the argument {name:?}, expected only {}", known.join(", "))
    }
}

impl Question {
    fn has(&self, argument: Argument) -> bool {
        let place = match argument {
            Argument::Account => &self.account,
            Argument::Region => &self.region,
            Argument::Model => &self.model,
            Argument::ModelId => &self.model_id,
            Argument::Scope => &self.scope,
        };
        place.is_some()
    }
}

impl Argument {
    fn description(self) -> &'static str {
        match self {
            Argument::Account => "an account, by its 12 digits or the name that the config gives it",
            Argument::Region => "a region, such as us-east-1",
            Argument::Model => "a base model id, such as anthropic.claude-sonnet-4-6",
            Argument::ModelId => "an invocation id as calls spell it, such as us.anthropic.claude-sonnet-4-6",
            Argument::Scope => "on_demand, cross_region, global, regional, batch or provisioned",
        }
    }
}

fn text(argument: Argument, value: &Value) -> Result<String, String> {
    let expected = argument.description();
    let text = value.as_str().ok_or_else(|| format!("{argument}: found no text, expected {expected}"))?;
    if text.trim().is_empty() || text.len() > LONGEST {
        return Err(format!("{argument}: found {} characters, expected {expected}", text.len()));
    }
    Ok(text.to_string())
}

/// An answer as text.
///
/// # Errors
/// If it is too long.
pub fn answer(value: &Value) -> Result<String, String> {
    let text = value.to_string();
    if text.len() > MOST_TEXT {
        return Err(format!(
            "the answer has {} characters, at most {MOST_TEXT} are sent: ask for one account, region or model",
            text.len()
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tool: Tool, arguments: Value) -> Result<Question, String> {
        tool.question(arguments.as_object().unwrap())
    }

    #[test]
    fn arguments_are_read_and_bad_ones_named() {
        let question = asked(Tool::Headroom, json!({"account": "production", "region": null})).unwrap();
        assert_eq!(question, Question { account: Some("production".into()), ..Question::default() });
        for (tool, arguments, said) in [
            (
                Tool::Findings,
                json!({"model": "x"}),
                "found the argument \"model\", expected only account, region",
            ),
            (Tool::Quotas, json!({"region": 7}), "region: found no text, expected a region"),
            (Tool::Quotas, json!({"region": ""}), "region: found 0 characters, expected a region"),
            (Tool::Usage, json!({"model": "x".repeat(3000)}), "model: found 3000 characters"),
            (Tool::Explain, json!({}), "model_id: found nothing, expected an invocation id"),
        ] {
            let error = asked(tool, arguments).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn an_answer_beyond_use_is_refused() {
        assert_eq!(answer(&json!({"a": 1})).unwrap(), "{\"a\":1}");
        assert!(answer(&json!("x".repeat(MOST_TEXT))).unwrap_err().contains("one account, region or model"));
    }
}
