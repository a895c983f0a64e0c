//! The points in time that decide what a reading's minutes are worth.

use crate::model::settings::Settings;
use crate::model::time::{Minute, Timestamp};

/// How long a metric that had a datapoint in nearly every minute may lack one before that means 0, in minutes
/// beyond `settle`: most minutes are published within six.
const GRACE: i64 = 10;

/// The same where everything of a busy target fell silent in the same minute: then CloudWatch is late, not the
/// traffic gone.
const SILENCE: i64 = 60;

/// One round of reading, as the minutes it brought see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// When it was read.
    pub at: Timestamp,
    /// The first minute too young to be used.
    pub closed: Minute,
    /// The first minute that may still grow.
    pub settled: Minute,
    /// For how many settled minutes a steady metric without a datapoint is taken to be late, not silent.
    pub grace: i64,
    /// The first minute that counters count: earlier ones may have been counted before a restart.
    pub counted_from: Minute,
    /// How many minutes are kept.
    pub keep: i64,
    /// After how many minutes without a datapoint an id is idle.
    pub idle: i64,
}

impl Ages {
    pub(crate) fn new(settings: &Settings, at: Timestamp, counted_from: Minute) -> Ages {
        Ages {
            at,
            closed: settings.closed(at),
            settled: settings.settled(at),
            grace: GRACE,
            counted_from,
            keep: settings.kept_minutes(),
            idle: settings.idle_minutes(),
        }
    }

    /// The same while nothing at all is published.
    pub(crate) fn in_silence(self) -> Ages {
        Ages { grace: SILENCE, ..self }
    }
}
