//! Answers of a running exporter's API.

use crate::commands::exporter::Exporter;
use crate::mcp::{Question, Tool};
use serde_json::{Value, json};

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
            if let (Some(model), Some(items)) = (model, quotas["items"].as_array_mut()) {
                // Names of quotas spell models in words.
                let (whole, words) = (model.to_lowercase(), words(model));
                items.retain(|item| {
                    let name = item["quota_name"].as_str().unwrap_or_default().to_lowercase();
                    name.contains(&whole) || words.iter().all(|word| name.contains(word))
                });
            }
            Ok(quotas)
        }
        Tool::Usage => {
            let (quotas, ids) =
                tokio::try_join!(exporter.document("headroom", &all), exporter.document("models", &all))?;
            let spent: Vec<&Value> =
                quotas["items"].as_array().into_iter().flatten().filter(|quota| is_spent(quota)).collect();
            Ok(json!({"snapshot_at": quotas["snapshot_at"], "quotas": spent, "ids": ids["items"]}))
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

/// The words of a model id that a quota's name may have: without its maker, date and revision.
fn words(model: &str) -> Vec<String> {
    let name = model.rsplit_once('.').map_or(model, |(_, name)| name);
    let is_told = |word: &&str| word.len() < 8 && !word.starts_with('v');
    name.split(['-', ':']).filter(is_told).map(str::to_lowercase).collect()
}
