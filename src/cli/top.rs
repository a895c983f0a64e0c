//! The terminal view of a running exporter.

use super::inputs::{Access, Seed, url};
use crate::config;
use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "\
Keys: ↑ ↓ choose, enter shows the minutes of the chosen model, esc goes back, q or Ctrl-C quits.

Examples:
  bedrock-quota-exporter top --demo
  bedrock-quota-exporter top --url http://exporter.example.net:10469 --account production
  bedrock-quota-exporter top --url https://exporter.example.net:10469 --tls.ca-file ca.crt")]
pub struct Top {
    /// Where the exporter is; its API must be on
    #[arg(
        long,
        env = "BEDROCK_QUOTA_EXPORTER_URL",
        value_name = "URL",
        default_value = "http://localhost:10469",
        value_parser = url
    )]
    pub url: String,
    /// Watch an exporter in this process, on the simulated AWS; no account needed
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_DEMO", conflicts_with = "url")]
    pub demo: bool,
    #[command(flatten)]
    pub seed: Seed,
    /// Only this account, by name or id
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_ACCOUNT", value_name = "NAME|ID")]
    pub account: Option<String>,
    /// Only this region
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// How often the exporter is asked, from 1s to 10m
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = interval)]
    pub interval: u64,
    #[command(flatten)]
    pub access: Access,
}

fn interval(text: &str) -> Result<u64, String> {
    config::kinds::duration(text, 1..=600)
        .ok_or_else(|| "expected a duration from 1s to 10m, such as 5s".into())
}
