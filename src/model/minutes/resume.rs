//! A history's counters as they outlive the process.

use super::hold::Hold;
use super::resumed::Resumed;
use super::{Ages, Column, History};
use crate::model::counters::{Charge, Counter, IdCounters};
use crate::model::day::Tokens;
use crate::model::time::Minute;
use crate::model::usage::{InvocationId, Metric};
use std::collections::BTreeMap;

impl History {
    /// Goes on where an earlier process stopped.
    pub(crate) fn resume(&mut self, counters: &IdCounters) {
        let from = Minute(counters.from);
        let metric = |(word, counter): (&String, &Counter)| Some((Metric::from_word(word)?, *counter));
        self.resumed = Some(Resumed { from, metrics: counters.metrics.iter().filter_map(metric).collect() });
        if let Some(charge) = &counters.charge {
            let Charge { estimated, input, output, cache_write, .. } = *charge;
            let pending = Tokens { estimated, input, output, cache_write };
            self.charge.resume(pending, charge.charged, charge.total, charge.since.map(Hold::resumed));
        }
    }

    /// What the next process needs to go on from here. `counted_from`: the first minute that this target counts.
    pub(crate) fn counters(&self, id: &InvocationId, counted_from: Minute, idle: i64) -> IdCounters {
        let from = self.open_from(counted_from, idle);
        let mut metrics = BTreeMap::new();
        for column in self.columns.iter().filter(|column| column.metric.is_sum()) {
            let since = |minute: &Minute| *minute >= column.counted_from;
            let again = self.kept_from(from).filter(since);
            let again: f64 = again.filter_map(|minute| column.cell(self.first, minute).point()).sum();
            let counter = Counter {
                before: (column.total - again).max(0.0),
                total: column.published(),
                born: column.hold.kept(),
            };
            metrics.insert(column.metric.word().to_string(), counter);
        }
        for (metric, counter) in self.resumed.iter().flat_map(|resumed| &resumed.metrics) {
            // Nothing of it was read since: all of it lies before, unless nothing at all was read.
            let before = if self.is_unread() { counter.before } else { counter.total };
            metrics.insert(metric.word().to_string(), Counter { before, ..*counter });
        }
        let endpoint = id.endpoint.word().to_string();
        IdCounters { endpoint, id: id.id.to_string(), from: from.0, metrics, charge: self.kept_charge(from) }
    }

    fn is_unread(&self) -> bool {
        self.first.0 == i64::MIN
    }

    /// The first minute that may still change, or is not counted yet, of any metric.
    fn open_from(&self, counted_from: Minute, idle: i64) -> Minute {
        let resumed = self.resumed.as_ref().map(|resumed| resumed.from);
        if self.is_unread() {
            return resumed.unwrap_or(counted_from);
        }
        // What an idle id is not asked for happened in no minute since.
        let idle = self.is_idle(idle);
        let asked = |column: &&Column| !idle || Metric::OF_IDLE.contains(&column.metric);
        let sums = self.columns.iter().filter(|column| column.metric.is_sum());
        let open = sums.filter(asked).map(|column| column.read_from().unwrap_or(self.first)).min();
        open.unwrap_or(self.first).max(self.first).max(counted_from).max(resumed.unwrap_or(counted_from))
    }

    fn kept_from(&self, from: Minute) -> impl Iterator<Item = Minute> {
        let known = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        from.max(self.first).until(Minute(self.first.0.saturating_add(known as i64)))
    }

    /// The charge less the minutes from `from` on that are in it.
    fn kept_charge(&self, from: Minute) -> Option<Charge> {
        let (mut pending, charged, total, since) = self.charge.kept();
        let waits = |minute: &Minute| self.charge.waiting.contains(minute);
        if let Some(taken_until) = self.taken_until {
            let again = from.until(taken_until).filter(|minute| !waits(minute));
            pending = again.fold(pending, |pending, minute| pending - self.tokens(minute));
        }
        // Those that wait although they lie before are not read again.
        let before = self.charge.waiting.iter().filter(|minute| **minute < from);
        pending = before.fold(pending, |pending, minute| pending + self.tokens(*minute));
        let Tokens { estimated, input, output, cache_write } = pending;
        let since = since.map(Hold::kept);
        let counts = self.taken_until.is_some() || since.is_some();
        let charged = charged.max(0.0);
        counts.then_some(Charge { total, charged, estimated, input, output, cache_write, since })
    }

    /// From where a metric is read that was not read yet, so that its counter misses nothing: only where an earlier
    /// process had counted it.
    pub(crate) fn resumes_from(&self, metric: Metric) -> Option<Minute> {
        let resumed = self.resumed.as_ref()?;
        let is_unread = match self.column(metric) {
            Some(column) => column.settled.is_none(),
            None => resumed.has(metric),
        };
        is_unread.then_some(resumed.from)
    }

    /// The first minute that the charge counts.
    pub(super) fn charged_from(&self, ages: &Ages) -> Minute {
        let resumed = self.resumed.as_ref().map(|resumed| resumed.from);
        resumed.map_or(ages.counted_from, |from| from.max(ages.counted_from))
    }
}
