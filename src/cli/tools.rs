//! The tools around the daemon: where their picture comes from, and what they show of it.

use super::inputs::{ConfigFile, Seed};
use crate::config;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where a picture comes from: AWS, the simulated AWS or a file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Source")]
pub struct Source {
    /// Read this snapshot instead of AWS
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FROM", value_name = "FILE", conflicts_with = "demo")]
    pub from: Option<PathBuf>,
    /// Read the simulated AWS; no account needed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DEMO")]
    pub demo: bool,
    #[command(flatten)]
    pub seed: Seed,
    #[command(flatten)]
    pub config: ConfigFile,
    #[command(flatten)]
    pub takes: Takes,
    /// Read what costs more than a few cents without asking
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_YES")]
    pub yes: bool,
}

/// Which targets of a source are taken.
#[derive(Args, Clone, Debug, Default)]
pub struct Takes {
    /// Only this account, by name or id; more than once for several
    #[arg(long = "account", env = "BEDROCK_QUOTA_EXPORTER_ACCOUNT", value_name = "NAME|ID")]
    pub accounts: Vec<String>,
    /// Only this region; more than once for several
    #[arg(long = "region", env = "BEDROCK_QUOTA_EXPORTER_REGION", value_name = "REGION")]
    pub regions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter quotas --demo --model sonnet --below-default
  bedrock-quota-exporter quotas --from a.jsonl.gz --diff 000000000000/us-east-1 000000000001/us-east-1")]
pub struct Quotas {
    #[command(flatten)]
    pub source: Source,
    /// Only quotas of models whose id or name contains this
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MODEL", value_name = "TEXT")]
    pub model: Option<String>,
    /// Only quotas of this scope: on_demand, cross_region, global, regional, batch, provisioned
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SCOPE", value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Only quotas that limit this: requests_per_minute, tokens_per_minute, tokens_per_day, …
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_QUOTA", value_name = "QUOTA")]
    pub quota: Option<String>,
    /// Only quotas in this state: ok, zero, not_listed, unknown, error, unmeasurable
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_STATE", value_name = "STATE")]
    pub state: Option<String>,
    /// Only quotas whose applied value is below AWS's default
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_BELOW_DEFAULT")]
    pub below_default: bool,
    /// Only quotas of models that nothing has spent in the span
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_UNUSED")]
    pub unused: bool,
    /// Compare two by quota code: snapshot files, or ACCOUNT/REGION of the source
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DIFF", num_args = 2, value_names = ["A", "B"])]
    pub diff: Option<Vec<String>>,
    /// With --diff, also show quotas that are alike
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_ALL", requires = "diff")]
    pub all: bool,
    /// How much of the past is read for the peaks, from 5m to 15d, or 0 for nothing; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span_or_none)]
    pub since: Option<u64>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: Format,
    /// Only quotas whose code or name contains this
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter usage --demo
  bedrock-quota-exporter usage --account production --since 15d --yes claude-sonnet-4-6")]
pub struct Usage {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: Format,
    /// Tell everything of the models or invocation ids that contain this; without it, all in one table
    #[arg(value_name = "MODEL|ID")]
    pub about: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter chart --demo --account production --region us-west-2 --output sonnet.svg claude-sonnet-4-6
  bedrock-quota-exporter chart --from today.jsonl.gz --account production --region us-east-1 --most 3 > top.svg")]
pub struct Chart {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    /// At most so many models, those with the most calls
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MOST", value_name = "N", default_value = "8", value_parser = most)]
    pub most: usize,
    /// The picture's file; without it, standard output
    #[arg(long, short, env = "BEDROCK_QUOTA_EXPORTER_OUTPUT", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw only the models or invocation ids that contain this
    #[arg(value_name = "MODEL|ID")]
    pub about: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter diagnose --demo claude-sonnet-4-6
  bedrock-quota-exporter diagnose --error 'ThrottlingException: Too many tokens, please wait before trying again.'")]
pub struct Diagnose {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    /// Read nothing: tell what this error message of Bedrock means
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_ERROR", value_name = "TEXT", conflicts_with_all = ["from", "demo"])]
    pub error: Option<String>,
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FORMAT", default_value = "table")]
    pub format: Format,
    /// Only models that contain this
    #[arg(value_name = "MODEL")]
    pub about: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter report --demo --output report.html
  bedrock-quota-exporter report --from today.jsonl.gz --csv tables --fail-on zero_quota --output report.html")]
pub struct Report {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    /// Exit with 3 if calls were refused for this cause; any for every one
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_FAIL_ON", value_name = "CAUSE")]
    pub fail_on: Vec<String>,
    /// Write the tables into this directory as well
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_CSV", value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// The page's file; without it, standard output
    #[arg(long, short, env = "BEDROCK_QUOTA_EXPORTER_OUTPUT", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Completions {
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub struct Snapshot {
    #[command(subcommand)]
    pub command: SnapshotCommand,
}

#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Read the picture and write it to a file
    Save(SnapshotSave),
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter snapshot save --since 15d today.jsonl.gz
  bedrock-quota-exporter snapshot save --account production --mask for-support.jsonl.gz")]
pub struct SnapshotSave {
    #[command(flatten)]
    pub source: Source,
    /// How much of the past is read, from 5m to 15d; without it 24h of AWS, or all of a snapshot
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SINCE", value_name = "DURATION", value_parser = span)]
    pub since: Option<u64>,
    /// Replace account ids, and leave the accounts' names out
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MASK")]
    pub mask: bool,
    /// Compressed if its name ends in .gz
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

fn most(text: &str) -> Result<usize, String> {
    let most = text.parse().ok().filter(|most| *most > 0);
    most.ok_or_else(|| "expected a number of models, 1 or more".to_string())
}

/// CloudWatch keeps minutes for 15 days.
pub(in crate::cli) fn span(text: &str) -> Result<u64, String> {
    config::kinds::duration(text, 300..=15 * 86_400)
        .ok_or_else(|| "expected a duration from 5m to 15d, such as 90m, 24h or 15d".into())
}

fn span_or_none(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { span(text) }
}
