//! Tools for assistants, by the Model Context Protocol.

use super::inputs::{Access, url};
use super::tools::{Source, span};
use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter mcp --url http://localhost:10469
  bedrock-quota-exporter mcp --from today.jsonl.gz")]
pub struct Mcp {
    /// Answer from this running exporter's API
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_URL", value_name = "URL", value_parser = url, conflicts_with_all = ["from", "demo"])]
    pub url: Option<String>,
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 6h of the simulated AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    #[command(flatten)]
    pub access: Access,
}
