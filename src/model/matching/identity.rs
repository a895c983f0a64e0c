//! What makes a model the model it is, read from an id or a name: words, numbers, revision, date, sizes.
//!
//! Two texts mean the same model or they do not; nothing is scored. What a quota name may leave out
//! (`Instruct`, active parameters) is written down in [`Identity::may_leave_out`]. A name that says more
//! than an id names another model, even if no list shows that one.

use super::tokens::{self, Number, Token, trimmed};
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Identity {
    /// See [`provider_stem`]; names of quotas often leave it out, and a model's may have two.
    pub providers: BTreeSet<String>,
    /// Letters, in no order: "Claude 4.5 Haiku" is "Claude Haiku 4.5".
    pub words: BTreeSet<String>,
    /// Numbers without a `v`, as they come.
    versions: Vec<Number>,
    /// The word before each of them: with two numbers it matters which is whose.
    counted: Vec<String>,
    /// Numbers with a `v`, sorted; the first revision, which anything may leave out, is not among them.
    revisions: Vec<Number>,
    /// The first revision is spelled out: `V1`, `v1:0`.
    first: bool,
    /// The one number, if it comes after every word: "Rerank 3.5" and `rerank-v3-5:0` mean the same.
    tail: Option<Number>,
    /// That number is written with a dot. Without one, "Rocket 2" may be version 2 or revision 2.
    dotted: bool,
    /// Year and month, `2407`; other four-digit numbers too.
    dates: BTreeSet<String>,
    /// Eight digits, which only ids spell.
    release: Option<String>,
    /// `70b`, `8x7b`.
    sizes: BTreeSet<String>,
    /// Active parameters and experts: `a22b`, `128e`.
    active: BTreeSet<String>,
    /// `24k`, `10m`.
    pub context: Option<String>,
    /// `Instruct`, `it`.
    instruct: bool,
}

/// A provider's name without its ornaments: `Mistral AI`, `mistral` → `mistral`; `Z.ai`, `zai` → `z`.
pub(super) fn provider_stem(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    let mut stem: String = letters.collect();
    let ornament = ["labs", "ai"].into_iter().find(|ornament| stem.ends_with(ornament));
    stem.truncate(stem.len() - ornament.map_or(0, str::len));
    stem
}

/// The base model id without a context length (`…:24k`), and that length.
pub(super) fn split_context(id: &str) -> (&str, Option<&str>) {
    let mut colons = id.match_indices(':').map(|(i, _)| i);
    match (colons.next(), colons.next()) {
        (Some(_), Some(second)) => (&id[..second], Some(&id[second + 1..])),
        _ => (id, None),
    }
}

impl Identity {
    /// From a base model id, such as `meta.llama3-1-70b-instruct-v1:0` or `amazon.nova-lite-v1:0:24k`.
    pub(super) fn of_id(id: &str) -> Identity {
        let (base, context) = split_context(id);
        let (provider, rest) = base.split_once('.').unwrap_or(("", base));
        let (rest, minor) = rest.split_once(':').unwrap_or((rest, ""));
        let provider = Some(provider_stem(provider)).filter(|p| !p.is_empty());
        let mut identity = Identity::of_tokens(provider, tokens::of_id(rest, minor));
        if let Some(context) = context {
            identity.context = Some(context.to_string());
        }
        identity
    }

    /// From a name as people read it; `providers` are the stems that may stand before it.
    pub(super) fn of_name(name: &str, providers: &BTreeSet<String>) -> Identity {
        let text = name.to_ascii_lowercase().replace('+', " plus ");
        let mut parts = tokens::parts_of_name(&text);
        let mut provider = None;
        if let Some((stem, length)) = leading_provider(&parts, providers) {
            provider = Some(stem);
            parts.drain(..length);
        }
        Identity::of_tokens(provider, parts.into_iter().flat_map(tokens::of_part).collect())
    }

    /// From a name that may have anything before its provider: "the model Qwen3 32B".
    pub(super) fn of_irregular_name(name: &str, providers: &BTreeSet<String>) -> Identity {
        let regular = Identity::of_name(name, providers);
        let mut rest = name;
        while regular.providers.is_empty()
            && let Some((_, behind)) = rest.split_once(' ')
        {
            rest = behind;
            let mut named = Identity::of_name(rest, providers);
            if !named.providers.is_empty() {
                let before = name[..name.len() - rest.len()].to_ascii_lowercase();
                named.words.extend(tokens::parts_of_name(&before).into_iter().map(str::to_string));
                return named;
            }
        }
        regular
    }

    fn of_tokens(provider: Option<String>, tokens: Vec<Token>) -> Identity {
        let mut identity = Identity { providers: provider.into_iter().collect(), ..Identity::default() };
        let last_word = tokens.iter().rposition(|t| matches!(t, Token::Word(w) if !is_instruct(w)));
        let mut tail = None;
        let mut before = String::new();
        for (place, token) in tokens.into_iter().enumerate() {
            match &token {
                Token::Word(word) => before.clone_from(word),
                Token::Revision(n) if trimmed(n.clone()) == [1] => (),
                Token::Number(n) | Token::Revision(n) if last_word.is_none_or(|word| place > word) => {
                    tail = Some(n.clone());
                }
                _ => (),
            }
            identity.add(token, &before);
        }
        identity.revisions.sort();
        let only = identity.versions.len() + identity.revisions.len() == 1;
        identity.dotted = only && tail.as_ref().is_some_and(|number| number.len() > 1);
        identity.tail = tail.map(trimmed).filter(|_| only);
        identity
    }

    fn add(&mut self, token: Token, before: &str) {
        match token {
            Token::Word(w) if w == "and" || self.is_provider(&w) => (),
            Token::Word(w) if is_instruct(&w) => self.instruct = true,
            Token::Word(w) if w.starts_with("embedding") => drop(self.words.insert("embed".to_string())),
            Token::Word(w) => drop(self.words.insert(w)),
            Token::Revision(n) => match trimmed(n) {
                number if number == [1] => self.first = true,
                number => self.revisions.push(number),
            },
            Token::Number(n) => {
                self.versions.push(trimmed(n));
                self.counted.push(before.to_string());
            }
            Token::Date(d) => drop(self.dates.insert(d)),
            Token::Release(r) => self.release = Some(r),
            Token::Size(s) => drop(self.sizes.insert(s)),
            Token::Active(a) => drop(self.active.insert(a)),
            Token::Context(c) => self.context = Some(c),
        }
    }

    fn is_provider(&self, word: &str) -> bool {
        let same =
            |provider: &String| word.starts_with(provider.as_str()) && provider_stem(word) == *provider;
        word.len() > 1 && self.providers.iter().any(same)
    }

    /// Where to look for texts of the same words.
    pub(super) fn key(&self) -> String {
        self.words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Whether a quota name says enough to name anything.
    pub(super) fn is_a_name(&self) -> bool {
        !self.words.is_empty() || !self.providers.is_empty()
    }

    /// Whether this quota name and `model` are the same in every part.
    pub(super) fn spells(&self, model: &Identity) -> bool {
        self.agrees(model)
            && self.same_versions(model)
            && self.revisions == model.revisions
            && self.active == model.active
            && self.instruct == model.instruct
            && self.context == model.context
    }

    /// Whether this quota name is `model` but for parts that AWS leaves out of names at random: `Instruct`,
    /// active parameters, the `v` of a dotted number at the end, and of model units the context length.
    pub(super) fn may_leave_out(&self, model: &Identity) -> bool {
        self.agrees(model)
            && (self.active == model.active || self.active.is_empty())
            && (self.instruct == model.instruct || !self.instruct)
            && (self.context == model.context || self.context.is_none())
            && self.same_numbers(model)
    }

    /// Whether this name, a model's listed one, lacks a word or number of that model's id: then it is the name
    /// of a whole family, or of a sibling that no list shows. Marketing names leave out sizes and dates,
    /// which count for nothing here, spell out initials (`sd4` is Stable Diffusion 4), or are other words
    /// altogether.
    pub(super) fn is_less_than(&self, id: &Identity) -> bool {
        let mut missing = id.words.difference(&self.words);
        let others = !self.words.is_empty() && self.words.is_disjoint(&id.words);
        let fewer_words = !others && missing.any(|word| !self.has_initials(word));
        fewer_words || !id.numbers().is_subset(&self.numbers())
    }

    fn has_initials(&self, word: &str) -> bool {
        let mut initials: Vec<char> = self.words.iter().filter_map(|word| word.chars().next()).collect();
        word.len() > 1
            && word.chars().all(|letter| {
                let found = initials.iter().position(|initial| *initial == letter);
                found.map(|at| initials.swap_remove(at)).is_some()
            })
    }

    /// Whether both state a part and state it differently.
    pub(super) fn contradicts(&self, model: &Identity) -> bool {
        let differ = |a: &BTreeSet<String>, b: &BTreeSet<String>| !a.is_empty() && !b.is_empty() && a != b;
        let (mine, theirs) = (self.numbers(), model.numbers());
        let other_numbers = !mine.is_empty()
            && !theirs.is_empty()
            && !mine.is_subset(&theirs)
            // "6-1" may be 6.1, which nothing but a human can tell.
            && self.digits() != model.digits();
        let other_context =
            self.context.is_some() && model.context.is_some() && self.context != model.context;
        differ(&self.sizes, &model.sizes)
            || differ(&self.dates, &model.dates)
            || other_numbers
            || other_context
            || (!self.revisions.is_empty() && theirs.is_empty() && model.first)
    }

    pub(super) fn same_provider(&self, model: &Identity) -> bool {
        self.providers.is_empty()
            || model.providers.is_empty()
            || !self.providers.is_disjoint(&model.providers)
    }

    /// Whether this name has a number and `model` none of any sort: "Nova 2 Lite" is no Nova Lite.
    pub(super) fn numbers_an_unnumbered(&self, model: &Identity) -> bool {
        let numbered = self.numbers().into_iter().any(|number| *number != [1]);
        numbered && model.numbers().is_empty() && model.dates.is_empty() && model.sizes.is_empty()
    }

    /// How many numbers, sizes, dates, active parameters and context lengths one of the two states alone.
    pub(super) fn parts_apart(&self, model: &Identity) -> usize {
        let apart = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.symmetric_difference(b).count();
        self.numbers().symmetric_difference(&model.numbers()).count()
            + apart(&self.sizes, &model.sizes)
            + apart(&self.dates, &model.dates)
            + apart(&self.active, &model.active)
            + usize::from(self.context != model.context)
    }

    fn numbers(&self) -> BTreeSet<&Number> {
        self.versions.iter().chain(&self.revisions).collect()
    }

    fn digits(&self) -> String {
        self.versions.iter().chain(&self.revisions).flatten().map(u32::to_string).collect()
    }

    fn agrees(&self, model: &Identity) -> bool {
        self.same_provider(model)
            && self.words == model.words
            && self.sizes == model.sizes
            && self.dates == model.dates
            && (self.release.is_none() || self.release == model.release)
    }

    /// With one number its place is free ("Claude 4.5 Haiku"); of several each must follow the same word.
    fn same_versions(&self, model: &Identity) -> bool {
        self.versions == model.versions && (self.versions.len() < 2 || self.counted == model.counted)
    }

    fn same_numbers(&self, model: &Identity) -> bool {
        if self.same_versions(model) && self.revisions == model.revisions {
            return true;
        }
        let unnumbered = model.versions.is_empty() && model.revisions.is_empty();
        let first = self.tail.as_deref() == Some(&[1]) && self.revisions.is_empty() && unnumbered;
        self.dotted && ((self.tail.is_some() && self.tail == model.tail) || first)
    }
}

fn is_instruct(word: &str) -> bool {
    matches!(word, "instruct" | "it")
}

fn leading_provider(parts: &[&str], providers: &BTreeSet<String>) -> Option<(String, usize)> {
    (1..=parts.len().min(3)).rev().find_map(|length| {
        let joined = parts[..length].concat();
        let stem = provider_stem(&joined);
        // One letter alone (`z`, `x`) is no provider; `zai` and `xai` are.
        (providers.contains(&stem) && joined.len() > 1).then_some((stem, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Identity {
        let providers = [
            "mistral",
            "anthropic",
            "amazon",
            "meta",
            "z",
            "ai21",
            "twelve",
            "qwen",
            "deepseek",
            "cohere",
            "acme",
        ];
        Identity::of_name(text, &providers.iter().map(|p| p.to_string()).collect())
    }

    #[test]
    fn names_that_spell_an_id() {
        for (text, id) in [
            ("Anthropic Claude 3.5 Sonnet", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
            ("Anthropic Claude 3.5 Sonnet V2", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
            ("Claude 4.5 Haiku", "anthropic.claude-haiku-4-5-20251001-v1:0"),
            ("Anthropic Claude Opus 4.6 V1", "anthropic.claude-opus-4-6-v1"),
            ("Meta Llama 3.1 70B Instruct", "meta.llama3-1-70b-instruct-v1:0"),
            ("Mistral Pixtral Large 25.02 V1", "mistral.pixtral-large-2502-v1:0"),
            ("Mistral Large (24.07)", "mistral.mistral-large-2407-v1:0"),
            ("Mistral AI Mistral Large 2407", "mistral.mistral-large-2407-v1:0"),
            ("Cohere Command R+", "cohere.command-r-plus-v1:0"),
            ("Amazon Titan Text Embeddings V2", "amazon.titan-embed-text-v2:0"),
            ("GPT OSS 120B", "openai.gpt-oss-120b-1:0"),
            ("Z.ai GLM-4.7 Flash", "zai.glm-4.7-flash"),
            ("Qwen 3 Max", "qwen.qwen3-max-v1:0"),
            ("Qwen3 235B a22b 2507 V1", "qwen.qwen3-235b-a22b-2507-v1:0"),
            ("DeepSeek V3 V1", "deepseek.v3-v1:0"),
            ("DeepSeek V3.2", "deepseek.v3.2"),
            ("Kimi K2.5", "moonshotai.kimi-k2-5"),
            ("AI21 Labs Jamba 1.5 Mini", "ai21.jamba-1-5-mini-v1:0"),
            ("Amazon Nova Lite 24k", "amazon.nova-lite-v1:0:24k"),
        ] {
            let (text, id) = (name(text), Identity::of_id(id));
            assert!(text.spells(&id), "{text:?}\n{id:?}");
        }
    }

    #[test]
    fn names_that_leave_out_what_may_be_left_out() {
        for (text, id) in [
            ("Amazon Nova Reel1.0", "amazon.nova-reel-v1:0"),
            ("Cohere Rerank 3.5", "cohere.rerank-v3-5:0"),
            ("Pegasus v1.2", "twelvelabs.pegasus-1-2-v1:0"),
            ("Ministral 14B 3.0", "mistral.ministral-3-14b-instruct"),
            ("Gemma 3 12B", "google.gemma-3-12b-it"),
        ] {
            let (text, id) = (name(text), Identity::of_id(id));
            assert!(!text.spells(&id) && text.may_leave_out(&id), "{text:?}\n{id:?}");
        }
    }

    #[test]
    fn names_of_other_models() {
        for (text, id) in [
            ("Anthropic Claude Sonnet 4", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("Anthropic Claude Sonnet 4.5", "anthropic.claude-sonnet-4-20250514-v1:0"),
            ("Anthropic Claude Opus 5", "anthropic.claude-opus-5-5"),
            ("Anthropic Claude 3.5 Sonnet", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
            ("Anthropic Claude 3.5 Haiku", "anthropic.claude-haiku-4-5-20251001-v1:0"),
            ("Amazon Nova Lite", "amazon.nova-2-lite-v1:0"),
            ("Amazon Nova Lite V2", "amazon.nova-2-lite-v1:0"),
            ("Amazon Nova 2 Lite", "amazon.nova-lite-v2:0"),
            ("Amazon Nova Reel1.0", "amazon.nova-reel-v1:1"),
            ("Amazon Titan Text Embeddings", "amazon.titan-embed-text-v2:0"),
            ("Amazon Titan Text Embeddings V2", "amazon.titan-embed-g1-text-02"),
            ("Cohere Command R", "cohere.command-r-plus-v1:0"),
            ("Cohere Rerank 3.5", "amazon.rerank-v3-5:0"),
            ("Amazon Rerank 1.0", "cohere.rerank-v3-5:0"),
            ("Mistral Large", "mistral.mistral-large-2402-v1:0"),
            ("Mistral Large 3", "mistral.mistral-large-2407-v1:0"),
            ("Qwen3 235B a22b 2507 V1", "qwen.qwen3-vl-235b-a22b"),
            ("Qwen3 30B A3B", "qwen.qwen3-30b-a6b"),
            ("Meta Llama 4 Scout", "meta.llama4-scout-17b-instruct-v1:0"),
            ("Meta Llama 3.1 8B Instruct", "meta.llama3-1-70b-instruct-v1:0"),
            ("Amazon Nova Lite", "amazon.nova-lite-v1:0:24k"),
            ("Claude V2", "anthropic.claude-v2:1"),
            // What the name says and the id does not, it says of a sibling.
            ("Meta Llama 3 8B Instruct", "meta.llama3-8b-v1:0"),
            ("Nemotron 3 Super 120B A12B", "nvidia.nemotron-super-3-120b"),
            // Which revision a name without one means cannot be told.
            ("Stable Image Core", "stability.stable-image-core-v1:1"),
            ("Mistral 7B Instruct", "mistral.mistral-7b-instruct-v0:2"),
            ("Acme Rocket 2", "acme.rocket-v2:0"),
            ("Acme Rocket V2", "acme.rocket-2-v1:0"),
            // Of several numbers each belongs to a word.
            ("Acme Rocket 4 Turbo 5", "acme.rocket-5-turbo-4-v1:0"),
            ("Acme Turbo 4 Rocket 5", "acme.rocket-4-turbo-5-v1:0"),
        ] {
            let (text, id) = (name(text), Identity::of_id(id));
            let left_out = text.may_leave_out(&id) && text.context == id.context;
            assert!(!text.spells(&id) && !left_out, "{text:?}\n{id:?}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        for text in
            ["", ".", ":", "v", "a", "é.ü-ß:1", "1x.b", "a.b.c.d:1:2:3", "....", "x.-", "v.v-v:99999999999"]
        {
            let _ = (Identity::of_id(text), name(text));
        }
    }
}
