//! CloudWatch Observability Access Manager: which accounts a monitoring account sees.

use super::pages::{Pace, list};
use super::{Connection, Session};
use crate::model::arn::Arn;
use crate::model::snapshot::{CollectError, ErrorClass};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Not documented; cautious.
const RATE: u32 = 10;
const SINKS: &str = "oam:ListSinks";
const LINKS: &str = "oam:ListAttachedLinks";
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

impl Connection {
    /// Why no metrics of the account does not mean no traffic: the monitoring account does not see it, or nobody
    /// can tell. `None` where it does, and where the account reads its own metrics.
    pub async fn unlinked(&self) -> Option<CollectError> {
        let links = self.links.as_ref()?;
        let (account, region) = (&self.target.account_id, &self.target.region);
        let not_linked = || CollectError {
            class: ErrorClass::AccessDenied,
            message: format!(
                "{LINKS}: the account {account} is not linked to the monitoring account in {region}, or shares no \
                 metrics with it"
            ),
        };
        match links.accounts().await {
            Ok(accounts) => (!accounts.contains(&**account)).then(not_linked),
            Err(error) => Some(error),
        }
    }
}

impl Links {
    pub(super) fn new(session: Arc<Session>, region: &Arc<str>) -> Links {
        Links { session, region: region.clone(), last: Mutex::new(None) }
    }

    async fn accounts(&self) -> Accounts {
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
        let sinks = list!(&Pace::new(RATE), SINKS, client.list_sinks(), items).await?;
        let mut accounts = BTreeSet::new();
        for sink in sinks.into_iter().filter_map(|sink| sink.arn) {
            let call = || client.list_attached_links().sink_identifier(&sink).max_results(1000);
            let links = list!(&Pace::new(RATE), LINKS, call(), items).await?;
            accounts.extend(account_in(&sink));
            let shared =
                links.into_iter().filter(|link| link.resource_types().iter().any(|kind| kind == METRICS));
            accounts.extend(shared.filter_map(|link| account_in(link.link_arn()?)));
        }
        Ok(accounts)
    }
}

/// The account in an ARN.
fn account_in(arn: &str) -> Option<String> {
    Arn::parse(arn).map(|arn| arn.account.to_string())
}
