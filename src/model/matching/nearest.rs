//! Rows that are nobody's and may be a model's own under a name that does not say so. They are never
//! matched; they keep an absence from being claimed, and tell a human where to look.

use super::identity::Identity;
use super::vocabulary::{Vocabulary, is_alike};

/// How far a row's name is from a model: the smaller, the nearer. `None` where the name is read in full as
/// another model's, or has nothing to do with this one.
///
/// A name may have words too many, or words too few, or misspelled ones. With both too many and too few it
/// is another model's: "Claude Saga 6" is no Sonnet 6.
pub(super) fn distance(row: &Identity, model: &Identity, vocabulary: &Vocabulary) -> Option<usize> {
    if !row.same_provider(model) || row.contradicts(model) || row.numbers_an_unnumbered(model) {
        return None;
    }
    let mut added: Vec<&str> = row.words.difference(&model.words).map(String::as_str).collect();
    let mut missing: Vec<&str> = model.words.difference(&row.words).map(String::as_str).collect();
    if added.iter().any(|word| vocabulary.knows(&model.providers, word)) {
        return None;
    }
    added.retain(|word| !model.providers.iter().any(|provider| is_alike(provider, word)));
    let names_provider = added.len() < row.words.difference(&model.words).count();
    let misspelled = pair_off(&mut added, &mut missing);
    let said = model.words.len() - missing.len();
    // Some models have no other word than their provider: DeepSeek V3, Mistral 7B.
    let says_provider = names_provider || row.words.is_empty() || !row.providers.is_empty();
    let says_provider = model.words.is_empty() && says_provider;
    let says_nothing = said == 0 && misspelled == 0 && !says_provider;
    if says_nothing || missing.len() > said || !(added.is_empty() || missing.is_empty()) {
        return None;
    }
    Some(2 * (added.len() + missing.len() + row.parts_apart(model)) + misspelled)
}

/// Takes out the added words that are misspellings of missing ones, and counts them.
fn pair_off(added: &mut Vec<&str>, missing: &mut Vec<&str>) -> usize {
    let before = added.len();
    added.retain(|word| {
        // Names say "embeddings" where ids say "embed".
        let is_it =
            |other: &&str| is_alike(word, other) || (*other == "embed" && is_alike(word, "embeddings"));
        if let Some(at) = missing.iter().position(is_it) {
            missing.remove(at);
            return false;
        }
        // "ClaudeSonnet 6": two words or more without the space between them.
        let length: usize = missing.iter().map(|other| other.len()).sum();
        let joined =
            missing.len() > 1 && length == word.len() && missing.iter().all(|other| word.contains(other));
        if joined {
            missing.clear();
        }
        !joined
    });
    before - added.len()
}
