//! Makes the calls when they are due.

use super::place::Place;
use super::watch::Watch;
use crate::clock::Pace;
use crate::probe::{Answer, End, Next, Outcome, Probe};
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// For calls that are still under way when the run has ended by itself.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Runs to the end, or until `stop`.
pub(super) async fn run(
    mut probe: Probe,
    place: &Place,
    mut watch: Watch,
    pace: Pace,
    mut stop: impl Future<Output = ()> + Unpin,
) -> Probe {
    let mut calls: JoinSet<(usize, Answer)> = JoinSet::new();
    loop {
        let until = match probe.next(pace.now()) {
            Next::Call(call) => {
                let made = Place::call(place.connection.clone(), place.model_id.clone(), call);
                calls.spawn(async move { (call.number, made.await) });
                continue;
            }
            Next::Wait(until) => until,
            Next::Done => break,
        };
        tokio::select! {
            biased;
            () = &mut stop => probe.stop(End::Interrupted, pace.now()),
            Some(over) = calls.join_next() => take(&mut probe, over, pace),
            seen = watch.seen() => probe.others(seen, pace.now()),
            () = sleep(pace.until(until)) => {}
        }
    }
    if probe.end != Some(End::Interrupted) {
        let rest = async {
            while let Some(over) = calls.join_next().await {
                take(&mut probe, over, pace);
            }
        };
        tokio::select! {
            () = stop => {}
            _ = timeout(LAST_ANSWERS, rest) => {}
        }
    }
    probe
}

fn take(probe: &mut Probe, over: Result<(usize, Answer), tokio::task::JoinError>, pace: Pace) {
    match over {
        Ok((number, answer)) => probe.answered(number, answer, pace.now()),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => {
            let message = format!("a call was lost: {error}");
            tracing::error!(error = message, "probe");
            probe.stop(End::Failed(Answer { message, ..Answer::of(Outcome::Failed) }.message), pace.now());
        }
    }
}
