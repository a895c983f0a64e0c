//! How often what is read, how long it counts, and what is made of it.

use super::given::{Out, distinct, or};
use crate::config::kinds::duration_text;
use crate::config::{At, CadenceKind, Complaint, Config, Statistic, Usage};
use crate::model::matching::Rules;
use crate::model::settings::{Cadence, Settings};
use crate::model::usage::Metric;

pub(super) fn settings(config: &Config, out: Out) -> Settings {
    let Config { usage, quotas, catalog, overrides, .. } = config;
    let (usage_interval, usage_max_age) =
        times("usage", (&usage.interval, 60), (&usage.max_age, 15 * 60), out);
    let (quotas_interval, quotas_max_age) =
        times("quotas", (&quotas.interval, 15 * 60), (&quotas.max_age, 24 * 3600), out);
    let (catalog_interval, catalog_max_age) =
        times("catalog", (&catalog.interval, 3600), (&catalog.max_age, 24 * 3600), out);
    let (delay, settle) = delays(usage, out);
    let budget = config.budget.dollars_per_day.as_ref();
    let cadence = cadence(usage, out);
    if let (Some(at), None) = (budget, &cadence) {
        let message = "found beside usage.cadence: fixed, expected adaptive: only that can be slowed";
        out.push(Complaint::new(at.line, "budget.dollars_per_day".into(), message.into()));
    }
    Settings {
        delay,
        settle,
        cadence,
        budget: budget.map(|at| at.value),
        lookback_minutes: (or(&usage.lookback, LOOKBACK) / 60) as i64,
        spread: true,
        thresholds: distinct(&usage.thresholds, "usage.thresholds", &[0.8, 0.9, 1.0], out),
        usage_interval,
        discovery_interval: or(&usage.discovery_interval, 5 * 60),
        quotas_interval,
        catalog_interval,
        service_interval: or(&quotas.usage_metrics, true).then(|| service_interval(usage, usage_interval)),
        parts: or(&usage.tiers_and_projects, true),
        usage_max_age,
        quotas_max_age,
        catalog_max_age,
        counter_hold: 2 * or(&config.scrape_interval, 60),
        statistics: distinct(&usage.latency, "usage.latency", &[Statistic::P50, Statistic::P99], out)
            .into_iter()
            .flat_map(metrics)
            .collect(),
        rules: Rules { models: overrides.models.clone(), quotas: overrides.quotas.clone() },
        burndown: overrides.burndown.clone(),
    }
}

/// A collector's interval and maximal age, each as given or its default. Values that live shorter than two
/// intervals would vanish with the first failed round.
fn times(
    section: &str,
    (given_interval, interval): (&Option<At<u64>>, u64),
    (given_age, age): (&Option<At<u64>>, u64),
    out: Out,
) -> (u64, u64) {
    let (interval, age) = (or(given_interval, interval), or(given_age, age));
    if age < 2 * interval {
        let line = given_age.as_ref().or(given_interval.as_ref()).map_or(0, |at| at.line);
        let default = if given_age.is_none() { " (the default)" } else { "" };
        let (found, least) = (duration_text(age), duration_text(2 * interval));
        let message = format!("found {found}{default}, expected at least {least}: twice {section}.interval");
        out.push(Complaint::new(line, format!("{section}.max_age"), message));
    }
    (interval, age)
}

/// Unless told otherwise, usage looks back this far, in seconds.
const LOOKBACK: u64 = 15 * 60;

/// What is no model's is as calm as an idle id.
fn service_interval(usage: &Usage, usage_interval: u64) -> u64 {
    or(&usage.idle_interval, IDLE_INTERVAL).max(usage_interval)
}

/// Unless told otherwise, idle ids are read so often, in seconds.
const IDLE_INTERVAL: u64 = 15 * 60;

/// Readings further apart than the look-back window would leave peaks between them unseen.
fn cadence(usage: &Usage, out: Out) -> Option<Cadence> {
    let lookback = or(&usage.lookback, LOOKBACK);
    let mut interval = |given: &Option<At<u64>>, key: &str, default: u64| {
        if let Some(at) = given.as_ref().filter(|at| at.value > lookback) {
            let (found, most) = (duration_text(at.value), duration_text(lookback));
            let message = format!("found {found}, expected at most {most}: usage.lookback");
            out.push(Complaint::new(at.line, format!("usage.{key}"), message));
        }
        or(given, default.min(lookback))
    };
    let cadence = Cadence {
        hot_ratio: or(&usage.hot_ratio, 0.5),
        normal_interval: interval(&usage.normal_interval, "normal_interval", 5 * 60),
        idle_interval: interval(&usage.idle_interval, "idle_interval", IDLE_INTERVAL),
        idle_after: or(&usage.idle_after, 3600),
    };
    (or(&usage.cadence, CadenceKind::Adaptive) == CadenceKind::Adaptive).then_some(cadence)
}

fn delays(usage: &Usage, out: Out) -> (u64, u64) {
    let (delay, settle) = (or(&usage.delay, 120), or(&usage.settle, 240));
    if settle < delay {
        let line = usage.settle.as_ref().or(usage.delay.as_ref()).map_or(0, |at| at.line);
        let default = if usage.settle.is_none() { " (the default)" } else { "" };
        let (found, least) = (duration_text(settle), duration_text(delay));
        let message = format!("found {found}{default}, expected at least {least}: usage.delay");
        out.push(Complaint::new(line, "usage.settle".into(), message));
    }
    (delay, settle)
}

/// The two metrics of a statistic: latency, and time to the first token.
pub(crate) fn metrics(statistic: Statistic) -> [Metric; 2] {
    match statistic {
        Statistic::P50 => [Metric::LatencyP50, Metric::FirstTokenP50],
        Statistic::P90 => [Metric::LatencyP90, Metric::FirstTokenP90],
        Statistic::P99 => [Metric::LatencyP99, Metric::FirstTokenP99],
        Statistic::Average => [Metric::LatencyAverage, Metric::FirstTokenAverage],
        Statistic::Maximum => [Metric::LatencyMaximum, Metric::FirstTokenMaximum],
    }
}
