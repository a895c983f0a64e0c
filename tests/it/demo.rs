//! The demo: the binary as a newcomer starts it, and every situation of its world.

use crate::prometheus_text::promtool_check;
use crate::rig::{Rig, python};
use bedrock_quota_exporter::sim::world::World;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the demo on a free port; returns its base URL.
fn start_demo() -> (Process, String) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["demo", "--web.listen-address=127.0.0.1:0"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("msg=listening address=")?;
        Some(address.trim().to_string())
    });
    std::thread::spawn(move || lines.count());
    (Process(demo), format!("http://{}", address.expect("the demo says where it listens")))
}

async fn get(url: &str) -> (u16, String) {
    match reqwest::get(url).await {
        Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
        Err(error) => (0, error.to_string()),
    }
}

/// Asks until the answer is accepted, four times a second for two minutes.
async fn until(url: &str, accepted: impl Fn(u16, &str) -> bool) -> String {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..480 {
        ticks.tick().await;
        let (status, body) = get(url).await;
        if accepted(status, &body) {
            return body;
        }
    }
    panic!("{url}: never as expected; last: {:.300?}", get(url).await);
}

#[tokio::test]
async fn a_newcomer_sees_the_demo_in_a_real_prometheus_and_stops_it() {
    let started = Instant::now();
    let (mut demo, url) = start_demo();
    until(&format!("{url}/-/ready"), |status, _| status == 200).await;
    println!("ready {:.1} s after the start", started.elapsed().as_secs_f64());
    let quotas = |page: &str| page.lines().filter(|line| line.starts_with("bedrock_quota_limit{")).count();
    let metrics = until(&format!("{url}/metrics"), |_, page| quotas(page) >= 200).await;
    promtool_check(&metrics);
    assert!(metrics.contains(r#"mode="demo""#), "a demo must not be taken for AWS");
    let (_, page) = get(&url).await;
    let lines = page.matches("<tr><td>research <small>000000000001</small></td>").count();
    assert_eq!(lines, 4, "one line per target");
    assert!(page.contains("demo: AWS is simulated"), "a demo must not be taken for AWS");

    software_asks(&url).await;

    let folder = std::env::temp_dir().join(format!("bqe-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = url.trim_start_matches("http://");
    let config = format!(
        "scrape_configs: [{{job_name: bedrock, scrape_interval: 1s, static_configs: [{{targets: ['{target}']}}]}}]"
    );
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("prometheus: {error}; run `make test`, which installs it"));
    let prometheus = Process(prometheus);
    let query = "bedrock_quota_utilization_peak_ratio%20%3E%200.8";
    let answer = until(&format!("http://127.0.0.1:{port}/api/v1/query?query={query}"), |status, body| {
        status == 200 && body.contains(r#""quota_code":"L-F4DDD3EB""#)
    })
    .await;
    assert!(answer.contains(r#""model":"anthropic.claude-sonnet-4-5-20250929-v1:0""#), "{answer}");
    drop(prometheus);
    let _ = std::fs::remove_dir_all(folder);

    let stopped = Instant::now();
    Command::new("kill").args(["-TERM", &demo.0.id().to_string()]).status().unwrap();
    let status = demo.0.wait().unwrap();
    assert_eq!(status.code(), Some(0), "SIGTERM ends it with exit code 0");
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}

/// The API over HTTP: an answer with its limits, the same answer again, and what is refused.
async fn software_asks(url: &str) {
    let client = reqwest::Client::new();
    let ask = |path: &str| client.get(format!("{url}/api/v1/{path}"));
    let query = "headroom?model_id=us.anthropic.claude-sonnet-4-6&account=production&region=us-west-2";
    let answer = ask(query).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_string();
    assert!(
        header("ratelimit-policy").contains("\"L-15B8E632\";q=6000000;w=60;qu=\"tokens\""),
        "{}",
        header("ratelimit-policy")
    );
    assert!(header("ratelimit").contains("\"L-15B8E632\";r="), "{}", header("ratelimit"));
    assert_eq!(header("content-type"), "application/json");
    let tag = header("etag");
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let items = body["items"].as_array().unwrap();
    let tokens = items.iter().find(|item| item["quota_code"] == "L-15B8E632").unwrap();
    assert_eq!((&tokens["limit"], &tokens["scope"]), (&6e6.into(), &"cross_region".into()));
    // A snapshot later it is another answer: then both differ.
    let again = ask(query).header("if-none-match", &tag).send().await.unwrap();
    let newer = again.headers()["etag"].to_str().unwrap() != tag;
    assert!(again.status() == 304 || newer, "{}", again.status());
    for list in ["headroom", "throttled", "quotas", "models", "findings", "targets"] {
        let (status, body) = get(&format!("{url}/api/v1/{list}?account=production")).await;
        assert_eq!(status, 200, "{list}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(body["items"].as_array().unwrap().iter().all(|item| item["account_name"] == "production"));
    }
    minute_by_minute(url).await;
    let (_, description) = get(&format!("{url}/api/v1/openapi.json")).await;
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();
    let told = &description["paths"]["/api/v1/headroom"]["get"]["responses"];
    for (status, header) in
        [("200", "RateLimit"), ("200", "RateLimit-Policy"), ("405", "Allow"), ("503", "Retry-After")]
    {
        assert!(told[status]["headers"][header].is_object(), "{status} {header}: {told}");
    }
    let schema = |list: &str| {
        let get = &description["paths"][format!("/api/v1/{list}")]["get"];
        get["responses"]["200"]["content"]["application/json"]["schema"]["properties"].clone()
    };
    for list in ["headroom", "throttled", "minutes", "quotas", "models"] {
        assert!(schema(list)["unread"]["items"]["properties"]["why"].is_object(), "{list}");
    }
    let (status, index) = get(&format!("{url}/api/v1")).await;
    assert!(
        status == 200 && index.contains("/api/v1/openapi.json") && index.contains("/api/v1/headroom"),
        "{index}"
    );
    let head = client.head(format!("{url}/api/v1/{query}")).send().await.unwrap();
    assert!(head.status() == 200 && head.headers().contains_key("etag"));
    let list = "headroom, throttled, minutes, export, quotas, models, findings, targets or openapi.json";
    for (path, expected, parameter, detail) in [
        ("headroom?model=acme.none", 404, "model".into(), "no watched target has such a quota"),
        (
            "targets?color=red",
            400,
            "color".into(),
            "`color` is no parameter; expected any of account, region",
        ),
        ("quotas?account=nobody", 404, "account".into(), "no watched account has the id or name `nobody`"),
        ("quotas?region=mars-1", 404, "region".into(), "region `mars-1` is not watched there"),
        ("models?region=", 400, "region".into(), "`region` is empty"),
        ("models?region=a&region=b", 400, "region".into(), "`region` is there twice"),
        (
            "models?scope=here",
            400,
            "scope".into(),
            "`scope` is `here`; expected one of on_demand, cross_region, global, regional, batch, provisioned",
        ),
        ("headroom?fullest=0", 400, "fullest".into(), "`fullest` is `0`; expected a number from 1 to 1000"),
        ("export?share=2", 400, "share".into(), "`share` is `2`; expected a number above 0, at most 1"),
        (
            "export?format=kong",
            400,
            "format".into(),
            "`format` is `kong`; expected one of litellm, envoy, json",
        ),
        ("export?model=acme.none", 404, "model".into(), "nothing of the kind can be called there"),
        (
            "minutes?account=production&region=us-west-2&model=acme.none",
            404,
            "model".into(),
            "no watched target knows such a `model`",
        ),
        (
            "models?account=production&region=us-west-2&model_id=acme.none",
            404,
            "model_id".into(),
            "no watched target knows such a `model_id`",
        ),
        ("minutes", 400, "model".into(), "`model` or `model_id` must say whose minutes"),
        ("nothing", 404, serde_json::Value::Null, &*format!("expected /api/v1/{list}")),
    ] {
        let refused = ask(path).send().await.unwrap();
        assert_eq!(refused.status(), expected, "{path}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!(
            (&problem["status"], &problem["parameter"], &problem["detail"]),
            (&expected.into(), &parameter, &detail.into())
        );
    }
    let posted = client.post(format!("{url}/api/v1/targets")).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), &posted.headers()["allow"]), (405, &"GET,HEAD".parse().unwrap()));
    assert_eq!(posted.headers()["content-type"], "application/problem+json");
}

/// A model that is refused at 40 % of its limit: among the throttled, among the fullest, and minute by minute.
async fn minute_by_minute(url: &str) {
    let items = async |path: &str| -> Vec<serde_json::Value> {
        let (status, body) = get(&format!("{url}/api/v1/{path}")).await;
        assert_eq!(status, 200, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["items"].as_array().unwrap().clone()
    };
    let of = "account=production&region=us-west-2";
    let throttled = items(&format!("throttled?{of}&model_id=us.anthropic.claude-sonnet-4-6")).await;
    assert_eq!(throttled.len(), 1, "{throttled:?}");
    assert_eq!(throttled[0]["model"], "anthropic.claude-sonnet-4-6");
    assert!(throttled[0]["refused_share"].as_f64() > Some(0.0), "{throttled:?}");
    let fullest = items("headroom?fullest=5").await;
    let shares: Vec<f64> =
        fullest.iter().map(|item| item["peak"].as_f64().unwrap() / item["limit"].as_f64().unwrap()).collect();
    assert!(shares.len() == 5 && shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    let minutes = items(&format!("minutes?{of}&model=anthropic.claude-sonnet-4-6")).await;
    let refused = minutes.iter().find(|item| item["scope"] == "cross_region").unwrap();
    let refused = refused["minutes"].as_array().unwrap();
    let starts: Vec<i64> = refused.iter().map(|minute| minute["start"].as_i64().unwrap()).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 60), "{starts:?}");
    assert!(refused.iter().any(|minute| minute["throttled"].as_f64() > Some(0.0)), "{refused:?}");
    assert!(
        refused.iter().any(|minute| minute["settled"] == false),
        "the newest may still grow: {refused:?}"
    );
}

#[test]
fn the_past_of_the_demo_is_a_block_of_a_prometheus() {
    let folder = std::env::temp_dir().join(format!("bqe-past-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let printed = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["demo", "--backfill=15m", "--backfill.step=3m", "--web.listen-address=:7777"])
        .output()
        .unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let calls = r#"bedrock_invocations_total{job="bedrock-quota-exporter",instance="localhost:7777","#;
    let deepseek = r#"model_id="us.deepseek.r1-v1:0""#;
    let samples = text.lines().filter(|line| line.starts_with(calls) && line.contains(deepseek));
    let samples: Vec<(f64, i64)> = samples
        .map(|line| {
            let mut words = line.rsplit(' ');
            let at = words.next().unwrap().parse().unwrap();
            (words.next().unwrap().parse().unwrap(), at)
        })
        .collect();
    assert!(samples.len() >= 5, "{samples:?}");
    // A newborn counter begins with the minutes that its windows need; a minute is one to three minutes late.
    let counted = &samples[1..];
    assert!(
        counted.windows(2).all(|pair| pair[1].1 - pair[0].1 == 180 && pair[1].0 >= pair[0].0),
        "{samples:?}"
    );
    let mean = (counted[counted.len() - 1].0 - counted[0].0) / (counted.len() - 1) as f64;
    assert!((450.0..=750.0).contains(&mean), "200 calls a minute are let through, not {mean} in 3");
    std::fs::write(folder.join("past.om"), &text).unwrap();
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "past.om", "data"])
        .current_dir(&folder)
        .output()
        .unwrap_or_else(|error| panic!("promtool: {error}; run `make test`, which installs it"));
    let said = String::from_utf8_lossy(&made.stdout);
    let blocks: Vec<Vec<&str>> = said.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let count: usize = blocks.iter().map(|block| block[4].parse::<usize>().unwrap()).sum();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = Command::new(python())
        .args([root.join("tests/openmetrics/check.py"), folder.join("past.om")])
        .output()
        .unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(count, lines, "{said}{}", String::from_utf8_lossy(&made.stderr));
    let strictly = String::from_utf8_lossy(&read.stdout);
    assert_eq!(strictly.trim(), lines.to_string(), "{}", String::from_utf8_lossy(&read.stderr));
    let named = r#"account_id="000000000001",account_name="research"} 1"#;
    assert!(text.contains(named), "the past has the names that the demo finds");
}

#[test]
fn a_bad_config_and_a_taken_port_are_told_in_one_line_with_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["demo", &format!("--web.listen-address={address}")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");

    let mut check = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["check", "--config.file=/nonexistent/config.yaml"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    check.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(check.wait().unwrap().code(), Some(1));
    assert!(said.contains("/nonexistent/config.yaml: cannot be read"), "{said}");
}

/// A Sunday at noon, UTC.
const START: i64 = 1_795_348_800;

/// Every situation that the demo promises, each by a sample that a user would look for.
#[tokio::test]
async fn every_situation_of_the_demo_is_visible() {
    // Twelve targets and the simulated AWS share this thread, on a machine that runs other tests.
    let config = "quotas: {interval: 1m}\naws: {attempt_timeout: 1m, operation_timeout: 3m}\n";
    let mut rig = Rig::start(World::demo(1, START), config, START).await;
    for minute in 0..7 {
        rig.round(START + 60 * minute).await;
        if minute == 1 {
            assert_eq!(nova_pro_limit(&rig), 2_000_000.0, "not lowered yet");
        }
    }
    let value = |family: &str, labels: &[&str]| {
        let found = rig.find(family, labels);
        assert_eq!(found.len(), 1, "{family} {labels:?}: {found:#?}");
        found[0].1
    };
    let near = [r#"account_id="000000000000",region="us-east-1""#, r#"quota_code="L-F4DDD3EB""#];
    assert!(value("bedrock_quota_utilization_peak_ratio", &near) > 0.9, "a model near its TPM");

    let reservation = [r#"account_id="000000000000",region="us-west-2",model="anthropic.claude-sonnet-4-6""#];
    assert_eq!(value("bedrock_throttle_cause", &[reservation[0], r#"cause="reservation""#]), 1.0);
    let tpm = [reservation[0], r#"scope="cross_region""#, r#"quota="tokens_per_minute""#];
    let measured = value("bedrock_quota_throttled_utilization_ratio", &tpm);
    assert!((0.3..0.5).contains(&measured), "throttled at {measured} of measured use");

    let deepseek = r#"account_id="000000000000",region="us-east-1",model="deepseek.r1-v1:0""#;
    assert_eq!(value("bedrock_throttle_cause", &[deepseek, r#"cause="requests_per_minute""#]), 1.0);

    let opus = [r#"model="anthropic.claude-opus-5""#, r#"scope="global""#, r#"quota="requests_per_minute""#];
    let without = [r#"region="us-east-1""#, opus[0], opus[1], opus[2], r#"state="no_such_quota""#];
    assert_eq!(value("bedrock_quota_state", &without), 1.0, "no requests quota");

    let zero = [r#"account_id="000000000002",region="eu-central-1",model="anthropic.claude-opus-4-8""#];
    let states = rig.find("bedrock_quota_state", &[zero[0], r#"state="zero""#]);
    assert!(!states.is_empty(), "a zero quota");
    assert!(value("bedrock_attempts", &[zero[0], r#"window="5m""#]) > 0.0, "with attempts");
    assert_eq!(value("bedrock_throttle_cause", &[zero[0], r#"cause="zero_quota""#]), 1.0);

    let below = [r#"account_id="000000000001",region="us-east-1",model="anthropic.claude-sonnet-4-6""#];
    let tpm = [below[0], r#"scope="cross_region""#, r#"quota="tokens_per_minute""#];
    assert!(
        value("bedrock_quota_limit", &tpm) < value("bedrock_quota_default", &tpm),
        "applied below default"
    );

    let maverick =
        r#"account_id="000000000001",region="us-west-2",model="meta.llama4-maverick-17b-instruct-v1:0""#;
    assert!(
        !rig.find("bedrock_quota_state", &[maverick, r#"state="not_listed""#]).is_empty(),
        "only a default"
    );

    let haiku =
        [r#"account_id="000000000000",region="us-east-1",model="anthropic.claude-haiku-4-5-20251001-v1:0""#];
    let tpm = [haiku[0], r#"scope="cross_region""#, r#"quota="tokens_per_minute""#];
    let who: Vec<_> = rig.find("bedrock_quota_tokens_total", &tpm).into_iter().map(|(key, _)| key).collect();
    for id in ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "srch7f3k2m9q", "supp4d8w1x6z"] {
        assert!(who.iter().any(|key| key.contains(id)), "{id} shares the quota: {who:#?}");
    }
    assert_eq!(value("bedrock_model_id_info", &[r#"model_id="srch7f3k2m9q""#, r#"team="search""#]), 1.0);

    let storm =
        [r#"account_id="000000000001",region="us-east-1",model="anthropic.claude-opus-4-5-20251101-v1:0""#];
    assert_eq!(value("bedrock_throttle_ratio", &[storm[0], r#"window="5m""#]), 1.0, "a storm from idle");

    for (labels, what) in [
        ([r#"type="custom_deployment""#, "custom-model-deployment/"], "a custom-model deployment"),
        ([r#"type="imported""#, "imported-model/"], "an imported model"),
        ([r#"type="provisioned""#, "pt7k2m4x9qva"], "a provisioned throughput"),
        ([r#"type="mantle""#, r#"endpoint="mantle""#], "a mantle user"),
    ] {
        assert!(!rig.find("bedrock_model_id_info", &labels).is_empty(), "{what}");
    }
    assert!(
        !rig.find("bedrock_unmapped_model", &[r#"model_id="gone5t2r8y4u""#]).is_empty(),
        "unmapped traffic"
    );
    assert!(!rig.find("bedrock_provisioned_throughput_model_units", &[]).is_empty());
    assert!(!rig.find("bedrock_batch_jobs", &[r#"status="InProgress""#]).is_empty());
    assert_eq!(value("bedrock_service_quota_increase_requested", &[r#"status="CASE_OPENED""#]), 20e6);
    assert!(!rig.find("bedrock_quota_usage", &[r#"quota="tokens_per_day""#, r#"quota_code="L-"#]).is_empty());
    assert!(!rig.find("bedrock_legacy_invocations_total", &[]).is_empty(), "a legacy model still called");
    assert!(!rig.find("bedrock_invocation_server_errors_total", &[]).is_empty(), "capacity errors");
    let sonic = r#"account_id="000000000002",region="ap-northeast-1""#;
    let unreadable = rig.find("bedrock_quota_state", &[sonic, r#"state="error""#]);
    assert_eq!(unreadable.len(), 1, "a quota whose value cannot be read: {unreadable:?}");
    let up = rig.find("bedrock_exporter_target_up", &[]);
    assert!(up.iter().all(|(_, up)| *up == 1.0), "which takes no target down: {up:?}");
    let cross_model = [r#"quota_code="L-E3F10727""#, r#"account_id="000000000000",region="us-east-1""#];
    assert_eq!(value("bedrock_service_quota_applied", &cross_model), 700e6, "the account-wide day quota");

    let research = r#"account_id="000000000001",region="ap-northeast-1""#;
    let day = |model, scope| [research, model, scope, r#"quota="tokens_per_day""#];
    let qwen = day(r#"model="qwen.qwen3-32b-v1:0""#, r#"scope="regional""#);
    assert!((0.5..1.0).contains(&value("bedrock_quota_utilization_ratio", &qwen)));
    let runs_out = value("bedrock_quota_exhaustion_timestamp_seconds", &qwen) as i64;
    assert!((START + 420..START + 43_200).contains(&runs_out), "before midnight: {runs_out}");
    let sonnet =
        day(r#"model="anthropic.claude-sonnet-4-5-20250929-v1:0""#, r#"scope="global",variant="standard""#);
    assert!(value("bedrock_quota_utilization_ratio", &sonnet) >= 1.0, "the day's tokens are spent");
    let cause = [research, sonnet[1], r#"scope="global",cause="tokens_per_day""#];
    assert_eq!(value("bedrock_throttle_cause", &cause), 1.0);

    let labs = r#"account_id="000000000002",region="eu-central-1""#;
    for model in
        ["anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0", "amazon.nova-2-lite-v1:0"]
    {
        let model = format!(r#"model="{model}""#);
        assert!(value("bedrock_throttle_ratio", &[labs, &model, r#"window="5m""#]) > 0.5, "{model}");
        let ceilings = rig.find("bedrock_quota_throttled_utilization_ratio", &[labs, &model]);
        assert!(!ceilings.is_empty() && ceilings.iter().all(|(_, c)| *c < 0.6), "{ceilings:?}");
    }

    let now = (START + 360) as f64;
    let ends = value("bedrock_provisioned_throughput_commitment_expiration_timestamp_seconds", &[]);
    assert!(ends > now && ends < now + 14.0 * 86_400.0, "a commitment ends soon");
    let asked = value("bedrock_service_quota_increase_created_timestamp_seconds", &[]);
    assert!(asked < now - 7.0 * 86_400.0, "an increase request is old");
    let ends = [
        r#"account_id="000000000002",region="us-east-1""#,
        r#"model="anthropic.claude-opus-4-1-20250805-v1:0""#,
    ];
    assert!(value("bedrock_model_end_of_life_timestamp_seconds", &ends) < now + 60.0 * 86_400.0);

    let lowered = nova_pro_limit(&rig);
    assert!(lowered < 2_000_000.0, "lowered two minutes after the start: {lowered}");
}

fn nova_pro_limit(rig: &Rig) -> f64 {
    let labels = [
        r#"account_id="000000000002",region="us-west-2",model="amazon.nova-pro-v1:0""#,
        r#"scope="cross_region""#,
        r#"quota="tokens_per_minute""#,
    ];
    rig.find("bedrock_quota_limit", &labels)[0].1
}
