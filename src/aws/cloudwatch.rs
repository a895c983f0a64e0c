//! CloudWatch: which ids have metrics, and their minutes.

mod service;

use super::connection::Connection;
use super::error::malformed;
use super::pages::{self, list};
use crate::model::budget::DOLLARS_PER_METRIC;
use crate::model::ids::Endpoint;
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::request::SeriesRequest;
use crate::model::spelling;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, ListedId, Metric, QUERIES_PER_CALL, SeriesReading};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, DimensionFilter, Metric as SdkMetric, MetricDataQuery, MetricDataResult, MetricStat,
    RecentlyActive, ScanBy, StatusCode,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const LIST: &str = "cloudwatch:ListMetrics";
const DATA: &str = "cloudwatch:GetMetricData";
/// GetMetricData's limit, per call.
const MOST_DATAPOINTS: i64 = 100_800;
/// CloudWatch's own limit of a dimension's value.
const LONGEST_ID: usize = 1_024;
/// Of one target. Application profiles come by the hundred; beyond this something makes them without end.
const MOST_IDS: usize = 10_000;
/// Beyond it a count is none: a thousand times what the largest daily quotas allow.
pub(super) const MOST: f64 = 1e15;

impl Connection {
    /// The ids that have metrics under their exact id-only dimension set, and the account-wide one if there
    /// are metrics without dimensions. `recent`: only those with a datapoint of the last three hours, else of
    /// the last two weeks.
    pub async fn listed_ids(&self, recent: bool) -> Result<Vec<ListedId>, CollectError> {
        let mut listed: BTreeMap<InvocationId, Vec<Metric>> = BTreeMap::new();
        for endpoint in Endpoint::ALL {
            let metrics = self.list_metrics(spelling::namespace(*endpoint), None, None, recent).await?;
            for metric in metrics {
                let Some(name) = &metric.metric_name else { continue };
                if let Some(id) = listed_id(*endpoint, metric.dimensions()) {
                    listed.entry(id).or_default().extend(spelling::metrics(*endpoint, name));
                }
            }
        }
        within_bounds(&listed)?;
        Ok(listed.into_iter().map(|(id, metrics)| ListedId { id, metrics }).collect())
    }

    /// What ListMetrics shows of a namespace, narrowed by a metric's name, and by a dimension's name and maybe value.
    async fn list_metrics(
        &self,
        namespace: &str,
        metric: Option<&str>,
        dimension: Option<(&str, Option<&str>)>,
        recent: bool,
    ) -> Result<Vec<SdkMetric>, CollectError> {
        let (client, owner) = (self.cloudwatch(), self.owner());
        let filter = dimension.map(|(name, value)| {
            DimensionFilter::builder().name(name).set_value(value.map(String::from)).build()
        });
        pages::paced(LIST, &self.paces.list, |token| {
            let client = &client;
            let call =
                client.list_metrics().namespace(namespace).set_dimensions(filter.clone().map(|f| vec![f]));
            let call = call.set_metric_name(metric.map(String::from));
            let call = call.set_owning_account(owner.map(String::from));
            let call = call.set_include_linked_accounts(owner.map(|_| true));
            let call = call.set_recently_active(recent.then_some(RecentlyActive::Pt3H)).set_next_token(token);
            async move {
                let page = call.send().await.map_err(|e| client.failed(LIST, e))?;
                let (metrics, owners) = (page.metrics.unwrap_or_default(), page.owning_accounts);
                Ok((owned(owner, metrics, owners.unwrap_or_default())?, page.next_token))
            }
        })
        .await
    }

    /// The ids of which calls of the last two weeks were served by the reserved tier, which no other list shows.
    pub async fn reserved_ids(&self) -> Result<BTreeSet<String>, CollectError> {
        let namespace = spelling::namespace(Endpoint::Runtime);
        let (name, value) = spelling::RESERVED;
        let reserved = Some((name, Some(value)));
        let metrics = self.list_metrics(namespace, Some("Invocations"), reserved, false).await?;
        let dimensions = metrics.iter().flat_map(|metric| metric.dimensions());
        let ids = dimensions.filter(|one| one.name() == Some(spelling::dimension(Endpoint::Runtime)));
        Ok(ids.filter_map(|id| id.value().map(String::from)).collect())
    }

    /// Reads series at a period of `period` seconds: 60, or 3600 for closed hours. A failed call or page
    /// costs only the series in it: they come back incomplete.
    pub async fn read(
        &self,
        period: i32,
        mut series: Vec<SeriesRequest>,
    ) -> (Vec<SeriesReading>, Vec<CollectError>) {
        // Windows are free, queries are billed: what has the same window goes together, and the statistics
        // of one metric stand next to each other, since up to five of them are billed once.
        series.sort_by(|a, b| (a.from, a.until, &a.id, a.metric).cmp(&(b.from, b.until, &b.id, b.metric)));
        series.dedup();
        let (mut readings, mut errors) = (Vec::with_capacity(series.len()), Vec::new());
        for batch in batches(&series, period, |series| (series.from, series.until)) {
            let asked: Vec<Asked> = batch.iter().map(Asked::of).collect();
            let answers = self.read_batch(period, &asked, billed(batch), &mut errors).await;
            let readings_of = batch.iter().zip(answers).map(|(series, (complete, points))| SeriesReading {
                id: series.id.clone(),
                metric: series.metric.canonical(),
                from: series.from,
                until: series.until,
                complete,
                points,
            });
            readings.extend(readings_of);
        }
        (readings, errors)
    }

    /// Makes one call. Of each series: whether its answer is complete, and its points.
    async fn read_batch(
        &self,
        period: i32,
        batch: &[Asked<'_>],
        billed: u64,
        errors: &mut Vec<CollectError>,
    ) -> Vec<(bool, Vec<(Minute, f64)>)> {
        let from = batch.iter().map(|asked| asked.window.start).min().unwrap_or_default();
        let until = batch.iter().map(|asked| asked.window.end).max().unwrap_or_default();
        let (client, owner) = (self.cloudwatch(), self.owner());
        let queries: Vec<MetricDataQuery> =
            batch.iter().enumerate().map(|(n, asked)| query(n, asked, period, owner)).collect();
        self.telemetry.metrics_requested(billed);
        self.telemetry.cost_dollars(billed as f64 * DOLLARS_PER_METRIC);
        let call = || {
            let call = client.get_metric_data().set_metric_data_queries(Some(queries.clone()));
            let call = call.start_time(DateTime::from_secs(from.start().0));
            call.end_time(DateTime::from_secs(until.start().0)).scan_by(ScanBy::TimestampAscending)
        };
        let results = list!(&self.paces.data, DATA, client, call(), metric_data_results).await;
        let mut answers: Vec<Answer> = batch.iter().map(|_| Answer::default()).collect();
        match results {
            Ok(results) => {
                results.into_iter().for_each(|result| take(result, &mut answers, errors));
                let told = batch.iter().zip(&answers);
                told.filter_map(|(asked, answer)| untold(asked, answer)).for_each(|e| say(errors, e));
            }
            Err(error) => say(errors, error),
        }
        let answered = batch.iter().zip(answers);
        answered.map(|(asked, answer)| points(asked, from..until, answer, errors)).collect()
    }
}

/// One query of GetMetricData, and what it is called in a message.
struct Asked<'a> {
    metric: SdkMetric,
    statistic: &'a str,
    window: Range<Minute>,
    /// The metric, and whose it is.
    called: (&'a str, &'a str),
}

impl<'a> Asked<'a> {
    fn of(series: &'a SeriesRequest) -> Asked<'a> {
        let endpoint = series.id.endpoint;
        let (name, statistic) = spelling::query(endpoint, series.metric);
        let dimension = Dimension::builder().name(spelling::dimension(endpoint)).value(series.id.id.as_ref());
        let dimensions = (!series.id.is_account_wide()).then(|| vec![dimension.build()]);
        let metric = SdkMetric::builder().namespace(spelling::namespace(endpoint)).metric_name(name);
        Asked {
            metric: metric.set_dimensions(dimensions).build(),
            statistic,
            window: series.from..series.until,
            called: (series.metric.word(), &series.id.id),
        }
    }
}

/// The metrics of that account; without one, all.
fn owned(
    owner: Option<&str>,
    metrics: Vec<SdkMetric>,
    owners: Vec<String>,
) -> Result<Vec<SdkMetric>, CollectError> {
    let Some(owner) = owner else { return Ok(metrics) };
    if metrics.len() != owners.len() {
        let (metrics, owners) = (metrics.len(), owners.len());
        return Err(malformed(LIST, format_args!("{metrics} metrics, but {owners} accounts that own them")));
    }
    let all = metrics.into_iter().zip(owners);
    Ok(all.filter(|(_, of)| of == owner).map(|(metric, _)| metric).collect())
}

/// Every id becomes a label of dozens of series.
fn within_bounds<T>(listed: &BTreeMap<InvocationId, T>) -> Result<(), CollectError> {
    let longest = listed.keys().map(|id| id.id.len()).max().unwrap_or(0);
    if longest > LONGEST_ID {
        let found = format_args!("found an id of {longest} bytes, expected at most {LONGEST_ID}");
        return Err(malformed(LIST, found));
    }
    if listed.len() > MOST_IDS {
        let found = format_args!("found {} ids, expected at most {MOST_IDS}", listed.len());
        return Err(malformed(LIST, found));
    }
    Ok(())
}

/// What was answered for one query, page by page.
#[derive(Default)]
struct Answer {
    /// Pages before the last say PartialData: the last word counts.
    status: Option<StatusCode>,
    /// A page had not as many values as timestamps: nobody knows which minute is missing.
    uneven: bool,
    points: Vec<(i64, f64)>,
}

/// One trouble is told once, not for each of five hundred series.
fn say(errors: &mut Vec<CollectError>, error: CollectError) {
    if errors.iter().all(|said| said.class != error.class) {
        errors.push(error);
    }
}

/// Up to 500 queries and 100,800 datapoints each.
fn batches<T>(series: &[T], period: i32, window: impl Fn(&T) -> (Minute, Minute)) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let mut rest = series;
    while !rest.is_empty() {
        let (mut from, mut until) = window(&rest[0]);
        let fits = |n: usize, from: Minute, until: Minute| {
            let points = (until.0 - from.0) * 60 / i64::from(period);
            n <= QUERIES_PER_CALL && points * n as i64 <= MOST_DATAPOINTS
        };
        let mut n = 1;
        while n < rest.len() {
            let (next_from, next_until) = window(&rest[n]);
            let (wider_from, wider_until) = (from.min(next_from), until.max(next_until));
            if !fits(n + 1, wider_from, wider_until) {
                break;
            }
            (from, until) = (wider_from, wider_until);
            n += 1;
        }
        let (batch, left) = rest.split_at(n);
        batches.push(batch);
        rest = left;
    }
    batches
}

/// Whose series it is; `None` where the dimensions are neither an id alone nor none at all.
fn listed_id(endpoint: Endpoint, dimensions: &[Dimension]) -> Option<InvocationId> {
    match dimensions {
        [] if endpoint == Endpoint::Runtime => Some(InvocationId::account_wide()),
        [dimension] if dimension.name() == Some(spelling::dimension(endpoint)) => {
            Some(InvocationId { endpoint, id: dimension.value().filter(|id| !id.is_empty())?.into() })
        }
        _ => None,
    }
}

fn query(n: usize, asked: &Asked, period: i32, owner: Option<&str>) -> MetricDataQuery {
    let stat =
        MetricStat::builder().metric(asked.metric.clone()).period(period).stat(asked.statistic).build();
    let query = MetricDataQuery::builder().id(format!("q{n}")).metric_stat(stat).return_data(true);
    query.set_account_id(owner.map(String::from)).build()
}

/// How many metrics AWS bills for a call.
fn billed(batch: &[SeriesRequest]) -> u64 {
    let billed: BTreeSet<(&InvocationId, Metric)> =
        batch.iter().map(|series| (&series.id, series.metric.billed_as())).collect();
    billed.len() as u64
}

fn take(result: MetricDataResult, answers: &mut [Answer], errors: &mut Vec<CollectError>) {
    let number = result.id().and_then(|id| id.strip_prefix('q')).and_then(|n| n.parse::<usize>().ok());
    let Some(answer) = number.and_then(|n| answers.get_mut(n)) else {
        let found = format_args!("a result with Id {:?} that was not asked", result.id());
        return say(errors, malformed(DATA, found));
    };
    answer.status = result.status_code;
    let stamps = result.timestamps.unwrap_or_default();
    let values = result.values.unwrap_or_default();
    if stamps.len() == values.len() {
        answer.points.extend(stamps.iter().map(DateTime::secs).zip(values));
    } else {
        answer.uneven = true;
    }
}

/// Why the last page's word for a series is not Complete.
fn untold(asked: &Asked, answer: &Answer) -> Option<CollectError> {
    let (class, found) = match &answer.status {
        _ if answer.uneven => (ErrorClass::Malformed, "not as many values as timestamps"),
        Some(StatusCode::Complete) => return None,
        Some(StatusCode::InternalError) => (ErrorClass::Server, "InternalError"),
        Some(StatusCode::PartialData) => (ErrorClass::Server, "PartialData on the last page"),
        Some(StatusCode::Forbidden) => (ErrorClass::AccessDenied, "Forbidden"),
        Some(_) => (ErrorClass::Malformed, "an unknown StatusCode"),
        None => (ErrorClass::Malformed, "no result"),
    };
    let (metric, id) = asked.called;
    let message = format!("{DATA}: {found} for {metric} of {id}");
    Some(CollectError::new(class, message))
}

/// Takes the points that can be what AWS means. `window`: what the call asked for, wider than the series'
/// own where calls are shared. An answer with anything else in it is not complete: what it leaves out is
/// unknown, not 0. Once a point is of another time than was asked for, nobody knows of which minutes the
/// others are: none is taken.
fn points(
    asked: &Asked,
    window: Range<Minute>,
    answer: Answer,
    errors: &mut Vec<CollectError>,
) -> (bool, Vec<(Minute, f64)>) {
    let mut complete = answer.status == Some(StatusCode::Complete) && !answer.uneven;
    let mut points = Vec::with_capacity(answer.points.len());
    // AWS's EndTime is exclusive; a server that counts it in says nothing wrong, only too much.
    let is_of_call = |at: i64| (window.start..=window.end).contains(&Timestamp(at).minute());
    let timely = answer.points.iter().all(|(at, _)| is_of_call(*at));
    for (at, value) in answer.points {
        let minute = Timestamp(at).minute();
        if (0.0..MOST).contains(&value) && timely {
            points.extend(asked.window.contains(&minute).then_some((minute, value)));
            continue;
        }
        complete = false;
        if (0.0..MOST).contains(&value) && is_of_call(at) {
            continue; // the one that is of another time is told
        }
        let (at, (metric, id)) = (Timestamp(at), asked.called);
        say(errors, malformed(DATA, format_args!("{value} at {at} is no datapoint of {metric} of {id}")));
    }
    (complete, points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(id: &str, metric: Metric, from: i64, until: i64) -> SeriesRequest {
        SeriesRequest { id: InvocationId::runtime(id), metric, from: Minute(from), until: Minute(until) }
    }

    #[test]
    fn five_statistics_of_a_metric_are_billed_once() {
        let latencies = [
            Metric::LatencyAverage,
            Metric::LatencyP50,
            Metric::LatencyP90,
            Metric::LatencyP99,
            Metric::LatencyMaximum,
        ];
        let batch: Vec<_> = latencies.map(|metric| series("a", metric, 0, 5)).to_vec();
        assert_eq!(billed(&batch), 1);
        assert_eq!(
            billed(&[series("a", Metric::Invocations, 0, 5), series("b", Metric::Invocations, 0, 5)]),
            2
        );
    }

    #[test]
    fn only_metrics_of_the_account_that_was_asked_about_are_its() {
        let metric = |name: &str| SdkMetric::builder().metric_name(name).build();
        let owned = |owner, owners: &[&str]| {
            let owners = owners.iter().map(|owner| owner.to_string()).collect();
            let metrics = super::owned(owner, vec![metric("A"), metric("B")], owners);
            metrics.map(|metrics| metrics.iter().filter_map(|m| m.metric_name.clone()).collect::<String>())
        };
        assert_eq!(owned(Some("1"), &["2", "1"]), Ok("B".to_string()));
        assert_eq!(owned(None, &[]), Ok("AB".to_string()));
        let why = format!("{LIST}: 2 metrics, but 0 accounts that own them");
        assert_eq!(
            owned(Some("1"), &[]).map_err(|error| error.message),
            Err(why),
            "no monitoring account's answer"
        );
    }

    #[test]
    fn a_call_holds_at_most_500_queries_and_100800_datapoints() {
        let window = |series: &SeriesRequest| (series.from, series.until);
        let short: Vec<_> = (0..1001).map(|n| series(&n.to_string(), Metric::Invocations, 0, 5)).collect();
        assert_eq!(batches(&short, 60, window).iter().map(|b| b.len()).collect::<Vec<_>>(), [500, 500, 1]);
        let days: Vec<_> =
            (0..20).map(|n| series(&n.to_string(), Metric::Invocations, 0, 15 * 1440)).collect();
        assert_eq!(batches(&days, 60, window).iter().map(|b| b.len()).collect::<Vec<_>>(), [4, 4, 4, 4, 4]);
        assert_eq!(batches(&days, 3600, window).len(), 1);
    }

    #[test]
    fn points_outside_the_window_and_impossible_values_are_not_taken() {
        let read = |points: &[(i64, f64)]| {
            let answer =
                Answer { status: Some(StatusCode::Complete), points: points.to_vec(), uneven: false };
            let mut errors = Vec::new();
            let window = Minute(0)..Minute(5);
            let series = series("a", Metric::Invocations, 1, 5);
            let (complete, points) = super::points(&Asked::of(&series), window, answer, &mut errors);
            (points, complete, errors.iter().map(|e| e.class).collect::<Vec<_>>())
        };
        let good = vec![(Minute(1), 2.0)];
        assert_eq!(read(&[(0, 1.0), (60, 2.0)]), (good.clone(), true, vec![]), "another series' minute");
        for bad in [(120, f64::NAN), (120, -1.0), (120, 1e300)] {
            assert_eq!(read(&[(60, 2.0), bad, bad]), (good.clone(), false, vec![ErrorClass::Malformed]));
        }
        for displaced in [(600, 9.0), (-60, 9.0)] {
            assert_eq!(read(&[(60, 2.0), displaced]), (vec![], false, vec![ErrorClass::Malformed]));
        }
    }

    #[test]
    fn ids_without_end_are_refused() {
        let check = |ids: &mut dyn Iterator<Item = String>| {
            let listed = ids.map(|id| (InvocationId::runtime(&id), ())).collect();
            within_bounds(&listed).map_err(|error| error.message)
        };
        assert_eq!(check(&mut (0..10_000).map(|n| n.to_string())), Ok(()));
        let many = format!("{LIST}: found 10001 ids, expected at most 10000");
        assert_eq!(check(&mut (0..10_001).map(|n| n.to_string())), Err(many));
        let long = format!("{LIST}: found an id of 1025 bytes, expected at most 1024");
        assert_eq!(check(&mut ["a".repeat(1_025)].into_iter()), Err(long));
    }

    #[test]
    fn a_series_without_a_last_word_is_said_once_for_all() {
        let series = series("a", Metric::Invocations, 1, 5);
        let series = Asked::of(&series);
        let class = |status| untold(&series, &Answer { status, ..Answer::default() }).map(|e| e.class);
        assert_eq!(class(Some(StatusCode::Complete)), None);
        assert_eq!(class(Some(StatusCode::PartialData)), Some(ErrorClass::Server));
        assert_eq!(class(Some(StatusCode::Forbidden)), Some(ErrorClass::AccessDenied));
        assert_eq!(class(Some("Tired".into())), Some(ErrorClass::Malformed));
        let error = untold(&series, &Answer::default()).unwrap();
        assert_eq!(error.message, format!("{DATA}: no result for invocations of a"));
        let mut errors = Vec::new();
        (0..500).for_each(|_| say(&mut errors, error.clone()));
        assert_eq!(errors, [error]);
    }
}
