//! What no message repeats: the requests that AWS repeats, tokens, passwords; and the endpoints that would lead there.

use crate::credentials::{AT_SIM, FIRST, Machine, PROFILE, Serving, UNSPENT, section, serve_router};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

const CURRENT: &str = "regions: [us-east-1]\n";
const TOKEN: &str = "FwoGSESSIONTOKEN";
const PAGES: [&str; 7] = [
    "/",
    "/metrics",
    "/api/v1/targets",
    "/api/v1/findings",
    "/api/v1/quotas",
    "/api/v1/headroom",
    "/-/config",
];

/// Everything that a running exporter says, once it has said this on its page.
async fn told(machine: &Machine, config: &str, awaited: &str) -> String {
    let serving = Serving::start(machine, config);
    let page = format!("{}/", serving.url);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
    for _ in 0..240 {
        ticks.tick().await;
        let text = reqwest::get(&page).await.unwrap().text().await.unwrap();
        if text.contains(awaited) {
            let mut all = String::new();
            for path in PAGES {
                let url = format!("{}{path}", serving.url);
                all += &reqwest::get(&url).await.unwrap().text().await.unwrap();
            }
            return all + &serving.log.lock().unwrap().join("\n");
        }
    }
    panic!("never: {awaited}: {:?}", serving.log.lock().unwrap());
}

/// What a command prints.
async fn run(machine: &Machine, arguments: &[&str]) -> String {
    let mut command = machine.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_aws_refuses_is_told_without_the_request_that_it_repeats() {
    const SAID: &str = "The request signature we calculated does not match the signature you provided.";
    const HINT: &str = "the secret access key is not the one of the access key id";
    let machine = Machine::new("signature").await.with_keys(FIRST).with("AWS_SESSION_TOKEN", TOKEN);
    let of = |service: &str| Fault { service: Some(service.into()), ..Fault::new(Kind::WrongSignature) };
    let config = format!("{CURRENT}{AT_SIM}");
    for faults in [["monitoring", "servicequotas", "bedrock"].map(of).to_vec(), vec![of("sts")]] {
        machine.sim.set_faults(faults.clone()).await;
        let checked = machine.check(CURRENT).await;
        checked.fails_with(&[SAID, HINT]);
        let said = told(&machine, &config, SAID).await;
        for text in [&checked.text, &said] {
            assert!(text.contains(HINT), "{faults:?}: {text}");
            for never in [TOKEN, "Canonical", "String-to-Sign", "x-amz-security-token"] {
                assert!(!text.contains(never), "{faults:?}: {never} in {text}");
            }
        }
    }

    // A snapshot keeps what was not read, and why.
    machine.sim.set_faults(["monitoring", "servicequotas"].map(of).to_vec()).await;
    let file = machine.folder.join("saved.jsonl").display().to_string();
    let config = format!("--config.file={}", machine.folder.join("config.yaml").display());
    run(&machine, &["snapshot", "save", "--since", "1h", &config, &file]).await;
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains(SAID) && !saved.contains(TOKEN), "{saved}");
    // As an older version wrote it.
    let older = format!(
        "{SAID}\\n\\nThe Canonical String for this request should have been\\n'x-amz-security-token:{TOKEN}\\n'"
    );
    std::fs::write(&file, saved.replace(SAID, &older)).unwrap();
    let page = machine.folder.join("report.html").display().to_string();
    let masked = machine.folder.join("masked.jsonl").display().to_string();
    for arguments in [
        &["report", "--from", &file, "--output", &page][..],
        &["snapshot", "save", "--mask", "--from", &file, &masked],
        &["quotas", "--from", &file],
        &["diagnose", "--from", &file],
    ] {
        let said = run(&machine, arguments).await;
        assert!(!said.contains(TOKEN), "{arguments:?}: {said}");
    }
    for file in [&page, &masked] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(SAID) && !text.contains(TOKEN), "{file}: {text}");
    }
}

/// A server that is no AWS: it refuses what it is asked, and repeats it.
async fn echo() -> String {
    let answer = async |headers: HeaderMap, body: Bytes| {
        let mut said = String::from_utf8_lossy(&body).into_owned();
        for name in ["x-amz-security-token", "authorization"] {
            if let Some(value) = headers.get(name) {
                said += &format!("\n{name}: {}", value.to_str().unwrap());
            }
        }
        let said = said.replace('&', "&amp;");
        let xml = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>Odd</Code><Message>{said}</Message></Error></ErrorResponse>"
        );
        (StatusCode::FORBIDDEN, [("content-type", "text/xml")], xml)
    };
    serve_router(Router::new().fallback(answer)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sts_that_repeats_what_it_was_sent_is_told_without_its_secrets() {
    const ARN: &str = "arn:aws:iam::000000000001:role/r";
    let machine = Machine::new("echo").await;
    let sts = echo().await;
    let at = format!("aws: {{endpoint_url: '{{url}}', endpoints: {{sts: '{sts}'}}, max_attempts: 1}}\n");
    let role = format!("{CURRENT}accounts: [{{role_arn: '{ARN}', external_id: EXTERNALSECRET}}]\n{at}");
    let web = machine.file("token", "eyJWEBIDENTITY.payload.signature").display().to_string();
    let of_role = [
        ("AWS_ACCESS_KEY_ID", "AKIA000000000001TEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", TOKEN),
    ];
    let of_pod = [("AWS_WEB_IDENTITY_TOKEN_FILE", web.as_str()), ("AWS_ROLE_ARN", ARN)];
    for (config, variables) in [(role, &of_role[..]), (format!("{CURRENT}{at}"), &of_pod)] {
        let own = variables
            .iter()
            .fold(Machine::new("echoed").await, |machine, (name, value)| machine.with(name, value));
        let checked = own.check_config(&config.replace("{url}", &machine.url)).await;
        checked.fails_with(&["HTTP 403, Odd: ", "Action=AssumeRole"]);
        for never in ["EXTERNALSECRET", TOKEN, "eyJWEBIDENTITY", "Signature="] {
            assert!(!checked.text.contains(never), "{never} in {}", checked.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_metadata_fail_is_told_without_their_answer() {
    let token = async || ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], "METADATASECRET");
    let metadata = Router::new()
        .route("/latest/api/token", put(token))
        .fallback(async || (StatusCode::BAD_REQUEST, "BODYSECRET"));
    let metadata = serve_router(metadata).await;
    let machine = Machine::new("metadata").await.with("AWS_EC2_METADATA_DISABLED", "false");
    let checked = machine.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata).check(CURRENT).await;
    checked.fails_with(&["error response from IMDS (code: 400)"]);
    for never in ["METADATASECRET", "BODYSECRET", "Response {"] {
        assert!(!checked.text.contains(never), "{never} in {}", checked.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_none_is_refused_by_its_variable_or_profile_before_anything_is_sent() {
    const EXPECTED: &str = "expected a URL of http or https without user, query or fragment";
    let machine = Machine::new("endpoints").await.with_keys(FIRST);
    let offline = format!("--config.file={}", machine.file("offline.yaml", CURRENT).display());
    for (value, shown) in [
        ("localhost:4566", "localhost:4566"),
        ("\"http://localhost\"", "\\\"http://localhost\\\""),
        ("http:/x", "http:/x"),
        ("http://localhost ", "http://localhost "),
        ("http://localhost:99999", "http://localhost:99999"),
        ("http://operator:s3cr3t@localhost", "http://…@localhost"),
        ("operator:s3cr3t@localhost:1", "…@localhost:1"),
        ("http://localhost?token=s3cr3t", "http://localhost?…"),
    ] {
        for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SERVICE_QUOTAS"] {
            let said = format!("{variable}: found \"{shown}\", {EXPECTED}");
            for arguments in [&["check"][..], &["serve", "--web.listen-address=127.0.0.1:0"]] {
                let mut command = machine.command(arguments);
                command.arg(&offline).env(variable, value);
                let run = tokio::process::Command::from(command).kill_on_drop(true).output();
                let output = tokio::time::timeout(std::time::Duration::from_secs(60), run).await;
                let output = output.expect("it ends").unwrap();
                let text =
                    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
                assert_eq!(output.status.code(), Some(1), "{text}");
                assert!(text.contains(&said) && !text.contains("s3cr3t"), "{said:?} is not in: {text}");
            }
        }
    }
    let mut command = machine.command(&["check", &offline]);
    command.env("AWS_ENDPOINT_URL", OsString::from_vec(b"http://s3cr3t\xff".to_vec()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let said = format!("AWS_ENDPOINT_URL: found bytes that are not UTF-8, {EXPECTED}");
    assert!(text.contains(&said) && !text.contains("s3cr3t"), "{said:?} is not in: {text}");
    // Where the config says it, nobody asks the environment.
    machine.check_with(CURRENT, &[("AWS_ENDPOINT_URL", "localhost:4566".into())]).await.is_of(FIRST);

    let config = |text: &str| machine.file(".aws/config", text);
    config("[default]\nendpoint_url = localhost:4566\n");
    let said = run(&machine, &["check", &offline]).await;
    assert!(
        said.contains(&format!("endpoint_url of the profile default: found \"localhost:4566\", {EXPECTED}")),
        "{said}"
    );
    let research = "[profile research]\nservices = mine\n[services mine]\nservice-quotas =\n  endpoint_url = localhost:4566\n";
    config(&format!("{research}{}", section("base", FIRST)));
    let named = format!("--config.file={}", machine.file("named.yaml", PROFILE).display());
    let said = run(&machine, &["check", &named]).await;
    let place = "endpoint_url of service-quotas in the services mine of the profile research";
    assert!(said.contains(&format!("{place}: found \"localhost:4566\", {EXPECTED}")), "{said}");
    // The profile of somebody else is not followed.
    let said = run(&machine, &["check", &offline]).await;
    assert!(!said.contains("endpoint_url"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_whose_endpoint_becomes_none_is_refused_by_a_reload() {
    let machine = Machine::new("endpoint-reload").await;
    let config = |url: &str| {
        let keys = section("profile research", FIRST);
        machine.file(".aws/config", &format!("{keys}endpoint_url = {url}\n"));
    };
    config(&machine.url);
    let serving = Serving::start(&machine, &format!("{PROFILE}{UNSPENT}"));
    let limit = format!("bedrock_quota_limit{{account_id=\"{FIRST}\"");
    serving.until("the account is read", |text| text.contains(&limit)).await;
    config("localhost:4566");
    let answer = reqwest::Client::new().post(format!("{}/-/reload", serving.url)).send().await.unwrap();
    let (status, said) = (answer.status().as_u16(), answer.text().await.unwrap());
    let place = "endpoint_url of the profile research: found \"localhost:4566\", expected a URL";
    assert!(status == 400 && said.contains(place), "{status}: {said}");
    serving.until("the old config stays", |text| text.contains(&limit)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sso_session_whose_endpoint_is_none_is_told_without_its_token() {
    let machine = Machine::new("sso-endpoint").await.with("AWS_ENDPOINT_URL_SSO", "localhost:4566");
    machine.file(
        ".aws/config",
        "[profile research]\nsso_session = corp\nsso_account_id = 000000000001\nsso_role_name = reader\n\
         [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
    );
    let cache = format!(".aws/sso/cache/{}.json", crate::credentials::sha1_of("corp").await);
    machine.file(&cache, r#"{"accessToken": "SSOSECRET", "expiresAt": "2099-01-01T00:00:00Z"}"#);
    let checked = machine.check(PROFILE).await;
    checked.fails_with(&[
        "credentials of profile research: AWS_ENDPOINT_URL_SSO: found \"localhost:4566\", expected a URL",
    ]);
    assert!(!checked.text.contains("SSOSECRET"), "{}", checked.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_of_credentials_that_cannot_be_used_are_named_and_not_repeated() {
    let machine = Machine::new("odd-variables").await;
    let config = format!(
        "--config.file={}",
        machine.file("config.yaml", &format!("{CURRENT}{}", AT_SIM.replace("{url}", &machine.url))).display()
    );
    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let uri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    for (variables, said) in [
        (
            vec![(id, bytes(b"s3cr3t\xff")), (secret, bytes(b"secret"))],
            "found bytes that are not UTF-8 in AWS_ACCESS_KEY_ID,",
        ),
        (
            vec![(id, bytes(b"A")), (secret, bytes(b"s3cr3t\xff"))],
            "found bytes that are not UTF-8 in AWS_SECRET_ACCESS_KEY,",
        ),
        (
            vec![(id, bytes(b"A")), ("SECRET_ACCESS_KEY", bytes(b"s3cr3t\xff"))],
            "found bytes that are not UTF-8 in SECRET_ACCESS_KEY,",
        ),
        (
            vec![(id, bytes(b"A")), (secret, bytes(b"secret")), ("AWS_SESSION_TOKEN", bytes(b"s3cr3t\xff"))],
            "found bytes that are not UTF-8 in AWS_SESSION_TOKEN,",
        ),
        (
            vec![(uri, bytes(b"http://u:s3cr3t@192.0.2.1/s3cr3t?t=s3cr3t"))],
            "AWS_CONTAINER_CREDENTIALS_FULL_URI: found http://…@192.0.2.1: invalid full URI for ECS provider (URI did not refer to an allowed IP address)",
        ),
        (vec![(uri, bytes(b"s3cr3t ?"))], "AWS_CONTAINER_CREDENTIALS_FULL_URI: found no scheme and host: "),
        (
            vec![(relative, bytes(b"/s3cr3t <"))],
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: found no scheme and host: ",
        ),
    ] {
        let mut command = machine.command(&["check", "--live", &config]);
        command.envs(variables);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(text.contains(said) && !text.contains("s3cr3t"), "{said:?} is not in: {text}");
    }
}

#[test]
fn no_source_prints_the_debug_form_of_an_error() {
    // Debug forms of the SDK's errors hold the request and the answer.
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in ["DisplayErrorContext", "error:?", "err:?", "{e:?", "?error", "?err"] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}
