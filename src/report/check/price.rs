//! What CloudWatch asks for a plan, by the same cadence that the daemon reads by.

use crate::config::kinds::duration_text;
use crate::model::budget::{DOLLARS_PER_METRIC, Stretch};
use crate::model::parts;
use crate::model::schedule::{Heat, assumed, calls_interval, service_interval, storm};
use crate::model::service::Pace;
use crate::model::usage::{Metric, MetricSet};
use crate::plan::{Plan, Regions};
use std::fmt::Write;

/// Sum metrics that an id with traffic usually publishes: images and calls of legacy models are rare.
const USUAL_SUMS: [Metric; 9] = [
    Metric::Invocations,
    Metric::Throttles,
    Metric::ClientErrors,
    Metric::ServerErrors,
    Metric::InputTokens,
    Metric::OutputTokens,
    Metric::CacheReadTokens,
    Metric::CacheWriteTokens,
    Metric::EstimatedTokens,
];
/// Metrics on a page of ListMetrics.
const METRICS_PER_PAGE: u64 = 500;
/// Namespaces that ListMetrics is asked for with quotas that are no model's: AWS/Usage, guardrails, batch inference, mantle.
pub(super) const SERVICE_LISTINGS: u64 = 4;
/// What ListMetrics is asked for tiers and projects.
pub(super) const PART_LISTINGS: u64 = parts::LISTINGS.len() as u64;
/// Metrics of one tier or project.
const PART_METRICS: f64 = parts::COUNTED.len() as f64;
/// What a call of ListMetrics costs, beyond the first million a month of an account.
const DOLLARS_PER_LISTING: f64 = 0.00001;
/// Calls a month that CloudWatch gives each account, those of GetMetricData left out.
const FREE_CALLS: f64 = 1e6;
const HOURS_PER_MONTH: f64 = 730.0;
/// Series of quotas that are no model's: as many rows as carry a UsageMetric are seldom used at once (84 of 889 do, by
/// the names of the families that carried one in January 2026). As many of them as of the ids are assumed to be near
/// their limits.
const SERVICE_SERIES: [(&str, Pace, f64); 2] = [("near", Pace::Normal, 4.0), ("far from", Pace::Calm, 36.0)];
/// What is read of guardrails.
const GUARDRAILS: [(&str, Pace, f64); 3] = [
    ("throttles of guardrails", Pace::Round, 1.0),
    ("calls and server errors of guardrails", Pace::Normal, 2.0),
    ("client errors and interventions of guardrails", Pace::Calm, 2.0),
];
/// What is assumed of the ids where the cadence follows them.
const MIX: [(Heat, &str, f64); 3] =
    [(Heat::Hot, "hot ids", 0.1), (Heat::Normal, "normal ids", 0.4), (Heat::Idle, "idle ids", 0.5)];

/// What is read of one target again and again.
pub(super) struct Reading {
    /// In words.
    what: String,
    pub(super) interval: u64,
    pub(super) metrics: f64,
}

/// What is read of one id with traffic.
pub(super) fn wanted(plan: &Plan) -> MetricSet {
    USUAL_SUMS.into_iter().chain(plan.settings.statistics.iter().copied()).collect()
}

/// The readings of a target's ids, each round of which is one call, or more where it has more queries than a call takes.
pub(super) fn readings(plan: &Plan, ids: f64) -> Vec<Reading> {
    let (settings, wanted) = (&plan.settings, wanted(plan));
    let every = settings.usage_interval;
    let of_all = |what: &str, interval| Reading { what: what.into(), interval, metrics: 1.0 };
    let Some(cadence) = settings.cadence else {
        let each = wanted.billed().iter().count() as f64;
        let what = format!("{ids} ids × {each} metrics");
        let ids = Reading { what, interval: every, metrics: ids * each };
        return vec![ids, of_all("calls of all ids", every)];
    };
    let calls = calls_interval(settings, &cadence, &Stretch::default());
    let mut all = vec![of_all("throttles of all ids", every), of_all("calls of all ids", calls)];
    for (heat, words, share) in MIX {
        let ids = of(ids, share);
        for (interval, metrics) in assumed(heat, wanted, settings, &cadence) {
            let what = format!("{ids} {words} × {metrics} metrics");
            all.push(Reading { what, interval, metrics: ids * f64::from(metrics) });
        }
    }
    all
}

fn of(ids: f64, share: f64) -> f64 {
    (share * ids * 10.0).round() / 10.0
}

/// What is read of quotas that are no model's, and of guardrails, in calls of their own.
pub(super) fn service_readings(plan: &Plan) -> Vec<Reading> {
    if plan.settings.service_interval.is_none() {
        return Vec::new();
    }
    let reading = |what, pace, metrics| {
        let interval = service_interval(pace, &plan.settings, &Stretch::default());
        Reading { what, interval, metrics }
    };
    let rows = SERVICE_SERIES.iter().map(|&(place, pace, series)| {
        reading(format!("{series} series of quotas that are no model's, {place} their limits"), pace, series)
    });
    let guardrails = GUARDRAILS.iter().map(|&(what, pace, metrics)| reading(what.to_string(), pace, metrics));
    guardrails.chain(rows).collect()
}

/// One namespace for each endpoint.
pub(super) fn list_metrics_calls(plan: &Plan, ids: u64) -> u64 {
    (ids * wanted(plan).billed().iter().count() as u64).div_ceil(METRICS_PER_PAGE).max(1) + 1
}

/// How often a month something happens that happens every so many seconds.
fn a_month(interval: u64) -> f64 {
    3600.0 / interval as f64 * HOURS_PER_MONTH
}

/// The price in words, with the traffic of `ids` invocation ids assumed at each of so many targets, where their number
/// is known.
pub(super) fn price(plan: &Plan, ids: u64, targets: Option<u64>) -> String {
    let settings = &plan.settings;
    let discovery = settings.discovery_interval.max(settings.usage_interval);
    let service =
        settings.service_interval.map_or(0.0, |interval| a_month(interval) * SERVICE_LISTINGS as f64);
    let parts = if settings.parts { a_month(parts::INTERVAL) * PART_LISTINGS as f64 } else { 0.0 };
    let listings = a_month(discovery) * list_metrics_calls(plan, ids) as f64 + service + parts;
    let listing = listings * DOLLARS_PER_LISTING;
    let (mut lines, mut target, mut billed) = (String::new(), listing, 0.0);
    for Reading { what, interval, metrics } in
        readings(plan, ids as f64).into_iter().chain(service_readings(plan))
    {
        let monthly = a_month(interval) * metrics;
        let dollars = monthly * DOLLARS_PER_METRIC;
        (target, billed) = (target + dollars, billed + monthly);
        let _ = writeln!(lines, "  {what} every {}: ${dollars:.2}", duration_text(interval));
    }
    if settings.parts {
        let each = a_month(parts::INTERVAL) * PART_METRICS * DOLLARS_PER_METRIC;
        let interval = duration_text(parts::INTERVAL);
        let _ = writeln!(
            lines,
            "  Each tier or project of an id, where CloudWatch shows any, every {interval}: ${each:.2} more"
        );
    }
    let all = targets.map(|targets| target * targets as f64);
    let for_all = match all {
        Some(all) => format!("${all:.2} for all"),
        None => "how much for all depends on how many there are".to_string(),
    };
    let mix = match settings.cadence {
        Some(_) => "  Assumed: 10 % of the ids are hot, 40 % normal, 50 % idle.\n",
        None => "",
    };
    format!(
        "\nCloudWatch: about ${target:.2} a month for each target, {for_all}.\n{mix}{lines}  \
         GetMetricData costs $0.01 per 1,000 metrics read.\n{}  \
         ListMetrics: ${listing:.2} at $0.01 per 1,000 calls, the first million of an account not taken off.\n  \
         Service Quotas, Bedrock and STS ask nothing for these calls.\n{}{}",
        storms(plan, ids as f64),
        free(plan, billed + listings, targets),
        budget(plan, all)
    )
}

/// What nobody can tell beforehand.
fn storms(plan: &Plan, ids: f64) -> String {
    let Some(cadence) = plan.settings.cadence else { return String::new() };
    let hot = of(ids, MIX[0].2);
    let dollars = storm(wanted(plan), (ids, hot), &plan.settings, &cadence) * DOLLARS_PER_METRIC;
    format!("  Refusals come on top: an hour of them on one id costs about ${dollars:.3}.\n")
}

/// Where each metric could be asked for in a call of its own for nothing.
fn free(plan: &Plan, calls: f64, targets: Option<u64>) -> String {
    let regions = |regions: &Regions| match regions {
        Regions::List(list) => Some(list.len().max(1) as u64),
        Regions::AllEnabled => None,
    };
    let organization = plan.organization.iter().map(|organization| &organization.regions);
    let places = plan.accounts.iter().map(|account| &account.regions).chain(organization);
    let of_one_account = match plan.monitoring {
        Some(_) => targets,
        None => places.map(regions).collect::<Option<Vec<u64>>>().and_then(|all| all.into_iter().max()),
    };
    let calls = of_one_account.map(|targets| calls * targets as f64);
    let Some(calls) = calls.filter(|calls| *calls <= FREE_CALLS) else { return String::new() };
    let thousands = (calls / 1000.0).ceil();
    format!(
        "  One metric a call, by GetMetricStatistics, it would be {thousands} thousand calls a month for an account, of \
         which a million are\n  free. The exporter does not read so: docs/FAQ.md says why.\n"
    )
}

fn budget(plan: &Plan, monthly: Option<f64>) -> String {
    let Some(daily) = plan.settings.budget else { return String::new() };
    let month = daily * HOURS_PER_MONTH / 24.0;
    let meaning = match monthly {
        None => "",
        Some(monthly) if monthly <= month => ": enough for it",
        Some(_) => ": less than that: the calmest ids will be read less often",
    };
    format!("\nBudget: ${daily:.2} a day, ${month:.2} a month{meaning}.\n")
}
