//! The status page, as a person reads it.

use crate::world::{self, NOW, SONNET};
use bedrock_quota_exporter::model::evaluation::{Evaluation, QuotaStatus};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, Target};
use bedrock_quota_exporter::model::matching::Unmapped;
use bedrock_quota_exporter::model::observation::Collector;
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::state::CollectorState;
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::report::status::Page;
use std::collections::BTreeMap;
use std::sync::Arc;

fn html(snapshot: &Snapshot) -> String {
    let (export, exporter) = (world::export(), world::exporter());
    Page { snapshot, export: &export, exporter: &exporter, metrics: "/metrics", api: true, now: NOW }.html()
}

#[test]
fn the_page_tells_what_is_wrong_and_what_helps() {
    let page = html(&world::whole());
    for told in [
        "demo: AWS is simulated",
        "3 targets in 2 accounts",
        "25 % of the calls are refused: max_tokens is reserved",
        "<a href=\"/runbooks/BedrockThrottling\">Runbook</a>",
        "<details><summary>What else helps</summary>",
        "overrides: {models: {&quot;acme.secret-v1:0&quot;: {tokens_per_minute: L-…}}}",
        "production, <span class=\"whole\">us-east-1</span>",
        "<td class=\"whole\">tokens per minute</td>",
        "<td>production <small>111111111111</small></td><td class=\"whole\">us-west-2</td>",
        "not yet",
        "reservation",
        "about $1.25 a day, by $1.25 in 24h; the budget is $20.00 a day, and slows the reading of the calmest ids",
        "1.2.3, revision abc",
        "<a href=\"/metrics\">Metrics</a>",
        "<a href=\"/api/v1\">API</a><a href=\"/api/v1/openapi.json\">OpenAPI</a>",
    ] {
        assert!(page.contains(told), "{told} is not in\n{page}");
    }
    let failing = page.find("eu-central-1</td>").unwrap();
    assert!(failing < page.find("us-west-2</td>").unwrap(), "the worst target first");
    assert!(!page.contains("<script") && !page.contains(" style="), "nothing that the policy forbids");
}

#[test]
fn places_are_told_by_the_names_of_their_accounts() {
    let at = |account: &str, region: &str, evaluation| {
        world::state(Target::new(account, region), None, None, BTreeMap::new(), evaluation)
    };
    let refused = Evaluation { throttling: vec![world::throttled(SONNET)], ..Evaluation::default() };
    let room = |code| QuotaStatus {
        peak: Some(100.0),
        ..world::quota_status(SONNET, Scope::Global, QuotaKind::TokensPerMinute, code)
    };
    let roomy = |code| Evaluation { quotas: vec![Arc::new(room(code))], ..Evaluation::default() };
    let page = html(&world::snapshot([
        at("111111111111", "us-east-1", refused),
        at("111111111111", "us-west-2", roomy("L-1")),
        at("222222222222", "us-west-2", roomy("L-2")),
    ]));
    for told in [
        "global in production, us-west-2: 900 of 1k tokens",
        "global in 222222222222, us-west-2: 900 of 1k tokens",
    ] {
        assert!(page.contains(told), "{told} is not in\n{page}");
    }
}

#[test]
fn usage_that_is_old_is_told_in_red() {
    let page = |age| {
        let evaluation = Evaluation { complete_until: Some(NOW.minus(age)), ..Evaluation::default() };
        html(&world::snapshot([world::state(
            Target::new("1", "us-east-1"),
            None,
            None,
            BTreeMap::new(),
            evaluation,
        )]))
    };
    let red = "<span class=\"bad\">usage complete until ";
    assert!(!page(240).contains(red));
    assert!(page(1_260).contains(red));
}

#[test]
fn names_of_others_stay_text() {
    let hostile = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>";
    let error = CollectorState {
        last_attempt: Some(NOW),
        last_error: Some(hostile.into()),
        ..CollectorState::default()
    };
    let mut id = world::id_status(InvocationId::runtime(hostile), Some(hostile), None);
    id.last_datapoint = Some(NOW);
    let evaluation = Evaluation {
        unmapped: vec![(id.id.clone(), Unmapped::UnknownId)],
        ids: vec![id],
        throttling: vec![world::throttled(hostile)],
        ..Evaluation::default()
    };
    let target = Target::new(hostile, hostile);
    let errors = BTreeMap::from([(Collector::Usage, error)]);
    let page = html(&world::snapshot([world::state(target, None, None, errors, evaluation)]));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.matches("&lt;script&gt;").count() >= 5, "{page}");
}

#[test]
fn a_fleets_page_is_small_however_it_goes() {
    for broken in [false, true] {
        let page = html(&world::fleet(250, broken));
        assert!(page.len() < 200_000, "{} bytes", page.len());
        assert_eq!(page.matches("<tr><td>1111111").count() + page.matches("<tr><td>production").count(), 250);
        assert!(page.contains("<summary>230 more</summary>"));
    }
}

#[test]
fn nothing_known_is_said_to_be_unknown() {
    let target = Target::new("", "eu-west-1");
    let page = html(&Snapshot::new([target], NOW));
    assert!(page.contains("<td>not known yet</td><td class=\"whole\">eu-west-1</td>"), "{page}");
    assert_eq!(page.matches("not yet</small>").count(), 3);
    assert!(page.contains("No quota is known to be spent."));
}
