//! The flags of the simulated AWS, alone and with an exporter on it.

use super::inputs::Seed;
use super::serve::Web;
use crate::config;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Demo {
    #[command(flatten)]
    pub web: Web,
    #[command(flatten)]
    pub seed: Seed,
    #[command(flatten)]
    pub backfill: Backfill,
}

#[derive(Args, Debug)]
pub struct Backfill {
    /// Serve nothing: print this much of the past, as scraped from the listen address, for
    /// `promtool tsdb create-blocks-from openmetrics`
    #[arg(
        id = "backfill",
        long,
        env = "BEDROCK_QUOTA_EXPORTER_BACKFILL",
        value_name = "DURATION",
        value_parser = duration
    )]
    pub length: Option<u64>,
    /// Between two samples of the last six hours; those before are an hour apart
    #[arg(
        id = "backfill.step",
        long = "backfill.step",
        env = "BEDROCK_QUOTA_EXPORTER_BACKFILL_STEP",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = duration,
        requires = "backfill"
    )]
    pub step: u64,
}

#[derive(Args, Debug)]
pub struct Sim {
    /// Loopback address to listen on: HOST:PORT
    #[arg(
        long,
        env = "BEDROCK_QUOTA_EXPORTER_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10470",
        value_parser = loopback_address
    )]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub seed: Seed,
    /// Publish late, in steps and with gaps, and leave rows out of lists, as AWS now and then does
    #[arg(long, env = "BEDROCK_QUOTA_EXPORTER_IRREGULAR")]
    pub irregular: bool,
    /// Deny what these IAM policies do not allow, such as deploy/iam/policies/read.json; by default nothing is denied
    #[arg(
        long = "policy",
        env = "BEDROCK_QUOTA_EXPORTER_POLICY",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub policies: Vec<PathBuf>,
}

fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost").map(|port| format!("127.0.0.1{port}"));
    let address = local.as_deref().unwrap_or(text).parse::<SocketAddr>();
    address.ok().filter(|address| address.ip().is_loopback()).ok_or_else(|| {
        "expected HOST:PORT, the host a loopback address: the simulated AWS must not be taken for AWS".into()
    })
}

fn duration(text: &str) -> Result<u64, String> {
    config::kinds::duration(text, 60..=14 * 86_400)
        .ok_or_else(|| "expected a duration from 1m to 14d, such as 90s, 15m or 1d12h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_aws_listens_on_loopback_alone() {
        let address = |text| loopback_address(text).map(|address| address.to_string());
        assert_eq!(address("localhost:0").as_deref(), Ok("127.0.0.1:0"));
        assert_eq!(address("[::1]:10470").as_deref(), Ok("[::1]:10470"));
        for bad in ["", ":10470", "10.0.0.7:10470", "example.org:80", "localhost", "[::]:10470"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
