//! What may be used of a quota without being refused.

use super::described::described;
use crate::model::evaluation::Cause;
use crate::model::ids::QuotaKind;

/// Of a ceiling, so much is suggested: neighbours and a minute's unevenness take the rest.
const SAFE_SHARE: f64 = 0.9;

described! {
    /// What may be used without being refused, and why.
    SafeRate {
        /// In the quota's own unit.
        value: f64,
        /// `minute` or `day`.
        per: &'static str,
        reason: &'static str,
    }
}

/// What is known of a quota's use.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    Measured,
    /// Calls are seen, or would be; what they spend of it is not known.
    Unmeasured,
    Unread,
}

/// `ceiling`: the most that was used in a minute in which calls were refused. `None` where nothing is limited over
/// time, or nothing tells a rate.
pub(super) fn safe_rate(
    kind: QuotaKind,
    limit: Option<f64>,
    ceiling: Option<f64>,
    cause: Option<Cause>,
    seen: Seen,
) -> Option<SafeRate> {
    if !kind.is_rate() {
        return None;
    }
    let per = if kind == QuotaKind::TokensPerDay { "day" } else { "minute" };
    let limit = limit?;
    let is_other = spent_kind(cause).is_some_and(|spent| spent != kind);
    let (most, reason) = match ceiling {
        _ if limit == 0.0 => (0.0, "the quota is 0: every call is refused"),
        _ if is_other => (limit, "90 % of the limit: calls are refused for another quota"),
        // Nothing was accepted in it: that tells no rate.
        Some(0.0) => return None,
        Some(ceiling) if ceiling < limit => (
            ceiling,
            "90 % of what was used in the fullest minute with refused calls, which is below the limit",
        ),
        Some(_) => (limit, "90 % of the limit: calls were refused only at or above it"),
        None => match seen {
            Seen::Measured => (limit, "90 % of the limit: no call was seen refused below it of late"),
            Seen::Unmeasured => (
                limit,
                "90 % of the limit: what is used of it is not known, nor whether calls are refused below it",
            ),
            Seen::Unread => return None,
        },
    };
    Some(SafeRate { value: (most * SAFE_SHARE).floor(), per, reason })
}

/// What calls are refused for, where it is one quota's kind: the others' use in such a minute is no ceiling.
fn spent_kind(cause: Option<Cause>) -> Option<QuotaKind> {
    match cause? {
        Cause::RequestsPerMinute => Some(QuotaKind::RequestsPerMinute),
        Cause::TokensPerMinute => Some(QuotaKind::TokensPerMinute),
        Cause::TokensPerDay => Some(QuotaKind::TokensPerDay),
        // Tokens that are reserved, and not used, count against the tokens of a minute.
        Cause::Reservation => Some(QuotaKind::TokensPerMinute),
        Cause::ZeroQuota | Cause::Capacity | Cause::Unknown => None,
    }
}
