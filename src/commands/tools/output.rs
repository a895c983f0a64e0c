//! What the tools print, and where.

use crate::picture::TargetPicture;
use crate::report::safe::printable;
use crate::report::sheet::{self, Terminal};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::{env, process};

/// A terminal that does not tell how wide it is.
const WIDTH: usize = 80;
/// No text is as long: whoever searches lines wants them whole, as git and ls have them in a pipe.
const WHOLE: usize = 65_535;

/// The terminal that standard output is. A pipe or a file has no colours, and lines that do not wrap unless COLUMNS
/// tells a width.
pub(in crate::commands) fn terminal() -> Terminal {
    let is_terminal = io::stdout().is_terminal();
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    let unwrapped = if is_terminal { WIDTH } else { WHOLE };
    let width = told.or_else(measured).unwrap_or(unwrapped).clamp(40, WHOLE);
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

/// Replaces what is in a file, as a whole: who reads it sees the old text or the new one. A file that says the same
/// already is not touched.
#[expect(clippy::disallowed_methods, reason = "a tool's own file")]
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    // A link stays, and what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = path.display();
    if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
        // A pipe or a device, such as /dev/stdout, is no file to be replaced.
        return fs::write(&path, text).with_context(|| format!("{name}: cannot be written"));
    }
    if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let file = path.file_name().with_context(|| format!("{name}: no name of a file"))?;
    let next = path.with_file_name(format!(".{}.{}", file.to_string_lossy(), process::id()));
    let written = File::create(&next).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        if let Ok(there) = fs::metadata(&path) {
            file.set_permissions(there.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&next, &path)
    });
    if written.is_err() {
        // What is left of it is nobody's.
        let _ = fs::remove_file(&next);
    }
    written.with_context(|| format!("{name}: cannot be written"))
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
