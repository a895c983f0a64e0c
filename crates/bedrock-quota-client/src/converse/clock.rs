//! The wall clock, since a day of quota is one of it.

use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Seconds since the epoch, never set back.
#[derive(Debug)]
pub(super) struct Clock {
    began: f64,
    since: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a day of quota is one of the wall clock")]
    pub(super) fn start() -> Clock {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { began: began.as_secs_f64(), since: Instant::now() }
    }

    pub(super) fn now(&self) -> f64 {
        self.began + self.since.elapsed().as_secs_f64()
    }
}
