//! `provisioned`.

use super::output::{heading, print, terminal, troubles};
use crate::cli::{self, Format};
use crate::commands::source;
use crate::picture::survey::Survey;
use crate::report::sheet::wrapped;
use crate::report::{envelope, provisioned};
use anyhow::Result;
use serde_json::json;

/// Lists what was bought, and how much of it is used.
pub fn provisioned(args: cli::Provisioned) -> Result<()> {
    let (mut out, mut csv, mut targets) = (String::new(), provisioned::csv_sheet(), Vec::new());
    let header = source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        let purchases = provisioned::purchases(&survey);
        let all = purchases.as_deref();
        match (args.format, all) {
            (Format::Json, _) => targets.push(provisioned::json(&survey, all)),
            (Format::Csv, _) => provisioned::push_csv(&mut csv, &survey, all.unwrap_or_default()),
            // A fleet has hundreds of targets, and few of them bought anything.
            (Format::Table, Some([])) => {}
            (Format::Table, Some(all)) => {
                out += &(heading(&picture) + &provisioned::sheet(all).render(terminal()));
            }
            (Format::Table, None) => {
                out += &(heading(&picture) + &troubles(&picture) + "provisioned throughput was not read\n");
            }
        }
        Ok(())
    })?;
    match args.format {
        Format::Table if out.is_empty() => print("no provisioned throughput\n"),
        Format::Table => print(&format!("{out}\n{}", wrapped(provisioned::NOTES, terminal().width, 0))),
        Format::Json => print(&envelope::document("provisioned", &header, json!({"targets": targets}))),
        Format::Csv => print(&csv.csv()),
    }
}
