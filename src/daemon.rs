//! The long-running process: one writer that collects and publishes, one renderer, one server.

pub(crate) mod fleet;
mod reloads;
mod renderer;
mod storage;
mod systemd;
mod troubles;
mod writer;

use crate::server::listen::Listener;
use crate::server::{self, Page, Published, ReloadRequest};
use crate::telemetry::Telemetry;
use anyhow::{Context, Result, anyhow, bail};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

pub use reloads::{Read, read};
pub use storage::{Storage, parse as parse_counters, stored};
pub use writer::Source;

/// How long open connections may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// How long the counters may take to be kept a last time.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Reloads that wait for one that is under way; all of them are answered by the next.
const RELOADS: usize = 64;

/// Runs until `shutdown` resolves (then Ok) or a part of the daemon ends (then an error naming it).
/// A panic in any part is resumed here, so that no half-dead process serves old data.
pub async fn run(
    source: Source,
    web: server::Web,
    telemetry: Telemetry,
    listeners: Vec<Listener>,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let export = Arc::new(source.plan.export.clone());
    let plan = Arc::new(source.plan.clone());
    let (snapshot, awaited, config) = (Arc::default(), Arc::default(), Arc::from(""));
    let first = Published { serial: 0, snapshot, plan, export, explored: false, awaited, config };
    let (publish, published) = watch::channel(first);
    let (render, rendered) = watch::channel(Page::default());
    let (stop, stopping) = watch::channel(false);
    let (turn, turned) = watch::channel(Instant::now());
    let (reload, requests) = mpsc::channel(RELOADS);
    let (hand_over, readings) = mpsc::channel(1);
    let site = server::Site {
        web,
        telemetry: telemetry.clone(),
        published: published.clone(),
        rendered,
        turned,
        reload: reload.clone(),
    };
    for listener in &listeners {
        tracing::info!(address = %listener, "listening");
    }
    systemd::ready();
    let files = open_files();
    let mut parts = JoinSet::new();
    parts.spawn(async move { ("server", server::serve(listeners, site, files, stopping).await) });
    let own = telemetry.clone();
    let read = source.read.clone();
    let (kept, last) = (source.storage.clone(), published.clone());
    if let Some(storage) = source.storage.clone() {
        let (published, telemetry) = (published.clone(), telemetry.clone());
        parts.spawn(
            async move { ("keeper of the counters", storage::run(published, storage, telemetry).await) },
        );
    }
    parts.spawn(async move { ("writer", writer::run(source, own, publish, readings, turn).await) });
    parts.spawn(async move { ("reader of the config", reloads::run(read, requests, hand_over).await) });
    let shown = telemetry.clone();
    parts.spawn(async move { ("renderer", renderer::run(published, shown, render).await) });
    parts.spawn(async move { ("signal handler", hangups(reload).await) });
    let ended = tokio::select! {
        () = shutdown => None,
        ended = parts.join_next() => ended,
    };
    let Some(ended) = ended else {
        tracing::info!("stopping");
        systemd::stopping();
        stop.send_replace(true);
        // The server ends first, by itself; the others have nothing to finish.
        let _ = tokio::time::timeout(DRAIN, parts.join_next()).await;
        // A part that is held in a call of the operating system does not hold up the end.
        let _ = tokio::time::timeout(LAST_WRITE, parts.shutdown()).await;
        if let Some(storage) = kept {
            let published = last.borrow().clone();
            let _ = tokio::time::timeout(LAST_WRITE, storage::keep(storage, published, telemetry)).await;
        }
        return Ok(());
    };
    fallen(ended)
}

/// Raises the number of files that the process may have open as far as it may: connections are files, and the usual
/// soft limit of 1,024 is there for programs of the last century.
fn open_files() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1024, |(soft, _)| soft)
    })
}

/// What it means that a part of the daemon ended, though nothing asked it to.
fn fallen(part: std::result::Result<(&'static str, Result<()>), JoinError>) -> Result<()> {
    match part {
        Ok((name, Ok(()))) => bail!("the {name} ended, though nothing asked it to"),
        Ok((name, Err(error))) => Err(anyhow!("{error:#} (the {name} ended)")),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Each SIGHUP asks for a reload; how it went is logged by the writer.
async fn hangups(reload: mpsc::Sender<ReloadRequest>) -> Result<()> {
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    while hangups.recv().await.is_some() {
        let (request, answer) = oneshot::channel();
        if reload.send(request).await.is_ok() {
            let _ = answer.await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the daemon ends when one of its parts does.
    async fn end(part: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        let mut parts = JoinSet::new();
        parts.spawn(async move { ("writer", part.await) });
        fallen(parts.join_next().await.unwrap())
    }

    #[tokio::test]
    async fn a_part_that_ends_is_named() {
        let failed = end(async { bail!("no region") }).await.unwrap_err();
        assert_eq!(format!("{failed:#}"), "no region (the writer ended)");
        let ended = end(async { Ok(()) }).await.unwrap_err();
        assert_eq!(ended.to_string(), "the writer ended, though nothing asked it to");
    }

    #[tokio::test]
    #[should_panic(expected = "a bug in a collector")]
    async fn a_panic_in_a_part_is_the_process_panic() {
        let mut collectors = JoinSet::new();
        collectors.spawn(async { panic!("a bug in a collector") });
        let _ = end(async move {
            let ended = collectors.join_next().await.unwrap();
            std::panic::resume_unwind(ended.unwrap_err().into_panic())
        })
        .await;
    }
}
