//! Values with their lines, and what is wrong with them.

use std::fmt;

/// A value and the line of its key, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    pub line: usize,
    pub value: T,
}

/// One thing that is wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// Counted from 1; 0 where it is about no line.
    pub line: usize,
    /// The full key; empty where it is about the file.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
}

impl Complaint {
    pub fn new(line: usize, key: String, message: String) -> Complaint {
        Complaint { line, key, message }
    }
}

/// Everything that is wrong with a config: `FILE:LINE: KEY: …`, one a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaints {
    pub file: String,
    /// By line.
    pub list: Vec<Complaint>,
}

/// As many complaints are told; more are counted. Nobody reads thousands, and a log line must not be megabytes.
pub(super) const TOLD: usize = 20;

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Complaint { line, key, message }) in self.list.iter().take(TOLD).enumerate() {
            let start = if i > 0 { "\n" } else { "" };
            let line = if *line > 0 { format!(":{line}") } else { String::new() };
            let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
            write!(f, "{start}{}{line}: {key}{message}", self.file)?;
        }
        match self.list.len().checked_sub(TOLD) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Complaints {}
