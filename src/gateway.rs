//! Limits in the forms that gateways read: which ids can be called where, and what share of their quotas may be
//! spent. Pure, and without a time of its making: the same limits give the same text.

mod deployments;
mod document;
mod envoy;
mod litellm;
mod yaml;

pub use deployments::{Deployment, Limit, Lists, Wanted, deployments};
pub use document::{Document, document};

use crate::model::ids::words;

words! {
    /// Who reads them.
    Format {
        /// The `model_list` of LiteLLM's proxy config, YAML.
        Litellm = "litellm",
        /// QuotaPolicy objects of Envoy AI Gateway, YAML.
        Envoy = "envoy",
        /// Anything else.
        Json = "json",
    }
}

/// The limits in that form. `share`: how much of each quota may be spent, above 0 and at most 1.
pub fn render(deployments: &[Deployment], share: f64, format: Format) -> String {
    match format {
        Format::Litellm => litellm::render(deployments, share),
        Format::Envoy => envoy::render(deployments, share),
        Format::Json => document::render(deployments, share),
    }
}

impl Format {
    /// How an answer in that form is told over HTTP; YAML by RFC 9512.
    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Litellm | Format::Envoy => "application/yaml",
            Format::Json => "application/json",
        }
    }
}

/// Whether a text says of itself what [`render`] makes it say in that form.
pub fn is_rendered(text: &str, format: Format) -> bool {
    let has_title = |title: &str| text.strip_prefix("# ").is_some_and(|line| line.starts_with(title));
    match format {
        Format::Litellm => has_title(litellm::TITLE),
        Format::Envoy => has_title(envoy::TITLE),
        Format::Json => document::is_one(text),
    }
}
