//! The rules, by the vectors that the Python client shares: tests/vectors.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use bedrock_quota_client::{Estimator, Limiter, Limits, Usage, backoff, may_retry};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

fn vectors<T: DeserializeOwned>(name: &str) -> T {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    limits: Value,
    steps: Vec<Value>,
}

fn limits(told: &Value) -> Limits {
    Limits {
        requests_per_minute: told["requests_per_minute"].as_f64(),
        tokens_per_minute: told["tokens_per_minute"].as_f64(),
        tokens_per_day: told["tokens_per_day"].as_f64(),
        share: told["share"].as_f64().unwrap_or(1.0),
        used_today: told["used_today"].as_f64().unwrap_or_default(),
        used_today_at: told["used_today_at"].as_f64(),
        ..Limits::default()
    }
}

fn near(seen: Option<f64>, told: &Value) -> bool {
    match (seen, told.as_f64()) {
        (Some(seen), Some(told)) => (seen - told).abs() < 1e-4,
        (seen, told) => seen == told,
    }
}

#[test]
fn every_vector_of_the_limiter() {
    let all: Vec<Vector> = vectors("limiter.json");
    assert!(all.len() > 10, "{}", all.len());
    for Vector { name, limits: told, steps } in all {
        let mut limiter = Limiter::new(&limits(&told)).unwrap();
        for step in steps {
            take(&mut limiter, &step, &format!("{name}: {step}"));
        }
    }
}

fn take(limiter: &mut Limiter<String>, step: &Value, what: &str) {
    let at = step["at"].as_f64().unwrap();
    let named = |action: &str| step.get(action).map(|call| call.as_str().unwrap().to_string());
    if let Some(call) = named("ask") {
        limiter.ask(call, step["tokens"].as_f64().unwrap(), step["deadline"].as_f64());
    } else if let Some(call) = named("settle") {
        limiter.settle(at, &call, step["used"].as_f64().unwrap());
    } else if let Some(call) = named("refused") {
        limiter.refused(at, &call);
    } else if let Some(call) = named("hold") {
        limiter.hold(&call);
    } else if let Some(call) = named("leave") {
        limiter.leave(&call);
    } else if let Some(told) = step.get("resize") {
        limiter.resize(at, &limits(told)).unwrap();
    } else if let Some(told) = step.get("step") {
        let seen = limiter.step(at);
        assert_eq!(serde_json::json!(seen.admitted), told["admitted"], "{what}");
        assert_eq!(serde_json::json!(seen.expired), told["expired"], "{what}");
        assert!(near(seen.wake, &told["wake"]), "{what}: {:?}", seen.wake);
    } else if let Some(told) = step.get("left") {
        let left = limiter.left(at);
        for (bucket, level) in told.as_object().unwrap() {
            let seen = if bucket == "requests" { left.requests } else { left.tokens };
            assert!(near(seen, level), "{what}: {seen:?}");
        }
    } else {
        panic!("no such step: {what}");
    }
}

#[test]
fn what_a_call_costs_and_what_a_text_is_taken_for() {
    let told: Value = vectors("charges.json");
    for vector in told["charge"].as_array().unwrap() {
        let tokens = |which: &str| vector["usage"][which].as_u64().unwrap_or_default();
        let usage = Usage {
            input: tokens("input"),
            output: tokens("output"),
            cache_read: tokens("cache_read"),
            cache_write: tokens("cache_write"),
        };
        let limits = Limits { burndown: vector["burndown"].as_f64().unwrap(), ..Limits::default() };
        assert!(near(Some(limits.charge(&usage)), &vector["expect"]), "{vector}");
    }
    for vector in told["estimate"].as_array().unwrap() {
        let mut estimator = Estimator::default();
        for pair in vector["learn"].as_array().unwrap() {
            estimator.learn(pair[0].as_u64().unwrap() as usize, pair[1].as_u64().unwrap());
        }
        let tokens = estimator.tokens(vector["characters"].as_u64().unwrap() as usize);
        assert!(near(Some(tokens), &vector["expect"]), "{vector}: {tokens}");
    }
}

#[test]
fn what_is_tried_again_and_when() {
    let told: Value = vectors("retries.json");
    for vector in told["may_retry"].as_array().unwrap() {
        let status = vector["status"].as_u64().unwrap() as u16;
        let attempts = vector["attempts"].as_u64().unwrap() as u32;
        assert_eq!(
            may_retry(status, vector["code"].as_str().unwrap(), attempts),
            vector["expect"],
            "{vector}"
        );
    }
    for vector in told["backoff"].as_array().unwrap() {
        let (retries, chance) =
            (vector["retries"].as_u64().unwrap() as u32, vector["chance"].as_f64().unwrap());
        let pause = backoff(retries, chance, vector["retry_after"].as_f64());
        assert!(near(Some(pause), &vector["expect"]), "{vector}: {pause}");
    }
}

#[cfg(feature = "headroom")]
#[test]
fn limits_of_an_exporters_answer() {
    let all: Vec<Value> = vectors("headroom.json");
    assert!(all.len() > 3, "{}", all.len());
    for vector in all {
        let found = Limits::of_headroom(&vector["answer"], 5.0, vector["used_today"].as_f64());
        if let Some(refused) = vector["refused"].as_str() {
            assert!(found.unwrap_err().starts_with(refused), "{vector}");
        } else {
            let expected = Limits { burndown: 5.0, ..limits(&vector["expect"]) };
            assert_eq!(found.unwrap(), expected, "{vector}");
        }
    }
}

#[test]
fn bad_limits_are_refused_by_name() {
    let refused = |limits: Limits| Limiter::<u8>::new(&limits).unwrap_err().to_string();
    let share = refused(Limits { share: 0.0, ..Limits::default() });
    assert_eq!(share, "share is 0; expected more than 0 and at most 1");
    let tokens = refused(Limits { tokens_per_minute: Some(f64::NAN), ..Limits::default() });
    assert!(tokens.starts_with("tokens_per_minute is NaN; expected"), "{tokens}");
    let used = refused(Limits { used_today: -1.0, ..Limits::default() });
    assert_eq!(used, "used_today is -1; expected a number from 0");
}
