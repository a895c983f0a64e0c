//! `diagnose`: findings in words, with their evidence and what helps.

use super::envelope;
use super::human::{self, count, exact, percent, rounded};
use super::quotas::tone_of;
use super::safe::printable;
use super::sheet::{Field, Sheet, Terminal, heading, number, word, wrapped};
use crate::diagnosis::causes;
use crate::diagnosis::finding::{Finding, Instant};
use crate::diagnosis::message::Message;
use serde_json::{Value, json};
use std::fmt::Write;

/// Text below a heading stands a little to the right.
const INDENT: usize = 2;

/// What a finding says in one line.
pub fn headline(finding: &Finding) -> String {
    let scope = finding.scope.map_or("unknown scope", |scope| scope.word());
    format!("{}, {scope}, {}: {}", finding.model, finding.place, causes::row(finding.cause).title)
}

/// How much was refused.
pub fn extent(finding: &Finding) -> String {
    let measured = &finding.measured;
    if finding.throttles > 0.0 {
        format!(
            "{} of {} calls were refused ({}), in {}",
            exact(finding.throttles),
            exact(finding.attempts),
            percent(finding.throttles / finding.attempts),
            count(finding.refused_minutes, "minute")
        )
    } else {
        {
            let errors: f64 = finding.evidence.iter().map(|instant| instant.server_errors).sum();
            let calls = measured.requests + errors;
            format!("{} of the newest {} calls failed with 5xx", exact(errors), exact(calls))
        }
    }
}

/// A finding in full.
pub fn render(finding: &Finding, terminal: Terminal) -> String {
    let row = causes::row(finding.cause);
    let mut out = heading(&printable(&headline(finding)), terminal);
    let wrap = |text: String| wrapped(&text, terminal.width, INDENT);
    out += &wrap(format!("{}.", extent(finding)));
    out += &wrap(format!("{} {}", row.evidence, row.meaning));
    for (number, remedy) in finding.remedies.iter().enumerate() {
        out += &wrap(format!("{}. {}: {}", number + 1, remedy.what, remedy.how));
        if let Some(command) = &remedy.command {
            let _ = writeln!(out, "     {command}");
        }
    }
    out + "\n" + &evidence(&finding.evidence).render(terminal)
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
    let mut sheet = Sheet::new(vec![
        word("PLACE"),
        word("MODEL"),
        word("SCOPE"),
        word("CAUSE"),
        number("THROTTLES"),
        number("CALLS"),
        number("MINUTES"),
        word("FIRST REMEDY"),
    ]);
    for finding in findings {
        sheet.push(vec![
            Field::text(&finding.place),
            Field::text(&*finding.model),
            Field::text(finding.scope.map_or("", |scope| scope.word())),
            Field::text(finding.cause.word()),
            Field::number(Some(finding.throttles), rounded),
            Field::number(Some(finding.attempts), rounded),
            Field::number(Some(finding.refused_minutes as f64), rounded),
            Field::text(finding.remedies.first().map_or("", |remedy| remedy.what)),
        ]);
    }
    sheet
}

/// For a program.
pub fn json(findings: &[Finding]) -> Value {
    let number = |value: f64| envelope::number(Some(value).filter(|value| !value.is_nan()));
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
    let finding = |finding: &Finding| {
        let remedies = finding
            .remedies
            .iter()
            .map(|remedy| json!({"what": remedy.what, "how": remedy.how, "command": remedy.command}));
        json!({
            "place": finding.place,
            "model": &*finding.model,
            "scope": finding.scope.map(|scope| scope.word()),
            "cause": finding.cause.word(),
            "throttles": number(finding.throttles),
            "calls": number(finding.attempts),
            "refused_minutes": finding.refused_minutes,
            "evidence": finding.evidence.iter().map(instant).collect::<Vec<_>>(),
            "remedies": remedies.collect::<Vec<_>>(),
        })
    };
    findings.iter().map(finding).collect()
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
