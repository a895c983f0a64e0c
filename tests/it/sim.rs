//! The simulated AWS, seen by clients that nobody here wrote: the Rust SDKs and boto3.

use aws_sdk_bedrock::types::InferenceProfileType;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricStat, RecentlyActive, ScanBy, StatusCode,
};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::call::ApiCall;
use bedrock_quota_exporter::sim::desk::Clock;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use bedrock_quota_exporter::sim::world::World;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// 2026-11-20 12:00 UTC.
const NOON: i64 = 1_795_176_000;
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A sim on a port of its own; it stops when dropped.
struct Served {
    sim: Sim,
    url: String,
    _stop: oneshot::Sender<()>,
}

async fn served(world: World) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let sim = Sim::new(world);
    sim.set_clock(Clock::Fixed { now: NOON }).await;
    tokio::spawn(sim.clone().serve(listener, async { stopped.await.unwrap_or(()) }));
    Served { sim, url, _stop: stop }
}

async fn sdk(url: &str, access_key: &str, region: &'static str) -> aws_config::SdkConfig {
    let session = access_key.starts_with("ASIA").then(|| "session".to_string());
    let keys = aws_sdk_sts::config::Credentials::new(access_key, "secret", session, None, "test");
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(url)
        .region(aws_config::Region::new(region))
        .credentials_provider(keys)
        .load()
        .await
}

fn query(id: &str, model_id: &str, metric: &str, stat: &str, period: i32) -> MetricDataQuery {
    let dimension = Dimension::builder().name("ModelId").value(model_id).build();
    let metric = Metric::builder().namespace("AWS/Bedrock").metric_name(metric).dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

#[tokio::test]
async fn the_cloudwatch_sdk_reads_metrics() {
    let sim = served(World::demo(1, NOON)).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;
    let client = aws_sdk_cloudwatch::Client::new(&config);

    let listed = client
        .list_metrics()
        .namespace("AWS/Bedrock")
        .recently_active(RecentlyActive::Pt3H)
        .into_paginator()
        .send()
        .try_collect()
        .await
        .unwrap();
    let ids: BTreeSet<_> = listed
        .iter()
        .flat_map(|page| page.metrics())
        .filter(|m| m.dimensions().len() == 1 && m.metric_name() == Some("Invocations"))
        .flat_map(|m| m.dimensions())
        .filter_map(|d| d.value())
        .collect();
    assert!(ids.contains(SONNET) && ids.contains("srch7f3k2m9q"), "{ids:?}");

    let answer = client
        .get_metric_data()
        .set_metric_data_queries(Some(vec![
            query("a", SONNET, "EstimatedTPMQuotaUsage", "Sum", 60),
            query("b", SONNET, "InvocationLatency", "p99", 60),
            query("c", "never.heard-of", "Invocations", "Sum", 60),
        ]))
        .start_time(DateTime::from_secs(NOON - 900))
        .end_time(DateTime::from_secs(NOON - 240))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap();
    let results = answer.metric_data_results();
    let times: Vec<_> = results[0].timestamps().iter().map(|t| t.secs()).collect();
    assert_eq!(times, (NOON - 900..NOON - 240).step_by(60).collect::<Vec<_>>());
    assert!(results[0].values().iter().all(|v| (4.5e6..5.0e6).contains(v)), "{:?}", results[0].values());
    assert!(results[1].values().iter().all(|ms| *ms > 2500.0), "{:?}", results[1].values());
    assert!(results[2].values().is_empty());
}

#[tokio::test]
async fn the_other_sdks_read_quotas_catalog_and_identity() {
    let sim = served(World::demo(1, NOON)).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;

    let role = "arn:aws:iam::000000000002:role/reader";
    let sts = aws_sdk_sts::Client::new(&config);
    let assumed = sts.assume_role().role_arn(role).role_session_name("t").send().await.unwrap();
    let key = assumed.credentials().unwrap().access_key_id();
    let labs = sdk(&sim.url, key, "us-west-2").await;
    let me = aws_sdk_sts::Client::new(&labs).get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some("000000000002"));

    let quotas = aws_sdk_servicequotas::Client::new(&config);
    let applied = quotas.list_service_quotas().service_code("bedrock").into_paginator().items();
    let applied = applied.send().try_collect().await.unwrap();
    let codes: BTreeSet<_> = applied.iter().filter_map(|q| q.quota_code()).collect();
    assert_eq!(codes.len(), applied.len());
    assert!(codes.len() > 500, "{}", codes.len());

    let bedrock = aws_sdk_bedrock::Client::new(&labs);
    let imported = bedrock.list_imported_models().send().await.unwrap();
    assert_eq!(imported.model_summaries()[0].model_name(), "legal-qwen");
    let bedrock = aws_sdk_bedrock::Client::new(&config);
    let profiles = bedrock.list_inference_profiles().type_equals(InferenceProfileType::Application);
    let profiles = profiles.send().await.unwrap();
    let search = &profiles.inference_profile_summaries()[0];
    let tags = bedrock.list_tags_for_resource().resource_arn(search.inference_profile_arn());
    let tags = tags.send().await.unwrap();
    assert!(tags.tags().iter().any(|t| (t.key(), t.value()) == ("team", "search")));

    let calls = sim.sim.calls().await;
    let asked = ApiCall {
        service: "servicequotas".into(),
        operation: "ListServiceQuotas".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
    };
    assert!(calls[&asked].calls >= 6, "{calls:?}");
}

#[tokio::test]
async fn boto3_finds_nothing_wrong() {
    let sim = served(World::demo(1, NOON)).await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut check = std::process::Command::new(crate::rig::python());
    check.arg(root.join("tests/boto3/check.py")).arg(&sim.url);
    let output = tokio::task::spawn_blocking(move || check.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The outside of a signature; its inside is not looked at.
fn authorization(key: &str, region: &str, service: &str) -> String {
    let scope = format!("{key}/20261120/{region}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={}", "0".repeat(64))
}

fn get_quota(client: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
    client
        .post(url)
        .header("authorization", authorization("AKIAANYKEY", "us-east-1", "servicequotas"))
        .header("x-amz-target", "ServiceQuotasV20190624.GetServiceQuota")
        .header("content-type", "application/x-amz-json-1.1")
        .body(r#"{"ServiceCode": "bedrock", "QuotaCode": "L-58BE175A"}"#)
}

/// What a client gets for one request while a fault holds.
async fn under(kind: Kind) -> Result<(u16, String, Vec<u8>), reqwest::Error> {
    let sim = served(World::demo(1, NOON)).await;
    sim.sim.set_faults(vec![Fault::new(kind)]).await;
    let client = reqwest::Client::builder().timeout(Duration::from_millis(700)).build().unwrap();
    let response = get_quota(&client, &sim.url).send().await?;
    let date = response.headers()["date"].to_str().unwrap().to_string();
    Ok((response.status().as_u16(), date, response.bytes().await?.to_vec()))
}

#[tokio::test]
async fn answers_break_off_or_never_come() {
    assert!(under(Kind::Timeout).await.unwrap_err().is_timeout());
    assert!(under(Kind::Slow).await.unwrap_err().is_timeout());
    let truncated = under(Kind::Truncated).await.unwrap_err();
    assert!(truncated.is_decode(), "{truncated:?}");
}

#[tokio::test]
async fn a_reset_is_no_orderly_end() {
    let sim = served(World::demo(1, NOON)).await;
    sim.sim.set_faults(vec![Fault::new(Kind::Reset)]).await;
    let mut line = TcpStream::connect(sim.url.trim_start_matches("http://")).await.unwrap();
    let authorization = authorization("AKIAANYKEY", "us-east-1", "bedrock");
    let request =
        format!("GET /imported-models HTTP/1.1\r\nhost: sim\r\nauthorization: {authorization}\r\n\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    let error = line.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn answers_are_not_what_they_should_be() {
    let (status, date, body) = under(Kind::ContentType).await.unwrap();
    assert_eq!((status, &body[..15]), (200, &b"<!DOCTYPE html>"[..]));
    assert_eq!(date, "Fri, 20 Nov 2026 12:00:00 GMT");
    let (_, date, body) = under(Kind::ClockSkew { seconds: -600 }).await.unwrap();
    assert_eq!(date, "Fri, 20 Nov 2026 11:50:00 GMT");
    assert!(String::from_utf8(body).unwrap().contains("L-58BE175A"));
    for (kind, status, code) in [
        (Kind::Status { status: 429, code: None }, 429, "TooManyRequestsException"),
        (Kind::Status { status: 500, code: None }, 500, "InternalServerException"),
        (Kind::Status { status: 503, code: Some("SlowDown".into()) }, 503, "SlowDown"),
        (Kind::AccessDenied, 400, "AccessDeniedException"),
        (Kind::ExpiredToken, 403, "ExpiredTokenException"),
    ] {
        let (answered, _, body) = under(kind).await.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((answered, error["__type"].as_str()), (status, Some(code)));
    }
}

#[tokio::test]
async fn a_huge_answer_is_huge() {
    let sim = served(World::demo(1, NOON)).await;
    sim.sim.set_faults(vec![Fault::new(Kind::HugeBody)]).await;
    let response = get_quota(&reqwest::Client::new(), &sim.url).send().await.unwrap();
    assert_eq!(response.content_length().map(|n| n >> 20), Some(50));
}

#[tokio::test]
async fn a_page_may_be_empty_and_a_token_repeat() {
    let sim = served(World { rates: false, ..World::demo(1, NOON) }).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;
    let client = aws_sdk_servicequotas::Client::new(&config);
    let list = || client.list_service_quotas().service_code("bedrock");
    let all = list().into_paginator().items().send().try_collect().await.unwrap();

    sim.sim.set_faults(vec![Fault::new(Kind::EmptyPage)]).await;
    let first = list().send().await.unwrap();
    assert!(first.quotas().is_empty() && first.next_token().is_some());
    let behind = list().into_paginator().items().send().try_collect().await.unwrap();
    assert_eq!(behind, all);

    sim.sim.set_faults(vec![Fault::new(Kind::RepeatingToken)]).await;
    let first = list().send().await.unwrap();
    let second = list().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!(first.quotas(), second.quotas());
    assert_eq!(first.next_token(), second.next_token());
}

#[tokio::test]
async fn metrics_are_spoilt_in_cbor_too() {
    let sim = served(World::demo(1, NOON)).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;
    let client = aws_sdk_cloudwatch::Client::new(&config);
    let read = async |kind| {
        sim.sim.set_faults(vec![Fault { operation: Some("GetMetricData".into()), ..Fault::new(kind) }]).await;
        let asked =
            client.get_metric_data().metric_data_queries(query("a", SONNET, "Invocations", "Sum", 60));
        let window = (DateTime::from_secs(NOON - 900), DateTime::from_secs(NOON - 300));
        asked.start_time(window.0).end_time(window.1).send().await.unwrap().metric_data_results()[0].clone()
    };
    assert!(read(Kind::NanValue).await.values().iter().all(|v| v.is_nan()));
    assert!(read(Kind::FuturePoints).await.timestamps().iter().all(|t| t.secs() > NOON));
    let partial = read(Kind::PartialData).await;
    assert_eq!((partial.status_code(), partial.values().len()), (Some(&StatusCode::PartialData), 5));
    let failed = read(Kind::InternalError).await;
    assert_eq!((failed.status_code(), failed.values().len()), (Some(&StatusCode::InternalError), 0));
    assert_eq!(read(Kind::MissingValue).await.values().len(), 9);
}

#[tokio::test]
async fn refusals_reach_the_sdk_with_their_codes() {
    let sim = served(World::demo(1, NOON)).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;
    let config = config.to_builder().retry_config(RetryConfig::disabled()).build();
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let list = async |kind| {
        sim.sim.set_faults(vec![Fault::new(kind)]).await;
        let refused = cloudwatch.list_metrics().send().await.unwrap_err();
        refused.into_service_error().meta().code().map(str::to_string)
    };
    let status = |status| Kind::Status { status, code: None };
    assert_eq!(list(status(429)).await.as_deref(), Some("Throttling"));
    assert_eq!(list(status(503)).await.as_deref(), Some("ServiceUnavailable"));
    assert_eq!(list(Kind::AccessDenied).await.as_deref(), Some("AccessDenied"));
    let sts = aws_sdk_sts::Client::new(&config);
    sim.sim.set_faults(vec![Fault::new(Kind::ExpiredToken)]).await;
    let refused = sts.get_caller_identity().send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ExpiredToken"));
    let bedrock = aws_sdk_bedrock::Client::new(&config);
    sim.sim.set_faults(vec![Fault::new(status(429))]).await;
    let refused = bedrock.list_foundation_models().send().await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ThrottlingException"));
}

#[tokio::test]
async fn who_does_not_sign_is_refused() {
    let sim = served(World::demo(1, NOON)).await;
    let client = reqwest::Client::new();
    let quota = || get_quota(&client, &sim.url).build().unwrap();
    let known = |key, region| Some(authorization(key, region, "servicequotas"));
    for (authorization, code) in [
        (None, "MissingAuthenticationTokenException"),
        (Some("Basic Zm9vOmJhcg==".into()), "IncompleteSignatureException"),
        (known("AKIAANYKEY", "us-east-1").map(|a| a.replace("0000", "")), "IncompleteSignatureException"),
        (known("ASIAWITHOUTTOKEN", "us-east-1"), "UnrecognizedClientException"),
        (known("AKIAANYKEY", "eu-north-1"), "UnrecognizedClientException"),
    ] {
        let mut request = quota();
        request.headers_mut().remove("authorization");
        if let Some(authorization) = authorization {
            request.headers_mut().insert("authorization", authorization.parse().unwrap());
        }
        let response = client.execute(request).await.unwrap();
        assert_eq!(response.status(), 403);
        let body = response.text().await.unwrap();
        assert!(body.contains(code), "{body} is not {code}");
    }
}

#[tokio::test]
async fn the_admin_sets_the_clock_and_faults_and_reads_calls_and_truth() {
    let sim = served(World::demo(1, NOON)).await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}/_sim/{path}", sim.url);
    let put = async |path: &str, body: &'static str| {
        let request = client.put(url(path)).header("content-type", "application/json").body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let get = async |path: &str| -> serde_json::Value {
        serde_json::from_slice(&client.get(url(path)).send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    assert_eq!(put("clock", r#"{"advance": 90}"#).await, 200);
    assert_eq!(get("clock").await, serde_json::json!({"now": NOON + 90, "fixed": true}));
    assert_eq!(put("clock", r#"{"offset": 0}"#).await, 200);
    assert_eq!(get("clock").await["fixed"], false);
    assert_eq!(put("clock", r#"{"yesterday": 0}"#).await, 422);

    assert_eq!(put("faults", r#"[{"service": "servicequotas", "kind": "gremlins"}]"#).await, 422);
    assert_eq!(put("faults", r#"[{"service": "servicequotas", "kind": "expired_token"}]"#).await, 204);
    assert_eq!(get_quota(&client, &sim.url).send().await.unwrap().status(), 403);
    assert_eq!(get("faults").await[0]["kind"], "expired_token");
    client.delete(url("faults")).send().await.unwrap();
    assert_eq!(get_quota(&client, &sim.url).send().await.unwrap().status(), 200);

    let calls = get("calls").await;
    assert_eq!((&calls[0]["operation"], &calls[0]["calls"]), (&"GetServiceQuota".into(), &2.into()));
    client.delete(url("calls")).send().await.unwrap();
    assert_eq!(get("calls").await, serde_json::json!([]));

    let minute = NOON / 60;
    let asked =
        format!("account=000000000000&region=us-west-2&code=L-15B8E632&from={minute}&until={}", minute + 3);
    let truth = get(&format!("truth?{asked}")).await;
    assert_eq!(truth.as_array().map(Vec::len), Some(3));
    assert_eq!(truth[0]["limit"], 6e6);
}

#[tokio::test]
async fn metrics_are_counted_as_aws_bills_them() {
    let sim = served(World::demo(1, NOON)).await;
    let config = sdk(&sim.url, "AKIAANYKEY", "us-east-1").await;
    let statistics = ["p50", "p90", "p99", "Average", "Maximum", "Minimum"];
    let latency =
        statistics.iter().map(|stat| query(&stat.to_lowercase(), SONNET, "InvocationLatency", stat, 60));
    let queries: Vec<_> = latency.chain([query("n", SONNET, "Invocations", "Sum", 60)]).collect();
    let client = aws_sdk_cloudwatch::Client::new(&config);
    let asked = client.get_metric_data().set_metric_data_queries(Some(queries));
    let window = (DateTime::from_secs(NOON - 900), DateTime::from_secs(NOON - 300));
    asked.start_time(window.0).end_time(window.1).send().await.unwrap();
    let calls = sim.sim.calls().await;
    let count = calls.values().next().unwrap();
    // Six statistics of the latency are two metrics, the invocations one.
    assert_eq!((calls.len(), count.calls, count.metrics), (1, 1, 3));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refused = bedrock_quota_exporter::sim::serve(listener, World::default(), async {}).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("the simulated AWS listens on loopback only, not on {address}"));
}

#[tokio::test]
async fn it_stops_though_an_answer_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sim = Sim::new(World::demo(1, NOON));
    sim.set_faults(vec![Fault::new(Kind::Timeout)]).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(sim.clone().serve(listener, async { stopped.await.unwrap_or(()) }));
    let client = reqwest::Client::new();
    let hanging = tokio::spawn(get_quota(&client, &url).send());
    while sim.calls().await.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stop);
    serving.await.unwrap().unwrap();
    assert!(hanging.await.unwrap().is_err());
}
