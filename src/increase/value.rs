//! The value to ask for, and how it came about.

use super::draft::{Draft, Wish};
use crate::findings::case::Case;
use crate::findings::remedies::{MARGIN, above_default, round_up, shut_out};
use crate::model::ids::QuotaKind;
use crate::model::matching::ModelQuota;
use crate::report::human::{exact, grouped, rounded};

/// Sets value and reasoning. `spent`: the tokens per minute that the calls spend.
pub(super) fn choose(draft: &mut Draft, wish: &Wish, spent: Option<&ModelQuota>, case: Option<&Case>) {
    if let Some(value) = wish.value {
        (draft.value, draft.reasoning) = (Some(value), "The value was given.".to_string());
        return;
    }
    let (needed, why) = match needed(draft, spent, case) {
        Ok(needed) => needed,
        Err(why) => {
            draft.reasoning = format!("{why}, so what is needed cannot be measured: give --value.");
            return;
        }
    };
    let (factor, growth) = grown(draft, wish);
    let (scaled, scale) = scaled(draft, spent);
    let least = needed * factor * MARGIN * scaled;
    let rounded_up = round_up(least);
    let above = cut(draft).filter(|default| rounded_up <= *default).map(|default| {
        let value = above_default(default);
        (value, format!(" AWS takes only what is above its default, {}: {}.", exact(default), exact(value)))
    });
    let (value, note) = above.unwrap_or((rounded_up, String::new()));
    draft.value = Some(value);
    draft.reasoning = format!(
        "{why}{growth}{scale} With a fifth more, so that a busy minute is not the first refused one, that is {}; \
         rounded up, {}.{note}",
        rounded(least),
        exact(rounded_up)
    );
}

/// AWS's default, where the limit was cut below it.
fn cut(draft: &Draft) -> Option<f64> {
    draft.quota.default.filter(|default| draft.quota.limit.is_some_and(|limit| limit < *default))
}

/// What the calls of a minute need, and how that was found.
///
/// # Errors
/// Why nobody can measure it, without a full stop.
fn needed(draft: &Draft, spent: Option<&ModelQuota>, case: Option<&Case>) -> Result<(f64, String), String> {
    let of_requests = draft.quota.key.kind == QuotaKind::RequestsPerMinute;
    let limit = if of_requests { draft.quota.limit } else { spent.and_then(|quota| quota.limit) };
    if let Some(case) = case.filter(|case| case.throttles > 0.0) {
        let measured = &case.measured;
        let limit = limit.ok_or("The limit is not known")?;
        if limit <= 0.0 {
            return Err("The limit is 0".to_string());
        }
        if measured.minutes <= 0.0 {
            return Err("Not everything is known of any refused minute".to_string());
        }
        if measured.requests <= 0.0 {
            return Err(shut_out(case));
        }
        let times = (measured.requests + measured.throttles) / measured.requests;
        let why = format!(
            "In the newest {} minutes with refusals {} of {} calls were let in at a limit of {}: all of them need {} \
             times that, {}. Retries among the refused make the number larger than it need be.",
            measured.minutes,
            grouped(measured.requests),
            grouped(measured.requests + measured.throttles),
            exact(limit),
            rounded(times),
            rounded(limit * times)
        );
        return Ok((limit * times, why));
    }
    let used = if of_requests { draft.demand.requests } else { draft.demand.tokens };
    let used = used.ok_or("No minute with calls is known")?;
    Ok((used.max, format!("No call was refused; the busiest minute spent {}.", rounded(used.max))))
}

/// How many times today's use is asked for, and what says so. Use that shrinks is asked for as it is.
fn grown(draft: &Draft, wish: &Wish) -> (f64, String) {
    let projected = draft.demand.growth.and_then(|growth| growth.projected()).filter(|factor| *factor > 1.0);
    match (wish.growth, projected) {
        (Some(factor), _) => (factor, format!(" Growth was given: {} times today's use.", rounded(factor))),
        (None, Some(factor)) => {
            (factor, format!(" Growth of two weeks, projected: {} times.", rounded(factor)))
        }
        (None, None) => (1.0, String::new()),
    }
}

/// Use that is held to another quota than the one that is asked for: by the defaults' proportion.
fn scaled(draft: &Draft, spent: Option<&ModelQuota>) -> (f64, String) {
    let spent = spent.filter(|spent| {
        spent.key.code != draft.quota.key.code && draft.quota.key.kind == QuotaKind::TokensPerMinute
    });
    let defaults =
        spent.and_then(|spent| draft.quota.default.zip(spent.default.filter(|value| *value > 0.0)));
    match defaults {
        Some((asked, spent)) => {
            let times = asked / spent;
            let why =
                format!(" AWS's default for it is {} times that of the quota that is spent.", rounded(times));
            (times, why)
        }
        None => (1.0, String::new()),
    }
}
