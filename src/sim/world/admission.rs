//! Admission: what lets a call of the runtime in or refuses it, and what it has cost in the end. Pure: time is an
//! argument, in seconds since the epoch.
//!
//! A quota of requests or tokens per minute is a bucket that holds a minute's worth and fills evenly. A call takes of
//! it input + cache writes + max_tokens; when it is over, all but input + cache writes + output × burndown is given
//! back (AWS, "How tokens are counted in Amazon Bedrock"). A quota of tokens per day is charged at the end alone.

use super::stream::{Charge, Per};
use std::collections::HashMap;

const DAY: f64 = 86_400.0;

/// A quota that holds for a call, and its limit at the moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub charge: Charge,
    pub value: f64,
}

/// What a call asks for, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    pub input: f64,
    pub cache_write: f64,
    pub max_tokens: f64,
}

/// What a call has used, in tokens; output is already multiplied by its burndown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    pub input: f64,
    pub cache_write: f64,
    pub burnt_output: f64,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Requests,
    Tokens,
    TokensOfTheDay,
}

impl Lack {
    /// The text of AWS's ThrottlingException. It is no contract.
    pub fn text(self) -> &'static str {
        match self {
            Lack::Requests => "Too many requests, please wait before trying again.",
            Lack::Tokens => "Too many tokens, please wait before trying again.",
            Lack::TokensOfTheDay => "Too many tokens per day, please wait before trying again.",
        }
    }
}

/// An admitted call, to be settled when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    place: String,
    limits: Vec<Limit>,
    asked: Asked,
}

/// The buckets of all quotas that were asked for.
#[derive(Debug, Default)]
pub struct Admission {
    buckets: HashMap<(String, String), Bucket>,
    days: HashMap<(String, String), Spent>,
    /// When cached prefixes of prompts are forgotten, by account, model and content.
    cached: HashMap<u64, f64>,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    at: f64,
}

#[derive(Debug, Default)]
struct Spent {
    day: f64,
    tokens: f64,
}

/// How long a cached prefix is kept after its last use, in seconds.
const CACHED: f64 = 300.0;

impl Admission {
    /// Lets a call in or refuses it. `place` tells accounts and regions apart; a refused call takes nothing.
    ///
    /// # Errors
    /// The first quota that has too little left.
    pub fn admit(&mut self, place: &str, limits: Vec<Limit>, asked: Asked, now: f64) -> Result<Hold, Lack> {
        for limit in &limits {
            let lack = match limit.charge.per {
                Per::TokenOfTheDay => {
                    let spent = self.spent(place, &limit.charge.code, now);
                    (spent.tokens >= limit.value).then_some(Lack::TokensOfTheDay)
                }
                per => {
                    let left = self.bucket(place, limit, now).level;
                    let lack = if per == Per::Request { Lack::Requests } else { Lack::Tokens };
                    (left < reserved(per, asked)).then_some(lack)
                }
            };
            lack.map_or(Ok(()), Err)?;
        }
        for limit in limits.iter().filter(|limit| limit.charge.per != Per::TokenOfTheDay) {
            self.bucket(place, limit, now).level -= reserved(limit.charge.per, asked);
        }
        Ok(Hold { place: place.into(), limits, asked })
    }

    /// Gives back what a call reserved and did not use. What it used beyond that is taken: a bucket may be overdrawn.
    pub fn settle(&mut self, hold: &Hold, used: Used, now: f64) {
        let tokens = used.input + used.cache_write + used.burnt_output;
        for limit in &hold.limits {
            match limit.charge.per {
                Per::TokenOfTheDay => self.spent(&hold.place, &limit.charge.code, now).tokens += tokens,
                Per::Request => {}
                per => self.bucket(&hold.place, limit, now).level += reserved(per, hold.asked) - tokens,
            }
        }
    }

    /// Tells whether a prefix of a prompt is cached.
    pub fn is_cached(&self, prefix: u64, now: f64) -> bool {
        self.cached.get(&prefix).is_some_and(|until| *until > now)
    }

    /// Keeps a prefix from now on.
    pub fn keep_cached(&mut self, prefix: u64, now: f64) {
        self.cached.retain(|_, until| *until > now);
        self.cached.insert(prefix, now + CACHED);
    }

    /// The bucket of a quota, filled up to now.
    fn bucket(&mut self, place: &str, limit: &Limit, now: f64) -> &mut Bucket {
        let full = Bucket { level: limit.value, at: now };
        let key = (place.to_string(), limit.charge.code.clone());
        let bucket = self.buckets.entry(key).or_insert(full);
        let gained = (now - bucket.at).max(0.0) * limit.value / 60.0;
        bucket.level = (bucket.level + gained).min(limit.value);
        bucket.at = now;
        bucket
    }

    /// What has been spent of a quota on the UTC day of `now`.
    fn spent(&mut self, place: &str, code: &str, now: f64) -> &mut Spent {
        let spent = self.days.entry((place.to_string(), code.to_string())).or_default();
        let day = (now / DAY).floor();
        if spent.day != day {
            *spent = Spent { day, tokens: 0.0 };
        }
        spent
    }
}

/// What a call takes of a bucket when it is let in.
fn reserved(per: Per, asked: Asked) -> f64 {
    match per {
        Per::Request => 1.0,
        _ => asked.input + asked.cache_write + asked.max_tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-20 12:00 UTC.
    const NOON: f64 = 1_795_176_000.0;

    fn limit(per: Per, value: f64) -> Limit {
        Limit { charge: Charge { code: format!("{per:?}"), per }, value }
    }

    fn tokens(input: f64, max_tokens: f64) -> Asked {
        Asked { input, max_tokens, ..Asked::default() }
    }

    #[test]
    fn a_minute_lets_in_as_many_requests_as_the_limit_and_the_next_as_many_more() {
        let mut admission = Admission::default();
        let mut calls = |at: f64| {
            let mut one =
                || admission.admit("a", vec![limit(Per::Request, 10.0)], Asked::default(), NOON + at);
            (0..30).filter(|_| one().is_ok()).count()
        };
        assert_eq!([calls(0.0), calls(6.0), calls(30.0), calls(600.0)], [10, 1, 4, 10]);
    }

    #[test]
    fn max_tokens_are_held_until_a_call_is_settled() {
        let mut admission = Admission::default();
        let limits = || vec![limit(Per::Token, 10_000.0)];
        let hold = admission.admit("a", limits(), tokens(1000.0, 8000.0), NOON).unwrap();
        assert_eq!(admission.admit("a", limits(), tokens(1000.0, 8000.0), NOON), Err(Lack::Tokens));
        assert!(admission.admit("b", limits(), tokens(1000.0, 8000.0), NOON).is_ok(), "another account");
        // 1000 of 9000 were used, and 100 × 5 for the output.
        admission.settle(&hold, Used { input: 1000.0, burnt_output: 500.0, ..Used::default() }, NOON);
        assert!(admission.admit("a", limits(), tokens(500.0, 8000.0), NOON).is_ok());
    }

    #[test]
    fn a_call_that_reserves_more_than_the_limit_never_gets_in() {
        let mut admission = Admission::default();
        for minute in 0..10 {
            let at = NOON + f64::from(minute) * 60.0;
            let refused = admission.admit("a", vec![limit(Per::Token, 60e3)], tokens(4000.0, 64e3), at);
            assert_eq!(refused, Err(Lack::Tokens));
        }
    }

    #[test]
    fn output_beyond_the_reservation_overdraws_the_bucket() {
        let mut admission = Admission::default();
        let limits = || vec![limit(Per::Token, 6000.0)];
        let hold = admission.admit("a", limits(), tokens(1000.0, 1000.0), NOON).unwrap();
        admission.settle(&hold, Used { input: 1000.0, burnt_output: 15_000.0, ..Used::default() }, NOON);
        // 10,000 short, at 100 a second.
        assert!(admission.admit("a", limits(), tokens(1.0, 0.0), NOON + 100.0).is_err());
        assert!(admission.admit("a", limits(), tokens(1.0, 0.0), NOON + 101.0).is_ok());
    }

    #[test]
    fn a_day_is_charged_at_the_end_and_ends_at_midnight() {
        let mut admission = Admission::default();
        let limits = || vec![limit(Per::TokenOfTheDay, 5000.0)];
        let hold = admission.admit("a", limits(), tokens(1000.0, 9e9), NOON).unwrap();
        admission.settle(&hold, Used { input: 4000.0, burnt_output: 1500.0, ..Used::default() }, NOON);
        let mut at = |seconds| admission.admit("a", limits(), tokens(1.0, 0.0), NOON + seconds).err();
        assert_eq!([at(43_199.0), at(43_200.0)], [Some(Lack::TokensOfTheDay), None]);
    }

    #[test]
    fn a_prefix_is_cached_for_five_minutes_after_its_last_use() {
        let mut admission = Admission::default();
        let mut cached = |at: f64| {
            let cached = admission.is_cached(7, NOON + at);
            admission.keep_cached(7, NOON + at);
            cached
        };
        assert_eq!([cached(0.0), cached(299.0), cached(598.0), cached(899.0)], [false, true, true, false]);
    }

    proptest! {
        #[test]
        fn no_span_of_time_lets_in_more_than_it_fills(
            calls in proptest::collection::vec((0.0..5.0f64, 0.0..900.0f64, 0.0..900.0f64), 1..200),
            value in 100.0..5000.0f64,
        ) {
            let mut admission = Admission::default();
            let (mut now, mut used) = (NOON, 0.0);
            for (pause, input, output) in calls {
                now += pause;
                if let Ok(hold) = admission.admit("a", vec![limit(Per::Token, value)], tokens(input, output), now) {
                    let part = Used { input, burnt_output: output / 2.0, ..Used::default() };
                    admission.settle(&hold, part, now);
                    used += input + output / 2.0;
                }
            }
            prop_assert!(used <= value + (now - NOON) * value / 60.0 + 1e-6);
        }
    }
}
