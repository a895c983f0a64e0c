//! The `model_list` of LiteLLM's proxy: one deployment for each id, all of a model under its base id.

use super::deployments::{Deployment, Limit};
use super::yaml::{comment, preamble, quoted};
use crate::api::Place;

/// How its first line begins.
pub(super) const TITLE: &str = "model_list for the proxy of LiteLLM";

pub(super) fn render(deployments: &[Deployment], share: f64) -> String {
    let mut out = preamble(TITLE, share);
    let (mut items, mut place) = (String::new(), None::<&Place>);
    for deployment in deployments {
        if place != Some(&deployment.place) {
            let Place { account_id, account_name, region } = &deployment.place;
            items += &comment(2, &format!("{account_name} ({account_id}), {region}"));
            place = Some(&deployment.place);
        }
        items += &item(deployment, share);
    }
    // Comments alone are no list.
    let is_empty = !items.lines().any(|line| line.starts_with("  - "));
    out += if is_empty { "model_list: []\n" } else { "model_list:\n" };
    out + &items
}

fn item(deployment: &Deployment, share: f64) -> String {
    let Deployment { place, model, model_id, .. } = deployment;
    if let Some(kind) = deployment.zero() {
        return comment(2, &format!("left out: {model_id}: its quota of {kind} is 0, every call is refused"));
    }
    // A limit that is left out is none.
    if let Some((kind, limit)) = deployment.below_one(share) {
        let why = format!("its quota of {kind} is {limit}, and the share of it is less than 1");
        return comment(2, &format!("left out: {model_id}: {why}"));
    }
    let id = format!("{}/{}/{model_id}", place.account_id, place.region);
    let mut out = format!(
        "  - model_name: {}\n    litellm_params:\n      model: {}\n      aws_region_name: {}\n",
        quoted(model),
        quoted(&format!("bedrock/{model_id}")),
        quoted(&place.region),
    );
    out += &limit("rpm", &deployment.requests_per_minute, share);
    out += &limit("tpm", &deployment.tokens_per_minute, share);
    if let Limit::Of(_) = &deployment.tokens_per_minute {
        out += &match deployment.burndown {
            Some(1.0) => String::new(),
            Some(burndown) => {
                let told = format!("an output token counts {burndown} times in Bedrock, once in LiteLLM");
                comment(6, &told)
            }
            None => comment(6, "how often an output token counts in Bedrock is not known"),
        };
    }
    if let Limit::Of(day) = &deployment.tokens_per_day {
        let day = (day * share).floor();
        out += &comment(6, &format!("tokens per day: {day}, which LiteLLM has no key for"));
    }
    if !deployment.shares_with.is_empty() {
        out += &comment(6, &format!("shares its quotas with {}", deployment.shares_with.join(", ")));
    }
    // Without an id of its own LiteLLM would make one of the limits, and forget what was used when one changes.
    out + &format!("    model_info:\n      id: {}\n", quoted(&id))
}

fn limit(key: &str, limit: &Limit, share: f64) -> String {
    match limit.at(share) {
        Ok(value) => format!("      {key}: {value}\n"),
        Err(why) => comment(6, &format!("{key}: {why}")),
    }
}
