//! The picture of a target, read from AWS once.

use crate::aws::Connection;
use crate::daemon::fleet::explore::Found;
use crate::model::catalog::Catalog;
use crate::model::ids::{Endpoint, QuotaKind};
use crate::model::matching::{Index, Rules};
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::quota::QuotaList;
use crate::model::request::SeriesRequest;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, ListedId, Metric};
use crate::picture::{TargetPicture, UsageSpan};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// What the tools read of an id, where CloudWatch lists it.
const METRICS: [Metric; 11] = [
    Metric::Invocations,
    Metric::Throttles,
    Metric::ClientErrors,
    Metric::ServerErrors,
    Metric::InputTokens,
    Metric::OutputTokens,
    Metric::CacheReadTokens,
    Metric::CacheWriteTokens,
    Metric::CacheReadTokensOtherName,
    Metric::CacheWriteTokensOtherName,
    Metric::EstimatedTokens,
];

/// Datapoints that are in memory unpacked, at most: 16 bytes each.
const UNPACKED: usize = 2_000_000;

/// What a target lists. Nothing of it costs more than fractions of a cent.
pub(crate) struct Lists {
    connection: Arc<Connection>,
    picture: TargetPicture,
    /// `None`: CloudWatch could not be asked.
    ids: Option<Vec<ListedId>>,
    rules: Rules,
}

/// Reads quotas, catalog and, where `usage` is wanted, the ids of the last two weeks.
pub(crate) async fn lists(found: Found, tags: &[String], rules: &Rules, usage: bool) -> Lists {
    let Found { connection, account_name } = found;
    let ids = async { if usage { Some(connection.listed_ids(false).await) } else { None } };
    let reserved = async { if usage { Some(connection.reserved_ids().await) } else { None } };
    let ((quotas, quota_errors), (catalog, catalog_errors), ids, reserved) =
        tokio::join!(connection.quotas(), connection.catalog(tags, BTreeSet::new()), ids, reserved);
    let mut troubles = [quota_errors, catalog_errors].concat();
    let ids = ids.and_then(|ids| ids.map_err(|error| troubles.push(error)).ok());
    let picture = TargetPicture {
        target: connection.target.clone(),
        account_name,
        quotas,
        catalog,
        usage: None,
        // The call is the one that lists the ids: its failure is told there.
        reserved: reserved.and_then(Result::ok),
        troubles,
    };
    Lists { connection, picture, ids, rules: rules.clone() }
}

impl Lists {
    /// How many metrics CloudWatch would bill.
    pub(crate) fn metrics(&self) -> u64 {
        let index = self.index();
        self.ids.iter().flatten().map(|listed| wanted(listed, &index).len() as u64).sum()
    }

    fn index(&self) -> Index {
        let (no_quotas, no_catalog) = (QuotaList::default(), Catalog::default());
        let quotas = self.picture.quotas.as_ref().unwrap_or(&no_quotas);
        Index::new(quotas, self.picture.catalog.as_ref().unwrap_or(&no_catalog), &self.rules)
    }

    /// Reads the minutes of `span`; those from `settled` on may still grow. `delay`: seconds that minutes must
    /// be old, and so how wrong the clock here may be.
    pub(crate) async fn read(
        self,
        span: Range<Minute>,
        settled: Minute,
        delay: u64,
        now: Timestamp,
    ) -> TargetPicture {
        let index = self.index();
        let Lists { connection, mut picture, ids, .. } = self;
        let Some(ids) = ids else { return picture };
        if let Some(error) = clock_skew(&connection, delay, now) {
            picture.troubles.push(error);
            return picture;
        }
        let mut usage = UsageSpan::new(span.start, span.end, settled, Vec::new());
        let series: Vec<Vec<SeriesRequest>> =
            ids.iter().map(|listed| requests(listed, &index, &span)).collect();
        let most = UNPACKED / usage.len().max(1);
        let mut rest = &series[..];
        while !rest.is_empty() {
            let (batch, left) = rest.split_at(fitting(rest, most));
            let (readings, errors) = connection.read(60, batch.concat()).await;
            for error in errors {
                if picture.troubles.iter().all(|known| known.class != error.class) {
                    picture.troubles.push(error);
                }
            }
            usage.ids.extend(UsageSpan::new(span.start, span.end, settled, readings).ids);
            rest = left;
        }
        usage.ids.sort_by(|a, b| a.id.cmp(&b.id));
        picture.usage = Some(usage);
        picture
    }
}

/// How many ids together have no more than `most` series; at least one.
fn fitting(ids: &[Vec<SeriesRequest>], most: usize) -> usize {
    let mut series = 0;
    let fits = |id: &&Vec<SeriesRequest>| {
        series += id.len();
        series <= most
    };
    ids.iter().take_while(fits).count().max(1)
}

/// The metrics to read of an id, each by the names that CloudWatch shows it under.
fn wanted(listed: &ListedId, index: &Index) -> Vec<Metric> {
    let ListedId { id, metrics } = listed;
    if id.is_account_wide() {
        return Vec::new();
    }
    let always: &[Metric] = match id.endpoint {
        Endpoint::Runtime => &[Metric::Invocations, Metric::Throttles],
        Endpoint::Mantle => &[Metric::Invocations],
    };
    let concurrent =
        || index.resolve(id).charges.iter().any(|charge| charge.kind == QuotaKind::ConcurrentRequests);
    let latency = metrics.contains(&Metric::LatencyAverage) && concurrent();
    let shown = METRICS.into_iter().filter(|metric| always.contains(metric) || metrics.contains(metric));
    shown.chain(latency.then_some(Metric::LatencyAverage)).collect()
}

fn requests(listed: &ListedId, index: &Index, span: &Range<Minute>) -> Vec<SeriesRequest> {
    let (from, until) = (span.start, span.end);
    let id: &InvocationId = &listed.id;
    let request = |metric| SeriesRequest { id: id.clone(), metric, from, until };
    wanted(listed, index).into_iter().map(request).collect()
}

/// A clock that is wrong would make minutes that are not over look like zeros.
fn clock_skew(connection: &Connection, delay: u64, now: Timestamp) -> Option<CollectError> {
    let server = connection.server_time()?;
    let away = now.since(server).max(server.since(now));
    // The lists before it may have taken a while.
    let allowed = delay / 2 + 60;
    (away > allowed).then(|| {
        let message = format!("cloudwatch: AWS's clock shows {server}, {away} s away from the one here");
        CollectError::new(ErrorClass::ClockSkew, message)
    })
}
