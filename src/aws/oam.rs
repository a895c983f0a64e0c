//! CloudWatch Observability Access Manager: which accounts a monitoring account sees.

use super::error::classify;
use super::{Connection, Owner, pages};
use crate::model::snapshot::{CollectError, ErrorClass};

/// Not documented; cautious.
pub(super) const RATE: u32 = 10;
const SINKS: &str = "oam:ListSinks";
const LINKS: &str = "oam:ListAttachedLinks";
const METRICS: &str = "AWS::CloudWatch::Metric";

impl Connection {
    /// Why no metrics of the account does not mean no traffic: the monitoring account does not see it, or nobody
    /// can tell. `None` where it does, and where the account reads its own metrics.
    pub async fn unlinked(&self) -> Option<CollectError> {
        let owner = self.owner.as_ref()?;
        match self.is_linked(owner).await {
            Ok(true) => None,
            Ok(false) => Some(CollectError {
                class: ErrorClass::AccessDenied,
                message: format!(
                    "{LINKS}: the account {} is not linked to the monitoring account in {}, or shares no metrics with it",
                    owner.account_id, self.target.region
                ),
            }),
            Err(error) => Some(error),
        }
    }

    async fn is_linked(&self, owner: &Owner) -> Result<bool, CollectError> {
        let client = &owner.links;
        let sinks = pages::paced(SINKS, &self.paces.links, |token| {
            let call = client.list_sinks().set_next_token(token);
            async move {
                let page = call.send().await.map_err(|e| classify(SINKS, e))?;
                Ok((page.items, page.next_token))
            }
        });
        for sink in sinks.await?.into_iter().filter_map(|sink| sink.arn) {
            if account_in(&sink) == Some(&*owner.account_id) {
                return Ok(true);
            }
            let links = pages::paced(LINKS, &self.paces.links, |token| {
                let call = client.list_attached_links().sink_identifier(&sink).set_next_token(token);
                async move {
                    let page = call.send().await.map_err(|e| classify(LINKS, e))?;
                    Ok((page.items, page.next_token))
                }
            });
            let shows = links.await?.into_iter().any(|link| {
                let account = link.link_arn.as_deref().and_then(account_in);
                account == Some(&*owner.account_id)
                    && link.resource_types().iter().any(|kind| kind == METRICS)
            });
            if shows {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The account in an ARN.
fn account_in(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}
