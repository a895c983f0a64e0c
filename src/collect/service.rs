//! Quotas that are no model's, tiers and projects: shares of the usage collection that cost nothing else when they fail.

use crate::aws::Connection;
use crate::model::observation::CollectError;
use crate::model::parts::part_queries;
use crate::model::schedule::{service_follow_up, service_queries};
use crate::model::service::{ServiceReading, ServiceRequest};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::{Minute, Timestamp};

pub(super) async fn read(
    connection: &Connection,
    state: &TargetState,
    request: ServiceRequest,
    settings: &Settings,
    now: Timestamp,
) -> (ServiceReading, Vec<CollectError>) {
    let ServiceRequest { listings, mut queries } = request;
    let (mut reading, mut errors) = (ServiceReading::default(), Vec::new());
    if !listings.is_empty() {
        match connection.service_series(&listings).await {
            Ok(mut listed) => {
                listed.sort();
                listed.dedup();
                queries = service_queries(state, settings, &listed, now);
                reading.listed = Some(listed);
            }
            Err(error) => {
                // What was listed before is read on: refusals wait for no list.
                queries = service_queries(state, settings, &state.memory.service.listed, now);
                errors.push(error);
            }
        }
    }
    let (answers, failed) = connection.read_service(queries).await;
    let urgent = service_follow_up(state, settings, &answers, now);
    let (more, failed_again) = connection.read_service(urgent).await;
    reading.answers = answers.into_iter().chain(more).collect();
    errors.extend(failed.into_iter().chain(failed_again));
    (reading, errors)
}

/// The tiers and projects that ListMetrics shows now.
pub(super) async fn read_parts(
    connection: &Connection,
    until: Option<Minute>,
) -> (ServiceReading, Vec<CollectError>) {
    let Some(until) = until else { return Default::default() };
    match connection.part_series().await {
        Ok(listed) => {
            let (answers, errors) = connection.read_service(part_queries(&listed, until)).await;
            (ServiceReading { listed: Some(listed), answers }, errors)
        }
        Err(error) => (ServiceReading::default(), vec![error]),
    }
}
