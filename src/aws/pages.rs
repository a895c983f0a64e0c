//! Paged lists, at half of AWS's rate.

use super::error::malformed;
use crate::model::snapshot::CollectError;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// More pages than any Bedrock list has (quotas: 9 to 13); beyond it the list is not trusted.
const MOST_PAGES: usize = 500;

/// Ticks at half of AWS's `rate`, given in calls a second per account and region. One list of one target
/// is read by one task at a time, so this is the bucket of that API, account and region.
pub(super) fn pace(rate: u32) -> Interval {
    let mut pace = interval(Duration::from_secs(2) / rate);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// Follows NextToken to the end, also after short and empty pages, at half of AWS's `rate`. A token
/// that comes again is an error, not an endless loop.
pub(super) async fn all<T, F, P>(what: &str, rate: u32, page: F) -> Result<Vec<T>, CollectError>
where
    F: FnMut(Option<String>) -> P,
    P: Future<Output = Result<(Vec<T>, Option<String>), CollectError>>,
{
    paced(what, &mut pace(rate), page).await
}

/// The same at a pace that it shares with other lists.
pub(super) async fn paced<T, F, P>(
    what: &str,
    pace: &mut Interval,
    mut page: F,
) -> Result<Vec<T>, CollectError>
where
    F: FnMut(Option<String>) -> P,
    P: Future<Output = Result<(Vec<T>, Option<String>), CollectError>>,
{
    let mut items = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    loop {
        pace.tick().await;
        let (more, next) = page(seen.last().cloned()).await?;
        items.extend(more);
        let Some(token) = next.filter(|token| !token.is_empty()) else { return Ok(items) };
        if seen.contains(&token) {
            return Err(malformed(
                what,
                format_args!("the NextToken of page {} came before", seen.len() + 1),
            ));
        }
        if seen.len() >= MOST_PAGES {
            return Err(malformed(what, format_args!("more than {MOST_PAGES} pages")));
        }
        seen.push(token);
    }
}
