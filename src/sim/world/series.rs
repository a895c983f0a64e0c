//! CloudWatch's view of the traffic: series with their dimensions, points, and what of them is visible when.

use super::levels::{ACCOUNT_WIDE, Dimensions, Level, MANTLE, RUNTIME, levels, namespace};
use super::noise;
use super::point::{Point, point};
use super::stream::{Demand, Endpoint, Invocations, Stream, Tally};
use super::traffic::Flow;
use super::{Account, Region, World};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// A series as ListMetrics names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: &'static str,
    pub metric: &'static str,
    pub dimensions: Dimensions,
}

/// How long CloudWatch knows a series after its last point.
pub const FORGOTTEN_AFTER: i64 = 14 * 86_400;

impl World {
    /// The wanted series (by namespace and metric) with a point visible at `now` and not older than
    /// `within` seconds.
    pub fn series(
        &self,
        account: &Account,
        region: &Region,
        wanted: impl Fn(&str, &str) -> bool,
        within: i64,
        now: i64,
    ) -> BTreeSet<Series> {
        let mut found = BTreeSet::new();
        for stream in &region.streams {
            let flow = self.flow(account, region, stream);
            let mut alive: Vec<&str> = [&MANTLE[..], &RUNTIME, &ACCOUNT_WIDE].concat();
            alive.retain(|m| {
                wanted(namespace(stream), m)
                    && self.could_publish(region, stream, m)
                    && self.is_listed(flow, m, within, now)
            });
            for level in levels(region, stream) {
                let metrics = level.metrics.iter().filter(|m| alive.contains(m));
                found.extend(metrics.map(|metric| Series {
                    namespace: namespace(stream),
                    metric,
                    dimensions: level.dimensions.clone(),
                }));
            }
        }
        found
    }

    /// The streams behind a series, empty if there is none.
    pub fn sources<'a>(
        &'a self,
        account: &'a Account,
        region: &'a Region,
        (namespace_asked, metric): (&str, &'a str),
        dimensions: &[(String, String)],
    ) -> Vec<Source<'a>> {
        let fits = |level: &Level| {
            level.metrics.contains(&metric)
                && level.dimensions.len() == dimensions.len()
                && level.dimensions.iter().all(|(n, v)| dimensions.iter().any(|(an, av)| an == n && av == v))
        };
        let streams = region.streams.iter().filter(|s| namespace(s) == namespace_asked);
        let fitting = streams.flat_map(|s| levels(region, s).into_iter().map(move |l| (s, l)));
        let fitting = fitting.filter(|(_, level)| fits(level));
        fitting.map(|(s, level)| Source::new(self.flow(account, region, s), metric, level.share)).collect()
    }

    /// A series is listed as it was some time ago, so that a new one shows that much late.
    fn is_listed(&self, flow: Flow, metric: &str, within: i64, now: i64) -> bool {
        let source = Source::new(flow, metric, 1.0);
        let own_lag = flow.stream.late.iter().filter(|late| late.metric == metric).map(|late| late.listed);
        let own_lag = own_lag.max().unwrap_or(0);
        let lag = self.publishing.listing_lag(source.key).filter(|_| own_lag < i64::MAX);
        lag.is_some_and(|lag| self.has_point(&source, within, now - lag - own_lag))
    }

    fn has_point(&self, source: &Source, within: i64, now: i64) -> bool {
        let stream = source.flow.stream;
        let first = (now - within).max(stream.active.start).div_euclid(60);
        let last = now.min(stream.active.end).div_euclid(60);
        let visible = |minute: i64| self.visible(source, minute, now).is_some();
        match &stream.demand {
            Demand::Table(table) => table.keys().any(|m| (first..=last).contains(m) && visible(*m)),
            _ => (first..=last).rev().any(visible),
        }
    }

    fn visible(&self, source: &Source, minute: i64, now: i64) -> Option<Point> {
        if source.metric == "EstimatedTPMQuotaUsage" && self.publishing.lacks_estimate(source.key, minute) {
            return None;
        }
        let grown = self.publishing.grown(source.key, minute, now - source.delay)?;
        let (stream, tally) = (source.flow.stream, source.tally(minute));
        point(stream, &tally, source.metric, source.share * grown, self.publishing.invocations)
    }

    /// The statistics of the minutes in `start .. end` (seconds) that are visible at `now`.
    pub fn bucket(&self, sources: &[Source], start: i64, end: i64, now: i64) -> Option<Point> {
        let minutes = start.div_euclid(60)..(end.min(now) + 59).div_euclid(60);
        minutes
            .flat_map(|minute| sources.iter().map(move |source| (source, minute)))
            .filter_map(|(source, minute)| self.visible(source, minute, now))
            .reduce(Point::add)
    }

    /// Tells whether a stream can ever have a point of the metric: that spares a search of two weeks.
    fn could_publish(&self, region: &Region, stream: &Stream, metric: &str) -> bool {
        if matches!(stream.demand, Demand::Table(_)) {
            return true;
        }
        let call = &stream.call;
        let mantle = stream.endpoint != Endpoint::Runtime;
        let accepted = metric == "Invocations" && self.publishing.invocations == Invocations::Accepted;
        // Calls that all fail leave nothing but their failures.
        if call.always_fails() && !is_failure(metric) && !accepted {
            return false;
        }
        match metric {
            "Invocations" | "InvocationLatency" | "ModelInvocationLogsCloudWatchDeliverySuccess" => !mantle,
            "InputTokenCount" => !mantle && call.input > 0.0,
            "OutputTokenCount" => !mantle && call.output > 0.0,
            "TimeToFirstToken" => !mantle && call.first_token_ms.is_some(),
            "InvocationClientErrors" => !mantle && call.client_errors > 0.0,
            "InvocationServerErrors" => !mantle && call.server_errors > 0.0,
            "InvocationThrottles" => !mantle && self.could_refuse(region, stream),
            "CacheReadInputTokenCount" | "CacheReadInputTokens" => !mantle && call.cache_read > 0.0,
            "CacheWriteInputTokenCount" | "CacheWriteInputTokens" => !mantle && call.cache_write > 0.0,
            "EstimatedTPMQuotaUsage" => !mantle && stream.estimated,
            "OutputImageCount" => !mantle && call.images > 0.0,
            "LegacyModelInvocations" => !mantle && stream.legacy,
            "InferenceClientErrors" => mantle && call.client_errors > 0.0,
            _ => mantle,
        }
    }
}

fn is_failure(metric: &str) -> bool {
    metric.ends_with("Errors") || metric.ends_with("Throttles")
}

/// A stream, and what of it a series shows.
pub struct Source<'a> {
    flow: Flow<'a>,
    metric: &'a str,
    share: f64,
    /// The key of the noise in the lateness of its points.
    key: u64,
    /// Seconds that its points are later than the noise says.
    delay: i64,
    tallies: Option<&'a Tallies<'a>>,
}

/// The minutes of the stream that was counted last: requests ask for its metrics one after another, and each
/// shows another side of the same minutes.
#[derive(Default)]
pub struct Tallies<'a>(RefCell<(Option<&'a Stream>, HashMap<i64, Tally>)>);

impl<'a> Source<'a> {
    fn new(flow: Flow<'a>, metric: &'a str, share: f64) -> Source<'a> {
        let late = flow.stream.late.iter().filter(|late| late.metric == metric);
        let delay = late.map(|late| late.published).max().unwrap_or(0);
        Source { flow, metric, share, key: flow.key ^ noise::hash(&[metric]), delay, tallies: None }
    }

    /// The same, counting no minute anew that is in `tallies`.
    pub fn with(self, tallies: &'a Tallies<'a>) -> Source<'a> {
        Source { tallies: Some(tallies), ..self }
    }

    fn tally(&self, minute: i64) -> Tally {
        let Some(Tallies(last)) = self.tallies else { return self.flow.tally(minute) };
        let (stream, minutes) = &mut *last.borrow_mut();
        if !stream.is_some_and(|stream| std::ptr::eq(stream, self.flow.stream)) {
            *stream = Some(self.flow.stream);
            minutes.clear();
        }
        *minutes.entry(minute).or_insert_with(|| self.flow.tally(minute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::Publishing;
    use crate::sim::world::stream::{Call, Charge, Late, Per, Tier};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const START: i64 = 1_795_176_000;

    fn world(streams: Vec<Stream>) -> World {
        let region = Region { name: "us-east-1".into(), streams, account_wide: true, ..Region::default() };
        let account = Account { id: "000000000000".into(), regions: vec![region], ..Account::default() };
        World { accounts: vec![account], ..World::default() }
    }

    fn stream(id: &str) -> Stream {
        Stream { model_id: id.into(), demand: Demand::Steady(100.0), ..Stream::default() }
    }

    fn sum(world: &World, metric: &str, dimensions: &[(&str, &str)], start: i64, now: i64) -> Option<f64> {
        let (account, region) = (&world.accounts[0], &world.accounts[0].regions[0]);
        let dimensions: Vec<_> = dimensions.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let sources = world.sources(account, region, ("AWS/Bedrock", metric), &dimensions);
        world.bucket(&sources, start, start + 60, now).map(|p| p.sum)
    }

    fn series(world: &World, within: i64, now: i64) -> BTreeSet<Series> {
        world.series(&world.accounts[0], &world.accounts[0].regions[0], |_, _| true, within, now)
    }

    #[test]
    fn the_series_without_dimensions_adds_up_all_ids() {
        let world = World { publishing: Publishing::at_once(), ..world(vec![stream("a"), stream("b")]) };
        let of =
            |dimensions: &[(&str, &str)]| sum(&world, "Invocations", dimensions, START, START + 60).unwrap();
        assert_eq!(of(&[]), of(&[("ModelId", "a")]) + of(&[("ModelId", "b")]));
        assert_eq!(sum(&world, "Invocations", &[("ModelId", "c")], START, START + 60), None);
        assert_eq!(sum(&world, "InvokeModel", &[("ModelId", "a")], START, START + 60), None);
    }

    #[test]
    fn tiers_and_windows_show_parts_of_the_same_calls() {
        let split = Stream {
            tiers: vec![Tier::new("default", 0.75), Tier::new("flex", 0.25)],
            context_windows: vec![("1M".into(), 0.1)],
            ..stream("a")
        };
        let world = World { publishing: Publishing::at_once(), ..world(vec![split]) };
        let of = |dimensions: &[(&str, &str)]| {
            sum(&world, "InputTokenCount", dimensions, START, START + 60).unwrap()
        };
        let whole = of(&[("ModelId", "a")]);
        let tier = of(&[("ServiceTier", "flex"), ("ModelId", "a"), ("ResolvedServiceTier", "flex")]);
        assert!((tier / whole - 0.25).abs() < 0.01, "{tier} of {whole}");
        let window = of(&[("ModelId", "a"), ("ContextWindow", "1M")]);
        assert!((window / whole - 0.1).abs() < 0.01, "{window} of {whole}");
    }

    #[test]
    fn an_hour_is_the_sum_of_its_minutes() {
        let world = World { publishing: Publishing::at_once(), ..world(vec![stream("a")]) };
        let (account, region) = (&world.accounts[0], &world.accounts[0].regions[0]);
        let id = [("ModelId".to_string(), "a".to_string())];
        let sources = world.sources(account, region, ("AWS/Bedrock", "OutputTokenCount"), &id);
        let hour = world.bucket(&sources, START, START + 3600, START + 9999).unwrap();
        let minutes = (0..60)
            .map(|m| world.bucket(&sources, START + m * 60, START + m * 60 + 60, START + 9999).unwrap());
        assert_eq!(hour.sum, minutes.map(|p| p.sum).sum::<f64>());
    }

    #[test]
    fn a_series_is_forgotten_two_weeks_after_its_last_point() {
        let ended = Stream { active: START - 3600..START, ..stream("a") };
        let world = world(vec![ended]);
        let listed = |within, now| series(&world, within, now).iter().any(|s| s.metric == "Invocations");
        assert!(listed(3 * 3600, START + 2 * 3600));
        assert!(!listed(3 * 3600, START + 4 * 3600));
        assert!(listed(FORGOTTEN_AFTER, START + 13 * 86_400));
        assert!(!listed(FORGOTTEN_AFTER, START + 15 * 86_400));
        assert!(!listed(FORGOTTEN_AFTER, START - 7200));
    }

    fn metrics_of(world: &World, now: i64) -> BTreeSet<&'static str> {
        let id = [("ModelId", "a".to_string())];
        series(world, 3600, now).iter().filter(|s| s.dimensions == id).map(|s| s.metric).collect()
    }

    #[test]
    fn calls_that_all_fail_leave_only_errors_unless_invocations_are_accepted_calls() {
        for (client_errors, server_errors, left) in
            [(1.0, 0.0, "InvocationClientErrors"), (0.0, 1.0, "InvocationServerErrors")]
        {
            let call = Call { client_errors, server_errors, ..Call::default() };
            let successful = world(vec![Stream { call, ..stream("a") }]);
            assert_eq!(metrics_of(&successful, START), BTreeSet::from([left]));
            let publishing = Publishing { invocations: Invocations::Accepted, ..Publishing::default() };
            let accepted = World { publishing, ..successful };
            assert_eq!(metrics_of(&accepted, START), BTreeSet::from([left, "Invocations"]));
            let calls = |metric| sum(&accepted, metric, &[("ModelId", "a")], START - 3600, START);
            assert_eq!(calls("Invocations"), calls(left));
        }
    }

    #[test]
    fn a_metric_is_published_and_listed_in_its_own_time() {
        let metric = "EstimatedTPMQuotaUsage";
        let begun = Stream { active: START..i64::MAX, ..stream("a") };
        let late = Stream { late: vec![Late::published(metric, 300), Late::listed(metric, 840)], ..begun };
        let world = World { publishing: Publishing::at_once(), ..world(vec![late]) };
        let estimated = |now| sum(&world, metric, &[("ModelId", "a")], START, now);
        assert_eq!(estimated(START + 60 + 299), None);
        assert!(estimated(START + 60 + 300) > Some(0.0));
        assert!(metrics_of(&world, START + 60).contains("Invocations"));
        // Its first point, five minutes late, and 14 minutes more.
        assert!(!metrics_of(&world, START + 60 + 300 + 839).contains(metric));
        assert!(metrics_of(&world, START + 60 + 300 + 840).contains(metric));
    }

    #[test]
    fn a_metric_that_is_never_listed_can_be_read() {
        let unlisted = Stream { late: vec![Late::listed("InputTokenCount", i64::MAX)], ..stream("a") };
        let world = world(vec![unlisted]);
        assert!(!metrics_of(&world, START).contains("InputTokenCount"));
        assert!(sum(&world, "InputTokenCount", &[("ModelId", "a")], START - 3600, START) > Some(0.0));
    }

    #[test]
    fn some_minutes_lack_their_estimate() {
        let publishing = Publishing { unestimated: 0.2, ..Publishing::at_once() };
        let world = World { publishing, ..world(vec![stream("a")]) };
        let id = [("ModelId", "a")];
        let minutes = (0..500).map(|minute| START + minute * 60);
        let lacking = minutes.filter(|at| sum(&world, "EstimatedTPMQuotaUsage", &id, *at, at + 60).is_none());
        let lacking: Vec<i64> = lacking.collect();
        assert!((70..130).contains(&lacking.len()), "{}", lacking.len());
        assert!(lacking.iter().all(|at| sum(&world, "InputTokenCount", &id, *at, at + 60).is_some()));
    }

    #[test]
    fn projects_and_an_overflowing_tier_stand_beside_the_whole() {
        let overflow = Tier { resolved: "default".into(), ..Tier::new("reserved", 0.5) };
        let split = Stream { tiers: vec![overflow], projects: vec![("proj_a".into(), 0.5)], ..stream("a") };
        let world = World { publishing: Publishing::at_once(), ..world(vec![split]) };
        let of = |dimensions: &[(&str, &str)]| sum(&world, "Invocations", dimensions, START, START + 60);
        let half = of(&[("ModelId", "a")]).map(|whole| (whole / 2.0).floor());
        assert_eq!(of(&[("ModelId", "a"), ("Project", "proj_a")]), half);
        assert_eq!(
            of(&[("ModelId", "a"), ("ServiceTier", "reserved"), ("ResolvedServiceTier", "default")]),
            half
        );
    }

    #[test]
    fn only_refusals_leave_only_throttles() {
        let zero = Charge { code: "L-F4DDD3EB".into(), per: Per::Token };
        let refused =
            Stream { charges: vec![zero], call: Call { max_tokens: 1e12, ..Call::default() }, ..stream("a") };
        let metrics: BTreeSet<_> =
            series(&world(vec![refused]), 3600, START).iter().map(|s| s.metric).collect();
        assert_eq!(metrics, BTreeSet::from(["InvocationThrottles"]));
    }

    #[test]
    fn cache_metrics_have_one_spelling_an_id() {
        let cached = Call { cache_read: 10.0, cache_write: 5.0, ..Call::default() };
        let plain = Stream { call: cached.clone(), ..stream("a") };
        let other = Stream { call: cached, cache_tokens_spelling: true, ..stream("b") };
        let found = series(&world(vec![plain, other]), 3600, START);
        let of = |id: &str| -> Vec<_> {
            let mine = found.iter().filter(|s| s.dimensions == [("ModelId", id.to_string())]);
            mine.map(|s| s.metric).filter(|m| m.starts_with("Cache")).collect()
        };
        assert_eq!(of("a"), ["CacheReadInputTokenCount", "CacheWriteInputTokenCount"]);
        assert_eq!(of("b"), ["CacheReadInputTokens", "CacheWriteInputTokens"]);
    }

    #[test]
    fn the_mantle_counts_a_call_at_every_level() {
        let mantle =
            |project: &str| Stream { endpoint: Endpoint::Mantle { project: project.into() }, ..stream("m") };
        let found = series(&world(vec![mantle("p"), mantle("q")]), 3600, START);
        let inferences =
            found.iter().filter(|s| (s.namespace, s.metric) == ("AWS/BedrockMantle", "Inferences"));
        // None, model, two projects, and both of those with the model.
        assert_eq!(inferences.count(), 6);
        assert!(found.iter().all(|s| s.namespace == "AWS/BedrockMantle"));
    }

    proptest! {
        #[test]
        fn a_minute_appears_late_grows_and_settles(seed: u64, minute in 0i64..40_000_000) {
            let world = World { seed, ..world(vec![stream("a")]) };
            let end = (minute + 1) * 60;
            let at = |age: i64| sum(&world, "Invocations", &[("ModelId", "a")], minute * 60, end + age);
            prop_assert_eq!(at(59), None);
            prop_assert!(at(180).is_some());
            let seen: Vec<_> = (60..=300).map(|age| at(age).unwrap_or(0.0)).collect();
            prop_assert!(seen.is_sorted());
            prop_assert_eq!(at(240), at(1_000_000));
        }

        #[test]
        fn what_is_never_published_is_known_beforehand(
            errors in prop_oneof![Just(0.0), 0.1..0.5],
            images in prop_oneof![Just(0.0), Just(1.0)],
            mantle: bool,
            minute in 0i64..40_000_000,
        ) {
            let call = Call { server_errors: errors, client_errors: errors, images, ..Call::default() };
            let endpoint = if mantle { Endpoint::Mantle { project: "p".into() } } else { Endpoint::Runtime };
            let world = World { publishing: Publishing::at_once(), ..world(vec![Stream { call, endpoint, ..stream("a") }]) };
            let (account, region) = (&world.accounts[0], &world.accounts[0].regions[0]);
            let names: &[&str] = if mantle { &MANTLE } else { &RUNTIME };
            for metric in names {
                let source = Source::new(world.flow(account, region, &region.streams[0]), metric, 1.0);
                let published = world.visible(&source, minute, minute * 60 + 60).is_some();
                prop_assert!(!published || world.could_publish(region, &region.streams[0], metric), "{}", metric);
            }
        }
    }

    #[test]
    fn minutes_of_a_table_are_listed_while_they_last() {
        let row = Tally { invocations: 1, input: 5, ..Tally::default() };
        let table = Demand::Table(BTreeMap::from([(START / 60, row)]));
        let world = world(vec![Stream { demand: table, ..stream("a") }]);
        assert!(series(&world, 3600, START + 600).iter().any(|s| s.metric == "InputTokenCount"));
        assert!(series(&world, 3600, START + 7200).is_empty());
    }
}
