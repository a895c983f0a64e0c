//! /api/v1, as software asks it.

use crate::cloud::{Cloud, NOON};
use crate::world::{self, NOVA, NOW, SONNET};
use bedrock_quota_exporter::api::{self, Query, Source};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::evaluation::{Cause, Evaluation};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, State, Target, UsageSource};
use bedrock_quota_exporter::model::observation::Collector;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn headroom_says_what_is_left_and_what_is_safe() {
    let (export, mut status) =
        (world::export(), world::quota_status(SONNET, Scope::CrossRegion, QuotaKind::TokensPerMinute, "L-1"));
    (status.usage, status.peak, status.throttled_ratio) = (Some(300.0), Some(500.0), Some(0.4));
    let mut unknown = world::quota_status(SONNET, Scope::CrossRegion, QuotaKind::RequestsPerMinute, "");
    let quota = Arc::make_mut(&mut unknown.quota);
    (quota.limit, quota.default) = (None, None);
    unknown.state = State::NoSuchQuota;
    let evaluation = Evaluation {
        quotas: vec![Arc::new(unknown), Arc::new(status)],
        throttling: vec![world::throttled(SONNET)],
        complete_until: Some(NOW.minus(240)),
        ..Evaluation::default()
    };
    let target = Target::new("111111111111", "us-east-1");
    let snapshot = world::snapshot([world::state(target, None, None, BTreeMap::new(), evaluation)]);
    let source = Source { snapshot: &snapshot, export: &export };
    let ask = |query: &Query| {
        let states = source.targets(query);
        let items: Vec<_> = states.flat_map(|state| api::headroom(source, state, query)).collect();
        serde_json::to_value(items).unwrap()
    };
    let all = ask(&Query { model: Some(SONNET.into()), ..Query::default() });
    assert_eq!(
        all[1],
        json!({
            "account_id": "111111111111", "account_name": "production", "region": "us-east-1",
            "model": SONNET, "endpoint": "runtime", "scope": "cross_region", "variant": "standard",
            "quota": "tokens_per_minute", "quota_code": "L-1",
            "quota_name": format!("tokens_per_minute of {SONNET}"), "state": "ok",
            "limit": 1000.0, "default": 1000.0, "used": 300.0, "peak": 500.0, "remaining": 700.0,
            "observed_ceiling": 400.0, "throttled": true, "cause": "reservation", "data_age_seconds": 240,
            "safe_rate": {
                "value": 360.0, "per": "minute",
                "reason": "90 % of what was used in the fullest minute with refused calls, which is below the limit",
            },
            "unknown": {},
        })
    );
    assert_eq!(all[0]["unknown"]["limit"], "no quota names this model in this scope");
    for unknown in ["limit", "used", "peak", "remaining", "observed_ceiling", "safe_rate"] {
        assert_eq!(all[0][unknown], Value::Null, "{unknown} is not known, and not 0");
        assert!(all[0]["unknown"][unknown].is_string(), "{unknown}: why");
    }
    let none = [
        Query { model: Some(NOVA.into()), ..Query::default() },
        Query { scope: Some("global".into()), ..Query::default() },
        Query { account: Some("research".into()), ..Query::default() },
        Query { region: Some("us-west-2".into()), ..Query::default() },
    ];
    for query in none {
        assert_eq!(ask(&query), json!([]), "{query:?}");
    }
    assert_eq!(
        ask(&Query { account: Some("production".into()), ..Query::default() }).as_array().unwrap().len(),
        2
    );
}

#[test]
fn what_certainly_does_not_exist_is_not_unsettled() {
    let tokens = "Cross-region model inference tokens per minute for Amazon Nova Pro";
    let (us, apac) = ("us.amazon.nova-pro-v1:0", "apac.amazon.nova-lite-v1:0");
    let mut cloud = Cloud::new(NOON);
    for (id, model, name) in
        [(us, "amazon.nova-pro-v1:0", "Nova Pro"), (apac, "amazon.nova-lite-v1:0", "Nova Lite")]
    {
        cloud.model(model, name, "Amazon");
        cloud.profile(id, ProfileKind::SystemDefined, model, &["us-east-1"]);
    }
    cloud.quota("L-1", tokens, Some(1_000.0));
    cloud.round();
    let export = world::export();
    let told = |cloud: &Cloud, id: &str| {
        let source = Source { snapshot: &cloud.snapshot, export: &export };
        let query = Query { model_id: Some(id.into()), ..Query::default() };
        let items = api::headroom(source, cloud.state(), &query).into_iter().map(|item| item.quota);
        let unsettled = api::unsettled(source, cloud.state(), &query).into_iter().map(|one| one.quota);
        (items.collect::<Vec<_>>(), unsettled.collect::<Vec<_>>(), api::why_none(source, &query))
    };
    let why = |model: &str| Some(format!("no cross_region row for requests_per_minute names {model}"));
    // Nobody has called either.
    assert_eq!(told(&cloud, us), (vec!["tokens_per_minute"], vec![], why("amazon.nova-pro-v1:0")));
    assert_eq!(told(&cloud, apac), (vec![], vec![], why("amazon.nova-lite-v1:0")));
    cloud.quota("L-2", tokens, Some(2_000.0));
    cloud.at(NOON.plus(86_400)).round();
    assert_eq!(told(&cloud, us).1, ["tokens_per_minute"], "two rows, and nobody knows which");
    let before = Cloud::new(NOON);
    assert_eq!(
        told(&before, us).1,
        ["requests_per_minute", "tokens_per_minute", "tokens_per_day"],
        "nothing is read"
    );
}

#[test]
fn the_quotas_of_a_model_are_found_wherever_it_stands() {
    let models = ["a.first", NOVA, SONNET, "z.last"];
    let kinds = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute];
    let of = |model| kinds.map(|kind| world::quota_status(model, Scope::CrossRegion, kind, "L-1"));
    let mut quotas: Vec<_> = models.into_iter().flat_map(of).map(Arc::new).collect();
    quotas.sort_by(|a, b| a.quota.key.cmp(&b.quota.key));
    let evaluation = Evaluation { quotas, ..Evaluation::default() };
    let target = Target::new("111111111111", "us-east-1");
    let snapshot = world::snapshot([world::state(target, None, None, BTreeMap::new(), evaluation)]);
    let export = world::export();
    let source = Source { snapshot: &snapshot, export: &export };
    let found = |model: &str| {
        let query = Query { model: Some(model.into()), ..Query::default() };
        let states = source.targets(&query);
        let items = states.flat_map(|state| api::headroom(source, state, &query));
        items.map(|item| (item.model, item.quota)).collect::<Vec<_>>()
    };
    for model in models {
        let expected = kinds.map(|kind| (model.to_string(), kind.word()));
        assert_eq!(found(model), expected);
    }
    for other in ["a", "a.first.1", "m", "zz"] {
        assert_eq!(found(other), [], "{other}");
    }
}

/// A status whose fullest minute with refused calls had this share of the limit of 1000.
fn asked(kind: QuotaKind, scope: Scope, cause: Cause, share: f64) -> Value {
    let mut status = world::quota_status(SONNET, scope, kind, "L-1");
    status.throttled_ratio = Some(share);
    let mut pool = world::throttled(SONNET);
    pool.cause = Some(cause);
    let evaluation =
        Evaluation { quotas: vec![Arc::new(status)], throttling: vec![pool], ..Evaluation::default() };
    let target = Target::new("111111111111", "us-east-1");
    let snapshot = world::snapshot([world::state(target, None, None, BTreeMap::new(), evaluation)]);
    let export = world::export();
    let source = Source { snapshot: &snapshot, export: &export };
    let query = Query::default();
    let state = source.targets(&query).next().unwrap();
    serde_json::to_value(&api::headroom(source, state, &query)[0]).unwrap()
}

#[test]
fn use_while_calls_are_refused_for_another_quota_is_no_ceiling() {
    let rate = |kind, cause, share| asked(kind, Scope::CrossRegion, cause, share)["safe_rate"].clone();
    let tokens = QuotaKind::TokensPerMinute;
    assert_eq!(rate(tokens, Cause::RequestsPerMinute, 0.1)["value"], 900.0);
    assert_eq!(rate(tokens, Cause::TokensPerMinute, 0.1)["value"], 90.0);
    assert_eq!(rate(QuotaKind::RequestsPerMinute, Cause::Reservation, 0.1)["value"], 900.0);
    assert_eq!(rate(tokens, Cause::Capacity, 0.0), Value::Null, "no accepted call tells no rate");
    assert_eq!(rate(QuotaKind::ConcurrentRequests, Cause::Capacity, 0.5), Value::Null);
}

#[test]
fn a_quota_that_two_scopes_share_is_throttled_with_either() {
    let shared = asked(QuotaKind::TokensPerDay, Scope::Regional, Cause::TokensPerDay, 0.5);
    assert_eq!((&shared["throttled"], &shared["cause"]), (&true.into(), &"tokens_per_day".into()));
    let global = asked(QuotaKind::TokensPerDay, Scope::Global, Cause::TokensPerDay, 0.5);
    assert_eq!((&global["throttled"], &global["cause"]), (&Value::Null, &Value::Null));
    assert_eq!(global["unknown"]["throttled"], "usage was not read yet");
}

#[test]
fn a_rate_is_safe_only_by_what_was_read() {
    let kind = QuotaKind::TokensPerMinute;
    let told = |usage: Option<f64>, source: UsageSource, complete_until| {
        let mut status = world::quota_status(SONNET, Scope::CrossRegion, kind, "L-1");
        (status.usage, status.peak, status.usage_source) = (usage, usage, source);
        let evaluation = Evaluation {
            quotas: vec![Arc::new(status)],
            usage_known: complete_until == Some(NOW),
            complete_until,
            ..Evaluation::default()
        };
        let target = Target::new("111111111111", "us-east-1");
        let snapshot = world::snapshot([world::state(target, None, None, BTreeMap::new(), evaluation)]);
        let export = world::export();
        let source = Source { snapshot: &snapshot, export: &export };
        let state = source.targets(&Query::default()).next().unwrap();
        serde_json::to_value(&api::headroom(source, state, &Query::default())[0]).unwrap()
    };
    let calm = told(Some(0.0), UsageSource::Counted, Some(NOW));
    assert_eq!(calm["safe_rate"]["reason"], "90 % of the limit: no call was seen refused below it of late");
    let unmeasurable = told(None, UsageSource::None, Some(NOW));
    assert_eq!(unmeasurable["safe_rate"]["value"], 900.0);
    assert_eq!(
        unmeasurable["safe_rate"]["reason"],
        "90 % of the limit: what is used of it is not known, nor whether calls are refused below it"
    );
    for source in [UsageSource::Counted, UsageSource::None] {
        let unread = told(None, source, None);
        assert_eq!(unread["safe_rate"], Value::Null);
        assert_eq!(unread["unknown"]["safe_rate"], "usage was not read yet");
    }
    let old = told(None, UsageSource::Counted, Some(NOW.minus(7_200)));
    assert_eq!(old["safe_rate"], Value::Null);
    assert_eq!(old["unknown"]["safe_rate"], "usage could not be read of late");
    assert_eq!(old["unknown"]["throttled"], "usage could not be read of late");
}

#[test]
fn what_was_not_read_is_told_with_the_reason() {
    let (snapshot, export) = (world::whole(), world::export());
    let source = Source { snapshot: &snapshot, export: &export };
    let unread = |needs| {
        let all = source.unread(&Query::default(), needs);
        all.into_iter().map(|one| (one.place.region, one.why)).collect::<Vec<_>>()
    };
    let one = |region: &str, why: &str| (region.to_string(), why.to_string());
    assert_eq!(unread(&[Collector::Quotas]), [one("us-west-2", "quotas: not read yet")]);
    let both = [
        one("us-west-2", "quotas: not read yet; usage: not read yet"),
        one("eu-central-1", "usage: GetMetricData: AccessDenied"),
    ];
    assert_eq!(unread(&[Collector::Quotas, Collector::Usage]), both);
    let of = |region: &str, model: &str| Query {
        region: Some(region.into()),
        model: Some(model.into()),
        ..Query::default()
    };
    assert!(source.is_any_read(&Query::default(), &[Collector::Usage]));
    assert!(!source.is_any_read(&of("eu-central-1", NOVA), &[Collector::Usage]));
    assert!(source.may_know(&of("us-east-1", NOVA)));
    assert!(!source.may_know(&of("us-east-1", "acme.none")));
    assert!(source.may_know(&of("us-west-2", "acme.none")), "a list that was not read may name it");
    let id = |id: &str| Query { model_id: Some(id.into()), ..of("us-east-1", SONNET) };
    assert!(source.may_know(&id("acme.secret-v1:0")), "it is called");
    assert!(!source.may_know(&id("acme.none-v1:0")));
}
