//! The tools that plan capacity: asking for more, what was bought, what there is.

use super::tools::{Format, Source, span};
use clap::{Args, ValueEnum};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DraftFormat {
    Markdown,
    Json,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter increase --demo --account research --region us-east-1 claude-sonnet-4-6
  bedrock-quota-exporter increase --account production --region us-west-2 --use-case 'Answers to customers' \\
    --submit claude-sonnet-4-6")]
pub struct Increase {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d (growth takes two weeks); without it 15d of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    /// Whose calls are meant: on_demand, cross_region or global; without it, those of the scope with the most
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SCOPE", value_name = "SCOPE")]
    pub scope: Option<String>,
    /// The value to ask for; without it, what use shows to be needed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_VALUE", value_name = "N", value_parser = positive)]
    pub value: Option<f64>,
    /// How many times today's use is expected; without it, what two weeks show
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_GROWTH", value_name = "FACTOR", value_parser = positive)]
    pub growth: Option<f64>,
    /// What the calls are for
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_USE_CASE", value_name = "TEXT")]
    pub use_case: Option<String>,
    /// The alarms that watch the quota
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_ALARMS", value_name = "TEXT")]
    pub alarms: Option<String>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "markdown")]
    pub format: DraftFormat,
    /// Send it to AWS, once its quota code has been typed as a confirmation
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SUBMIT", conflicts_with = "from")]
    pub submit: bool,
    /// A part of the model's id, or of an invocation id
    #[arg(value_name = "MODEL")]
    pub model: String,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter provisioned --demo
  bedrock-quota-exporter provisioned --account production --format csv")]
pub struct Provisioned {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: Format,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter capacity --demo claude-sonnet-4-6
  bedrock-quota-exporter capacity --account production --region us-west-2 --format json llama3-1-70b")]
pub struct Capacity {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: Format,
    /// A part of the model's id
    #[arg(value_name = "MODEL")]
    pub model: String,
}

pub(in crate::cli) fn positive(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| *value > 0.0 && *value <= 1e10);
    value.ok_or_else(|| "expected a number above 0, at most 10000000000".to_string())
}
