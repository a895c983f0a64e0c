//! The marks of a picture.

use crate::report::safe::Escaped;
use std::fmt::Write;

/// A place to a tenth of a pixel.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(String::from).unwrap_or(text)
}

#[derive(Default)]
pub(super) struct Marks(pub String);

impl Marks {
    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
        let (x, y, text) = (px(x), px(y), Escaped(text));
        let _ = write!(
            self.0,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(px);
        let _ = write!(self.0, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(px);
        let _ = write!(
            self.0,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    /// Points joined by straight lines; a gap begins anew.
    pub(super) fn path(&mut self, class: &str, points: impl Iterator<Item = Option<(f64, f64)>>) {
        let (mut path, mut pen) = (String::new(), false);
        for point in points {
            if let Some((x, y)) = point {
                let _ = write!(path, "{}{} {}", if pen { "L" } else { "M" }, px(x), px(y));
            }
            // A single known column between gaps is a dot's width long.
            pen = point.is_some();
        }
        let _ = write!(self.0, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}
