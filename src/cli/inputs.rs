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

/// What an exporter behind a web configuration asks of whoever asks it.
#[derive(Args, Debug)]
#[command(next_help_heading = "An exporter behind a web config")]
pub struct Access {
    /// Who asks, where the exporter lets only users in
    #[arg(
        id = "basic-auth.username",
        long = "basic-auth.username",
        env = "BEDROCK_QUOTA_EXPORTER_BASIC_AUTH_USERNAME",
        value_name = "NAME",
        requires = "basic-auth.password-file"
    )]
    pub username: Option<String>,
    /// The file with the user's password, on one line
    #[arg(
        id = "basic-auth.password-file",
        long = "basic-auth.password-file",
        env = "BEDROCK_QUOTA_EXPORTER_BASIC_AUTH_PASSWORD_FILE",
        value_name = "FILE",
        requires = "basic-auth.username"
    )]
    pub password_file: Option<PathBuf>,
    /// Speak TLS only with an exporter whose certificate is of these authorities, or one of these, and of the host's name
    #[arg(long = "tls.ca-file", env = "BEDROCK_QUOTA_EXPORTER_TLS_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Speak TLS, with this certificate
    #[arg(
        id = "tls.cert-file",
        long = "tls.cert-file",
        env = "BEDROCK_QUOTA_EXPORTER_TLS_CERT_FILE",
        value_name = "FILE",
        requires = "tls.key-file"
    )]
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate
    #[arg(
        id = "tls.key-file",
        long = "tls.key-file",
        env = "BEDROCK_QUOTA_EXPORTER_TLS_KEY_FILE",
        value_name = "FILE",
        requires = "tls.cert-file"
    )]
    pub key_file: Option<PathBuf>,
}

/// Where an exporter is, without a slash at its end. Who has a user in it hears of that where it is not repeated.
pub(in crate::cli) fn url(text: &str) -> Result<String, String> {
    let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.filter(|host| !host.is_empty() && !host.contains(['?', '#', ' ']))
        .map(|_| text.trim_end_matches('/').to_string())
        .ok_or_else(|| {
            "expected http://HOST:PORT or https://HOST:PORT, with a /PATH where a proxy has one".to_string()
        })
}
