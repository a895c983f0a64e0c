//! `capacity`.

use super::output::{heading, print, terminal, troubles};
use crate::cli::{self, Format};
use crate::commands::source;
use crate::picture::survey::Survey;
use crate::report::sheet::wrapped;
use crate::report::{capacity, envelope};
use anyhow::{Result, ensure};
use serde_json::json;

/// Tells how much of a model there is.
pub fn capacity(args: cli::Capacity) -> Result<()> {
    let (mut out, mut csv, mut targets, mut found) =
        (String::new(), capacity::csv_sheet(), Vec::new(), false);
    let part = args.model.to_lowercase();
    let header = source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        let there = capacity::Capacity::of(&survey, |id| id.to_lowercase().contains(&part));
        // Of what could not be read nobody can say that the name is wrong.
        found |= !there.is_empty() || picture.quotas.is_none();
        match args.format {
            Format::Table if there.is_empty() && picture.troubles.is_empty() => {}
            Format::Table => {
                out += &(heading(&picture) + &troubles(&picture) + &capacity::render(&there, terminal()));
            }
            Format::Json => targets.push(capacity::json(&survey, &there)),
            Format::Csv => capacity::push_csv(&mut csv, &survey, &there),
        }
        Ok(())
    })?;
    ensure!(found, "no quota, and no provisioned throughput, of a model whose id contains {:?}", args.model);
    match args.format {
        Format::Table => print(&format!("{out}\n{}", wrapped(capacity::NOTES, terminal().width, 0))),
        Format::Json => print(&envelope::document("capacity", &header, json!({"targets": targets}))),
        Format::Csv => print(&csv.csv()),
    }
}
