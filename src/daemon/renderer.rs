//! The renderer makes a page of every published snapshot, once, off the runtime's threads and off the scrape's
//! path.

use crate::clock::Stopwatch;
use crate::exposition;
use crate::server::{Page, Published};
use crate::telemetry::Telemetry;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a published snapshot waits for its neighbours before it is rendered: targets finish one
/// after another, and a rendering serves all that finished.
const COALESCE: Duration = Duration::from_secs(2);

pub(super) async fn run(
    mut published: watch::Receiver<Published>,
    telemetry: Telemetry,
    rendered: watch::Sender<Page>,
) -> Result<()> {
    while published.changed().await.is_ok() {
        let shown = published.borrow_and_update().clone();
        let (drawn, stopwatch) = (shown.clone(), Stopwatch::start());
        let work = tokio::task::spawn_blocking(move || exposition::compress(&drawn.snapshot, &drawn.export));
        let done = work.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // The page before it is whole, and the next is made anew.
                tracing::error!(%error, "a page came out broken and is not served");
                continue;
            }
        };
        // Under the lock of the page, which the server holds while it puts the two together.
        rendered.send_modify(|page| {
            telemetry.planned(&shown.plan.settings, shown.snapshot.targets.len());
            telemetry.set_series(done.series);
            // What is new since does not make what is old unready.
            let ready = page.ready || is_ready(&shown);
            *page = Page { rendered: Some(Arc::new(done)), ready };
        });
        // Large fleets render for longer: the renderer rests as long as it worked, and so never takes more
        // than half of one core.
        tokio::time::sleep(COALESCE.max(stopwatch.elapsed())).await;
    }
    Ok(())
}

/// Whether everything was tried, and something of every account could be read: a rolling update with a role that
/// cannot be assumed must not complete.
fn is_ready(shown: &Published) -> bool {
    shown.explored && shown.snapshot.first_round_done() && shown.snapshot.unread(&shown.awaited).is_empty()
}
