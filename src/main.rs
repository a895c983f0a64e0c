//! argv → tracing → sub-command → exit code.

use bedrock_quota_exporter::cli::{self, Command};
use bedrock_quota_exporter::{commands, telemetry};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::parse();
    telemetry::init_tracing(cli.log.level.into(), cli.log.format.into());
    let result = match cli.command {
        Command::Serve(args) => commands::serve(args),
        Command::Check(args) => commands::check(args),
        Command::Demo(args) => commands::demo(args),
        Command::Sim(args) => commands::sim(args),
        Command::Explain(args) => commands::explain(args),
        Command::Healthcheck(args) => commands::healthcheck(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bedrock-quota-exporter: {error:#}");
            ExitCode::FAILURE
        }
    }
}
