//! The file in which counters outlive the process: one JSON document, replaced as a whole.

use crate::clock::now;
use crate::model::counters::Counters;
use crate::readings::{PATIENCE, Readings};
use crate::server::Published;
use crate::telemetry::Telemetry;
use crate::whole::{self, OWNER};
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What the file says it is.
const NAME: &str = "counters of bedrock-quota-exporter";
/// Raised whenever a reader of the old one would misread the new one.
const VERSION: u64 = 1;
/// Between two writings: many targets end their rounds at any time. What is lost by a crash is no count, since the
/// next process reads back the minutes, only a little of their reading.
const PAUSE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Header {
    file: String,
    version: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    file: &'static str,
    version: u64,
    #[serde(flatten)]
    counters: &'a Counters,
}

/// The file that `--storage.path` names; no other process has it as long as this value lives.
pub struct Storage {
    path: PathBuf,
    /// What the process before has left.
    pub(super) left: Arc<Counters>,
    /// Held while the file is written; whether the last time failed.
    failing: Mutex<bool>,
    _lock: File,
}

impl Storage {
    /// Takes the file, reads what is in it, and shows that it can be written. The error names the file, what was
    /// found and what was expected. May block.
    pub fn open(path: &Path) -> Result<Storage> {
        // Of links, what they lead to now: it is locked, and stays the file for as long as this process lives.
        let path =
            &whole::file(path).map_err(|found| anyhow!("--storage.path {}: {found}", path.display()))?;
        let lock = lock(path)?;
        let left = Arc::new(read(path)?);
        let storage = Storage { path: path.clone(), left, failing: Mutex::new(false), _lock: lock };
        storage.write(&storage.left)?;
        let targets = storage.left.targets.len();
        tracing::info!(path = %path.display(), targets, "counters go on from the file");
        Ok(storage)
    }

    /// Writes what `published` has counted, and says so when that fails for the first time, or works again.
    pub(super) fn keep(&self, published: &Published, telemetry: &Telemetry) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = &published.snapshot;
        let counters = snapshot.counters(&published.plan.settings).beside(&self.left, snapshot.at);
        let written = self.write(&counters);
        match (&written, *failing) {
            (Ok(()), true) => tracing::info!(path = %self.path.display(), "counters are kept again"),
            (Err(error), false) => {
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    "counters are not kept: a restart would lose what is counted from now on"
                );
            }
            _ => {}
        }
        if written.is_ok() {
            telemetry.stored(now());
        }
        *failing = written.is_err();
    }

    fn write(&self, counters: &Counters) -> Result<()> {
        let text = serde_json::to_vec(&Document { file: NAME, version: VERSION, counters })?;
        let written = whole::replace(&self.path, Some(OWNER), |file| Ok(file.write_all(&text)?));
        written.with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

/// The file that was told, taken and read off the runtime's threads.
pub async fn stored(path: Option<PathBuf>) -> Result<Option<Arc<Storage>>> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    let storage = Readings::new().read(PATIENCE, move || Storage::open(&path)).await;
    let storage = storage.map_err(|hanging| anyhow!("--storage.path {name}: {hanging}"))?;
    storage.map(Arc::new).map(Some)
}

/// Keeps what is published until nothing is any more.
pub(super) async fn run(
    mut published: watch::Receiver<Published>,
    storage: Arc<Storage>,
    telemetry: Telemetry,
) -> Result<()> {
    while published.changed().await.is_ok() {
        let shown = published.borrow_and_update().clone();
        keep(storage.clone(), shown, telemetry.clone()).await;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Keeps it once, off the runtime's threads.
pub(super) async fn keep(storage: Arc<Storage>, published: Published, telemetry: Telemetry) {
    let work = tokio::task::spawn_blocking(move || storage.keep(&published, &telemetry));
    work.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
}

/// The name beside the file's own.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A lock of its own file, since the counters' file is another one after each writing.
fn lock(path: &Path) -> Result<File> {
    let name = path.display();
    let lock = beside(path, ".lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER).open(&lock);
    let file = open.with_context(|| {
        format!("--storage.path {name}: expected a folder that the exporter may write to; {}", lock.display())
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "--storage.path {name}: another exporter keeps its counters there; expected a file of its own for each"
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("--storage.path {name}: {} cannot be locked", lock.display()))
        }
    }
}

/// What the file holds; nothing where there is none yet.
#[expect(clippy::disallowed_methods, reason = "the one file that the exporter keeps")]
fn read(path: &Path) -> Result<Counters> {
    let name = path.display();
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Counters::default()),
        read => read.with_context(|| format!("--storage.path {name}: cannot be read"))?,
    };
    parse(&text).map_err(|found| {
        anyhow!(
            "--storage.path {name}: {found}; expected the counters that an exporter has written. Without the file \
             all counters start anew"
        )
    })
}

/// The counters in the text of such a file, or what was found in their place.
pub fn parse(text: &str) -> Result<Counters, String> {
    let damaged = |error: serde_json::Error| format!("damaged: {error}");
    let header: Header = serde_json::from_str(text).map_err(damaged)?;
    if header.file != NAME {
        return Err(format!("the file is {:?}", header.file));
    }
    if header.version != VERSION {
        return Err(format!("its version is {}, that of this exporter {VERSION}", header.version));
    }
    let counters: Counters = serde_json::from_str(text).map_err(damaged)?;
    match counters.complaint() {
        Some(complaint) => Err(format!("damaged: {complaint}")),
        None => Ok(counters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_of_counters_is_told_from_a_damaged_one_and_a_newer_one() {
        let id = |more: &str| {
            format!(
                "{{\"file\":\"{NAME}\",\"version\":1,\"targets\":[{{\"account_id\":\"1\",\"region\":\"r\",\
                 \"counted_from\":0,\"discovered\":null,\"ids\":[{{\"id\":\"a\",\"from\":0,{more}}}]}}]}}"
            )
        };
        let counter = "{\"before\":-1.0,\"total\":3.0,\"born\":0}";
        let table = [
            (String::new(), "damaged: EOF while parsing a value at line 1 column 0"),
            ("{\"file\":\"counters of bed".into(), "damaged: EOF while parsing a string at line 1 column 24"),
            ("{\"file\":\"a\",\"version\":1}".into(), "the file is \"a\""),
            (format!("{{\"file\":\"{NAME}\",\"version\":2}}"), "its version is 2, that of this exporter 1"),
            (
                id("\"endpoint\":\"x\",\"metrics\":{},\"charge\":null"),
                "damaged: 1/r, a: endpoint is \"x\", expected runtime or mantle",
            ),
            (
                id(
                    "\"endpoint\":\"runtime\",\"metrics\":{\"latency_p50\":{\"before\":0,\"total\":0,\"born\":0}},\"charge\":null",
                ),
                "damaged: 1/r, a: \"latency_p50\" is no metric that is counted",
            ),
            (
                id(&format!(
                    "\"endpoint\":\"runtime\",\"metrics\":{{\"invocations\":{counter}}},\"charge\":null"
                )),
                "damaged: 1/r, a: a counter is -1, expected at least 0",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(parse(&text).unwrap_err(), expected, "{text}");
        }
        let whole = id("\"endpoint\":\"runtime\",\"metrics\":{},\"charge\":null");
        assert_eq!(parse(&whole).unwrap().targets.len(), 1);
    }
}
