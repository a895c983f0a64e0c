//! What many sub-commands are given.

use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct ConfigFile {
    /// The config; without one the current credentials' account and region are watched
    #[arg(long = "config.file", env = "BEDROCK_QUOTA_EXPORTER_CONFIG_FILE", value_name = "FILE")]
    pub path: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct WebConfigFile {
    /// The web config: TLS, users, headers, a rate limit; in the form that Prometheus's exporters share
    #[arg(
        long = "web.config.file",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_CONFIG_FILE",
        value_name = "FILE",
        id = "web.config.file"
    )]
    pub web_config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Seed {
    /// Seed of the simulated traffic
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_SEED", value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Where an exporter is, without a slash at its end.
pub(in crate::cli) fn url(text: &str) -> Result<String, String> {
    let host =
        text.strip_prefix("http://").filter(|host| !host.is_empty() && !host.contains(['?', '#', ' ']));
    host.map(|_| text.trim_end_matches('/').to_string())
        .ok_or_else(|| "expected http://HOST:PORT, or http://HOST:PORT/PATH behind a proxy".to_string())
}
