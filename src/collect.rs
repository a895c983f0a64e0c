//! One collection of one target: what is due, read from AWS, as an observation and the errors beside it.

mod service;

use crate::aws::Connection;
use crate::clock::Stopwatch;
use crate::model::observation::{CollectError, Collector, ErrorClass, Observation, Outcome};
use crate::model::parts::project_arns;
use crate::model::request::{Requests, UsageRequest};
use crate::model::schedule::{due, follow_up, newly_listed};
use crate::model::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::model::usage::{SeriesReading, UsageReading};
use futures_util::future::join_all;

/// One collector's share of what is due at a target.
#[derive(Clone, Debug)]
pub enum Work {
    Quotas,
    Catalog,
    Usage(UsageRequest),
}

impl Work {
    pub fn collector(&self) -> Collector {
        match self {
            Work::Quotas => Collector::Quotas,
            Work::Catalog => Collector::Catalog,
            Work::Usage(_) => Collector::Usage,
        }
    }
}

/// The work in `requests`, one entry per collector.
pub fn work(requests: Requests) -> Vec<Work> {
    let quotas = requests.quotas.then_some(Work::Quotas);
    let catalog = requests.catalog.then_some(Work::Catalog);
    quotas.into_iter().chain(catalog).chain(requests.usage.map(Work::Usage)).collect()
}

/// Does `work` at one target. `tag_keys`: the tags of application profiles and projects that are read.
pub async fn collect(
    connection: &Connection,
    state: &TargetState,
    work: Work,
    settings: &Settings,
    tag_keys: &[String],
    started: Timestamp,
) -> Outcome {
    let (stopwatch, collector) = (Stopwatch::start(), work.collector());
    if collector == Collector::Usage {
        connection.forget_server_time();
    }
    let (observation, errors) = match connection.ready(started).await {
        Err(error) => (None, vec![error]),
        Ok(()) => read(connection, state, work, settings, tag_keys, started).await,
    };
    let errors = connection.judged(errors, started).await;
    let seconds = stopwatch.seconds();
    let target = connection.target.clone();
    let outcome = Outcome { target, collector, started, seconds, observation, errors };
    by_the_right_clock(outcome, connection.server_time(), settings)
}

async fn read(
    connection: &Connection,
    state: &TargetState,
    work: Work,
    settings: &Settings,
    tag_keys: &[String],
    started: Timestamp,
) -> (Option<Observation>, Vec<CollectError>) {
    match work {
        Work::Quotas => {
            let (list, errors) = connection.quotas().await;
            (list.map(Observation::Quotas), errors)
        }
        Work::Catalog => {
            let projects = project_arns(&state.target, &state.memory.parts.listed);
            let (catalog, errors) = connection.catalog(tag_keys, projects).await;
            (catalog.map(Observation::Catalog), errors)
        }
        Work::Usage(request) => usage(connection, state, request, settings, started).await,
    }
}

async fn usage(
    connection: &Connection,
    state: &TargetState,
    request: UsageRequest,
    settings: &Settings,
    now: Timestamp,
) -> (Option<Observation>, Vec<CollectError>) {
    let (mut reading, mut errors) = (UsageReading::default(), Vec::new());
    let mut step = UsageRequest { today: Vec::new(), ..request.clone() };
    // Answers may make more urgent: throttles that need an explanation, then the ids they lead to.
    for _ in 0..3 {
        let mut series = std::mem::take(&mut step.minutes);
        if step.discover {
            match connection.listed_ids(!request.everything).await {
                Ok(ids) => {
                    if ids.is_empty()
                        && let Some(error) = connection.unlinked().await
                    {
                        return (None, vec![error]);
                    }
                    series.extend(newly_listed(state, settings, &request, &ids));
                    reading.listed = Some(ids);
                }
                Err(error) => errors.push(error),
            }
        }
        if series.is_empty() {
            break;
        }
        let (minutes, failed) = connection.read(60, series).await;
        reading.minutes.extend(minutes);
        errors.extend(failed);
        step = follow_up(state, settings, &request, &reading, now);
    }
    let (service, failed) = service::read(connection, state, request.service, settings, now).await;
    reading.service = service;
    errors.extend(failed);
    let (parts, failed) = service::read_parts(connection, request.parts).await;
    reading.parts = parts;
    errors.extend(failed);
    let (today, failed) = connection.read(60, request.today).await;
    reading.today = today;
    errors.extend(failed);
    let read = |series: &SeriesReading| series.complete || !series.points.is_empty();
    let nothing = reading.listed.is_none()
        && !reading.minutes.iter().any(read)
        && !reading.service.answers.iter().any(|answer| answer.complete || !answer.points.is_empty());
    if nothing && (request.discover || !reading.minutes.is_empty()) {
        return (None, errors);
    }
    (Some(Observation::Usage(reading)), errors)
}

/// Refuses usage that was read by a wrong clock. The SDK signs with AWS's time, so calls succeed however
/// wrong the clock here is, while their windows lie in the future and every minute looks like 0.
/// `server`: what AWS's clock showed meanwhile.
fn by_the_right_clock(mut outcome: Outcome, server: Option<Timestamp>, settings: &Settings) -> Outcome {
    let until = outcome.started.plus(outcome.seconds.ceil() as u64);
    let away = server.map_or(0, |server| outcome.started.since(server).max(server.since(until)));
    let allowed = settings.delay / 2;
    if away > allowed && outcome.collector == Collector::Usage {
        let server = server.unwrap_or_default();
        outcome.observation = None;
        let message = format!(
            "cloudwatch: AWS's clock shows {server}, {away} s away from the one here; more than {allowed} s (half of \
             usage.delay) would make minutes without data look like zeros"
        );
        outcome.errors = vec![CollectError::new(ErrorClass::ClockSkew, message)];
    }
    outcome
}

/// One round: everything due at `now` at every target, done at once, and the snapshot after it.
pub async fn round(
    connections: &[Connection],
    snapshot: &Snapshot,
    settings: &Settings,
    tag_keys: &[String],
    now: Timestamp,
) -> Snapshot {
    let known = connections.iter().filter_map(|c| Some((c, snapshot.targets.get(&c.target)?)));
    let jobs = known.flat_map(|(connection, state)| {
        let works = work(due(state, settings, now)).into_iter();
        works.map(move |work| collect(connection, state, work, settings, tag_keys, now))
    });
    let outcomes = join_all(jobs).await;
    snapshot.advance(settings, outcomes, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Target;

    #[test]
    fn usage_is_refused_beyond_half_the_delay_and_not_before() {
        let settings = crate::plan::plan(&crate::config::Config::default()).unwrap().settings;
        let outcome = Outcome {
            target: Target::new("000000000000", "us-east-1"),
            collector: Collector::Usage,
            started: Timestamp(1000),
            seconds: 20.0,
            observation: Some(Observation::Usage(UsageReading::default())),
            errors: Vec::new(),
        };
        let checked = |server| by_the_right_clock(outcome.clone(), Some(Timestamp(server)), &settings);
        for server in [940, 1000, 1010, 1080] {
            assert_eq!(checked(server), outcome, "{server}");
        }
        for server in [939, 1081] {
            let refused = checked(server);
            assert_eq!(refused.observation, None);
            assert_eq!(refused.errors[0].class, ErrorClass::ClockSkew);
            assert!(refused.errors[0].message.contains("61 s away"), "{}", refused.errors[0].message);
        }
    }
}
