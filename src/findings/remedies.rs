//! What helps against a cause, in numbers of the case at hand.

use super::case::{Case, Extent, Limit, Measured, Remedy, Room, Space, Spread};
use super::finding::Finding;
use crate::diagnosis::causes;
use crate::model::evaluation::Cause;
use crate::model::ids::Scope;
use crate::model::time::Timestamp;
use crate::report::human::{count, exact, grouped, minute, percent, rounded};

/// What is asked for beyond what is needed, so that a busy minute is not the first refused one.
pub(crate) const MARGIN: f64 = 1.2;
/// No place is offered beyond these.
const MOST_ROOMS: usize = 3;

/// What can be done where the calls are made, the cheapest first; without numbers, what the decision table says.
pub(super) fn remedies(case: &Case) -> Vec<Remedy> {
    let (measured, limits) = (&case.measured, &case.limits);
    let ask = |limit: &Option<Limit>| limit.as_ref().map(|limit| ask(case, limit));
    let all = match case.cause {
        Cause::ZeroQuota => vec![limits.zero.as_ref().map(|limit| zero(case, limit))],
        Cause::TokensPerDay => vec![wait(case), ask(&limits.day)],
        Cause::RequestsPerMinute => {
            let spread =
                limits.requests.as_ref().zip(case.spread).map(|(limit, spread)| evenly(limit.value, spread));
            vec![spread, ask(&limits.requests)]
        }
        Cause::TokensPerMinute => vec![cache(measured), ask(&limits.tokens)],
        Cause::Reservation => {
            let lower = limits.tokens.as_ref().and_then(|limit| lower_max_tokens(limit.value, case));
            vec![lower, ask(&limits.tokens)]
        }
        Cause::Capacity => vec![Some(retry())],
        Cause::Unknown if case.together > 0 => vec![Some(account_wide(case.together))],
        Cause::Unknown => vec![Some(read_the_error())],
    };
    let numbers: Vec<Remedy> = all.into_iter().flatten().collect();
    if numbers.is_empty() {
        return causes::row(case.cause).remedies.iter().map(|remedy| Remedy::plain(*remedy)).collect();
    }
    numbers
}

/// Adds other places that have room for the same model, before what takes AWS's time.
pub(super) fn offer(finding: &mut Finding, rooms: &[Room]) {
    let Some(case) = finding.case.as_ref().filter(|case| case.cause != Cause::Unknown) else { return };
    if let Some(remedy) = elsewhere(case, rooms) {
        let at = finding.remedies.iter().position(|remedy| remedy.command.is_some());
        finding.remedies.insert(at.unwrap_or(finding.remedies.len()), remedy);
    }
}

/// What fits: the limit over all calls, made and refused, less what a call sends.
fn lower_max_tokens(limit: f64, case: &Case) -> Option<Remedy> {
    let Measured { minutes, requests, throttles, input, output, cache_write, .. } = case.measured;
    if minutes <= 0.0 {
        return None;
    }
    if requests <= 0.0 {
        let how = format!(
            "{}, so what each reserves cannot be told; input and max_tokens of one call must be below {}.",
            shut_out(case),
            exact(limit)
        );
        return Some(Remedy { what: "lower max_tokens", how, command: None });
    }
    let (admitted, asked) = (requests / minutes, (requests + throttles) / minutes);
    let (sent, answer) = ((input + cache_write) / requests, output / requests);
    let reserved = limit / admitted;
    let fits = (limit / asked - sent).floor();
    let now = format!(
        "{} calls a minute were let in, so each reserved about {} tokens ({} / {}): {} of input and about {} of max_tokens, \
         while answers average {}.",
        rounded(admitted),
        rounded(reserved),
        exact(limit),
        rounded(admitted),
        rounded(sent),
        rounded((reserved - sent).max(0.0)),
        rounded(answer)
    );
    let then = if fits > answer {
        format!(
            "A max_tokens of at most {} lets all {} calls a minute in ({} / {} - {}); retries among the refused make \
             that number smaller than it need be.",
            grouped(fits),
            rounded(asked),
            exact(limit),
            rounded(asked),
            rounded(sent)
        )
    } else {
        format!(
            "No max_tokens above the average answer lets all {} calls a minute in: lower it, and ask for more or spread.",
            rounded(asked)
        )
    };
    Some(Remedy { what: "lower max_tokens", how: format!("{now} {then}"), command: None })
}

/// That no call was let in, of those minutes of which it is true, and what holds for the span beside it. Without a full
/// stop.
pub(crate) fn shut_out(case: &Case) -> String {
    let refused = count(case.measured.minutes as usize, "refused minute");
    let when = match (case.minutes.first(), case.minutes.last()) {
        (Some(first), Some(last)) => {
            format!("between {} and {}", minute(first.minute.start()), minute((last.minute + 1).start()))
        }
        _ => String::new(),
    };
    let made = case.attempts - case.throttles;
    let span = if case.extent == Extent::Span && made > 0.0 {
        format!("of all {} calls of the span {} were let in", grouped(case.attempts), grouped(made))
    } else {
        String::new()
    };
    let beside: Vec<String> = [when, span].into_iter().filter(|part| !part.is_empty()).collect();
    let beside = if beside.is_empty() { String::new() } else { format!(" ({})", beside.join("; ")) };
    format!("No call was let in during the newest {refused}{beside}")
}

/// Input that could be cached does not count once it is read from the cache.
fn cache(measured: &Measured) -> Option<Remedy> {
    let Measured { requests, input, cache_read, .. } = *measured;
    if requests <= 0.0 {
        return None;
    }
    let how = if cache_read > 0.0 {
        format!(
            "{} of what is read comes from the cache already; input is {} tokens a call.",
            percent(cache_read / (cache_read + input)),
            rounded(input / requests)
        )
    } else {
        format!(
            "Nothing is read from a cache, and input is {} tokens a call: what prompts have in common counts once when \
             it is written, and not when it is read.",
            rounded(input / requests)
        )
    };
    Some(Remedy { what: "cache prompts", how, command: None })
}

/// Whether the calls fit if they came evenly.
fn evenly(limit: f64, spread: Spread) -> Remedy {
    let Spread { mean, roomy, minutes } = spread;
    let fits = mean <= 0.9 * limit;
    let how = if fits {
        format!(
            "All calls of that time, made and refused, are {} a minute on average, and the limit is {}: they fit if they \
             come evenly. {} of {} minutes were at most half full.",
            rounded(mean),
            exact(limit),
            grouped(roomy as f64),
            grouped(minutes as f64)
        )
    } else {
        format!(
            "It is not enough alone: all calls, made and refused, are {} a minute on average, and the limit is {}. \
             Retries among the refused make that number larger than it need be.",
            rounded(mean),
            exact(limit)
        )
    };
    Remedy { what: "spread calls", how, command: None }
}

/// Other places that have room for the same model.
fn elsewhere(case: &Case, rooms: &[Room]) -> Option<Remedy> {
    let fits = |room: &&Room| {
        Some(&room.model) == case.subject.model.as_ref()
            && !(room.target == case.target && Some(room.scope) == case.subject.scope)
    };
    let mut fitting: Vec<&Room> = rooms.iter().filter(fits).collect();
    let of_requests = case.cause == Cause::RequestsPerMinute;
    let free = |room: &Room| room.requests.filter(|_| of_requests).unwrap_or(room.tokens).free();
    fitting.retain(|room| !of_requests || room.requests.is_some());
    fitting.sort_by(|a, b| free(b).total_cmp(&free(a)));
    let told: Vec<String> = fitting
        .iter()
        .take(MOST_ROOMS)
        .map(|room| {
            let Room { scope, place, tokens, requests, .. } = room;
            let told = |space: &Space, what: &str| {
                format!("{} of {} {what}", rounded(space.free()), exact(space.limit))
            };
            let tokens = told(tokens, "tokens");
            let all = match requests.as_ref().map(|space| told(space, "requests")) {
                Some(requests) if of_requests => format!("{requests} and {tokens}"),
                Some(requests) => format!("{tokens} and {requests}"),
                None => tokens,
            };
            format!("{scope} in {place}: {all} a minute are free")
        })
        .collect();
    let how = told.join("; ");
    (!how.is_empty()).then_some(Remedy { what: "call elsewhere", how, command: None })
}

/// The value that lets everything in, and the line that asks for it.
fn ask(case: &Case, limit: &Limit) -> Remedy {
    let Measured { minutes, requests, throttles, .. } = case.measured;
    let Limit { code, value, default, adjustable } = limit;
    if *adjustable == Some(false) {
        let how = format!(
            "{code} is not adjustable. AWS sizes it with the model's cross-region tokens per minute: the draft says what \
             to ask for."
        );
        return Remedy { what: "ask for more", how, command: Some(draft(case)) };
    }
    if minutes <= 0.0 {
        let how =
            "What the refused minutes needed is not known here: the draft measures it over a longer span.";
        return Remedy { what: "ask for more", how: how.to_string(), command: Some(draft(case)) };
    }
    if requests <= 0.0 {
        let how = format!(
            "{}, so what is needed cannot be measured: the draft takes a value of yours.",
            shut_out(case)
        );
        return Remedy { what: "ask for more", how, command: Some(draft(case)) };
    }
    let times = (requests + throttles) / requests;
    let above = match default.filter(|default| round_up(value * times * MARGIN) < above_default(*default)) {
        Some(default) => {
            let least = exact(above_default(default));
            format!(" AWS takes only what is above its default, {}: {least}.", exact(default))
        }
        None => String::new(),
    };
    let how = format!(
        "All calls of the refused minutes are {} times those that were let in; {} times the limit of {} is {}. With a fifth \
         more, so that a busy minute is not the first refused one, and rounded up: {}.{above}",
        rounded(times),
        rounded(times),
        exact(*value),
        rounded(value * times),
        exact(round_up(value * times * MARGIN))
    );
    Remedy { what: "ask for more", how, command: Some(request(case, code, wish(value * times, *default))) }
}

/// To two digits, upwards.
pub(crate) fn round_up(value: f64) -> f64 {
    let unit = 10_f64.powf(value.max(1.0).log10().floor() - 1.0).max(1.0);
    (value / unit).ceil() * unit
}

/// The smallest round value that AWS takes.
pub(crate) fn above_default(default: f64) -> f64 {
    round_up(default * 1.01)
}

/// A round number a fifth above what is needed, and above AWS's default.
fn wish(needed: f64, default: Option<f64>) -> f64 {
    round_up(needed * MARGIN).max(default.map_or(0.0, above_default))
}

fn request(case: &Case, code: &str, wish: f64) -> String {
    let region = &case.target.region;
    format!(
        "aws service-quotas request-service-quota-increase --service-code bedrock --quota-code {code} \
         --desired-value {wish} --region {region}"
    )
}

/// The line that drafts a request.
fn draft(case: &Case) -> String {
    let Case { target, subject, .. } = case;
    let model = subject.model.as_deref().unwrap_or("MODEL");
    let (account, region) = (&target.account_id, &target.region);
    let scope = subject.scope.filter(|scope| Scope::CALLED.contains(scope));
    let scope = scope.map_or(String::new(), |scope| format!(" --scope {scope}"));
    format!("bedrock-quota-exporter increase --account {account} --region {region}{scope} {}", quoted(model))
}

/// An argument for the shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if text.chars().all(plain) { text.to_string() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn zero(case: &Case, limit: &Limit) -> Remedy {
    Remedy {
        what: "ask for more",
        how: format!("The limit {} is 0: nothing can be called before it is raised.", limit.code),
        command: limit.default.map(|default| request(case, &limit.code, above_default(default))),
    }
}

fn wait(case: &Case) -> Option<Remedy> {
    let last: Timestamp = case.minutes.last()?.minute.start();
    let ends = last.day_start().plus(86_400);
    let how =
        format!("The day ends at {}, if AWS's day is the UTC day, which is not documented.", minute(ends));
    Some(Remedy { what: "wait", how, command: None })
}

fn retry() -> Remedy {
    let how = "Pause longer each time and honour Retry-After; a limit that is raised gives no capacity.";
    Remedy { what: "retry", how: how.to_string(), command: None }
}

/// What the account's day quota looks like, which no metric measures.
fn account_wide(models: usize) -> Remedy {
    let how = format!(
        "{models} models of this account and region were refused in the same minutes, all far below their limits: so it \
         looks when the account's Cross-Model Max Tokens Per Day is spent, which nothing measures. “Too many tokens per \
         day” in the error's text would settle it."
    );
    let command = "bedrock-quota-exporter diagnose --error 'TEXT'".to_string();
    Remedy { what: "read the error", how, command: Some(command) }
}

fn read_the_error() -> Remedy {
    let how = "The minutes do not tell: the error's own text may.".to_string();
    Remedy {
        what: "read the error",
        how,
        command: Some("bedrock-quota-exporter diagnose --error 'TEXT'".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_round_and_above_the_default() {
        assert_eq!(wish(10e6, Some(6e6)), 12e6);
        assert_eq!(wish(9.99e6, Some(6e6)), 12e6);
        assert_eq!(wish(1e6, Some(6e6)), 6.1e6);
        assert_eq!(wish(333.0, None), 400.0);
        assert_eq!(wish(0.0, Some(200.0)), 210.0);
    }
}
