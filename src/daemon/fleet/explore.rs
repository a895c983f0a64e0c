//! The fleet as AWS tells it at one moment, for those who look only once.

use super::Fleet;
use crate::aws::Connection;
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::telemetry::Telemetry;
use anyhow::Result;
use futures_util::future::join_all;
use std::sync::Arc;

/// A target that can be read.
pub(crate) struct Found {
    pub connection: Arc<Connection>,
    /// As the config or the organization calls the account.
    pub account_name: Option<String>,
}

/// Every target of a plan, and what kept others from being found, at the target that stands for them.
///
/// # Errors
/// If no region is known.
pub(crate) async fn explore(
    plan: &Plan,
    telemetry: &Telemetry,
    now: Timestamp,
) -> Result<(Vec<Found>, Vec<(Target, CollectError)>)> {
    let mut fleet = Fleet::open(plan, telemetry, None).await?;
    let mut troubles = Vec::new();
    // Answers lead to further questions: an account has regions. None is asked twice at the same moment.
    loop {
        let questions = fleet.ask(now, usize::MAX);
        if questions.is_empty() {
            break;
        }
        for answer in join_all(questions).await {
            troubles.extend(fleet.learn(answer, now));
        }
    }
    let name = |target: &Target| {
        fleet
            .accounts()
            .find(|account| account.is(&target.account_id))
            .and_then(|account| account.name.clone())
    };
    let found = fleet
        .connections()
        .iter()
        .map(|(target, connection)| Found { connection: connection.clone(), account_name: name(target) });
    Ok((found.collect(), troubles))
}
