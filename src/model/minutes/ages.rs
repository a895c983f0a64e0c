//! The points in time that decide what a reading's minutes are worth.

use crate::model::settings::Settings;
use crate::model::time::{Minute, Timestamp};

/// One round of reading, as the minutes it brought see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// When it was read.
    pub at: Timestamp,
    /// The first minute too young to be used.
    pub closed: Minute,
    /// The first minute that may still grow.
    pub settled: Minute,
    /// The first minute that counters count: earlier ones may have been counted before a restart.
    pub counted_from: Minute,
    /// How many minutes are kept.
    pub keep: i64,
    /// After how many minutes without a datapoint an id is idle.
    pub idle: i64,
}

impl Ages {
    pub fn new(settings: &Settings, at: Timestamp, since: Timestamp) -> Ages {
        Ages {
            at,
            closed: settings.closed(at),
            settled: settings.settled(at),
            counted_from: settings.closed(since),
            keep: settings.kept_minutes(),
            idle: settings.idle_minutes(),
        }
    }
}
