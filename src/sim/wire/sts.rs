//! STS: who am I, and keys for another account.

use super::refusal::Refusal;
use super::scene::Scene;
use super::signer::access_key;
use crate::sim::desk::real_time;
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
    let role = field(input, "RoleArn").ok_or_else(|| missing("roleArn"))?;
    let session = field(input, "RoleSessionName").ok_or_else(|| missing("roleSessionName"))?;
    let parts: Vec<&str> = role.split(':').collect();
    let ["arn", "aws", "iam", "", account, resource] = parts[..] else {
        return Err(Refusal::new(400, "ValidationError", format!("{role} is invalid")));
    };
    let account = scene.world.account(account).filter(|a| {
        let external = a.external_id.as_deref();
        resource.starts_with("role/") && (external.is_none() || external == field(input, "ExternalId"))
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

/// A field of a form; an empty one is as good as none.
fn field<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input[name].as_str().filter(|text| !text.is_empty())
}

fn missing(name: &str) -> Refusal {
    Refusal::new(400, "ValidationError", format!("Value at '{name}' must not be null"))
}
