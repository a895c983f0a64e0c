//! docs/METRICS.md is made from the table of families.

use bedrock_quota_exporter::exposition::families;
use bedrock_quota_exporter::exposition::family::Family;
use bedrock_quota_exporter::model::evaluation::Cause;
use bedrock_quota_exporter::model::ids::{Endpoint, Method, QuotaKind, Scope, State, UsageSource, Variant};
use bedrock_quota_exporter::model::matching::{Confidence, Family as QuotaFamily, IdType, Unmapped};
use bedrock_quota_exporter::model::meter::{MeasuredBy, Unmeasurable};
use bedrock_quota_exporter::model::observation::{Collector, ErrorClass};
use bedrock_quota_exporter::telemetry::{self, Discovery};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Metrics

<!-- Made from the tables of src/exposition/families and src/telemetry/families.rs by `UPDATE_DOCS=1 cargo test --test it metrics_doc`. Do not edit. -->

Everything this exporter publishes. Names and labels change only with an entry in the changelog.

- A value that is not known is absent: never 0, never a guess. A minute without a datapoint in a complete
  answer of CloudWatch is 0 for counts and tokens, and absent for latencies; a minute that could not be read is
  unknown.
- What comes from AWS is collected on a schedule, not when Prometheus scrapes, and carries no timestamps. Usage,
  peaks and ratios use settled minutes, four minutes after their end unless configured; how far that has come
  is `bedrock_usage_complete_until_timestamp_seconds`. Latencies, kinds of tokens and other details of calm ids are read
  [more seldom](CONFIGURATION.md#cadence): they are those of the newest minute read, and their counters catch up.
  Quotas that are no model's are read every half an hour while they are
  [far from their limit](CONFIGURATION.md#quotas-that-are-no-models).
- A label set that vanishes in AWS vanishes here. When a target cannot be read, its last good values stay until
  their `max_age` (usage 15 minutes, quotas and catalog 24 hours unless configured) and then go.
- Counters are there at 0 before their first addition, so that `increase()` sees the first burst. They start
  anew with the exporter; with `--storage.path` they go on where the process before stopped, and count what happened
  between the two once. Their first sample then comes with the first reading, never as 0.
- A minute may come half an hour late. Counters, peaks and days take it in then; until it came, a minute in which a
  steady metric is missing is unknown, not 0.
- A model or scope that is not known is `unknown`; a name that does not exist is empty.
- Words of AWS (`status`, `lifecycle`) are spelled as AWS spells them.
";

/// Heading and introduction, and the first family they stand before.
const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "bedrock_account_info",
        "Accounts",
        "Joins names on: `* on (account_id) group_left (account_name) \
      bedrock_account_info`.",
    ),
    (
        "bedrock_quota_limit",
        "Model quotas",
        "One series per quota that a model's usage can be held against. The \
      unit depends on the label `quota`: pin it in queries, or use the ratios. [Which series](CONFIGURATION.md#which-series) \
      are published: by default those of models that the account used within 14 days in any region, and of quotas \
      that differ from their default, have an open increase request or are watched.",
    ),
    (
        "bedrock_service_quota_applied",
        "All quotas of the service",
        "The inventory, whether or not a quota \
      belongs to a model. By default only rows of no model that differ from their default, those with an open \
      increase request or under `quotas.watch`, and the account's Cross-Model Max Tokens Per Day; \
      `quotas.export: all` has all of them. What of it is measured, and how: \
      [COVERAGE.md](COVERAGE.md).",
    ),
    (
        "bedrock_invocations_per_minute",
        "Usage per invocation id: the newest settled minute",
        "`model_id` is the \
      value CloudWatch has, `model` the base model it means. The `…_per_minute` gauges need \
      `usage.gauges: true`; latencies are there without, for the statistics that `usage.latency` lists.",
    ),
    (
        "bedrock_invocations_total",
        "Usage per invocation id: counters",
        "For `rate()` and `increase()` at any \
      interval.",
    ),
    (
        "bedrock_tier_invocations",
        "Usage by service tier and project",
        "Where CloudWatch shows ServiceTier and ResolvedServiceTier, or Project, beside the model, and any of them is not \
         `default`. Sums of the last hour, read once an hour; `usage.tiers_and_projects: false` leaves them out. They hold \
         calls that the id's own series hold too: never add the two. Absent where ListMetrics shows nothing of three hours, \
         or not all of the hour could be read.\n\n\
         The reserved tier is capacity of its own and has no quota row; what flows over is served, and charged, on demand: \
         `sum without (service_tier, resolved_service_tier) (bedrock_tier_invocations{resolved_service_tier!=\"reserved\"})` \
         is what the on-demand quota had to carry in the hour. The `bedrock_quota_…` series are not reduced by it: AWS does \
         not say whether EstimatedTPMQuotaUsage holds reserved calls, so that where there are any, those ratios are an upper \
         bound.\n\n\
         AWS documents Project for the mantle endpoint; of the runtime endpoint it is shown as soon as CloudWatch has it.",
    ),
    (
        "bedrock_throttle_ratio",
        "Throttling",
        "Per model and scope, all invocation ids added minute by minute. Alone, under its `model_id`, stands an id whose \
         model or scope is unknown (and called `unknown`), and one with a capacity of its own: a custom model deployment, \
         a provisioned throughput. All others have no label `model_id`.",
    ),
    (
        "bedrock_project_info",
        "Projects",
        "Joins [names and teams](CONFIGURATION.md#projects) on: `* on (account_id, region, endpoint, project) group_left \
         (project_name, team) bedrock_project_info`.",
    ),
    (
        "bedrock_guardrail_invocations_per_minute",
        "Guardrails, batch inference, mantle",
        "Of all guardrails together, as CloudWatch counts ApplyGuardrail. Throttles are read with every round, the rest \
         [more seldom](CONFIGURATION.md#quotas-that-are-no-models) until there are any. `quotas.usage_metrics: false` leaves all of it out.\n\n\
         Mantle publishes no refusals: an answer that reaches the output quota is cut off rather than refused, and calls that \
         are refused early are in no metric. That an output token costs one of its quota there is not verified.",
    ),
    (
        "bedrock_unmapped_model",
        "Invocation ids and models",
        "`bedrock_model_id_info` has every id, so that joins \
      drop nobody.",
    ),
    ("bedrock_provisioned_throughput_model_units", "Provisioned throughput and batch", ""),
    (
        "bedrock_usage_complete_until_timestamp_seconds",
        "Freshness",
        "Per target; once known they stay as long as \
      the target is configured.",
    ),
    ("bedrock_exporter_targets", "The exporter itself", ""),
];

/// Every family, in the order in which they are told.
fn all() -> Vec<Family> {
    let own = telemetry::families::ALL.iter().copied();
    families::all().map(|row| row.family).chain(own).collect()
}

fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let begins = |family: &Family| SECTIONS.iter().any(|(first, ..)| *first == family.name);
    for families in all().chunk_by(|_, next| !begins(next)) {
        section(&mut page, families);
    }
    page += "\n## Label values\n\n| Label | Values |\n| --- | --- |\n";
    for (label, values) in label_values() {
        writeln!(page, "| `{label}` | {} |", code_list(values)).unwrap();
    }
    page
}

fn section(page: &mut String, families: &[Family]) {
    let (_, title, text) = SECTIONS.iter().find(|(first, ..)| *first == families[0].name).unwrap();
    let paragraph = if text.is_empty() { String::new() } else { format!("{text}\n\n") };
    let mut common = families[0].labels.to_vec();
    common.retain(|label| families.iter().all(|family| family.labels.contains(label)));
    let (labels, heading) = match &common[..] {
        [] => (String::new(), "Labels"),
        common => (format!("Labels of each: {}.\n\n", code_list(common.iter().copied())), "Further labels"),
    };
    write!(page, "\n## {title}\n\n{paragraph}{labels}").unwrap();
    writeln!(page, "| Metric | Type | {heading} | Meaning | Source |\n| --- | --- | --- | --- | --- |")
        .unwrap();
    for Family { name, kind, help, source, labels, .. } in families {
        let further = code_list(labels.iter().copied().filter(|label| !common.contains(label)));
        writeln!(page, "| `{name}` | {kind} | {further} | {help} | {source} |").unwrap();
    }
}

fn code_list(words: impl IntoIterator<Item = &'static str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

macro_rules! words {
    ($words:ident) => {
        $words::ALL.iter().map(|word| word.word()).collect()
    };
}

fn label_values() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut scopes: Vec<&str> = words!(Scope);
    scopes.push("unknown");
    let mut outcomes: Vec<&str> = words!(ErrorClass);
    outcomes.insert(0, "success");
    vec![
        ("endpoint", words!(Endpoint)),
        ("scope", scopes),
        ("variant", words!(Variant)),
        ("quota", words!(QuotaKind)),
        ("state", words!(State)),
        ("family", words!(QuotaFamily)),
        ("match", words!(Method)),
        ("usage_source", words!(UsageSource)),
        ("measured_by", words!(MeasuredBy)),
        ("bound", vec!["exact", "lower"]),
        ("unmeasurable", words!(Unmeasurable)),
        ("adjustable", vec!["true", "false", "unknown"]),
        ("statistic", vec!["average", "p50", "p90", "p99", "maximum"]),
        ("window", vec!["1m", "5m", "15m", "30m", "1h"]),
        ("cause", words!(Cause)),
        ("reason", words!(Unmapped)),
        ("type", words!(IdType)),
        ("confidence", words!(Confidence)),
        ("collector", words!(Collector)),
        ("discovery", words!(Discovery)),
        ("class", words!(ErrorClass)),
        ("outcome", outcomes),
    ]
}

#[test]
fn docs_metrics_md_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
    let expected = markdown();
    if std::env::var_os("UPDATE_DOCS").is_some_and(|update| update == "1") {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let first = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(
        found == expected,
        "docs/METRICS.md is out of date (first difference: {first:?}); run the tests \
        with UPDATE_DOCS=1"
    );
}

#[test]
fn every_section_begins_with_a_family_and_every_family_is_told_once() {
    let families = all();
    let mut names: Vec<&str> = families.iter().map(|family| family.name).collect();
    assert!(SECTIONS.iter().all(|(first, ..)| names.contains(first)));
    assert_eq!(SECTIONS[0].0, names[0]);
    let has = |label: &str| families.iter().any(|family| family.labels.contains(&label));
    assert!(label_values().iter().all(|(label, _)| has(label)));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
