//! The files that hold a configuration.

use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Larger than any config somebody wrote: refuses being pointed at something else.
const MAX_BYTES: u64 = 1 << 20;
/// The same for files of others: the AWS CLI's has a profile for each account and role of an organization, a few MiB.
const LARGEST: u64 = 16 << 20;

/// The text of what is a file: what is read again is none that is empty after the first time, and no reading may wait
/// for somebody who writes.
pub(crate) fn read_again(path: &Path) -> Result<String, String> {
    expect_file(path)?;
    read(path)
}

/// What a file of AWS's tools holds, or of the operating system's.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    expect_file(path)?;
    bytes(path, LARGEST)?.ok_or_else(|| "larger than 16 MiB, which no such file is".into())
}

/// Refuses what is no file, without opening it: a pipe, a device. The device without content is an empty file.
fn expect_file(path: &Path) -> Result<(), String> {
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
pub(crate) fn read(path: &Path) -> Result<String, String> {
    text(bytes(path, MAX_BYTES)?.ok_or("larger than 1 MiB, which no config is")?)
}

/// `None`: there are more than so many.
#[expect(clippy::disallowed_methods, reason = "the one reader of configs")]
fn bytes(path: &Path, most: u64) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

/// Bytes as text, or where they are none.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, String> {
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
