//! Rows whose names the grammar does not read, and what they may limit all the same. Nothing is ever matched
//! by such a guess: it only keeps a quota from being called absent while a row may be that very quota.

use super::identity::Identity;
use super::names::{self, Family, Slot};
use super::vocabulary::is_alike;
use crate::model::ids::{Endpoint, QuotaKind, Scope, Variant};
use crate::model::quota::ServiceQuota;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every word that the names of inference quotas have in front of the model.
const GRAMMAR: &[&str] = &[
    "a",
    "and",
    "async",
    "base",
    "bedrock",
    "calls",
    "concurrent",
    "context",
    "created",
    "cross",
    "custom",
    "customization",
    "day",
    "demand",
    "deployment",
    "doubled",
    "endpoint",
    "for",
    "global",
    "in",
    "inference",
    "input",
    "invocation",
    "invokemodel",
    "latency",
    "length",
    "mantle",
    "max",
    "minute",
    "model",
    "of",
    "on",
    "optimized",
    "output",
    "per",
    "provisioned",
    "region",
    "requests",
    "sum",
    "the",
    "tokens",
    "units",
    "using",
    "with",
];

/// Prefixes of inference profiles: "US cross-region" cannot be the global pool.
const GEOGRAPHIES: &[&str] = &["us", "eu", "apac", "au", "jp", "ca", "gov"];

const CALLS: &[Scope] = &[Scope::OnDemand, Scope::CrossRegion, Scope::Global, Scope::Regional];

#[derive(Clone, Debug)]
pub(super) struct UnreadRow {
    pub code: Arc<str>,
    pub name: String,
    pub identity: Identity,
    /// The listed models that the part of the name behind its unread one spells.
    pub spelled: Vec<Arc<str>>,
    endpoint: Endpoint,
    variant: Variant,
    scopes: Vec<Scope>,
    kinds: Vec<QuotaKind>,
}

impl UnreadRow {
    pub(super) fn all(listed: &[Arc<ServiceQuota>], providers: &BTreeSet<String>) -> Vec<UnreadRow> {
        listed.iter().filter_map(|quota| UnreadRow::read(quota, providers)).collect()
    }

    fn read(quota: &ServiceQuota, providers: &BTreeSet<String>) -> Option<UnreadRow> {
        let known = names::parse(&quota.name);
        if known.slot.is_some() || !matches!(known.family, Family::Unrecognized | Family::Customization) {
            return None;
        }
        let (head, model) = split(&quota.name);
        let identity = Identity::of_irregular_name(&model, providers);
        let kinds = kinds(&head);
        let (endpoint, variant, scopes) = pool(&head)?;
        (identity.is_a_name() && !kinds.is_empty()).then(|| UnreadRow {
            code: quota.code.as_str().into(),
            name: quota.name.clone(),
            identity,
            spelled: Vec::new(),
            endpoint,
            variant,
            scopes,
            kinds,
        })
    }

    pub(super) fn may_limit(&self, slot: &Slot) -> bool {
        self.endpoint == slot.endpoint
            && self.variant == slot.variant
            && self.scopes.contains(&slot.scope)
            && self.kinds.contains(&slot.kind)
    }
}

/// The words before the model, folded, and the text of the model. "(doubled for cross-region calls)" behind it
/// says nothing of either. Without a "for" between them, the model is
/// whatever the grammar does not know.
fn split(name: &str) -> (Vec<String>, String) {
    let words: Vec<&str> = name
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '+')))
        .filter(|word| !word.is_empty())
        .collect();
    let is_doubled = |word: &&str| is_alike("doubled", &word.to_ascii_lowercase());
    let words: Vec<&str> = words.into_iter().take_while(|word| !is_doubled(word)).collect();
    let folded = |words: &[&str]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
    if let Some(at) = words.iter().position(|word| is_alike("for", &word.to_ascii_lowercase())) {
        return (folded(&words[..at]), words[at + 1..].join(" "));
    }
    let is_grammar = |word: &&&str| is_in(GRAMMAR, &word.to_ascii_lowercase());
    let (head, model): (Vec<&str>, Vec<&str>) = words.iter().partition(is_grammar);
    (folded(&head), model.join(" "))
}

fn is_in(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| is_alike(known, word))
}

fn says(head: &[String], word: &str) -> bool {
    head.iter().any(|said| is_alike(said, word))
}

/// Which calls the row may limit. `None`: jobs, or calls that are told apart by more than their model.
fn pool(head: &[String]) -> Option<(Endpoint, Variant, Vec<Scope>)> {
    let runtime = |scopes: &[Scope]| Some((Endpoint::Runtime, Variant::Standard, scopes.to_vec()));
    if says(head, "mantle") {
        return Some((Endpoint::Mantle, Variant::Standard, vec![Scope::OnDemand]));
    }
    if says(head, "deployment") {
        return Some((Endpoint::Runtime, Variant::CustomDeployment, vec![Scope::OnDemand]));
    }
    if says(head, "units") {
        return runtime(&[Scope::Provisioned]);
    }
    if ["batch", "concurrent", "latency"].iter().any(|word| says(head, word)) {
        return None;
    }
    if says(head, "global") {
        return runtime(&[Scope::Global]);
    }
    if let Some(at) = head.iter().position(|word| is_in(&["cross", "region"], word)) {
        // A word before it that is no grammar and no geography may be "global", misspelled.
        let stray = |word: &String| !is_in(GRAMMAR, word) && !GEOGRAPHIES.contains(&word.as_str());
        let scopes = [Scope::CrossRegion, Scope::Global];
        return runtime(if head[..at].iter().any(stray) { &scopes } else { &scopes[..1] });
    }
    if says(head, "demand") {
        return runtime(&[Scope::OnDemand]);
    }
    if says(head, "invocation") {
        return runtime(&[Scope::Regional]);
    }
    runtime(CALLS)
}

/// The quantities that the row may limit: those that its noun and its unit of time do not exclude.
fn kinds(head: &[String]) -> Vec<QuotaKind> {
    use QuotaKind::{
        InputTokensPerMinute, ModelUnits, OutputTokensPerMinute, RequestsPerMinute, TokensPerDay,
        TokensPerMinute,
    };
    if says(head, "units") {
        return vec![ModelUnits];
    }
    let (requests, tokens) = (says(head, "requests"), says(head, "tokens"));
    let (minute, day) = (says(head, "minute"), says(head, "day"));
    let (input, output) = (says(head, "input"), says(head, "output"));
    if !(requests || tokens || minute || day) {
        return Vec::new();
    }
    let may_be = |kind: &QuotaKind| match kind {
        RequestsPerMinute => (requests || !tokens) && (minute || !day),
        TokensPerMinute => (tokens || !requests) && (minute || !day),
        TokensPerDay => (tokens || !requests) && (day || !minute),
        InputTokensPerMinute => (tokens || !requests) && (minute || !day) && (input || !output),
        OutputTokensPerMinute => (tokens || !requests) && (minute || !day) && (output || !input),
        _ => false,
    };
    [RequestsPerMinute, TokensPerMinute, TokensPerDay, InputTokensPerMinute, OutputTokensPerMinute]
        .into_iter()
        .filter(may_be)
        .collect()
}
