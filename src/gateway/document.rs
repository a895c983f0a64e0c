//! The limits as JSON.

use super::deployments::{Deployment, Limit};
use crate::api::Place;
use crate::api::described::described;
use crate::report::envelope::VERSION;
use std::collections::BTreeMap;

const KIND: &str = "export";

described! {
    /// The limits of what can be called.
    Document {
        /// Raised when a reader of the old shape would misread the new one.
        version: u64,
        /// `export`.
        kind: &'static str,
        /// Of each applied quota, so much is told.
        share: f64,
        items: Vec<Item>,
    }
}

described! {
    /// An invocation id that can be called, and what its calls may spend. Null: no such quota, or not known.
    Item {
        #[serde(flatten)]
        place: Place,
        model: String,
        model_id: String,
        scope: &'static str,
        requests_per_minute: Option<u64>,
        tokens_per_minute: Option<u64>,
        tokens_per_day: Option<u64>,
        /// Output tokens count so many times against tokens of a minute and of a day.
        output_burndown: Option<f64>,
        /// Ids of the same target whose calls spend one of the same quotas.
        shares_quotas_with: Vec<String>,
        /// Of each number above that is null: why.
        unknown: BTreeMap<&'static str, String>,
    }
}

/// The limits as values.
pub fn document(deployments: &[Deployment], share: f64) -> Document {
    let items = deployments.iter().map(|deployment| item(deployment, share)).collect();
    Document { version: VERSION, kind: KIND, share, items }
}

pub(super) fn render(deployments: &[Deployment], share: f64) -> String {
    let text = serde_json::to_string_pretty(&document(deployments, share));
    text.map_or_else(|error| error.to_string(), |text| text + "\n")
}

pub(super) fn is_one(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|document: serde_json::Value| document["kind"] == KIND)
}

fn item(deployment: &Deployment, share: f64) -> Item {
    let mut unknown = BTreeMap::new();
    let mut value = |name: &'static str, limit: &Limit| match limit {
        // A limit of 0 is known.
        Limit::Of(limit) => Some((limit * share).floor() as u64),
        other => {
            unknown.insert(name, other.at(share).err().unwrap_or_default());
            None
        }
    };
    let requests_per_minute = value("requests_per_minute", &deployment.requests_per_minute);
    let tokens_per_minute = value("tokens_per_minute", &deployment.tokens_per_minute);
    let tokens_per_day = value("tokens_per_day", &deployment.tokens_per_day);
    if deployment.burndown.is_none() {
        unknown.insert("output_burndown", "AWS's table does not name the model".to_string());
    }
    Item {
        place: deployment.place.clone(),
        model: deployment.model.clone(),
        model_id: deployment.model_id.clone(),
        scope: deployment.scope.word(),
        requests_per_minute,
        tokens_per_minute,
        tokens_per_day,
        output_burndown: deployment.burndown,
        shares_quotas_with: deployment.shares_with.clone(),
        unknown,
    }
}
