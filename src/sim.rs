//! A simulated AWS: a [`world`] behind a [`wire`].
//!
//! ```text
//! seed, moment ─▶ World { accounts, regions, quotas, traffic, catalog }         pure
//!                    ▲
//!  HTTP ─▶ wire ─▶ desk (clock, rates, faults, counts) ─▶ cloudwatch, service_quotas, bedrock, sts, organizations, account, oam
//!  HTTP ─▶ /_sim/ admin ─▶ desk
//! ```
//!
//! It is reached by its URL only and shares nothing with the exporter, so that a misunderstanding
//! between the two can show. It listens on loopback alone and owns the accounts 000000000000 and up.

pub mod account;
pub mod admin;
pub mod bedrock;
pub mod cbor;
pub mod cloudwatch;
pub mod demo;
pub mod desk;
pub mod faults;
pub mod line;
pub mod lists;
pub mod mishap;
pub mod names;
pub mod noise;
pub mod oam;
pub mod organizations;
pub mod pages;
pub mod series;
pub mod service_quotas;
pub mod sts;
pub mod traffic;
pub mod wire;
pub mod world;

use anyhow::{Context, Result, ensure};
use axum::Router;
use desk::{Call, Clock, Count, Desk, Verdict};
use faults::Fault;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use world::World;

/// A simulated AWS that can be served and, meanwhile, told what time it is and what goes wrong.
#[derive(Clone)]
pub struct Sim {
    world: Arc<World>,
    desk: Desk,
    closing: watch::Sender<bool>,
}

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
    /// Its clock shows real time, nothing is wrong. Needs a tokio runtime.
    pub fn new(world: World) -> Sim {
        let desk = Desk::open(world.rates);
        Sim { world: Arc::new(world), desk, closing: watch::Sender::new(false) }
    }

    /// Serves until `shutdown`; see [`serve`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let address = listener.local_addr().context("the simulated AWS has no address")?;
        ensure!(address.ip().is_loopback(), "the simulated AWS listens on loopback only, not on {address}");
        let closing = self.closing.clone();
        let app = Router::new().merge(admin::router()).fallback(wire::answer).with_state(self);
        let until = async move {
            shutdown.await;
            closing.send_replace(true);
        };
        let app = app.into_make_service_with_connect_info::<line::Reset>();
        axum::serve(line::Lines(listener), app)
            .with_graceful_shutdown(until)
            .await
            .context("serving the simulated AWS")
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    pub async fn clock(&self) -> Clock {
        self.desk.ask(|books| books.clock).await
    }

    pub async fn set_clock(&self, clock: Clock) {
        self.desk.ask(move |books| books.clock = clock).await;
    }

    pub async fn faults(&self) -> Vec<Fault> {
        self.desk.ask(|books| books.faults.clone()).await
    }

    /// Replaces all faults.
    pub async fn set_faults(&self, faults: Vec<Fault>) {
        self.desk.ask(move |books| books.faults = faults).await;
    }

    /// The requests so far.
    pub async fn calls(&self) -> BTreeMap<Call, Count> {
        self.desk.ask(|books| books.calls.clone()).await
    }

    pub async fn forget_calls(&self) {
        self.desk.ask(|books| books.calls.clear()).await;
    }

    /// Whose an access key is: the account it spells, else the first one.
    fn account_of(&self, access_key: &str) -> Option<String> {
        let spelled = sts::account_in(access_key).and_then(|id| self.world.account(id));
        spelled.or(self.world.accounts.first()).map(|a| a.id.clone())
    }

    async fn admit(&self, call: Call, metrics: u64) -> Verdict {
        self.desk.ask(move |books| books.admit(call, metrics)).await
    }

    /// Waits for the end of serving.
    async fn closed(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
