//! The long-running process: one writer that collects and publishes, one renderer, one server.

pub(crate) mod fleet;
mod writer;

use crate::exposition::{self, Export, Rendered};
use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::server;
use crate::telemetry::Telemetry;
use anyhow::{Context, Result, bail};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};

/// How long a published snapshot waits for its neighbours before it is rendered: targets finish one
/// after another, and a rendering serves all that finished.
const COALESCE: Duration = Duration::from_secs(2);
/// Large fleets render for longer: the renderer rests so many times as long as it worked, and so never
/// takes more than half of one core.
const IDLE: u32 = 1;
/// How long open connections may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// What is to be watched, and how to learn it anew.
pub struct Source {
    pub plan: Plan,
    /// Reads the config again; the error is every complaint.
    pub reload: Box<dyn Fn() -> std::result::Result<Plan, String> + Send>,
}

/// What a scrape is sent.
#[derive(Clone, Default)]
pub(crate) struct Page {
    /// `None` before the first rendering.
    pub(crate) rendered: Option<Arc<Rendered>>,
    /// Whether every collector of every target had been tried when it was rendered, or before.
    pub(crate) complete: bool,
}

/// Somebody who wants a reload, waiting to hear how it went.
pub(crate) type ReloadRequest = oneshot::Sender<std::result::Result<(), String>>;

/// What a scrape shows belongs together: no scrape mixes two configs.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) export: Arc<Export>,
    /// Whether all lists of what there is to watch have been asked for.
    pub(crate) explored: bool,
}

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
    parts.spawn(async move { ("renderer", renderer(published, telemetry, render).await) });
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

/// Renders every published snapshot once, off the runtime's threads and off the scrape's path.
async fn renderer(
    mut published: watch::Receiver<Published>,
    telemetry: Telemetry,
    rendered: watch::Sender<Page>,
) -> Result<()> {
    while published.changed().await.is_ok() {
        let shown = published.borrow_and_update().clone();
        let (now, stopwatch) = (shown.clone(), Instant::now());
        let work = tokio::task::spawn_blocking(move || exposition::compress(&now.snapshot, &now.export));
        let done = work.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        // Under the lock of the page, which the server holds while it puts the two together.
        rendered.send_modify(|page| {
            tell_plan(&telemetry, &shown.snapshot, &shown.export);
            telemetry.set_series(done.series);
            // What is new since does not make what is old unready.
            let complete = page.complete || shown.explored && server::first_round_done(&shown.snapshot);
            *page = Page { rendered: Some(Arc::new(done)), complete };
        });
        tokio::time::sleep(COALESCE.max(stopwatch.elapsed() * IDLE)).await;
    }
    Ok(())
}

/// What the plan says of itself in /metrics.
fn tell_plan(telemetry: &Telemetry, snapshot: &Snapshot, export: &Export) {
    telemetry.set_targets(snapshot.targets.len());
    for (collector, seconds) in &export.intervals {
        telemetry.set_interval(*collector, *seconds as f64);
    }
    telemetry.set_budget(export.budget);
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

/// The wall clock, read here and nowhere else.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_secs() as i64)
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
