//! Many expositions, one after another in time, as one OpenMetrics text with timestamps.

use crate::exposition::text::{label, number};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What was exposed so far. OpenMetrics wants each family whole and each series in the order of time, so
/// it can be written only at the end.
pub(super) struct Past {
    /// `job="…",instance="…"`: what a scrape adds to every series.
    target: String,
    families: BTreeMap<String, Family>,
}

#[derive(Default)]
struct Family {
    kind: String,
    metrics: BTreeMap<String, Metric>,
}

/// What OpenMetrics wants together, point after point: a series, or all buckets, sum and count of a histogram.
#[derive(Default)]
struct Metric {
    series: Vec<String>,
    samples: Vec<Sample>,
}

struct Sample {
    at: Timestamp,
    /// Index of its series.
    series: usize,
    value: f64,
}

impl Family {
    fn add(&mut self, at: Timestamp, series: &str, value: f64) {
        let key = if self.kind == "histogram" { histogram(series) } else { series };
        let metric = match self.metrics.get_mut(key) {
            Some(metric) => metric,
            None => self.metrics.entry(key.to_owned()).or_default(),
        };
        let known = metric.series.iter().position(|each| each == series);
        let index = known.unwrap_or_else(|| {
            metric.series.push(series.to_owned());
            metric.series.len() - 1
        });
        metric.samples.push(Sample { at, series: index, value });
    }
}

/// What the series of one histogram share: the labels before `le`, which a bucket has last.
fn histogram(series: &str) -> &str {
    let labels = series.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
    let bound = labels.rfind("le=\"").filter(|&at| at == 0 || labels.as_bytes()[at - 1] == b',');
    bound.map_or(labels, |at| labels[..at].trim_end_matches(','))
}

impl Past {
    /// Every series gets the labels of a scraped target.
    pub(super) fn new(job: &str, instance: &str) -> Past {
        let mut target = Vec::new();
        label(&mut target, "job", job);
        target.push(b',');
        label(&mut target, "instance", instance);
        let target = String::from_utf8(target).expect("made of strings and ASCII");
        Past { target, families: BTreeMap::new() }
    }

    /// Adds what a scrape at `at` would have got: text of the format 0.0.4, whose families `wanted` chooses
    /// by their name.
    pub(super) fn add(&mut self, at: Timestamp, text: &str, wanted: impl Fn(&str) -> bool) {
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
                family.add(at, series, value);
            }
        }
    }

    /// Writes all of it. Returns the number of samples.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<usize> {
        let mut count = 0;
        for (name, family) in &self.families {
            let name = name.strip_suffix("_total").filter(|_| family.kind == "counter").unwrap_or(name);
            writeln!(out, "# TYPE {name} {}", family.kind)?;
            for metric in family.metrics.values() {
                self.write_metric(out, metric)?;
                count += metric.samples.len();
            }
        }
        out.write_all(b"# EOF\n")?;
        Ok(count)
    }

    fn write_metric(&self, out: &mut impl Write, metric: &Metric) -> io::Result<()> {
        let scraped: Vec<String> = metric.series.iter().map(|series| self.scraped(series)).collect();
        let mut value = Vec::new();
        for sample in &metric.samples {
            value.clear();
            number(&mut value, sample.value);
            out.write_all(scraped[sample.series].as_bytes())?;
            out.write_all(b" ")?;
            out.write_all(&value)?;
            writeln!(out, " {}", sample.at.0)?;
        }
        Ok(())
    }

    /// A series with the labels of its target.
    fn scraped(&self, series: &str) -> String {
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        format!("{name}{{{}{comma}{labels}", self.target)
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

    #[test]
    fn the_parts_of_a_histogram_stay_together_at_each_moment() {
        let text = "# TYPE h histogram\nh_bucket{op=\"a\",le=\"1\"} 1\nh_bucket{op=\"a\",le=\"+Inf\"} 2\n\
            h_sum{op=\"a\"} 3\nh_count{op=\"a\"} 2\nh_bucket{op=\"b\",le=\"+Inf\"} 0\nh_sum{op=\"b\"} 0\n\
            h_count{op=\"b\"} 0\n";
        let mut past = Past::new("job", "host:1");
        past.add(Timestamp(60), text, |_| true);
        past.add(Timestamp(120), text, |_| true);
        let mut written = Vec::new();
        past.write(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        let lines: Vec<String> =
            written.lines().map(|line| line.replace(r#"job="job",instance="host:1","#, "")).collect();
        let a = |at| {
            [
                r#"h_bucket{op="a",le="1"} 1"#,
                r#"h_bucket{op="a",le="+Inf"} 2"#,
                r#"h_sum{op="a"} 3"#,
                r#"h_count{op="a"} 2"#,
            ]
            .map(|line| format!("{line} {at}"))
        };
        assert_eq!(lines[1..9], [a(60), a(120)].concat());
        assert!(
            lines[9..12].iter().all(|line| line.contains(r#"op="b""#) && line.ends_with(" 60")),
            "{lines:?}"
        );
    }
}
