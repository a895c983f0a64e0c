//! The files of a web configuration.

use crate::config;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// A file that is read whenever somebody connects is none that is empty after the first time.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let kind = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.file_type();
    if kind.is_fifo() || kind.is_socket() {
        return Err("found a pipe or a socket, expected a file, which can be read again".into());
    }
    config::read(path)
}
