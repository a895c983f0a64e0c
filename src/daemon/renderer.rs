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

/// The renderer rests so many times as long as it worked, and so takes a twentieth of one core: targets finish one
/// after another, and a rendering serves all that finished meanwhile.
const REST: u32 = 19;
/// Until everything was read once it takes half a core: whoever starts an exporter waits for its page.
const REST_AT_START: u32 = 1;
/// No page is rendered sooner after another, and none stays the newest for longer while there is news: what a fleet of
/// thousands would otherwise wait is more than a round.
const LEAST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(10);

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
        // What it shows is replaced target by target meanwhile: it would be kept twice.
        drop(shown);
        let ready = rendered.borrow().ready;
        tokio::time::sleep(rest(stopwatch.elapsed(), ready)).await;
    }
    Ok(())
}

/// How long it rests after a rendering.
fn rest(worked: Duration, ready: bool) -> Duration {
    let times = if ready { REST } else { REST_AT_START };
    (worked * times).clamp(LEAST_REST, LONGEST_REST)
}

/// Whether everything was tried, and something of every account could be read: a rolling update with a role that
/// cannot be assumed must not complete.
fn is_ready(shown: &Published) -> bool {
    shown.explored && shown.snapshot.first_round_done() && shown.snapshot.unread(&shown.awaited).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Target;
    use crate::model::snapshot::Snapshot;
    use crate::model::time::Timestamp;
    use crate::telemetry::Build;
    use crate::{config, plan};

    #[tokio::test]
    async fn what_a_page_shows_is_let_go_while_the_renderer_rests() {
        let plan = plan::plan(&config::parse("test", "regions: [us-east-1]")).unwrap();
        let published = |snapshot: Snapshot| Published {
            serial: 0,
            snapshot: Arc::new(snapshot),
            export: Arc::new(plan.export.clone()),
            plan: Arc::new(plan.clone()),
            explored: true,
            awaited: Arc::default(),
            config: Arc::from(""),
        };
        let (publish, shown) = watch::channel(published(Snapshot::default()));
        let (render, mut rendered) = watch::channel(Page::default());
        let build = Build { version: "test", revision: "", mode: "test" };
        let renderer = tokio::spawn(run(shown, Telemetry::new(build, Timestamp(0)), render));
        let target = Target::new("000000000001", "us-east-1");
        let snapshot = Snapshot::new([target.clone()], Timestamp(0));
        let state = Arc::downgrade(&snapshot.targets[&target]);
        publish.send_replace(published(snapshot));
        rendered.changed().await.unwrap();
        publish.send_replace(published(Snapshot::default()));
        assert!(state.upgrade().is_none(), "an older state of every target is kept beside the newest");
        renderer.abort();
    }

    #[test]
    fn a_page_comes_at_once_to_whoever_starts_and_costs_a_twentieth_of_a_core_later() {
        let millis = Duration::from_millis;
        assert_eq!(rest(millis(1), false), LEAST_REST);
        assert_eq!(rest(millis(200), false), millis(200));
        assert_eq!(rest(millis(200), true), millis(3_800));
        assert_eq!(rest(millis(4_000), true), LONGEST_REST);
    }
}
