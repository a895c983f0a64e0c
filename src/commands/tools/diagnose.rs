//! `diagnose`.

use super::output::{print, terminal};
use crate::cli::{self, Format};
use crate::commands::source;
use crate::diagnosis::message;
use crate::findings::facts::Facts;
use crate::findings::past::rooms;
use crate::findings::{self, Finding};
use crate::picture::survey::Survey;
use crate::report::{diagnose, envelope};
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// The exit code of a tool that found what it looks for.
pub(super) const FOUND: u8 = 3;

/// Tells why calls were refused, or what an error's text means.
pub fn diagnose(args: cli::Diagnose) -> Result<ExitCode> {
    if let Some(text) = &args.error {
        return error(text, args.format);
    }
    let (mut found, mut roomy, mut meant) = (Vec::new(), Vec::new(), BTreeSet::new());
    let part = args.about.as_deref().map(str::to_lowercase);
    let header = source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        found.extend(findings::of(&Facts::of_survey(&survey, header.taken)));
        roomy.extend(rooms(&survey));
        meant.extend(part.iter().flat_map(|part| models(&survey, part)));
        Ok(())
    })?;
    found.retain(|finding| part.is_none() || is_of(finding, &meant));
    let found = findings::finish(found, &roomy);
    let about = args.about.as_deref().unwrap_or_default();
    let is_known = part.is_none() || !meant.is_empty();
    ensure!(is_known || !found.is_empty(), "no model that is listed or called contains {about:?}");
    match args.format {
        Format::Table if found.is_empty() => {
            print("nothing that is known is wrong\n")?;
        }
        Format::Table => {
            let all: String = found.iter().map(|finding| diagnose::render(finding, terminal())).collect();
            print(&all)?;
        }
        Format::Json => {
            let body = json!({"findings": diagnose::json(&found)});
            print(&envelope::document("diagnose", &header, body))?;
        }
        Format::Csv => print(&diagnose::summary(&found).csv())?,
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The models that are listed here, or called, whose id contains `part`, in lower case; and those of the invocation ids
/// that do.
fn models(survey: &Survey, part: &str) -> BTreeSet<String> {
    let quotas = survey.quotas.iter().map(|quota| &*quota.key.model);
    let listed = survey.picture.catalog.iter().flat_map(|catalog| catalog.models.iter().flatten());
    let named = quotas.chain(listed.map(|model| model.id.as_str())).map(|model| (model, model));
    let called = survey.ids.iter().flat_map(|id| {
        let (own, model) = (&*id.span.id.id, id.resolution.model.as_deref());
        [(own, model.unwrap_or(own)), (model.unwrap_or(own), model.unwrap_or(own))]
    });
    let meant = named.chain(called).filter(|(name, _)| name.to_lowercase().contains(part));
    meant.map(|(_, model)| model.to_string()).collect()
}

/// Whether it is about one of these models; what could not be read may be about any.
fn is_of(finding: &Finding, models: &BTreeSet<String>) -> bool {
    match &finding.subject.model {
        Some(model) => models.contains(&**model),
        None => finding.runbook == "BedrockTargetDown",
    }
}

fn error(text: &str, format: Format) -> Result<ExitCode> {
    let meant = message::read(text);
    match format {
        Format::Json => print(&envelope::bare("message", diagnose::message_json(meant)))?,
        Format::Table => print(&diagnose::message(meant, terminal()))?,
        Format::Csv => print(&diagnose::message_sheet(meant).csv())?,
    }
    Ok(if meant.is_some() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}
