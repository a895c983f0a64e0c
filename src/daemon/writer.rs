//! The one writer: starts what is due, takes what comes back, publishes.

use super::fleet::{Answer, Fleet};
use super::reloads::{Read, Reading};
use super::storage::Storage;
use super::systemd;
use super::troubles::Troubles;
use crate::aws::Connection;
use crate::clock::{Watch, now};
use crate::collect::{self, Work};
use crate::exposition::Export;
use crate::model::awaited::Awaited;
use crate::model::counters::Counters;
use crate::model::ids::Target;
use crate::model::observation::{CollectError, Collector, Outcome};
use crate::model::schedule::{due, due_at};
use crate::model::snapshot::Snapshot;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::report;
use crate::server::Published;
use crate::telemetry::Telemetry;
use anyhow::Result;
use futures_util::FutureExt;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Collections under way at once, over all targets; half of them in one region, so that one that hangs keeps no
/// other waiting.
const CONCURRENCY: usize = 32;
/// Lists of quotas and models among them: they take seconds each, and must not keep usage waiting; and each has a
/// thousand rows in memory until it is whole.
const LISTS: usize = 16;

/// What is to be watched, and how to learn it anew.
pub struct Source {
    pub plan: Plan,
    pub read: Read,
    /// Where counters outlive the process.
    pub storage: Option<Arc<Storage>>,
}

/// The writer turns at least so often, so that it can be told from one that is stuck.
const TURN: Duration = Duration::from_secs(30);

/// What a job brings back.
enum Done {
    Collected(Box<Outcome>),
    Learned(Answer),
}

struct Writer {
    plan: Arc<Plan>,
    export: Arc<Export>,
    /// As GET /-/config shows it.
    config: Arc<str>,
    fleet: Fleet,
    awaited: Arc<Vec<Awaited>>,
    telemetry: Telemetry,
    clock: Watch,
    snapshot: Snapshot,
    /// What the process before had counted: a target goes on from there when it begins to be watched.
    left: Arc<Counters>,
    jobs: JoinSet<Done>,
    busy: BTreeSet<(Target, Collector)>,
    troubles: Troubles,
    /// Whether it was told that rows of models carry a UsageMetric.
    told_metrics: bool,
}

pub(super) async fn run(
    source: Source,
    telemetry: Telemetry,
    publish: watch::Sender<Published>,
    mut readings: mpsc::Receiver<Reading>,
    turn: watch::Sender<Instant>,
) -> Result<()> {
    let left = source.storage.map(|storage| storage.left.clone()).unwrap_or_default();
    let mut writer = Writer::new(source.plan, telemetry, left, None).await?;
    // A later plan is told with the first page that shows it.
    writer.telemetry.planned(&writer.plan.settings, writer.snapshot.targets.len());
    loop {
        // Before anything asks what is due: a clock set back would make everything due late.
        writer.watch_clock();
        writer.fleet.forget_unused();
        publish.send_if_modified(|published| writer.publish(published));
        writer.start(now());
        turn.send_replace(Instant::now());
        writer.telemetry.writer_turned(now());
        systemd::alive();
        let reading = tokio::select! {
            done = writer.wait() => {
                writer.take(done);
                None
            }
            reading = readings.recv() => reading,
        };
        // Outside of select!: a reload that has begun is never dropped half done.
        if let Some(Reading { plan, asked }) = reading {
            let outcome = writer.reload(plan).await;
            systemd::ready();
            for request in asked {
                // Whoever asked may have gone.
                let _ = request.send(outcome.clone());
            }
        }
    }
}

impl Writer {
    async fn new(
        plan: Plan,
        telemetry: Telemetry,
        left: Arc<Counters>,
        old: Option<&Fleet>,
    ) -> Result<Writer> {
        let fleet = Fleet::open(&plan, &telemetry, old).await?;
        telemetry.set_shard(plan.shard);
        let writer = Writer {
            snapshot: Snapshot::new(fleet.targets(), now()).resumed(&left),
            left,
            export: Arc::new(named(&plan, &fleet)),
            config: report::effective::yaml(&plan).into(),
            plan: Arc::new(plan),
            awaited: Arc::new(fleet.awaited()),
            fleet,
            telemetry,
            clock: Watch::start(),
            jobs: JoinSet::new(),
            busy: BTreeSet::new(),
            troubles: Troubles::default(),
            told_metrics: false,
        };
        Ok(writer)
    }

    /// A bad config changes nothing. A good one takes effect at once: what is under way for the old one is
    /// dropped, unless it is the same, and targets that are in both keep their state.
    async fn reload(&mut self, plan: std::result::Result<Plan, String>) -> std::result::Result<(), String> {
        let next = match plan {
            Ok(plan) => {
                let next =
                    Writer::new(plan, self.telemetry.clone(), self.left.clone(), Some(&self.fleet)).await;
                next.map_err(|error| format!("{error:#}"))
            }
            Err(complaints) => Err(complaints),
        };
        self.telemetry.reloaded(next.is_ok(), now());
        let mut next = next.inspect_err(|complaints| tracing::error!(complaints, "config not reloaded"))?;
        let snapshot = self.snapshot.with_targets(next.fleet.targets(), &next.plan.settings, now());
        next.snapshot = snapshot.resumed(&self.left);
        next.troubles = std::mem::take(&mut self.troubles);
        next.told_metrics = self.told_metrics;
        // Many tools send SIGHUP on every deployment, changed or not.
        if next.plan == self.plan {
            next.jobs = std::mem::take(&mut self.jobs);
            next.busy = std::mem::take(&mut self.busy);
        }
        // Dropping the old JoinSet aborts the jobs of the old plan.
        *self = next;
        tracing::info!(targets = self.snapshot.targets.len(), "config reloaded");
        Ok(())
    }

    /// Says so when the clock was set, and goes on as if it had not been.
    fn watch_clock(&mut self) {
        let Some(step) = self.clock.step() else { return };
        if step >= 0 {
            tracing::warn!(seconds = step, "the clock was set forward, or the machine slept");
            return;
        }
        let seconds = step.unsigned_abs();
        tracing::warn!(seconds, "the clock was set back");
        self.snapshot = self.snapshot.set_back(seconds, &self.plan.settings, now());
        self.fleet.set_back(seconds);
    }

    /// Starts everything due that is not already under way.
    fn start(&mut self, now: Timestamp) {
        // Who owns a target comes first: nothing of it can be read before.
        for answer in self.fleet.ask(now, CONCURRENCY.saturating_sub(self.jobs.len())) {
            self.jobs.spawn(async move { Done::Learned(answer.await) });
        }
        for (_, collector, target) in self.idle_and_due(now) {
            if !self.has_room(&target, collector) {
                continue;
            }
            let (Some(state), Some(connection)) =
                (self.snapshot.targets.get(&target), self.fleet.connections().get(&target))
            else {
                continue;
            };
            // A round of usage lists ids and reads minutes: all of one collector's work is one job.
            let work = collect::work(due(state, &self.plan.settings, now)).into_iter();
            for work in work.filter(|work| work.collector() == collector) {
                self.jobs.spawn(job(self.plan.clone(), connection.clone(), state.clone(), work, now));
                self.busy.insert((target.clone(), collector));
            }
        }
    }

    /// Whether one more collection may be under way.
    fn has_room(&self, target: &Target, collector: Collector) -> bool {
        let is_list = |collector| collector != Collector::Usage;
        // Usage may take every place; lists only theirs, however few rounds of usage are under way.
        let most = if is_list(collector) { LISTS } else { CONCURRENCY };
        let counted = self.busy.iter().filter(|(_, busy)| is_list(*busy) || !is_list(collector));
        let (mut all, mut here) = (0, 0);
        for (busy, _) in counted {
            all += 1;
            here += usize::from(busy.region == target.region);
        }
        self.jobs.len() < CONCURRENCY && all < most && here < most / 2
    }

    /// What is due and not under way, the longest overdue first, so that nothing starves while the limit of
    /// concurrent collections is hit.
    fn idle_and_due(&self, now: Timestamp) -> Vec<(Timestamp, Collector, Target)> {
        let mut all = Vec::new();
        for target in self.fleet.connections().keys() {
            let Some(state) = self.snapshot.targets.get(target) else { continue };
            for &collector in Collector::ALL {
                let at = due_at(state, collector, &self.plan.settings);
                if at <= now && !self.busy.contains(&(target.clone(), collector)) {
                    all.push((at, collector, target.clone()));
                }
            }
        }
        all.sort();
        all
    }

    /// Whether there is anything new to publish.
    fn publish(&self, published: &mut Published) -> bool {
        let explored = self.fleet.is_explored();
        // Compared by pointers: each turn asks, and most turns change nothing.
        let new = !Arc::ptr_eq(&published.export, &self.export)
            || explored != published.explored
            || !self.snapshot.is_same(&published.snapshot);
        if new {
            let (snapshot, plan) = (Arc::new(self.snapshot.clone()), self.plan.clone());
            let (export, awaited, config) = (self.export.clone(), self.awaited.clone(), self.config.clone());
            let serial = published.serial + 1;
            *published = Published { serial, snapshot, plan, export, explored, awaited, config };
        }
        new
    }

    /// Waits for a job, or until something is due or expires, or it is time to show that it is alive.
    async fn wait(&mut self) -> Vec<Done> {
        let turn = systemd::watchdog().map_or(TURN, |watchdog| watchdog.min(TURN));
        let pause = Duration::from_secs(self.next_wake().since(now()).max(1)).min(turn);
        let first = tokio::select! {
            Some(done) = self.jobs.join_next() => done,
            () = tokio::time::sleep(pause) => return Vec::new(),
        };
        // What else has come back meanwhile goes into the same snapshot: one page is rendered for all of it.
        let more = std::iter::from_fn(|| self.jobs.try_join_next());
        let all = std::iter::once(first).chain(more);
        all.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))).collect()
    }

    fn next_wake(&self) -> Timestamp {
        let settings = &self.plan.settings;
        let connections = self.fleet.connections();
        let known = self.snapshot.targets.iter().filter(|(target, _)| connections.contains_key(target));
        // At the limit the end of a job wakes, not what waits for it.
        let due = known.flat_map(|(target, state)| {
            let idle = Collector::ALL.iter().filter(|&&c| !self.busy.contains(&(target.clone(), c)));
            let roomy = idle.filter(|&&collector| self.has_room(target, collector));
            roomy.map(|&collector| due_at(state, collector, settings))
        });
        let ask = self.fleet.next_question();
        // Nothing known is no reason to spin.
        due.chain(self.snapshot.next_change()).chain(ask).min().unwrap_or(now().plus(60))
    }

    fn take(&mut self, done: Vec<Done>) {
        let (mut outcomes, mut learned) = (Vec::new(), false);
        for done in done {
            match done {
                Done::Collected(mut outcome) => {
                    // The clock may have been set back meanwhile.
                    outcome.started = outcome.started.min(now());
                    self.busy.remove(&(outcome.target.clone(), outcome.collector));
                    outcomes.push(*outcome);
                }
                Done::Learned(answer) => {
                    let failed = self.fleet.learn(answer, now());
                    outcomes.extend(failed.into_iter().map(|(target, error)| unidentified(target, error)));
                    learned = true;
                }
            }
        }
        if learned {
            self.watch_fleet();
        }
        outcomes.iter().for_each(|outcome| self.troubles.log(outcome));
        let slowed = self.snapshot.is_slowed();
        let began = self.snapshot.first_round_done();
        self.snapshot = self.snapshot.advance(&self.plan.settings, outcomes, now());
        if !began && self.snapshot.first_round_done() && self.fleet.is_explored() {
            let up = self.snapshot.targets.values().filter(|state| is_read(state)).count();
            tracing::info!(targets = self.snapshot.targets.len(), up, "the first round is complete");
        }
        self.tell_usage_metrics();
        match (slowed, self.snapshot.is_slowed()) {
            (false, true) => tracing::warn!("the budget slows the reading of the calmest ids"),
            (true, false) => tracing::info!("the budget slows no reading any more"),
            _ => {}
        }
    }

    /// Says once that AWS publishes by itself what usage of models spends which quota.
    fn tell_usage_metrics(&mut self) {
        let rows = |state: &Arc<TargetState>| state.evaluation.model_rows_with_usage_metric;
        let rows: usize = self.snapshot.targets.values().map(rows).sum();
        if !self.told_metrics && rows > 0 {
            self.told_metrics = true;
            tracing::info!(rows, "quotas of models carry a UsageMetric: they are measured by it");
        }
    }

    /// Watches what the fleet has become; nothing that is watched already is touched.
    fn watch_fleet(&mut self) {
        let snapshot = self.snapshot.watching(self.fleet.targets(), &self.plan.settings, now());
        self.snapshot = snapshot.resumed(&self.left);
        self.troubles.forget_all_but(&self.snapshot.targets);
        self.awaited = Arc::new(self.fleet.awaited());
        let export = named(&self.plan, &self.fleet);
        if export != *self.export {
            self.export = Arc::new(export);
        }
    }
}

/// The export with the names of accounts whose id only AWS could tell.
fn named(plan: &Plan, fleet: &Fleet) -> Export {
    let mut export = plan.export.clone();
    let accounts = fleet.accounts();
    let known = accounts.filter_map(|account| Some((account.id.clone()?, account.name.clone()?)));
    export.account_names.extend(known);
    export
}

async fn job(
    plan: Arc<Plan>,
    connection: Arc<Connection>,
    state: Arc<TargetState>,
    work: Work,
    started: Timestamp,
) -> Done {
    let tag_keys: Vec<String> = plan.export.team_tag.iter().cloned().collect();
    let collector = work.collector();
    let outcome = collect::collect(&connection, &state, work, &plan.settings, &tag_keys, started);
    Done::Collected(Box::new(witnessed(&state.target, collector, outcome).await))
}

/// Says whose panic it is, before it ends the process.
async fn witnessed<T>(target: &Target, collector: Collector, work: impl Future<Output = T>) -> T {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        tracing::error!(%target, %collector, "the collector panicked: the process ends");
        std::panic::resume_unwind(panic)
    })
}

/// Whether every collector of the target has read what it reads.
fn is_read(state: &TargetState) -> bool {
    Collector::ALL.iter().all(|collector| state.collectors.get(collector).is_some_and(|state| state.up))
}

/// What a target without a known account shows: a failed usage collection.
fn unidentified(target: Target, error: CollectError) -> Outcome {
    Outcome {
        target,
        collector: Collector::Usage,
        started: now(),
        seconds: 0.0,
        observation: None,
        errors: vec![error],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::troubles::tests::logged;

    #[test]
    fn a_collectors_panic_names_it_and_goes_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lines = logged(|| {
            let target = Target::new("000000000001", "us-west-2");
            let work = witnessed(&target, Collector::Quotas, async { panic!("a bug") });
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
            assert_eq!(ended.unwrap_err().downcast_ref(), Some(&"a bug"));
        });
        assert!(lines[0].contains("us-west-2") && lines[0].contains("quotas"), "{lines:#?}");
    }
}
