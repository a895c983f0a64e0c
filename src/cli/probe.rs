//! The probe: what is called, and what it must not exceed.

use super::inputs::{Access, ConfigFile, Seed, url};
use super::planning::positive;
use super::tools::Takes;
use crate::config;
use crate::probe::Dimension;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bedrock-quota-exporter probe --demo --account labs --region us-east-1 --yes us.anthropic.claude-sonnet-4-20250514-v1:0
  bedrock-quota-exporter probe --account production --region us-west-2 --dimension requests --yes \\
    --most-requests 20000 --most-tokens 500000 --most-dollars 2 --most-minutes 30 \\
    --input-price 3 --output-price 15 us.anthropic.claude-sonnet-4-6")]
pub struct Probe {
    /// Call the simulated AWS, whose clock goes ten times as fast; no account needed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DEMO", help_heading = "Source")]
    pub demo: bool,
    #[command(flatten, next_help_heading = "Source")]
    pub seed: Seed,
    #[command(flatten)]
    pub config: ConfigFile,
    #[command(flatten)]
    pub takes: Takes,
    /// Watch others by the API of this exporter rather than by CloudWatch
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_URL", value_name = "URL", value_parser = url)]
    pub url: Option<String>,
    #[command(flatten)]
    pub access: Access,
    /// What is ramped: requests, tokens, reservation; more than once for several, without it all
    #[arg(long = "dimension", env = "BEDROCK_QUOTA_EXPORTER_DIMENSION", value_name = "DIMENSION", value_parser = dimension, help_heading = "Ramp")]
    pub dimensions: Vec<Dimension>,
    /// How long each step is held, from 10s to 10m
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_HOLD", value_name = "DURATION", default_value = "1m", value_parser = hold, help_heading = "Ramp")]
    pub hold: u64,
    /// The largest max_tokens that the model takes, as far as the probe may use it
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_LARGEST_OUTPUT", value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(2..=1_000_000), help_heading = "Ramp")]
    pub largest_output: u64,
    /// Make at most so many calls
    #[arg(
        long,
        env = "BEDROCK_QUOTA_EXPORTER_MOST_REQUESTS",
        value_name = "N",
        help_heading = "Hard limits"
    )]
    pub most_requests: Option<u64>,
    /// Spend at most so many tokens, input and output, if every answer were as long as its max_tokens
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MOST_TOKENS", value_name = "N", help_heading = "Hard limits")]
    pub most_tokens: Option<u64>,
    /// Spend at most so much, likewise
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MOST_DOLLARS", value_name = "DOLLARS", value_parser = positive, help_heading = "Hard limits")]
    pub most_dollars: Option<f64>,
    /// Take at most so long
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_MOST_MINUTES", value_name = "MINUTES", value_parser = positive, help_heading = "Hard limits")]
    pub most_minutes: Option<f64>,
    /// Dollars per million input tokens; no API of AWS tells prices
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_INPUT_PRICE", value_name = "DOLLARS", value_parser = positive, requires = "output_price", help_heading = "Hard limits")]
    pub input_price: Option<f64>,
    /// Dollars per million output tokens
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_OUTPUT_PRICE", value_name = "DOLLARS", value_parser = positive, requires = "input_price", help_heading = "Hard limits")]
    pub output_price: Option<f64>,
    /// Make the calls; needs all four hard limits and the prices
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_YES")]
    pub yes: bool,
    /// Where the results are written; it must not have any yet
    #[arg(
        long,
        short,
        env = "BEDROCK_QUOTA_EXPORTER_OUTPUT",
        value_name = "DIR",
        default_value = "probe-results"
    )]
    pub output: PathBuf,
    /// The invocation id, as calls spell it
    #[arg(value_name = "ID")]
    pub model_id: String,
}

fn dimension(text: &str) -> Result<Dimension, String> {
    let words = || Dimension::ALL.iter().map(|word| word.word()).collect::<Vec<_>>().join(", ");
    Dimension::from_word(text).ok_or_else(|| format!("expected one of {}", words()))
}

fn hold(text: &str) -> Result<u64, String> {
    config::kinds::duration(text, 10..=600)
        .ok_or_else(|| "expected a duration from 10s to 10m, such as 1m".into())
}
