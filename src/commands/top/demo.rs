//! An exporter in this process, on the simulated AWS.

use crate::commands::setup::{bind, telemetry};
use crate::commands::simulated;
use crate::daemon::{self, Source};
use crate::server::Web;
use crate::server::guard::Guard;
use crate::server::listen::Listener;
use anyhow::Result;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where it answers; it ends with the process.
pub(super) async fn served(seed: u64) -> Result<String> {
    let plan = simulated::served(seed).await?;
    let again = plan.clone();
    let read: daemon::Read = Arc::new(move || Ok(again.clone()));
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let listeners = vec![Listener::Tcp(listener)];
    let web = Web {
        telemetry_path: "/metrics".to_string(),
        enable_lifecycle: false,
        enable_api: true,
        guard: Guard::default(),
    };
    let source = Source { plan, read, storage: None };
    tokio::spawn(daemon::run(source, web, telemetry("demo"), listeners, std::future::pending()));
    Ok(url)
}
