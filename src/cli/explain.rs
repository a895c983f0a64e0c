//! The flags of `explain`.

use super::inputs::ConfigFile;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter explain us.anthropic.claude-opus-4-7
  bedrock-quota-exporter explain --quotas quotas.json --models models.json --region eu-west-1 amazon.nova-pro-v1:0")]
pub struct Explain {
    /// What `aws service-quotas list-service-quotas --service-code bedrock` printed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_QUOTAS", value_name = "FILE")]
    pub quotas: Option<PathBuf>,
    /// What `aws service-quotas list-aws-default-service-quotas --service-code bedrock` printed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DEFAULTS", value_name = "FILE")]
    pub defaults: Option<PathBuf>,
    /// What `aws bedrock list-foundation-models` printed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MODELS", value_name = "FILE")]
    pub models: Option<PathBuf>,
    /// What `aws bedrock list-inference-profiles` printed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_PROFILES", value_name = "FILE")]
    pub profiles: Option<PathBuf>,
    /// What `aws bedrock list-custom-model-deployments` printed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DEPLOYMENTS", value_name = "FILE")]
    pub deployments: Option<PathBuf>,
    /// Region of the lists, or to read them from
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_REGION")]
    pub region: Option<String>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: ExplainFormat,
    /// Also show quantities that calls of such an id cannot spend
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_ALL")]
    pub all: bool,
    /// Instead of ids: of how many quotas the usage can be known, by what, and why not of the others
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_COVERAGE", conflicts_with = "ids")]
    pub coverage: bool,
    /// Its overrides hold here too
    #[command(flatten)]
    pub config: ConfigFile,
    /// As CloudWatch spells them; without any, one per line of standard input
    #[arg(value_name = "INVOCATION_ID")]
    pub ids: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Table,
    Json,
}
