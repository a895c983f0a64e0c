//! CloudWatch's view of what is counted beside the calls of models: which series there are, and their points.

use super::counted::Counted;
use super::noise;
use super::point::Point;
use super::series::Series;
use super::{Account, Region, World};
use std::collections::BTreeSet;
use std::ops::Range;

impl World {
    fn counted_key(&self, account: &Account, region: &Region, counted: &Counted) -> u64 {
        noise::hash(&[&account.id, &region.name, &counted.source]) ^ noise::mix(self.seed)
    }

    /// What of a counted minute is visible at `now`.
    fn counted_point(
        &self,
        account: &Account,
        region: &Region,
        counted: &Counted,
        minute: i64,
        now: i64,
    ) -> Option<Point> {
        let key = self.counted_key(account, region, counted);
        let shown = self.publishing.grown(key ^ noise::hash(&[counted.metric]), minute, now)?;
        let point = counted.point(key, minute)?;
        if counted.every.is_some() {
            return Some(point);
        }
        let sum = (point.sum * shown).floor().max(1.0);
        Some(Point { sum, count: sum, ..point })
    }

    /// The wanted series with a point visible at `now` and not older than `within` seconds.
    pub(super) fn counted_series(
        &self,
        account: &Account,
        region: &Region,
        wanted: impl Fn(&str, &str) -> bool,
        within: i64,
        now: i64,
    ) -> BTreeSet<Series> {
        let mut found = BTreeSet::new();
        for counted in region.counted.iter().filter(|counted| wanted(counted.namespace, counted.metric)) {
            let key = self.counted_key(account, region, counted) ^ noise::hash(&[counted.metric]);
            let Some(lag) = self.publishing.listing_lag(key) else { continue };
            let at = now - lag;
            let first = (at - within).max(counted.active.start).div_euclid(60);
            let last = at.min(counted.active.end).div_euclid(60);
            let mut minutes = (first..=last).rev();
            if minutes.any(|minute| self.counted_point(account, region, counted, minute, at).is_some()) {
                let Counted { namespace, metric, dimensions, .. } = counted;
                found.insert(Series { namespace, metric, dimensions: dimensions.clone() });
            }
        }
        found
    }

    /// The points of a counted series, minute by minute; `None`: it is none of these.
    pub(super) fn counted_bucket(
        &self,
        account: &Account,
        region: &Region,
        name: (&str, &str),
        dimensions: &[(String, String)],
        span: Range<i64>,
        now: i64,
    ) -> Option<Point> {
        let minutes = span.start.div_euclid(60)..(span.end.min(now) + 59).div_euclid(60);
        let counted = region.counted.iter().filter(|counted| counted.is(name, dimensions));
        let points = counted.flat_map(|counted| {
            minutes
                .clone()
                .filter_map(move |minute| self.counted_point(account, region, counted, minute, now))
        });
        points.reduce(Point::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::Publishing;
    use crate::sim::world::stream::Demand;

    const START: i64 = 1_795_176_000;

    #[test]
    fn calls_are_summed_and_things_are_counted_every_five_minutes() {
        let counted = vec![Counted::calls("GetFlow", Demand::Steady(90.0)), Counted::things("Agents", 42.0)];
        let region = Region { name: "us-east-1".into(), counted, ..Region::default() };
        let account = Account { id: "000000000000".into(), regions: vec![region], ..Account::default() };
        let world = World { accounts: vec![account], publishing: Publishing::at_once(), ..World::default() };
        let view = world.view("000000000000", "us-east-1", START + 3600).unwrap();
        let listed = view.listed(|namespace, _| namespace == "AWS/Usage", 3600);
        assert_eq!(
            listed.iter().map(|series| series.metric).collect::<Vec<_>>(),
            ["CallCount", "ResourceCount"]
        );
        let read = |metric: &'static str, resource: &str, kind: &str| {
            let dimensions =
                [("Class", "None"), ("Resource", resource), ("Service", "Bedrock"), ("Type", kind)];
            let dimensions = dimensions.map(|(name, value)| (name.to_string(), value.to_string()));
            view.read(("AWS/Usage", metric), &dimensions, 60, START..START + 600, &Default::default())
        };
        let calls = read("CallCount", "GetFlow", "API");
        assert_eq!(calls.len(), 10);
        assert!(calls.iter().all(|(_, point)| (87.0..94.0).contains(&point.sum) && point.max == 1.0));
        let things: Vec<_> = read("ResourceCount", "Agents", "Resource");
        assert_eq!(
            things.iter().map(|(at, p)| (at - START, p.max)).collect::<Vec<_>>(),
            [(0, 42.0), (300, 42.0)]
        );
        assert!(read("CallCount", "GetAgent", "API").is_empty());
    }
}
