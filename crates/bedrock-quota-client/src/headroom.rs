//! Limits from an exporter's answer at `/api/v1/headroom`.

use crate::limits::Limits;
use serde_json::Value;
use std::collections::BTreeSet;

/// The newest minute that a figure of the answer counts, in seconds.
const MINUTE: f64 = 60.0;

impl Limits {
    /// The suggested safe rate of each quota of one invocation id, which is at most 90 % of its limit, and what is used of
    /// the day. A quota that is known not to exist limits nothing. The API does not tell the burndown. `used_today`: tokens
    /// of the day's quota that are used, where the caller knows it better.
    ///
    /// # Errors
    /// If the items are of several accounts, regions or scopes; if something was not read, since a quota may be missing; if
    /// the rate of a quota is not known, or nobody can tell which quota is spent, or how much of the day: nobody could keep
    /// to it; if nothing limits requests or tokens, as with provisioned throughput.
    pub fn of_headroom(answer: &Value, burndown: f64, used_today: Option<f64>) -> Result<Limits, String> {
        let [items, unsettled, unread] = ["items", "unsettled", "unread"].map(|name| list(answer, name));
        let (items, unsettled, unread) = (items?, unsettled?, unread?);
        let regional = |item: &&Value| item["scope"] != "regional";
        let place = |item: &Value| ["account_id", "region", "scope"].map(|name| text(&item[name]));
        let places: BTreeSet<_> = items.iter().filter(regional).map(place).collect();
        if places.len() != 1 {
            return Err(format!("limits are of one account, region and scope; found {places:?}"));
        }
        if !unread.is_empty() {
            let told = |one: &Value| {
                let [account, region, why] = ["account_id", "region", "why"].map(|name| text(&one[name]));
                format!("{account} in {region}: {why}")
            };
            let unread: Vec<String> = unread.iter().map(told).collect();
            return Err(format!("not all was read that limits are made of: {}", unread.join("; ")));
        }
        let mut limits = Limits { burndown, ..Limits::default() };
        for quantity in unsettled {
            let name = text(&quantity["quota"]);
            if limits.rate(&name).is_some() {
                let reason = text(&quantity["reason"]);
                return Err(format!("{name}: nobody can tell which quota is spent: {reason}"));
            }
        }
        let present: Vec<&Value> = items.iter().filter(|item| item["state"] != "no_such_quota").collect();
        for item in &present {
            let name = text(&item["quota"]);
            let Some(limit) = limits.rate(&name) else { continue };
            let rate = item["safe_rate"]["value"].as_f64().ok_or_else(|| {
                format!("{name}: no safe rate is known: {}", text(&item["unknown"]["safe_rate"]))
            })?;
            *limit = Some(limit.map_or(rate, |known| known.min(rate)));
        }
        if [limits.requests_per_minute, limits.tokens_per_minute, limits.tokens_per_day] == [None; 3] {
            return Err(nothing_limited(&present));
        }
        if limits.tokens_per_day.is_some_and(|most| most > 0.0) {
            let (used, at) = used(&present, answer["snapshot_at"].as_f64(), used_today)?;
            (limits.used_today, limits.used_today_at) = (used, at);
        }
        Ok(limits)
    }

    /// The limit of that name; `None`: callers are held to no such quantity.
    fn rate(&mut self, name: &str) -> Option<&mut Option<f64>> {
        match name {
            "requests_per_minute" => Some(&mut self.requests_per_minute),
            "tokens_per_minute" => Some(&mut self.tokens_per_minute),
            "tokens_per_day" => Some(&mut self.tokens_per_day),
            _ => None,
        }
    }
}

/// What is used of the quotas of a day, and when it was so. What the caller tells wins.
fn used(items: &[&Value], snapshot_at: Option<f64>, told: Option<f64>) -> Result<(f64, Option<f64>), String> {
    if let Some(told) = told {
        return Ok((told, snapshot_at));
    }
    let mut fullest = (0.0, None);
    for item in items.iter().filter(|item| item["quota"] == "tokens_per_day") {
        let used = item["used"].as_f64().ok_or_else(|| {
            let why = text(&item["unknown"]["used"]);
            format!(
                "tokens_per_day: how much of the day is used is not known: {why}; where you know it, give used_today, \
                 in tokens"
            )
        })?;
        // The newest minute's day, which just after midnight is the day before.
        let age = item["data_age_seconds"].as_f64().unwrap_or_default() + MINUTE;
        if used >= fullest.0 {
            fullest = (used, snapshot_at.map(|at| at - age));
        }
    }
    Ok(fullest)
}

fn nothing_limited(present: &[&Value]) -> String {
    let found: BTreeSet<String> = present.iter().map(|item| text(&item["quota"])).collect();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    let found = if found.is_empty() { "none".to_string() } else { found.join(", ") };
    format!(
        "no quota of requests or tokens limits these calls (quotas that they spend: {found}), so that nothing would be \
         kept to: give Limits of your own"
    )
}

fn list<'a>(answer: &'a Value, name: &str) -> Result<&'a [Value], String> {
    let list = answer[name].as_array().map(Vec::as_slice);
    list.ok_or_else(|| format!("the answer has no list {name}: expected all of /api/v1/headroom"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}
