//! Whom the probe calls, and what is known of the quotas there.

use crate::aws::Connection;
use crate::cli;
use crate::clock::Pace;
use crate::commands::setup::telemetry;
use crate::commands::source::nothing_taken;
use crate::daemon::fleet::explore::explore;
use crate::model::burndown::burndown;
use crate::model::ids::QuotaKind;
use crate::model::matching::{Index, Resolution};
use crate::model::time::Timestamp;
use crate::model::usage::{InvocationId, ListedId};
use crate::plan::Plan;
use crate::probe::{Answer, Call, Predicted};
use crate::report::probe::{About, KnownQuota};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An invocation id of one account and region.
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    pub(super) model_id: String,
    pub(super) predicted: Predicted,
    pub(super) about: About,
    pub(super) pace: Pace,
    index: Index,
}

impl Place {
    pub(super) async fn find(args: &cli::Probe, plan: &Plan, pace: Pace) -> Result<Place> {
        let at = Timestamp(pace.now() as i64);
        let (found, failed) = explore(plan, &telemetry("tool"), at).await?;
        let (mut taken, mut there) = (Vec::new(), Vec::new());
        for one in found {
            there.push(one.connection.target.to_string());
            if args.takes.has(&one.connection.target, one.account_name.as_deref()) {
                taken.push(one);
            }
        }
        let one = match taken.len() {
            1 => taken.remove(0),
            0 => {
                let why = failed.first().map(|(_, error)| error.message.clone());
                bail!("{}", why.unwrap_or_else(|| nothing_taken(&args.takes, &there)))
            }
            _ => bail!(
                "one probe is of one account and region, found {}: give --account and --region",
                taken.iter().map(|one| one.connection.target.to_string()).collect::<Vec<_>>().join("; ")
            ),
        };
        let connection = one.connection;
        connection.ready(at).await.map_err(|error| anyhow!("{}", error.message))?;
        let ((quotas, errors), (catalog, _)) =
            tokio::join!(connection.quotas(), connection.catalog(&[], BTreeSet::new()));
        for error in &errors {
            tracing::warn!(class = %error.class, error = error.message, "not read");
        }
        let quotas = quotas.context("the quotas could not be read, so nothing is predicted")?;
        let index = Index::new(&quotas, &catalog.unwrap_or_default(), &plan.settings.rules);
        let resolution = index.resolve(&InvocationId::runtime(&args.model_id));
        let model = resolution.model.as_deref().unwrap_or(&args.model_id);
        let burndown = burndown(model, at, &plan.settings.burndown);
        let limit = |kind| limit(&index, &resolution, kind);
        let known = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute].map(limit);
        let predicted = Predicted {
            requests: known[0].as_ref().ok().and_then(|quota| quota.limit),
            tokens: known[1].as_ref().ok().and_then(|quota| quota.limit),
            burndown,
        };
        let about = About {
            model_id: args.model_id.clone(),
            account_name: one.account_name,
            target: connection.target.clone(),
            is_demo: args.demo,
            requests: known[0].clone(),
            tokens: known[1].clone(),
            burndown,
        };
        let model_id = args.model_id.clone();
        Ok(Place { connection, model_id, predicted, about, pace, index })
    }

    /// The ids that spend what the probe spends, itself among them.
    pub(super) fn sharing(&self, listed: &[ListedId]) -> Vec<InvocationId> {
        let own = InvocationId::runtime(&self.model_id);
        let keys = |id: &InvocationId| {
            let charges = self.index.resolve(id).charges.into_iter();
            charges.filter_map(|charge| charge.quota).filter(|key| !key.code.is_empty()).collect::<Vec<_>>()
        };
        let spent = keys(&own);
        let shares = |id: &InvocationId| {
            *id != own && !id.is_account_wide() && keys(id).iter().any(|key| spent.contains(key))
        };
        let others = listed.iter().map(|listed| listed.id.clone()).filter(shares);
        // CloudWatch knows a profile that is called by its ARN by its id alone.
        let short = self.model_id.rsplit_once('/').map(|(_, id)| InvocationId::runtime(id));
        let mut ids: Vec<InvocationId> = others.chain(short).chain([own.clone()]).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Makes one call.
    pub(super) async fn call(connection: Arc<Connection>, model_id: String, call: Call) -> Answer {
        connection.runtime().converse(&model_id, text(call.input), call.max_tokens).await
    }
}

/// Ends a text, so that an answer is short whatever max_tokens allow.
const ASK: &str = "Answer only: ok.";
/// Most tokens of English have about four characters.
const CHARACTERS: usize = 4;

/// About so many tokens.
fn text(tokens: u64) -> String {
    let rest = (tokens as usize).saturating_sub(ASK.len() / CHARACTERS);
    if rest == 0 { "ok ?".repeat(tokens as usize) } else { "one ".repeat(rest) + ASK }
}

fn limit(index: &Index, resolution: &Resolution, kind: QuotaKind) -> Result<KnownQuota, String> {
    let Some(charge) = resolution.charges.iter().find(|charge| charge.kind == kind) else {
        let why = resolution.unmapped.map(|why| why.word().replace('_', " "));
        return Err(why.unwrap_or_else(|| "its calls cannot spend such a quota".to_string()));
    };
    let row = charge.quota.as_ref().and_then(|key| index.quota(key)).filter(|row| !row.key.code.is_empty());
    match row {
        Some(row) => Ok(KnownQuota {
            code: row.key.code.to_string(),
            name: row.name.clone(),
            limit: row.limit,
            state: row.state.word(),
        }),
        None => Err(charge.reason.clone()),
    }
}
