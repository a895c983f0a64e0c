//! What helps against a cause, in numbers of the case at hand.

use super::finding::{Finding, Measured, Remedy, Room};
use crate::model::evaluation::Cause;
use crate::model::ids::QuotaKind;
use crate::model::matching::ModelQuota;
use crate::model::time::Timestamp;
use crate::picture::activity::Activity;
use crate::picture::survey::Survey;
use crate::report::human::{exact, grouped, percent, rounded};
use std::sync::Arc;

/// How full a limit may get in its busiest minute and still have room, as a share.
const ROOMY: f64 = 0.5;
/// No place is offered beyond these.
const MOST_ROOMS: usize = 3;

/// The places of a survey that have room in tokens per minute.
pub fn rooms(survey: &Survey) -> Vec<Room> {
    let quotas = survey
        .quotas
        .iter()
        .filter(|quota| quota.key.kind == QuotaKind::TokensPerMinute && survey.is_callable(quota));
    let room = |quota: &Arc<ModelQuota>| {
        let limit = quota.limit.filter(|limit| *limit > 0.0)?;
        let peak = survey.peak(&quota.key)?;
        let place = survey.picture.place();
        (peak <= ROOMY * limit).then(|| Room {
            model: quota.key.model.clone(),
            scope: quota.key.scope,
            place,
            limit,
            peak,
        })
    };
    quotas.filter_map(room).collect()
}

/// What can be done where the calls are made, the cheapest first.
pub fn remedies(finding: &Finding, survey: &Survey, activity: &Activity) -> Vec<Remedy> {
    let limit = |kind| limit(survey, activity, kind);
    let tokens = limit(QuotaKind::TokensPerMinute);
    let requests = limit(QuotaKind::RequestsPerMinute);
    let measured = &finding.measured;
    let ask = |quota: Option<(f64, String)>| quota.map(|(limit, code)| ask(survey, limit, &code, measured));
    let all = match finding.cause {
        Cause::ZeroQuota => vec![zero(survey, activity)],
        Cause::TokensPerDay => vec![Some(wait(finding)), ask(limit(QuotaKind::TokensPerDay))],
        Cause::RequestsPerMinute => {
            let spread = requests.as_ref().map(|(limit, _)| spread(survey, activity, *limit));
            vec![spread, ask(requests)]
        }
        Cause::TokensPerMinute => vec![cache(measured), ask(tokens)],
        Cause::Reservation => {
            vec![tokens.as_ref().and_then(|(limit, _)| lower_max_tokens(*limit, measured)), ask(tokens)]
        }
        Cause::Capacity => vec![Some(retry())],
        Cause::Unknown => vec![Some(read_the_error())],
    };
    all.into_iter().flatten().collect()
}

/// Adds other places that have room for the same model, before what takes AWS's time.
pub fn offer(finding: &mut Finding, rooms: &[Room]) {
    if finding.cause == Cause::Unknown {
        return;
    }
    if let Some(remedy) = elsewhere(finding, rooms) {
        let at = finding.remedies.iter().position(|remedy| remedy.command.is_some());
        finding.remedies.insert(at.unwrap_or(finding.remedies.len()), remedy);
    }
}

/// The limit of that kind that the calls spend, and its code.
fn limit(survey: &Survey, activity: &Activity, kind: QuotaKind) -> Option<(f64, String)> {
    let key = activity.quotas().into_iter().find(|key| key.kind == kind && !key.code.is_empty())?;
    let limit = survey.quota(key)?.limit.filter(|limit| *limit > 0.0)?;
    Some((limit, key.code.to_string()))
}

/// What fits: the limit over all calls, made and refused, less what a call sends.
fn lower_max_tokens(limit: f64, measured: &Measured) -> Option<Remedy> {
    let Measured { minutes, requests, throttles, input, output, cache_write, .. } = *measured;
    if requests <= 0.0 || minutes <= 0.0 {
        let how = format!(
            "No call was let in, so what each reserves cannot be told; input and max_tokens of one call must be below {}.",
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
    let then = match fits > answer {
        true => format!(
            "A max_tokens of at most {} lets all {} calls a minute in ({} / {} - {}); retries among the refused make \
             that number smaller than it need be.",
            grouped(fits),
            rounded(asked),
            exact(limit),
            rounded(asked),
            rounded(sent)
        ),
        false => format!(
            "No max_tokens above the average answer lets all {} calls a minute in: lower it, and ask for more or spread.",
            rounded(asked)
        ),
    };
    Some(Remedy { what: "lower max_tokens", how: format!("{now} {then}"), command: None })
}

/// Input that could be cached does not count once it is read from the cache.
fn cache(measured: &Measured) -> Option<Remedy> {
    let Measured { requests, input, cache_read, .. } = *measured;
    if requests <= 0.0 {
        return None;
    }
    let how = match cache_read > 0.0 {
        true => format!(
            "{} of what is read comes from the cache already; input is {} tokens a call.",
            percent(cache_read / (cache_read + input)),
            rounded(input / requests)
        ),
        false => format!(
            "Nothing is read from a cache, and input is {} tokens a call: what prompts have in common counts once when \
             it is written, and not when it is read.",
            rounded(input / requests)
        ),
    };
    Some(Remedy { what: "cache prompts", how, command: None })
}

/// Whether the calls fit if they came evenly.
fn spread(survey: &Survey, activity: &Activity, limit: f64) -> Remedy {
    let settled = survey.settled();
    let totals = activity.totals();
    let mean = totals.attempts() / settled.max(1) as f64;
    let fits = mean <= 0.9 * limit;
    let calls = activity.series(crate::model::usage::Metric::Invocations);
    let roomy = calls.iter().take(settled).filter(|calls| **calls <= ROOMY * limit).count();
    let how = match fits {
        true => format!(
            "All calls of the span, made and refused, are {} a minute on average, and the limit is {}: they fit if they \
             come evenly. {} of {} minutes were at most half full.",
            rounded(mean),
            exact(limit),
            grouped(roomy as f64),
            grouped(settled as f64)
        ),
        false => format!(
            "Spreading alone does not help: all calls, made and refused, are {} a minute on average, and the limit is {}. \
             Retries among the refused make that number larger than it need be.",
            rounded(mean),
            exact(limit)
        ),
    };
    Remedy { what: "spread calls", how, command: None }
}

/// Other places that have room for the same model.
fn elsewhere(finding: &Finding, rooms: &[Room]) -> Option<Remedy> {
    let fits = |room: &&Room| {
        room.model == finding.model && !(room.place == finding.place && Some(room.scope) == finding.scope)
    };
    let mut fitting: Vec<&Room> = rooms.iter().filter(fits).collect();
    fitting.sort_by(|a, b| (b.limit - b.peak).total_cmp(&(a.limit - a.peak)));
    let told: Vec<String> = fitting
        .iter()
        .take(MOST_ROOMS)
        .map(|room| {
            let Room { scope, place, limit, peak, .. } = room;
            format!(
                "{scope} in {place}: {} of {} tokens a minute are free",
                rounded(limit - peak),
                exact(*limit)
            )
        })
        .collect();
    let how = told.join("; ");
    (!how.is_empty()).then_some(Remedy { what: "call elsewhere", how, command: None })
}

/// The value that lets everything in, and the line that asks for it.
fn ask(survey: &Survey, limit: f64, code: &str, measured: &Measured) -> Remedy {
    let times = (measured.requests + measured.throttles) / measured.requests.max(1.0);
    let default = survey.quotas.iter().find(|quota| *quota.key.code == *code).and_then(|quota| quota.default);
    let wish = wish(limit * times, default);
    let above = match default.filter(|default| limit * times <= *default) {
        Some(default) => format!(" AWS takes only what is above its default, {}.", exact(default)),
        None => String::new(),
    };
    let how = format!(
        "All calls of the refused minutes are {} times those that were let in; {} times the limit of {} is {}.{above}",
        rounded(times),
        rounded(times),
        exact(limit),
        rounded(limit * times)
    );
    Remedy { what: "ask for more", how, command: Some(request(survey, code, wish)) }
}

/// A round number a fifth above what is needed, and above AWS's default.
fn wish(needed: f64, default: Option<f64>) -> f64 {
    let least = (needed * 1.2).max(default.map_or(0.0, |default| default * 1.01));
    let unit = 10_f64.powf(least.max(1.0).log10().floor() - 1.0).max(1.0);
    (least / unit).ceil() * unit
}

fn request(survey: &Survey, code: &str, wish: f64) -> String {
    let region = &survey.picture.target.region;
    format!(
        "aws service-quotas request-service-quota-increase --service-code bedrock --quota-code {code} \
         --desired-value {wish} --region {region}"
    )
}

fn zero(survey: &Survey, activity: &Activity) -> Option<Remedy> {
    let zero = activity.quotas().into_iter().filter_map(|key| survey.quota(key));
    let zero = zero.into_iter().find(|quota| quota.limit == Some(0.0))?;
    let wish = wish(0.0, zero.default);
    Some(Remedy {
        what: "ask for more",
        how: format!("The limit {} is 0: nothing can be called before it is raised.", zero.key.code),
        command: zero.default.map(|_| request(survey, &zero.key.code, wish)),
    })
}

fn wait(finding: &Finding) -> Remedy {
    let last = finding.evidence.last().map_or(Timestamp::default(), |instant| instant.minute.start());
    let ends = last.day_start().plus(86_400);
    let how = format!("The day ends at {ends}, if AWS's day is the UTC day, which is not documented.");
    Remedy { what: "wait", how, command: None }
}

fn retry() -> Remedy {
    let how = "Retry with growing pauses and honour Retry-After; a limit that is raised gives no capacity.";
    Remedy { what: "retry", how: how.to_string(), command: None }
}

/// What the account's day quota looks like, which no metric measures.
pub(super) fn account_wide(models: usize) -> Remedy {
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
