//! `report`.

use super::diagnose::FOUND;
use super::output::write;
use crate::cli::{self, WrongUsage};
use crate::commands::source;
use crate::model::evaluation::Cause;
use crate::picture::survey::Survey;
use crate::report::page::Report;
use anyhow::{Context, Result};
use std::fs;
use std::process::ExitCode;

/// Writes the page, and the tables beside it.
pub fn report(args: cli::Report) -> Result<ExitCode> {
    let fail_on = args.fail_on.iter().map(|word| cause(word)).collect::<Result<Vec<Option<Cause>>>>()?;
    let (mut report, mut index): (Option<Report>, _) = (None, None);
    source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, index.as_ref());
        report.get_or_insert_with(|| Report::new(header)).add(&survey);
        // The next target shares what equals this one's lists.
        index = Some(survey.index.clone());
        Ok(())
    })?;
    let mut report = report.context("nothing was read")?;
    report.finish();
    write(args.output.as_deref(), &report.html())?;
    if let Some(directory) = &args.csv {
        let name = directory.display();
        fs::create_dir_all(directory).with_context(|| format!("{name}: cannot be made"))?;
        for (file, content) in report.csv() {
            write(Some(&directory.join(file)), &content)?;
        }
    }
    let is_failure = |cause: Cause| fail_on.iter().any(|of| of.is_none_or(|of| of == cause));
    let failed = report
        .findings()
        .iter()
        .filter_map(|finding| finding.case.as_ref())
        .any(|case| is_failure(case.cause));
    Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// `None`: any cause.
fn cause(word: &str) -> Result<Option<Cause>> {
    if word == "any" {
        return Ok(None);
    }
    let words = || Cause::ALL.iter().map(|cause| cause.word()).collect::<Vec<_>>().join(", ");
    let found = Cause::from_word(word);
    found.map(Some).ok_or_else(|| {
        WrongUsage(format!("--fail-on: found {word:?}, expected any or one of {}", words())).into()
    })
}
