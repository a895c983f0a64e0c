//! The command line. Flags follow the exporters' convention; each is also an environment variable,
//! `BEDROCK_QUOTA_EXPORTER_` and the flag's name in capitals.

mod explain;
mod export;
mod inputs;
mod logging;
mod mcp;
mod planning;
mod probe;
mod serve;
mod simulated;
mod tools;
mod top;

pub use explain::{Explain, ExplainFormat};
pub use export::Export;
pub use inputs::{Access, ConfigFile, Seed, WebConfigFile};
pub use logging::{Log, LogFormat, LogLevel};
pub use mcp::Mcp;
pub use planning::{Capacity, DraftFormat, Increase, Provisioned};
pub use probe::Probe;
pub use serve::{Check, DEFAULT_ADDRESS, ListenAddress, Serve, Slice, Web};
pub use simulated::{Backfill, Demo, Sim};
pub use tools::{
    Chart, Completions, Diagnose, Format, Quotas, Report, Snapshot, SnapshotCommand, SnapshotSave, Source,
    Takes, Usage,
};
pub use top::Top;

use crate::server::listen::Address;
use crate::telemetry;
use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::fmt;
use std::sync::LazyLock;

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

/// A command line that says what cannot be meant, as far as the parser of arguments cannot know.
#[derive(Debug)]
pub struct WrongUsage(pub(crate) String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

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
}
