//! What was not read, by the binary: the API does not call it none, and `probe` does not call.

use crate::served::{Scrape, Served, TWO, world};
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// No quotas of us-east-1, and no usage of us-west-2.
async fn half_read(name: &str) -> Served {
    let denied = |region: &str, service: &str| Fault {
        region: Some(region.into()),
        service: Some(service.into()),
        ..Fault::new(Kind::AccessDenied)
    };
    let faults = vec![denied("us-east-1", "servicequotas"), denied("us-west-2", "monitoring")];
    let served = Served::of(name, world(), TWO, faults).await;
    let is = |scrape: &Scrape, region: &str, collector: &str, up: &str| {
        let mut lines = scrape.lines("bedrock_exporter_target_up");
        lines.any(|line| line.contains(region) && line.contains(collector) && line.ends_with(up))
    };
    served
        .until("half of it is read", |scrape| {
            is(scrape, "us-east-1", "\"usage\"", " 1")
                && is(scrape, "us-west-2", "\"quotas\"", " 1")
                && is(scrape, "us-east-1", "\"quotas\"", " 0")
                && is(scrape, "us-west-2", "\"usage\"", " 0")
        })
        .await;
    served
}

impl Served {
    async fn ask(&self, path: &str) -> (u16, Option<String>, Value) {
        let answer = reqwest::get(format!("{}/api/v1/{path}", self.url)).await.unwrap();
        let after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_string());
        (answer.status().as_u16(), after, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_nothing_that_was_read_is_no_list_and_half_a_list_says_so() {
    let served = half_read("unread").await;
    let model = "model=anthropic.claude-sonnet-4-5-20250929-v1:0";
    for path in [
        "quotas?region=us-east-1",
        "headroom?region=us-east-1",
        "headroom?fullest=5",
        "throttled?region=us-west-2",
        "models?region=us-west-2",
        &format!("minutes?region=us-west-2&{model}"),
    ] {
        let (status, after, problem) = served.ask(path).await;
        assert_eq!((status, after.as_deref()), (503, Some("10")), "{path}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("not read yet, or not of late: 000000000000 in us-"), "{path}: {detail}");
    }
    let minutes = format!("minutes?{model}");
    for (path, lacks) in [
        ("quotas", &[("us-east-1", "quotas: ")][..]),
        ("throttled", &[("us-west-2", "usage: ")]),
        ("models", &[("us-west-2", "usage: ")]),
        (&minutes, &[("us-west-2", "usage: ")]),
        ("headroom", &[("us-east-1", "quotas: "), ("us-west-2", "usage: ")]),
    ] {
        let (status, _, list) = served.ask(path).await;
        assert_eq!(status, 200, "{path}: {list}");
        let unread = list["unread"].as_array().unwrap();
        assert_eq!(unread.len(), lacks.len(), "{path}: {unread:?}");
        for (one, (region, what)) in unread.iter().zip(lacks) {
            assert_eq!((&one["account_id"], &one["region"]), (&"000000000000".into(), &(*region).into()));
            let why = one["why"].as_str().unwrap();
            assert!(why.starts_with(what) && why.contains("AccessDenied"), "{path}: {why}");
        }
        let items = list["items"].as_array().unwrap();
        assert!(path == "throttled" || !items.is_empty(), "{path}");
    }
    let (_, _, known) = served.ask(&format!("headroom?region=us-west-2&model_id={SONNET}")).await;
    for item in known["items"].as_array().unwrap() {
        assert!(item["limit"].is_number(), "{item}");
        assert_eq!((&item["safe_rate"], &item["throttled"]), (&json!(null), &json!(null)), "{item}");
        assert_eq!(item["unknown"]["safe_rate"], "usage was not read yet");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_made_where_an_exporter_cannot_tell_whether_others_are_refused() {
    let served = half_read("blind").await;
    let results = served.folder.join("results");
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .arg("probe")
        .arg(format!("--config.file={}", served.folder.join("config.yaml").display()))
        .arg(format!("--url={}", served.url))
        .arg(format!("--output={}", results.display()))
        .args(["--region=us-west-2", "--yes", "--most-requests=5", "--most-tokens=5000", "--most-dollars=1"])
        .args(["--most-minutes=1", "--input-price=3", "--output-price=15", SONNET])
        .envs([("AWS_ACCESS_KEY_ID", "AKIASIMULATED"), ("AWS_SECRET_ACCESS_KEY", "simulated")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = "others cannot be watched, so nothing was sent: the exporter has not read usage: ";
    assert!(said.contains(expected), "{said}");
    assert!(!results.join("timeline.csv").exists(), "nothing was sent");
}
