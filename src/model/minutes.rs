//! The minutes of one invocation id: what CloudWatch answered, what has settled, what was counted.

mod ages;
mod answer;
mod cells;
mod charge;
mod column;
mod hold;
mod resume;
mod resumed;
mod spending;
mod young;

pub(crate) use ages::Ages;
pub(crate) use cells::Cell;

use super::day::{Day, Tokens};
use super::settings::Settings;
use super::time::{Minute, Timestamp};
use super::usage::{ListedId, Metric, MetricSet, SeriesReading};
use answer::{Answer, answers};
use charge::ChargeCounter;
use column::Column;
use hold::Hold;
use resumed::Resumed;
use young::Young;

/// How long minutes wait in memory for a metric that keeps failing while others are read: an outage of
/// one metric up to this long loses nothing of the charge, and memory stays bounded.
const BACKLOG: i64 = 6 * 60;

/// Everything remembered of one invocation id.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// What ListMetrics has shown for it; `None` if it never showed the id.
    pub listed: Option<MetricSet>,
    /// The same by the names they were shown under.
    named: MetricSet,
    /// When it became known.
    pub since: Timestamp,
    pub last_datapoint: Option<Minute>,
    /// Before this minute ListMetrics did not show the id though it was asked: it had no traffic.
    quiet_before: Option<Minute>,
    /// The first minute kept.
    first: Minute,
    columns: Vec<Column>,
    /// Where the column of a metric stands, plus 1; 0: it has none.
    places: [u8; Metric::ALL.len()],
    /// The first minute asked for of every token metric.
    start: Minute,
    /// Every minute before it is in `day`, and counted in `charge` or waiting there.
    taken_until: Option<Minute>,
    pub day: Day,
    charge: ChargeCounter,
    /// The first minute in which calls were seen.
    first_call: Option<Minute>,
    /// ListMetrics was asked late enough to show whatever was published before this minute.
    listing_covers: Option<Minute>,
    /// Where an earlier process stopped counting.
    resumed: Option<Resumed>,
    /// Minutes that are not closed yet.
    young: Young,
}

impl History {
    pub(crate) fn new(since: Timestamp, quiet_before: Option<Minute>) -> History {
        History {
            listed: None,
            named: MetricSet::default(),
            since,
            last_datapoint: None,
            quiet_before,
            first: Minute(i64::MIN),
            columns: Vec::new(),
            places: [0; Metric::ALL.len()],
            start: Minute(i64::MIN),
            taken_until: None,
            day: Day::default(),
            charge: ChargeCounter::default(),
            first_call: None,
            listing_covers: None,
            resumed: None,
            young: Young::default(),
        }
    }

    /// ListMetrics shows these metrics of it, and would show any published before the minute `covers`.
    pub(crate) fn show(&mut self, listed: &ListedId, covers: Minute) {
        self.listing_covers = self.listing_covers.max(Some(covers));
        let metrics = listed.metrics.iter().map(|metric| metric.canonical()).collect();
        self.listed = Some(self.listed.unwrap_or_default().union(metrics));
        self.named = self.named.union(listed.metrics.iter().copied().collect());
    }

    /// The names to ask for a metric by: those ListMetrics shows, else its usual one.
    pub(crate) fn names(&self, metric: Metric) -> impl Iterator<Item = Metric> {
        let shown = self.named.iter().filter(move |name| name.canonical() == metric);
        let none = shown.clone().next().is_none();
        shown.chain(none.then_some(metric))
    }

    /// Whether ListMetrics shows a metric, or an answer held it.
    pub(crate) fn publishes(&self, metric: Metric) -> bool {
        match self.listed {
            Some(listed) => listed.has(metric),
            None => self.column(metric).is_some(),
        }
    }

    /// Whether ListMetrics shows InvocationLatency.
    pub(crate) fn publishes_latency(&self) -> bool {
        self.listed.is_some_and(|listed| listed.has_any_statistic_of(Metric::LatencyAverage))
    }

    /// The token metrics asked for.
    pub(crate) fn token_metrics(&self) -> impl Iterator<Item = Metric> {
        self.metrics().filter(|metric| Tokens::METRICS.contains(metric))
    }

    pub(crate) fn cell(&self, metric: Metric, minute: Minute) -> Cell {
        match self.column(metric) {
            Some(column) => column.cell(self.first, minute),
            None if self.may_yet_be_listed(metric, minute) => Cell::Unknown,
            // ListMetrics shows what has datapoints: a sum that it does not show has none. A latency may not be asked for.
            None if self.listed.is_some() && metric.is_sum() => Cell::Absent,
            None => Cell::Unknown,
        }
    }

    /// Whether calls of that minute have spent tokens that ListMetrics does not show yet: it shows the metrics of
    /// a new id one by one.
    fn may_yet_be_listed(&self, metric: Metric, minute: Minute) -> bool {
        let tokens = [Metric::InputTokens, Metric::OutputTokens].contains(&metric);
        tokens && !self.is_wholly_listed() && self.cell(Metric::Invocations, minute).sum() != Some(0.0)
    }

    /// Whether ListMetrics was asked late enough after the first call to show all that the id publishes.
    fn is_wholly_listed(&self) -> bool {
        self.first_call.is_none_or(|call| Some(call) < self.listing_covers)
    }

    /// The calls refused in a minute, if any datapoint says so.
    pub(crate) fn throttles(&self, minute: Minute) -> Option<f64> {
        self.cell(Metric::Throttles, minute).point()
    }

    /// Whether calls are known to have been refused in a minute: a fact however young it is.
    pub(crate) fn is_throttled(&self, minute: Minute) -> bool {
        let throttles = self.throttles(minute).or_else(|| self.young.point(Metric::Throttles, minute));
        throttles.is_some_and(|throttles| throttles > 0.0)
    }

    /// Calls and refusals of a minute whose calls are published: of one that is not closed, what is seen of it.
    pub(crate) fn attempts(&self, minute: Minute) -> Option<(f64, f64)> {
        let point = |metric| self.cell(metric, minute).point().or_else(|| self.young.point(metric, minute));
        match self.cell(Metric::Invocations, minute) {
            // Of a steady id a minute without calls is late, or all of them are refused: nobody can tell.
            Cell::Absent if !self.is_steady(Metric::Invocations) => {
                Some((0.0, point(Metric::Throttles).unwrap_or(0.0)))
            }
            _ => Some((point(Metric::Invocations)?, point(Metric::Throttles).unwrap_or(0.0))),
        }
    }

    /// As `cell`, and unknown while the minute may still grow.
    pub(crate) fn settled_cell(&self, metric: Metric, minute: Minute) -> Cell {
        match self.column(metric) {
            Some(column) if column.growing.contains(&minute) => Cell::Unknown,
            _ => self.cell(metric, minute),
        }
    }

    /// The first minute of a metric that is not final; `None` if it was never read.
    pub(crate) fn settled_until(&self, metric: Metric) -> Option<Minute> {
        self.column(metric).and_then(|column| column.settled)
    }

    /// From where a metric must be read again; `None` if it never was.
    pub(crate) fn read_from(&self, metric: Metric) -> Option<Minute> {
        self.column(metric).and_then(Column::read_from)
    }

    /// Whether a metric had datapoints in nearly every minute until its last one.
    pub(crate) fn is_steady(&self, metric: Metric) -> bool {
        self.column(metric).is_some_and(|column| column.steady(self.first).is_some())
    }

    /// Whether AWS estimates the tokens of every minute with calls, as far as minutes are kept.
    pub(crate) fn is_estimated(&self) -> bool {
        let read = [Metric::Invocations, Metric::EstimatedTokens].map(|metric| self.settled_until(metric));
        let mut minutes = self.first.until(read.into_iter().min().flatten().unwrap_or(self.first));
        let is_missing = |minute: Minute| {
            self.cell(Metric::Invocations, minute).point() > Some(0.0)
                && self.cell(Metric::EstimatedTokens, minute).point().is_none()
        };
        self.publishes(Metric::EstimatedTokens) && !minutes.any(is_missing)
    }

    /// The first minute not read of every metric asked for; of an idle id, of those that tell it is idle. `late`: by how
    /// many minutes those may be behind that are not decisive.
    pub(crate) fn read_until(&self, decisive: MetricSet, late: i64, idle: i64) -> Option<Minute> {
        let idle = self.is_idle(idle);
        let tells =
            |column: &&Column| !idle || [Metric::Invocations, Metric::Throttles].contains(&column.metric);
        let read = |column: &Column| {
            let mut minute = column.settled.filter(|_| !column.cells.is_empty())?;
            while column.cell(self.first, minute) != Cell::Unknown {
                minute = minute + 1;
            }
            let may_be_late = !decisive.has(column.metric.billed_as());
            Some(if may_be_late { minute + late } else { minute })
        };
        let mut read = self.columns.iter().filter(tells).map(read);
        read.try_fold(Minute(i64::MAX), |min, read| Some(min.min(read?)))
    }

    /// Whether every metric was read until so many minutes after the last datapoint. Then Invocations tell
    /// whether the others have anything to say.
    pub(crate) fn is_idle(&self, minutes: i64) -> bool {
        let from = self.idle_from(minutes);
        // Every metric, not the calls alone: of an id whose calls all fail only errors have datapoints.
        let silent = |column: &Column| column.settled.is_some_and(|settled| settled >= from);
        !self.columns.is_empty() && self.columns.iter().all(silent)
    }

    /// Whether an idle id is known to have done nothing in a minute, though only its Invocations were read:
    /// a minute without calls, so long after the last datapoint, spends nothing of any quota.
    pub(crate) fn did_nothing(&self, minute: Minute, invocations: Cell, idle: i64) -> bool {
        minute >= self.idle_from(idle) && invocations.sum() == Some(0.0)
    }

    fn idle_from(&self, minutes: i64) -> Minute {
        let from = self.last_datapoint.map_or(self.start, |last| self.start.max(last + 1));
        Minute(from.0.saturating_add(minutes))
    }

    /// The counters of the Sum metrics asked for, as they are published.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (Metric, f64)> {
        self.metrics().filter_map(|metric| Some((metric, self.total(metric)?)))
    }

    /// The counter of one of them.
    pub(crate) fn total(&self, metric: Metric) -> Option<f64> {
        let column = self.column(metric).filter(|_| metric.is_sum())?;
        Some(if column.hold.is_over() { column.published() } else { 0.0 })
    }

    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.columns.iter().map(|column| column.metric)
    }

    /// Whether `release` has something to do.
    pub(crate) fn is_release_due(&self, settings: &Settings, now: Timestamp) -> bool {
        self.holds().any(|hold| hold.turns(settings.counter_hold, now))
    }

    /// Lets counters go from 0 that were held there for long enough.
    pub(crate) fn release(&mut self, settings: &Settings, now: Timestamp) {
        let holds = self.columns.iter_mut().map(|column| &mut column.hold).chain(self.charge.hold_mut());
        holds.for_each(|hold| hold.turn(settings.counter_hold, now));
    }

    /// The next moment at which a counter is let go from 0.
    pub(crate) fn next_release(&self, settings: &Settings) -> Option<Timestamp> {
        self.holds().filter_map(|hold| hold.end(settings.counter_hold)).min()
    }

    fn holds(&self) -> impl Iterator<Item = Hold> {
        self.columns.iter().map(|column| column.hold).chain(self.charge.hold())
    }

    fn column(&self, metric: Metric) -> Option<&Column> {
        usize::from(self.places[metric as usize]).checked_sub(1).map(|place| &self.columns[place])
    }

    /// Takes in the answers of one round for this id.
    pub(crate) fn ingest(&mut self, wanted: MetricSet, readings: &[&SeriesReading], ages: &Ages) {
        self.ask_for(wanted, ages);
        self.young.see(readings, ages.closed);
        let answers = answers(readings, ages.closed);
        // All columns begin at one minute, so that one index finds a minute in each.
        let from = answers.values().filter(|a| !a.cells.is_empty()).map(|a| a.from).min();
        if self.first.0 == i64::MIN {
            self.first = from.unwrap_or(self.first);
        }
        for answer in answers.values().filter(|answer| !answer.cells.is_empty()) {
            self.take_in(answer, ages);
        }
        self.take_settled(ages);
        self.trim(ages);
    }

    /// Fills the day with its minutes from before the exporter came.
    pub(crate) fn ingest_today(&mut self, readings: &[&SeriesReading], ages: &Ages) {
        let answers = answers(readings, ages.closed);
        let wanted: Vec<Metric> = self.token_metrics().collect();
        self.day.fill(|minute| {
            let cell =
                |metric| answers.get(&metric).and_then(|answer| answer.get(minute)).unwrap_or(Cell::Unknown);
            if let Some(estimate) = cell(Metric::EstimatedTokens).point() {
                return Some(Tokens::of(Metric::EstimatedTokens, estimate));
            }
            wanted.iter().map(|&metric| Some(Tokens::of(metric, cell(metric).sum()?))).sum()
        });
    }

    /// One column for each metric asked for.
    fn ask_for(&mut self, wanted: MetricSet, ages: &Ages) {
        // A metric that the config names no more is forgotten with its counter.
        self.columns.retain(|column| wanted.has(column.metric));
        for metric in wanted.iter() {
            if self.columns.iter().all(|column| column.metric != metric) {
                let mut column = Column::new(metric, ages);
                if let Some(resumed) = &mut self.resumed
                    && let Some(counter) = resumed.take(metric)
                {
                    column.resume(counter, resumed.from);
                }
                self.columns.push(column);
            }
        }
        self.places = [0; Metric::ALL.len()];
        for (place, column) in self.columns.iter().enumerate() {
            self.places[column.metric as usize] = place as u8 + 1;
        }
    }

    fn take_in(&mut self, answer: &Answer, ages: &Ages) {
        let metric = answer.metric;
        let Some(index) = self.columns.iter().position(|column| column.metric == metric) else { return };
        let of_tokens = Tokens::METRICS.contains(&metric);
        if self.columns[index].settled.is_none() && (of_tokens || metric == Metric::Invocations) {
            self.start = self.start.max(answer.from);
        }
        let first = self.first;
        let from = self.columns[index].settle(answer, ages);
        let settled = self.columns[index].settled;
        for (minute, cell) in answer.minutes() {
            if metric == Metric::Invocations && cell.point().is_some_and(|calls| calls > 0.0) {
                self.first_call = Some(self.first_call.map_or(minute, |call| call.min(minute)));
            }
            let before = self.columns[index].cell(first, minute);
            let forgotten = minute < first && !(from <= minute && Some(minute) < settled);
            if forgotten || (minute < from && before == Cell::Unknown) {
                continue; // counted long ago
            }
            let after = before.then(metric, cell);
            if after.point().is_some() {
                self.last_datapoint = self.last_datapoint.max(Some(minute));
            }
            if after == before {
                continue;
            }
            // What a minute spent changes when a datapoint comes after it was charged: late, or of a metric
            // that ListMetrics began to show later.
            let charged = (of_tokens && Some(minute) < self.taken_until).then(|| self.tokens(minute));
            let column = &mut self.columns[index];
            if minute >= column.counted_from {
                column.total += after.sum().unwrap_or(0.0) - before.sum().unwrap_or(0.0);
            }
            column.set(first, minute, after);
            match charged {
                Some(_) if minute < first => self.take_unseen(metric, minute, after, ages),
                Some(charged) => self.take_again(minute, charged, ages),
                None => {}
            }
        }
        self.columns[index].note_growing(first, from, answer, ages);
    }

    fn trim(&mut self, ages: &Ages) {
        let known = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        let oldest = self.first.0.saturating_add(known as i64 - ages.keep);
        let idle = self.is_idle(ages.idle);
        // Of an idle id nothing but calls is read: the rest would keep its minutes for ever.
        let waits = |column: &&Column| !idle || column.metric == Metric::Invocations;
        let waiting = self.columns.iter().filter(waits).filter_map(Column::needed_from);
        let waiting = waiting.chain(self.taken_until).min();
        let needed = waiting.map_or(oldest, |minute| minute.0.min(oldest));
        let keep_from = Minute(needed.max(oldest.saturating_sub(BACKLOG)));
        if keep_from <= self.first {
            return;
        }
        for column in &mut self.columns {
            column.forget(self.first, keep_from);
        }
        self.first = keep_from;
    }
}
