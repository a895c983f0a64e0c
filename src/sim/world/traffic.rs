//! Traffic: what the quotas let through of what each invocation id is asked for, minute by minute.
//!
//! A minute is a pure function of seed, account, region, id and minute, so weeks of history exist at
//! once. Refusals follow from the world's own limits: calls that share a quota share its refusals, and
//! a token quota is held against what a call reserves (input and max_tokens), not what it settles to.

use super::noise;
use super::stream::{Charge, Demand, Stream, Tally};
use super::{Account, Region, World};

/// A stream in its place, ready to be counted.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    world: &'a World,
    region: &'a Region,
    pub stream: &'a Stream,
    /// The key of its noise.
    pub key: u64,
    account: &'a Account,
    /// Its quotas could refuse a call, at some time.
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
        charges
            .map(|(s, per)| {
                s.settled(&self.flow(account, region, s).tally(minute), per, self.publishing.invocations)
            })
            .sum()
    }

    /// The same for one kind of charge, of the streams that are wanted.
    pub(super) fn charge_of(
        &self,
        account: &Account,
        region: &Region,
        charge: &Charge,
        minute: i64,
        wanted: impl Fn(&Stream) -> bool,
    ) -> f64 {
        let streams =
            region.streams.iter().filter(|stream| wanted(stream) && stream.charges.contains(charge));
        streams
            .map(|s| {
                s.settled(
                    &self.flow(account, region, s).tally(minute),
                    charge.per,
                    self.publishing.invocations,
                )
            })
            .sum()
    }

    /// Tells whether the limits can ever refuse a call of the stream.
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
    /// The counts of a minute (minutes since the epoch), once settled.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stream::{Call, Per};
    use crate::sim::world::{Applied, QuotaChange};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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
