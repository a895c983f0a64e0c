//! The Rust client over AWS's SDK, against the simulated runtime.

#[path = "../../crates/bedrock-quota-client/examples/converse.rs"]
#[allow(dead_code, reason = "its main asks AWS")]
mod converse;
#[path = "../../crates/bedrock-quota-client/examples/rules.rs"]
mod rules;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};
use bedrock_quota_client::{CallError, Limits, Quotas};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::Answering;
use bedrock_quota_exporter::sim::world::World;
use futures_util::future::join_all;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpListener;

/// 120 requests and 60,000 tokens a minute in the account of labs; nobody else calls it.
const SONNET: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const LIMITS: Limits = Limits {
    requests_per_minute: Some(120.0),
    tokens_per_minute: Some(60_000.0),
    tokens_per_day: None,
    burndown: 5.0,
    share: 1.0,
    max_output_tokens: None,
    used_today: 0.0,
    used_today_at: None,
};
/// Of 10,000 tokens each: five are a minute's worth, nearly.
const CALLS: usize = 6;

async fn runtime() -> (Sim, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sim = Sim::new(World::demo(1, 1_795_176_000));
    sim.set_answering(Answering { output_tokens: 10, latency_ms: 0 }).await;
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    let keys = Credentials::new("AKIA000000000002TEST", "simulated", None, None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(url);
    (sim, Client::from_conf(config.build()))
}

fn request(client: &Client) -> ConverseFluentBuilder {
    let text = ContentBlock::Text("one ".repeat(10_000));
    let message = Message::builder().role(ConversationRole::User).content(text).build().unwrap();
    let most = InferenceConfiguration::builder().max_tokens(100).build();
    client.converse().model_id(SONNET).messages(message).inference_config(most)
}

/// Calls of Converse that the simulated AWS has seen.
async fn attempts(sim: &Sim) -> u64 {
    let calls = sim.calls().await;
    calls.iter().filter(|(call, _)| call.operation == "Converse").map(|(_, count)| count.calls).sum()
}

#[tokio::test]
async fn what_is_above_the_quota_waits_and_nothing_is_refused() {
    let (_, client) = runtime().await;
    let naive = (0..CALLS).map(|_| {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        request(&client).customize().config_override(once).send()
    });
    let answers = join_all(naive).await;
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err()?.code());
    assert_eq!(refused.collect::<Vec<_>>(), ["ThrottlingException"], "the sixth is above the quota");

    let (sim, client) = runtime().await;
    let quotas = Quotas::new([(SONNET, LIMITS)]).unwrap();
    let answers = join_all((0..CALLS).map(|_| quotas.converse(request(&client)))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().usage().map(|usage| usage.output_tokens()), Some(10));
    }
    assert_eq!(attempts(&sim).await, CALLS as u64, "each once");
}

#[tokio::test]
async fn a_refusal_that_passes_is_tried_again_and_others_are_not() {
    let (sim, client) = runtime().await;
    // Somebody else has spent the quota.
    for _ in 0..5 {
        request(&client).send().await.unwrap();
    }
    let quotas = Quotas::new([(SONNET, LIMITS)]).unwrap();
    quotas.converse(request(&client)).await.unwrap();
    let statistics = quotas.statistics();
    assert_eq!((statistics.successes, statistics.failures), (1, 0));
    assert_eq!(statistics.throttled, attempts(&sim).await - 6, "the others were refused");
    assert!(statistics.throttled > 0 && statistics.retries == statistics.throttled, "{statistics:?}");
    assert!(statistics.waited_seconds > 0.0 && statistics.success_rate() == Some(1.0), "{statistics:?}");

    let before = attempts(&sim).await;
    let unknown = "us.anthropic.no-such-model-v1:0";
    let quotas = Quotas::new([(unknown, LIMITS)]).unwrap();
    let refused = quotas.converse(request(&client).model_id(unknown)).await;
    let Err(CallError::Bedrock(error)) = refused else { panic!("{refused:?}") };
    assert_eq!((quotas.statistics().failures, quotas.statistics().success_rate()), (1, Some(0.0)));
    assert_eq!(error.code(), Some("ValidationException"));
    assert_eq!(attempts(&sim).await, before + 1);
}

#[tokio::test]
async fn who_cannot_get_in_hears_why_and_nothing_is_sent() {
    let (sim, client) = runtime().await;
    let small = Limits { tokens_per_minute: Some(12_000.0), ..LIMITS };
    let quotas = Quotas::new([(SONNET, small)]).unwrap().with_patience(Duration::from_millis(50));
    quotas.converse(request(&client)).await.expect("a full bucket lets any call in");
    let late = quotas.converse(request(&client)).await;
    assert!(matches!(late, Err(CallError::TooLate)), "{late:?}");
    assert_eq!((quotas.statistics().successes, quotas.statistics().failures), (1, 1));
    let none = Limits { tokens_per_day: Some(0.0), ..LIMITS };
    let told = "the quota is 0: tokens_per_day; no call will ever be admitted";
    let never = Quotas::new([(SONNET, none)]).unwrap().converse(request(&client)).await;
    assert_eq!(never.unwrap_err().to_string(), told);
    let endless = client.converse().model_id(SONNET);
    assert!(matches!(quotas.converse(endless.clone()).await, Err(CallError::NoMaxTokens)));
    let most = Limits { max_output_tokens: Some(64_000), ..none };
    let never = Quotas::new([(SONNET, most)]).unwrap().converse(endless).await;
    assert_eq!(never.unwrap_err().to_string(), told, "it is asked for with the model's maximum");
    let other = request(&client).model_id("another");
    assert!(matches!(quotas.converse(other).await, Err(CallError::NoLimits(id)) if id == "another"));
    assert_eq!(attempts(&sim).await, 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_while_waiting_takes_nothing() {
    let (sim, client) = runtime().await;
    let small = Limits { tokens_per_minute: Some(12_000.0), ..LIMITS };
    let quotas = Quotas::new([(SONNET, small)]).unwrap();
    quotas.converse(request(&client)).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(20), quotas.converse(request(&client)));
    assert!(waiting.await.is_err(), "a minute would pass");
    let quotas = quotas.with_patience(Duration::from_secs(30));
    let little = InferenceConfiguration::builder().max_tokens(1).build();
    let text = ContentBlock::Text("one?".to_string());
    let message = Message::builder().role(ConversationRole::User).content(text).build().unwrap();
    let small = client.converse().model_id(SONNET).messages(message).inference_config(little);
    quotas.converse(small).await.expect("first in line");
    assert_eq!(attempts(&sim).await, 2);
}

#[tokio::test]
async fn new_limits_hold_for_those_who_wait_already() {
    let (_, client) = runtime().await;
    let small = Limits { tokens_per_minute: Some(12_000.0), ..LIMITS };
    let quotas = Quotas::new([(SONNET, small)]).unwrap().with_patience(Duration::from_secs(30));
    quotas.converse(request(&client)).await.unwrap();
    // The first has got in line when the second begins.
    let (answer, raised) =
        tokio::join!(biased; quotas.converse(request(&client)), async { quotas.set_limits(SONNET, LIMITS) });
    raised.unwrap();
    answer.expect("told of the new limits, it does not wait for the old ones");
    let other = quotas.set_limits("another", LIMITS).unwrap_err();
    assert_eq!(other, "no limits were given for \"another\"");
    let bad = quotas.set_limits(SONNET, Limits { share: 2.0, ..LIMITS }).unwrap_err();
    assert_eq!(bad, "share is 2; expected more than 0 and at most 1");
    assert_eq!(quotas.limits(SONNET), Some(LIMITS));
}

#[test]
fn what_an_answer_does_not_tell_leaves_the_last_known_limits() {
    let vectors: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string("tests/vectors/headroom.json").unwrap()).unwrap();
    let known = Limits { share: 0.5, max_output_tokens: Some(8_000), ..LIMITS };
    let mut refused = 0;
    for vector in vectors.iter().filter(|vector| vector["used_today"].is_null()) {
        let quotas = Quotas::new([(SONNET, known)]).unwrap();
        quotas.refresh_limits(SONNET, Ok::<_, String>(&vector["answer"])).unwrap();
        let (stale, limits) = (quotas.statistics().stale, quotas.limits(SONNET).unwrap());
        if let Some(why) = vector["refused"].as_str() {
            refused += 1;
            assert!(stale[SONNET].starts_with(why) && limits == known, "{vector}: {stale:?}");
        } else {
            let told = Limits::of_headroom(&vector["answer"], 5.0, None).unwrap();
            let told = Limits { share: 0.5, max_output_tokens: Some(8_000), ..told };
            assert_eq!((stale.len(), limits), (0, told), "{vector}");
            quotas.refresh_limits(SONNET, Err("no answer")).unwrap();
            assert_eq!(
                (&*quotas.statistics().stale[SONNET], quotas.limits(SONNET)),
                ("no answer", Some(limits))
            );
            quotas.set_limits(SONNET, known).unwrap();
            assert!(quotas.statistics().stale.is_empty());
        }
    }
    assert!(refused > 5, "{refused}");
}

#[tokio::test]
async fn the_document_shows_what_works() {
    let page = std::fs::read_to_string("docs/CLIENTS.md").unwrap();
    for example in ["converse", "rules"] {
        let path = format!("crates/bedrock-quota-client/examples/{example}.rs");
        let block = format!("```rust\n{}```", std::fs::read_to_string(&path).unwrap());
        assert!(page.contains(&block), "docs/CLIENTS.md has not the whole of {path}");
    }
    assert_eq!(page.matches("```rust").count(), 2, "each block is an example's");
    rules::main().unwrap();
    let (_, client) = runtime().await;
    let told = converse::ask(&client).await.unwrap();
    assert!(told.contains("output_tokens: 10") && told.contains("successes: 1, failures: 0"), "{told}");
}
