//! CloudWatch Observability Access Manager: which accounts a monitoring account sees.

use super::pages::{Pace, list};
use super::session::Session;
use crate::model::arn::Arn;
use crate::model::observation::{CollectError, ErrorClass};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Not documented; cautious.
const RATE: u32 = 10;
const SINKS: &str = "oam:ListSinks";
pub(super) const LINKS: &str = "oam:ListAttachedLinks";
const METRICS: &str = "AWS::CloudWatch::Metric";
/// Many accounts ask at about the same time: an answer serves all who ask so soon after.
const FRESH: Duration = Duration::from_secs(60);

/// The links of a monitoring account in one region.
pub(super) struct Links {
    pub(super) session: Arc<Session>,
    region: Arc<str>,
    /// While one reads, the others wait for what it gets.
    last: Mutex<Option<(Instant, Accounts)>>,
}

type Accounts = Result<BTreeSet<String>, CollectError>;

impl Links {
    pub(super) fn new(session: Arc<Session>, region: &Arc<str>) -> Links {
        Links { session, region: region.clone(), last: Mutex::new(None) }
    }

    pub(super) async fn accounts(&self) -> Accounts {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.read().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    /// The accounts that share metrics, the monitoring account itself among them.
    async fn read(&self) -> Accounts {
        let client = self.session.oam(&self.region);
        let sinks = list!(&Pace::new(RATE), SINKS, client, client.list_sinks(), items).await?;
        let mut accounts = BTreeSet::new();
        for sink in sinks.into_iter().filter_map(|sink| sink.arn) {
            let call = || client.list_attached_links().sink_identifier(&sink).max_results(1000);
            let links = list!(&Pace::new(RATE), LINKS, client, call(), items).await?;
            accounts.extend(account_in(&sink));
            let shared =
                links.into_iter().filter(|link| link.resource_types().iter().any(|kind| kind == METRICS));
            accounts.extend(shared.filter_map(|link| account_in(link.link_arn()?)));
        }
        Ok(accounts)
    }
}

impl Session {
    /// Tries what a monitoring account needs in a region to know who shares metrics with it: each permission and
    /// what came of it, up to the first that is missing.
    pub async fn try_links(&self, region: &str) -> Vec<(&'static str, Result<(), CollectError>)> {
        let client = self.oam(region);
        let sinks = match client.list_sinks().max_results(1).send().await {
            Ok(answer) => answer.items,
            Err(error) => return vec![(SINKS, Err(client.failed(SINKS, error)))],
        };
        let Some(sink) = sinks.into_iter().find_map(|sink| sink.arn) else {
            let message = format!("{SINKS}: no sink in {region}: no account can share its metrics there");
            return vec![(SINKS, Err(CollectError::new(ErrorClass::Other, message)))];
        };
        let links = client.list_attached_links().sink_identifier(sink).max_results(1).send().await;
        let links = links.map(|_| ()).map_err(|error| client.failed(LINKS, error));
        vec![(SINKS, Ok(())), (LINKS, links)]
    }
}

/// The account in an ARN.
fn account_in(arn: &str) -> Option<String> {
    Arn::parse(arn).map(|arn| arn.account.to_string())
}
