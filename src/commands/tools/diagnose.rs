//! `diagnose`.

use super::output::{print, terminal};
use crate::cli::{self, Format};
use crate::commands::source;
use crate::diagnosis::finding::Finding;
use crate::diagnosis::findings::findings;
use crate::diagnosis::message;
use crate::diagnosis::remedies::{offer, rooms};
use crate::picture::survey::Survey;
use crate::report::{diagnose, envelope};
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;

/// The exit code of a tool that found what it looks for.
pub(super) const FOUND: u8 = 3;

/// Tells why calls were refused, or what an error's text means.
pub fn diagnose(args: cli::Diagnose) -> Result<ExitCode> {
    if let Some(text) = &args.error {
        return error(text, args.format);
    }
    let (mut found, mut roomy) = (Vec::new(), Vec::new());
    let header = source::read(&args.source, args.since, &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        found.extend(findings(&survey));
        roomy.extend(rooms(&survey));
        Ok(())
    })?;
    let is_meant = |finding: &Finding| {
        args.about.as_ref().is_none_or(|part| finding.model.to_lowercase().contains(&part.to_lowercase()))
    };
    found.retain(is_meant);
    found.sort_by(|a, b| b.throttles.total_cmp(&a.throttles));
    found.iter_mut().for_each(|finding| offer(finding, &roomy));
    match args.format {
        Format::Table if found.is_empty() => {
            print("no call was refused in the span, and none failed for want of capacity\n")?;
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

fn error(text: &str, format: Format) -> Result<ExitCode> {
    let meant = message::read(text);
    match format {
        Format::Json => print(&format!("{:#}\n", diagnose::message_json(meant)))?,
        Format::Table | Format::Csv => print(&diagnose::message(meant, terminal()))?,
    }
    Ok(if meant.is_some() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}
