//! Endpoints that variables and the AWS CLI's profiles give in place of AWS's own. With one that is no URL every call would
//! fail, and nothing would say whose it is: it is refused before the first.

use crate::config::kinds::URL;
use crate::model::redaction;
use crate::plan::AwsPlan;
use aws_config::SdkConfig;
use aws_config::profile::ProfileSet;
use aws_types::service_config::ServiceConfigKey;
use std::env::{self, VarError};

/// Whom the SDK itself asks for the keys of a session: by its ids, which variables and profiles spell in their own ways.
pub(super) const OF_SESSIONS: [&str; 3] = ["SSO", "SSO OIDC", "Signin"];

/// Refuses what is no URL, wherever the config says nothing else. `profile`: what `config` was read for.
pub(super) fn check(
    plan: &AwsPlan,
    config: &SdkConfig,
    profiles: Option<&ProfileSet>,
    profile: &str,
) -> Result<(), String> {
    if plan.endpoint_url.is_some() {
        return Ok(());
    }
    let own = [
        ("Account", &plan.account_url),
        ("Bedrock", &plan.bedrock_url),
        ("Bedrock Runtime", &None),
        ("CloudWatch", &plan.cloudwatch_url),
        ("OAM", &plan.oam_url),
        ("Organizations", &plan.organizations_url),
        ("Service Quotas", &plan.servicequotas_url),
        ("STS", &plan.sts_url),
    ];
    let asked = own.iter().filter(|(_, url)| url.is_none()).map(|(service, _)| *service);
    asked.chain(OF_SESSIONS).try_for_each(|service| check_of(service, config, profiles, profile))
}

/// The same of one service, by the order in which the SDK looks.
pub(super) fn check_of(
    service: &str,
    config: &SdkConfig,
    profiles: Option<&ProfileSet>,
    profile: &str,
) -> Result<(), String> {
    let variables = variables(service);
    // The SDK would pass it by.
    if let Some(variable) =
        variables.iter().find(|name| matches!(env::var(name), Err(VarError::NotUnicode(_))))
    {
        return Err(format!("{variable}: found bytes that are not UTF-8, expected {}", URL.expected));
    }
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .map_err(|error| error.to_string())?;
    let told = config.service_config().and_then(|told| told.load_config(key));
    match told.filter(|told| (URL.parse)(told).is_none()) {
        None => Ok(()),
        Some(told) => {
            let place = place(service, &told, profiles, profile);
            let found = redaction::url(&told);
            Err(format!("{place}: found {found:?}, expected {}", URL.expected))
        }
    }
}

/// Those that give the endpoint of a service, the first that is set before the other.
fn variables(service: &str) -> [String; 2] {
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase().replace(' ', "_"));
    [own, "AWS_ENDPOINT_URL".to_string()]
}

/// Where an endpoint stands.
fn place(service: &str, told: &str, profiles: Option<&ProfileSet>, profile: &str) -> String {
    if let Some(variable) = variables(service).into_iter().find(|variable| env::var_os(variable).is_some()) {
        return variable;
    }
    let of_profile = |key| profiles?.get_profile(profile)?.get(key);
    match of_profile("services").filter(|_| of_profile("endpoint_url") != Some(told)) {
        Some(section) => {
            let service = service.to_lowercase().replace(' ', "-");
            format!("endpoint_url of {service} in the services {section} of the profile {profile}")
        }
        None => format!("endpoint_url of the profile {profile}"),
    }
}
