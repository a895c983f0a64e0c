//! What a plan would do, for `check`: targets, calls an hour, dollars a month.

mod price;

use crate::config::kinds::duration_text;
use crate::model::organization::Filter;
use crate::model::parts;
use crate::model::shard::Shard;
use crate::model::usage::QUERIES_PER_CALL;
use crate::plan::{AccountPlan, Credentials, OrganizationPlan, Plan, Regions, places};
use price::{
    PART_LISTINGS, Reading, SERVICE_LISTINGS, list_metrics_calls, readings, service_readings, wanted,
};
use std::fmt::Write;

/// Pages of 100 that Bedrock's quotas fill: there were 889 in November 2026.
const QUOTA_PAGES: u64 = 9;

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
    text + &price::price(plan, u64::from(ids), is_known.then_some(targets))
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
    // A round's queries share calls, and each statistic is a query of its own.
    let queries = wanted(plan).iter().count() as f64 / wanted(plan).billed().iter().count() as f64;
    let full = |r: &Reading| hourly(r.interval, (r.metrics * queries) as u64 / QUERIES_PER_CALL as u64);
    let alone = |r: &Reading| hourly(r.interval, (r.metrics as u64).div_ceil(QUERIES_PER_CALL as u64));
    let data = hourly(settings.usage_interval, 1)
        + readings(plan, ids as f64).iter().map(full).sum::<f64>()
        + service_readings(plan).iter().map(alone).sum::<f64>();
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
        assert!((17.0..17.1).contains(&by_need), "{by_need}");
    }

    #[test]
    fn quotas_that_are_no_models_cost_less_than_a_tenth_more() {
        let price = |text: &str| dollars(&render(&plan(&config::parse("", text)).unwrap(), 40));
        let (with, without) = (price(""), price("quotas: {usage_metrics: false}"));
        assert!(without < with && with < 1.1 * without, "${without} and ${with} a month");
    }

    #[test]
    fn the_search_for_tiers_and_projects_costs_less_than_a_hundredth_more() {
        let price = |text: &str| dollars(&render(&plan(&config::parse("", text)).unwrap(), 40));
        let (with, without) = (price(""), price("usage: {tiers_and_projects: false}"));
        assert!(without < with && with < 1.01 * without, "${without} and ${with} a month");
    }

    #[test]
    fn a_budget_is_held_against_the_plan() {
        let report = |text: &str| render(&plan(&config::parse("", text)).unwrap(), 40);
        let enough = report("budget: {dollars_per_day: 2}");
        assert!(enough.ends_with("Budget: $2.00 a day, $60.83 a month: enough for it.\n"), "{enough}");
        let short = report("budget: {dollars_per_day: 0.5}");
        assert!(short.contains("the calmest ids will be read less often"), "{short}");
    }

    #[test]
    fn what_single_calls_would_cost_nothing_is_told_where_they_would() {
        let report = |text: &str, ids| render(&plan(&config::parse("", text)).unwrap(), ids);
        let free = |text: &str, ids| report(text, ids).contains("by GetMetricStatistics, it would be");
        assert!(free("regions: [us-east-1]", 10) && !free("regions: [us-east-1]", 40));
        assert!(!free("regions: [us-east-1, us-west-2, eu-west-1]", 10), "of one account together");
        let own = "accounts: [{profile: a, regions: [us-east-1]}, {profile: b, regions: [us-east-1]}]";
        assert!(free(own, 10), "each account has its own");
        assert!(!free("regions: all_enabled", 10), "nobody knows how many");
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
