//! `increase`: the draft as Markdown for AWS's form, and as JSON.

use super::envelope::number;
use super::human::{self, exact, grouped, percent, rounded};
use super::safe::printable;
use crate::increase::demand::{AHEAD, Average, Demand, Growth, LARGE, Large};
use crate::increase::{Draft, Profile};
use crate::model::partition;
use crate::picture::distribution::Distribution;
use serde_json::{Value, json};
use std::fmt::Write;

/// The line that sends it; `None` without a value.
pub fn command(draft: &Draft) -> Option<String> {
    let value = draft.value?;
    Some(format!(
        "aws service-quotas request-service-quota-increase --service-code bedrock --quota-code {} --desired-value {value} \
         --region {}",
        draft.quota.key.code, draft.target.region
    ))
}

/// The quota's page in the console.
pub fn console(draft: &Draft) -> Option<String> {
    let (region, code) = (&draft.target.region, &draft.quota.key.code);
    let host = partition::console(region)?;
    Some(format!("https://{region}.{host}/servicequotas/home/services/bedrock/quotas/{code}"))
}

/// What its author has to fill in, in an order of its own.
pub fn blanks(draft: &Draft) -> Vec<&'static str> {
    let Demand { tokens, requests, average, large, growth, .. } = &draft.demand;
    let all = [
        ("value", draft.value.is_none()),
        ("use_case", draft.use_case.is_none()),
        ("alarms", draft.alarms.is_none()),
        ("tokens_per_minute", tokens.is_none()),
        ("requests_per_minute", requests.is_none()),
        ("tokens_per_request", average.is_none()),
        ("large_requests", large.is_none()),
        ("growth", growth.is_none()),
    ];
    all.into_iter().filter(|(_, blank)| *blank).map(|(name, _)| name).collect()
}

/// A blank that nobody overlooks.
fn blank(what: &str) -> String {
    format!("**[ FILL IN: {what} ]**")
}

/// Text of others, on one line and without markup of Markdown.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = String::new();
    for c in printable(&words.join(" ")).chars() {
        if "\\`*_[]<>|#".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The whole draft.
pub fn markdown(draft: &Draft) -> String {
    let quota = &draft.quota;
    let known = |value: Option<f64>| value.map_or("unknown".to_string(), grouped);
    let told = |given: &Option<String>, what: &str| given.as_deref().map_or_else(|| blank(what), plain);
    let value = draft.value.map_or_else(|| blank("the value"), |value| format!("**{}**", grouped(value)));
    let account = &draft.target.account_id;
    let name =
        if draft.account == **account { String::new() } else { format!(" ({})", plain(&draft.account)) };
    let rows = [
        ("Quota", format!("{} ({})", plain(&quota.name), quota.key.code)),
        ("Applied now", format!("{} (AWS's default: {})", known(quota.limit), known(quota.default))),
        ("Asked for", value),
        ("Use case", told(&draft.use_case, "what is built, for whom, why it needs more")),
        ("Account", format!("{account}{name}")),
        ("Region", draft.target.region.to_string()),
        ("Model", format!("`{}`", draft.model)),
        ("Cross-region profiles", profiles(&draft.profiles)),
        ("Called as", code_list(&draft.ids)),
    ];
    let mut out =
        format!("# Quota increase: {}, {}\n\n| | |\n| --- | --- |\n", draft.model, draft.target.region);
    let demand = needs(&draft.demand);
    for (what, is) in rows.into_iter().chain(demand) {
        let _ = writeln!(out, "| {what} | {is} |");
    }
    let alarms = told(
        &draft.alarms,
        "the alarms that watch this quota, such as BedrockThrottling and BedrockQuotaNearLimit",
    );
    let _ = writeln!(out, "| Alarms in place | {alarms} |\n");
    let span = format!("{} to {}", human::minute(draft.from), human::minute(draft.until));
    let _ = writeln!(
        out,
        "Measured from CloudWatch's one-minute sums, {span}. Percentiles are of the minutes with traffic, by nearest rank. \
         Tokens per minute are those that the quota is charged: cache reads are not among them.\n"
    );
    let _ = writeln!(out, "## Why this quota, and this value\n\n{} {}\n", draft.advice, draft.reasoning);
    out + &sending(draft)
}

/// The rows about what the calls need.
fn needs(demand: &Demand) -> Vec<(&'static str, String)> {
    let Demand { totals, tokens, requests, attempts, average, large, large_uncached, growth } = demand;
    let pair = |distribution: &Option<Distribution>, what: &str| match distribution {
        Some(d) => format!(
            "{} steady (p50), {} peak (p90), {} at most",
            grouped(d.p50),
            grouped(d.p90),
            grouped(d.max)
        ),
        None => blank(what),
    };
    let average = match average {
        Some(average) => averages(average, totals.requests),
        None => blank("average input and output tokens of a request"),
    };
    let large = match (large, large_uncached) {
        (Some(whole), Some(uncached)) => share_of_large(whole, uncached),
        _ => blank("their share"),
    };
    let refused = match totals.throttle_rate() {
        Some(rate) => format!(
            "{} of {} calls ({})",
            grouped(totals.throttles),
            grouped(totals.attempts()),
            percent(rate)
        ),
        None => "no calls".to_string(),
    };
    vec![
        ("Tokens per minute", pair(tokens, "TPM, steady (p50) and peak (p90)")),
        ("Requests per minute", pair(requests, "RPM, steady (p50) and peak (p90)")),
        ("Requests per minute, the refused included", pair(attempts, "calls tried a minute")),
        ("Refused", refused),
        ("Average tokens per request", average),
        ("Requests above 25,000 input tokens", large),
        ("Growth", growth.as_ref().map_or_else(|| blank("the growth expected, and why"), grown)),
    ]
}

/// AWS asks for input tokens and does not say whether what a cache holds is among them: both are told.
fn averages(average: &Average, requests: f64) -> String {
    let Average { input, cache_read, cache_write, output, requests: known } = average;
    let prompt = match average.prompt() {
        prompt if prompt > *input => format!(
            "{} input: {} read from the cache, {} written to it, {} neither",
            rounded(prompt),
            rounded(*cache_read),
            rounded(*cache_write),
            rounded(*input)
        ),
        prompt => format!("{} input, none of it cached", rounded(prompt)),
    };
    let of = if *known < requests {
        format!("; of the {} of {} requests whose tokens were read", grouped(*known), grouped(requests))
    } else {
        String::new()
    };
    format!("{prompt}; {} output{of}", rounded(*output))
}

/// By whole prompts, and beside it without what a cache holds where that makes a difference.
fn share_of_large(whole: &Large, uncached: &Large) -> String {
    let Large { least, most, requests, unread } = whole;
    let without = if (uncached.least, uncached.most) == (*least, *most) {
        String::new()
    } else {
        format!(
            " by the whole prompt; {} by input that is neither read from a cache nor written to one. Which of the two \
             is meant AWS does not say",
            range(uncached)
        )
    };
    let unread = if *unread > 0.0 {
        format!(
            "; the tokens of {} could not all be read, and any of them may be such a call",
            grouped(*unread)
        )
    } else {
        String::new()
    };
    let proven = match *least as usize {
        0 => "no minute averages more than that a call".to_string(),
        1 => "1 minute averages more than that a call and so has one".to_string(),
        many => {
            format!("{} average more than that a call and so have one each", human::count(many, "minute"))
        }
    };
    format!(
        "{}{without}. CloudWatch has sums of minutes only: {proven}, and the tokens of all minutes pay for no more than \
         {} such of {}{unread}",
        range(whole),
        grouped(*most),
        human::count(*requests as usize, "call")
    )
}

fn range(large: &Large) -> String {
    let (least, most) = (large.least / large.requests, large.most / large.requests);
    if large.least == large.most {
        percent(least)
    } else {
        format!("between {} and {}", percent(least), percent(most))
    }
}

fn grown(growth: &Growth) -> String {
    let Growth { before, last } = growth;
    let weeks = format!(
        "{} tokens in the last seven days, {} in the seven before ({} times)",
        rounded(*last),
        rounded(*before),
        rounded(last / before)
    );
    match growth.projected() {
        Some(times) => {
            let times = rounded(times);
            format!("{weeks}. If every week adds as much: {times} times today's use in {AHEAD} days")
        }
        None => format!("none: {weeks}; use that falls is not projected"),
    }
}

fn profiles(profiles: &[Profile]) -> String {
    let one = |profile: &Profile| {
        let regions = profile.regions.join(", ");
        if regions.is_empty() {
            format!("`{}` (anywhere)", profile.id)
        } else {
            format!("`{}` ({regions})", profile.id)
        }
    };
    if profiles.is_empty() {
        "none is listed".to_string()
    } else {
        profiles.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

fn code_list(ids: &[String]) -> String {
    ids.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", ")
}

/// How it gets to AWS.
fn sending(draft: &Draft) -> String {
    let mut out = "## How to send it\n\n".to_string();
    match command(draft) {
        Some(command) => {
            let _ = writeln!(out, "```sh\n{command}\n```\n");
        }
        None => out += "There is no value yet: give one with `--value`.\n\n",
    }
    if let Some(console) = console(draft) {
        let _ = writeln!(out, "or in the console: <{console}>\n");
    }
    out += "AWS opens a support case for it: answer it with the table above.\n";
    let blanks = blanks(draft);
    if !blanks.is_empty() {
        let _ = writeln!(
            out,
            "\n{} to fill in first: {}.",
            human::count(blanks.len(), "blank"),
            blanks.join(", ")
        );
    }
    out
}

/// For a program.
pub fn json(draft: &Draft) -> Value {
    let Demand { totals, tokens, requests, attempts, average, large, large_uncached, growth } = &draft.demand;
    let of_average = |part: fn(&Average) -> f64| number(average.as_ref().map(part));
    let range = |large: &Option<Large>| {
        large.map(|large| {
            json!({
                "above_input_tokens": number(Some(LARGE)),
                "least": number(Some(large.least)),
                "most": number(Some(large.most)),
                "requests": number(Some(large.requests)),
            })
        })
    };
    let distribution = |d: &Option<Distribution>| {
        d.map(|d| json!({"p50": number(Some(d.p50)), "p90": number(Some(d.p90)), "max": number(Some(d.max)), "minutes": d.minutes}))
    };
    let profile = |profile: &Profile| json!({"id": profile.id, "regions": profile.regions});
    let quota = &draft.quota;
    json!({
        "account_id": &*draft.target.account_id,
        "account_name": Some(&draft.account).filter(|name| ***name != *draft.target.account_id),
        "region": &*draft.target.region,
        "model": &*draft.model,
        "scope": draft.scope.word(),
        "quota_code": &*quota.key.code,
        "quota_name": quota.name,
        "limit": number(quota.limit),
        "default": number(quota.default),
        "value": number(draft.value),
        "advice": draft.advice,
        "reasoning": draft.reasoning,
        "use_case": draft.use_case,
        "alarms": draft.alarms,
        "invocation_ids": draft.ids,
        "profiles": draft.profiles.iter().map(profile).collect::<Vec<_>>(),
        "from": draft.from.to_string(),
        "until": draft.until.to_string(),
        "requests": number(Some(totals.requests)),
        "throttles": number(Some(totals.throttles)),
        "tokens_per_minute": distribution(tokens),
        "requests_per_minute": distribution(requests),
        "attempts_per_minute": distribution(attempts),
        "prompt_tokens_per_request": of_average(Average::prompt),
        "input_tokens_per_request": of_average(|average| average.input),
        "cache_read_tokens_per_request": of_average(|average| average.cache_read),
        "cache_write_tokens_per_request": of_average(|average| average.cache_write),
        "output_tokens_per_request": of_average(|average| average.output),
        "large_requests": range(large),
        "large_uncached_requests": range(large_uncached),
        "growth": growth.map(|growth| json!({
            "tokens_before": number(Some(growth.before)),
            "tokens_last": number(Some(growth.last)),
            "days_ahead": number(Some(AHEAD)),
            "projected": number(growth.projected()),
        })),
        "blanks": blanks(draft),
        "command": command(draft),
        "console": console(draft),
    })
}

/// Every reason against it, a line each.
pub fn refusal(draft: &Draft) -> String {
    let place = format!("{}, {}: {}", draft.account, draft.target.region, draft.quota.name);
    let value =
        draft.value.map_or(String::new(), |value| format!(" ({} were to be asked for)", exact(value)));
    let line = |reason: &String| format!("\n  {}", printable(reason));
    let reasons: String = draft.refusals.iter().map(line).collect();
    format!("no request is drafted: {}{value}{reasons}", printable(&place))
}
