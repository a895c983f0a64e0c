//! Answers of a running exporter's API.

use crate::commands::exporter::Exporter;
use crate::mcp::{Question, Tool};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) async fn answer(exporter: &Exporter, tool: Tool, question: &Question) -> Result<Value, String> {
    let Question { account, region, model, model_id, scope } = question;
    let place = [("account", account.as_deref()), ("region", region.as_deref())];
    let about = [("model", model.as_deref()), ("model_id", model_id.as_deref()), ("scope", scope.as_deref())];
    let all = [&place[..], &about[..]].concat();
    match tool {
        Tool::Headroom => exporter.document("headroom", &all).await,
        Tool::Findings => exporter.document("findings", &place).await,
        Tool::Quotas => {
            let mut quotas = exporter.document("quotas", &place).await?;
            if model.is_some() {
                // The list itself does not say whose a quota is.
                let asked = [&place[..], &[("model", model.as_deref())]].concat();
                let of_model = exporter.document("headroom", &asked).await?;
                let key =
                    |item: &Value| ["account_id", "region", "quota_code"].map(|name| item[name].to_string());
                let of_model: BTreeSet<_> =
                    of_model["items"].as_array().into_iter().flatten().map(key).collect();
                if let Some(items) = quotas["items"].as_array_mut() {
                    items.retain(|item| of_model.contains(&key(item)));
                }
            }
            Ok(quotas)
        }
        Tool::Usage => {
            let (quotas, ids) =
                tokio::try_join!(exporter.document("headroom", &all), exporter.document("models", &all))?;
            let spent: Vec<&Value> =
                quotas["items"].as_array().into_iter().flatten().filter(|quota| is_spent(quota)).collect();
            Ok(json!({
                "snapshot_at": quotas["snapshot_at"], "quotas": spent, "ids": ids["items"],
                "unread": quotas["unread"],
            }))
        }
        Tool::Explain => {
            let quotas = exporter.document("headroom", &all).await?;
            Ok(json!({"model_id": model_id, "spends": quotas["items"], "unsettled": quotas["unsettled"]}))
        }
    }
}

/// Whether calls spend a quota, or may: unknown use is not left out. The others are a hundred for each that is spent.
fn is_spent(quota: &Value) -> bool {
    let is_zero = |key: &str| quota[key].as_f64() == Some(0.0);
    quota["state"] != "no_such_quota" && !(is_zero("used") && is_zero("peak"))
}
