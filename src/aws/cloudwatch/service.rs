//! The series that measure quotas that are no model's (AWS/Usage, guardrails, batch inference), and those of tiers and
//! projects.

use super::{Asked, LIST, LONGEST_ID, batches};
use crate::aws::connection::Connection;
use crate::aws::error::malformed;
use crate::model::meter::SeriesName;
use crate::model::observation::CollectError;
use crate::model::parts;
use crate::model::service::{Listing, ServiceAnswer, ServiceQuery};
use crate::model::spelling;
use aws_sdk_cloudwatch::types::{Dimension, Metric as SdkMetric};
use std::sync::Arc;

impl Connection {
    /// Every series of these namespaces with a datapoint of the last three hours.
    pub async fn service_series(
        &self,
        listings: impl IntoIterator<Item = &Listing>,
    ) -> Result<Vec<SeriesName>, CollectError> {
        let mut listed = Vec::new();
        for Listing { namespace, service } in listings {
            let service = service.as_deref().map(|service| ("Service", Some(service)));
            let metrics = self.list_metrics(namespace, None, service, true).await?;
            listed.extend(metrics.iter().filter_map(series_name));
        }
        Ok(listed)
    }

    /// Every series of a tier or a project of a model's calls, with a datapoint of the last three hours.
    pub async fn part_series(&self) -> Result<Vec<SeriesName>, CollectError> {
        let mut listed = Vec::new();
        for (endpoint, dimension) in parts::LISTINGS {
            let metrics =
                self.list_metrics(spelling::namespace(endpoint), None, Some((dimension, None)), true).await?;
            listed.extend(metrics.iter().filter_map(series_name));
        }
        series_within_bounds(&listed)?;
        Ok(listed)
    }

    /// Reads series minute by minute. A failed call costs only the series in it: they come back incomplete.
    pub async fn read_service(
        &self,
        mut queries: Vec<ServiceQuery>,
    ) -> (Vec<ServiceAnswer>, Vec<CollectError>) {
        const PERIOD: i32 = 60;
        queries.sort_by(|a, b| (a.from, a.until, &a.series).cmp(&(b.from, b.until, &b.series)));
        queries.dedup();
        let (mut all, mut errors) = (Vec::with_capacity(queries.len()), Vec::new());
        for batch in batches(&queries, PERIOD, |query| (query.from, query.until)) {
            let asked: Vec<Asked> = batch.iter().map(asked).collect();
            let answers = self.read_batch(PERIOD, &asked, batch.len() as u64, &mut errors).await;
            let told = batch.iter().zip(answers);
            all.extend(told.map(|(query, (complete, points))| ServiceAnswer {
                query: query.clone(),
                complete,
                points,
            }));
        }
        (all, errors)
    }
}

/// Tiers and projects of one target come by the hundred; beyond this something makes them without end.
const MOST_PARTS: usize = 50_000;

/// Every dimension becomes a label.
fn series_within_bounds(listed: &[SeriesName]) -> Result<(), CollectError> {
    let values = listed.iter().flat_map(|series| &series.dimensions).map(|(_, value)| value.len());
    let longest = values.max().unwrap_or(0);
    if longest > LONGEST_ID {
        let found = format_args!("found a dimension of {longest} bytes, expected at most {LONGEST_ID}");
        return Err(malformed(LIST, found));
    }
    if listed.len() > MOST_PARTS {
        let found = format_args!(
            "found {} series of tiers and projects, expected at most {MOST_PARTS}; \
             usage.tiers_and_projects: false leaves them out",
            listed.len()
        );
        return Err(malformed(LIST, found));
    }
    Ok(())
}

/// `None` where a name or a value is missing.
fn series_name(metric: &SdkMetric) -> Option<SeriesName> {
    let pair = |dimension: &Dimension| Some((dimension.name.clone()?, dimension.value.clone()?));
    let dimensions: Option<Vec<(String, String)>> = metric.dimensions().iter().map(pair).collect();
    let dimensions = dimensions?;
    let dimensions: Vec<(&str, &str)> =
        dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Some(SeriesName::new(metric.namespace()?, metric.metric_name()?, &dimensions))
}

fn asked(query: &ServiceQuery) -> Asked<'_> {
    let SeriesName { namespace, metric, dimensions } = &query.series;
    let dimension = |(name, value): &(Arc<str>, Arc<str>)| {
        Dimension::builder().name(String::from(&**name)).value(String::from(&**value)).build()
    };
    let dimensions = dimensions.iter().map(dimension).collect();
    let sdk = SdkMetric::builder().namespace(&**namespace).metric_name(&**metric);
    Asked {
        metric: sdk.set_dimensions(Some(dimensions)).build(),
        statistic: &query.statistic,
        window: query.from..query.until,
        called: (metric, query.series.dimension("Resource").unwrap_or(namespace)),
    }
}
