//! The past of the demo: rounds in simulated time, printed as a Prometheus would have scraped them.

use super::openmetrics::Past;
use super::simulated::TIMEOUT;
use super::tools::unless_closed;
use crate::aws::{Connection, Environment};
use crate::collect;
use crate::exposition::{self, Export, QuotaExport};
use crate::model::ids::Target;
use crate::model::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::sim::{Sim, desk::Clock, world::World};
use crate::telemetry::Telemetry;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use tokio::net::TcpListener;

/// As the alerts expect a scrape job to be called.
const JOB: &str = "bedrock-quota-exporter";
/// Between two readings of the lists, at least: they take seconds, for AWS's rates are kept here too.
const LISTS: u64 = 4 * 3600;

/// How much of the past is told step by step; what lies before is told by the hour, or nobody could wait
/// for days.
const RECENT: u64 = 6 * 3600;

/// The past to make up: seconds before `end`, seconds between samples, and who is said to be scraped.
pub(super) struct Span {
    pub end: Timestamp,
    pub length: u64,
    pub step: u64,
    pub instance: String,
}

impl Span {
    /// When there are samples: at whole multiples of the step, as subqueries look for them.
    fn times(&self) -> Vec<Timestamp> {
        let (begin, recent) = (self.end.minus(self.length), self.end.minus(self.length.min(RECENT)));
        let every = |from: Timestamp, until: Timestamp, step: u64| {
            let first = (from.0 as u64).next_multiple_of(step);
            (first..until.0 as u64).step_by(step as usize).map(|at| Timestamp(at as i64))
        };
        let old = every(begin, recent, self.step.max(3600));
        old.chain(every(recent, self.end.plus(1), self.step)).collect()
    }
}

/// Prints the past of `world`, whose simulated AWS is reached by `plan`, on standard output.
pub(super) async fn run(
    aws: TcpListener,
    world: World,
    mut plan: Plan,
    telemetry: Telemetry,
    span: Span,
) -> Result<()> {
    // As the organization's discovery would have found them.
    let members = world.organization.iter().flat_map(|organization| &organization.members);
    let names: Vec<(String, String)> =
        members.map(|member| (member.id.clone(), member.name.clone())).collect();
    let sim = Sim::new(World { rates: false, ..world });
    let serving = tokio::spawn(sim.clone().serve(aws, std::future::pending()));
    (plan.aws.attempt_timeout, plan.aws.operation_timeout) = (TIMEOUT, TIMEOUT);
    let connections = connections(&plan, &telemetry).await?;
    let settings = Settings {
        spread: false,
        // Rounds come only with the samples: each reads everything.
        cadence: None,
        quotas_interval: plan.settings.quotas_interval.max(LISTS),
        catalog_interval: plan.settings.catalog_interval.max(LISTS),
        ..plan.settings.clone()
    };
    telemetry.planned(&settings, connections.len());
    // Quotas that nothing uses would be nine tenths of the text.
    let mut export = Export { quotas: QuotaExport::InUse, ..plan.export.clone() };
    export.account_names.extend(names);
    let tags: Vec<String> = export.team_tag.iter().cloned().collect();
    let targets = connections.iter().map(|connection| connection.target.clone());
    let mut snapshot = Snapshot::new(targets, span.end.minus(span.length));
    let (mut past, mut said) = (Past::new(JOB, &span.instance), BTreeSet::new());
    for at in span.times() {
        sim.set_clock(Clock::Fixed { now: at.0 }).await;
        snapshot = collect::round(&connections, &snapshot, &settings, &tags, at).await;
        tell_troubles(&snapshot, &mut said);
        let mut text = Vec::new();
        let series = exposition::render(&mut text, &snapshot, &export)?;
        telemetry.set_series(series);
        text.extend_from_slice(telemetry.render().as_bytes());
        past.add(at, &String::from_utf8_lossy(&text), is_of_the_past);
    }
    serving.abort();
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = past.write(&mut out).and_then(|samples| {
        out.flush()?;
        tracing::info!(samples, "past printed");
        Ok(())
    });
    unless_closed(printed.context("cannot print the past"))
}

/// The process itself is younger than its past, and how long its calls take now says nothing of then.
fn is_of_the_past(family: &str) -> bool {
    family.starts_with("bedrock_") && family != "bedrock_exporter_aws_request_duration_seconds"
}

/// Each trouble once.
fn tell_troubles(snapshot: &Snapshot, said: &mut BTreeSet<String>) {
    for (target, state) in &snapshot.targets {
        for (collector, status) in &state.collectors {
            let error = status.last_error.as_ref();
            if let Some(error) = error.filter(|error| said.insert((*error).clone())) {
                tracing::warn!(%target, %collector, error, "collection failed");
            }
        }
    }
}

async fn connections(plan: &Plan, telemetry: &Telemetry) -> Result<Vec<Connection>> {
    let region = plan.accounts.iter().flat_map(|account| account.regions.listed()).next();
    let environment = Environment::load(&plan.aws, region.map(String::as_str), telemetry).await?;
    let mut connections = Vec::new();
    for account in &plan.accounts {
        let session = environment.session(&account.credentials).await;
        let id = account.account_id.as_deref().unwrap_or_default();
        connections
            .extend(account.regions.listed().iter().map(|region| session.connect(&Target::new(id, region))));
    }
    Ok(connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hours_are_told_step_by_step_and_the_days_before_by_the_hour() {
        let end = Timestamp(1_795_348_930);
        let times = |length, step| {
            let times = Span { end, length, step, instance: String::new() }.times();
            times.iter().map(|at| at.since(Timestamp(0)) as i64 - end.0).collect::<Vec<_>>()
        };
        assert_eq!(times(600, 240), [-370, -130]);
        let days = times(2 * 86_400, 900);
        assert_eq!(days.len(), 42 + 24);
        assert_eq!(days[..2], [-169_330, -165_730]);
        assert_eq!(days[41..44], [-21_730, -20_830, -19_930]);
    }
}
