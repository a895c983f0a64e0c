//! `chart`.

use super::output::write;
use crate::chart;
use crate::cli;
use crate::commands::source;
use crate::picture::survey::Survey;
use crate::report::usage;
use anyhow::{Result, bail, ensure};

/// Draws models against their limits, into a file or on standard output.
pub fn chart(args: cli::Chart) -> Result<()> {
    let mut pictures = Vec::new();
    source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        let mut models = usage::models(&survey, args.about.as_deref());
        models.truncate(args.most);
        let columns = chart::columns(&survey);
        let panels: Vec<chart::Panel> =
            models.iter().map(|model| chart::panel(&survey, model, columns)).collect();
        if !panels.is_empty() {
            pictures.push((picture.title(), chart::picture(&picture.title(), columns, &panels)));
        }
        Ok(())
    })?;
    ensure!(!pictures.is_empty(), "nothing to draw: no traffic of such a model in the span");
    let [(_, svg)] = &pictures[..] else {
        let titles: Vec<String> = pictures.into_iter().map(|(title, _)| title).collect();
        bail!(
            "one picture is of one account and region, found {}: give --account and --region",
            titles.join("; ")
        );
    };
    write(args.output.as_deref(), svg)
}
