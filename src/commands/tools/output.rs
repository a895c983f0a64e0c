//! What the tools print, and where.

use crate::picture::TargetPicture;
use crate::report::safe::printable;
use crate::report::sheet::{self, Terminal};
use anyhow::Result;
use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Where nobody says how wide it is.
const WIDTH: usize = 100;

/// The terminal that standard output is; a pipe has no colours and a width that COLUMNS tells.
pub(in crate::commands) fn terminal() -> Terminal {
    let is_terminal = io::stdout().is_terminal();
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = told.or_else(measured).unwrap_or(WIDTH).clamp(40, 1000);
    let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Terminal { width, colour: is_terminal && !no_colour }
}

/// Prints on standard output. Whoever reads it may stop reading.
pub(in crate::commands) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Which target the lines below are about.
pub(super) fn heading(picture: &TargetPicture) -> String {
    sheet::heading(&printable(&picture.title()), terminal())
}

/// What could not be read of a target, line by line.
pub(super) fn troubles(picture: &TargetPicture) -> String {
    let line = |trouble: &crate::model::observation::CollectError| {
        format!("not read ({}): {}\n", trouble.class, printable(&trouble.message))
    };
    picture.troubles.iter().map(line).collect()
}
