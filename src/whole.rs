//! Files that are replaced as a whole: who reads one finds the old text or the new one, never a part.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

/// Permissions of what names accounts and what they use: whoever made it tells who may see it.
pub(crate) const OWNER: u32 = 0o600;
/// More links after one another are a circle, as the system itself counts.
const MOST_LINKS: usize = 40;

/// The file that a path means, which may not be there yet: replacing a link would leave what it leads to as it was. What
/// is there and no file of its own, a pipe or a device, is refused before anything is opened or made beside it.
pub(crate) fn file(path: &Path) -> Result<PathBuf> {
    let mut file = path.to_path_buf();
    let mut links = 0;
    while let Ok(next) = fs::read_link(&file) {
        links += 1;
        ensure!(links <= MOST_LINKS, "found links in a circle, expected a file");
        file = file.parent().unwrap_or(Path::new("")).join(next);
    }
    match fs::metadata(&file).map(|there| there.file_type()) {
        Ok(there) if there.is_dir() => bail!("is a folder, expected the name of a file in it"),
        Ok(there) if !there.is_file() => bail!("found a pipe or a device, expected a file"),
        _ => Ok(file),
    }
}

/// Replaces the file that a path means, or makes it. `mode`: its permissions; without one those that it has.
pub(crate) fn replace<T>(
    path: &Path,
    mode: Option<u32>,
    write: impl FnOnce(&mut File) -> Result<T>,
) -> Result<T> {
    let path = file(path)?;
    let next = beside(&path)?;
    // What a process of the same number has left, or somebody has laid there, is not written into.
    let _ = fs::remove_file(&next);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode.unwrap_or(0o666));
    let open = options.open(&next).with_context(|| format!("{}, to be renamed to it", next.display()));
    let written = open.and_then(|mut file| {
        if let (None, Ok(there)) = (mode, fs::metadata(&path)) {
            file.set_permissions(there.permissions())?;
        }
        let result = write(&mut file)?;
        file.sync_all()?;
        fs::rename(&next, &path)?;
        Ok(result)
    });
    if written.is_err() {
        // What is left of it is nobody's.
        let _ = fs::remove_file(&next);
    }
    written
}

/// In the same folder, since a file cannot be renamed to another file system; of this process alone.
fn beside(path: &Path) -> Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().context("expected the name of a file")?);
    name.push(format!(".{}", process::id()));
    Ok(path.with_file_name(name))
}
