//! What an inference profile says by its id, its name and the models it leads to.

use crate::model::arn::Arn;
use crate::model::catalog::InferenceProfile;
use crate::model::ids::Scope;
use std::collections::BTreeSet;

/// Prefixes of system-defined inference profiles.
const PREFIXES: &[(&str, Scope)] = &[
    ("us", Scope::CrossRegion),
    ("eu", Scope::CrossRegion),
    ("apac", Scope::CrossRegion),
    ("au", Scope::CrossRegion),
    ("jp", Scope::CrossRegion),
    ("ca", Scope::CrossRegion),
    ("in", Scope::CrossRegion),
    ("us-gov", Scope::CrossRegion),
    ("global", Scope::Global),
];

/// A system-defined profile with a prefix of tomorrow is geographic unless one of its ARNs has no region.
pub(super) fn system_scope(profile: &InferenceProfile) -> Scope {
    match prefixed(&profile.id) {
        Some((scope, _)) => scope,
        None if regions(profile).contains("") => Scope::Global,
        None => Scope::CrossRegion,
    }
}

/// The regions of a profile's models; empty text for a model ARN without region.
pub(super) fn regions(profile: &InferenceProfile) -> BTreeSet<&str> {
    profile.model_arns.iter().map(|arn| Arn::parse(arn).map_or("", |arn| arn.region)).collect()
}

/// The one base model of a profile.
pub(super) fn sole_model(profile: &InferenceProfile) -> Option<&str> {
    let models: BTreeSet<(&str, &str)> = profile
        .model_arns
        .iter()
        .map(|arn| Arn::parse(arn).map_or(("", ""), |arn| (arn.kind(), arn.id())))
        .collect();
    match models.first() {
        Some(("foundation-model", id)) if models.len() == 1 && is_base_id(id) => Some(id),
        _ => None,
    }
}

/// The name of a system-defined profile without its geography: "US Stable Image Outpaint" is the profile of
/// Stable Image Outpaint.
pub(super) fn model_name(profile: &InferenceProfile) -> Option<&str> {
    let prefix = profile.id.split_once('.')?.0;
    let mut name = profile.name.as_deref()?.trim();
    // Some repeat it: "AU AU Anthropic Claude Sonnet 4.5".
    while let Some((first, rest)) = name.split_once(' ')
        && first.eq_ignore_ascii_case(prefix)
    {
        name = rest.trim_start();
    }
    (!name.is_empty()).then_some(name)
}

/// Scope and base id of an id with one of the known prefixes.
pub(super) fn prefixed(id: &str) -> Option<(Scope, &str)> {
    let (prefix, base) = id.split_once('.')?;
    let (_, scope) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    is_base_id(base).then_some((*scope, base))
}

/// `provider.model`, in the letters that AWS allows.
pub(super) fn is_base_id(id: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '_');
    id.chars().all(allowed)
        && id.split_once('.').is_some_and(|(provider, rest)| !provider.is_empty() && !rest.is_empty())
}
