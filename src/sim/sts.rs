//! STS: who am I, and keys for another account.

use super::desk::real_time;
use super::wire::{Refusal, Scene};
use serde_json::{Value, json};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "GetCallerIdentity" => Ok(json!({
            "Arn": format!("arn:aws:sts::{}:assumed-role/demo/demo", scene.account.id),
            "UserId": "AROADEMO:demo",
            "Account": scene.account.id,
        })),
        "AssumeRole" => assume_role(scene, input),
        other => Err(Refusal::new(400, "InvalidAction", format!("Could not find operation {other}"))),
    }
}

fn assume_role(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let field = |name: &str| input[name].as_str().filter(|v| !v.is_empty());
    let missing = |name| Refusal::new(400, "ValidationError", format!("Value at '{name}' must not be null"));
    let role = field("RoleArn").ok_or_else(|| missing("roleArn"))?;
    let session = field("RoleSessionName").ok_or_else(|| missing("roleSessionName"))?;
    let parts: Vec<&str> = role.split(':').collect();
    let ["arn", "aws", "iam", "", account, resource] = parts[..] else {
        return Err(Refusal::new(400, "ValidationError", format!("{role} is invalid")));
    };
    let account = scene.sim.world().account(account).filter(|a| {
        let external = a.external_id.as_deref();
        resource.starts_with("role/") && (external.is_none() || external == field("ExternalId"))
    });
    let account = account.ok_or_else(|| {
        let me = &scene.account.id;
        let who = format!("User: arn:aws:sts::{me}:assumed-role/demo/demo");
        Refusal::new(
            403,
            "AccessDenied",
            format!("{who} is not authorized to perform: sts:AssumeRole on resource: {role}"),
        )
    })?;
    let name = resource.rsplit('/').next().unwrap_or_default();
    // SDKs hold this against the machine's clock, not the simulated one.
    let expires =
        UtcDateTime::from_unix_timestamp(real_time() + 3600).ok().and_then(|t| t.format(&Rfc3339).ok());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": access_key(&account.id),
            "SecretAccessKey": "simulated/secret/key",
            "SessionToken": format!("simulated-session-of-{}", account.id),
            "Expiration": expires,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROADEMO:{session}"),
            "Arn": format!("arn:aws:sts::{}:assumed-role/{name}/{session}", account.id),
        },
    }))
}

/// The temporary key of an account.
pub fn access_key(account: &str) -> String {
    format!("ASIA{account}SIMU")
}

/// The account in an access key, if it has one: 12 digits after the first four letters.
pub fn account_in(access_key: &str) -> Option<&str> {
    access_key.get(4..16).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A reply, or an error, in STS's XML.
pub fn xml(operation: &str, reply: &Value) -> String {
    const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
    const REQUEST: &str = "<RequestId>00000000-0000-4000-8000-000000000000</RequestId>";
    if let (Some(code), message) = (reply["__type"].as_str(), &reply["message"]) {
        let error = element("Error", &json!({"Type": "Sender", "Code": code, "Message": message}));
        return format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{error}{REQUEST}</ErrorResponse>");
    }
    let result = element(&format!("{operation}Result"), reply);
    format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\">{result}<ResponseMetadata>{REQUEST}</ResponseMetadata></{operation}Response>"
    )
}

fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| element(name, value)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}
