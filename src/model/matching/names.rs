//! The grammar of quota names. It is closed: a name that it does not read in full is `Unrecognized`,
//! never a near one.

use super::resolution::QuotaKey;
use crate::model::ids::{Endpoint, QuotaKind, Scope, Variant, words};
use std::sync::Arc;

words! {
    /// What a quota name is about: the label `family` of bedrock_service_quota_info.
    Family {
        /// `On-demand model inference … for X` and `On-demand InvokeModel … for X`, as it was once called.
        OnDemand = "on_demand",
        CrossRegion = "cross_region",
        Global = "global_cross_region",
        /// `Model invocation max tokens per day for X`.
        TokensPerDay = "tokens_per_day",
        /// The account-wide, price-weighted day quota: no model's.
        CrossModelTokensPerDay = "cross_model_tokens_per_day",
        /// `[bedrock-mantle endpoint] …`.
        Mantle = "mantle",
        /// `(Model customization) Sum of on demand custom model deployment … for X`.
        CustomDeployment = "custom_deployment",
        /// `Model units … for X`.
        ModelUnits = "model_units",
        /// `Sum of in-progress and submitted batch inference jobs using a base model for X`.
        BatchJobs = "batch_jobs",
        /// Records and sizes of a batch inference job.
        BatchSize = "batch_size",
        Customization = "model_customization",
        Guardrails = "guardrails",
        KnowledgeBases = "knowledge_bases",
        Agents = "agents",
        Flows = "flows",
        PromptManagement = "prompt_management",
        DataAutomation = "data_automation",
        AutomatedReasoning = "automated_reasoning",
        Evaluation = "evaluation",
        /// Counts per account that concern no one model.
        Account = "account",
        Unrecognized = "unrecognized",
    }
}

/// Which calls of its model a row limits, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub endpoint: Endpoint,
    pub scope: Scope,
    pub variant: Variant,
    pub kind: QuotaKind,
}

impl Slot {
    pub(super) fn standard(scope: Scope, kind: QuotaKind) -> Slot {
        Slot { endpoint: Endpoint::Runtime, scope, variant: Variant::Standard, kind }
    }

    pub(super) fn mantle(kind: QuotaKind) -> Slot {
        Slot { endpoint: Endpoint::Mantle, scope: Scope::OnDemand, variant: Variant::Standard, kind }
    }

    pub(super) fn custom_deployment(kind: QuotaKind) -> Slot {
        Slot { variant: Variant::CustomDeployment, ..Slot::standard(Scope::OnDemand, kind) }
    }

    pub(super) fn key(self, model: &Arc<str>, code: Arc<str>) -> QuotaKey {
        let Slot { endpoint, scope, variant, kind } = self;
        QuotaKey { model: model.clone(), endpoint, scope, variant, kind, code }
    }
}

/// A quota name, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QuotaName {
    pub family: Family,
    /// The part that names the model; a context length such as `24k` is put at its end.
    pub model: Option<String>,
    /// `None` where no usage of a model can be held against the row.
    pub slot: Option<Slot>,
    /// "(doubled for cross-region calls)".
    pub doubled: bool,
}

/// The family of a quota name.
pub fn family(name: &str) -> Family {
    parse(name).family
}

pub(super) fn parse(name: &str) -> QuotaName {
    let text = Text::new(name);
    let read = tagged(&text)
        .or_else(|| mantle(&text))
        .or_else(|| inference(&text))
        .or_else(|| day(&text))
        .or_else(|| units(&text))
        .or_else(|| batch(&text))
        .or_else(|| plain(&text));
    read.unwrap_or(QuotaName { family: Family::Unrecognized, model: None, slot: None, doubled: false })
}

/// A text with a second reading in which case and hyphens do not count, byte for byte in step.
#[derive(Clone)]
struct Text<'a> {
    raw: &'a str,
    folded: String,
}

impl<'a> Text<'a> {
    fn new(raw: &'a str) -> Text<'a> {
        let raw = raw.trim();
        let fold = |c: char| if c == '-' { ' ' } else { c.to_ascii_lowercase() };
        Text { raw, folded: raw.chars().map(fold).collect() }
    }

    fn after(&self, prefix: &str) -> Option<Text<'a>> {
        self.folded.starts_with(prefix).then(|| Text::new(&self.raw[prefix.len()..]))
    }

    fn before(&self, suffix: &str) -> Option<Text<'a>> {
        self.folded.ends_with(suffix).then(|| Text::new(&self.raw[..self.raw.len() - suffix.len()]))
    }

    /// The texts before and after the first `middle`.
    fn around(&self, middle: &str) -> Option<(&'a str, &'a str)> {
        let at = self.folded.find(middle)?;
        Some((&self.raw[..at], &self.raw[at + middle.len()..]))
    }

    /// The rest after the first of `heads` it begins with, and what stands beside that head.
    fn any<T: Copy>(&self, heads: &[(&str, T)]) -> Option<(Text<'a>, T)> {
        heads.iter().find_map(|(head, value)| Some((self.after(head)?, *value)))
    }

    fn model(&self) -> Option<String> {
        (!self.raw.is_empty()).then(|| self.raw.to_string())
    }
}

fn row(family: Family, model: Option<String>, slot: Option<Slot>) -> Option<QuotaName> {
    Some(QuotaName { family, model, slot, doubled: false })
}

const PER_MINUTE_OR_DAY: &[(&str, QuotaKind)] = &[
    ("requests per minute for ", QuotaKind::RequestsPerMinute),
    ("tokens per minute for ", QuotaKind::TokensPerMinute),
    ("tokens per day for ", QuotaKind::TokensPerDay),
];

const CONCURRENT: &[(&str, QuotaKind)] = &[
    ("concurrent requests for ", QuotaKind::ConcurrentRequests),
    ("async concurrent requests for ", QuotaKind::AsyncConcurrentRequests),
];

fn tagged(text: &Text) -> Option<QuotaName> {
    if let Some(rest) = text.after("(model customization) ") {
        return Some(customization(&rest));
    }
    let (_, family) = text.any(&[
        ("(automated reasoning) ", Family::AutomatedReasoning),
        ("(data automation) ", Family::DataAutomation),
        ("(evaluation) ", Family::Evaluation),
        ("(flows) ", Family::Flows),
        ("(guardrails) ", Family::Guardrails),
        ("(knowledge bases) ", Family::KnowledgeBases),
        ("(prompt management) ", Family::PromptManagement),
    ])?;
    row(family, None, None)
}

fn customization(rest: &Text) -> QuotaName {
    let deployment = rest
        .after("sum of on demand custom model deployment ")
        .and_then(|rest| rest.any(PER_MINUTE_OR_DAY))
        .and_then(|(model, kind)| Some((model.model()?, kind)));
    if let Some((model, kind)) = deployment {
        let slot = Some(Slot::custom_deployment(kind));
        return QuotaName { family: Family::CustomDeployment, model: Some(model), slot, doubled: false };
    }
    let model = rest
        .after("sum of training and validation records for a ")
        .and_then(|r| r.before(" fine tuning job").or_else(|| r.before(" continued pre training job")))
        .and_then(|r| r.model());
    QuotaName { family: Family::Customization, model, slot: None, doubled: false }
}

fn mantle(text: &Text) -> Option<QuotaName> {
    let (model, kind) = text.after("[bedrock mantle endpoint] ")?.any(&[
        ("input tokens per minute for ", QuotaKind::InputTokensPerMinute),
        ("output tokens per minute for ", QuotaKind::OutputTokensPerMinute),
    ])?;
    row(Family::Mantle, Some(model.model()?), Some(Slot::mantle(kind)))
}

fn inference(text: &Text) -> Option<QuotaName> {
    let (rest, (family, scope)) = text.any(&[
        ("on demand", (Family::OnDemand, Scope::OnDemand)),
        ("cross region", (Family::CrossRegion, Scope::CrossRegion)),
        ("global cross region", (Family::Global, Scope::Global)),
    ])?;
    let (rest, latency) = match rest.after(", latency optimized").or_else(|| rest.after("latency optimized"))
    {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (rest, kind) = match rest.after("model inference ") {
        Some(rest) => rest.any(PER_MINUTE_OR_DAY).or_else(|| rest.any(&CONCURRENT[..1]))?,
        // Until 2025 AWS said InvokeModel where it says model inference today, under the same codes.
        None => {
            let rest = rest.after("invokemodel ")?;
            rest.any(PER_MINUTE_OR_DAY).or_else(|| rest.any(CONCURRENT))?
        }
    };
    let (model, long) = long_context(rest)?;
    let variant = match (latency, long) {
        (false, false) => Variant::Standard,
        (true, false) => Variant::LatencyOptimized,
        (false, true) => Variant::OneMillionContext,
        (true, true) => return None,
    };
    row(family, Some(model.model()?), Some(Slot { variant, ..Slot::standard(scope, kind) }))
}

/// Whether the row is for calls with a 1M context; another context length is not understood.
fn long_context(text: Text) -> Option<(Text, bool)> {
    match text.before(" 1m context length") {
        Some(model) => Some((model, true)),
        None if text.folded.ends_with("context length") => None,
        None => Some((text, false)),
    }
}

fn day(text: &Text) -> Option<QuotaName> {
    let rest = text.after("model invocation max tokens per day for ")?;
    let (rest, doubled) = match rest.before(" (doubled for cross region calls)") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (model, long) = long_context(rest)?;
    let variant = if long { Variant::OneMillionContext } else { Variant::Standard };
    let slot = Slot { variant, ..Slot::standard(Scope::Regional, QuotaKind::TokensPerDay) };
    Some(QuotaName { family: Family::TokensPerDay, model: Some(model.model()?), slot: Some(slot), doubled })
}

fn units(text: &Text) -> Option<QuotaName> {
    let (rest, _) = text.any(&[
        ("model units per provisioned model for ", ()),
        ("model units, with commitment, for provisioned throughout created for ", ()),
        ("model units, with commitment, for provisioned throughput created for ", ()),
    ])?;
    let model = match rest.after("the ").and_then(|rest| rest.around(" context length variant for ")) {
        Some((length, model)) => format!("{model} {length}"),
        None => rest.model()?,
    };
    row(Family::ModelUnits, Some(model), Some(Slot::standard(Scope::Provisioned, QuotaKind::ModelUnits)))
}

fn batch(text: &Text) -> Option<QuotaName> {
    if let Some(rest) =
        text.after("sum of in progress and submitted batch inference jobs using a base model for ")
    {
        let slot = Slot::standard(Scope::Batch, QuotaKind::BatchJobs);
        return row(Family::BatchJobs, Some(rest.model()?), Some(slot));
    }
    let (rest, _) = text.any(&[
        ("batch inference input file size (in gb) for ", ()),
        ("batch inference input file size for ", ()),
        ("batch inference job size (in gb) for ", ()),
        ("batch inference job size for ", ()),
        ("minimum number of records per batch inference job for ", ()),
        ("records per batch inference job for ", ()),
        ("records per input file per batch inference job for ", ()),
    ])?;
    let rest = rest.before(" (in gb)").unwrap_or(rest);
    row(Family::BatchSize, Some(rest.model()?), None)
}

fn plain(text: &Text) -> Option<QuotaName> {
    let folded = text.folded.as_str();
    let family = match folded {
        "cross model max tokens per day" => Family::CrossModelTokensPerDay,
        "custom models with a creating status per account"
        | "imported models per account"
        | "inference profiles per account"
        | "model units no commitment provisioned throughputs across base models"
        | "model units no commitment provisioned throughputs across custom models" => Family::Account,
        "parameters per function" | "agents per account" | "characters in agent instructions" => {
            Family::Agents
        }
        _ if folded.starts_with("throttle rate limit for ") => Family::DataAutomation,
        _ if folded.ends_with(" per agent") || agent_call(folded) => Family::Agents,
        _ => return None,
    };
    row(family, None, None)
}

/// `CreateAgentAlias requests per second`: one operation of the Agents API.
fn agent_call(folded: &str) -> bool {
    let operation = folded.strip_suffix(" requests per second");
    operation.is_some_and(|o| o.contains("agent") && !o.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn shipped() -> Vec<String> {
        let list: serde_json::Value =
            serde_json::from_str(include_str!("../../../data/service-quotas.json")).unwrap();
        let name = |row: &serde_json::Value| row["QuotaName"].as_str().unwrap().to_string();
        list["Quotas"].as_array().unwrap().iter().map(name).collect()
    }

    #[test]
    fn every_shipped_name_is_understood() {
        let names = shipped();
        let read: Vec<QuotaName> = names.iter().map(|name| parse(name)).collect();
        let not_understood: Vec<&String> = names
            .iter()
            .zip(&read)
            .filter(|(_, r)| r.family == Family::Unrecognized)
            .map(|(n, _)| n)
            .collect();
        assert_eq!(not_understood, Vec::<&String>::new());
        assert_eq!((names.len(), read.iter().filter(|r| r.model.is_some()).count()), (889, 734));

        let mut families: BTreeMap<&str, usize> = BTreeMap::new();
        read.iter().for_each(|r| *families.entry(r.family.word()).or_default() += 1);
        let expected = [
            ("account", 5),
            ("agents", 32),
            ("automated_reasoning", 24),
            ("batch_jobs", 58),
            ("batch_size", 160),
            ("cross_model_tokens_per_day", 1),
            ("cross_region", 106),
            ("custom_deployment", 15),
            ("data_automation", 22),
            ("evaluation", 3),
            ("flows", 18),
            ("global_cross_region", 53),
            ("guardrails", 11),
            ("knowledge_bases", 28),
            ("mantle", 24),
            ("model_customization", 23),
            ("model_units", 65),
            ("on_demand", 196),
            ("prompt_management", 7),
            ("tokens_per_day", 38),
        ];
        assert_eq!(families, BTreeMap::from(expected));
    }

    #[test]
    fn a_name_is_read_in_full() {
        let read = |name: &str| {
            let QuotaName { model, slot, doubled, .. } = parse(name);
            let Slot { endpoint, scope, variant, kind } = slot.expect("a row of a model");
            format!("{} {endpoint} {scope} {variant} {kind} {doubled}", model.expect("a model"))
        };
        let table = [
            (
                "Cross-Region model inference tokens per minute for Anthropic Claude 3.5 Haiku",
                "Anthropic Claude 3.5 Haiku runtime cross_region standard tokens_per_minute false",
            ),
            (
                "Global cross-region model inference tokens per day for GPT-6 Sol",
                "GPT-6 Sol runtime global standard tokens_per_day false",
            ),
            (
                "Model invocation max tokens per day for X 1M Context Length (doubled for cross-region calls)",
                "X runtime regional 1m_context tokens_per_day true",
            ),
            (
                "On-demand, latency-optimized model inference requests per minute for Amazon Nova Pro V1",
                "Amazon Nova Pro V1 runtime on_demand latency_optimized requests_per_minute false",
            ),
            (
                "On-Demand latency-optimized model inference tokens per minute for Amazon Nova Pro V1",
                "Amazon Nova Pro V1 runtime on_demand latency_optimized tokens_per_minute false",
            ),
            (
                "On-demand InvokeModel async concurrent requests for TwelveLabs Marengo Embed 3.0",
                "TwelveLabs Marengo Embed 3.0 runtime on_demand standard async_concurrent_requests false",
            ),
            (
                "Model units per provisioned model for the 24k context length variant for Amazon Nova Lite",
                "Amazon Nova Lite 24k runtime provisioned standard model_units false",
            ),
            (
                "[bedrock-mantle endpoint] Output tokens per minute for Claude Opus 5",
                "Claude Opus 5 mantle on_demand standard output_tokens_per_minute false",
            ),
        ];
        for (name, expected) in table {
            assert_eq!(read(name), expected);
        }
    }

    /// The slip between a second, a minute and an hour, and every other near miss.
    #[test]
    fn a_name_that_is_not_read_in_full_is_unrecognized() {
        for name in [
            "On-demand model inference requests per second for Amazon Nova Lite",
            "On-demand model inference tokens per hour for Amazon Nova Lite",
            "Cross-region model inference images per minute for Stable Image Core",
            "On-demand model inference tokens per minute for",
            "On-demand model inference tokens per minute for Claude Sonnet 6 2M Context Length",
            "Regional model inference tokens per minute for Amazon Nova Lite",
            "Requests per minute for Amazon Nova Lite",
            "[bedrock-mantle endpoint] Requests per minute for Claude Opus 5",
            "Cross-Model Max Tokens Per Hour",
            "",
        ] {
            assert_eq!(family(name), Family::Unrecognized, "{name}");
        }
    }
}
