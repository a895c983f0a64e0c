//! The flags of `serve`, and of `check`, which tells what it would do.

use super::inputs::{ConfigFile, WebConfigFile};
use crate::model::shard::Shard;
use crate::server::listen::Address;
use clap::Args;
use std::path::PathBuf;

/// Where the exporter listens unless it is told otherwise.
pub const DEFAULT_ADDRESS: &str = ":10469";

#[derive(Args, Debug)]
pub struct ListenAddress {
    /// Address to listen on: HOST:PORT, :PORT for every address, IPv4 and IPv6, or unix:/PATH; may be repeated
    #[arg(
        id = "web.listen-address",
        long = "web.listen-address",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        default_value = DEFAULT_ADDRESS,
        value_delimiter = ','
    )]
    pub listen_addresses: Vec<Address>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Web")]
pub struct Web {
    #[command(flatten)]
    pub address: ListenAddress,
    /// Listen on the sockets that systemd opened (a .socket unit) instead
    #[arg(
        long = "web.systemd-socket",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_SYSTEMD_SOCKET",
        conflicts_with = "web.listen-address"
    )]
    pub systemd_socket: bool,
    #[command(flatten)]
    pub config: WebConfigFile,
    /// Path of the metrics
    #[arg(
        long = "web.telemetry-path",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub telemetry_path: String,
    /// Allow a reload of the config by POST /-/reload
    #[arg(long = "web.enable-lifecycle", env = "BEDROCK_QUOTA_EXPORTER_WEB_ENABLE_LIFECYCLE")]
    pub enable_lifecycle: bool,
    /// Answer software at /api/v1
    #[arg(
        long = "web.enable-api",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_ENABLE_API",
        value_name = "BOOL",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    pub enable_api: bool,
}

#[derive(Args, Debug)]
pub struct Slice {
    /// Watch only slice N, counted from 0, of the accounts, cut into M: N/M. For N also a name that ends
    /// in it, such as a StatefulSet's pod, or auto for HOSTNAME
    #[arg(
        long,
        env = "BEDROCK_QUOTA_EXPORTER_SHARD",
        value_name = "N/M",
        default_value = "0/1",
        value_parser = shard
    )]
    pub shard: Shard,
}

#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub config: ConfigFile,
    #[command(flatten)]
    pub slice: Slice,
    #[command(flatten)]
    pub web: Web,
    /// Keep the counters in this file, so that a restart loses none of what happened; without it they start anew
    #[arg(
        long = "storage.path",
        env = "BEDROCK_QUOTA_EXPORTER_STORAGE_PATH",
        value_name = "FILE",
        help_heading = "Storage"
    )]
    pub storage_path: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub config: ConfigFile,
    #[command(flatten)]
    pub web_config: WebConfigFile,
    #[command(flatten)]
    pub slice: Slice,
    /// Invocation ids with traffic that a target is assumed to have, for the estimate of calls and cost
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_IDS", value_name = "N", default_value_t = 40)]
    pub ids: u32,
    /// Also ask AWS: who the credentials are, by which way it is reached, and whether each permission is there.
    /// Exit code 1 if anything is missing
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_LIVE")]
    pub live: bool,
}

fn shard(text: &str) -> Result<Shard, String> {
    let (name, of) = text.rsplit_once('/').unwrap_or((text, ""));
    // In a pod, the pod's name.
    let host = (name == "auto").then(|| std::env::var("HOSTNAME").unwrap_or_default());
    let name = host.as_deref().unwrap_or(name);
    let ordinal = name.rsplit('-').next().unwrap_or_default();
    let shard = ordinal.parse().ok().zip(of.parse().ok());
    shard.and_then(|(number, of)| Shard::new(number, of)).ok_or_else(|| {
        let host = if host.is_some() { format!("HOSTNAME is {name:?}; ") } else { String::new() };
        format!("{host}expected N/M with N from 0 to M - 1, such as 0/3, exporter-0/3 or auto/3")
    })
}

fn telemetry_path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let taken = ["/-/", "/api/"].iter().any(|prefix| text.starts_with(prefix));
    if text.len() > 1 && text.starts_with('/') && text.chars().all(plain) && !taken {
        Ok(text.into())
    } else {
        Err("expected a path such as /metrics, neither / nor below /-/ or /api/".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn listen_addresses_are_repeated_or_listed() {
        let args =
            ["exporter", "serve", "--web.listen-address=:1", "--web.listen-address=[::1]:2,unix:/run/a"];
        let Command::Serve(serve) = Cli::try_parse_from(args).unwrap().command else { panic!() };
        let addresses: Vec<String> =
            serve.web.address.listen_addresses.iter().map(Address::to_string).collect();
        assert_eq!(addresses, [":1", "[::1]:2", "unix:/run/a"]);
    }

    #[test]
    fn shards() {
        let shard = |text| shard(text).map(|shard| shard.to_string());
        assert_eq!(shard("1/3").unwrap(), "1/3");
        assert_eq!(shard("bedrock-quota-exporter-2/3").unwrap(), "2/3");
        for bad in ["", "1", "/", "3/3", "-1/3x", "0/0", "exporter/3", "exporter-b/3", "1/3/"] {
            assert!(shard(bad).unwrap_err().starts_with("expected N/M"), "{bad}");
        }
    }

    #[test]
    fn telemetry_paths() {
        assert_eq!(telemetry_path("/metrics").unwrap(), "/metrics");
        for bad in ["", "/", "metrics", "/-/healthy", "/api/v1", "/{x}", "/a b"] {
            assert!(telemetry_path(bad).is_err(), "{bad}");
        }
    }
}
