//! The minutes of one invocation id: what CloudWatch answered, what has settled, what was counted.

mod ages;
mod answer;
mod cells;
mod column;

pub(crate) use ages::Ages;
pub(crate) use cells::Cell;

use super::day::{Day, Tokens};
use super::settings::Settings;
use super::time::{Minute, Timestamp};
use super::usage::{ListedId, Metric, MetricSet, SeriesReading};
use answer::{Answer, answers};
use column::Column;
use std::collections::BTreeMap;

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
    /// The charge of every minute before it is in `day` and `pending`.
    taken_until: Option<Minute>,
    pub day: Day,
    /// Settled tokens not yet in `charged`, because nobody knew their burndown.
    pending: Tokens,
    charged: f64,
    /// Since when the charge is known: its counter stays 0 for a while.
    charged_since: Option<Timestamp>,
}

impl History {
    pub fn new(since: Timestamp, quiet_before: Option<Minute>) -> History {
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
            pending: Tokens::default(),
            charged: 0.0,
            charged_since: None,
        }
    }

    /// ListMetrics shows these metrics of it.
    pub fn show(&mut self, listed: &ListedId) {
        let metrics = listed.metrics.iter().map(|metric| metric.canonical()).collect();
        self.listed = Some(self.listed.unwrap_or_default().union(metrics));
        self.named = self.named.union(listed.metrics.iter().copied().collect());
    }

    /// The names to ask for a metric by: those ListMetrics shows, else its usual one.
    pub fn names(&self, metric: Metric) -> impl Iterator<Item = Metric> {
        let shown = self.named.iter().filter(move |name| name.canonical() == metric);
        let none = shown.clone().next().is_none();
        shown.chain(none.then_some(metric))
    }

    /// Whether ListMetrics shows a metric, or an answer held it.
    pub fn publishes(&self, metric: Metric) -> bool {
        match self.listed {
            Some(listed) => listed.has(metric),
            None => self.column(metric).is_some(),
        }
    }

    /// Whether ListMetrics shows InvocationLatency.
    pub fn publishes_latency(&self) -> bool {
        self.listed.is_some_and(|listed| listed.has_any_statistic_of(Metric::LatencyAverage))
    }

    /// The token metrics asked for.
    pub fn token_metrics(&self) -> impl Iterator<Item = Metric> {
        self.metrics().filter(|metric| Tokens::METRICS.contains(metric))
    }

    pub fn cell(&self, metric: Metric, minute: Minute) -> Cell {
        match self.column(metric) {
            Some(column) => column.cell(self.first, minute),
            None if self.listed.is_some() && metric.is_sum() => Cell::Absent,
            None => Cell::Unknown,
        }
    }

    /// The calls refused in a minute, if any datapoint says so.
    pub fn throttles(&self, minute: Minute) -> Option<f64> {
        self.cell(Metric::Throttles, minute).point()
    }

    /// Whether calls are known to have been refused in a minute.
    pub fn is_throttled(&self, minute: Minute) -> bool {
        self.throttles(minute).is_some_and(|throttles| throttles > 0.0)
    }

    /// As `cell`, and unknown while the minute may still grow.
    pub fn settled_cell(&self, metric: Metric, minute: Minute) -> Cell {
        match self.column(metric) {
            Some(column) if column.growing.contains(&minute) => Cell::Unknown,
            _ => self.cell(metric, minute),
        }
    }

    /// From where a metric must be read again; `None` if it never was.
    pub fn settled_until(&self, metric: Metric) -> Option<Minute> {
        self.column(metric).and_then(|column| column.settled)
    }

    /// The first minute not read of every metric asked for; of an idle id, of those that tell it is idle.
    pub fn read_until(&self, idle: i64) -> Option<Minute> {
        let idle = self.is_idle(idle);
        let tells =
            |column: &&Column| !idle || [Metric::Invocations, Metric::Throttles].contains(&column.metric);
        let read = |column: &Column| {
            let mut minute = column.settled.filter(|_| !column.cells.is_empty())?;
            while column.cell(self.first, minute) != Cell::Unknown {
                minute = minute + 1;
            }
            Some(minute)
        };
        let mut read = self.columns.iter().filter(tells).map(read);
        read.try_fold(Minute(i64::MAX), |min, read| Some(min.min(read?)))
    }

    /// Whether every metric was read until so many minutes after the last datapoint. Then Invocations tell
    /// whether the others have anything to say.
    pub fn is_idle(&self, minutes: i64) -> bool {
        let from = self.idle_from(minutes);
        let silent = |column: &Column| column.settled.is_some_and(|settled| settled >= from);
        !self.columns.is_empty() && self.columns.iter().all(silent)
    }

    /// Whether an idle id is known to have done nothing in a minute, though only its Invocations were read:
    /// a minute without calls, so long after the last datapoint, spends nothing of any quota.
    pub fn did_nothing(&self, minute: Minute, invocations: Cell, idle: i64) -> bool {
        minute >= self.idle_from(idle) && invocations.sum() == Some(0.0)
    }

    fn idle_from(&self, minutes: i64) -> Minute {
        let from = self.last_datapoint.map_or(self.start, |last| self.start.max(last + 1));
        Minute(from.0.saturating_add(minutes))
    }

    /// The metrics asked for, and the counters of the Sum metrics among them as they are published.
    pub fn totals(&self, settings: &Settings, now: Timestamp) -> BTreeMap<Metric, f64> {
        let held = |column: &Column| now < column.born.plus(settings.counter_hold);
        let sums = self.columns.iter().filter(|column| column.metric.is_sum());
        sums.map(|column| (column.metric, if held(column) { 0.0 } else { column.total })).collect()
    }

    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.columns.iter().map(|column| column.metric)
    }

    /// The next moment after `now` at which a counter is let go from 0.
    pub fn next_release(&self, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
        let born = self.columns.iter().map(|column| column.born).chain(self.charged_since);
        born.map(|born| born.plus(settings.counter_hold)).filter(|&at| at > now).min()
    }

    fn column(&self, metric: Metric) -> Option<&Column> {
        usize::from(self.places[metric as usize]).checked_sub(1).map(|place| &self.columns[place])
    }

    /// Takes in the answers of one round for this id.
    pub fn ingest(&mut self, wanted: MetricSet, readings: &[&SeriesReading], ages: &Ages) {
        self.ask_for(wanted, ages.at);
        let answers = answers(readings, ages.closed);
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

    /// Fills the day with closed hours.
    pub fn ingest_hours(&mut self, readings: &[&SeriesReading]) {
        let wanted: Vec<Metric> = self.token_metrics().collect();
        self.day.fill(readings, &wanted);
    }

    /// One column for each metric asked for.
    fn ask_for(&mut self, wanted: MetricSet, at: Timestamp) {
        self.columns.retain(|column| wanted.has(column.metric));
        for metric in wanted.iter() {
            if self.columns.iter().all(|column| column.metric != metric) {
                self.columns.push(Column::new(metric, at));
            }
        }
        self.places = [0; Metric::ALL.len()];
        for (place, column) in self.columns.iter().enumerate() {
            self.places[column.metric as usize] = place as u8 + 1;
        }
    }

    fn take_in(&mut self, answer: &Answer, ages: &Ages) {
        let Some(index) = self.columns.iter().position(|column| column.metric == answer.metric) else {
            return;
        };
        if self.columns[index].settled.is_none() {
            self.take_late(answer, ages);
            if Tokens::METRICS.contains(&answer.metric) || answer.metric == Metric::Invocations {
                self.start = self.start.max(answer.from);
            }
        }
        let first = self.first;
        let column = &mut self.columns[index];
        let from = column.settle(answer, ages);
        for (minute, cell) in answer.minutes() {
            let before = column.cell(first, minute);
            let forgotten = minute < first && !(from <= minute && Some(minute) < column.settled);
            if forgotten || (minute < from && before == Cell::Unknown) {
                continue; // counted long ago
            }
            let after = before.then(answer.metric, cell);
            if minute >= ages.counted_from {
                column.total += after.sum().unwrap_or(0.0) - before.sum().unwrap_or(0.0);
            }
            if after.point().is_some() {
                self.last_datapoint = self.last_datapoint.max(Some(minute));
            }
            if cell != Cell::Unknown {
                column.set(first, minute, after);
                column.growing.retain(|&growing| growing != minute);
                if minute >= ages.settled {
                    column.growing.push(minute);
                }
            }
        }
    }

    /// A token metric that ListMetrics began to show after its first minutes had been charged without it.
    fn take_late(&mut self, answer: &Answer, ages: &Ages) {
        let Some(taken_until) = self.taken_until else { return };
        for (minute, cell) in answer.minutes().take_while(|(minute, _)| *minute < taken_until) {
            let Some(value) = cell.point() else { continue };
            if self.cell(Metric::EstimatedTokens, minute).point().is_none() {
                self.take(minute, Tokens::of(answer.metric, value), ages);
            }
        }
    }

    /// Adds the tokens of every minute that has settled since the last time, each minute once.
    fn take_settled(&mut self, ages: &Ages) {
        let invocations = self.settled_until(Metric::Invocations);
        let tokens = self.token_metrics().map(|metric| self.settled_until(metric)).min();
        let idle = self.is_idle(ages.idle);
        let Some(settled) = tokens.filter(|_| !idle).unwrap_or(invocations) else { return };
        let from = match self.taken_until {
            Some(taken) if taken >= self.first => taken,
            Some(_) => {
                self.day.lose_until(self.first);
                self.first
            }
            None => {
                self.day = Day::begin(self.start, self.quiet_before);
                self.start
            }
        };
        for minute in from.until(settled) {
            self.take(minute, self.tokens(minute), ages);
        }
        self.taken_until = Some(settled.max(from));
    }

    fn take(&mut self, minute: Minute, tokens: Tokens, ages: &Ages) {
        self.day.add(minute, tokens);
        if minute >= ages.counted_from {
            self.pending += tokens;
        }
    }

    /// What one minute spends of token quotas: the estimate where there is one, else the tokens.
    pub fn tokens(&self, minute: Minute) -> Tokens {
        let sum = |metric| self.cell(metric, minute).sum().unwrap_or(0.0);
        match self.cell(Metric::EstimatedTokens, minute) {
            Cell::Point(estimate) => Tokens::of(Metric::EstimatedTokens, estimate),
            _ => Tokens {
                input: sum(Metric::InputTokens),
                output: sum(Metric::OutputTokens),
                cache_write: sum(Metric::CacheWriteTokens),
                ..Tokens::default()
            },
        }
    }

    /// Moves settled tokens into the charge counter, now that their burndown is known.
    pub fn charge(&mut self, factor: Option<f64>, now: Timestamp) {
        if let Some(charge) = self.pending.charge(factor) {
            self.charged += charge;
            self.pending = Tokens::default();
            self.charged_since.get_or_insert(now);
        }
    }

    /// Whether `charge` has something to do.
    pub fn is_charge_due(&self) -> bool {
        self.charged_since.is_none() || self.pending != Tokens::default()
    }

    /// The charge counter as it is published; `None` while some of it is unknown.
    pub fn charged(&self, settings: &Settings, now: Timestamp) -> Option<f64> {
        let since = self.charged_since.filter(|_| self.pending == Tokens::default())?;
        Some(if now < since.plus(settings.counter_hold) { 0.0 } else { self.charged })
    }

    /// The tokens of today up to the end of `minute`, if all of them are known.
    pub fn tokens_today(&self, minute: Minute) -> Option<Tokens> {
        let kept = self.first.max(self.start);
        let taken_until = self.taken_until.filter(|&taken| minute < taken && minute >= kept)?;
        let later = (minute + 1).until(taken_until).map(|m| self.tokens(m));
        self.day.total(minute).map(|total| later.fold(total, |total, tokens| total - tokens))
    }

    pub fn taken_until(&self) -> Option<Minute> {
        self.taken_until
    }

    fn trim(&mut self, ages: &Ages) {
        let known = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        let oldest = self.first.0.saturating_add(known as i64 - ages.keep);
        let idle = self.is_idle(ages.idle);
        let waits = |column: &&Column| !idle || column.metric == Metric::Invocations;
        let waiting = self.columns.iter().filter(waits).filter_map(|column| column.settled);
        let waiting = waiting.chain(self.taken_until).min();
        let needed = waiting.map_or(oldest, |minute| minute.0.min(oldest));
        let keep_from = Minute(needed.max(oldest.saturating_sub(BACKLOG)));
        if keep_from <= self.first {
            return;
        }
        for column in &mut self.columns {
            column.forget(self.first, keep_from, ages.keep);
        }
        self.first = keep_from;
    }
}
