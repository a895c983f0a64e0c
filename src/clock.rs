//! The wall clock, read here and nowhere else; everything that decides is given the time.

use crate::model::time::Timestamp;
use std::time::{Duration, Instant, SystemTime};

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_secs() as i64)
}

/// A clock that goes so many times as fast as real time, as that of a simulated AWS may; 1: the wall clock at its
/// start, and from there on a stopwatch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    began: f64,
    watch: Stopwatch,
    times: f64,
}

impl Pace {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
    pub(crate) fn start(times: u32) -> Pace {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Pace { began: since.as_secs_f64(), watch: Stopwatch::start(), times: f64::from(times) }
    }

    /// Seconds since the epoch.
    pub(crate) fn now(&self) -> f64 {
        self.began + self.watch.seconds() * self.times
    }

    /// How long it really is until then; a day at most.
    pub(crate) fn until(&self, moment: f64) -> Duration {
        let seconds = (moment - self.now()).max(0.0) / self.times;
        Duration::from_secs_f64(seconds.min(86_400.0))
    }
}

/// Less is what the daily keeping of a clock does.
const STEP: f64 = 2.0;

/// A watch over the clock notices when it is set.
#[derive(Debug)]
pub(crate) struct Watch {
    looked: SystemTime,
    since: Instant,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
    pub(crate) fn start() -> Watch {
        Watch { looked: SystemTime::now(), since: Instant::now() }
    }

    /// By how many seconds the clock was set since it was last looked at, forward, or back where negative.
    pub(crate) fn step(&mut self) -> Option<i64> {
        let last = std::mem::replace(self, Watch::start());
        let passed = match self.looked.duration_since(last.looked) {
            Ok(passed) => passed.as_secs_f64(),
            Err(back) => -back.duration().as_secs_f64(),
        };
        step(passed, self.since.duration_since(last.since).as_secs_f64())
    }
}

/// `passed`: seconds by the clock; `took`: as they really are.
fn step(passed: f64, took: f64) -> Option<i64> {
    let step = passed - took;
    (step.abs() >= STEP).then(|| step.round() as i64)
}

/// A stopwatch measures how long something takes, whatever is done to the clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "everybody else's stopwatch")]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_and_one_that_is_slow_is_not() {
        assert_eq!(step(30.0, 30.0), None);
        assert_eq!(step(31.5, 30.0), None);
        assert_eq!(step(-7170.0, 30.0), Some(-7200));
        assert_eq!(step(3630.2, 30.0), Some(3600));
        assert_eq!(step(28.0, 30.0), Some(-2));
        assert_eq!(Watch::start().step(), None);
    }
}
