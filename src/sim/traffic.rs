//! Traffic: what each invocation id is asked for in each minute, and what its quotas let through.
//!
//! A minute is a pure function of seed, account, region, id and minute, so weeks of history exist at
//! once. Refusals follow from the world's own limits: calls that share a quota share its refusals, and
//! a token quota is held against what a call reserves (input and max_tokens), not what it settles to.

use super::noise;
use super::world::{Account, Region, World};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

/// The calls to one invocation id. Several streams with one id add up.
#[derive(Clone, Debug)]
pub struct Stream {
    pub endpoint: Endpoint,
    /// CloudWatch's ModelId; the dimension Model for [`Endpoint::Mantle`].
    pub model_id: String,
    /// When there are calls at all, in seconds.
    pub active: Range<i64>,
    pub demand: Demand,
    pub call: Call,
    pub charges: Vec<Charge>,
    /// How many tokens of quota one output token settles to.
    pub burndown: f64,
    /// Whether EstimatedTPMQuotaUsage is published.
    pub estimated: bool,
    /// The share of calls refused for want of something that no minute's limit tells: tokens of the day.
    pub refused: f64,
    /// How often clients try a refused call again, within the minute.
    pub retries: u64,
    /// Whether LegacyModelInvocations is published.
    pub legacy: bool,
    /// Whether cache metrics are spelled CacheReadInputTokens and CacheWriteInputTokens.
    pub cache_tokens_spelling: bool,
    /// Service tier and its share of the calls: series with ServiceTier and ResolvedServiceTier.
    pub tiers: Vec<(String, f64)>,
    /// Context window and its share of the calls: series with ContextWindow.
    pub context_windows: Vec<(String, f64)>,
    /// Size of the images made: series with ImageSize and BucketedStepSize.
    pub image_size: Option<String>,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            endpoint: Endpoint::Runtime,
            model_id: String::new(),
            active: i64::MIN..i64::MAX,
            demand: Demand::Steady(0.0),
            call: Call::default(),
            charges: Vec::new(),
            burndown: 1.0,
            estimated: true,
            refused: 0.0,
            retries: 0,
            legacy: false,
            cache_tokens_spelling: false,
            tiers: Vec::new(),
            context_windows: Vec::new(),
            image_size: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// CloudWatch namespace `AWS/Bedrock`.
    Runtime,
    /// CloudWatch namespace `AWS/BedrockMantle`.
    Mantle { project: String },
}

/// Calls per minute that clients want to make.
#[derive(Clone, Debug)]
pub enum Demand {
    /// The same all day, within 3 %.
    Steady(f64),
    /// Between `low` at night and `high` at `peak_hour` (UTC), noisy; every so often (`bursts`: a
    /// share of the time) twice as much for five minutes.
    Daily { low: f64, high: f64, peak_hour: f64, bursts: f64 },
    /// Exactly these minutes (since the epoch); limits and shapes of calls do not matter.
    Table(BTreeMap<i64, Tally>),
}

/// What one call looks like, on average.
#[derive(Clone, Debug)]
pub struct Call {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    /// What the client gave as max_tokens: reserved at admission. 0: only what the call settles to.
    pub max_tokens: f64,
    pub images: f64,
    pub latency_ms: f64,
    /// Only streaming calls have it.
    pub first_token_ms: Option<f64>,
    /// The shares of admitted calls that fail.
    pub client_errors: f64,
    pub server_errors: f64,
}

impl Default for Call {
    fn default() -> Call {
        Call {
            input: 1000.0,
            output: 250.0,
            cache_read: 0.0,
            cache_write: 0.0,
            max_tokens: 0.0,
            images: 0.0,
            latency_ms: 2500.0,
            first_token_ms: None,
            client_errors: 0.0,
            server_errors: 0.0,
        }
    }
}

/// A quota that a stream's calls are held to.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    pub code: String,
    pub per: Per,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    Request,
    Token,
    InputToken,
    OutputToken,
    /// Counted; what is refused for want of them is told by [`Stream::refused`].
    TokenOfTheDay,
}

/// What CloudWatch counts of one minute, once it is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Calls that succeeded.
    pub invocations: u64,
    pub throttles: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub images: u64,
    pub legacy: u64,
    /// EstimatedTPMQuotaUsage, where the id has it.
    pub estimated: Option<u64>,
    /// Mean latency of the calls that succeeded.
    pub latency_ms: f64,
    pub first_token_ms: Option<f64>,
}

/// A stream in its place, ready to be counted.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    world: &'a World,
    region: &'a Region,
    pub stream: &'a Stream,
    /// What its noise depends on.
    pub key: u64,
    account: &'a Account,
    /// Whether its quotas can ever refuse a call.
    refusable: bool,
}

impl World {
    pub fn flow<'a>(&'a self, account: &'a Account, region: &'a Region, stream: &'a Stream) -> Flow<'a> {
        let refusable = self.could_refuse(region, stream);
        Flow { world: self, account, region, stream, key: self.key(account, region, stream), refusable }
    }

    /// The tokens, or calls, that a quota is charged for one minute by all ids that share it.
    pub fn charge(&self, account: &Account, region: &Region, code: &str, minute: i64) -> f64 {
        let streams = region.streams.iter();
        let charges =
            streams.flat_map(|s| s.charges.iter().filter(|c| c.code == code).map(move |c| (s, c.per)));
        charges.map(|(s, per)| s.settled(&self.flow(account, region, s).tally(minute), per)).sum()
    }

    /// Whether the limits can ever refuse a call of the stream.
    pub(super) fn could_refuse(&self, region: &Region, stream: &Stream) -> bool {
        stream.refused > 0.0
            || stream.charges.iter().any(|charge| {
                let changed = region.quotas.iter().filter(|c| c.code == charge.code);
                let moments = changed.map(|c| c.from).chain([i64::MIN, i64::MAX]);
                let least =
                    moments.filter_map(|at| self.limit(region, &charge.code, at)).fold(f64::MAX, f64::min);
                let sharing = region.streams.iter().filter(|s| s.charges.contains(charge));
                sharing.map(|s| s.asked_at_most() * s.reserves(charge.per)).sum::<f64>() > least
            })
    }

    fn key(&self, account: &Account, region: &Region, stream: &Stream) -> u64 {
        noise::hash(&[&account.id, &region.name, &stream.model_id]) ^ noise::mix(self.seed)
    }
}

impl Flow<'_> {
    /// What CloudWatch counts in a minute (minutes since the epoch), once settled.
    pub fn tally(&self, minute: i64) -> Tally {
        if let Demand::Table(minutes) = &self.stream.demand {
            return minutes.get(&minute).copied().unwrap_or_default();
        }
        let asked = self.stream.asked(self.key, minute);
        if asked == 0 {
            return Tally::default();
        }
        // A hair more, lest a whole number of calls lose one to rounding.
        let let_through = |asked: f64| (asked * self.admission(minute) + 1e-6).floor();
        let admitted = if self.refusable { let_through(asked as f64) } else { asked as f64 };
        self.stream.settle(self.key, minute, asked, admitted)
    }

    /// The share of calls that every quota of the stream lets through.
    fn admission(&self, minute: i64) -> f64 {
        let share = |charge: &Charge| {
            let limit = self.world.limit(self.region, &charge.code, minute * 60)?;
            let sharing = self.region.streams.iter().filter(|s| s.charges.contains(charge));
            let asked = |s: &Stream| s.asked(self.world.key(self.account, self.region, s), minute) as f64;
            let wanted: f64 = sharing.map(|s| asked(s) * s.reserves(charge.per)).sum();
            (wanted > limit).then(|| limit.max(0.0) / wanted)
        };
        self.stream.charges.iter().filter_map(share).fold(1.0 - self.stream.refused, f64::min)
    }
}

impl Stream {
    /// How many calls clients want to make in a minute.
    fn asked(&self, key: u64, minute: i64) -> u64 {
        if !self.active.contains(&(minute * 60)) {
            return 0;
        }
        let noise = noise::unit(key, minute);
        let rate = match &self.demand {
            Demand::Steady(rate) => rate * (0.97 + 0.06 * noise),
            Demand::Daily { low, high, peak_hour, bursts } => {
                let hours = (minute.rem_euclid(1440)) as f64 / 60.0 - peak_hour;
                let level = low + (high - low) * (0.5 + 0.5 * (hours * TAU / 24.0).cos());
                let burst = noise::unit(!key, minute.div_euclid(5)) < *bursts;
                level * (0.85 + 0.3 * noise) * if burst { 2.0 } else { 1.0 }
            }
            Demand::Table(minutes) => {
                return minutes.get(&minute).map_or(0, |t| t.invocations + t.throttles);
            }
        };
        (rate + noise::unit(noise::mix(key), minute)).floor() as u64
    }

    fn asked_at_most(&self) -> f64 {
        1.0 + match &self.demand {
            Demand::Steady(rate) => rate * 1.03,
            Demand::Daily { low, high, bursts, .. } => {
                low.max(*high) * if *bursts > 0.0 { 2.3 } else { 1.15 }
            }
            Demand::Table(minutes) => {
                minutes.values().map(|t| t.invocations + t.throttles).max().unwrap_or(0) as f64
            }
        }
    }

    /// What one call takes of a quota when it is admitted.
    pub(super) fn reserves(&self, per: Per) -> f64 {
        let call = &self.call;
        match per {
            Per::Request => 1.0,
            Per::Token if call.max_tokens > 0.0 => call.input + call.cache_write + call.max_tokens,
            Per::Token => call.input + call.cache_write + call.output * self.burndown,
            Per::InputToken => call.input,
            Per::OutputToken => call.output,
            Per::TokenOfTheDay => 0.0,
        }
    }

    /// What a minute has taken of a quota when all its calls are settled.
    fn settled(&self, tally: &Tally, per: Per) -> f64 {
        match per {
            Per::Request => tally.invocations as f64,
            Per::Token | Per::TokenOfTheDay => {
                self.tokens_charged(tally.input + tally.cache_write, tally.output)
            }
            Per::InputToken => tally.input as f64,
            Per::OutputToken => tally.output as f64,
        }
    }

    fn tokens_charged(&self, input: u64, output: u64) -> f64 {
        input as f64 + (output as f64 * self.burndown).round()
    }

    fn settle(&self, key: u64, minute: i64, asked: u64, admitted: f64) -> Tally {
        let call = &self.call;
        let wobble = |salt: u64, spread: f64| 1.0 + spread * (2.0 * noise::unit(key ^ salt, minute) - 1.0);
        // Stochastic rounding, so that small shares of few calls still happen now and then.
        let some =
            |share: f64, salt: u64| (admitted * share + noise::unit(key ^ salt, minute)).floor() as u64;
        let server_errors = some(call.server_errors, 1).min(admitted as u64);
        let client_errors = some(call.client_errors, 2).min(admitted as u64 - server_errors);
        let invocations = admitted as u64 - server_errors - client_errors;
        let tokens = |each: f64, salt: u64| (invocations as f64 * each * wobble(salt, 0.02)).round() as u64;
        let (input, output) = (tokens(call.input, 3), tokens(call.output, 4));
        let cache_write = tokens(call.cache_write, 5);
        let estimated = self.tokens_charged(input + cache_write, output) as u64;
        Tally {
            invocations,
            throttles: (asked - admitted as u64) * (1 + self.retries),
            client_errors,
            server_errors,
            input,
            output,
            cache_read: tokens(call.cache_read, 6),
            cache_write,
            images: (invocations as f64 * call.images).round() as u64,
            legacy: if self.legacy { invocations } else { 0 },
            estimated: self.estimated.then_some(estimated),
            latency_ms: call.latency_ms * wobble(7, 0.15),
            first_token_ms: call.first_token_ms.map(|ms| ms * wobble(8, 0.15)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::{Applied, QuotaChange};
    use proptest::prelude::*;

    const TPM: &str = "L-F4DDD3EB";
    const RPM: &str = "L-4A6BFAB1";
    const MINUTE: i64 = 29_920_000;

    fn stream(id: &str, rate: f64, max_tokens: f64) -> Stream {
        Stream {
            model_id: id.into(),
            demand: Demand::Steady(rate),
            call: Call { input: 600.0, output: 80.0, max_tokens, ..Call::default() },
            charges: vec![
                Charge { code: TPM.into(), per: Per::Token },
                Charge { code: RPM.into(), per: Per::Request },
            ],
            burndown: 5.0,
            ..Stream::default()
        }
    }

    fn limit(code: &str, from: i64, value: f64) -> QuotaChange {
        QuotaChange { code: code.into(), from, applied: Applied::Value(value) }
    }

    fn world(streams: Vec<Stream>, quotas: Vec<QuotaChange>) -> World {
        let region = Region { name: "us-east-1".into(), streams, quotas, ..Region::default() };
        let account = Account { id: "000000000000".into(), regions: vec![region], ..Account::default() };
        World { accounts: vec![account], ..World::default() }
    }

    fn tally(world: &World, stream: usize, minute: i64) -> Tally {
        let account = &world.accounts[0];
        world.flow(account, &account.regions[0], &account.regions[0].streams[stream]).tally(minute)
    }

    fn charge(world: &World, code: &str, minute: i64) -> f64 {
        world.charge(&world.accounts[0], &world.accounts[0].regions[0], code, minute)
    }

    #[test]
    fn max_tokens_are_reserved_so_refusals_come_at_forty_per_cent_of_measured_use() {
        let world = world(vec![stream("a", 300.0, 1900.0)], vec![limit(TPM, i64::MIN, 250e3)]);
        let minute = tally(&world, 0, MINUTE);
        assert_eq!(minute.invocations, 100);
        assert!(minute.throttles > 180);
        let share = charge(&world, TPM, MINUTE) / 250e3;
        assert!((0.39..0.41).contains(&share), "{share}");
    }

    #[test]
    fn a_call_that_reserves_more_than_the_limit_is_always_refused() {
        let world = world(vec![stream("a", 30.0, 64e3)], vec![limit(TPM, i64::MIN, 60e3)]);
        for minute in MINUTE..MINUTE + 60 {
            let Tally { invocations, throttles, input, .. } = tally(&world, 0, minute);
            assert!(invocations == 0 && input == 0 && throttles >= 28);
        }
    }

    #[test]
    fn a_zero_quota_refuses_everything_and_retries_are_counted() {
        let retrying = Stream { retries: 2, ..stream("a", 10.0, 0.0) };
        let world = world(vec![retrying], vec![limit(TPM, i64::MIN, 0.0)]);
        let minute = tally(&world, 0, MINUTE);
        assert_eq!(minute.invocations, 0);
        assert!(minute.throttles >= 27 && minute.throttles.is_multiple_of(3));
    }

    #[test]
    fn a_limit_lowered_at_a_moment_refuses_from_that_minute_on() {
        let lowered = limit(TPM, MINUTE * 60, 100e3);
        let world = world(vec![stream("a", 200.0, 0.0)], vec![limit(TPM, i64::MIN, 1e6), lowered]);
        assert_eq!(tally(&world, 0, MINUTE - 1).throttles, 0);
        assert!(tally(&world, 0, MINUTE).throttles > 50);
    }

    #[test]
    fn requests_are_counted_one_by_one() {
        let world = world(vec![stream("a", 200.0, 0.0)], vec![limit(RPM, i64::MIN, 50.0)]);
        assert_eq!(tally(&world, 0, MINUTE).invocations, 50);
        assert_eq!(charge(&world, RPM, MINUTE), 50.0);
    }

    #[test]
    fn a_table_is_taken_as_it_is() {
        let row = Tally { invocations: 3, throttles: 1, input: 999, ..Tally::default() };
        let demand = Demand::Table(BTreeMap::from([(MINUTE, row)]));
        let world = world(vec![Stream { demand, ..stream("a", 0.0, 0.0) }], vec![limit(TPM, i64::MIN, 0.0)]);
        assert_eq!(tally(&world, 0, MINUTE), row);
        assert_eq!(tally(&world, 0, MINUTE + 1), Tally::default());
        assert_eq!(charge(&world, TPM, MINUTE), 999.0);
    }

    #[test]
    fn a_day_has_a_rhythm_and_bursts() {
        let demand = Demand::Daily { low: 50.0, high: 500.0, peak_hour: 15.0, bursts: 0.05 };
        let world = world(vec![Stream { demand, charges: vec![], ..stream("a", 0.0, 0.0) }], vec![]);
        let midnight = MINUTE.div_euclid(1440) * 1440;
        let hour = |h: i64| (0..60).map(|m| tally(&world, 0, midnight + h * 60 + m).invocations).sum::<u64>();
        assert!(hour(15) > 5 * hour(3), "{} {}", hour(15), hour(3));
        let busiest = (0..1440).map(|m| tally(&world, 0, midnight + m).invocations).max();
        assert!(busiest > Some(700), "{busiest:?}");
    }

    proptest! {
        #[test]
        fn ids_that_share_a_quota_share_its_refusals(
            rates in proptest::collection::vec(1.0..400.0, 1..5),
            tokens in 1e3..1e6,
            requests in 1.0..500.0,
            seed: u64,
            minute in 0i64..40_000_000,
        ) {
            let streams = rates.iter().enumerate().map(|(i, rate)| stream(&i.to_string(), *rate, 0.0)).collect();
            let limits = vec![limit(TPM, i64::MIN, tokens), limit(RPM, i64::MIN, requests)];
            let world = World { seed, ..world(streams, limits) };
            prop_assert!(charge(&world, RPM, minute) <= requests);
            // Token counts wobble by 2 % around what was reserved.
            prop_assert!(charge(&world, TPM, minute) <= tokens * 1.02 + 1.0);
            for i in 0..rates.len() {
                prop_assert_eq!(tally(&world, i, minute), tally(&world.clone(), i, minute));
            }
        }

        #[test]
        fn what_never_refuses_is_known_beforehand(rate in 1.0..400.0, requests in 1.0..500.0, minute in 0i64..40_000_000) {
            let world = world(vec![stream("a", rate, 0.0)], vec![limit(RPM, i64::MIN, requests)]);
            let region = &world.accounts[0].regions[0];
            if tally(&world, 0, minute).throttles > 0 {
                prop_assert!(world.could_refuse(region, &region.streams[0]));
            }
        }
    }
}
