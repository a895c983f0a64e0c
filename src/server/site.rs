//! What is served: what the writer published last, and the flags that say how.

use super::guard::Guard;
use crate::exposition::{Export, Rendered};
use crate::model::awaited::Awaited;
use crate::model::snapshot::Snapshot;
use crate::plan::Plan;
use crate::telemetry::Telemetry;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// What the web flags say.
#[derive(Clone, Debug)]
pub struct Web {
    pub telemetry_path: String,
    /// Whether POST /-/reload is served.
    pub enable_lifecycle: bool,
    /// Whether /api/v1 is served.
    pub enable_api: bool,
    /// The web configuration.
    pub guard: Guard,
}

/// What a scrape is sent.
#[derive(Clone, Default)]
pub(crate) struct Page {
    /// `None` before the first rendering.
    pub(crate) rendered: Option<Arc<Rendered>>,
    /// Whether every collector of every target had been tried when it was rendered, or before, and something
    /// could be read of whatever must be readable.
    pub(crate) ready: bool,
}

/// Somebody who wants a reload, waiting to hear how it went.
pub(crate) type ReloadRequest = oneshot::Sender<std::result::Result<(), String>>;

/// What a scrape shows belongs together: no scrape mixes two configs.
#[derive(Clone)]
pub(crate) struct Published {
    /// Differs from that of whatever was published before.
    pub(crate) serial: u64,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) plan: Arc<Plan>,
    /// The plan's, with the names of accounts that only AWS could tell.
    pub(crate) export: Arc<Export>,
    /// Whether all lists of what there is to watch have been asked for.
    pub(crate) explored: bool,
    /// Of each of them something must have been read before the exporter is ready.
    pub(crate) awaited: Arc<Vec<Awaited>>,
    /// The configuration that is in force, as GET /-/config shows it.
    pub(crate) config: Arc<str>,
}

/// What the handlers read.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) web: Web,
    pub(crate) telemetry: Telemetry,
    pub(crate) published: watch::Receiver<Published>,
    pub(crate) rendered: watch::Receiver<Page>,
    /// When the writer last turned.
    pub(crate) turned: watch::Receiver<Instant>,
    pub(crate) reload: mpsc::Sender<ReloadRequest>,
}

impl Site {
    /// One whose snapshot never changes, with everything that may be served.
    pub(super) fn still(snapshot: Snapshot, plan: Plan, telemetry: Telemetry) -> Site {
        let export = Arc::new(plan.export.clone());
        let (snapshot, plan, awaited, config) =
            (Arc::new(snapshot), Arc::new(plan), Arc::default(), "regions: []\n".into());
        let published = Published { serial: 0, snapshot, plan, export, explored: true, awaited, config };
        let (telemetry_path, guard) = ("/metrics".to_string(), Guard::default());
        Site {
            web: Web { telemetry_path, enable_lifecycle: true, enable_api: true, guard },
            telemetry,
            published: watch::channel(published).1,
            rendered: watch::channel(Page::default()).1,
            turned: watch::channel(Instant::now()).1,
            reload: mpsc::channel(1).0,
        }
    }
}
