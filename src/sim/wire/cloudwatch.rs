//! CloudWatch: ListMetrics and GetMetricData, in either of its protocols.

use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use super::spoil::{SAME_TOKEN, spoil};
use crate::sim::world::point::is_statistic;
use crate::sim::world::series::{FORGOTTEN_AFTER, Series, Tallies};
use crate::sim::world::view::View;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const LISTING: Paging = Paging {
    size: None,
    token: "NextToken",
    usual: 500,
    most: 500,
    bad_size: "InvalidParameterValue",
    bad_token: ("InvalidParameterValue", "The NextToken is not one of ListMetrics."),
};
const MOST_FILTERS: usize = 10;
const MOST_DIMENSIONS: usize = 30;
const MOST_QUERIES: usize = 500;
const MOST_DATAPOINTS: usize = 100_800;

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let mut reply = match operation {
        "ListMetrics" => list_metrics(scene, input)?,
        "GetMetricData" => get_metric_data(scene, &parse(input)?)?,
        _ => return Err(unknown_operation(operation)),
    };
    spoil(&mut reply, scene.faults);
    Ok(reply)
}

fn parse<T: for<'a> Deserialize<'a>>(input: &Value) -> Result<T, Refusal> {
    T::deserialize(input).map_err(|e| validation(e.to_string()))
}

fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterValue", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMetrics {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<DimensionFilter>,
    recently_active: Option<String>,
    include_linked_accounts: Option<bool>,
    owning_account: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DimensionFilter {
    name: String,
    value: Option<String>,
}

fn list_metrics(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let asked: ListMetrics = parse(input)?;
    if asked.dimensions.len() > MOST_FILTERS {
        let message = format!("The collection Dimensions must not have a size greater than {MOST_FILTERS}.");
        return Err(validation(message));
    }
    let within = match asked.recently_active.as_deref() {
        None => FORGOTTEN_AFTER,
        Some("PT3H") => 3 * 3600,
        Some(other) => return Err(invalid(format!("RecentlyActive must be PT3H, not {other}."))),
    };
    let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
    let wanted =
        |namespace: &str, metric: &str| fits(&asked.namespace, namespace) && fits(&asked.metric_name, metric);
    let linked = asked.include_linked_accounts == Some(true);
    let mut series = Vec::new();
    for view in views(scene, linked) {
        if fits(&asked.owning_account, &view.account.id) {
            let found = view.listed(wanted, within).into_iter();
            series.extend(found.map(|series| (view.account, series)));
        }
    }
    let has = |s: &Series, f: &DimensionFilter| {
        s.dimensions.iter().any(|(name, value)| *name == f.name && fits(&f.value, value))
    };
    let found = series.into_iter().filter(|(_, s)| asked.dimensions.iter().all(|f| has(s, f)));
    let page = LISTING.page(scene, input, found.collect())?;
    let owners: Vec<&str> = page.rows.iter().map(|(account, _)| account.id.as_str()).collect();
    let mut reply = page.reply("Metrics", |(_, series)| metric(&series));
    if linked {
        reply["OwningAccounts"] = json!(owners);
    }
    Ok(reply)
}

/// A series as ListMetrics shows it.
fn metric(series: &Series) -> Value {
    let dimensions = series.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value}));
    let dimensions: Vec<Value> = dimensions.collect();
    json!({"Namespace": series.namespace, "MetricName": series.metric, "Dimensions": dimensions})
}

/// The accounts whose metrics the caller sees, its own first; `linked`: with those linked to it.
fn views<'a>(scene: &Scene<'a>, linked: bool) -> Vec<View<'a>> {
    let sources = scene.account.sources.iter().filter(|_| linked);
    let sources = sources.filter_map(|id| scene.world.view(id, &scene.region.name, scene.now));
    [scene.view()].into_iter().chain(sources).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricData {
    metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    account_id: Option<String>,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    period: Option<i64>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

/// The metrics AWS bills for a GetMetricData request: each once per five statistics.
pub fn billed(input: &Value) -> u64 {
    let Ok(asked) = parse::<GetMetricData>(input) else { return 0 };
    let mut statistics: BTreeMap<_, u64> = BTreeMap::new();
    for Query { account_id, metric_stat, .. } in asked.metric_data_queries {
        let Some(stat) = metric_stat else { continue };
        *statistics.entry((account_id, stat.metric)).or_default() += 1;
    }
    statistics.values().map(|n| n.div_ceil(5)).sum()
}

fn get_metric_data(scene: &Scene, asked: &GetMetricData) -> Result<Value, Refusal> {
    check(asked)?;
    // Later pages are as of the first, so that they fit together.
    let (now, skip) = match asked.next_token.as_deref() {
        None | Some(SAME_TOKEN) => (scene.now, 0),
        Some(token) => position(token).ok_or_else(|| {
            Refusal::new(400, "InvalidNextToken", "The NextToken is not one of GetMetricData.")
        })?,
    };
    let most = asked.max_datapoints.unwrap_or(MOST_DATAPOINTS);
    let tallies = Tallies::default();
    let (mut before, mut left, mut cut) = (0, most, false);
    let mut results = Vec::new();
    for query in asked.metric_data_queries.iter().filter(|q| q.return_data != Some(false)) {
        if cut {
            break;
        }
        let Some(view) = owners_view(scene, query) else {
            results.push(forbidden(query));
            continue;
        };
        let points = points(View { now, ..view }, asked, query, &tallies);
        let skipped = skip.saturating_sub(before).min(points.len());
        before += points.len();
        let page = &points[skipped..];
        if page.is_empty() && skip > 0 && before <= skip {
            continue;
        }
        cut = page.len() > left;
        let page = &page[..page.len().min(left)];
        left -= page.len();
        results.push(result(query, page, cut));
    }
    let mut reply = json!({"MetricDataResults": results, "Messages": []});
    if cut {
        reply["NextToken"] = json!(format!("data-{now}-{}", skip + most - left));
    }
    Ok(reply)
}

fn position(token: &str) -> Option<(i64, usize)> {
    let (now, skip) = token.strip_prefix("data-")?.split_once('-')?;
    Some((now.parse().ok()?, skip.parse().ok()?))
}

/// The view of whose metric is asked for; `None` where the caller does not see that account.
fn owners_view<'a>(scene: &Scene<'a>, query: &Query) -> Option<View<'a>> {
    let id = query.account_id.as_deref().unwrap_or(&scene.account.id);
    views(scene, true).into_iter().find(|view| view.account.id == id)
}

/// AWS does not say how it answers for an account that is not linked: this is the status that it has for
/// missing permissions.
fn forbidden(query: &Query) -> Value {
    let mut result = result(query, &[], false);
    result["StatusCode"] = json!("Forbidden");
    result
}

fn result(query: &Query, points: &[(i64, f64)], cut: bool) -> Value {
    let metric = query.metric_stat.as_ref().map_or("", |s| s.metric.metric_name.as_str());
    json!({
        "Id": query.id,
        "Label": query.label.as_deref().unwrap_or(metric),
        "Timestamps": points.iter().map(|(t, _)| *t).collect::<Vec<_>>(),
        "Values": points.iter().map(|(_, v)| *v).collect::<Vec<_>>(),
        "StatusCode": if cut { "PartialData" } else { "Complete" },
    })
}

fn check(asked: &GetMetricData) -> Result<(), Refusal> {
    let queries = &asked.metric_data_queries;
    if queries.is_empty() {
        return Err(validation("The collection MetricDataQueries must not be empty."));
    }
    if queries.len() > MOST_QUERIES {
        return Err(validation("The collection MetricDataQueries must not have a size greater than 500."));
    }
    if asked.start_time >= asked.end_time {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    if !matches!(asked.scan_by.as_deref(), None | Some("TimestampDescending" | "TimestampAscending")) {
        return Err(validation("ScanBy must be TimestampDescending or TimestampAscending."));
    }
    if !(1..=MOST_DATAPOINTS).contains(&asked.max_datapoints.unwrap_or(1)) {
        return Err(validation("MaxDatapoints must be between 1 and 100800."));
    }
    let mut ids = BTreeSet::new();
    for query in queries {
        let mut chars = query.id.chars();
        let named = chars.next().is_some_and(|c| c.is_ascii_lowercase())
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            return Err(validation(format!(
                "The value {} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                query.id
            )));
        }
        if !ids.insert(&query.id) {
            return Err(validation(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
        check_stat(query)?;
    }
    Ok(())
}

fn check_stat(query: &Query) -> Result<(), Refusal> {
    let id = &query.id;
    let stat = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => stat,
        (Some(_), Some(_)) => {
            return Err(validation(format!("The query {id} has both an Expression and a MetricStat.")));
        }
        (None, Some(_)) => {
            return Err(validation(format!("The query {id} is an Expression; they are not simulated.")));
        }
        (None, None) => {
            return Err(validation(format!("The query {id} has neither an Expression nor a MetricStat.")));
        }
    };
    if query.period.is_some() {
        return Err(validation(format!("The query {id} has a Period beside its MetricStat.")));
    }
    if stat.unit.is_some() {
        return Err(validation("The member Unit is not simulated."));
    }
    if stat.metric.dimensions.len() > MOST_DIMENSIONS {
        let message =
            format!("The collection Dimensions must not have a size greater than {MOST_DIMENSIONS}.");
        return Err(validation(message));
    }
    if !matches!(stat.period, 1 | 5 | 10 | 20 | 30) && (stat.period < 60 || stat.period % 60 != 0) {
        return Err(validation("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
    }
    if stat.period < 60 {
        return Err(validation("These metrics have a resolution of 60 seconds."));
    }
    if !is_statistic(&stat.stat) {
        return Err(validation(format!("The value {} for parameter Stat is not supported.", stat.stat)));
    }
    Ok(())
}

/// The points of one query, in the order asked for.
fn points<'a>(
    view: View<'a>,
    asked: &GetMetricData,
    query: &'a Query,
    tallies: &'a Tallies<'a>,
) -> Vec<(i64, f64)> {
    let Some(stat) = &query.metric_stat else { return vec![] };
    let dimensions: Vec<_> =
        stat.metric.dimensions.iter().map(|d| (d.name.clone(), d.value.clone())).collect();
    let name = (stat.metric.namespace.as_str(), stat.metric.metric_name.as_str());
    let window = asked.start_time.floor() as i64..asked.end_time.ceil() as i64;
    let points = view.read(name, &dimensions, stat.period, window, tallies).into_iter();
    let mut points: Vec<(i64, f64)> =
        points.filter_map(|(at, point)| Some((at, point.statistic(&stat.stat)?))).collect();
    if asked.scan_by.as_deref() != Some("TimestampAscending") {
        points.reverse();
    }
    points
}
