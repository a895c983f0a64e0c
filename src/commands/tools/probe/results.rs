//! The results' files.

use crate::chart;
use crate::probe::Probe;
use crate::report::probe::{self as report, About};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

const JSON: &str = "probe.json";
const SVG: &str = "probe.svg";
const TIMELINE: &str = "timeline.csv";
const SUPPORT: &str = "support.md";

/// What a run has cost is not written over.
pub(super) fn ensure_none(folder: &Path) -> Result<()> {
    for name in [JSON, SVG, TIMELINE, SUPPORT] {
        let file = folder.join(name);
        ensure!(!file.exists(), "{}: there are results already; give another --output", file.display());
    }
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))
}

#[expect(clippy::disallowed_methods, reason = "the results' files")]
pub(super) fn write(folder: &Path, about: &About, probe: &Probe, rehearsal: &Probe) -> Result<()> {
    let title = report::title(about);
    let files = [
        (JSON, report::json(about, probe, rehearsal)),
        (SVG, chart::steps(&title, probe)),
        (TIMELINE, report::timeline(probe)),
        (SUPPORT, report::support(about, probe)),
    ];
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    Ok(())
}
