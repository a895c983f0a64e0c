//! The text format itself: sample lines, escaping, numbers.

use super::family::Family;
use std::io::{self, Write};

/// The label that some samples of a family have and others have not: refusals are a model's, or those of an id
/// of unknown model. To Prometheus an empty label is none, so that none is written.
const OPTIONAL: &str = "model_id";

/// The lines of one family, on their way out.
pub(super) struct Samples<'a> {
    family: &'static Family,
    /// The labels that `put` gets values for.
    names: &'static [&'static str],
    /// `account_id="…",region="…"` of the target at hand, where the family has these labels.
    target: &'a str,
    lines: Vec<u8>,
    pub(super) count: usize,
}

impl<'a> Samples<'a> {
    pub(super) fn of(family: &'static Family) -> Samples<'a> {
        let names = family.labels.strip_prefix(&["account_id", "region"]).unwrap_or(family.labels);
        Samples { family, names, target: "", lines: Vec::new(), count: 0 }
    }

    /// The samples that follow are of the target with these labels.
    pub(super) fn target(&mut self, labels: &'a str) {
        if self.names.len() < self.family.labels.len() {
            self.target = labels;
        }
    }

    /// One sample: `values` and `more` are those of the family's labels after account_id and region, in
    /// order. Nothing is written for an unknown value, nor for one that is no number.
    pub(super) fn put(&mut self, values: &[&str], more: &[&str], value: impl Into<Option<f64>>) {
        let Some(value) = value.into().filter(|v| v.is_finite()) else { return };
        debug_assert_eq!(values.len() + more.len(), self.names.len(), "labels of {}", self.family.name);
        if self.count == 0 {
            self.head();
        }
        self.count += 1;
        let lines = &mut self.lines;
        lines.extend_from_slice(self.family.name.as_bytes());
        lines.push(b'{');
        lines.extend_from_slice(self.target.as_bytes());
        let mut first = self.target.is_empty();
        for (name, value) in self.names.iter().zip(values.iter().chain(more)) {
            if *name == OPTIONAL && value.is_empty() {
                continue;
            }
            if !std::mem::take(&mut first) {
                lines.push(b',');
            }
            label(lines, name, value);
        }
        lines.extend_from_slice(b"} ");
        number(lines, value);
        lines.push(b'\n');
    }

    fn head(&mut self) {
        let Family { name, kind, .. } = self.family;
        self.lines.extend_from_slice(format!("# HELP {name} ").as_bytes());
        escape(&mut self.lines, &self.family.full_help(), b"\\\n");
        self.lines.extend_from_slice(format!("\n# TYPE {name} {kind}\n").as_bytes());
    }

    pub(super) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

/// `name="value"`.
pub(crate) fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    escape(out, value, b"\\\n\"");
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    let text = text.as_bytes();
    // Nearly always: three fast searches instead of a look at each byte.
    if !special.iter().any(|byte| text.contains(byte)) {
        out.extend_from_slice(text);
        return;
    }
    for &byte in text {
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(if byte == b'\n' { b'n' } else { byte });
    }
}

/// Whole numbers as such; the rest in the fewest digits that read back as the same number.
pub(crate) fn number(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    let written = if value.fract() == 0.0 && size < 1e15 {
        write!(out, "{}", value as i64)
    } else if (1e-5..1e21).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
    written.expect("a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_read_well_and_read_back() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (700_000_000.0, "700000000"),
            (1_700_000_000.0, "1700000000"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.00012, "0.00012"),
            (1.5e-9, "1.5e-9"),
            (1e20, "100000000000000000000"),
            (2.5e22, "2.5e22"),
            (f64::MAX, "1.7976931348623157e308"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(|out| number(out, value)), expected);
            assert_eq!(expected.parse::<f64>().unwrap(), value);
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let value = "a \"quoted\" back\\slash,\nline {é}";
        assert_eq!(text(|out| label(out, "name", value)), r#"name="a \"quoted\" back\\slash,\nline {é}""#);
    }
}
