//! Who may call now.

use crate::bucket::Bucket;
use crate::day::Day;
use crate::limits::{BadLimits, Limits};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Requests and tokens at once, first come, first served. `C` names a call; no two under way have the same name.
#[derive(Clone, Debug)]
pub struct Limiter<C> {
    requests: Bucket,
    tokens: Bucket,
    day: Day,
    waiting: VecDeque<Waiting<C>>,
    /// What each call under way has reserved.
    reserved: HashMap<C, f64>,
}

#[derive(Clone, Debug)]
struct Waiting<C> {
    call: C,
    tokens: f64,
    deadline: Option<f64>,
}

/// What became of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<C> {
    /// They may begin.
    pub admitted: Vec<C>,
    /// They are too late, or never get in: a quota is 0.
    pub expired: Vec<C>,
    /// When to look again; `None`: nobody waits.
    pub wake: Option<f64>,
}

/// What is left of a minute's worth; below 0 where it is overdrawn, `None` where there is no such quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Left {
    pub requests: Option<f64>,
    pub tokens: Option<f64>,
}

impl<C: Clone + Eq + Hash> Limiter<C> {
    /// A limiter with full buckets.
    ///
    /// # Errors
    /// If a limit is none.
    pub fn new(limits: &Limits) -> Result<Limiter<C>, BadLimits> {
        limits.check()?;
        let [requests, tokens, day] = parts(limits);
        let mut day = Day::new(day);
        day.learn(limits.used_today * limits.share, limits.used_today_at);
        Ok(Limiter {
            requests: Bucket::new(requests),
            tokens: Bucket::new(tokens),
            day,
            waiting: VecDeque::new(),
            reserved: HashMap::new(),
        })
    }

    /// Other limits hold from now on; what is taken stays taken.
    ///
    /// # Errors
    /// If a limit is none; then the old ones still hold.
    pub fn resize(&mut self, now: f64, limits: &Limits) -> Result<(), BadLimits> {
        limits.check()?;
        self.fill(now);
        let [requests, tokens, day] = parts(limits);
        self.requests.resize(requests);
        self.tokens.resize(tokens);
        self.day.limit = day;
        self.day.learn(limits.used_today * limits.share, limits.used_today_at);
        Ok(())
    }

    /// A call that reserves so many tokens (input and max_tokens) gets in line.
    pub fn ask(&mut self, call: C, tokens: f64, deadline: Option<f64>) {
        self.waiting.push_back(Waiting { call, tokens, deadline });
    }

    /// A call that waits goes away.
    pub fn leave(&mut self, call: &C) {
        self.waiting.retain(|waiting| waiting.call != *call);
    }

    /// Moves the line up.
    pub fn step(&mut self, now: f64) -> Step<C> {
        self.fill(now);
        let mut step = Step { admitted: Vec::new(), expired: Vec::new(), wake: None };
        let (gone, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(|waiting| {
                waiting.deadline.is_some_and(|deadline| deadline <= now)
                    || self.wait(waiting.tokens).is_none()
            });
        self.waiting = waiting.into();
        step.expired.extend(gone.into_iter().map(|waiting| waiting.call));
        while let Some(Waiting { call, tokens, .. }) = self
            .waiting
            .pop_front_if(|first| wait(&self.requests, &self.tokens, &self.day, first.tokens) == Some(0.0))
        {
            self.requests.put(-1.0);
            self.tokens.put(-tokens);
            self.reserved.insert(call.clone(), tokens);
            step.admitted.push(call);
        }
        let first = self.waiting.front().and_then(|first| self.wait(first.tokens)).map(|wait| now + wait);
        let deadlines = self.waiting.iter().filter_map(|waiting| waiting.deadline);
        step.wake = first.into_iter().chain(deadlines).reduce(f64::min);
        step
    }

    /// A call is over and has cost so many tokens of quota: [`Limits::charge`].
    pub fn settle(&mut self, now: f64, call: &C, tokens: f64) {
        self.fill(now);
        if let Some(reserved) = self.reserved.remove(call) {
            self.tokens.put(reserved - tokens);
            self.day.spend(tokens);
        }
    }

    /// A call is over and nobody knows what it cost: its reservation stays spent.
    pub fn hold(&mut self, call: &C) {
        if let Some(reserved) = self.reserved.remove(call) {
            self.day.spend(reserved);
        }
    }

    /// Bedrock refused a call. It cost nothing, and somebody else has taken what seemed to be there.
    pub fn refused(&mut self, now: f64, call: &C) {
        self.fill(now);
        if let Some(reserved) = self.reserved.remove(call) {
            self.tokens.put(reserved);
            self.requests.put(1.0);
            self.tokens.drain();
            self.requests.drain();
        }
    }

    /// What is left at a time.
    pub fn left(&mut self, now: f64) -> Left {
        self.fill(now);
        Left { requests: self.requests.left(), tokens: self.tokens.left() }
    }

    fn fill(&mut self, now: f64) {
        self.requests.fill(now);
        self.tokens.fill(now);
        self.day.fill(now);
    }

    fn wait(&self, tokens: f64) -> Option<f64> {
        wait(&self.requests, &self.tokens, &self.day, tokens)
    }
}

/// Seconds until a call that reserves so many tokens gets in. `None`: never.
fn wait(requests: &Bucket, tokens: &Bucket, day: &Day, amount: f64) -> Option<f64> {
    Some(requests.wait(1.0)?.max(tokens.wait(amount)?).max(day.wait()?))
}

/// This caller's part of requests and tokens a minute, and of tokens a day.
fn parts(limits: &Limits) -> [Option<f64>; 3] {
    let told = [limits.requests_per_minute, limits.tokens_per_minute, limits.tokens_per_day];
    told.map(|limit| limit.map(|limit| limit * limits.share))
}
