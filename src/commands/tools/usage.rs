//! `usage`.

use super::output::{Looked, heading, print, terminal, troubles};
use crate::cli::{self, Format};
use crate::commands::source;
use crate::picture::survey::Survey;
use crate::report::{envelope, usage};
use anyhow::{Result, ensure};
use serde_json::json;

/// Shows what models were asked for.
pub fn usage(args: cli::Usage) -> Result<()> {
    let (mut out, mut csv, mut targets) = (String::new(), usage::csv_sheet(), Vec::new());
    let (mut found, mut looked) = (0, Looked::default());
    let header = source::read(&args.source, source::Since::or_day(args.since), &mut |header, picture| {
        let overrides = source::overrides(&args.source, header)?;
        let survey = Survey::new(&picture, &overrides, None);
        let models = usage::models(&survey, args.about.as_deref());
        found += models.len();
        looked.at(&picture);
        match args.format {
            Format::Table if args.about.is_none() => {
                out += &heading(&picture);
                out += &troubles(&picture);
                out += &summary(&models);
            }
            Format::Table => {
                let details: String =
                    models.iter().map(|model| usage::detail(&survey, model, terminal())).collect();
                if !details.is_empty() {
                    out += &(heading(&picture) + &troubles(&picture) + &details);
                }
            }
            Format::Json => targets.push(usage::json(&survey, &models)),
            Format::Csv => usage::push_csv(&mut csv, &picture, &models),
        }
        Ok(())
    })?;
    if let Some(about) = &args.about {
        let nothing = format!("no model or invocation id that is called contains {about:?}");
        ensure!(found > 0, "{}", looked.nothing(&nothing, &header));
    }
    match args.format {
        Format::Table => print(&out),
        Format::Json => print(&envelope::document("usage", &header, json!({"targets": targets}))),
        Format::Csv => print(&csv.csv()),
    }
}

fn summary(models: &[usage::ModelUsage]) -> String {
    if models.is_empty() { "no traffic\n".to_string() } else { usage::summary(models).render(terminal()) }
}
