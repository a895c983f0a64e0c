//! What a probe would do, and what it found: text, JSON, its timeline, and the page that AWS's support asks for.

mod about;
mod plan;
mod support;
mod words;

pub use about::{About, KnownQuota, title};
pub use plan::{plan, watched};
pub use support::{support, timeline};

use super::envelope::{self, number};
use super::human;
use super::sheet::{self, Field, Sheet, Terminal, Tone};
use crate::model::time::Timestamp;
use crate::picture::{Header, Origin};
use crate::probe::{Finding, Probe, Reached, Step};
use about::utc;
use serde_json::{Value, json};

/// The steps, what was found, why it ended, and where the files are.
pub fn summary(about: &About, probe: &Probe, folder: &str, terminal: Terminal) -> String {
    let mut out = sheet::heading(&title(about), terminal);
    out += &steps_sheet(probe).render(terminal);
    out += "\n";
    for finding in &probe.findings {
        out += &sheet::wrapped(&words::finding(finding), terminal.width, 0);
    }
    let spending = &probe.book.spending;
    let dollars = spending.dollars.map(|dollars| format!(", ${dollars:.2}")).unwrap_or_default();
    out += &sheet::wrapped(&words::end(probe), terminal.width, 0);
    out += &format!(
        "{}, {} tokens{dollars}, {}\n",
        human::count(spending.requests as usize, "call"),
        human::grouped(spending.tokens()),
        human::about((probe.ended.unwrap_or(probe.began) - probe.began) as u64)
    );
    out += &format!("written to {folder}: probe.json, probe.svg, timeline.csv, support.md\n");
    out
}

fn steps_sheet(probe: &Probe) -> Sheet {
    let mut sheet = Sheet::new(vec![
        sheet::word("DIMENSION"),
        sheet::word("STEP"),
        sheet::word("FROM (UTC)"),
        sheet::number("LEVEL"),
        sheet::number("SENT"),
        sheet::number("GOT IN"),
        sheet::number("REFUSED"),
    ]);
    for step in &probe.book.steps {
        let count = |value: u64| Field::number(Some(value as f64), human::grouped);
        let refused = count(step.refused);
        let clock = utc(step.from);
        sheet.push(vec![
            Field::text(step.dimension.word()),
            Field::text(step.kind.word()),
            Field::text(clock.get(11..19).unwrap_or(&clock)),
            Field::number(Some(step.level), human::rounded),
            count(step.sent),
            count(step.admitted),
            if step.refused > 0 { refused.toned(Tone::Bad) } else { refused },
        ]);
    }
    sheet
}

/// The document of docs/JSON.md.
pub fn json(about: &About, probe: &Probe, rehearsal: &Probe) -> String {
    let origin = if about.is_demo { Origin::Demo } else { Origin::Aws };
    let taken = Timestamp(probe.began as i64);
    let header = Header { taken, origin, masked: false, team_tag: None };
    let spending = &probe.book.spending;
    let limits = &probe.settings.limits;
    let body = json!({
        "model_id": about.model_id,
        "account_id": &*about.target.account_id,
        "account_name": about.account_name,
        "region": &*about.target.region,
        "ended": probe.ended.map(utc),
        "end": probe.end.as_ref().map(|end| end.word()),
        "why": words::end(probe),
        "hold_seconds": number(Some(probe.settings.hold)),
        "limits": {
            "requests": limits.requests, "tokens": limits.tokens,
            "dollars": number(limits.dollars), "minutes": number(limits.minutes),
        },
        "spent": {
            "requests": spending.requests, "input_tokens": number(Some(spending.input)),
            "output_tokens": number(Some(spending.output)), "dollars": number(spending.dollars),
        },
        "burndown": number(about.burndown),
        "findings": probe.findings.iter().map(finding).collect::<Vec<_>>(),
        "steps": probe.book.steps.iter().map(step).collect::<Vec<_>>(),
        "predicted_steps": rehearsal.book.steps.iter().map(predicted_step).collect::<Vec<_>>(),
    });
    envelope::document("probe", &header, body)
}

fn finding(finding: &Finding) -> Value {
    let (found, calls, held) = match &finding.reached {
        Reached::Found { value, calls } => (Some(*value), Some(*calls), None),
        Reached::Held { level } => (None, None, *level),
        _ => (None, None, None),
    };
    json!({
        "dimension": finding.dimension.word(),
        "predicted": number(finding.predicted),
        "found": number(found),
        "calls": calls,
        "held": number(held),
        "result": words::reached(&finding.reached),
        "text": words::finding(finding),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "dimension": step.dimension.word(),
        "kind": step.kind.word(),
        "level": number(Some(step.level)),
        "max_tokens": step.max_tokens,
        "from": utc(step.from),
        "until": step.until.map(utc),
        "sent": step.sent,
        "admitted": step.admitted,
        "refused": step.refused,
        "refused_for_capacity": step.short,
        "failed": step.failed,
        "admitted_units": number(Some(step.units)),
    })
}

/// Of a rehearsal, whose clock begins at 0.
fn predicted_step(step: &Step) -> Value {
    json!({
        "dimension": step.dimension.word(),
        "kind": step.kind.word(),
        "level": number(Some(step.level)),
        "max_tokens": step.max_tokens,
        "from_seconds": number(Some(step.from)),
        "sent": step.sent,
        "admitted": step.admitted,
        "refused": step.refused,
    })
}
