//! /api/v1, as software asks it.

use crate::world::{self, NOVA, NOW, SONNET};
use bedrock_quota_exporter::api::{self, Query, Source};
use bedrock_quota_exporter::model::evaluation::{Cause, Evaluation};
use bedrock_quota_exporter::model::ids::{QuotaKind, Scope, State, Target};
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
        quotas: vec![unknown, status],
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
fn the_quotas_of_a_model_are_found_wherever_it_stands() {
    let models = ["a.first", NOVA, SONNET, "z.last"];
    let kinds = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute];
    let of = |model| kinds.map(|kind| world::quota_status(model, Scope::CrossRegion, kind, "L-1"));
    let mut quotas: Vec<_> = models.into_iter().flat_map(of).collect();
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
    let evaluation = Evaluation { quotas: vec![status], throttling: vec![pool], ..Evaluation::default() };
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
