//! A row of the table of families: the family, and where its samples come from.

use super::family::{Family, Kind};
use super::text::Samples;
use super::view::{UNKNOWN, View};
use crate::model::time::Timestamp;

/// A family of which every target can have samples.
pub struct Row {
    pub family: Family,
    /// Puts the samples of one target.
    pub(super) samples: fn(&View<'_>, &mut Samples<'_>),
}

pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: &'static str,
    samples: fn(&View<'_>, &mut Samples<'_>),
) -> Row {
    Row { family: Family { name, kind: Kind::Gauge, labels, help, source }, samples }
}

pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: &'static str,
    samples: fn(&View<'_>, &mut Samples<'_>),
) -> Row {
    Row { family: Family { name, kind: Kind::Counter, labels, help, source }, samples }
}

/// The labels of a target, and more.
macro_rules! target {
    ($($more:literal),*) => { &["account_id", "region" $(, $more)*] };
}
pub(super) use target;

/// CloudWatch as a source.
macro_rules! cloudwatch {
    ($metric:literal) => {
        concat!("CloudWatch ", $metric, ", period 60 s")
    };
}
pub(super) use cloudwatch;

pub(super) const APPLIED: &str = "Service Quotas ListServiceQuotas";
pub(super) const DEFAULTS: &str = "Service Quotas ListAWSDefaultServiceQuotas";
pub(super) const LISTS: &str = "Service Quotas and Bedrock's model lists, joined by quota and model names";
pub(super) const RATIO: &str = "CloudWatch, Sum, period 60 s, and Service Quotas' applied values";

pub(super) fn seconds(at: Option<Timestamp>) -> Option<f64> {
    at.map(|at| at.0 as f64)
}

/// The value of the label `adjustable`.
pub(super) fn adjustable(adjustable: Option<bool>) -> &'static str {
    match adjustable {
        Some(true) => "true",
        Some(false) => "false",
        None => UNKNOWN,
    }
}
