//! `completions` and `man`: made from the same definitions as the flags.

use super::output::print;
use crate::cli::{self, Cli};
use anyhow::Result;
use clap::CommandFactory;
use clap_complete::generate;
use clap_mangen::Man;

const NAME: &str = "bedrock-quota-exporter";

/// Prints a shell's completions.
pub fn completions(args: cli::Completions) -> Result<()> {
    let mut out = Vec::new();
    generate(args.shell, &mut Cli::command(), NAME, &mut out);
    print(&String::from_utf8_lossy(&out))
}

/// Prints the man page, with a section for every sub-command.
pub fn man() -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let mut out = Vec::new();
    Man::new(command.clone()).render(&mut out)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let named = sub.clone().display_name(format!("{NAME} {}", sub.get_name()));
        let man = Man::new(named);
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        let text = String::from_utf8_lossy(&section);
        let title = sub.get_name().to_uppercase();
        out.extend(format!(".SH {title}\n{}", text.replace(".SH ", ".SS ")).into_bytes());
    }
    print(&String::from_utf8_lossy(&out))
}
