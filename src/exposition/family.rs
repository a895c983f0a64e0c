//! A metric family: its name and what is said of it.

use std::fmt;

/// The source of what comes from no one else.
pub const EXPORTER: &str = "the exporter itself";

/// One metric family.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    /// All of its labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
    /// What the values come from; those of AWS are collected on a schedule, not on a scrape.
    pub source: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        })
    }
}

impl Family {
    /// The HELP text: meaning, and what of AWS it is made from.
    pub fn full_help(&self) -> String {
        if self.source == EXPORTER {
            return self.help.to_owned();
        }
        format!("{} Source: {}, collected on a schedule.", self.help, self.source)
    }
}
