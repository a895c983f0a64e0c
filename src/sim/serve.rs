//! Serving a simulated AWS over HTTP.

use super::handle::Sim;
use super::wire::line::{Lines, Reset};
use super::world::World;
use super::{admin, wire};
use anyhow::{Context, Result, ensure};
use axum::Router;
use std::future::Future;
use tokio::net::TcpListener;

/// Serves a world until `shutdown`.
///
/// # Errors
/// If the listener is not on loopback, or cannot be served.
pub async fn serve(
    listener: TcpListener,
    world: World,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    Sim::new(world).serve(listener, shutdown).await
}

impl Sim {
    /// Serves until `shutdown`; see [`serve`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let address = listener.local_addr().context("the simulated AWS has no address")?;
        ensure!(address.ip().is_loopback(), "the simulated AWS listens on loopback only, not on {address}");
        let sim = self.clone();
        let until = async move {
            shutdown.await;
            sim.close();
        };
        let app = Router::new().merge(admin::router()).fallback(wire::answer).with_state(self);
        axum::serve(Lines(listener), app.into_make_service_with_connect_info::<Reset>())
            .with_graceful_shutdown(until)
            .await
            .context("serving the simulated AWS")
    }
}
