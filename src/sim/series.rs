//! CloudWatch's view of the traffic: series with their dimensions, points, lateness and retention.

use super::noise;
use super::traffic::{Demand, Endpoint, Stream, Tally};
use super::world::{Account, Region, World};
use std::collections::BTreeSet;

/// A series as ListMetrics names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: &'static str,
    pub metric: &'static str,
    pub dimensions: Dimensions,
}

/// Name and value, in CloudWatch's order.
pub type Dimensions = Vec<(&'static str, String)>;

/// The statistics of a bucket. Latencies are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub sum: f64,
    pub count: f64,
    pub min: f64,
    pub max: f64,
}

impl Point {
    fn add(self, other: Option<Point>) -> Point {
        other.map_or(self, |o| Point {
            sum: self.sum + o.sum,
            count: self.count + o.count,
            min: self.min.min(o.min),
            max: self.max.max(o.max),
        })
    }

    /// The value of a statistic as GetMetricData spells it; `None` if it is no statistic.
    pub fn statistic(&self, name: &str) -> Option<f64> {
        Some(match name {
            "Sum" => self.sum,
            "SampleCount" => self.count,
            "Average" => self.sum / self.count,
            "Minimum" => self.min,
            "Maximum" => self.max,
            _ => self.percentile(percent(name)?),
        })
    }

    /// Values lie on one curve from the smallest over the mean to the largest.
    fn percentile(&self, percent: f64) -> f64 {
        let mean = self.sum / self.count;
        let rank = percent / 100.0;
        if rank < 0.5 {
            self.min + (mean * 0.9 - self.min) * rank * 2.0
        } else {
            mean * 0.9 + (self.max - mean * 0.9) * (rank * 2.0 - 1.0).powi(4)
        }
    }
}

/// The percentage in `p99` or `p99.9`.
fn percent(statistic: &str) -> Option<f64> {
    let digits = statistic.strip_prefix('p')?;
    digits
        .parse()
        .ok()
        .filter(|p| (0.0..=100.0).contains(p) && digits.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether GetMetricData knows the statistic.
pub fn is_statistic(name: &str) -> bool {
    matches!(name, "Sum" | "SampleCount" | "Average" | "Minimum" | "Maximum") || percent(name).is_some()
}

const RUNTIME: [&str; 15] = [
    "Invocations",
    "InvocationLatency",
    "TimeToFirstToken",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "CacheReadInputTokens",
    "CacheWriteInputTokens",
    "EstimatedTPMQuotaUsage",
    "OutputImageCount",
    "LegacyModelInvocations",
];
const ACCOUNT_WIDE: [&str; 8] = [
    "Invocations",
    "InvocationLatency",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "OutputImageCount",
];
const IMAGES: [&str; 1] = ["OutputImageCount"];
const MANTLE: [&str; 6] = [
    "Inferences",
    "InferenceClientErrors",
    "TotalInputTokens",
    "TotalOutputTokens",
    "InputTokens",
    "OutputTokens",
];

/// One set of dimensions under which a stream is published.
struct Level {
    dimensions: Dimensions,
    /// Of the stream's calls.
    share: f64,
    metrics: &'static [&'static str],
}

fn namespace(stream: &Stream) -> &'static str {
    match stream.endpoint {
        Endpoint::Runtime => "AWS/Bedrock",
        Endpoint::Mantle { .. } => "AWS/BedrockMantle",
    }
}

fn levels(region: &Region, stream: &Stream) -> Vec<Level> {
    let level = |dimensions, share, metrics| Level { dimensions, share, metrics };
    if let Endpoint::Mantle { project } = &stream.endpoint {
        let (project, model) = (("Project", project.clone()), ("Model", stream.model_id.clone()));
        let sets = [vec![], vec![project.clone()], vec![model.clone()], vec![model, project]];
        return sets.map(|dimensions| level(dimensions, 1.0, &MANTLE)).into();
    }
    let id = || ("ModelId", stream.model_id.clone());
    let mut levels = vec![level(vec![id()], 1.0, &RUNTIME[..])];
    for (tier, share) in &stream.tiers {
        let tiers = vec![id(), ("ResolvedServiceTier", tier.clone()), ("ServiceTier", tier.clone())];
        levels.push(level(tiers, *share, &RUNTIME));
    }
    for (window, share) in &stream.context_windows {
        levels.push(level(vec![("ContextWindow", window.clone()), id()], *share, &RUNTIME));
    }
    if let Some(size) = &stream.image_size {
        let image = vec![("BucketedStepSize", "30".to_string()), ("ImageSize", size.clone()), id()];
        levels.push(level(image, 1.0, &IMAGES));
    }
    if region.account_wide {
        levels.push(level(vec![], 1.0, &ACCOUNT_WIDE));
    }
    levels
}

/// How long CloudWatch knows a series after its last point.
pub const FORGOTTEN_AFTER: i64 = 14 * 86_400;

impl World {
    /// The series with a point visible at `now` and not older than `within` seconds.
    pub fn series(&self, account: &Account, region: &Region, within: i64, now: i64) -> BTreeSet<Series> {
        let mut found = BTreeSet::new();
        for stream in &region.streams {
            let mut alive: Vec<&str> = MANTLE.iter().chain(&RUNTIME).copied().collect();
            alive.retain(|metric| self.has_point(account, region, stream, metric, within, now));
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

    /// The statistics of the minutes in `start .. end` (seconds) that are visible at `now`.
    pub fn bucket(&self, sources: &[Source], metric: &str, start: i64, end: i64, now: i64) -> Option<Point> {
        let minutes = start.div_euclid(60)..(end.min(now) + 59).div_euclid(60);
        minutes
            .flat_map(|minute| sources.iter().map(move |source| (source, minute)))
            .filter_map(|(source, minute)| self.visible(source, metric, minute, now))
            .reduce(|sum, point| sum.add(Some(point)))
    }

    /// The streams behind a series, empty if there is none.
    pub fn sources<'a>(
        &self,
        account: &'a Account,
        region: &'a Region,
        name: (&str, &str),
        dimensions: &[(String, String)],
    ) -> Vec<Source<'a>> {
        let (namespace_asked, metric) = name;
        let fits = |level: &Level| {
            level.metrics.contains(&metric)
                && level.dimensions.len() == dimensions.len()
                && level.dimensions.iter().all(|(n, v)| dimensions.iter().any(|(an, av)| an == n && av == v))
        };
        let streams = region.streams.iter().filter(|s| namespace(s) == namespace_asked);
        let fitting = streams.flat_map(|s| levels(region, s).into_iter().map(move |l| (s, l)));
        let fitting = fitting.filter(|(_, level)| fits(level));
        fitting.map(|(stream, level)| Source { account, region, stream, share: level.share }).collect()
    }

    fn visible(&self, source: &Source, metric: &str, minute: i64, now: i64) -> Option<Point> {
        let Source { account, region, stream, share } = *source;
        let key = self.key(account, region, stream) ^ noise::hash(&[metric]);
        let grown = self.publishing.grown(key, minute, now)?;
        let tally = self.tally(account, region, stream, minute);
        point(stream, &tally, metric, share * grown)
    }

    fn has_point(
        &self,
        account: &Account,
        region: &Region,
        stream: &Stream,
        metric: &str,
        within: i64,
        now: i64,
    ) -> bool {
        if !self.could_publish(region, stream, metric) {
            return false;
        }
        let source = Source { account, region, stream, share: 1.0 };
        let first = (now - within).max(stream.active.start).div_euclid(60);
        let last = now.min(stream.active.end).div_euclid(60);
        let mut minutes = (first..=last).rev();
        match &stream.demand {
            Demand::Table(table) => table
                .range(first..=last.max(first))
                .any(|(m, _)| self.visible(&source, metric, *m, now).is_some()),
            _ => minutes.any(|m| self.visible(&source, metric, m, now).is_some()),
        }
    }

    /// Whether a stream can ever have a point of the metric: spares a search of two weeks.
    fn could_publish(&self, region: &Region, stream: &Stream, metric: &str) -> bool {
        if matches!(stream.demand, Demand::Table(_)) {
            return true;
        }
        let call = &stream.call;
        let mantle = stream.endpoint != Endpoint::Runtime;
        match metric {
            "Invocations" | "InvocationLatency" | "InputTokenCount" => !mantle,
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

/// A stream, and how much of it a series shows.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    account: &'a Account,
    region: &'a Region,
    stream: &'a Stream,
    share: f64,
}

impl super::world::Publishing {
    /// The part of a minute's value that is visible at `now`; `None`: no point yet.
    fn grown(&self, key: u64, minute: i64, now: i64) -> Option<f64> {
        let age = now - (minute + 1) * 60;
        let late = |salt: u64| noise::unit(key ^ noise::mix(salt), minute);
        let appears = self.earliest + (late(1) * (self.latest - self.earliest) as f64) as i64;
        if age < appears {
            return None;
        }
        Some(if age < self.settled && late(2) < self.growing { 0.5 + 0.45 * late(3) } else { 1.0 })
    }
}

/// A metric's point for a settled minute; `part` of the counts.
fn point(stream: &Stream, tally: &Tally, metric: &str, part: f64) -> Option<Point> {
    let part_of = |n: u64| (n as f64 * part).floor();
    let calls = part_of(tally.invocations);
    let counted = |n: u64| Point { sum: part_of(n), count: part_of(n), min: 1.0, max: 1.0 };
    let amount = |n: u64| {
        let mean = n as f64 / tally.invocations.max(1) as f64;
        Point { sum: part_of(n), count: calls.max(1.0), min: (mean * 0.4).floor(), max: (mean * 2.5).ceil() }
    };
    let duration = |ms: f64| Point { sum: ms * calls, count: calls, min: ms * 0.3, max: ms * 4.0 };
    let spelled = |tokens: bool, n: u64| (stream.cache_tokens_spelling == tokens).then(|| amount(n));
    let point = match metric {
        "Invocations" | "Inferences" => counted(tally.invocations),
        "InvocationThrottles" => counted(tally.throttles),
        // The mantle endpoint publishes no throttles of its own.
        "InferenceClientErrors" => counted(tally.client_errors),
        "InvocationClientErrors" => counted(tally.client_errors),
        "InvocationServerErrors" => counted(tally.server_errors),
        "LegacyModelInvocations" => counted(tally.legacy),
        "InvocationLatency" => duration(tally.latency_ms),
        "TimeToFirstToken" => duration(tally.first_token_ms?),
        "InputTokenCount" | "InputTokens" => amount(tally.input),
        "OutputTokenCount" | "OutputTokens" | "TotalOutputTokens" => amount(tally.output),
        "TotalInputTokens" => amount(tally.input + tally.cache_read + tally.cache_write),
        "CacheReadInputTokenCount" => spelled(false, tally.cache_read)?,
        "CacheWriteInputTokenCount" => spelled(false, tally.cache_write)?,
        "CacheReadInputTokens" => spelled(true, tally.cache_read)?,
        "CacheWriteInputTokens" => spelled(true, tally.cache_write)?,
        "EstimatedTPMQuotaUsage" => amount(tally.estimated?),
        "OutputImageCount" => amount(tally.images),
        _ => return None,
    };
    (point.count > 0.0 && point.sum > 0.0).then_some(point)
}
