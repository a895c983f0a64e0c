//! How a counter begins.

use crate::model::time::Timestamp;

/// A new counter stays at 0 until Prometheus has seen where it begins: it counts from a series' first value on, and
/// what that value holds already is lost to `rate()`. Once let go it stays so, whatever becomes of the interval or the
/// clock: a counter that fell to 0 would be taken for one that was reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    born: Timestamp,
}

/// The birth of those let go: no clock is so far back that they are held.
const LET_GO: Timestamp = Timestamp(0);

impl Hold {
    pub(super) fn since(born: Timestamp) -> Hold {
        Hold { born }
    }

    /// As an earlier process kept it.
    pub(super) fn resumed(born: i64) -> Hold {
        Hold { born: Timestamp(born) }
    }

    /// What `resumed` takes.
    pub(super) fn kept(self) -> i64 {
        self.born.0
    }

    pub(super) fn is_over(self) -> bool {
        self.born == LET_GO
    }

    /// When it ends if it lasts `seconds`; `None` once it has.
    pub(super) fn end(self, seconds: u64) -> Option<Timestamp> {
        (!self.is_over()).then(|| self.born.plus(seconds))
    }

    /// Whether `turn` has something to do.
    pub(super) fn turns(self, seconds: u64, now: Timestamp) -> bool {
        now < self.born || self.end(seconds).is_some_and(|end| end <= now)
    }

    /// Lets go what was held for `seconds`. What was born by a clock that was set back since begins anew.
    pub(super) fn turn(&mut self, seconds: u64, now: Timestamp) {
        if self.end(seconds).is_some_and(|end| end <= now) {
            self.born = LET_GO;
        }
        self.born = self.born.min(now);
    }
}
