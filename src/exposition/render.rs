//! All samples, family by family.

use super::export::Export;
use super::families;
use super::text::Samples;
use super::view::views;
use crate::model::snapshot::Snapshot;
use std::io;

/// Writes every family that has samples, each once, in the order of [`families::all`].
/// Returns the number of series. The only errors are those of `out`.
pub fn render(out: &mut impl io::Write, snapshot: &Snapshot, export: &Export) -> io::Result<usize> {
    let views = views(snapshot, export);
    let mut series = 0;
    for row in families::all() {
        let mut samples = Samples::of(&row.family);
        for view in &views {
            samples.target(&view.labels);
            (row.samples)(view, &mut samples);
            samples.write_to(out)?;
        }
        series += samples.count;
    }
    Ok(series)
}
