//! Keys that do not come, that AWS refuses, or that are another account's, by the binary: nothing hangs, nothing secret is
//! shown, and the log says whose they are.

use crate::credentials::{
    AT_SIM, FIRST, Machine, PROFILE, SECOND, Serving, UNSPENT, key, section, serve_router, world,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use bedrock_quota_exporter::sim::world::{Region, World};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Read often enough for a test.
const OFTEN: &str = "usage: {interval: 10s, discovery_interval: 10s}\n";

/// A profile whose keys a script prints.
fn profile_of(machine: &Machine, profile: &str, script: &str) -> String {
    let script = machine.file(&format!("{profile}.sh"), &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("[profile {profile}]\ncredential_process = {}\n", script.display())
}

impl Serving {
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub fn logged(&self, texts: &[&str]) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| texts.iter().all(|text| line.contains(text))).cloned().collect()
    }
}

/// Whether the collector of usage is up (` 1`) or down (` 0`) at a target.
fn usage_is(text: &str, up: &str) -> bool {
    let mut targets = text.lines().filter(|line| line.starts_with("bedrock_exporter_target_up{"));
    targets.any(|line| line.contains("collector=\"usage\"") && line.ends_with(up))
}

/// Whether the process runs; one that has ended may wait for its parent.
fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_process_that_hangs_is_ended_and_its_account_named() {
    let machine = Machine::new("process-hangs").await.with("PATH", "/usr/bin:/bin");
    let started = machine.folder.join("started");
    let hang = format!("sleep 3000 &\necho $! >> {}\nwait", started.display());
    machine.file(".aws/config", &profile_of(&machine, "hang", &hang));
    machine.file(".aws/credentials", &section("research", FIRST));
    let config = format!(
        "regions: [us-east-1]\naccounts: [{{profile: hang}}, {{profile: research}}]\n{UNSPENT}aws: {{endpoint_url: '{}', \
         max_attempts: 1, connect_timeout: 1s, attempt_timeout: 2s, operation_timeout: 2s}}\n",
        machine.url
    );
    let serving = Serving::start(&machine, &config);
    let down = "bedrock_exporter_target_up{account_id=\"\",region=\"us-east-1\",collector=\"usage\"} 0";
    serving.until("the target is down", |text| text.contains(down)).await;
    let read = format!("bedrock_quota_limit{{account_id=\"{FIRST}\"");
    serving.until("the other account is read", |text| text.contains(&read)).await;
    let ready = "nothing could be read of the account of profile hang in us-east-1\n";
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
    let mut answer = (0, String::new());
    for _ in 0..240 {
        ticks.tick().await;
        answer = serving.get("/-/ready").await;
        if answer.1 == ready {
            break;
        }
    }
    assert_eq!(answer, (503, ready.to_string()));
    let said = "credentials of profile hang: the credential_process of the profile hang took longer than 2 s";
    assert_eq!(
        serving.logged(&["credentials failed", "no_credentials", said]).len(),
        1,
        "{:?}",
        serving.logged(&[])
    );
    let started = std::fs::read_to_string(started).unwrap();
    assert!((1..=3).contains(&started.lines().count()), "not started again and again: {started}");
    let first = started.lines().next().unwrap();
    assert!(!runs(first), "what it has started is ended with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_credential_process_prints_is_shown() {
    let machine = Machine::new("process-tells").await.with("PATH", "/usr/bin:/bin");
    let of_profile = "credentials of profile research: the credential_process of the profile research ";
    for (script, said) in [
        ("echo SUPERSECRET; exit 0", "printed no JSON object"),
        (
            "echo '{\"Version\": 1, \"SecretAccessKey\": \"SUPERSECRET\"}'",
            "printed an object without AccessKeyId",
        ),
        ("yes SUPERSECRET", "printed more than 64 KiB"),
        ("kill -9 $$", "ended with exit status 137"),
        ("echo SUPERSECRET; yes SUPERSECRET | head -100000 >&2; exit 3", "ended with exit status 3"),
    ] {
        machine.file(".aws/config", &profile_of(&machine, "research", script));
        let checked = machine.check(PROFILE).await;
        checked.fails_with(&[&format!("{of_profile}{said}")]);
        assert!(!checked.text.contains("SUPERSECRET"), "{}", checked.text);
    }
    let serving = Serving::start(&machine, &format!("{PROFILE}{AT_SIM}"));
    let metrics = serving.until("the target is down", |text| usage_is(text, " 0")).await;
    let (page, targets) = (serving.get("/").await.1, serving.get("/api/v1/targets").await.1);
    for text in [&page, &targets, &serving.logged(&["credentials failed"]).concat()] {
        assert!(text.contains("ended with exit status 3"), "{text}");
    }
    for text in [metrics, page, targets, serving.logged(&[]).concat()] {
        assert!(!text.contains("SUPERSECRET"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_another_account_than_the_told_one_are_logged_once_and_when_it_ends() {
    let machine = Machine::new("another").await;
    machine.file(".aws/credentials", &section("research", FIRST));
    let config = format!(
        "regions: [us-east-1]\naccounts: [{{profile: research, account_id: '{FIRST}'}}]\n{UNSPENT}{OFTEN}{AT_SIM}"
    );
    let serving = Serving::start(&machine, &config);
    let limit = format!("bedrock_quota_limit{{account_id=\"{FIRST}\"");
    serving.until("limits of the account", |text| text.contains(&limit)).await;
    machine.file(".aws/credentials", &section("research", SECOND));
    let sent = Command::new("kill").args(["-HUP", &serving.exporter.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let message = format!("credentials of profile research: they are of account {SECOND}, expected {FIRST}");
    let failed = ["credentials failed", "wrong_account", message.as_str()];
    serving.until("the log says so", |_| !serving.logged(&failed).is_empty()).await;
    machine.file(".aws/credentials", &section("research", FIRST));
    let works = ["credentials work again", FIRST];
    serving.until("the log says that it is over", |_| !serving.logged(&works).is_empty()).await;
    assert_eq!(
        (serving.logged(&failed).len(), serving.logged(&works).len()),
        (1, 1),
        "{:?}",
        serving.logged(&[])
    );
}

/// A way to the simulated AWS on which a key is unknown once it is revoked.
#[derive(Clone)]
struct Gate {
    aws: String,
    revoked: Arc<Mutex<Option<String>>>,
    /// The signatures that came by.
    seen: Arc<Mutex<BTreeSet<String>>>,
}

async fn pass(State(gate): State<Gate>, request: Request) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    if let Some(signed) =
        parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(String::from)
    {
        gate.seen.lock().unwrap().insert(signed.clone());
        if let Some(revoked) = gate.revoked.lock().unwrap().as_ref() {
            // Of an account that is not there.
            let signed = signed.replace(revoked, "AKIA999999999999GONE");
            parts.headers.insert(AUTHORIZATION, signed.parse().unwrap());
        }
    }
    let request = reqwest::Client::new().request(parts.method, format!("{}{}", gate.aws, parts.uri));
    let answer = request.headers(parts.headers).body(body).send().await.unwrap();
    let mut passed = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if ![CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            passed = passed.header(name, value);
        }
    }
    passed.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_rotated_is_read_anew_without_a_reload() {
    let machine = Machine::new("rotates").await;
    let gate = Gate { aws: machine.url.clone(), revoked: Arc::default(), seen: Arc::default() };
    let url = serve_router(Router::new().fallback(pass).with_state(gate.clone())).await;
    machine.file(".aws/credentials", &section("research", FIRST));
    let at = AT_SIM.replace("{url}", &url);
    let serving = Serving::start(&machine, &format!("{PROFILE}{UNSPENT}{OFTEN}{at}"));
    serving.until("usage is read by the first key", |text| usage_is(text, " 1")).await;
    let next = key(FIRST).replace("AKIA", "AKIB");
    machine.file(".aws/credentials", &section("research", FIRST).replace(&key(FIRST), &next));
    *gate.revoked.lock().unwrap() = Some(key(FIRST));
    let refused = |text: &str| failures(text, "expired_credentials") > 0.0;
    let used = || gate.seen.lock().unwrap().iter().any(|signed| signed.contains(&next));
    serving
        .until("usage is read by the next key", |text| refused(text) && used() && usage_is(text, " 1"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_wants_a_persons_code_is_refused_by_name() {
    let machine = Machine::new("mfa").await;
    machine.file(".aws/credentials", &section("base", FIRST));
    machine.file(
        ".aws/config",
        &format!(
            "[profile research]\nrole_arn = arn:aws:iam::{SECOND}:role/r\nsource_profile = base\n\
             mfa_serial = arn:aws:iam::{FIRST}:mfa/me\n"
        ),
    );
    machine
        .check(PROFILE)
        .await
        .fails_with(&["credentials of profile research: the profile research has an mfa_serial"]);
}

/// How often collections have failed with this class.
fn failures(text: &str, class: &str) -> f64 {
    let class = format!("class=\"{class}\"");
    let lines = text.lines().filter(|line| line.starts_with("bedrock_exporter_collection_errors_total{"));
    lines
        .filter(|line| line.contains(&class))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_a_reload_mends_is_said_to_end_and_one_that_goes_on_is_not_told_anew() {
    let machine = Machine::new("mended").await;
    machine.file(".aws/credentials", &section("other", FIRST));
    let config = |profile: &str| {
        let at = AT_SIM.replace("{url}", &machine.url);
        format!("regions: [us-east-1]\naccounts: [{{profile: {profile}}}, {{profile: later}}]\n{UNSPENT}{at}")
    };
    let serving = Serving::start(&machine, &config("research"));
    let of = |profile: &str| format!("credentials=\"profile {profile}\"");
    let failed = |profile: &str| {
        serving.logged(&["credentials failed", &format!("credentials of profile {profile}: ")])
    };
    let hangup = || {
        let sent = Command::new("kill").args(["-HUP", &serving.exporter.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    serving.until("both are told", |_| failed("research").len() + failed("later").len() == 2).await;

    // Nothing is mended yet: asked anew, it fails again, and the log knows it already.
    let before = failures(
        &serving.until("both are counted", |text| failures(text, "no_credentials") >= 2.0).await,
        "no_credentials",
    );
    hangup();
    serving
        .until("both fail again", |text| {
            !serving.logged(&["config reloaded"]).is_empty()
                && failures(text, "no_credentials") >= before + 2.0
        })
        .await;
    assert_eq!((failed("research").len(), failed("later").len()), (1, 1), "{:?}", serving.logged(&[]));

    // One is mended by a file, the other by another config.
    machine.file(".aws/credentials", &section("research", FIRST));
    machine.file("config.yaml", &config("research").replace(", {profile: later}", ""));
    hangup();
    let works = |text: &'static str, profile: &str| serving.logged(&[text, &of(profile)]).len();
    serving
        .until("the log says that it is over", |_| {
            works("credentials work again", "research")
                + works("credentials that failed are asked for no more", "later")
                == 2
        })
        .await;
    serving.until("usage is read", |text| usage_is(text, " 1")).await;
    assert_eq!((failed("research").len(), works("credentials work again", "research")), (1, 1));
}

/// A world in which the first account has this region, too.
fn with_region(name: &str) -> World {
    let mut world = world();
    let own = world.accounts[0].regions[0].clone();
    world.accounts[0].regions.push(Region { name: name.to_string(), ..own });
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_not_enabled_is_told_from_keys_that_are_expired() {
    let machine = Machine::new("disabled").await.with_keys(FIRST).with("AWS_REGION", "us-east-1");
    let config = format!("regions: [us-east-1, me-south-1]\n{UNSPENT}{AT_SIM}");
    let serving = Serving::start(&machine, &config);
    let here = "region=\"me-south-1\"";
    let disabled = |text: &str| {
        failures(
            &text.lines().filter(|line| line.contains(here)).collect::<Vec<_>>().join("\n"),
            "region_disabled",
        )
    };
    let text = serving
        .until("each collector fails there", |text| disabled(text) >= 3.0 && usage_is(text, " 1"))
        .await;
    assert_eq!(failures(&text, "expired_credentials"), 0.0, "{text}");
    assert_eq!(failures(&text, "region_disabled"), disabled(&text), "us-east-1 has no part in it");
    let said = "The security token included in the request is invalid. (AWS does not know the keys, or their account has not \
                enabled the region); STS knows them: me-south-1 is not enabled, or takes no session of the global STS endpoint";
    let told = serving.logged(&["collection failed", "class=region_disabled", said]);
    assert_eq!(told.len(), 3, "{:?}", serving.logged(&[]));
    machine.check(&config.replace(AT_SIM, "")).await.fails_with(&[
        "    us-east-1\n",
        "    me-south-1\n",
        said,
        "12 of 24 permissions tried are there.",
    ]);

    // Where STS itself is asked in such a region, nobody can tell.
    let machine = machine.with("AWS_REGION", "me-south-1");
    machine.check("regions: [us-east-1]\n").await.fails_with(&[
        "credentials of the environment: sts:GetCallerIdentity: HTTP 403, InvalidClientTokenId: ",
        "(AWS does not know the keys, or their account has not enabled the region)\n",
    ]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_refused_everywhere_are_expired_also_where_a_region_may_not_be_enabled() {
    let machine = Machine::at("opted-in", with_region("me-south-1")).await.with("AWS_REGION", "us-east-1");
    let gate = Gate { aws: machine.url.clone(), revoked: Arc::default(), seen: Arc::default() };
    let url = serve_router(Router::new().fallback(pass).with_state(gate.clone())).await;
    machine.file(".aws/credentials", &section("research", FIRST));
    let config = PROFILE.replace("us-east-1", "me-south-1");
    let serving =
        Serving::start(&machine, &format!("{config}{UNSPENT}{OFTEN}{}", AT_SIM.replace("{url}", &url)));
    serving.until("usage is read", |text| usage_is(text, " 1")).await;
    *gate.revoked.lock().unwrap() = Some(key(FIRST));
    let text =
        serving.until("the keys are refused", |text| failures(text, "expired_credentials") > 0.0).await;
    assert_eq!(failures(&text, "region_disabled"), 0.0, "{text}");
}
