//! The model family that a quota's name speaks of.

/// Quotas that no model has.
pub(super) const GENERAL: &str = "General";

/// Words of quota names, and the family that they stand for. The first that a name holds decides.
const FAMILIES: &[(&str, &str)] = &[
    ("claude", "Claude"),
    ("llama", "Llama"),
    ("nova", "Nova"),
    ("titan", "Titan"),
    ("cohere", "Cohere"),
    ("command", "Cohere"),
    ("mistral", "Mistral"),
    ("mixtral", "Mistral"),
    ("ministral", "Mistral"),
    ("magistral", "Mistral"),
    ("voxtral", "Mistral"),
    ("pixtral", "Mistral"),
    ("devstral", "Mistral"),
    ("deepseek", "DeepSeek"),
    ("qwen", "Qwen"),
    ("qwen3", "Qwen"),
    ("gpt", "OpenAI"),
    ("openai", "OpenAI"),
    ("gemma", "Gemma"),
    ("nemotron", "Nemotron"),
    ("kimi", "Kimi"),
    ("minimax", "MiniMax"),
    ("glm", "GLM"),
    ("grok", "Grok"),
    ("jamba", "Jamba"),
    ("jurassic", "Jurassic"),
    ("stable", "Stability AI"),
    ("stability", "Stability AI"),
    ("marengo", "TwelveLabs"),
    ("pegasus", "TwelveLabs"),
    ("twelvelabs", "TwelveLabs"),
    ("luma", "Luma"),
    ("palmyra", "Palmyra"),
    ("rerank", "Amazon Rerank"),
];

/// The family, or `GENERAL`.
pub fn family(name: &str) -> &'static str {
    let words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let words: Vec<String> = words.collect();
    let found = FAMILIES.iter().find(|(word, _)| words.iter().any(|other| other == word));
    found.map_or(GENERAL, |(_, family)| family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::{self, File};
    use std::collections::BTreeMap;

    #[test]
    fn names_speak_of_one_family() {
        for (name, expected) in [
            ("Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.6", "Claude"),
            ("On-demand model inference requests per minute for Meta Llama 3.1 70B Instruct", "Llama"),
            ("On-demand model inference requests per minute for Cohere Command R Plus", "Cohere"),
            ("Agents per account", GENERAL),
            ("Cross-Model Max Tokens Per Day", GENERAL),
        ] {
            assert_eq!(family(name), expected, "{name}");
        }
    }

    /// A family that AWS adds must not hide among what no model has.
    #[test]
    fn every_row_that_is_for_a_model_has_a_family() {
        let quotas = File { path: "quotas", content: include_str!("../../../data/service-quotas.json") };
        let rows = offline::quotas(Some(quotas), None, None).unwrap().quotas;
        let mut general = BTreeMap::new();
        for row in rows.iter().filter(|row| row.name.contains(" per minute for ")) {
            if family(&row.name) == GENERAL {
                general.insert(row.name.split(" per minute for ").nth(1).unwrap().to_string(), ());
            }
        }
        assert!(general.is_empty(), "{general:?}");
    }
}
