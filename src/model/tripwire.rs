//! The tripwire: the throttles of all ids together, one query a round. It is what makes it safe to read calm
//! ids seldom: while it shows nothing that hot ids do not explain, nobody else is refused.

use super::minutes::{Ages, History};
use super::request::SeriesRequest;
use super::settings::Settings;
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, ListedId, Metric, MetricSet, SeriesReading, UsageReading};
use std::sync::Arc;

/// CloudWatch's InvocationThrottles without dimensions, as far as ListMetrics has shown such series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tripwire {
    history: Option<Arc<History>>,
    /// It once held less than its ids together: it is no sum over all of them.
    doubted: bool,
}

impl Tripwire {
    /// Whether the target has series without dimensions at all. CloudWatch lists InvocationThrottles among
    /// them only after a first refusal, so it is asked for before that.
    pub fn is_shown(&self) -> bool {
        self.history.is_some()
    }

    /// Whether its zeros are everybody's: only where ListMetrics has shown the series itself.
    pub fn is_believed(&self) -> bool {
        !self.doubted
            && self.history.as_ref().is_some_and(|h| h.listed.is_some_and(|l| l.has(Metric::Throttles)))
    }

    pub fn show(&mut self, listed: &ListedId, at: Timestamp) {
        let history = self.history.get_or_insert_with(|| Arc::new(History::new(at, None)));
        Arc::make_mut(history).show(listed);
    }

    /// The query of a round; `first`: from where it is read the first time.
    pub fn request(&self, first: Minute, until: Minute) -> Option<SeriesRequest> {
        let history = self.history.as_ref()?;
        let from = history.settled_until(Metric::Throttles).unwrap_or(first);
        let id = InvocationId::account_wide();
        (from < until).then_some(SeriesRequest { id, metric: Metric::Throttles, from, until })
    }

    pub fn observe(&mut self, reading: &UsageReading, ages: &Ages) {
        let (Some(history), Some(answer)) = (&mut self.history, answer(reading)) else { return };
        Arc::make_mut(history).ingest(MetricSet::default().with(Metric::Throttles), &[answer], ages);
    }

    pub fn doubt(&mut self) {
        self.doubted = true;
    }
}

/// What a round answered for the tripwire, if it was asked.
pub(crate) fn answer(reading: &UsageReading) -> Option<&SeriesReading> {
    reading.minutes.iter().find(|series| series.id.is_account_wide())
}

/// The first minute a tripwire is read from: every throttle that may still make an id hot.
pub(crate) fn first(settings: &Settings, now: Timestamp) -> Minute {
    settings.closed(now) - settings.lookback_minutes
}
