//! What callers may ask: policies of IAM, as far as those need it that the exporter ships.

use super::call::ApiCall;
use serde::Deserialize;

/// The actions that policies allow, of any caller. STS is left out: whom a role trusts is the world's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed(Vec<String>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: String,
    statement: Vec<Statement>,
}

/// Conditions, denials and resources are not simulated: a policy that has any is refused, not half obeyed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default, rename = "Sid")]
    _sid: String,
    #[serde(rename = "Effect")]
    _effect: Effect,
    action: Actions,
    #[serde(rename = "Resource")]
    _resource: Resource,
}

#[derive(Deserialize)]
enum Effect {
    Allow,
}

#[derive(Deserialize)]
enum Resource {
    #[serde(rename = "*")]
    All,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Actions {
    One(String),
    Many(Vec<String>),
}

impl Allowed {
    /// Adds what a policy document allows. The error says what of it is not simulated, and in which line.
    pub fn add(&mut self, document: &str) -> Result<(), serde_json::Error> {
        let document: Document = serde_json::from_str(document)?;
        for statement in document.statement {
            match statement.action {
                Actions::One(action) => self.0.push(action),
                Actions::Many(actions) => self.0.extend(actions),
            }
        }
        Ok(())
    }

    /// Whether a call is allowed.
    pub fn allows(&self, call: &ApiCall) -> bool {
        let action = action(call);
        call.service == "sts" || self.0.iter().any(|allowed| fits(allowed, &action))
    }
}

/// The action of a call, as IAM spells it.
pub fn action(call: &ApiCall) -> String {
    match (call.service.as_str(), call.operation.as_str()) {
        ("monitoring", operation) => format!("cloudwatch:{operation}"),
        ("bedrock-runtime", "Converse") => "bedrock:InvokeModel".into(),
        ("bedrock-runtime", "ConverseStream") => "bedrock:InvokeModelWithResponseStream".into(),
        ("bedrock-runtime", operation) => format!("bedrock:{operation}"),
        (service, operation) => format!("{service}:{operation}"),
    }
}

/// Letters of either case are the same, and a `*` at the end is any text.
fn fits(allowed: &str, action: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(start) => action.get(..start.len()).is_some_and(|is| is.eq_ignore_ascii_case(start)),
        None => allowed.eq_ignore_ascii_case(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(statement: &str) -> Result<Allowed, serde_json::Error> {
        let mut allowed = Allowed::default();
        allowed.add(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#))?;
        Ok(allowed)
    }

    #[test]
    fn actions_are_told_from_each_other_as_iam_does() {
        let call = |service: &str, operation: &str| ApiCall {
            service: service.into(),
            operation: operation.into(),
            account: "000000000000".into(),
            region: "us-east-1".into(),
        };
        let both =
            r#"{"Effect": "Allow", "Action": ["cloudwatch:ListMetrics", "bedrock:list*"], "Resource": "*"}"#;
        let both = allowed(both).unwrap();
        for (service, operation, expected) in [
            ("monitoring", "ListMetrics", true),
            ("monitoring", "GetMetricData", false),
            ("bedrock", "ListImportedModels", true),
            ("bedrock-runtime", "Converse", false),
            ("servicequotas", "ListServiceQuotas", false),
            ("sts", "AssumeRole", true),
        ] {
            assert_eq!(both.allows(&call(service, operation)), expected, "{service} {operation}");
        }
        let invoke =
            allowed(r#"{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}"#).unwrap();
        assert!(invoke.allows(&call("bedrock-runtime", "Converse")));
        assert!(!invoke.allows(&call("bedrock-runtime", "ConverseStream")));
        assert!(!Allowed::default().allows(&call("bedrock", "ListFoundationModels")));
    }

    #[test]
    fn what_is_not_simulated_is_refused() {
        for statement in [
            r#"{"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "NotAction": "bedrock:*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:::x"}"#,
            r#"{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": {}}"#,
        ] {
            assert!(allowed(statement).is_err(), "{statement}");
        }
    }
}
