//! Profiles of the AWS CLI: from what a profile says to where its keys come from and the roles they are used for.
//!
//! The SDK's own provider does this as one link of a chain that goes on to the next link where a profile is missing,
//! and it asks STS with a client of its own. Here a profile that was named is the only source, and every call of STS
//! is the exporter's: counted, at the configured endpoint, in the configured region.

use super::files::session_cache;
use super::process::Process;
use super::sts::Role;
use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials as Keys;
use std::path::PathBuf;

/// Where the keys of a profile come from, and the roles that are then assumed, one with the keys of the other.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) base: Base,
    pub(super) roles: Vec<Role>,
}

#[derive(Clone, Debug)]
pub(super) enum Base {
    Keys(Keys),
    /// The environment's variables, a container's endpoint, an instance's: what `credential_source` names.
    Environment,
    Container,
    Instance,
    /// A role by the token in a file.
    Token {
        role: Role,
        file: String,
    },
    Process(Process),
    /// What the SDK knows best of this profile: an SSO session, a console session.
    Sdk {
        profile: String,
        /// The file of the session's token, and the command that writes it.
        cache: Option<(PathBuf, &'static str)>,
    },
}

/// How to get the keys of a profile; an error says which profile is missing or contradicts itself.
pub(super) fn recipe(set: &ProfileSet, name: &str) -> Result<Recipe, String> {
    let (mut roles, mut visited) = (Vec::new(), Vec::new());
    let mut name = name;
    let base = loop {
        let profile = set.get_profile(name).ok_or_else(|| missing(name, visited.last()))?;
        let is_source = !visited.is_empty();
        if visited.contains(&name) {
            return Err(format!("the profiles {} name each other as source_profile", visited.join(", ")));
        }
        visited.push(name);
        // The keys of a profile that is a source go before a role of its own, as in the AWS CLI.
        if let Some(keys) = keys(profile).filter(|_| is_source) {
            break Base::Keys(keys);
        }
        let Some(role) = role(profile)? else { break own(profile) };
        if let Some(file) = profile.get("web_identity_token_file") {
            break Base::Token { role, file: file.to_string() };
        }
        if profile.get("mfa_serial").is_some() {
            return Err(format!(
                "the profile {name} has an mfa_serial: a person would have to type the code each hour; expected a role \
                 without MFA, or what `aws configure export-credentials` gives, as a credential_process"
            ));
        }
        roles.push(role);
        match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(source), None) if source == name => match keys(profile) {
                Some(keys) => break Base::Keys(keys),
                None => return Err(format!("the profile {name} is its own source_profile, but has no keys")),
            },
            (Some(source), None) => name = source,
            (None, Some(source)) => break credential_source(name, source)?,
            (found, _) => {
                let found = if found.is_some() { "both" } else { "none" };
                return Err(format!(
                    "the profile {name} has a role_arn and {found} of source_profile and credential_source, expected one"
                ));
            }
        }
    };
    roles.reverse();
    Ok(Recipe { base, roles })
}

/// Where the keys of a profile without a role come from, in the SDK's order.
fn own(profile: &Profile) -> Base {
    const OF_THE_SDK: [&str; 7] = [
        "credential_source",
        "web_identity_token_file",
        "sso_session",
        "sso_account_id",
        "sso_role_name",
        "sso_start_url",
        "login_session",
    ];
    let name = profile.name().to_string();
    match profile.get("credential_process") {
        Some(command) if OF_THE_SDK.iter().all(|key| profile.get(key).is_none()) => {
            Base::Process(Process { profile: name, command: command.to_string() })
        }
        _ => Base::Sdk { profile: name, cache: session_cache(profile) },
    }
}

fn missing(name: &str, referrer: Option<&&str>) -> String {
    let of = referrer.map(|referrer| format!(", the source_profile of {referrer},")).unwrap_or_default();
    format!("the profile {name}{of} is neither in the AWS config file nor in the AWS credentials file")
}

fn keys(profile: &Profile) -> Option<Keys> {
    let (id, secret) = (profile.get("aws_access_key_id")?, profile.get("aws_secret_access_key")?);
    let token = profile.get("aws_session_token").map(String::from);
    Some(Keys::new(id, secret, token, None, "profile"))
}

fn role(profile: &Profile) -> Result<Option<Role>, String> {
    let Some(arn) = profile.get("role_arn") else { return Ok(None) };
    let duration = profile.get("duration_seconds").map(|text| {
        text.parse().map_err(|_| {
            format!("duration_seconds of the profile {}: found {text:?}, expected a number", profile.name())
        })
    });
    Ok(Some(Role {
        arn: arn.to_string(),
        external_id: profile.get("external_id").map(String::from),
        session_name: profile.get("role_session_name").map(String::from),
        duration: duration.transpose()?,
    }))
}

fn credential_source(name: &str, source: &str) -> Result<Base, String> {
    match source {
        "Environment" => Ok(Base::Environment),
        "EcsContainer" => Ok(Base::Container),
        "Ec2InstanceMetadata" => Ok(Base::Instance),
        other => Err(format!(
            "credential_source of the profile {name}: found {other:?}, expected Environment, EcsContainer or \
             Ec2InstanceMetadata"
        )),
    }
}
