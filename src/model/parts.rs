//! Parts of a model's calls: by service tier, and by project. CloudWatch counts the same calls by the model alone, too, so
//! that parts are told beside the usage of an id and never added to it.

use super::ids::{Endpoint, Target};
use super::meter::SeriesName;
use super::partition;
use super::service::ServiceQuery;
use super::spelling;
use super::time::Minute;
use super::usage::{InvocationId, Metric};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where ListMetrics is asked for parts: the endpoint, and a dimension that they have.
pub(crate) const LISTINGS: [(Endpoint, &str); 3] =
    [(Endpoint::Runtime, "ServiceTier"), (Endpoint::Runtime, "Project"), (Endpoint::Mantle, "Project")];

/// Seconds between two readings, which tell who used what, and wake nobody.
pub(crate) const INTERVAL: u64 = 3600;

/// What one reading spans, as the label `window` says it, and in minutes.
pub(crate) const WINDOW: (&str, i64) = ("1h", 60);

/// The tier that was bought. Calls beyond it are served by another.
const RESERVED: &str = "reserved";

/// The tier and the project of a call that names none.
const DEFAULT: &str = "default";

/// What is counted of a part.
pub(crate) const COUNTED: [Metric; 4] =
    [Metric::Invocations, Metric::Throttles, Metric::InputTokens, Metric::OutputTokens];

/// A part of an id's calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The calls that asked for one tier and were served by one.
    Tier { asked: Arc<str>, served: Arc<str> },
    /// `None`: what the listed projects leave of all calls.
    Project(Option<Arc<str>>),
}

impl Part {
    /// Whether the calls asked for the tier that was bought.
    pub(crate) fn is_reserved(&self) -> bool {
        matches!(self, Part::Tier { asked, .. } if **asked == *RESERVED)
    }

    /// Whether another tier than the one asked for served the calls.
    pub(crate) fn is_overflow(&self) -> bool {
        matches!(self, Part::Tier { asked, served } if asked != served)
    }

    fn is_default(&self) -> bool {
        match self {
            Part::Tier { asked, served } => **asked == *DEFAULT && **served == *DEFAULT,
            Part::Project(project) => project.as_deref() == Some(DEFAULT),
        }
    }
}

/// The ARN by which Bedrock tags a project of the runtime endpoint; `None`: no id that AWS gives out there. A project of
/// the mantle endpoint is another service's.
pub(crate) fn project_arn(target: &Target, id: &str) -> Option<String> {
    let is_generated =
        |rest: &str| rest.len() == 20 && rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    let is_id = id == DEFAULT || id.strip_prefix("proj_").is_some_and(is_generated);
    let Target { account_id, region, .. } = target;
    let partition = partition::of_region(region);
    is_id.then(|| format!("arn:{partition}:bedrock:{region}:{account_id}:project/{id}"))
}

/// The ARNs of the runtime endpoint's projects among the listed series.
pub(crate) fn project_arns(target: &Target, listed: &[SeriesName]) -> BTreeSet<String> {
    // Asked whenever it is asked what is due: tiers, of which there are many more, are not sorted for it.
    let of_projects = listed.iter().filter(|series| series.dimension("Project").is_some());
    let divisions = divisions(of_projects).into_iter();
    let runtime = divisions.filter(|division| division.id.endpoint == Endpoint::Runtime);
    let parts = runtime.flat_map(|division| division.parts.into_keys());
    parts
        .filter_map(|part| match part {
            Part::Project(Some(id)) => project_arn(target, &id),
            _ => None,
        })
        .collect()
}

/// The series that count a part.
pub(crate) type Counts<'a> = BTreeMap<Metric, &'a SeriesName>;

/// One way in which the calls of an id are divided: by tier, or by project.
#[derive(Debug, PartialEq)]
pub(crate) struct Division<'a> {
    pub id: InvocationId,
    pub parts: BTreeMap<Part, Counts<'a>>,
}

impl Division<'_> {
    /// The series of all calls, of everything that is counted of any project. Tiers need none: nothing is left of them.
    pub(crate) fn whole(&self) -> BTreeMap<Metric, SeriesName> {
        let projects = self.parts.iter().filter(|(part, _)| matches!(part, Part::Project(_)));
        let metrics = projects.flat_map(|(_, counts)| counts);
        metrics.map(|(metric, series)| (*metric, of_all_calls(&self.id, series))).collect()
    }
}

fn of_all_calls(id: &InvocationId, part: &SeriesName) -> SeriesName {
    SeriesName::new(&part.namespace, &part.metric, &[(spelling::dimension(id.endpoint), &id.id)])
}

/// The divisions among the listed series. Where everything is `default`, the id itself tells as much.
pub(crate) fn divisions<'a>(listed: impl IntoIterator<Item = &'a SeriesName>) -> Vec<Division<'a>> {
    let mut all: BTreeMap<(InvocationId, bool), BTreeMap<Part, Counts>> = BTreeMap::new();
    for series in listed {
        let Some((id, part, metric)) = counted(series) else { continue };
        let by_project = matches!(part, Part::Project(_));
        all.entry((id, by_project)).or_default().entry(part).or_default().insert(metric, series);
    }
    all.retain(|_, parts| !parts.keys().all(Part::is_default));
    all.into_iter().map(|((id, _), parts)| Division { id, parts }).collect()
}

/// Whose calls a series counts, which part of them, and what of it.
fn counted(series: &SeriesName) -> Option<(InvocationId, Part, Metric)> {
    let mut endpoints = Endpoint::ALL.iter().copied();
    let endpoint = endpoints.find(|endpoint| *spelling::namespace(*endpoint) == *series.namespace)?;
    let metric = spelling::metrics(endpoint, &series.metric).find(|metric| COUNTED.contains(metric))?;
    let id = series.dimension(spelling::dimension(endpoint)).filter(|id| !id.is_empty())?;
    let id = InvocationId { endpoint, id: id.clone() };
    let dimension = |name| series.dimension(name).cloned();
    let part = match (series.dimensions.len(), endpoint) {
        (3, Endpoint::Runtime) => {
            Part::Tier { asked: dimension("ServiceTier")?, served: dimension("ResolvedServiceTier")? }
        }
        (2, _) => Part::Project(Some(dimension("Project")?)),
        // One dimension more or less, and it counts something else.
        _ => return None,
    };
    Some((id, part, metric))
}

/// What is read of the series that ListMetrics shows, over the minutes before `until`.
pub fn part_queries(listed: &[SeriesName], until: Minute) -> Vec<ServiceQuery> {
    let (_, minutes) = WINDOW;
    let query = |series| ServiceQuery { series, statistic: "Sum".to_string(), from: until - minutes, until };
    let series = divisions(listed).into_iter().flat_map(|division| {
        let parts = division.parts.values().flat_map(BTreeMap::values);
        parts.map(|&series| series.clone()).chain(division.whole().into_values()).collect::<Vec<_>>()
    });
    series.map(query).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(metric: &str, asked: &str, served: &str) -> SeriesName {
        let dimensions = [("ModelId", "a"), ("ServiceTier", asked), ("ResolvedServiceTier", served)];
        SeriesName::new(spelling::namespace(Endpoint::Runtime), metric, &dimensions)
    }

    fn project(endpoint: Endpoint, name: &str) -> SeriesName {
        let metric = match endpoint {
            Endpoint::Runtime => "Invocations",
            Endpoint::Mantle => "Inferences",
        };
        let dimensions = [(spelling::dimension(endpoint), "a"), ("Project", name)];
        SeriesName::new(spelling::namespace(endpoint), metric, &dimensions)
    }

    #[test]
    fn what_is_all_default_or_counts_something_else_is_not_read() {
        let window = [("ContextWindow", "1M"), ("ModelId", "a")];
        let guarded = [("ModelId", "a"), ("Project", "p"), ("ServiceTier", "flex")];
        let listed = [
            tier("Invocations", "default", "default"),
            project(Endpoint::Runtime, "default"),
            SeriesName::new(spelling::namespace(Endpoint::Runtime), "Invocations", &window),
            SeriesName::new(spelling::namespace(Endpoint::Runtime), "Invocations", &guarded),
            SeriesName::new(spelling::namespace(Endpoint::Runtime), "Invocations", &[("Project", "p")]),
            tier("InvocationLatency", "flex", "flex"),
        ];
        assert_eq!(divisions(&listed), []);
        assert_eq!(part_queries(&listed, Minute(100)), []);
    }

    #[test]
    fn only_ids_that_aws_gives_out_have_an_arn() {
        let target = Target::new("111122223333", "us-gov-west-1");
        let arn = |id| project_arn(&target, id);
        let named = "proj_crawler2n6tq4zk7wbvc";
        let expected = format!("arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:project/{named}");
        assert_eq!(arn(named), Some(expected));
        assert!(arn("default").is_some());
        for other in ["proj_abc123", "proj_CRAWLER2N6TQ4ZK7WBVC", "crawler", "proj_", ""] {
            assert_eq!(arn(other), None, "{other}");
        }
        let listed = [project(Endpoint::Mantle, named), project(Endpoint::Runtime, "proj_a")];
        assert!(project_arns(&target, &listed).is_empty());
    }

    #[test]
    fn tiers_are_read_by_themselves_and_projects_beside_all_calls() {
        let tiers = [tier("Invocations", "default", "default"), tier("Invocations", "reserved", "default")];
        let asked = part_queries(&tiers, Minute(100));
        assert_eq!(asked.iter().map(|query| query.series.clone()).collect::<Vec<_>>(), tiers);
        assert!(asked.iter().all(|query| (query.from, query.until) == (Minute(40), Minute(100))));
        for endpoint in [Endpoint::Runtime, Endpoint::Mantle] {
            let projects = [project(endpoint, "default"), project(endpoint, "proj_a")];
            let asked: Vec<_> =
                part_queries(&projects, Minute(100)).into_iter().map(|query| query.series).collect();
            let id = InvocationId { endpoint, id: "a".into() };
            let [first, second] = projects;
            let whole = of_all_calls(&id, &first);
            assert_eq!(whole.dimensions.len(), 1);
            assert_eq!(asked, [first, second, whole]);
        }
    }
}
