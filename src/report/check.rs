//! What a plan would do, for `check`: targets, calls an hour, dollars a month.

use crate::config::kinds::duration_text;
use crate::model::budget::DOLLARS_PER_METRIC;
use crate::model::organization::Filter;
use crate::model::parts;
use crate::model::shard::Shard;
use crate::model::usage::{Metric, QUERIES_PER_CALL};
use crate::plan::{AccountPlan, Credentials, OrganizationPlan, Plan, Regions, places};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Sum metrics that an id with traffic usually publishes: images and calls of legacy models are rare.
const USUAL_SUMS: u64 = 9;
/// Metrics on a page of ListMetrics.
const METRICS_PER_PAGE: u64 = 500;
/// Pages of 100 that Bedrock's quotas fill: there were 889 in November 2026.
const QUOTA_PAGES: u64 = 9;
/// What a call of ListMetrics costs, beyond the first million a month of an account.
const DOLLARS_PER_LISTING: f64 = 0.00001;
const HOURS_PER_MONTH: f64 = 730.0;
/// Series of quotas that are no model's: as many rows as carry a UsageMetric are seldom used at once (84 of 889 do, by
/// the names of the families that carried one in January 2026).
const SERVICE_SERIES: u64 = 40;
/// Namespaces that ListMetrics is asked for with them: AWS/Usage, guardrails, batch inference, mantle.
const SERVICE_LISTINGS: u64 = 4;
/// What ListMetrics is asked for tiers and projects.
const PART_LISTINGS: u64 = 3;
/// Metrics of one tier or project: calls, throttles, input and output tokens.
const PART_METRICS: f64 = 4.0;
/// What is assumed of the ids where the cadence follows them: hot, normal, idle.
const MIX: [f64; 3] = [0.1, 0.4, 0.5];

/// The plan in words, with the traffic of `ids` invocation ids assumed at each target.
pub fn render(plan: &Plan, ids: u32) -> String {
    let known: u64 = owned(plan).map(|account| targets(&account.regions)).sum();
    let is_known = plan.organization.is_none() && owned(plan).all(|a| a.regions != Regions::AllEnabled);
    let is_alone = plan.shard == Shard::default();
    let shard = if is_alone { String::new() } else { format!(" in shard {}", plan.shard) };
    let more = if is_known { "" } else { ", and those that only AWS can tell" };
    let mut text = format!("Targets{shard}: {known}{more}\n");
    for account in owned(plan) {
        let _ = writeln!(text, "  {} in {}", who(account), places(&account.regions).join(", "));
    }
    text += &plan.organization.as_ref().map(organization).unwrap_or_default();
    if let Some(monitoring) = &plan.monitoring {
        let _ = writeln!(text, "  Usage of all is read by a monitoring account: {}.", monitoring.account());
    }
    if !is_known {
        let interval = duration_text(plan.discovery_interval);
        let _ = writeln!(text, "  AWS is asked for accounts and enabled regions every {interval}.");
    }
    let (targets, all) = if is_known { (known, "all targets") } else { (1, "each target") };
    let _ = writeln!(text, "\nCalls an hour, {all}, assuming {ids} invocation ids with traffic at each:");
    for (service, operation, calls) in calls(plan, u64::from(ids), targets) {
        let _ = writeln!(text, "  {service:<15} {operation:<38} {calls:>8.0}");
    }
    text + &cost(plan, u64::from(ids), is_known.then_some(targets))
}

/// How many an account has, as far as the config tells.
fn targets(regions: &Regions) -> u64 {
    match regions {
        Regions::List(list) => list.len().max(1) as u64,
        Regions::AllEnabled => 0,
    }
}

/// Which accounts of the organization are watched, as far as the config tells it.
fn organization(plan: &OrganizationPlan) -> String {
    let Filter { ous, tags, names, states, exclude } = &plan.filter;
    let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let states: Vec<String> = states.iter().map(|state| state.to_string()).collect();
    let conditions = [("below", ous), ("tagged", &tags), ("named", names), ("but", exclude)];
    let conditions = conditions.iter().filter(|(_, list)| !list.is_empty());
    let conditions: String = conditions.map(|(word, list)| format!(", {word} {}", list.join(" "))).collect();
    format!(
        "  role {} in each {} account of the organization{conditions}, in {}\n",
        plan.role,
        states.join(" or "),
        places(&plan.regions).join(", ")
    )
}

/// The accounts of the plan's shard, with those whose id only AWS can tell.
fn owned(plan: &Plan) -> impl Iterator<Item = &AccountPlan> {
    plan.accounts.iter().filter(|account| account.account_id.as_ref().is_none_or(|id| plan.shard.owns(id)))
}

fn who(account: &AccountPlan) -> String {
    let name = account.name.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
    match &account.credentials {
        Credentials::Role { arn, .. } => format!("{name}role {arn}"),
        _ => name + &account.account(),
    }
}

/// Service, operation and calls an hour.
fn calls(plan: &Plan, ids: u64, targets: u64) -> Vec<(&'static str, &'static str, f64)> {
    let settings = &plan.settings;
    let hourly = |interval: u64, calls: u64| (targets * calls) as f64 * 3600.0 / interval as f64;
    let quotas = |calls| hourly(settings.quotas_interval, calls);
    let catalog = |calls| hourly(settings.catalog_interval, calls);
    let queries = USUAL_SUMS + settings.statistics.len() as u64;
    let data = readings(plan, ids as f64, queries as f64);
    let data = data
        .iter()
        .map(|r| hourly(r.interval, (r.metrics.ceil() as u64).div_ceil(QUERIES_PER_CALL as u64)))
        .sum();
    let discovery = settings.discovery_interval.max(settings.usage_interval);
    let service = settings.service_interval.map_or(0.0, |interval| hourly(interval, SERVICE_LISTINGS));
    let parts = if settings.parts { hourly(parts::INTERVAL, PART_LISTINGS) } else { 0.0 };
    let mut rows = vec![
        ("cloudwatch", "GetMetricData", data),
        ("cloudwatch", "ListMetrics", hourly(discovery, list_metrics_calls(plan, ids)) + service + parts),
        ("servicequotas", "ListServiceQuotas", quotas(QUOTA_PAGES)),
        ("servicequotas", "ListAWSDefaultServiceQuotas", quotas(QUOTA_PAGES)),
        ("servicequotas", "ListRequestedServiceQuotaChangeHistory", quotas(1)),
        ("bedrock", "ListFoundationModels", catalog(1)),
        ("bedrock", "ListInferenceProfiles", catalog(2)),
        ("bedrock", "ListProvisionedModelThroughputs", catalog(1)),
        ("bedrock", "ListCustomModelDeployments", catalog(1)),
        ("bedrock", "ListCustomModels", catalog(1)),
        ("bedrock", "ListImportedModels", catalog(1)),
        ("bedrock", "ListModelInvocationJobs", catalog(2)),
    ];
    let is_role = |account: &&AccountPlan| matches!(account.credentials, Credentials::Role { .. });
    let roles = owned(plan).filter(is_role).count();
    // Whoever gives out a role says whose it is.
    let others = owned(plan).filter(|account| !is_role(account)).count();
    if others > 0 {
        rows.push(("sts", "GetCallerIdentity", others as f64));
    }
    match &plan.organization {
        Some(_) => rows.push(("sts", "AssumeRole", 1.0)),
        None if roles > 0 => rows.push(("sts", "AssumeRole", roles as f64)),
        None => {}
    }
    rows
}

/// One namespace for each endpoint.
fn list_metrics_calls(plan: &Plan, ids: u64) -> u64 {
    (ids * billed_metrics(plan)).div_ceil(METRICS_PER_PAGE).max(1) + 1
}

/// What is billed for one id.
fn billed_metrics(plan: &Plan) -> u64 {
    let timings: BTreeSet<Metric> =
        plan.settings.statistics.iter().map(|metric| metric.billed_as()).collect();
    USUAL_SUMS + timings.len() as u64
}

/// What is read of one target again and again.
struct Reading {
    /// In words.
    what: String,
    interval: u64,
    metrics: f64,
}

/// The readings of a target whose ids have so many metrics each.
fn readings(plan: &Plan, ids: f64, metrics: f64) -> Vec<Reading> {
    let every = plan.settings.usage_interval;
    let reading = |what: &str, ids: f64, metrics: f64, interval: u64| Reading {
        what: format!("{ids} {what} × {metrics} metrics"),
        interval: interval.max(every),
        metrics: ids * metrics,
    };
    let Some(cadence) = plan.settings.cadence else {
        let each = reading("ids", ids, metrics, every);
        let what = format!("{}, and the calls of all ids,", each.what);
        let mut all = vec![Reading { what, metrics: each.metrics + 1.0, ..each }];
        all.extend(service_readings(plan));
        return all;
    };
    let [hot, normal, idle] = MIX.map(|share| (share * ids * 10.0).round() / 10.0);
    let tripwire = Reading { what: "calls and throttles of all ids".into(), interval: every, metrics: 2.0 };
    let mut all = vec![
        tripwire,
        reading("hot ids", hot, metrics, every),
        reading("normal ids", normal, metrics, cadence.normal_interval),
        Reading {
            what: format!("{idle} idle ids by their invocations and errors"),
            ..reading("idle ids", idle, 3.0, cadence.idle_interval)
        },
    ];
    all.extend(service_readings(plan));
    all
}

/// What is read of quotas that are no model's, and of guardrails.
fn service_readings(plan: &Plan) -> Vec<Reading> {
    let Some(interval) = plan.settings.service_interval else { return Vec::new() };
    let guardrails = Reading {
        what: "calls and throttles of guardrails".into(),
        interval: plan.settings.usage_interval,
        metrics: 2.0,
    };
    let metrics = SERVICE_SERIES as f64;
    let series =
        Reading { what: format!("{SERVICE_SERIES} series of quotas that are no model's"), interval, metrics };
    vec![guardrails, series]
}

/// How often a month something happens that happens every so many seconds.
fn a_month(interval: u64) -> f64 {
    3600.0 / interval as f64 * HOURS_PER_MONTH
}

fn cost(plan: &Plan, ids: u64, targets: Option<u64>) -> String {
    let settings = &plan.settings;
    let discovery = settings.discovery_interval.max(settings.usage_interval);
    let service =
        settings.service_interval.map_or(0.0, |interval| a_month(interval) * SERVICE_LISTINGS as f64);
    let ids_listed = a_month(discovery) * list_metrics_calls(plan, ids) as f64;
    let parts = if settings.parts { a_month(parts::INTERVAL) * PART_LISTINGS as f64 } else { 0.0 };
    let listing = (ids_listed + service + parts) * DOLLARS_PER_LISTING;
    let (mut lines, mut target) = (String::new(), listing);
    for Reading { what, interval, metrics } in readings(plan, ids as f64, billed_metrics(plan) as f64) {
        let dollars = a_month(interval) * metrics * DOLLARS_PER_METRIC;
        target += dollars;
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
         GetMetricData costs $0.01 per 1,000 metrics read.\n  \
         ListMetrics: ${listing:.2} at $0.01 per 1,000 calls, the first million of an account not taken off.\n  \
         Service Quotas, Bedrock and STS ask nothing for these calls.\n{}",
        budget(plan, all)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::plan::plan;

    fn dollars(text: &str) -> f64 {
        text.split("about $").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn the_price_of_forty_ids_read_every_minute_and_every_five() {
        let price = |text: &str| dollars(&render(&plan(&config::parse("", text)).unwrap(), 40));
        let every_minute = price("{usage: {cadence: fixed}, quotas: {usage_metrics: false}}");
        assert!((190.0..195.0).contains(&every_minute), "{every_minute}");
        let every_five = price(
            "{usage: {cadence: fixed, interval: 5m, discovery_interval: 1h}, quotas: {usage_metrics: false}}",
        );
        assert!((38.0..39.0).contains(&every_five), "{every_five}");
        let by_need = price("quotas: {usage_metrics: false}");
        assert!((37.0..38.0).contains(&by_need), "{by_need}");
    }

    #[test]
    fn quotas_that_are_no_models_and_the_search_for_tiers_cost_less_than_a_tenth_more() {
        let price = |text: &str| dollars(&render(&plan(&config::parse("", text)).unwrap(), 40));
        let without = "{quotas: {usage_metrics: false}, usage: {tiers_and_projects: false}}";
        let (with, without) = (price(""), price(without));
        assert!(without < with && with < 1.1 * without, "${without} and ${with} a month");
    }

    #[test]
    fn a_budget_is_held_against_the_plan() {
        let report = |text: &str| render(&plan(&config::parse("", text)).unwrap(), 40);
        let enough = report("budget: {dollars_per_day: 2}");
        assert!(enough.ends_with("Budget: $2.00 a day, $60.83 a month: enough for it.\n"), "{enough}");
        let short = report("budget: {dollars_per_day: 1}");
        assert!(short.contains("the calmest ids will be read less often"), "{short}");
    }

    #[test]
    fn accounts_that_only_aws_knows_are_not_counted() {
        let text = "
regions: [us-east-1]
organization:
  assume_role: reader
  regions: all_enabled
  include: {ous: [ou-ab12-34cd56ef], tags: {team: ml}, names: ['prod-*', research]}
  exclude: ['111122223333']
accounts: [{profile: sandbox}]
usage: {cadence: adaptive}
budget: {dollars_per_day: 50}
";
        let plan = plan(&config::parse("config.yaml", text)).unwrap();
        insta::assert_snapshot!(render(&plan, 40));
    }

    #[test]
    fn a_whole_report() {
        let text = "
regions: [us-east-1]
accounts:
  - name: production
    role_arn: arn:aws:iam::111122223333:role/reader
    regions: [us-east-1, eu-west-1]
  - profile: sandbox
  - name: here
usage: {interval: 2m, latency: []}
quotas: {interval: 30m}
";
        let plan = plan(&config::parse("config.yaml", text)).unwrap();
        insta::assert_snapshot!(render(&plan, 100));
    }
}
