//! The handle on a simulated AWS: its world, and the desk that keeps its clock, faults and counts.

use super::call::{ApiCall, Count};
use super::desk::{Answering, Clock, Desk, Verdict};
use super::faults::Fault;
use super::policy::Allowed;
use super::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// A simulated AWS that can be served and, meanwhile, told what time it is and what goes wrong.
#[derive(Clone)]
pub struct Sim {
    world: watch::Sender<Arc<World>>,
    desk: Desk,
    closing: watch::Sender<bool>,
}

impl Sim {
    /// Its clock shows real time, nothing is wrong. Needs a tokio runtime.
    pub fn new(world: World) -> Sim {
        let desk = Desk::open(world.rates);
        let world = watch::Sender::new(Arc::new(world));
        Sim { world, desk, closing: watch::Sender::new(false) }
    }

    /// The world as it is now.
    pub fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    /// Changes the world. Requests under way still see it as it was.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        self.world.send_modify(|world| change(Arc::make_mut(world)));
    }

    pub async fn clock(&self) -> Clock {
        self.desk.ask(|books| books.clock).await
    }

    pub async fn set_clock(&self, clock: Clock) {
        self.desk.ask(move |books| books.clock = clock).await;
    }

    /// How the models of the runtime answer from now on.
    pub async fn set_answering(&self, answering: Answering) {
        self.desk.ask(move |books| books.answering = answering).await;
    }

    pub async fn faults(&self) -> Vec<Fault> {
        self.desk.ask(|books| books.faults.clone()).await
    }

    /// Replaces all faults.
    pub async fn set_faults(&self, faults: Vec<Fault>) {
        self.desk.ask(move |books| books.faults = faults).await;
    }

    /// What callers may ask from now on; `None`: everything.
    pub async fn set_allowed(&self, allowed: Option<Allowed>) {
        self.desk.ask(move |books| books.allowed = allowed).await;
    }

    /// The requests so far.
    pub async fn calls(&self) -> BTreeMap<ApiCall, Count> {
        self.desk.ask(|books| books.calls.clone()).await
    }

    pub async fn forget_calls(&self) {
        self.desk.ask(|books| books.calls.clear()).await;
    }

    /// Counts a request that asks for so many billable metrics, and says what becomes of it.
    pub(super) async fn admit(&self, call: ApiCall, metrics: u64) -> Verdict {
        self.desk.ask(move |books| books.admit(call, metrics)).await
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Ends all answers that would never end by themselves.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Waits for the end of serving.
    pub(super) async fn closed(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
