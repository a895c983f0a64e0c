//! Keys that do not come, that AWS refuses, or that are another account's, by the binary: nothing hangs, nothing secret is
//! shown, and the log says whose they are.

use crate::credentials::{
    AT_SIM, FIRST, Machine, PROFILE, SECOND, Serving, UNSPENT, key, section, serve_router,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
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
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn logged(&self, texts: &[&str]) -> Vec<String> {
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
    let refused = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("class=\"expired_credentials\""));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() > 0.0
    };
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_keys_that_are_pipes_are_refused_by_name_and_hang_nothing() {
    let machine = Machine::new("pipes").await;
    let pipe = |name: &str| {
        let path = machine.folder.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path.display().to_string()
    };
    let credentials = pipe(".aws/credentials");
    let said = format!("credentials of profile research: {credentials}: found a pipe, expected a file");
    machine.check(PROFILE).await.fails_with(&[&said]);
    let serving = Serving::start(&machine, &format!("{PROFILE}{AT_SIM}"));
    serving.until("the log says so", |_| !serving.logged(&["credentials failed", &said]).is_empty()).await;
    std::fs::remove_file(&credentials).unwrap();
    let token = pipe("token");
    let role = format!("role_arn = arn:aws:iam::{FIRST}:role/pod");
    machine.file(".aws/config", &format!("[profile research]\n{role}\nweb_identity_token_file = {token}\n"));
    let said = format!("sts:AssumeRoleWithWebIdentity: {token}: found a pipe, expected a file");
    machine.check(PROFILE).await.fails_with(&[&said]);
}
