//! `diagnose`: findings in words, with their evidence and what helps.

use super::envelope;
use super::human::{self, percent, rounded};
use super::quotas::tone_of;
use super::safe::printable;
use super::sheet::{Field, Sheet, Terminal, hanging, heading, number, word, wrapped};
use crate::diagnosis::causes;
use crate::diagnosis::message::Message;
use crate::findings::Finding;
use crate::findings::case::{Case, Instant, Remedy};
use crate::model::evaluate::throttling::LEAST_MINUTES;
use crate::model::evaluation::Cause;
use serde_json::{Value, json};
use std::fmt::Write;

/// Text below a heading stands a little to the right.
const INDENT: usize = 2;

/// What a finding says in one line.
pub fn headline(finding: &Finding) -> String {
    let title = finding.subject.title();
    let comma = if title.is_empty() { "" } else { ", " };
    format!("{title}{comma}{}: {}", finding.place, finding.what)
}

/// What shows the cause of a case, and what it means.
pub fn cause(finding: &Finding) -> Option<String> {
    let case = finding.case.as_ref()?;
    let row = causes::row(case.cause);
    let evidence = match case.cause {
        Cause::Unknown if case.together > 0 => {
            "Models that are refused at the same time, each far below its own limits, share a cause that is none of theirs."
        }
        Cause::Unknown if case.refused_minutes < LEAST_MINUTES => {
            "There are fewer than five refused minutes."
        }
        _ => row.evidence,
    };
    Some(format!("{evidence} {}", row.meaning))
}

/// A finding in full.
pub fn render(finding: &Finding, terminal: Terminal) -> String {
    let mut out = heading(&headline(finding), terminal);
    let wrap = |text: &str| wrapped(text, terminal.width, INDENT);
    out += &wrap(&finding.evidence);
    out += &cause(finding).map_or(String::new(), |text| wrap(&text));
    for (number, Remedy { what, how, command }) in finding.remedies.iter().enumerate() {
        let colon = if what.is_empty() { "" } else { ": " };
        let mark = format!("{:INDENT$}{}. ", "", number + 1);
        out += &hanging(&mark, &format!("{what}{colon}{how}"), terminal.width);
        if let Some(command) = command {
            // Whole, for it is to be copied.
            let _ = writeln!(out, "{:1$}{2}", "", mark.len(), printable(command));
        }
    }
    match &finding.case {
        Some(case) if !case.minutes.is_empty() => out + "\n" + &evidence(&case.minutes).render(terminal),
        _ => out,
    }
}

/// Minute by minute.
pub fn evidence(instants: &[Instant]) -> Sheet {
    let mut sheet = Sheet::new(vec![
        word("MINUTE (UTC)"),
        number("MADE"),
        number("REFUSED"),
        number("5XX"),
        number("OF REQUESTS"),
        number("OF TOKENS"),
        number("OF THE DAY"),
    ]);
    for instant in instants {
        let share = |share: Option<f64>| {
            let field = Field::number(share, percent);
            share.map_or(field.clone(), |share| field.toned(tone_of(share)))
        };
        let known = |value: f64| Some(value).filter(|value| !value.is_nan());
        sheet.push(vec![
            Field::text(human::minute(instant.minute.start()).trim_end_matches(" UTC")),
            Field::number(known(instant.requests), rounded),
            Field::number(known(instant.throttles), rounded),
            Field::number(known(instant.server_errors), rounded),
            share(instant.requests_share),
            share(instant.tokens_share),
            share(instant.day_share),
        ]);
    }
    sheet
}

/// All findings in one table, for CSV.
pub fn summary(findings: &[Finding]) -> Sheet {
    let words = ["PLACE", "MODEL", "SCOPE", "CAUSE"].map(word);
    let numbers = ["THROTTLES", "CALLS", "MINUTES"].map(number);
    let more = ["FIRST REMEDY", "SEVERITY", "WHAT"].map(word);
    let mut sheet = Sheet::new(words.into_iter().chain(numbers).chain(more).collect());
    for finding in findings {
        let case = finding.case.as_deref();
        let count = |of: fn(&Case) -> f64| Field::number(case.map(of), rounded);
        let first = finding.remedies.first();
        let first = first.map_or("", |remedy| if remedy.what.is_empty() { &remedy.how } else { remedy.what });
        sheet.push(vec![
            Field::text(&finding.place),
            Field::text(finding.subject.model.as_deref().unwrap_or("")),
            Field::text(finding.subject.scope.map_or("", |scope| scope.word())),
            Field::text(case.map_or("", |case| case.cause.word())),
            count(|case| case.throttles),
            count(|case| case.attempts),
            count(|case| case.refused_minutes as f64),
            Field::text(first),
            Field::text(finding.severity.word()),
            Field::text(&finding.what),
        ]);
    }
    sheet
}

/// For a program.
pub fn json(findings: &[Finding]) -> Value {
    findings.iter().map(finding_json).collect()
}

fn finding_json(finding: &Finding) -> Value {
    let Finding { severity, place, subject, what, evidence, remedies, runbook, case, .. } = finding;
    let number = |value: f64| envelope::number(Some(value).filter(|value| !value.is_nan()));
    let case = case.as_deref();
    let count = |of: fn(&Case) -> f64| case.map_or(Value::Null, |case| number(of(case)));
    let instant = |instant: &Instant| {
        json!({
            "at": instant.minute.start().to_string(),
            "requests": number(instant.requests),
            "throttles": number(instant.throttles),
            "server_errors": number(instant.server_errors),
            "requests_per_minute_ratio": envelope::number(instant.requests_share),
            "tokens_per_minute_ratio": envelope::number(instant.tokens_share),
            "tokens_per_day_ratio": envelope::number(instant.day_share),
        })
    };
    let remedy = |remedy: &Remedy| json!({"what": remedy.what, "how": remedy.how, "command": remedy.command});
    json!({
        "severity": severity.word(),
        "place": place,
        "model": subject.model.as_deref(),
        "scope": subject.scope.map(|scope| scope.word()),
        "quota": subject.quota.as_ref().map(|key| key.kind.word()),
        "quota_code": subject.quota.as_ref().map(|key| &*key.code),
        "what": what,
        "numbers": evidence,
        "cause": case.map(|case| case.cause.word()),
        "throttles": count(|case| case.throttles),
        "calls": count(|case| case.attempts),
        "refused_minutes": case.map(|case| case.refused_minutes),
        "evidence": case.map_or(Vec::new(), |case| case.minutes.iter().map(instant).collect()),
        "remedies": remedies.iter().map(remedy).collect::<Vec<_>>(),
        "runbook": runbook,
    })
}

/// What an error's text says.
pub fn message(message: Option<&Message>, terminal: Terminal) -> String {
    let Some(message) = message else {
        return wrapped(
            "unknown: no message of Bedrock that this program knows; texts are no contract, and the error's type decides",
            terminal.width,
            INDENT,
        );
    };
    let mut out = heading(&format!("{} ({})", message.shown, message.kind), terminal);
    out += &wrapped(&format!("It means: {}.", message.meaning), terminal.width, INDENT);
    out += &wrapped(&format!("It is not: {}.", message.not), terminal.width, INDENT);
    for cause in message.causes {
        let row = causes::row(*cause);
        let helps = row.remedies.join(" ");
        out += &wrapped(&format!("{cause} ({}): {helps}", row.title), terminal.width, INDENT);
    }
    out
}

/// The same as one row; none where it says nothing that is known.
pub fn message_sheet(message: Option<&Message>) -> Sheet {
    let mut sheet = Sheet::new(["MESSAGE", "TYPE", "MEANING", "NOT", "CAUSES"].map(word).to_vec());
    if let Some(message) = message {
        let causes: Vec<&str> = message.causes.iter().map(|cause| cause.word()).collect();
        let causes = causes.join(" ");
        let fields = [message.shown, message.kind, message.meaning, message.not, &causes];
        sheet.push(fields.map(Field::text).to_vec());
    }
    sheet
}

/// The same for a program.
pub fn message_json(message: Option<&Message>) -> Value {
    let causes = message.iter().flat_map(|message| message.causes).map(|cause| cause.word());
    json!({
        "message": message.map(|message| message.shown),
        "type": message.map(|message| message.kind),
        "meaning": message.map(|message| message.meaning),
        "not": message.map(|message| message.not),
        "causes": causes.collect::<Vec<_>>(),
    })
}
