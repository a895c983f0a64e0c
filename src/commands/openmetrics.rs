//! Many expositions, one after another in time, as one OpenMetrics text with timestamps.

use crate::exposition::text::{label, number};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What was exposed so far. OpenMetrics wants each family whole and each series in the order of time, so
/// it can be written only at the end.
pub struct Past {
    /// `job="…",instance="…"`: what a scrape adds to every series.
    target: String,
    families: BTreeMap<String, Family>,
}

#[derive(Default)]
struct Family {
    kind: String,
    series: BTreeMap<String, Vec<(Timestamp, f64)>>,
}

impl Past {
    /// Every series gets the labels of a scraped target.
    pub fn new(job: &str, instance: &str) -> Past {
        let mut target = Vec::new();
        label(&mut target, "job", job);
        target.push(b',');
        label(&mut target, "instance", instance);
        let target = String::from_utf8(target).expect("made of strings and ASCII");
        Past { target, families: BTreeMap::new() }
    }

    /// Adds what a scrape at `at` would have got: text of the format 0.0.4, whose families `wanted` chooses
    /// by their name.
    pub fn add(&mut self, at: Timestamp, text: &str, wanted: impl Fn(&str) -> bool) {
        let mut family = None;
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let (name, kind) = head.split_once(' ').unwrap_or((head, "unknown"));
                family = wanted(name).then(|| self.families.entry(name.to_owned()).or_default());
                if let Some(family) = &mut family {
                    kind.clone_into(&mut family.kind);
                }
            } else if let (Some(family), false) = (&mut family, line.starts_with('#'))
                && let Some((series, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse()
            {
                match family.series.get_mut(series) {
                    Some(samples) => samples.push((at, value)),
                    None => {
                        family.series.insert(series.to_owned(), vec![(at, value)]);
                    }
                }
            }
        }
    }

    /// Writes all of it. Returns the number of samples.
    pub fn write(&self, out: &mut impl Write) -> io::Result<usize> {
        let mut count = 0;
        for (name, family) in &self.families {
            let name = name.strip_suffix("_total").filter(|_| family.kind == "counter").unwrap_or(name);
            writeln!(out, "# TYPE {name} {}", family.kind)?;
            for (series, samples) in &family.series {
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let comma = if labels == "}" { "" } else { "," };
                let series = format!("{name}{{{}{comma}{labels}", self.target);
                let mut line = Vec::new();
                for (at, value) in samples {
                    line.clear();
                    number(&mut line, *value);
                    out.write_all(series.as_bytes())?;
                    out.write_all(b" ")?;
                    out.write_all(&line)?;
                    writeln!(out, " {}", at.0)?;
                }
                count += samples.len();
            }
        }
        out.write_all(b"# EOF\n")?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_total Calls.\n# TYPE a_total counter\na_total{id=\"x y\"} 3\n\
        # HELP b A gauge.\n# TYPE b gauge\nb 0.5\n# TYPE c gauge\nc{} 1\n";

    #[test]
    fn families_are_whole_and_series_in_the_order_of_time() {
        let mut past = Past::new("job", "host:1");
        past.add(Timestamp(60), TEXT, |name| name != "c");
        past.add(Timestamp(120), TEXT, |_| true);
        let mut text = Vec::new();
        assert_eq!(past.write(&mut text).unwrap(), 5);
        let target = r#"job="job",instance="host:1""#;
        let expected = format!(
            "# TYPE a counter\na_total{{{target},id=\"x y\"}} 3 60\na_total{{{target},id=\"x y\"}} 3 120\n\
             # TYPE b gauge\nb{{{target}}} 0.5 60\nb{{{target}}} 0.5 120\n\
             # TYPE c gauge\nc{{{target}}} 1 120\n# EOF\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
