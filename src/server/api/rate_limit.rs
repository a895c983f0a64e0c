//! The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11.

use crate::api::Headroom;
use crate::model::ids::QuotaKind;
use crate::model::time::Timestamp;
use axum::http::{HeaderName, HeaderValue};
use std::collections::BTreeSet;

/// A day in seconds.
const DAY: u64 = 86_400;

/// Each quota by its code, where all is of one target, and of one scope or one invocation id: otherwise nobody could
/// tell whose they are. The unit `tokens` is none of the draft's own.
pub(super) fn rate_limits(
    items: &[Headroom],
    of_one_id: bool,
    at: Timestamp,
) -> Vec<(HeaderName, HeaderValue)> {
    let places: BTreeSet<_> = items.iter().map(|item| (&item.place.account_id, &item.place.region)).collect();
    let scopes: BTreeSet<_> = items.iter().map(|item| item.scope).collect();
    if places.len() != 1 || (scopes.len() != 1 && !of_one_id) {
        return Vec::new();
    }
    let (policies, limits): (Vec<String>, Vec<String>) =
        items.iter().filter_map(|item| fields(item, at)).unzip();
    let header = |name: &'static str, values: Vec<String>| {
        let value = HeaderValue::from_str(&values.join(", ")).ok().filter(|_| !values.is_empty());
        Some((HeaderName::from_static(name), value?))
    };
    [header("ratelimit-policy", policies), header("ratelimit", limits)].into_iter().flatten().collect()
}

/// A quota's member of both fields.
fn fields(item: &Headroom, at: Timestamp) -> Option<(String, String)> {
    let (limit, remaining) = item.limit.zip(item.remaining)?;
    let kind = QuotaKind::from_word(item.quota).filter(|kind| kind.is_rate())?;
    let unit = if kind == QuotaKind::RequestsPerMinute { "requests" } else { "tokens" };
    let (window, reset) = if kind == QuotaKind::TokensPerDay {
        let end = at.day_start().plus(DAY);
        (DAY, format!(";t={}", end.since(at)))
    } else {
        (60, String::new())
    };
    let (name, limit, left) = (&item.quota_code, limit.floor(), remaining.floor());
    Some((format!("\"{name}\";q={limit};w={window};qu=\"{unit}\""), format!("\"{name}\";r={left}{reset}")))
}
