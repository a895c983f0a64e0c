//! Limits for gateways.

use super::inputs::{Access, url};
use super::tools::Source;
use crate::gateway::Format;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter export --demo --account production --region us-west-2 --format litellm --share 0.8
  bedrock-quota-exporter export --url http://localhost:10469 --format envoy --output quota-policy.yaml")]
pub struct Export {
    #[command(flatten)]
    pub source: Source,
    /// Ask this running exporter, rather than AWS
    #[arg(
        long,
        env = "BEDROCK_QUOTA_EXPORTER_URL",
        value_name = "URL",
        value_parser = url,
        conflicts_with_all = ["from", "demo"],
        help_heading = "Source"
    )]
    pub url: Option<String>,
    /// Who reads it: litellm, envoy or json
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", value_name = "FORMAT", default_value = "json", value_parser = format)]
    pub format: Format,
    /// How much of each applied quota may be spent, above 0 and at most 1
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SHARE", value_name = "N", default_value = "1", value_parser = share)]
    pub share: f64,
    /// Only this model, by its base model id
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MODEL", value_name = "MODEL")]
    pub model: Option<String>,
    /// Only this invocation id, such as us.anthropic.claude-sonnet-4-6
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MODEL_ID", value_name = "ID")]
    pub model_id: Option<String>,
    /// Only ids of this scope: on_demand, cross_region, global
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SCOPE", value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Write into this file, at once as a whole, and only if that changes it; without it, standard output
    #[arg(long, short, env = "BEDROCK_QUOTA_EXPORTER_OUTPUT", value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub access: Access,
}

fn format(text: &str) -> Result<Format, String> {
    Format::from_word(text).ok_or_else(|| "expected litellm, envoy or json".to_string())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "expected a number above 0, at most 1, such as 0.8".to_string())
}
