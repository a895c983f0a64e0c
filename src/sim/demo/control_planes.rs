//! What the demo's accounts do beside calling models: agents, flows, prompts, guardrails, batch jobs.

use super::rows::{Rows, daily};
use crate::sim::world::counted::{Counted, Guarded};
use crate::sim::world::stream::Demand;
use std::collections::BTreeMap;

/// A busy control plane: of each family some operation, as a share of its limit, all day.
pub(super) fn busy(rows: &Rows) -> Vec<Counted> {
    let calls = |name: &str, operation: &str, share: f64| {
        let limit = rows.default_value(name, "us-east-1");
        Counted::calls(operation, Demand::Steady(share * limit * 60.0))
    };
    let things = |name: &str, resource: &str, share: f64| {
        Counted::things(resource, (share * rows.default_value(name, "us-east-1")).round())
    };
    let guarded = Guarded {
        calls: daily(200.0, 900.0),
        throttled: 0.0,
        client_errors: 0.01,
        server_errors: 0.004,
        intervened: 0.03,
        units: vec![("WordPolicy", 1.0), ("SensitiveInformationPolicy", 1.4), ("ContentPolicy", 2.0)],
        active: i64::MIN..i64::MAX,
    };
    let mut all = vec![
        calls("GetAgent requests per second", "GetAgent", 0.92),
        calls("ListAgents requests per second", "ListAgents", 0.1),
        calls("(Flows) GetFlow requests per second", "GetFlow", 0.4),
        calls("(Prompt management) GetPrompt requests per second", "GetPrompt", 0.55),
        calls("Throttle rate limit for GetDataAutomationStatus", "GetDataAutomationStatus", 0.3),
        calls(
            "(Automated Reasoning) ListAutomatedReasoningPolicies requests per second",
            "ListAutomatedReasoningPolicies",
            0.05,
        ),
        things("Agents per account", "Agents", 0.8),
        things("(Prompt management) Prompts per account", "Prompts", 0.6),
        Counted::things("AGENT4X7K2/ActionGroup", 3.0),
        Counted::things("AGENT9Q1W8/ActionGroup", 4.0),
    ];
    all.extend(Counted::mantle("anthropic.claude-opus-5", 420_000.0, 4.0));
    all.extend(guarded.series());
    all
}

/// Guardrails that are refused a fifth of their calls.
pub(super) fn throttled() -> Vec<Counted> {
    let units = vec![("WordPolicy", 1.0), ("ContextualGroundingPolicy", 3.0)];
    let (calls, active) = (Demand::Steady(1500.0), i64::MIN..i64::MAX);
    let (client_errors, server_errors) = (0.0, 0.0);
    Guarded { calls, throttled: 0.2, client_errors, server_errors, intervened: 0.01, units, active }.series()
}

/// Batch jobs with records and tokens that wait, a hundredth of which is processed in a minute.
pub(super) fn waiting(pending: &BTreeMap<&str, (f64, f64)>) -> Vec<Counted> {
    let of_model = |(model, (records, tokens)): (&&str, &(f64, f64))| {
        let processed = Counted::processed(model, tokens / 100.0, tokens / 1000.0);
        Counted::pending(model, *records, *tokens).into_iter().chain(processed)
    };
    pending.iter().flat_map(of_model).collect()
}
