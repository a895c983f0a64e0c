//! The shape of a web configuration, as the Prometheus exporters share it: TLS, headers, users, a rate limit.
//!
//! What the shape allows but no server can do (a certificate that is no certificate) is found where the server is
//! made of it, with the lines that are kept here.

mod kinds;
mod tls;

use super::complaint::{At, Complaint, Complaints};
use super::section::Section;
use super::tree::{self, Node, Value};
#[cfg(test)]
pub(crate) use kinds::CIPHER_SUITES;
use kinds::*;
pub use kinds::{ClientAuth, Curve, TlsVersion};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
pub(crate) use tls::{Pem, PemText, Tls};

/// What the file says, its defaults filled in.
#[derive(Debug, Default)]
pub struct WebConfig {
    pub(crate) tls: Option<Tls>,
    pub(crate) http2: bool,
    /// By the header's name; no value is empty.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// By name: the password as bcrypt hashed it.
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// A bucket of `burst` requests, into which one comes every `interval`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RateLimit {
    pub(crate) interval: Duration,
    pub(crate) burst: u32,
}

/// Reads the text of the file at `path`, or tells everything that is wrong with it. Files that it names are relative
/// to its folder. No message repeats what is secret or may have been meant to be.
pub fn parse(path: &Path, text: &str) -> Result<WebConfig, Complaints> {
    let (mut list, mut config) = (Vec::new(), WebConfig::default());
    match tree::parse(text) {
        Err(tree::Refused { line, why }) => list.push(Complaint::new(line, String::new(), why)),
        Ok(mut root) => {
            without_texts(&mut root, &mut list);
            config = read(&root, path.parent().unwrap_or(Path::new("")), &mut list);
        }
    }
    if list.is_empty() {
        return Ok(config);
    }
    list.sort_by_key(|complaint| complaint.line);
    Err(Complaints { file: path.display().to_string(), list })
}

/// Complains about texts in place of sections without repeating them: they may be a key, or a password.
fn without_texts(root: &mut Node, out: Out) {
    let message = "found a text, expected a mapping of keys to values";
    let mut forget = |line: usize, key: &str, node: &mut Node| {
        if let Value::Scalar(_) = node.value {
            out.push(Complaint::new(line, key.into(), message.into()));
            node.value = Value::Null;
        }
    };
    forget(root.line, "", root);
    if let Value::Map(entries) = &mut root.value {
        entries.iter_mut().for_each(|(line, key, node)| forget(*line, key, node));
    }
}

fn read(root: &Node, folder: &Path, out: Out) -> WebConfig {
    let mut top = Section::new(root.line, root, "", out);
    let tls = top.section("tls_server_config", out).and_then(|s| tls::read(s, folder, out));
    let (http2, headers) =
        top.section("http_server_config", out).map_or((true, Vec::new()), |s| http(s, out));
    let users = top.section("basic_auth_users", out).map(|s| s.each_secret(&USER, &PASSWORD_HASH, out));
    let rate_limit = top.section("rate_limit", out).and_then(|s| rate_limit(s, out));
    top.finish(out);
    if let Some(tls) = tls.as_ref().filter(|_| http2) {
        tls.can_speak_http2(out);
    }
    WebConfig { tls, http2, headers, users: users.unwrap_or_default(), rate_limit }
}

fn http(mut s: Section, out: Out) -> (bool, Vec<(&'static str, String)>) {
    let http2 = s.value("http2", &SWITCH, out).is_none_or(|at| at.value);
    let mut headers = Vec::new();
    if let Some(mut s) = s.section("headers", out) {
        for (name, kind) in HEADERS {
            headers.extend(s.value(name, kind, out).map(|at| (name, at.value)));
        }
        s.finish(out);
    }
    s.finish(out);
    headers.retain(|(_, value)| !value.is_empty());
    (http2, headers)
}

/// `None` where the interval is 0 or absent: every request is let through.
fn rate_limit(mut s: Section, out: Out) -> Option<RateLimit> {
    let interval = s.value("interval", &PERIOD, out);
    let burst = s.value("burst", &BURST, out);
    s.finish(out);
    let At { value: interval, .. } = interval.filter(|at| !at.value.is_zero())?;
    Some(RateLimit { interval, burst: burst.map_or(0, |at| at.value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> String {
        parse(Path::new("web.yml"), text).expect_err(text).to_string()
    }

    #[test]
    fn nothing_is_a_config_without_tls_users_and_limits() {
        for text in ["", "tls_server_config:\nbasic_auth_users: {}\n", "rate_limit: {interval: 0, burst: 0}"]
        {
            let config = parse(Path::new("web.yml"), text).unwrap();
            assert!(config.tls.is_none() && config.users.is_empty() && config.rate_limit.is_none(), "{text}");
            assert!(text.contains("rate") || !config.http2 || config.headers.is_empty());
        }
    }

    #[test]
    fn files_are_relative_to_the_config() {
        let text = "tls_server_config: {cert_file: a.crt, key_file: /etc/a.key}";
        let tls = parse(Path::new("/run/web.yml"), text).unwrap().tls.unwrap();
        let file = |pem: &Pem| match &pem.text {
            PemText::File(path) => path.display().to_string(),
            PemText::Inline(_) => panic!("a file"),
        };
        assert_eq!((file(&tls.certificate), file(&tls.key)), ("/run/a.crt".into(), "/etc/a.key".into()));
    }

    #[test]
    fn what_is_wrong_is_told_with_line_key_what_was_found_and_what_was_expected() {
        let told: Vec<String> = BAD.iter().map(|text| format!("{text}\n{}\n", complaints(text))).collect();
        insta::assert_snapshot!("bad_web_configs", told.join("\n"));
    }

    const BAD: &[&str] = &[
        "junk",
        "- tls_server_config",
        "tls_server_config: {cert_file: [",
        "a: &a {}\nb: *a",
        "tls: {}",
        "tls_server_config: [cert]",
        "tls_server_config: {cert_filse: a}",
        "tls_server_config: {cert_file: a}",
        "tls_server_config: {key_file: a}",
        "tls_server_config: {min_version: TLS13}",
        "tls_server_config: {cert_file: '', cert: '', key_file: a}",
        "tls_server_config: {cert_file: [a], key_file: {a: b}}",
        "tls_server_config:\n  cert: a\n  cert_file: a\n  key: b\n  key_file: b\n  client_ca: c\n  client_ca_file: c",
        "tls_server_config:\n  cert_file: a\n  cert_file: b\n  key_file: a",
        "tls_server_config: {cert_file: a, key_file: a, client_auth_type: VerifyClientCert}",
        "tls_server_config: {cert_file: a, key_file: a, client_ca_file: a}",
        "tls_server_config: {cert_file: a, key_file: a, client_allowed_sans: [a]}",
        "tls_server_config: {cert_file: a, key_file: a, client_auth_type: RequireAnyClientCert, client_allowed_sans: []}",
        "tls_server_config: {cert_file: a, key_file: a, client_auth_type: RequireAnyClientCert, client_allowed_sans: ['']}",
        "tls_server_config: {cert_file: a, key_file: a, client_allowed_sans: a}",
        "tls_server_config: {cert_file: a, key_file: a, min_version: TLS10}",
        "tls_server_config: {cert_file: a, key_file: a, max_version: TLS11}",
        "tls_server_config: {cert_file: a, key_file: a, min_version: TLS13, max_version: TLS12}",
        "tls_server_config: {cert_file: a, key_file: a, cipher_suites: TLS_AES_128_GCM_SHA256}",
        "tls_server_config:\n  cert_file: a\n  key_file: a\n  cipher_suites:\n  - TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA\n  - TLS_RSA_WITH_AES_128_GCM_SHA256",
        "tls_server_config: {cert_file: a, key_file: a, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}",
        "tls_server_config: {cert_file: a, key_file: a, curve_preferences: [X25519, CurveP521]}",
        "tls_server_config: {cert_file: a, key_file: a, prefer_server_cipher_suites: always}",
        "http_server_config: {http2: 2}",
        "http_server_config: {http: false}",
        "http_server_config: {headers: {Content-Type: text/plain}}",
        "http_server_config: {headers: {X-Frame-Options: DENY}}",
        "http_server_config: {headers: {X-Content-Type-Options: sniff}}",
        "http_server_config: {headers: {Content-Security-Policy: \"a\\nb\"}}",
        "http_server_config: {headers: [X-Frame-Options]}",
        "basic_auth_users: {alice: secret}",
        "basic_auth_users: {alice: }",
        "basic_auth_users: {alice: [secret]}",
        "basic_auth_users: {'alice:smith': secret, '': secret}",
        "basic_auth_users: [alice]",
        "basic_auth_users: secret",
        "rate_limit: {interval: often}",
        "rate_limit: {interval: 5}",
        "rate_limit: {interval: -1s}",
        "rate_limit: {interval: 1s, burst: -1}",
        "rate_limit: {interval: 1s, burst: 1.5, per: client}",
    ];

    #[test]
    fn no_message_repeats_a_secret() {
        for text in [
            "basic_auth_users: {alice: hunter2}",
            "basic_auth_users:\n  alice: [hunter2]",
            "basic_auth_users: hunter2",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
            "tls_server_config: {key: {a: hunter2}, cert: a}",
        ] {
            let said = complaints(text);
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
