//! Who waits for a model, and who calls it.

use super::clock::Clock;
use super::statistics::Statistics;
use crate::{BadLimits, Estimator, Limiter, Limits, Step, Usage, backoff, may_retry};
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse::ConverseError;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Names a call.
type Call = u64;

#[derive(Debug)]
pub(super) struct Model {
    line: Mutex<Line>,
    pub(super) changed: Notify,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) limits: Limits,
    limiter: Limiter<Call>,
    estimator: Estimator,
    next: Call,
    /// Calls whose turn it is, or was, and that have not seen it yet.
    admitted: HashSet<Call>,
    expired: HashSet<Call>,
    pub(super) statistics: Statistics,
    /// Why the newest answer told no limits.
    pub(super) stale: Option<String>,
}

pub(super) enum Turn {
    In,
    Late,
    /// When to look again.
    Waits(Option<f64>),
}

impl Model {
    pub(super) fn new(limits: Limits) -> Result<Model, BadLimits> {
        let line = Line {
            limits,
            limiter: Limiter::new(&limits)?,
            estimator: Estimator::default(),
            next: 0,
            admitted: HashSet::new(),
            expired: HashSet::new(),
            statistics: Statistics::default(),
            stale: None,
        };
        Ok(Model { line: Mutex::new(line), changed: Notify::new() })
    }

    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_limits(&self, now: f64, limits: Limits) -> Result<(), BadLimits> {
        let mut line = self.line();
        line.limiter.resize(now, &limits)?;
        (line.limits, line.stale) = (limits, None);
        drop(line);
        self.changed.notify_waiters();
        Ok(())
    }

    pub(super) fn count_retry(&self, pause: f64) {
        let mut line = self.line();
        line.statistics.retries += 1;
        line.statistics.waited_seconds += pause;
    }

    /// Gets in line.
    pub(super) fn ask<'a>(
        &'a self,
        clock: &'a Clock,
        characters: usize,
        most: f64,
        deadline: Option<f64>,
    ) -> Place<'a> {
        let mut line = self.line();
        line.next += 1;
        let (call, tokens) = (line.next, line.estimator.tokens(characters) + most);
        line.limiter.ask(call, tokens, deadline);
        Place { model: self, clock, call, stage: Stage::Waits }
    }
}

#[derive(PartialEq)]
enum Stage {
    Waits,
    UnderWay,
    Over,
}

/// A call's place in line, and then in Bedrock. Whoever drops it goes away: what was under way keeps its reservation, since
/// nobody knows what it cost.
pub(super) struct Place<'a> {
    model: &'a Model,
    clock: &'a Clock,
    call: Call,
    stage: Stage,
}

impl Place<'_> {
    /// Moves the line up.
    pub(super) fn step(&mut self, now: f64) -> Turn {
        let mut line = self.model.line();
        let Step { admitted, expired, wake } = line.limiter.step(now);
        if admitted.iter().chain(&expired).any(|other| *other != self.call) {
            self.model.changed.notify_waiters();
        }
        line.admitted.extend(admitted);
        line.expired.extend(expired);
        if line.admitted.remove(&self.call) {
            self.stage = Stage::UnderWay;
            Turn::In
        } else if line.expired.remove(&self.call) {
            Turn::Late
        } else {
            Turn::Waits(wake)
        }
    }

    /// Books an answer. Without its usage it is held.
    pub(super) fn over(mut self, characters: usize, usage: Option<Usage>) {
        let Some(usage) = usage else { return };
        self.stage = Stage::Over;
        let mut line = self.model.line();
        let charge = line.limits.charge(&usage);
        line.limiter.settle(self.clock.now(), &self.call, charge);
        line.estimator.learn(characters, usage.input + usage.cache_write + usage.cache_read);
        line.statistics.successes += 1;
        drop(line);
        self.model.changed.notify_waiters();
    }

    /// Books an attempt; seconds until the next one, if there is any.
    pub(super) fn failed(mut self, error: &SdkError<ConverseError>, attempts: u32) -> Option<f64> {
        self.stage = Stage::Over;
        let mut line = self.model.line();
        let Some(response) = error.raw_response() else {
            // Whether Bedrock has seen the call nobody knows.
            line.limiter.hold(&self.call);
            return None;
        };
        let (status, code) = (response.status().as_u16(), error.code().unwrap_or_default());
        let now = self.clock.now();
        if status == 429 && code != "ModelNotReadyException" {
            line.statistics.throttled += 1;
            line.limiter.refused(now, &self.call);
        } else {
            line.limiter.settle(now, &self.call, 0.0);
        }
        drop(line);
        self.model.changed.notify_waiters();
        let asked = response.headers().get("retry-after").and_then(|seconds| seconds.parse::<f64>().ok());
        let asked = asked.filter(|seconds| seconds.is_finite());
        may_retry(status, code, attempts).then(|| backoff(attempts - 1, fastrand::f64(), asked))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.model.line();
        match self.stage {
            Stage::Over => return,
            Stage::UnderWay => {
                line.limiter.hold(&self.call);
                line.statistics.failures += 1;
            }
            Stage::Waits => {
                line.limiter.leave(&self.call);
                line.expired.remove(&self.call);
                if line.admitted.remove(&self.call) {
                    line.limiter.settle(self.clock.now(), &self.call, 0.0);
                }
            }
        }
        drop(line);
        self.model.changed.notify_waiters();
    }
}
