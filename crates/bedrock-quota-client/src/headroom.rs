//! Limits from an exporter's answer at `/api/v1/headroom`.

use crate::limits::Limits;
use serde_json::Value;
use std::collections::BTreeSet;

impl Limits {
    /// The suggested safe rate of each quota of one invocation id, which is at most 90 % of its limit, from the `items`
    /// of the answer. The API does not tell the burndown.
    ///
    /// # Errors
    /// If the items are of several accounts, regions or scopes, or the rate of a quota is not known: nobody could keep
    /// to it.
    pub fn of_headroom(items: &[Value], burndown: f64) -> Result<Limits, String> {
        let regional = |item: &&Value| item["scope"] != "regional";
        let place = |item: &Value| ["account_id", "region", "scope"].map(|name| text(&item[name]));
        let places: BTreeSet<_> = items.iter().filter(regional).map(place).collect();
        if places.len() != 1 {
            return Err(format!("limits are of one account, region and scope; found {places:?}"));
        }
        let mut limits = Limits { burndown, ..Limits::default() };
        for item in items.iter().filter(|item| item["state"] != "no_such_quota") {
            let name = text(&item["quota"]);
            let limit = match name.as_str() {
                "requests_per_minute" => &mut limits.requests_per_minute,
                "tokens_per_minute" => &mut limits.tokens_per_minute,
                "tokens_per_day" => &mut limits.tokens_per_day,
                _ => continue,
            };
            let rate = item["safe_rate"]["value"].as_f64().ok_or_else(|| {
                format!("{name}: no safe rate is known: {}", text(&item["unknown"]["safe_rate"]))
            })?;
            *limit = Some(limit.map_or(rate, |known| known.min(rate)));
        }
        Ok(limits)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}
