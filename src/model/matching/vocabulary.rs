//! The words that names of models are made of, by provider. A word that stands here tells its model from
//! every other; one that does not may be a misspelling, an addition, or a model of tomorrow.

use super::claims::Model;
use std::collections::{BTreeMap, BTreeSet};

/// Words of the models that Bedrock has had, for readings of lists that lack them.
const SHIPPED: &[(&str, &str)] = &[
    ("ai21", "jamba j2 jurassic large mid mini ultra"),
    (
        "amazon",
        "canvas embed express g1 g2 generator image lite micro multimodal nova omni premier pro reel rerank \
         sonic text titan",
    ),
    ("anthropic", "claude fable haiku instant opus sonnet"),
    ("cohere", "command embed english light multilingual plus r rerank"),
    ("deepseek", "r1"),
    ("google", "gemma"),
    ("luma", "ray"),
    ("meta", "chat llama maverick scout"),
    ("minimax", "m2 m2.1 m2.5"),
    ("mistral", "devstral large magistral medium mini ministral mixtral pixtral small voxtral"),
    ("moonshot", "k2 k2.5 k3 kimi thinking"),
    ("nvidia", "nano nemotron super vl"),
    ("openai", "astra gpt luna oss safeguard sol terra"),
    ("qwen", "coder max next qwen vl"),
    (
        "stability",
        "background conservative control core creative diffusion erase fast guide image inpaint large object \
         outpaint recolor remove replace sd search sketch stable structure style transfer ultra upscale xl",
    ),
    ("twelve", "embed marengo pegasus"),
    ("writer", "palmyra vision x4 x5"),
    ("x", "grok"),
    ("z", "flash glm"),
];

/// By provider stem.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary(BTreeMap<String, BTreeSet<String>>);

impl Vocabulary {
    pub(super) fn new<'a>(models: impl Iterator<Item = &'a Model>) -> Vocabulary {
        let mut words: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (provider, shipped) in SHIPPED {
            let shipped = shipped.split(' ').map(str::to_string);
            words.entry(provider.to_string()).or_default().extend(shipped);
        }
        for model in models {
            for provider in &model.identity.providers {
                words.entry(provider.clone()).or_default().extend(model.identity.words.iter().cloned());
            }
        }
        Vocabulary(words)
    }

    /// Whether a model of one of `providers` has that word in its name.
    pub(super) fn knows(&self, providers: &BTreeSet<String>, word: &str) -> bool {
        providers.iter().filter_map(|provider| self.0.get(provider)).any(|words| words.contains(word))
    }
}

/// Whether one of two words may be the other with a slip of the pen: a letter too many, too few, another,
/// or two in the wrong order; two slips in long words. Digits tell `k2` from `k3` and must be equal.
pub(super) fn is_alike(a: &str, b: &str) -> bool {
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let (a_length, b_length) = (a.chars().count(), b.chars().count());
    let slips = match (a_length.min(b_length), a_length.max(b_length)) {
        // In one or two letters a slip leaves nothing of the word.
        (0..=1, _) | (_, 0..=2) => 0,
        (2..=7, _) => 1,
        _ => 2,
    };
    a == b || (slips > 0 && digits(a) == digits(b) && strsim::osa_distance(a, b) <= slips)
}

#[cfg(test)]
mod tests {
    use super::is_alike;

    #[test]
    fn slips_of_the_pen() {
        for (a, b) in [
            ("sonnet", "sonet"),
            ("sonnet", "sonnets"),
            ("sonnet", "snonet"),
            ("pro", "prro"),
            ("pro", "po"),
            ("maverick", "maverik"),
            ("conservative", "consrevtive"),
            ("k2.5", "kk2.5"),
        ] {
            assert!(is_alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn words_that_tell_models_apart() {
        for (a, b) in [
            ("k2", "k3"),
            ("x4", "x5"),
            ("m2.1", "m2.5"),
            ("r", "a"),
            ("vl", "xl"),
            ("opus", "sonnet"),
            ("haiku", "fable"),
            ("lite", "light"),
            ("nano", "nova"),
            ("regional", "region"),
            ("", "r"),
        ] {
            assert!(!is_alike(a, b), "{a} {b}");
        }
    }
}
