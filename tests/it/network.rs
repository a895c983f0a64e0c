//! The way to AWS: proxies, private authorities, and what is said when there is no way.

use crate::credentials::{Checked, FIRST, Machine, serve_router};
use axum::Router;
use axum::http::StatusCode;
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A name that no resolver knows: only a proxy can lead to it.
const AWS: &str = "aws.simulated.invalid";

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}

/// Ends TLS in front of a server, with a certificate of a private authority; returns its address, and the
/// authority's certificate.
async fn serve_tls(name: &str, behind: SocketAddr) -> (SocketAddr, String) {
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![name.to_string()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut inner), Ok(mut outer)) =
                    (TcpStream::connect(behind).await, acceptor.accept(stream).await)
                else {
                    return;
                };
                let _ = copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    (address, authority.pem())
}

/// What a proxy was asked: the first line of each request, and its Proxy-Authorization.
type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A forward proxy that leads every name to one server: CONNECT for https, the absolute form for http.
async fn serve_proxy(server: SocketAddr) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let all = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(forward(stream, server, all.clone()));
        }
    });
    (url, seen)
}

async fn forward(mut stream: TcpStream, server: SocketAddr, seen: Seen) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&bytes[..read]),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let first = text.lines().next().unwrap_or_default().to_string();
    let password = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_string())
    });
    seen.lock().unwrap().push((first.clone(), password));
    let Ok(mut onward) = TcpStream::connect(server).await else { return };
    if first.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    } else {
        // The server's own form of the first line.
        let host = first.split(' ').nth(1).and_then(|url| url.split('/').nth(2)).unwrap_or_default();
        let own = String::from_utf8_lossy(&head).replacen(&format!("http://{host}"), "", 1).into_bytes();
        onward.write_all(&own).await.unwrap();
    }
    let _ = copy_bidirectional(&mut stream, &mut onward).await;
}

fn at(url: &str) -> String {
    format!("regions: [us-east-1]\naws: {{endpoint_url: '{url}', max_attempts: 1, attempt_timeout: 3s}}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_and_a_private_authority_lead_to_aws() {
    let machine = Machine::new("proxy").await.with_keys(FIRST);
    let (tls, authority) = serve_tls(AWS, address(&machine.url)).await;
    let (proxy, seen) = serve_proxy(tls).await;
    let bundle = machine.file("bundle.pem", &authority).display().to_string();
    let config = at(&format!("https://{AWS}"));
    let machine = machine.with("HTTPS_PROXY", &proxy.replace("http://", "http://operator:s3cr3t@"));

    let untrusted = machine.check_config(&config).await;
    untrusted.fails_with(&[
        &format!("no answer from {AWS}:443 by the proxy {proxy}: TLS: nobody whom this machine trusts"),
        "AWS_CA_BUNDLE",
    ]);
    let machine = machine.with("AWS_CA_BUNDLE", &bundle);
    let checked = machine.check_config(&config).await;
    checked.is_of(FIRST);
    assert!(checked.text.contains(&format!("sts       {AWS}:443 (proxy {proxy})")), "{}", checked.text);
    let (first, password) = seen.lock().unwrap()[0].clone();
    assert_eq!(first, format!("CONNECT {AWS}:443 HTTP/1.1"));
    assert_eq!(password.as_deref(), Some("Basic b3BlcmF0b3I6czNjcjN0"));
    for Checked { text, .. } in [untrusted, checked] {
        assert!(!text.contains("s3cr3t"), "no password is told: {text}");
    }

    seen.lock().unwrap().clear();
    let machine = machine.with("NO_PROXY", "simulated.invalid");
    let direct = machine.check_config(&config).await;
    direct.fails_with(&[&format!("no answer from {AWS}:443: DNS does not know the name")]);
    assert!(seen.lock().unwrap().is_empty(), "NO_PROXY keeps it out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_goes_by_a_proxy_too_but_not_to_this_machine_itself() {
    let machine = Machine::new("http-proxy").await.with_keys(FIRST);
    let (proxy, seen) = serve_proxy(address(&machine.url)).await;
    let machine = machine.with("HTTP_PROXY", &proxy);
    machine.check_config(&at(&format!("http://{AWS}:8080"))).await.is_of(FIRST);
    let (first, _) = seen.lock().unwrap()[0].clone();
    assert_eq!(first, format!("POST http://{AWS}:8080/ HTTP/1.1"));
    seen.lock().unwrap().clear();
    machine.check_config(&at(&machine.url.clone())).await.is_of(FIRST);
    assert!(seen.lock().unwrap().is_empty(), "loopback needs no proxy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_followed_in_the_environment_is_refused_by_name() {
    let machine =
        Machine::new("bad-network").await.with_keys(FIRST).with("HTTPS_PROXY", "socks9://operator:s3cr3t@x");
    let config = at(&machine.url.clone());
    let refused = machine.check_config(&config).await;
    refused.fails_with(&["HTTPS_PROXY: found no proxy, expected http://HOST:PORT"]);
    assert!(!refused.text.contains("s3cr3t"), "{}", refused.text);
    let machine = machine.with("HTTPS_PROXY", "").with("AWS_CA_BUNDLE", "/nowhere/bundle.pem");
    machine.check_config(&config).await.fails_with(&["AWS_CA_BUNDLE: /nowhere/bundle.pem: cannot be read"]);
    let folder = machine.folder.display().to_string();
    let checked = check_with(&machine, "AWS_CA_BUNDLE", &folder, &config).await;
    checked.fails_with(&["AWS_CA_BUNDLE: ", "found a folder, expected a file"]);
    for (text, why) in [
        ("no certificate\n", "found no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "found a certificate that cannot be trusted",
        ),
    ] {
        let path = machine.file("bundle.pem", text).display().to_string();
        let checked = check_with(&machine, "AWS_CA_BUNDLE", &path, &config).await;
        checked.fails_with(&["AWS_CA_BUNDLE: ", why]);
    }
    let machine = machine.with("AWS_CA_BUNDLE", "");
    let empty = machine.file("system.pem", "no certificate\n").display().to_string();
    for (variable, path) in
        [("SSL_CERT_FILE", empty.as_str()), ("SSL_CERT_DIR", "/nowhere"), ("SSL_CERT_DIR", &empty)]
    {
        let checked = check_with(&machine, variable, path, &config).await;
        checked.fails_with(&[&format!("{variable}: {path}: found no certificate, expected PEM")]);
    }
    let machine = machine.with("AWS_USE_FIPS_ENDPOINT", "true");
    let both = machine.check_config(&config).await;
    both.fails_with(&["AWS_USE_FIPS_ENDPOINT: found true beside aws.endpoint_url"]);
}

/// One run with one variable more.
async fn check_with(machine: &Machine, variable: &str, value: &str, config: &str) -> Checked {
    let config = machine.file("config.yaml", config);
    let mut command = machine.command(&["check", "--live", &format!("--config.file={}", config.display())]);
    command.env(variable, value);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    Checked { code: output.status.code().unwrap(), text }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_names_the_host_and_what_to_do() {
    let machine = Machine::new("failures").await.with_keys(FIRST);
    // Bound and closed again: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = address(&machine.url);
    for (url, said) in [
        (
            format!("http://{closed}"),
            format!("no answer from {closed}: the connection is refused: nothing listens there"),
        ),
        (format!("https://{AWS}"), format!("no answer from {AWS}:443: DNS does not know the name")),
        (
            format!("https://{plain}"),
            format!("no answer from {plain}: TLS: what answers there does not speak TLS"),
        ),
    ] {
        let checked = machine.check_config(&at(&url)).await;
        checked.fails_with(&["credentials of the environment: sts:GetCallerIdentity: ", &said]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_cloudwatch_is_said_to_be_none() {
    let machine = Machine::new("not-cbor").await.with_keys(FIRST);
    let other =
        serve_router(Router::new().fallback(|| async { (StatusCode::NOT_FOUND, "<html>not here</html>") }))
            .await;
    let config = format!(
        "regions: [us-east-1]\naws: {{endpoint_url: '{}', endpoints: {{cloudwatch: '{other}'}}, max_attempts: 1}}\n",
        machine.url
    );
    let host = other.trim_start_matches("http://").to_string();
    machine.check_config(&config).await.fails_with(&[
        "cloudwatch:ListMetrics: HTTP 404, and no answer in RPC v2 CBOR",
        &format!("{host} is not CloudWatch"),
        "10 of 12 permissions tried are there.",
    ]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_server_names_it_and_what_to_look_at() {
    let machine = Machine::new("stranger").await.with_keys(FIRST);
    for (status, found) in [
        (StatusCode::NOT_FOUND, "HTTP 404, and no error code as AWS gives one"),
        (StatusCode::FOUND, "HTTP 302, and no error code as AWS gives one"),
        (StatusCode::BAD_GATEWAY, "HTTP 502, and no error code as AWS gives one"),
        (StatusCode::OK, ""),
    ] {
        let other = Router::new().fallback(move || async move { (status, "<html>hello</html>") });
        let other = serve_router(other).await;
        for (service, call) in [
            ("bedrock", "bedrock:ListFoundationModels: "),
            ("servicequotas", "servicequotas:ListServiceQuotas: "),
            ("sts", "credentials of the environment: sts:GetCallerIdentity: "),
        ] {
            let config = format!(
                "regions: [us-east-1]\naws: {{endpoint_url: '{}', endpoints: {{{service}: '{other}'}}, max_attempts: 1}}\n",
                machine.url
            );
            let host = other.trim_start_matches("http://");
            machine.check_config(&config).await.fails_with(&[
                &format!("{call}{found}"),
                &format!("{host} may be another server than AWS's, or a proxy before it; see aws.endpoints.{service}, "),
            ]);
        }
    }
}

/// Every line that a run logs as JSON, each key held to come once.
fn json_lines(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            for key in value.as_object().unwrap().keys() {
                assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key} in {line}");
            }
            value
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_as_json_hold_every_key_once_and_so_does_the_last_line() {
    let machine = Machine::new("json").await.with_keys(FIRST);
    let config = machine.file("config.yaml", "regions: [us-east-77]\n");
    let config = format!("--config.file={}", config.display());
    let mut command = machine.command(&["serve", "--log.format=json", &config]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let lines = json_lines(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert!(lines[0]["error"].as_str().unwrap().contains("us-east-77"), "{lines:?}");
}

/// What `serve` logs until the last of these texts has come, as JSON, and what it then shows.
async fn logged_as_json(
    machine: &Machine,
    config: &str,
    until: impl Fn(&str) -> bool,
) -> (Vec<serde_json::Value>, String) {
    let config = machine.file("config.yaml", config);
    let arguments = ["serve", "--log.format=json", "--web.listen-address=127.0.0.1:0"];
    let mut command = machine.command(&arguments);
    command.arg(format!("--config.file={}", config.display())).stderr(Stdio::piped());
    let mut exporter = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(exporter.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(String::new()));
    let written = log.clone();
    let reader = tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            written.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..240 {
        ticks.tick().await;
        let so_far = json_lines(&whole(&log.lock().unwrap()));
        let Some(address) = so_far.iter().find_map(|line| line["address"].as_str()) else { continue };
        let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
        if until(&text) {
            exporter.start_kill().unwrap();
            reader.await.unwrap();
            let lines = json_lines(&log.lock().unwrap());
            return (lines, text);
        }
    }
    panic!("never: {}", log.lock().unwrap());
}

/// The lines that have come to their end.
fn whole(text: &str) -> String {
    text.rsplit_once('\n').map(|(lines, _)| lines.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_every_call_fails_each_trouble_is_one_line_with_every_key_once() {
    let machine = Machine::new("json-fails").await.with_keys(FIRST);
    let fails = |service: &str| Fault {
        service: Some(service.into()),
        ..Fault::new(Kind::Status { status: 503, code: None })
    };
    machine.sim.set_faults(["monitoring", "servicequotas", "bedrock"].map(fails).to_vec()).await;
    let often = "usage: {interval: 10s, discovery_interval: 10s}\n";
    let config = format!("{}{often}", at(&machine.url))
        .replace("max_attempts: 1, attempt_timeout: 3s", "max_attempts: 3");
    let failed = |text: &str, collector: &str| {
        let own = format!("\"{collector}\",class=\"server\"");
        let mut lines =
            text.lines().filter(|line| line.starts_with("bedrock_exporter_collection_errors_total{"));
        let line = lines.find(|line| line.contains(&own));
        line.map_or(0.0, |line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
    };
    // A round of usage asks for the ids of two namespaces.
    let two_rounds = |text: &str| {
        failed(text, "usage") >= 4.0 && failed(text, "quotas") > 0.0 && failed(text, "catalog") > 0.0
    };
    let (lines, _) = logged_as_json(&machine, &config, two_rounds).await;
    let told = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap_or_default().to_string();
    let mut troubles = BTreeSet::new();
    for line in &lines {
        let message = told(line, "message");
        match message.as_str() {
            "collection failed" => {
                assert_eq!(
                    (told(line, "target"), told(line, "class")),
                    (format!("{FIRST}/us-east-1"), "server".to_string()),
                    "{line}"
                );
                let call = told(line, "error").split(": ").next().unwrap().to_string();
                assert!(troubles.insert((told(line, "collector"), call)), "told twice: {line}");
            }
            // Nothing of the SDK, which has something to say of each of its attempts.
            known => assert!(
                ["listening", "credentials identified", "the first round is complete"].contains(&known),
                "{line}"
            ),
        }
    }
    let collectors: BTreeSet<&str> = troubles.iter().map(|(collector, _)| collector.as_str()).collect();
    assert_eq!(collectors, BTreeSet::from(["catalog", "quotas", "usage"]), "{lines:?}");
}
