//! What the tools print, and where.

use crate::model::observation::CollectError;
use crate::picture::{Header, TargetPicture};
use crate::report::human;
use crate::report::sheet::{self, Terminal};
use crate::whole;
use anyhow::{Context, Result};
use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

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
    // A terminal that does not know its width calls it 0.
    let known = |width: &usize| *width > 0;
    let width = told.filter(known).or_else(|| measured().filter(known)).unwrap_or(unwrapped).min(WHOLE);
    let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Terminal { width, colour: is_terminal && !no_colour }
}

/// Prints on standard output.
pub(in crate::commands) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    unless_closed(printed.map_err(Into::into))
}

/// Whoever reads a pipe may stop reading: that is no error of who writes it.
pub(in crate::commands) fn unless_closed(written: Result<()>) -> Result<()> {
    let is_closed = |error: &anyhow::Error| {
        let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
        causes.any(|cause| cause.kind() == ErrorKind::BrokenPipe)
    };
    if written.as_ref().is_err_and(is_closed) { Ok(()) } else { written }
}

/// Writes into the file that a flag names; without one, on standard output.
pub(super) fn write(path: Option<&Path>, text: &str) -> Result<()> {
    let Some(path) = path else { return print(text) };
    match stream(path)? {
        Some(mut stream) => {
            let written = stream.write_all(text.as_bytes());
            unless_closed(written.with_context(|| format!("{}: cannot be written", path.display())))
        }
        None => replace(path, text),
    }
}

/// What a path leads to that is written to as it is and never replaced: standard output, which `-` means too, another
/// open file of this process, a pipe or a device. `None`: a file of its own.
pub(super) fn stream(path: &Path) -> Result<Option<File>> {
    let cannot = || format!("{}: cannot be written", path.display());
    if ["-", "/dev/stdout"].iter().any(|name| path == Path::new(name)) {
        return Ok(Some(File::from(io::stdout().as_fd().try_clone_to_owned().with_context(cannot)?)));
    }
    // Behind these stands what may be a regular file, with others' words in it.
    let is_open = ["/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|open| path.starts_with(open));
    if is_open || fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Ok(Some(File::options().append(true).open(path).with_context(cannot)?));
    }
    Ok(None)
}

/// Replaces what is in a file, as a whole. A file that says the same already is not touched.
#[expect(clippy::disallowed_methods, reason = "a tool's own file")]
fn replace(path: &Path, text: &str) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let replaced = whole::replace(path, None, |file| Ok(file.write_all(text.as_bytes())?));
    replaced.with_context(|| format!("{}: cannot be written", path.display()))
}

/// Which target the lines below are about.
pub(super) fn heading(picture: &TargetPicture) -> String {
    sheet::heading(&picture.title(), terminal())
}

/// What could not be read of a target, line by line.
pub(super) fn troubles(picture: &TargetPicture) -> String {
    let width = terminal().width;
    let line = |trouble: &CollectError| {
        sheet::wrapped(&format!("not read ({}): {}", trouble.class, trouble.message), width, 0)
    };
    picture.troubles.iter().map(line).collect()
}

/// What was read of usage. Where it was not, nobody can say that a name is nothing's.
#[derive(Default)]
pub(super) struct Looked {
    /// Of the target with the most.
    minutes: usize,
    unread: Vec<String>,
}

impl Looked {
    pub(super) fn at(&mut self, picture: &TargetPicture) {
        match &picture.usage {
            Some(usage) => self.minutes = self.minutes.max(usage.len()),
            None => {
                let why = picture.troubles.first().map(|trouble| format!(": {}", trouble.message));
                self.unread.push(format!("{}{}", picture.title(), why.unwrap_or_default()));
            }
        }
    }

    /// That nothing of a kind was found, and where it was looked for.
    pub(super) fn nothing(&self, what: &str, header: &Header) -> String {
        if !self.unread.is_empty() {
            return format!("{what}; usage was not read of {}", self.unread.join("; "));
        }
        let (span, taken) = (human::duration(60 * self.minutes as u64), human::minute(header.taken));
        format!("{what} ({span} until {taken}; CloudWatch lists an id for two weeks after its last call)")
    }
}
