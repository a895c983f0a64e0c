//! The reviewed rows of data/aliases.yaml: what names alone cannot tell.

use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    /// The part of a quota name that names the model; read like any other, so spelling is free.
    pub quota: String,
    /// The base model id.
    pub model: String,
    pub reason: String,
}

pub(super) static ALIASES: LazyLock<Vec<Alias>> = LazyLock::new(|| {
    parse(include_str!("../../../data/aliases.yaml")).expect("the shipped file is read by a test")
});

fn parse(text: &str) -> Result<Vec<Alias>, serde_yaml::Error> {
    serde_yaml::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_alias_has_a_reason_and_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALIASES.iter().map(|a| a.quota.as_str()).collect();
        assert_eq!(names.len(), ALIASES.len());
        assert!(ALIASES.iter().all(|a| a.reason.len() > 20 && a.model.contains('.')));
    }
}
