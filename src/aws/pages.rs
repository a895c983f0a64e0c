//! Paged lists, at half of AWS's rate.

use super::error::malformed;
use crate::model::observation::CollectError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// More pages than any Bedrock list has (quotas: 9 to 13); beyond it the list is not trusted.
const MOST_PAGES: usize = 500;

/// Lets calls through one after another, at half of AWS's rate. Clones share it: it is the bucket of an API,
/// an account and a region.
#[derive(Clone)]
pub(super) struct Pace {
    step: Duration,
    opened: Instant,
    /// The next free place, in nanoseconds since it was opened.
    next: Arc<AtomicU64>,
}

impl Pace {
    /// `rate`: AWS's, in calls a second per account and region.
    pub(super) fn new(rate: u32) -> Pace {
        Pace { step: Duration::from_secs(2) / rate, opened: Instant::now(), next: Arc::default() }
    }

    /// Waits for its turn.
    pub(super) async fn tick(&self) {
        let (now, step) = (self.opened.elapsed().as_nanos() as u64, self.step.as_nanos() as u64);
        let take = |next: u64| Some(next.max(now) + step);
        let place = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let place = place.unwrap_or_else(|place| place).max(now);
        sleep_until(self.opened + Duration::from_nanos(place)).await;
    }
}

/// Reads a paged list of an SDK to its end. `$call` makes the request of `$client`, `$field` of each answer holds its
/// items, of which `$item` makes what is kept.
macro_rules! list {
    ($pace:expr, $what:expr, $client:expr, $call:expr, $field:ident) => {
        $crate::aws::pages::list!($pace, $what, $client, $call, $field, std::convert::identity)
    };
    ($pace:expr, $what:expr, $client:expr, $call:expr, $field:ident, $item:expr) => {
        $crate::aws::pages::paced($what, $pace, |token| {
            let (call, client) = ($call.set_next_token(token), &$client);
            async move {
                let page = call.send().await.map_err(|e| client.failed($what, e))?;
                let items = Option::<Vec<_>>::from(page.$field).unwrap_or_default();
                Ok((items.into_iter().map($item).collect(), page.next_token))
            }
        })
    };
}
pub(super) use list;

/// Follows NextToken to the end, also after short and empty pages, at this pace. A token that
/// comes again is an error, not an endless loop.
pub(super) async fn paced<T, F, P>(what: &str, pace: &Pace, mut page: F) -> Result<Vec<T>, CollectError>
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn all_who_share_a_pace_keep_to_it_together() {
        let pace = Pace::new(200);
        let started = Instant::now();
        join_all((0..10).map(|_| {
            let pace = pace.clone();
            async move { pace.tick().await }
        }))
        .await;
        assert!(started.elapsed() >= Duration::from_millis(90), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_rest_saves_no_places_up() {
        let opened = Instant::now() - Duration::from_secs(1);
        let rested = Pace { opened, ..Pace::new(200) };
        let started = Instant::now();
        for _ in 0..3 {
            rested.tick().await;
        }
        assert!(started.elapsed() >= Duration::from_millis(20), "{:?}", started.elapsed());
    }
}
