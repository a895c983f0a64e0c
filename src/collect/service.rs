//! Quotas that are no model's: a share of the usage collection that costs nothing else when it fails.

use crate::aws::Connection;
use crate::model::observation::CollectError;
use crate::model::schedule::service_queries;
use crate::model::service::{ServiceReading, ServiceRequest};
use crate::model::settings::Settings;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;

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
            Err(error) => errors.push(error),
        }
    }
    let (answers, failed) = connection.read_service(queries).await;
    reading.answers = answers;
    errors.extend(failed);
    (reading, errors)
}
