//! argv → tracing → sub-command → exit code.

use bedrock_quota_exporter::cli::{self, Command, LogFormat, WrongUsage};
use bedrock_quota_exporter::report::safe::printable_lines;
use bedrock_quota_exporter::{commands, log};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

/// As the parser of arguments has it.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = cli::parse();
    let format = cli.log.format;
    log::init(log_level(&cli), format.into());
    run(cli.command).unwrap_or_else(|error| {
        match format {
            // Names and texts of others are in it.
            LogFormat::Text => {
                eprintln!("bedrock-quota-exporter: {}", printable_lines(&format!("{error:#}")))
            }
            // Whoever reads JSON reads nothing else.
            LogFormat::Json => tracing::error!(error = format!("{error:#}"), "bedrock-quota-exporter ends"),
        }
        if error.is::<WrongUsage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
    })
}

/// The terminal that `top` draws on has no place for a log.
fn log_level(cli: &cli::Cli) -> LevelFilter {
    let is_drawn_on = matches!(cli.command, Command::Top(_)) && std::io::stderr().is_terminal();
    if is_drawn_on { LevelFilter::OFF } else { cli.log.level.into() }
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
        Command::Export(args) => commands::export(args)?,
        Command::Top(args) => commands::top(args)?,
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
