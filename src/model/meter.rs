//! What measures a quota that is no model's: the series of CloudWatch that its row names itself, or that AWS
//! documents to count what the row limits. A row whose usage nobody publishes has a reason, never a likeness.

use super::ids::words;
use super::quota::{ServiceQuota, UsageMetric};
use std::sync::Arc;

words! {
    /// What measures a quota: the label `measured_by` of bedrock_service_quota_info.
    MeasuredBy {
        /// The minutes of the model's invocation ids, in AWS/Bedrock and AWS/BedrockMantle.
        Invocations = "invocations",
        /// The UsageMetric that the row itself carries.
        UsageMetric = "usage_metric",
        /// AWS/Bedrock/Guardrails.
        Guardrails = "guardrails",
        /// What Bedrock's lists hold is counted.
        Listed = "listed",
    }
}

words! {
    /// Why nothing measures a quota: the label `unmeasurable` of bedrock_service_quota_info.
    Unmeasurable {
        /// It limits the calls of an API, and its row carries no UsageMetric.
        NoUsageMetric = "no_usage_metric",
        /// It bounds one request, file, job or definition: nothing is used up.
        PerRequest = "per_request",
        /// What it limits is published together with what other quotas limit.
        Inseparable = "inseparable",
        /// What is in flight or in progress is published nowhere.
        NotPublished = "not_published",
        /// Tokens of different models count differently, and AWS does not say how.
        PriceWeighted = "price_weighted",
        /// Estimates are not published, and nobody knows what an output token costs.
        UnknownBurndown = "unknown_burndown",
        /// No model of the region's list is certain to be the one that the row names.
        NoModel = "no_model",
        /// A rate, and neither row nor name says over which span.
        UnknownPeriod = "unknown_period",
        /// Its UsageMetric has a dimension that is to be filled in, in a form that is not known.
        Template = "template",
        /// Lists could count it, and are not read.
        NotCounted = "not_counted",
        /// Its name is not known.
        Unrecognized = "unrecognized",
    }
}

/// A series of CloudWatch by its whole name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesName {
    pub namespace: Arc<str>,
    pub metric: Arc<str>,
    /// Name and value, sorted by name.
    pub dimensions: Vec<(Arc<str>, Arc<str>)>,
}

impl SeriesName {
    pub fn new(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> SeriesName {
        let mut dimensions: Vec<(Arc<str>, Arc<str>)> =
            dimensions.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        dimensions.sort();
        SeriesName { namespace: namespace.into(), metric: metric.into(), dimensions }
    }

    /// The value of a dimension.
    pub fn dimension(&self, name: &str) -> Option<&Arc<str>> {
        self.dimensions.iter().find(|(own, _)| **own == *name).map(|(_, value)| value)
    }
}

/// How a quota's usage is made of datapoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// What happens within so many seconds. Of less than a minute only the mean is known: a minute's sum over 60
    /// seconds is the least that its fullest second held.
    Rate { seconds: u64 },
    /// What there is.
    Stock,
}

impl Counts {
    /// Whether the fullest span may have held more than is known.
    pub fn is_lower_bound(self) -> bool {
        matches!(self, Counts::Rate { seconds } if seconds < 60)
    }
}

/// What measures one quota.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    pub by: MeasuredBy,
    pub counts: Counts,
    pub statistic: String,
    /// The first of which ListMetrics shows anything is the one that is read: they hold the same once more.
    pub patterns: Vec<Pattern>,
}

/// A series, or those of one form: `${AgentId}/ActionGroup` stands for one series per agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(SeriesName);

impl Pattern {
    /// Whether it stands for more than one series.
    pub fn is_template(&self) -> bool {
        self.0.dimensions.iter().any(|(_, value)| template(value).is_some())
    }

    pub fn fits(&self, series: &SeriesName) -> bool {
        let SeriesName { namespace, metric, dimensions } = &self.0;
        *namespace == series.namespace
            && *metric == series.metric
            && dimensions.len() == series.dimensions.len()
            && dimensions.iter().zip(&series.dimensions).all(|((name, wanted), (other, value))| {
                name == other && (wanted == value || fills_in(wanted, value))
            })
    }

    pub fn namespace(&self) -> &Arc<str> {
        &self.0.namespace
    }

    /// The value of the dimension Service, by which AWS/Usage is told apart.
    pub fn service(&self) -> Option<&Arc<str>> {
        self.0.dimension("Service")
    }
}

/// What stands before and after `${…}`.
fn template(value: &str) -> Option<(&str, &str)> {
    let (before, rest) = value.split_once("${")?;
    let (_, after) = rest.split_once('}')?;
    Some((before, after))
}

fn fills_in(wanted: &str, value: &str) -> bool {
    let Some((before, after)) = template(wanted) else { return false };
    let filled = value.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    filled.is_some_and(|filled| !filled.is_empty() && !filled.contains(['/', '$']))
}

/// What measures a row that is no model's.
///
/// # Errors
/// Why nothing does, as far as the row's metric tells: see [`coverage`](super::coverage) for the whole reason.
pub fn meter(row: &ServiceQuota) -> Result<Meter, Unmeasurable> {
    match &row.usage_metric {
        Some(metric) => of_usage_metric(row, metric),
        None => of_guardrails(&row.name),
    }
}

fn of_usage_metric(row: &ServiceQuota, metric: &UsageMetric) -> Result<Meter, Unmeasurable> {
    if metric.dimensions.iter().any(|(_, value)| is_placeholder(value)) {
        return Err(Unmeasurable::Template);
    }
    // AWS hints at Maximum for some of these; a datapoint of CallCount holds one call, so that only their sum counts.
    let is_calls = metric.name == "CallCount";
    let statistic = if is_calls { "Sum" } else { &metric.statistic };
    if statistic.is_empty() {
        return Err(Unmeasurable::NoUsageMetric);
    }
    let counts = match statistic {
        "Sum" | "SampleCount" => Counts::Rate { seconds: span(row).ok_or(Unmeasurable::UnknownPeriod)? },
        _ => Counts::Stock,
    };
    let dimensions: Vec<(&str, &str)> =
        metric.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let series = SeriesName::new(&metric.namespace, &metric.name, &dimensions);
    let patterns = vec![Pattern(series)];
    Ok(Meter { by: MeasuredBy::UsageMetric, counts, statistic: statistic.to_string(), patterns })
}

/// A dimension's value that names what is to be put there, in no form that tells the series it stands for.
fn is_placeholder(value: &str) -> bool {
    let known = template(value).is_some_and(|(before, after)| !before.contains('$') && !after.contains('$'));
    !known && (value.contains(['$', '{', '<']) || ["ResourceIdentifier", "ResourceId"].contains(&value))
}

/// The longest span of a rate that is added up minute by minute: a day.
const LONGEST_SPAN: u64 = 86_400;

/// The span that a row's rate is counted over, in seconds: its Period, else what its name says.
fn span(row: &ServiceQuota) -> Option<u64> {
    let named = [(" per second", 1), (" per minute", 60), (" per hour", 3600), (" per day", 86_400)];
    let by_name = || named.iter().find(|(words, _)| row.name.contains(words)).map(|(_, seconds)| *seconds);
    let whole = |seconds: &u64| *seconds <= 60 || (seconds.is_multiple_of(60) && *seconds <= LONGEST_SPAN);
    row.period.or_else(by_name).filter(whole)
}

pub(crate) const GUARDRAILS: &str = "AWS/Bedrock/Guardrails";
const OPERATION: (&str, &str) = ("Operation", "ApplyGuardrail");

/// The calls of ApplyGuardrail, all guardrails together.
pub(crate) fn guardrail_calls(metric: &str) -> SeriesName {
    SeriesName::new(GUARDRAILS, metric, &[OPERATION])
}

/// The policies that have one quota each, as its name and as CloudWatch calls them. Content filters and denied topics
/// have two (`(standard)` and without), whose text units CloudWatch adds up.
const POLICIES: [(&str, &str); 3] = [
    ("Sensitive information filter", "SensitiveInformationPolicy"),
    ("Word filter", "WordPolicy"),
    ("contextual grounding", "ContextualGroundingPolicy"),
];

fn of_guardrails(name: &str) -> Result<Meter, Unmeasurable> {
    let calls = name.strip_prefix("(Guardrails) On-demand ApplyGuardrail ");
    let what = calls.ok_or(Unmeasurable::NoUsageMetric)?;
    let patterns = if what == "requests per second" {
        vec![Pattern(guardrail_calls("Invocations"))]
    } else {
        let policy = what.strip_suffix(" policy text units per second");
        let policy = policy.and_then(|policy| POLICIES.iter().find(|(name, _)| *name == policy));
        let policy = ("GuardrailPolicyType", policy.ok_or(Unmeasurable::Inseparable)?.1);
        let series = |dimensions| Pattern(SeriesName::new(GUARDRAILS, "TextUnitCount", dimensions));
        vec![series(&[policy, OPERATION]), series(&[policy])]
    };
    let counts = Counts::Rate { seconds: 1 };
    Ok(Meter { by: MeasuredBy::Guardrails, counts, statistic: "Sum".to_string(), patterns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, metric: &str, resource: &str, statistic: &str, period: Option<u64>) -> ServiceQuota {
        let dimensions = [("Class", "None"), ("Resource", resource), ("Service", "Bedrock"), ("Type", "API")];
        let usage_metric = UsageMetric {
            namespace: "AWS/Usage".into(),
            name: metric.into(),
            dimensions: dimensions.map(|(name, value)| (name.to_string(), value.to_string())).into(),
            statistic: statistic.into(),
        };
        let name = name.to_string();
        ServiceQuota { name, usage_metric: Some(usage_metric), period, ..ServiceQuota::default() }
    }

    #[test]
    fn calls_are_summed_whatever_the_hint_and_over_the_span_that_row_or_name_tell() {
        let table = [
            (row("(Flows) GetFlow requests per second", "CallCount", "GetFlow", "Maximum", None), Ok(1)),
            (row("Throttle rate limit for GetBlueprint", "CallCount", "GetBlueprint", "Sum", Some(1)), Ok(1)),
            (row("X requests per second", "CallCount", "X", "Sum", Some(3600)), Ok(3600)),
            (row("X requests per minute", "CallCount", "X", "Sum", None), Ok(60)),
            (
                row("Throttle rate limit for X", "CallCount", "X", "Sum", None),
                Err(Unmeasurable::UnknownPeriod),
            ),
            (row("X requests", "CallCount", "X", "Sum", Some(90)), Err(Unmeasurable::UnknownPeriod)),
            (row("X", "CallCount", "X", "Sum", Some(7 * 86_400)), Err(Unmeasurable::UnknownPeriod)),
        ];
        for (row, expected) in table {
            let meter = meter(&row);
            let seconds = meter.map(|meter| match (meter.counts, meter.statistic.as_str()) {
                (Counts::Rate { seconds }, "Sum") => seconds,
                other => panic!("{}: {other:?}", row.name),
            });
            assert_eq!(seconds, expected, "{}", row.name);
        }
        let stock = meter(&row("Agents per account", "ResourceCount", "Agents", "Maximum", None)).unwrap();
        assert_eq!((stock.counts, stock.statistic.as_str()), (Counts::Stock, "Maximum"));
        // Without any hint calls are calls, and nobody knows how to read other numbers.
        let without = |metric| meter(&row("X requests per second", metric, "X", "", None));
        assert_eq!(without("CallCount").map(|meter| meter.statistic), Ok("Sum".to_string()));
        assert_eq!(without("ResourceCount"), Err(Unmeasurable::NoUsageMetric));
    }

    #[test]
    fn a_template_stands_for_one_thing_each_and_a_bare_placeholder_for_nothing() {
        let meter_of =
            |resource| meter(&row("Action groups per Agent", "ResourceCount", resource, "Maximum", None));
        let groups = meter_of("${AgentId}/ActionGroup").unwrap();
        assert!(groups.patterns[0].is_template());
        let fits = |resource: &str| {
            let dimensions =
                [("Type", "API"), ("Service", "Bedrock"), ("Resource", resource), ("Class", "None")];
            groups.patterns[0].fits(&SeriesName::new("AWS/Usage", "ResourceCount", &dimensions))
        };
        assert!(fits("AGENT12345/ActionGroup"));
        for other in ["/ActionGroup", "A/B/ActionGroup", "AGENT12345/Collaborator", "${AgentId}/Collaborator"]
        {
            assert!(!fits(other), "{other}");
        }
        for unknown in ["ResourceIdentifier", "<AgentId>", "{AgentId}/ActionGroup", "${A}/${B}"] {
            assert_eq!(meter_of(unknown), Err(Unmeasurable::Template), "{unknown}");
        }
    }

    #[test]
    fn guardrails_are_counted_where_one_quota_has_the_policy() {
        let named = |what: &str| {
            let name = format!("(Guardrails) On-demand ApplyGuardrail {what} per second");
            meter(&ServiceQuota { name, ..ServiceQuota::default() })
        };
        let words = named("Word filter policy text units").unwrap();
        assert_eq!((words.by, words.counts), (MeasuredBy::Guardrails, Counts::Rate { seconds: 1 }));
        let alone = SeriesName::new(GUARDRAILS, "TextUnitCount", &[("GuardrailPolicyType", "WordPolicy")]);
        assert!(words.patterns[1].fits(&alone) && !words.patterns[0].fits(&alone));
        assert!(named("requests").is_ok());
        for two in ["Content filter policy text units", "Denied topic policy text units"] {
            assert_eq!(named(two), Err(Unmeasurable::Inseparable), "{two}");
        }
    }
}
