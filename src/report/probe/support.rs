//! The timeline: every call as CSV, and the page that AWS's support asks for.

use super::about::{About, KnownQuota, ramped, refused, title, utc};
use super::words;
use crate::probe::{Dimension, Outcome, Probe, Record, Refusal, Step};
use crate::report::human;
use crate::report::safe::printable;
use crate::report::sheet::{Field, Sheet, number, text, word};

/// Request ids that the page shows; the timeline has all.
const SHOWN: usize = 20;

/// Every call, with its times in UTC.
pub fn timeline(probe: &Probe) -> String {
    let mut sheet = Sheet::new(vec![
        word("SENT"),
        word("ANSWERED"),
        word("DIMENSION"),
        word("STEP"),
        number("LEVEL"),
        word("REQUEST_ID"),
        word("RESULT"),
        number("STATUS"),
        word("ERROR"),
        text("MESSAGE"),
        number("INPUT_TOKENS"),
        number("OUTPUT_TOKENS"),
        number("MAX_TOKENS"),
        number("MILLISECONDS"),
    ]);
    for record in &probe.book.calls {
        if let Some(step) = probe.book.steps.get(record.step) {
            sheet.push(line(record, step));
        }
    }
    sheet.csv()
}

fn line(record: &Record, step: &Step) -> Vec<Field> {
    let answer = record.answered.as_ref().map(|(_, answer)| answer);
    let used = match record.outcome() {
        Some(Outcome::Done(used)) => Some(used),
        _ => None,
    };
    let whole = |value: Option<u64>| Field::number(value.map(|value| value as f64), human::grouped);
    let told =
        |value: Option<&str>| value.filter(|text| !text.is_empty()).map_or(Field::default(), Field::text);
    let took = record.answered.as_ref().map(|(at, _)| ((at - record.sent) * 1e3).round());
    vec![
        Field::text(utc(record.sent)),
        told(record.answered.as_ref().map(|(at, _)| utc(*at)).as_deref()),
        Field::text(step.dimension.word()),
        Field::text(step.kind.word()),
        Field::number(Some(step.level), human::grouped),
        told(answer.and_then(|answer| answer.request_id.as_deref())),
        Field::text(result(record)),
        whole(answer.and_then(|answer| answer.status).map(u64::from)),
        told(answer.map(|answer| answer.code.as_str())),
        told(answer.map(|answer| answer.message.as_str())),
        whole(used.map(|used| used.input + used.cache_write)),
        whole(used.map(|used| used.output)),
        whole(Some(record.call.max_tokens)),
        Field::number(took, human::grouped),
    ]
}

fn result(record: &Record) -> &'static str {
    match record.outcome() {
        None => "unanswered",
        Some(Outcome::Done(_)) => "done",
        Some(Outcome::Refused(Refusal::Quota)) => "refused",
        Some(Outcome::Refused(Refusal::Capacity)) => "no_capacity",
        Some(Outcome::Failed) => "failed",
    }
}

/// What AWS's support asks for when calls are refused: endpoint, region, id, errors, request ids, times, rates.
pub fn support(about: &About, probe: &Probe) -> String {
    let mut out = format!("# Where refusals begin: {}\n\n", cell(&title(about)));
    out += &facts(about, probe);
    out += "\n## What was found\n\n";
    for finding in &probe.findings {
        out += &format!("- {}\n", cell(&words::finding(finding)));
    }
    out += &format!("\n{}\n", cell(&words::end(probe)));
    for dimension in Dimension::ALL {
        out += &ramp(probe, *dimension);
    }
    out + &refusals(probe)
}

fn facts(about: &About, probe: &Probe) -> String {
    let until = probe.ended.unwrap_or(probe.began);
    let endpoint = if about.is_demo { "the simulated AWS" } else { "bedrock-runtime, Converse" };
    let mut rows = vec![
        ("Endpoint", endpoint.to_string()),
        ("Account", about.target.account_id.to_string()),
        ("Region", about.target.region.to_string()),
        ("Model or profile id", about.model_id.clone()),
        ("From, until (UTC)", format!("{}, {}", utc(probe.began), utc(until))),
        ("Retries by the SDK", "none".to_string()),
    ];
    for (what, quota) in [("Requests per minute", &about.requests), ("Tokens per minute", &about.tokens)] {
        rows.push((what, quota_words(quota)));
    }
    let mut out = "| | |\n| --- | --- |\n".to_string();
    for (what, value) in rows {
        out += &format!("| {what} | {} |\n", cell(&value));
    }
    out
}

fn quota_words(quota: &Result<KnownQuota, String>) -> String {
    match quota {
        Ok(KnownQuota { code, limit: Some(limit), .. }) => format!("{} ({code})", human::grouped(*limit)),
        Ok(KnownQuota { code, .. }) => format!("unknown ({code})"),
        Err(why) => format!("no quota is known: {why}"),
    }
}

/// The steps of a dimension; nothing where there are none.
fn ramp(probe: &Probe, dimension: Dimension) -> String {
    let rows: String = ramped(probe, dimension)
        .map(|step| {
            let until = step.until.unwrap_or(step.from);
            let minutes = (until - step.from) / 60.0;
            let offered = if minutes > 0.0 { step.sent as f64 / minutes } else { 0.0 };
            format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
                utc(step.from),
                utc(until),
                step.kind,
                human::rounded(step.level),
                step.max_tokens,
                human::rounded(offered),
                step.admitted,
                step.refused
            )
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "\n## Ramp: {dimension}\n\n| from | until | step | level | max_tokens | calls a minute | got in | refused |\n\
         | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |\n{rows}"
    )
}

fn refusals(probe: &Probe) -> String {
    let mut out = "\n## Refused calls\n\n".to_string();
    let count = refused(probe).count();
    if count == 0 {
        return out + "None.\n";
    }
    out += &format!("{count} in all; timeline.csv has every call.\n\n");
    out += "| sent (UTC) | request id | status | error | message |\n| --- | --- | ---: | --- | --- |\n";
    for record in refused(probe).take(SHOWN) {
        if let Some((_, answer)) = &record.answered {
            out += &format!(
                "| {} | {} | {} | {} | {} |\n",
                utc(record.sent),
                cell(answer.request_id.as_deref().unwrap_or("-")),
                answer.status.map_or("-".to_string(), |status| status.to_string()),
                cell(&answer.code),
                cell(&answer.message)
            );
        }
    }
    out
}

/// Text of others in a table's cell.
fn cell(text: &str) -> String {
    printable(text).replace('|', "\\|").replace('<', "&lt;")
}
