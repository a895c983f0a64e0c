//! The command line. Flags follow the exporters' convention; each is also an environment variable,
//! `BEDROCK_QUOTA_EXPORTER_` and the flag's name in capitals.

mod export;
mod inputs;
mod mcp;
mod planning;
mod probe;
mod tools;
mod top;

pub use export::Export;
pub use inputs::{Access, ConfigFile, Seed, WebConfigFile};
pub use mcp::Mcp;
pub use planning::{Capacity, DraftFormat, Increase, Provisioned};
pub use probe::Probe;
pub use tools::{
    Chart, Completions, Diagnose, Format, Quotas, Report, Snapshot, SnapshotCommand, SnapshotSave, Source,
    Takes, Usage,
};
pub use top::Top;

use crate::config;
use crate::model::shard::Shard;
use crate::server::listen::Address;
use crate::{log, telemetry};
use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use tracing::level_filters::LevelFilter;

/// Where the exporter listens unless it is told otherwise.
pub const DEFAULT_ADDRESS: &str = ":10469";

/// Prometheus exporter for Amazon Bedrock quotas: who spends which limit, how close it is, and why
/// calls are refused.
#[derive(Debug, Parser)]
#[command(version, long_version = LONG_VERSION.as_str(), subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub log: Log,
}

/// What `--version` tells.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let revision =
        if telemetry::REVISION.is_empty() { "not told when it was built" } else { telemetry::REVISION };
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{}\nrevision: {revision}\nbuild: {build}, for {}-{}\nfeatures: HTTP/1.1, HTTP/2 over TLS, TLS by rustls and aws-lc",
        telemetry::VERSION,
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
});

/// The command line of this process; one that is wrong ends it.
pub fn parse() -> Cli {
    try_parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// An environment variable that is empty counts as one that is not set, and a flag's may say 1, true or yes.
pub fn try_parse_from<T>(arguments: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error>
where
    T: Into<OsString> + Clone,
{
    Cli::from_arg_matches(&lenient(Cli::command()).try_get_matches_from(arguments)?)
}

fn lenient(command: clap::Command) -> clap::Command {
    command.mut_args(lenient_variable).mut_subcommands(lenient)
}

fn lenient_variable(argument: Arg) -> Arg {
    let value = argument.get_env().and_then(std::env::var_os);
    let argument =
        if value.is_some_and(|value| value.is_empty()) { argument.env(None::<&str>) } else { argument };
    match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(BoolishValueParser::new()),
        _ => argument,
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch AWS and serve /metrics
    Serve(Serve),
    /// Validate a config and print what it would do: targets, calls per hour, dollars a month
    Check(Check),
    /// Serve /metrics of a simulated AWS inside this process; no account needed
    Demo(Demo),
    /// Run the simulated AWS alone, for any AWS client
    Sim(Sim),
    /// Tell which quotas an invocation id spends, and why; live, or offline on the AWS CLI's JSON
    Explain(Explain),
    /// List quotas by model family: applied, default, state, and how much of them was used
    Quotas(Quotas),
    /// Show what models were asked for over a span: calls, refusals, tokens, how full their quotas were
    Usage(Usage),
    /// Draw models against their limits, and their calls, made and refused, as SVG
    Chart(Chart),
    /// Tell why calls were refused, with evidence and remedies; exit code 3 if any were
    Diagnose(Diagnose),
    /// Draft the request for more of a quota from real use, with every field that AWS asks for
    Increase(Increase),
    /// List provisioned throughput: units, commitments, and how much of it is used
    Provisioned(Provisioned),
    /// Tell what there is for a model: limits, what was used of them, where the ceiling was, what was bought
    Capacity(Capacity),
    /// Find by real calls where refusals begin; without --yes it only says what it would do and cost
    Probe(Probe),
    /// Answer an assistant: headroom, findings, quotas, usage and explanations by the Model Context Protocol
    Mcp(Mcp),
    /// Write the limits in the form that a gateway reads: LiteLLM, Envoy AI Gateway, JSON
    Export(Export),
    /// Write one page about accounts: what is wrong, fullest quotas, charts, who spends what
    Report(Report),
    /// Watch a running exporter in the terminal: what is throttled now, the fullest quotas
    Top(Top),
    /// Keep the picture of accounts (quotas, catalog, usage) in a file that every tool reads
    Snapshot(Snapshot),
    /// Print completions for a shell
    Completions(Completions),
    /// Print the man page
    Man,
    /// Ask a running exporter whether it is healthy; exit code 0 if it is
    Healthcheck(Healthcheck),
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Logging")]
pub struct Log {
    /// Least severe level that is logged
    #[arg(
        id = "log.level",
        long = "log.level",
        env = "BEDROCK_QUOTA_EXPORTER_LOG_LEVEL",
        global = true,
        default_value = "info"
    )]
    pub level: LogLevel,
    /// How a log line looks
    #[arg(
        id = "log.format",
        long = "log.format",
        env = "BEDROCK_QUOTA_EXPORTER_LOG_FORMAT",
        global = true,
        default_value = "text"
    )]
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> LevelFilter {
        match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

impl From<LogFormat> for log::Format {
    fn from(format: LogFormat) -> log::Format {
        match format {
            LogFormat::Text => log::Format::Text,
            LogFormat::Json => log::Format::Json,
        }
    }
}

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
}

#[derive(Args, Debug)]
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

#[derive(Args, Debug)]
pub struct Healthcheck {
    /// Where the exporter listens; without it: where the one beside this process does
    #[arg(
        long = "web.listen-address",
        env = "BEDROCK_QUOTA_EXPORTER_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub listen_addresses: Vec<Address>,
    #[command(flatten)]
    pub web_config: WebConfigFile,
    #[command(flatten)]
    pub access: Access,
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
    use clap::CommandFactory;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_sub_command_parses_beside_the_logging_flags() {
        for command in ["serve", "check", "demo", "sim", "explain", "healthcheck"] {
            let cli = Cli::try_parse_from(["exporter", command, "--log.format=json"]).unwrap();
            assert_eq!(cli.log.format, LogFormat::Json);
        }
        let explain = Cli::try_parse_from(["exporter", "explain", "--format=json", "a", "b"]).unwrap();
        let Command::Explain(explain) = explain.command else { panic!("{explain:?}") };
        assert_eq!((explain.format, explain.ids.len()), (ExplainFormat::Json, 2));
    }

    #[test]
    fn every_flag_is_also_an_environment_variable_of_its_own() {
        for command in Cli::command().get_subcommands().chain([&Cli::command()]) {
            let mut seen = Vec::new();
            for flag in command
                .get_arguments()
                .filter(|a| a.get_long().is_some_and(|l| l != "help" && l != "version"))
            {
                let env = flag.get_env().unwrap_or_else(|| panic!("{flag} has none")).to_str().unwrap();
                assert!(env.starts_with("BEDROCK_QUOTA_EXPORTER_"), "{env}");
                assert!(!seen.contains(&env), "{env} twice");
                seen.push(env);
            }
        }
    }

    #[test]
    fn the_simulated_aws_listens_on_loopback_alone() {
        let address = |text| loopback_address(text).map(|address| address.to_string());
        assert_eq!(address("localhost:0").as_deref(), Ok("127.0.0.1:0"));
        assert_eq!(address("[::1]:10470").as_deref(), Ok("[::1]:10470"));
        for bad in ["", ":10470", "10.0.0.7:10470", "example.org:80", "localhost", "[::]:10470"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

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
