//! What a plan would do, for `check`: targets, calls an hour, dollars a month.

use crate::config::kinds::duration_text;
use crate::model::shard::Shard;
use crate::model::usage::Metric;
use crate::plan::{AccountPlan, Credentials, Plan};
use std::fmt::Write;

/// Sum metrics that an id with traffic usually publishes: images and calls of legacy models are rare.
const USUAL_SUMS: u64 = 9;
/// Queries that one GetMetricData call takes, and metrics on a page of ListMetrics.
const PER_CALL: u64 = 500;
/// Pages of 100 that Bedrock's quotas fill: there were 889 in November 2026.
const QUOTA_PAGES: u64 = 9;
/// Of 1,000 metrics read by GetMetricData, and of 1,000 calls of ListMetrics.
const DOLLARS_PER_THOUSAND: f64 = 0.01;
const HOURS_PER_MONTH: f64 = 730.0;

/// The plan in words, with the traffic of `ids` invocation ids assumed at each target.
pub fn render(plan: &Plan, ids: u32) -> String {
    let targets: u64 = owned(plan).map(|account| account.regions.len().max(1) as u64).sum();
    let mut text = match plan.shard == Shard::default() {
        true => format!("Targets: {targets}\n"),
        false => format!("Targets in shard {}: {targets}\n", plan.shard),
    };
    for account in owned(plan) {
        let regions = account.regions.join(", ");
        let regions = if regions.is_empty() { "the SDK's own region" } else { &regions };
        let _ = writeln!(text, "  {} in {regions}", who(account));
    }
    let _ =
        writeln!(text, "\nCalls an hour, all targets, assuming {ids} invocation ids with traffic at each:");
    for (service, operation, calls) in calls(plan, u64::from(ids), targets) {
        let _ = writeln!(text, "  {service:<15} {operation:<38} {calls:>8.0}");
    }
    text + &cost(plan, u64::from(ids), targets)
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
    let usage = |calls| hourly(settings.usage_interval, calls);
    let quotas = |calls| hourly(settings.quotas_interval, calls);
    let catalog = |calls| hourly(settings.catalog_interval, calls);
    let queries = ids * (USUAL_SUMS + settings.statistics.len() as u64);
    let discovery = settings.discovery_interval.max(settings.usage_interval);
    let mut rows = vec![
        ("cloudwatch", "GetMetricData", usage(queries.div_ceil(PER_CALL))),
        ("cloudwatch", "ListMetrics", hourly(discovery, list_metrics_calls(plan, ids))),
        ("servicequotas", "ListServiceQuotas", quotas(QUOTA_PAGES)),
        ("servicequotas", "ListAWSDefaultServiceQuotas", quotas(QUOTA_PAGES)),
        ("servicequotas", "ListRequestedServiceQuotaChangeHistory", quotas(1)),
        ("bedrock", "ListFoundationModels", catalog(1)),
        ("bedrock", "ListInferenceProfiles", catalog(2)),
        ("bedrock", "ListProvisionedModelThroughputs", catalog(1)),
        ("bedrock", "ListCustomModelDeployments", catalog(1)),
        ("bedrock", "ListImportedModels", catalog(1)),
        ("bedrock", "ListModelInvocationJobs", catalog(2)),
    ];
    let is_role = |account: &&AccountPlan| matches!(account.credentials, Credentials::Role { .. });
    match owned(plan).filter(is_role).count() {
        0 => {}
        roles => rows.push(("sts", "AssumeRole", roles as f64)),
    }
    rows
}

/// One namespace for each endpoint.
fn list_metrics_calls(plan: &Plan, ids: u64) -> u64 {
    (ids * billed_metrics(plan)).div_ceil(PER_CALL).max(1) + 1
}

/// Of one id. Up to five statistics of one metric, read together, are billed as one.
fn billed_metrics(plan: &Plan) -> u64 {
    let reads = |from: Metric, to: Metric| plan.settings.statistics.iter().any(|m| (from..=to).contains(m));
    let latency = reads(Metric::LatencyAverage, Metric::LatencyMaximum);
    let first_token = reads(Metric::FirstTokenAverage, Metric::FirstTokenMaximum);
    USUAL_SUMS + u64::from(latency) + u64::from(first_token)
}

fn cost(plan: &Plan, ids: u64, targets: u64) -> String {
    let settings = &plan.settings;
    let monthly = |interval: u64, billed: u64| {
        billed as f64 * 3600.0 / interval as f64 * HOURS_PER_MONTH / 1000.0 * DOLLARS_PER_THOUSAND
    };
    let metrics = billed_metrics(plan);
    let reading = monthly(settings.usage_interval, ids * metrics);
    let listing =
        monthly(settings.discovery_interval.max(settings.usage_interval), list_metrics_calls(plan, ids));
    let target = reading + listing;
    let (all, every) = (target * targets as f64, duration_text(settings.usage_interval));
    format!(
        "\nCloudWatch: about ${target:.2} a month for each target, ${all:.2} for all.\n  \
         {ids} ids × {metrics} metrics every {every}: ${reading:.2} at $0.01 per 1,000 metrics read.\n  \
         ListMetrics: ${listing:.2} at $0.01 per 1,000 calls, the first million of an account not taken off.\n  \
         Service Quotas, Bedrock and STS ask nothing for these calls.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config};
    use crate::plan::plan;

    fn dollars(text: &str) -> f64 {
        text.split("about $").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn the_price_of_forty_ids_read_every_minute_and_every_five() {
        let every_minute = dollars(&render(&plan(&Config::default()).unwrap(), 40));
        assert!((190.0..195.0).contains(&every_minute), "{every_minute}");
        let text = "usage: {interval: 5m, discovery_interval: 1h}";
        let every_five = dollars(&render(&plan(&config::parse("", text)).unwrap(), 40));
        assert!((38.0..39.0).contains(&every_five), "{every_five}");
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
