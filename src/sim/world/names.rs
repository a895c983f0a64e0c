//! Which model a quota row is about: enough to tell in which regions the row is listed.
//!
//! Deliberately loose: a row that fits two models is listed where either is offered.

use std::collections::BTreeSet;

/// The calls a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    OnDemand,
    Geographic,
    Global,
    Any,
}

/// The words of a model's name, order aside; a word that comes again has a prime.
pub type Words = BTreeSet<String>;

/// How the names of rows about one model begin, up to its name; lower case, `*` stands for anything.
const MODEL_ROWS: [(&str, Scope); 13] = [
    ("global cross-region model inference * for ", Scope::Global),
    ("cross-region model inference * for ", Scope::Geographic),
    ("on-demand* latency-optimized * for ", Scope::Any),
    ("on-demand * for ", Scope::OnDemand),
    ("model invocation max tokens per day for ", Scope::Any),
    ("[bedrock-mantle endpoint] * for ", Scope::Any),
    ("(model customization) sum of * for ", Scope::Any),
    ("model units per provisioned model for the * context length variant for ", Scope::Any),
    ("model units per provisioned model for ", Scope::Any),
    ("model units, with commitment, * for ", Scope::Any),
    ("batch inference * for ", Scope::Any),
    ("minimum number of records * for ", Scope::Any),
    ("records per * for ", Scope::Any),
];

/// Names that do not tell their model by its words: marketing names, and such as lack a version.
const MARKETING: [(&str, &str); 12] = [
    ("mistral ai mistral large", "mistral.mistral-large-2402-v1:0"),
    ("mistral large", "mistral.mistral-large-2402-v1:0"),
    ("mistral ai mistral small", "mistral.mistral-small-2402-v1:0"),
    ("mistral small", "mistral.mistral-small-2402-v1:0"),
    ("magistral small 1.2", "mistral.magistral-small-2509"),
    ("voxtral mini 1.0", "mistral.voxtral-mini-3b-2507"),
    ("voxtral small 1.0", "mistral.voxtral-small-24b-2507"),
    ("nvidia nemotron nano 2", "nvidia.nemotron-nano-9b-v2"),
    ("nvidia nemotron nano 2 vl", "nvidia.nemotron-nano-12b-v2"),
    ("nvidia nemotron 3 super 120b a12b", "nvidia.nemotron-super-3-120b"),
    ("mistral ai mixtral 8x7bb instruct", "mistral.mixtral-8x7b-instruct-v0:1"),
    ("mistral large 2 (24.07)", "mistral.mistral-large-2407-v1:0"),
];

/// Words that names and ids of one model do not agree on: providers, first versions, kinds.
const LOOSE: [&str; 34] = [
    "0",
    "ai",
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "g1",
    "google",
    "instruct",
    "it",
    "labs",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "text",
    "the",
    "twelve",
    "twelvelabs",
    "v0",
    "v1",
    "writer",
    "xai",
    "z",
    "zai",
    "fine",
    "tuning",
];

/// What follows the model's name in a row's name.
const TAILS: [&str; 6] = [
    " 1m context length",
    " (doubled for cross-region calls)",
    " (in gb)",
    " fine-tuning job",
    " continued pre-training job",
    ".",
];

/// The model's name within a row's name, with the calls it is about; `None` for service-wide rows.
pub fn subject(row: &str) -> Option<(Scope, &str)> {
    let lower = row.to_ascii_lowercase();
    let (start, scope) = if lower.starts_with("sum of in-progress") {
        (lower.find(" for ")? + 5, Scope::Any)
    } else {
        MODEL_ROWS.iter().find_map(|(head, scope)| Some((end_of(head, &lower)?, *scope)))?
    };
    let mut end = lower.len();
    for tail in TAILS {
        end -= if lower[..end].ends_with(tail) { tail.len() } else { 0 };
    }
    Some((scope, row[start..end].trim_start_matches("a ")))
}

/// Where the text after `head` begins, if `lower` begins with it.
fn end_of(head: &str, lower: &str) -> Option<usize> {
    let mut at = 0;
    for (i, part) in head.split('*').enumerate() {
        let found = lower[at..].find(part)?;
        if i == 0 && found > 0 {
            return None;
        }
        at += found + part.len();
    }
    Some(at)
}

/// The words of a model id, its dates and throughput variants dropped.
pub fn words_of_id(id: &str) -> Words {
    let stem = id.split(':').next().unwrap_or(id);
    let parts: Vec<&str> = stem.split('-').filter(|p| !(p.len() == 8 && p.starts_with("20"))).collect();
    words(&parts.join("-"))
}

/// The words of a model's name; runs of letters and of digits are words of their own.
pub fn words(name: &str) -> Words {
    let lower = name.to_ascii_lowercase();
    if let Some((_, id)) = MARKETING.iter().find(|(marketing, _)| *marketing == lower) {
        return words_of_id(id);
    }
    let mut words = Words::new();
    for part in lower.split(|c: char| !c.is_ascii_alphanumeric()) {
        for word in runs(part) {
            let mut word = word.replace("embeddings", "embed");
            if LOOSE.contains(&word.as_str()) {
                continue;
            }
            while words.contains(&word) {
                word.push('\'');
            }
            words.insert(word);
        }
    }
    words
}

/// `llama3` is `llama 3`; `v2`, `g1` and `ai21` stay whole; a context length such as `200k` is left out.
fn runs(part: &str) -> Vec<String> {
    let digits = |w: &str| w.chars().all(|c| c.is_ascii_digit());
    if let Some(rest) = part.strip_prefix(['v', 'g']).filter(|r| digits(r)) {
        return vec![format!("{}{rest}", &part[..1])];
    }
    if part == "ai21" || part.strip_suffix(['k', 'm']).is_some_and(|r| !r.is_empty() && digits(r)) {
        return vec![];
    }
    let mut out: Vec<String> = Vec::new();
    for c in part.chars() {
        match out.last_mut() {
            Some(word) if word.ends_with(|l: char| l.is_ascii_digit() == c.is_ascii_digit()) => word.push(c),
            _ => out.push(c.to_string()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_its_calls_and_its_model() {
        let rows = [
            (
                "On-demand model inference requests per minute for Kimi K2 Thinking",
                Scope::OnDemand,
                "Kimi K2 Thinking",
            ),
            (
                "Cross-Region model inference tokens per minute for Anthropic Claude 3.5 Haiku",
                Scope::Geographic,
                "Anthropic Claude 3.5 Haiku",
            ),
            (
                "Global cross-region model inference tokens per day for GPT-6 Luna",
                Scope::Global,
                "GPT-6 Luna",
            ),
            (
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4 V1 1M Context Length",
                Scope::Geographic,
                "Anthropic Claude Sonnet 4 V1",
            ),
            (
                "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)",
                Scope::Any,
                "Amazon Nova Pro",
            ),
            (
                "(Model customization) Sum of training and validation records for a Claude 3 Haiku v1 Fine-tuning job",
                Scope::Any,
                "Claude 3 Haiku v1",
            ),
            (
                "Model units per provisioned model for the 24k context length variant for Amazon Nova Lite",
                Scope::Any,
                "Amazon Nova Lite",
            ),
            (
                "Sum of in-progress and submitted batch inference jobs using a base model for Sonnet 4.5.",
                Scope::Any,
                "Sonnet 4.5",
            ),
            ("[bedrock-mantle endpoint] Input tokens per minute for GPT-5.4", Scope::Any, "GPT-5.4"),
        ];
        for (row, scope, model) in rows {
            assert_eq!(subject(row), Some((scope, model)), "{row}");
        }
        for row in
            ["Agents per account", "Cross-Model Max Tokens Per Day", "Throttle rate limit for GetBlueprint"]
        {
            assert_eq!(subject(row), None, "{row}");
        }
    }

    #[test]
    fn names_and_ids_of_one_model_have_the_same_words() {
        let same = [
            ("Anthropic Claude 3.5 Sonnet V2", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
            ("Anthropic Claude Opus 5", "anthropic.claude-opus-5"),
            ("Amazon Titan Text Embeddings V2", "amazon.titan-embed-text-v2:0"),
            ("Meta Llama 3.1 70B Instruct", "meta.llama3-1-70b-instruct-v1:0:128k"),
            ("Claude 3 Haiku 200K", "anthropic.claude-3-haiku-20240307-v1:0:200k"),
            ("NVIDIA Nemotron Nano 2", "nvidia.nemotron-nano-9b-v2"),
        ];
        for (name, id) in same {
            assert_eq!(words(name), words_of_id(id), "{name}");
        }
        assert_ne!(words("Anthropic Claude Opus 5"), words_of_id("anthropic.claude-opus-5-5"));
        assert_ne!(words("Amazon Nova Lite"), words_of_id("amazon.nova-2-lite-v1:0"));
    }
}
