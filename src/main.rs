//! argv → tracing → sub-command → exit code.

use bedrock_quota_exporter::cli::{self, Command, LogFormat};
use bedrock_quota_exporter::{commands, log};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::parse();
    let format = cli.log.format;
    log::init(cli.log.level.into(), format.into());
    run(cli.command).unwrap_or_else(|error| {
        match format {
            LogFormat::Text => eprintln!("bedrock-quota-exporter: {error:#}"),
            // Whoever reads JSON reads nothing else.
            LogFormat::Json => tracing::error!(error = format!("{error:#}"), "bedrock-quota-exporter ends"),
        }
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => commands::serve(args)?,
        Command::Check(args) => commands::check(args)?,
        Command::Demo(args) => commands::demo(args)?,
        Command::Sim(args) => commands::sim(args)?,
        Command::Explain(args) => commands::explain(args)?,
        Command::Quotas(args) => commands::quotas(args)?,
        Command::Usage(args) => commands::usage(args)?,
        Command::Chart(args) => commands::chart(args)?,
        Command::Increase(args) => commands::increase(args)?,
        Command::Provisioned(args) => commands::provisioned(args)?,
        Command::Capacity(args) => commands::capacity(args)?,
        Command::Probe(args) => commands::probe(args)?,
        Command::Mcp(args) => commands::mcp(args)?,
        Command::Snapshot(args) => commands::snapshot(args)?,
        Command::Completions(args) => commands::completions(args)?,
        Command::Man => commands::man()?,
        Command::Healthcheck(args) => commands::healthcheck(args)?,
        // These two say by their exit code that they found something.
        Command::Diagnose(args) => return commands::diagnose(args),
        Command::Report(args) => return commands::report(args),
    }
    Ok(ExitCode::SUCCESS)
}
