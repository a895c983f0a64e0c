//! The files that hold a configuration.

use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Larger than any config somebody wrote: refuses being pointed at something else.
const MAX_BYTES: u64 = 1 << 20;

/// The text of what is a file: what is read again is none that is empty after the first time, and no reading may wait
/// for somebody who writes.
pub(crate) fn read_again(path: &Path) -> Result<String, String> {
    expect_file(path)?;
    read(path)
}

/// Refuses what is no file, without opening it: a pipe, a device. The device without content is an empty file.
pub(crate) fn expect_file(path: &Path) -> Result<(), String> {
    let kind = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.file_type();
    if kind.is_file() || path == Path::new("/dev/null") {
        return Ok(());
    }
    let found = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(format!("found {found}, expected a file, which can be read again"))
}

/// The text of a file that is no larger than a config.
#[expect(clippy::disallowed_methods, reason = "the one reader of configs")]
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("larger than 1 MiB, which no config is".into());
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// What is said of bytes that are text up to that one.
fn not_utf8(bytes: &[u8], valid: usize) -> String {
    let found = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16".to_string(),
        _ => {
            let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
            format!("the byte 0x{:02x} in line {line}, which is not UTF-8", bytes[valid])
        }
    };
    format!("found {found}, expected UTF-8 text")
}
