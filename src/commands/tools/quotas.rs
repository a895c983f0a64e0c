//! `quotas`.

use super::output::{heading, print, terminal, troubles};
use crate::cli::{self, Format, WrongUsage};
use crate::commands::source;
use crate::model::ids::{QuotaKind, Scope, State};
use crate::model::time::Timestamp;
use crate::picture::survey::Survey;
use crate::picture::{Header, Origin, TargetPicture};
use crate::report::envelope;
use crate::report::quotas::diff::{self, Difference};
use crate::report::quotas::{self, Filter};
use crate::report::sheet::{Sheet, hanging};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;

/// Lists quotas, or compares two lists of them.
pub fn quotas(args: cli::Quotas) -> Result<()> {
    if let Some([a, b]) = args.diff.as_deref().and_then(|sides| <&[String; 2]>::try_from(sides).ok()) {
        return compare(&args, a, b);
    }
    let filter = filter(&args)?;
    let names = Filter { model: args.model.clone(), text: args.text.clone(), ..Filter::default() };
    let mut is_known = args.model.is_none() && args.text.is_none();
    let (mut out, mut csv, mut targets) = (String::new(), quotas::csv_sheet(), Vec::new());
    let header = source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        let rows = quotas::rows(&survey, &filter);
        // Of what could not be read nobody can say that the name is wrong.
        is_known = is_known || picture.quotas.is_none() || !quotas::rows(&survey, &names).is_empty();
        match args.format {
            Format::Table => out += &table(&picture, &quotas::sheet(&rows)),
            Format::Json => targets.push(quotas::json(&picture, &rows)),
            Format::Csv => quotas::push_csv(&mut csv, &picture, &rows),
        }
        Ok(())
    })?;
    ensure!(is_known, "no quota {}", named(&args));
    match args.format {
        Format::Table => print(&out),
        Format::Json => print(&envelope::document("quotas", &header, json!({"targets": targets}))),
        Format::Csv => print(&csv.csv()),
    }
}

/// What a quota was called that nobody has.
fn named(args: &cli::Quotas) -> String {
    let model = args.model.iter().map(|part| format!("of a model that contains {part:?}"));
    let text = args.text.iter().map(|part| format!("whose code or name contains {part:?}"));
    model.chain(text).collect::<Vec<_>>().join(" and ")
}

/// A target's heading, its table, and what could not be read.
fn table(picture: &TargetPicture, sheet: &Sheet) -> String {
    let text = heading(picture) + &troubles(picture);
    if sheet.is_empty() {
        return text + "no such quota\n";
    }
    text + &sheet.render(terminal())
}

fn filter(args: &cli::Quotas) -> Result<Filter> {
    Ok(Filter {
        model: args.model.clone(),
        scope: word(&args.scope, "--scope", Scope::from_word, Scope::ALL)?,
        kind: word(&args.quota, "--quota", QuotaKind::from_word, QuotaKind::ALL)?,
        state: word(&args.state, "--state", State::from_word, State::ALL)?,
        below_default: args.below_default,
        unused: args.unused,
        text: args.text.clone(),
    })
}

pub(super) fn word<T: ToString + PartialEq>(
    given: &Option<String>,
    flag: &str,
    of: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<Option<T>> {
    let Some(text) = given else { return Ok(None) };
    let words = || all.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    of(text)
        .filter(|found| all.contains(found))
        .map(Some)
        .ok_or_else(|| WrongUsage(format!("{flag}: found {text:?}, expected one of {}", words())).into())
}

fn compare(args: &cli::Quotas, a: &str, b: &str) -> Result<()> {
    let mut known = None;
    let (a_side, b_side) = (side(args, a, &mut known)?, side(args, b, &mut known)?);
    let pairs = pairs(&a_side, &b_side);
    ensure!(!pairs.is_empty(), "{a} and {b} have no account and region in common");
    let (mut out, mut rows, mut documents) = (String::new(), Vec::new(), Vec::<Value>::new());
    for (a, b) in pairs {
        let differences = diff::differences(a, b, args.all);
        for (side, picture) in [("\nA: ", a), ("B: ", b)] {
            out += &hanging(side, &picture.title(), terminal().width);
        }
        if differences.is_empty() {
            out += "no quota differs\n";
        } else {
            out += &diff::sheet(&differences).render(terminal());
        }
        documents.push(diff::json(a, b, &differences));
        rows.extend::<Vec<Difference>>(differences);
    }
    let header = known.map_or_else(compared_header, |(header, _)| header);
    match args.format {
        Format::Table => print(&out),
        Format::Json => print(&envelope::document("quotas_diff", &header, json!({"pairs": documents}))),
        Format::Csv => print(&diff::sheet(&rows).csv()),
    }
}

/// Of two files nobody can say one time.
fn compared_header() -> Header {
    Header { taken: Timestamp::default(), origin: Origin::Aws, masked: false, team_tag: None }
}

type Known = Option<(Header, Vec<TargetPicture>)>;

/// A snapshot's targets, or one target of the source.
fn side(args: &cli::Quotas, name: &str, known: &mut Known) -> Result<Vec<TargetPicture>> {
    let mut pictures = Vec::new();
    let mut keep = |_: &Header, picture: TargetPicture| {
        pictures.push(TargetPicture { usage: None, ..picture });
        Ok(())
    };
    if Path::new(name).is_file() {
        source::read_file(Path::new(name), &args.source.takes, source::Since::NOTHING, &mut keep)?;
        return Ok(pictures);
    }
    let (account, region) = name
        .split_once('/')
        .with_context(|| format!("--diff: found {name:?}, expected a snapshot file or ACCOUNT/REGION"))?;
    if known.is_none() {
        let header = source::read(&args.source, source::Since::NOTHING, &mut keep)?;
        *known = Some((header, pictures));
    }
    let (_, all) = known.as_ref().context("the source was read")?;
    let is_meant = |picture: &&TargetPicture| {
        *picture.target.region == *region
            && (*picture.target.account_id == *account || picture.account_name.as_deref() == Some(account))
    };
    let found: Vec<TargetPicture> = all.iter().filter(is_meant).cloned().collect();
    let there = || all.iter().map(|picture| picture.target.to_string()).collect::<Vec<_>>().join(", ");
    ensure!(!found.is_empty(), "--diff: found no {name}; there are: {}", there());
    Ok(found)
}

/// What is compared with what: the one target of each side, or the same targets of both.
fn pairs<'a>(a: &'a [TargetPicture], b: &'a [TargetPicture]) -> Vec<(&'a TargetPicture, &'a TargetPicture)> {
    if let ([a], [b]) = (a, b) {
        return vec![(a, b)];
    }
    let same = |a: &'a TargetPicture| Some((a, b.iter().find(|b| b.target == a.target)?));
    a.iter().filter_map(same).collect()
}
