//! A view: what a reader of one region of one account is shown at one moment. The wire's answers are made of it,
//! and who needs no wire may look himself.

use super::point::Point;
use super::quotas::QuotaRow;
use super::series::{Series, Source, Tallies};
use super::{Account, ApplicationProfile, Deployment, ImportedModel, Region, World};
use std::collections::BTreeSet;
use std::ops::Range;

const DAY: i64 = 86_400;

/// One region of one account at one moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub world: &'a World,
    pub account: &'a Account,
    pub region: &'a Region,
    /// Seconds since the epoch.
    pub now: i64,
}

impl World {
    /// The view of a region; `None` where the account lacks it.
    pub fn view(&self, account: &str, region: &str, now: i64) -> Option<View<'_>> {
        let (account, region) = (self.account(account)?, self.region(account, region)?);
        Some(View { world: self, account, region, now })
    }
}

impl<'a> View<'a> {
    /// The series that ListMetrics shows with a point of the last `within` seconds, of the namespaces and metrics
    /// that are wanted.
    pub fn listed(&self, wanted: impl Fn(&str, &str) -> bool, within: i64) -> BTreeSet<Series> {
        let counted = self.world.counted_series(self.account, self.region, &wanted, within, self.now);
        let mut series = self.world.series(self.account, self.region, wanted, within, self.now);
        series.extend(counted);
        series
    }

    /// The points of a series that GetMetricData shows, oldest first: the beginning of each period, in seconds, and
    /// its statistics. Minutes that `tallies` holds are not counted anew.
    pub fn read(
        &self,
        name: (&str, &'a str),
        dimensions: &[(String, String)],
        period: i64,
        asked: Range<i64>,
        tallies: &'a Tallies<'a>,
    ) -> Vec<(i64, Point)> {
        let View { world, account, region, now } = *self;
        let sources = world.sources(account, region, name, dimensions);
        if sources.is_empty() && region.counted.is_empty() {
            return Vec::new();
        }
        let sources: Vec<Source> = sources.into_iter().map(|source| source.with(tallies)).collect();
        let kept = now - retention(period);
        let mut points = Vec::new();
        let mut at = aligned(asked.start, now);
        while at < asked.end.min(now) {
            let end = (at + period).min(asked.end);
            let point = if sources.is_empty() {
                world.counted_bucket(account, region, name, dimensions, at..end, now)
            } else {
                world.bucket(&sources, at, end, now)
            };
            points.extend(point.filter(|_| at >= kept).map(|point| (at, point)));
            at += period;
        }
        points
    }

    /// The rows of ListServiceQuotas.
    pub fn quotas(&self) -> Vec<QuotaRow<'a>> {
        self.world.applied_rows(self.region, self.now)
    }

    /// The rows of ListAWSDefaultServiceQuotas.
    pub fn default_quotas(&self) -> Vec<QuotaRow<'a>> {
        self.world.default_rows(self.region, self.now)
    }

    pub fn profiles(&self) -> impl Iterator<Item = &'a ApplicationProfile> {
        let View { region, now, .. } = *self;
        region.profiles.iter().filter(move |profile| region.shows(&profile.id, now))
    }

    pub fn deployments(&self) -> impl Iterator<Item = &'a Deployment> {
        let View { region, now, .. } = *self;
        region.deployments.iter().filter(move |deployment| region.shows(&deployment.id, now))
    }

    pub fn imported(&self) -> impl Iterator<Item = &'a ImportedModel> {
        let View { region, now, .. } = *self;
        region.imported.iter().filter(move |model| region.shows(&model.id, now))
    }
}

/// CloudWatch rounds StartTime down, the coarser the older it is; the buckets follow it.
fn aligned(start: i64, now: i64) -> i64 {
    let grain = match now - start {
        age if age < 15 * DAY => 60,
        age if age < 63 * DAY => 300,
        _ => 3600,
    };
    start.div_euclid(grain) * grain
}

/// How long points of a period are kept, in seconds.
fn retention(period: i64) -> i64 {
    match period {
        p if p < 300 => 15 * DAY,
        p if p < 3600 => 63 * DAY,
        _ => 455 * DAY,
    }
}
