//! Reloads: the config is read off the runtime's threads, once at a time, however many ask for it.

use super::systemd;
use crate::plan::Plan;
use crate::server::ReloadRequest;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// A config is small and on this machine; what takes longer is a pipe that nobody writes to or a file system
/// that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the config; the error is every complaint.
pub type Read = Arc<dyn Fn() -> Result<Plan, String> + Send + Sync>;

/// What was read, and who waits to hear what became of it.
pub(super) struct Reading {
    pub(super) plan: Result<Plan, String>,
    pub(super) asked: Vec<ReloadRequest>,
}

/// Reads the config when asked. Requests that wait meanwhile are answered by one reading.
pub(super) async fn run(
    read: Read,
    mut requests: mpsc::Receiver<ReloadRequest>,
    readings: mpsc::Sender<Reading>,
) -> Result<()> {
    let mut reader = Reader { read, hanging: None };
    while let Some(first) = requests.recv().await {
        let mut asked = vec![first];
        while let Ok(another) = requests.try_recv() {
            asked.push(another);
        }
        systemd::reloading();
        let plan = reader.read().await;
        if readings.send(Reading { plan, asked }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The first reading.
pub async fn read(read: &Read) -> Result<Plan, String> {
    Reader { read: read.clone(), hanging: None }.read().await
}

struct Reader {
    read: Read,
    /// A reading that was given up but holds its thread. There is never a second one beside it, or reloads of a
    /// file that hangs would take all threads.
    hanging: Option<JoinHandle<Result<Plan, String>>>,
}

impl Reader {
    async fn read(&mut self) -> Result<Plan, String> {
        let deadline = Instant::now() + PATIENCE;
        if let Some(old) = &mut self.hanging {
            let ended = timeout_at(deadline, old).await;
            let _ = ended.map_err(|_| hangs())?;
            self.hanging = None;
        }
        let read = self.read.clone();
        let mut reading = tokio::task::spawn_blocking(move || read());
        match timeout_at(deadline, &mut reading).await {
            Ok(done) => done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
            Err(_) => {
                self.hanging = Some(reading);
                Err(hangs())
            }
        }
    }
}

fn hangs() -> String {
    format!(
        "the config cannot be read within {} s: expected a file, found a pipe that nobody writes to or a file system \
         that hangs",
        PATIENCE.as_secs()
    )
}
