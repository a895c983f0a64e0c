//! The scene of an operation.

use crate::sim::faults::Kind;
use crate::sim::world::view::View;
use crate::sim::world::{Account, Region, World};

/// Where and when an operation happens, and what goes wrong in it.
pub struct Scene<'a> {
    pub world: &'a World,
    pub account: &'a Account,
    pub region: &'a Region,
    /// Simulated seconds since the epoch.
    pub now: i64,
    pub faults: &'a [Kind],
}

impl<'a> Scene<'a> {
    /// What its region shows.
    pub fn view(&self) -> View<'a> {
        View { world: self.world, account: self.account, region: self.region, now: self.now }
    }
}
