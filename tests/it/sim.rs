//! The simulated AWS, seen by clients that nobody here wrote: the Rust SDKs and boto3.

use aws_sdk_bedrock::types::InferenceProfileType;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, RecentlyActive, ScanBy};
use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::desk::{Call as Asked, Clock};
use bedrock_quota_exporter::sim::world::World;
use std::collections::BTreeSet;
use tokio::net::TcpListener;
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
    let asked = Asked {
        service: "servicequotas".into(),
        operation: "ListServiceQuotas".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
    };
    assert!(calls[&asked].calls >= 6, "{calls:?}");
}
