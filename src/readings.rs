//! Reading files that may hang. A file system that does not answer holds the thread that asks it for as long as it likes;
//! nobody else waits for it, and later readings begin anew.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How long a file may take that is small and on this machine; what takes longer is a file system that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Threads that readings of one kind may hold though nobody waits for them any more.
const MOST: usize = 4;

/// Readings of one kind, each on a thread of its own.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    given_up: Mutex<Vec<AbortHandle>>,
}

/// Why nothing was read; it goes on after the name of what was to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hanging {
    /// Not within that time.
    Late(Duration),
    /// So many readings before it hold their threads: none was begun.
    Many(usize),
}

impl fmt::Display for Hanging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WHY: &str = "expected a file, found a file system that hangs";
        match self {
            Hanging::Late(patience) => write!(f, "cannot be read within {} s: {WHY}", patience.as_secs()),
            Hanging::Many(number) => {
                write!(f, "cannot be read, since {number} readings before it have not ended: {WHY}")
            }
        }
    }
}

impl Readings {
    pub(crate) const fn new() -> Readings {
        Readings { given_up: Mutex::new(Vec::new()) }
    }

    /// What `read` returns, if it does so in time. A panic in it goes on here.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        patience: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Hanging> {
        let hanging = self.hanging();
        if hanging >= MOST {
            return Err(Hanging::Many(hanging));
        }
        let reading = tokio::task::spawn_blocking(read);
        let _waiting = Waiting { readings: self, thread: reading.abort_handle() };
        match timeout(patience, reading).await {
            Ok(done) => Ok(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))),
            Err(_) => Err(Hanging::Late(patience)),
        }
    }

    fn hanging(&self) -> usize {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up.retain(|thread| !thread.is_finished());
        given_up.len()
    }
}

/// Somebody who waits for a reading: who gives it up, or goes away himself, leaves its thread behind.
struct Waiting<'a> {
    readings: &'a Readings,
    thread: AbortHandle,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.thread.is_finished() {
            let mut given_up = self.readings.given_up.lock().unwrap_or_else(PoisonError::into_inner);
            given_up.push(self.thread.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_reading_that_hangs_keeps_no_later_one_waiting_and_a_few_that_hang_are_enough() {
        let readings = Readings::new();
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Arc::new(Mutex::new(held));
        for hanging in 0..MOST {
            assert_eq!(readings.read(LONG, || 7).await, Ok(7), "beside {hanging} that hang");
            let held = held.clone();
            let late = readings.read(SHORT, move || held.lock().unwrap().recv()).await;
            assert_eq!(late, Err(Hanging::Late(SHORT)));
        }
        assert_eq!(readings.read(LONG, || 7).await, Err(Hanging::Many(MOST)));
        drop(release);
        let mut ticks = tokio::time::interval(SHORT);
        while readings.hanging() > 0 {
            ticks.tick().await;
        }
        assert_eq!(readings.read(LONG, || 7).await, Ok(7), "once the others have ended");
    }
}
