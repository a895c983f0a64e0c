//! The tripwire: the throttles of all ids together, one query a round. It is what makes it safe to read calm
//! ids seldom: while it shows nothing that hot ids do not explain, nobody else is refused.

use super::minutes::{Ages, Cell, History};
use super::request::SeriesRequest;
use super::settings::Settings;
use super::time::{Minute, Timestamp};
use super::usage::{InvocationId, ListedId, Metric, MetricSet, SeriesReading, UsageReading};
use std::sync::Arc;

/// CloudWatch's series without dimensions, as far as ListMetrics has shown such: the throttles and the calls of
/// all ids together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tripwire {
    history: Option<Arc<History>>,
    /// They once held less than their ids together: they are no sums over all of them.
    doubted: MetricSet,
}

impl Tripwire {
    /// What is read: calls are there to be compared, throttles to be found.
    pub(crate) const METRICS: [Metric; 2] = [Metric::Invocations, Metric::Throttles];

    /// Whether the target has series without dimensions at all. CloudWatch lists InvocationThrottles among
    /// them only after a first refusal, so it is asked for before that.
    pub(crate) fn is_shown(&self) -> bool {
        self.history.is_some()
    }

    /// Whether what a series does not hold happened to nobody: only where ListMetrics has shown the series itself.
    ///
    /// A series that was only asked for, and answered nothing, looks the same whether nobody is refused or CloudWatch
    /// has no such series.
    pub(crate) fn is_believed(&self, metric: Metric) -> bool {
        let listed = self.history.as_ref().and_then(|history| history.listed);
        !self.doubted.has(metric) && listed.is_some_and(|listed| listed.has(metric))
    }

    /// The first minute of a metric that is not final; `None` if it was never read.
    pub(crate) fn settled_until(&self, metric: Metric) -> Option<Minute> {
        self.history.as_ref().and_then(|history| history.settled_until(metric))
    }

    pub(crate) fn show(&mut self, listed: &ListedId, at: Timestamp) {
        // No minute counts as quiet before it was listed: throttles are listed only after the first refusal.
        let history = self.history.get_or_insert_with(|| Arc::new(History::new(at, None)));
        Arc::make_mut(history).show(listed, at.minute());
    }

    /// The query of a round; `first`: from where it is read the first time.
    pub(crate) fn request(&self, metric: Metric, first: Minute, until: Minute) -> Option<SeriesRequest> {
        let history = self.history.as_ref()?;
        let from = history.read_from(metric).unwrap_or(first);
        let id = InvocationId::account_wide();
        (from < until).then_some(SeriesRequest { id, metric, from, until })
    }

    pub(crate) fn observe(&mut self, reading: &UsageReading, ages: &Ages) {
        let Some(history) = &mut self.history else { return };
        let answers: Vec<&SeriesReading> =
            Tripwire::METRICS.iter().filter_map(|&metric| answer(reading, metric)).collect();
        if !answers.is_empty() {
            Arc::make_mut(history).ingest(Tripwire::METRICS.into_iter().collect(), &answers, ages);
        }
    }

    /// For good: a sum that was too small once may be so again in the minute that matters.
    pub(crate) fn doubt(&mut self, metric: Metric) {
        self.doubted = self.doubted.with(metric);
    }

    /// The calls of all ids together in a minute; `None` where no series tells.
    pub(crate) fn calls(&self, minute: Minute) -> Option<Cell> {
        let history = self.history.as_ref().filter(|_| self.is_believed(Metric::Invocations))?;
        Some(history.settled_cell(Metric::Invocations, minute))
    }
}

/// What a round answered for all ids together, if it asked.
pub(crate) fn answer(reading: &UsageReading, metric: Metric) -> Option<&SeriesReading> {
    reading.minutes.iter().find(|series| series.id.is_account_wide() && series.metric == metric)
}

/// The first minute a tripwire is read from: every throttle that may still make an id hot.
pub(crate) fn first(settings: &Settings, now: Timestamp) -> Minute {
    settings.closed(now) - settings.lookback_minutes
}
