//! QuotaPolicy objects of Envoy AI Gateway: one for each account and region, whose AIServiceBackend has its name.

use super::deployments::{Deployment, Limit};
use super::yaml::{comment, preamble, quoted};
use crate::api::Place;

/// How its first line begins.
pub(super) const TITLE: &str = "QuotaPolicy objects for Envoy AI Gateway";

/// So many models a QuotaPolicy may have.
const MOST: usize = 128;

pub(super) fn render(deployments: &[Deployment], share: f64) -> String {
    let mut out = preamble(TITLE, share);
    for of_place in deployments.chunk_by(|a, b| a.place == b.place) {
        let (mut told, mut left_out) = (Vec::new(), String::new());
        for deployment in of_place {
            match bucket(deployment, share) {
                Ok(bucket) => told.push(bucket),
                Err(why) => left_out += &comment(0, &format!("left out: {}: {why}", deployment.model_id)),
            }
        }
        for (number, models) in told.chunks(MOST).enumerate() {
            out += &policy(&of_place[0].place, number, models);
        }
        out += &left_out;
    }
    out
}

fn policy(place: &Place, number: usize, models: &[String]) -> String {
    let Place { account_id, account_name, region } = place;
    let backend = format!("bedrock-{account_id}-{region}");
    let ordinal = if number == 0 { String::new() } else { format!("-{}", number + 1) };
    format!(
        "---\n{}apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: QuotaPolicy\nmetadata:\n  name: {}\nspec:\n  \
         targetRefs:\n    - group: aigateway.envoyproxy.io\n      kind: AIServiceBackend\n      name: {}\n  \
         perModelQuotas:\n{}",
        comment(0, &format!("{account_name} ({account_id}), {region}")),
        quoted(&format!("{backend}{ordinal}")),
        quoted(&backend),
        models.concat(),
    )
}

/// The bucket of an id, or why it has none. The gateway counts tokens, and one bucket for each model: requests and
/// tokens of a day are told in comments.
fn bucket(deployment: &Deployment, share: f64) -> Result<String, String> {
    let Deployment { model, model_id, scope, burndown, .. } = deployment;
    if let Some(kind) = deployment.zero() {
        return Err(format!("its quota of {kind} is 0, every call is refused"));
    }
    let limit = deployment.tokens_per_minute.at(share).map_err(|why| format!("tokens per minute: {why}"))?;
    let burndown = burndown.ok_or("how often its output tokens count is not known")?;
    let mut out = comment(4, &format!("{model}, {scope}"));
    for (name, limit) in [
        ("requests per minute", &deployment.requests_per_minute),
        ("tokens per day", &deployment.tokens_per_day),
    ] {
        if let Limit::Of(limit) = limit {
            let limit = (limit * share).floor();
            out += &comment(
                4,
                &format!("{name}: {limit}, which a QuotaPolicy does not count beside tokens per minute"),
            );
        }
    }
    if !deployment.shares_with.is_empty() {
        out += &comment(4, &format!("shares its quotas with {}", deployment.shares_with.join(", ")));
    }
    // The gateway's input_tokens include what was read from the cache, which Bedrock does not count, and what was
    // written to it, which it does.
    let output = match burndown {
        1.0 => "output_tokens".to_string(),
        whole if whole.fract() == 0.0 => format!("output_tokens * {whole}u"),
        part => format!("uint(double(output_tokens) * {part})"),
    };
    Ok(out
        + &format!(
            "    - modelName: {}\n      quota:\n        costExpression: \
             \"input_tokens - cached_input_tokens + {output}\"\n        defaultBucket:\n          \
             limit: {limit}\n          duration: \"1m\"\n",
            quoted(model_id)
        ))
}
