//! The long-running process: one writer that collects and publishes, one renderer, one server.

pub(crate) mod fleet;
mod renderer;
mod writer;

use crate::server::{self, Page, Published, ReloadRequest};
use crate::telemetry::Telemetry;
use anyhow::{Context, Result, bail};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
pub use writer::Source;

/// How long open connections may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// Runs until `shutdown` resolves (then Ok) or a part of the daemon ends (then an error naming it).
/// A panic in any part is resumed here, so that no half-dead process serves old data.
pub async fn run(
    source: Source,
    web: server::Web,
    telemetry: Telemetry,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let export = Arc::new(source.plan.export.clone());
    let first = Published { snapshot: Arc::default(), export, explored: false };
    let (publish, published) = watch::channel(first);
    let (render, rendered) = watch::channel(Page::default());
    let (stop, stopping) = watch::channel(false);
    let (reload, reloads) = mpsc::channel(1);
    let site = server::Site {
        web,
        telemetry: telemetry.clone(),
        published: published.clone(),
        rendered,
        reload: reload.clone(),
    };
    tracing::info!(address = %listener.local_addr()?, "listening");
    let mut parts = JoinSet::new();
    parts.spawn(async move { ("server", server::serve(listener, site, stopping).await) });
    let own = telemetry.clone();
    parts.spawn(async move { ("writer", writer::run(source, own, publish, reloads).await) });
    parts.spawn(async move { ("renderer", renderer::run(published, telemetry, render).await) });
    parts.spawn(async move { ("signal handler", hangups(reload).await) });
    let ended = tokio::select! {
        () = shutdown => None,
        ended = parts.join_next() => ended,
    };
    let Some(ended) = ended else {
        tracing::info!("stopping");
        stop.send_replace(true);
        // The server ends first, by itself; the others have nothing to finish.
        let _ = tokio::time::timeout(DRAIN, parts.join_next()).await;
        parts.shutdown().await;
        return Ok(());
    };
    fallen(ended)
}

/// What it means that a part of the daemon ended, though nothing asked it to.
fn fallen(part: std::result::Result<(&'static str, Result<()>), JoinError>) -> Result<()> {
    match part {
        Ok((name, Ok(()))) => bail!("the {name} ended, though nothing asked it to"),
        Ok((name, Err(error))) => Err(error.context(format!("the {name} ended"))),
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
        assert_eq!(format!("{failed:#}"), "the writer ended: no region");
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
