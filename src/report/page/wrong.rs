//! What is wrong: what is found at several places alike is told once, with its places.

use crate::findings::Finding;
use crate::report::diagnose;
use crate::report::human::count;
use crate::report::safe::Escaped;
use crate::report::sheet::{Field, Sheet, text};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Findings that a page has, at most; the CSV has all.
const MOST_FINDINGS: usize = 100;
/// Places that a finding tells everything of; of the others it tells what is wrong, and the numbers.
const MOST_WHOLE: usize = 5;

/// All of them, the first first.
pub(super) fn html(findings: &[Finding]) -> String {
    let groups = groups(findings);
    let mut out: String = groups.iter().take(MOST_FINDINGS).map(|group| told(group)).collect();
    if let Some(more) = groups.len().checked_sub(MOST_FINDINGS).filter(|more| *more > 0) {
        let _ = writeln!(out, "<p class=\"faint\">and {more} more: `--csv` has them all</p>");
    }
    out
}

/// What differs in nothing but place and numbers, in the order of the first of each.
fn groups(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let (mut groups, mut known) = (Vec::<Vec<&Finding>>::new(), BTreeMap::new());
    for finding in findings {
        let code = finding.subject.quota.as_ref().map(|key| key.code.clone());
        let about = (finding.subject.title(), code, without_numbers(&finding.what));
        let at = *known.entry((finding.severity.word(), finding.runbook, about)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn without_numbers(sentence: &str) -> String {
    let is_word = |word: &&str| !word.starts_with(|c: char| c.is_ascii_digit() || c == '<');
    sentence.split(' ').filter(is_word).collect::<Vec<_>>().join(" ")
}

fn told(group: &[&Finding]) -> String {
    match group {
        [finding] => folded(&diagnose::headline(finding), &finding.evidence, &body(finding)),
        group => of_places(group),
    }
}

fn of_places(group: &[&Finding]) -> String {
    let Finding { subject, what, place, .. } = group[0];
    let title = subject.title();
    let comma = if title.is_empty() { "" } else { ", " };
    let such = match group.iter().all(|finding| finding.what == *what) {
        true => String::new(),
        false => format!(", such as {place}"),
    };
    let headline = format!("{title}{comma}{}{such}: {what}", count(group.len(), "account and region pair"));
    let (whole, others) = group.split_at(group.len().min(MOST_WHOLE));
    let mut inner: String = whole
        .iter()
        .map(|finding| {
            folded(&format!("{}: {}", finding.place, finding.what), &finding.evidence, &body(finding))
        })
        .collect();
    if !others.is_empty() {
        let mut sheet = Sheet::new(vec![text("PLACE"), text("WHAT"), text("NUMBERS")]);
        for finding in others {
            sheet.push([&finding.place, &finding.what, &finding.evidence].map(Field::text).to_vec());
        }
        inner += &sheet.html();
    }
    let mut places: Vec<&str> = whole.iter().map(|finding| &*finding.place).collect();
    let more = format!("and {} more", others.len());
    if !others.is_empty() {
        places.push(&more);
    }
    folded(&headline, &places.join("; "), &inner)
}

/// Everything below the headline of one finding.
fn body(finding: &Finding) -> String {
    let mut out = String::new();
    if let Some(cause) = diagnose::cause(finding) {
        let _ = write!(out, "<p>{}</p>", Escaped(&cause));
    }
    out += "<ol>";
    for remedy in &finding.remedies {
        let what = if remedy.what.is_empty() { String::new() } else { format!("<b>{}</b>: ", remedy.what) };
        let _ = write!(out, "<li>{what}{}", Escaped(&remedy.how));
        if let Some(command) = &remedy.command {
            let _ = write!(out, "<br><code>{}</code>", Escaped(command));
        }
        out += "</li>";
    }
    out += "</ol>";
    if let Some(case) = finding.case.as_ref().filter(|case| !case.minutes.is_empty()) {
        out += &diagnose::evidence(&case.minutes).html();
    }
    out
}

fn folded(headline: &str, below: &str, body: &str) -> String {
    format!(
        "<details><summary><b>{}</b><br><span class=\"faint\">{}</span></summary>{body}</details>\n",
        Escaped(headline),
        Escaped(below)
    )
}
