//! docs/COVERAGE.md: of how many quotas the usage is known, by what, and why not of the others; and that no row is
//! measured by what counts something else.

use bedrock_quota_exporter::model::matching::{Index, Rules, family};
use bedrock_quota_exporter::model::meter::{Meter, SeriesName, meter};
use bedrock_quota_exporter::offline::File;
use bedrock_quota_exporter::report::coverage::{Coverage, by_family, sums};
use bedrock_quota_exporter::report::explain::{self, ExplainInputs};
use bedrock_quota_exporter::sim::world::lists::Lists;
use bedrock_quota_exporter::sim::world::quotas::period;
use bedrock_quota_exporter::sim::world::{Account, Region, World};
use serde_json::{Value, json};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Coverage

<!-- Made from the public list by `UPDATE_DOCS=1 cargo test --test it coverage`. Do not edit. -->

Of which quotas the usage is known, by what, and why not of the others: for all 889 quotas of the service that are public
(data/service-quotas.json), with the UsageMetric that the simulated AWS gives to the rows of the families that carried one
in real lists of January 2026 (Agents, Flows, Prompt management, Automated Reasoning, Data Automation). For the lists of an
account: `bedrock-quota-exporter explain --coverage`. Per quota: the labels `measured_by` and `unmeasurable` of
`bedrock_service_quota_info`.

";

const WORDS: &str = "
## What measures a quota

| `measured_by` | meaning |
| --- | --- |
| `invocations` | The minutes of the model's invocation ids, in AWS/Bedrock and AWS/BedrockMantle. |
| `usage_metric` | The series of CloudWatch that the row itself names (AWS/Usage). Calls are summed whatever statistic the row hints at, over the row's Period or the span that its name says. A limit of seconds is held against the mean of each minute: the fullest second held at least that (`bound=\"lower\"`). Where a dimension is a template (`${AgentId}/ActionGroup`), the fullest of the things that ListMetrics shows counts. |
| `guardrails` | AWS/Bedrock/Guardrails: calls of ApplyGuardrail, and text units of a policy that has one quota; likewise means of minutes. |
| `listed` | Bedrock's lists: batch jobs, the model units of a provisioned throughput, custom and imported models, custom model deployments, application inference profiles, model units without commitment. |

## Why a quota is not measured

| `unmeasurable` | meaning |
| --- | --- |
| `no_usage_metric` | It limits the calls of an API, and its row carries no UsageMetric. |
| `per_request` | It bounds one request, file, job or definition: nothing is used up. |
| `inseparable` | What it limits is published together with what other quotas limit: 1M contexts and latency-optimized calls under the model's id, text units of content filters and denied topics of both tiers under their policy. |
| `not_published` | What is in flight or in progress is published nowhere. |
| `price_weighted` | Tokens of different models count differently, and AWS does not say how. |
| `unknown_burndown` | Estimates are not published, and nobody knows what an output token costs. |
| `no_model` | No model of the region's list is certain to be the one that the row names. |
| `unknown_period` | A rate, and neither row nor name says over which span. |
| `template` | Its UsageMetric has a dimension that is to be filled in, in a form that is not known. |
| `not_counted` | Lists could count it, and are not read. |
| `unrecognized` | Its name is not known. |

AWS/Bedrock/Agents counts InvokeAgent and its like, which no quota of the list limits: it is not read. Neither is Service
Quotas' utilization report asked for: it covers only quotas with a UsageMetric, whose series are read themselves.

What is left as `not_counted` is what each agent has of a kind (collaborators, knowledge bases, enabled action groups), and
blueprints of Data Automation. It would take two more SDKs, and three more calls an hour for each agent
([DEPENDENCIES.md](DEPENDENCIES.md)); agents, flows and prompts themselves are counted by the UsageMetric of their rows. No quota of the list limits how many
guardrails, evaluation jobs, import jobs, marketplace endpoints, aliases or knowledge bases there are.
";

/// All rows, with what the simulated AWS says of them.
fn rows() -> Vec<Value> {
    let codes = Lists::public().quotas.iter().map(|quota| quota.code.clone()).collect();
    let region = Region { name: "us-east-1".into(), codes: Some(codes), ..Region::default() };
    let account = Account { id: "000000000000".into(), regions: vec![region], ..Account::default() };
    let world = World { accounts: vec![account], ..World::default() };
    let rows = world.view("000000000000", "us-east-1", 0).unwrap().quotas();
    let row = |row: &bedrock_quota_exporter::sim::world::quotas::QuotaRow| {
        let mut json = json!({"QuotaCode": row.code, "QuotaName": row.name, "Value": row.value});
        if let Some(metric) = row.usage_metric() {
            json["UsageMetric"] = json!({
                "MetricNamespace": "AWS/Usage",
                "MetricName": metric.name,
                "MetricDimensions":
                    {"Class": "None", "Resource": metric.resource, "Service": "Bedrock", "Type": metric.of},
                "MetricStatisticRecommendation": metric.statistic,
            });
        }
        if let Some(seconds) = period(row.name) {
            json["Period"] = json!({"PeriodValue": seconds, "PeriodUnit": "SECOND"});
        }
        json
    };
    rows.iter().map(row).collect()
}

fn index() -> Index {
    let quotas = json!({ "Quotas": rows() }).to_string();
    let file = |path, content| Some(File { path, content });
    let inputs = ExplainInputs {
        quotas: file("quotas", &quotas),
        models: file("models", include_str!("../../data/foundation-models.json")),
        profiles: file("profiles", include_str!("../../data/inference-profiles.json")),
        ..ExplainInputs::default()
    };
    explain::index(&inputs, &Rules::default()).expect("the lists are read")
}

fn line(page: &mut String, name: &str, coverage: &Coverage) {
    let by: Vec<String> = coverage.measured.iter().map(|(by, count)| format!("`{by}` {count}")).collect();
    let why: Vec<String> =
        coverage.unmeasurable.iter().map(|(why, count)| format!("`{why}` {count}")).collect();
    let (measured, rows) = (coverage.measured(), coverage.rows);
    writeln!(page, "| {name} | {rows} | {measured} | {} | {} |", by.join(", "), why.join(", ")).unwrap();
}

fn markdown(index: &Index) -> String {
    let mut page = INTRODUCTION.to_string();
    page += "| family | rows | measured | by | why not |\n| --- | --- | --- | --- | --- |\n";
    let families = by_family(index);
    families.iter().for_each(|(family, coverage)| line(&mut page, &format!("`{family}`"), coverage));
    sums(&families).iter().for_each(|(name, coverage)| line(&mut page, &format!("**{name}**"), coverage));
    page + WORDS
}

#[test]
fn docs_coverage_md_is_what_the_lists_say_and_no_row_is_without_source_or_reason() {
    let index = index();
    let (path, expected) = (concat!(env!("CARGO_MANIFEST_DIR"), "/docs/COVERAGE.md"), markdown(&index));
    if std::env::var_os("UPDATE_DOCS").is_some_and(|update| update == "1") {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "docs/COVERAGE.md is out of date; run the tests with UPDATE_DOCS=1");
    for (name, coverage) in sums(&by_family(&index)) {
        let reasons: usize = coverage.unmeasurable.values().sum();
        assert_eq!(coverage.measured() + reasons, coverage.rows, "{name}");
        let named = coverage.unmeasurable.keys().all(|reason| reason.word() != "unrecognized");
        assert!(named, "{name}: {coverage:?}");
    }
    let [(_, runtime), ..] = sums(&by_family(&index));
    assert!(4 * runtime.measured() >= 3 * runtime.rows, "{} of {}", runtime.measured(), runtime.rows);
}

/// The operation, thing or policy that measures a row is the one its name says: told by hand for guardrails, and by
/// the name's own words for all others.
#[test]
fn no_row_is_measured_by_what_counts_something_else() {
    let index = index();
    let policies = [
        ("requests per second", "Invocations"),
        ("Sensitive information filter", "SensitiveInformationPolicy"),
        ("Word filter", "WordPolicy"),
        ("contextual grounding", "ContextualGroundingPolicy"),
    ];
    let (mut measured, mut wrong) = (0, Vec::new());
    for row in index.rows() {
        let Ok(Meter { patterns, .. }) = meter(row) else { continue };
        measured += 1;
        let own = format!("{patterns:?}");
        let right = match &row.usage_metric {
            Some(metric) => {
                let resource = &metric.dimensions.iter().find(|(name, _)| name == "Resource").unwrap().1;
                let thing = resource.trim_start_matches("${AgentId}/").to_lowercase();
                let words = row.name.to_lowercase().replace(' ', "");
                words.contains(&thing) && patterns.len() == 1 && own.contains(resource.as_str())
            }
            None => policies.iter().any(|(words, policy)| row.name.contains(words) && own.contains(policy)),
        };
        if !right {
            wrong.push(format!("{}: {own}", row.name));
        }
    }
    println!("{measured} rows measured by a series of their own, {} wrong", wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert!(measured >= 80, "{measured}");
}

/// What counts less or more than a row limits measures nothing.
#[test]
fn a_series_of_other_dimensions_is_not_a_rows_own() {
    let index = index();
    let row = |name: &str| index.rows().iter().find(|row| row.name == name).unwrap();
    let agent = meter(row("GetAgent requests per second")).unwrap();
    let series = |pairs: &[(&str, &str)]| SeriesName::new("AWS/Usage", "CallCount", pairs);
    let exact = [("Class", "None"), ("Resource", "GetAgent"), ("Service", "Bedrock"), ("Type", "API")];
    assert!(agent.patterns[0].fits(&series(&exact)));
    let other = |at: usize, value| {
        let mut pairs = exact;
        pairs[at].1 = value;
        series(&pairs)
    };
    for series in [
        other(1, "GetAgentAlias"),
        other(2, "Bedrock Agents"),
        other(3, "Resource"),
        series(&exact[..3]),
        SeriesName::new("AWS/Usage", "ResourceCount", &exact),
    ] {
        assert!(!agent.patterns[0].fits(&series), "{series:?}");
    }
    let words = "(Guardrails) On-demand ApplyGuardrail Word filter policy text units per second";
    let words = meter(row(words)).unwrap();
    let guardrails =
        |pairs: &[(&str, &str)]| SeriesName::new("AWS/Bedrock/Guardrails", "TextUnitCount", pairs);
    let fits = |series: &SeriesName| words.patterns.iter().any(|pattern| pattern.fits(series));
    assert!(fits(&guardrails(&[("GuardrailPolicyType", "WordPolicy")])));
    for pairs in [
        &[("GuardrailPolicyType", "TopicPolicy")][..],
        &[("GuardrailArn", "a"), ("GuardrailVersion", "1")],
        &[("GuardrailContentSource", "Input"), ("GuardrailPolicyType", "WordPolicy")],
        &[],
    ] {
        assert!(!fits(&guardrails(pairs)), "{pairs:?}");
    }
    assert_eq!(family("GetAgent requests per second").word(), "agents");
}
