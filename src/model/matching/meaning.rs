//! What is understood of an invocation id.

use super::resolution::{IdType, Unmapped};
use crate::model::catalog::Tags;
use crate::model::ids::Scope;

/// Which family of quotas the calls of an id spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spends {
    Shared,
    CustomDeployment,
    ModelUnits,
    Mantle,
    /// No quota counts these calls.
    Nothing,
}

/// An invocation id, understood as far as it can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meaning {
    pub id_type: IdType,
    /// The base model id.
    pub model: Option<String>,
    pub scope: Option<Scope>,
    pub spends: Spends,
    pub name: Option<String>,
    pub tags: Tags,
    /// A live list names the id itself.
    pub listed: bool,
    /// Why model or scope is unknown, and in words.
    pub unclear: Option<(Unmapped, String)>,
}

impl Meaning {
    pub(super) fn of(id_type: IdType, model: &str, scope: Scope, spends: Spends) -> Meaning {
        let model = Some(model.to_string());
        Meaning { model, scope: Some(scope), spends, ..Meaning::blank(id_type) }
    }

    pub(super) fn unclear(id_type: IdType, reason: Unmapped, words: String) -> Meaning {
        Meaning { unclear: Some((reason, words)), ..Meaning::blank(id_type) }
    }

    /// Nothing is known of it but its type.
    pub(super) fn blank(id_type: IdType) -> Meaning {
        Meaning {
            id_type,
            model: None,
            scope: None,
            spends: Spends::Shared,
            name: None,
            tags: Tags::new(),
            listed: false,
            unclear: None,
        }
    }

    pub(super) fn named(self, name: Option<&str>) -> Meaning {
        Meaning { name: name.map(str::to_string), listed: true, ..self }
    }
}
