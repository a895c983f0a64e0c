//! The section `tls_server_config`.

use super::super::complaint::{At, Complaint};
use super::super::section::Section;
use super::Out;
use super::kinds::*;
use std::path::{Path, PathBuf};

/// How the server speaks TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
    pub(crate) client_auth: ClientAuth,
    pub(crate) client_ca: Option<Pem>,
    /// One of these a client's certificate must have as a subject alternative name; `None`: it need not.
    pub(crate) allowed_sans: Option<Vec<String>>,
    pub(crate) min_version: TlsVersion,
    pub(crate) max_version: TlsVersion,
    /// In order, those of TLS 1.2 and 1.3; `None`: all there are. TLS 1.3 has all of its own whatever is listed.
    pub(crate) cipher_suites: Option<At<Vec<At<&'static str>>>>,
    /// Whether the order of the suites is the server's; otherwise it is the client's.
    pub(crate) prefer_own_suites: bool,
    /// In order; `None`: all there are.
    pub(crate) curves: Option<Vec<Curve>>,
}

/// Where certificates or a key are found.
#[derive(Debug)]
pub(crate) struct Pem {
    /// The key in the section that says so, and its line.
    key: &'static str,
    line: usize,
    pub(crate) text: PemText,
}

#[derive(Debug)]
pub(crate) enum PemText {
    Inline(String),
    File(PathBuf),
}

impl Pem {
    /// What is wrong with it, as a complaint about its key.
    pub(crate) fn complaint(&self, message: String) -> Complaint {
        complaint(self.line, self.key, message)
    }
}

fn complaint(line: usize, key: &str, message: impl Into<String>) -> Complaint {
    Complaint::new(line, format!("tls_server_config.{key}"), message.into())
}

/// `None` where the section says nothing, or something wrong.
pub(super) fn read(mut s: Section, folder: &Path, out: Out) -> Option<Tls> {
    if s.is_empty() {
        return None;
    }
    let (line, before) = (s.line(), out.len());
    let certificate = pem(&mut s, ["cert", "cert_file"], folder, out);
    let key = pem(&mut s, ["key", "key_file"], folder, out);
    let client_ca = pem(&mut s, ["client_ca", "client_ca_file"], folder, out);
    let client_auth = s.value("client_auth_type", &CLIENT_AUTH, out).map_or(ClientAuth::None, |at| at.value);
    let allowed_sans = s.list("client_allowed_sans", &SAN, out);
    let min_version = s.value("min_version", &VERSION, out).map_or(TlsVersion::Tls12, |at| at.value);
    let max_version = s.value("max_version", &VERSION, out);
    let cipher_suites = s.list("cipher_suites", &CIPHER_SUITE, out).filter(|list| !list.value.is_empty());
    let prefer_own_suites = s.value("prefer_server_cipher_suites", &SWITCH, out).is_none_or(|at| at.value);
    let curves = s.list("curve_preferences", &CURVE, out).filter(|list| !list.value.is_empty());
    s.finish(out);
    missing(line, &certificate, ["cert", "cert_file"], out);
    missing(line, &key, ["key", "key_file"], out);
    if out.len() > before {
        // What belongs together is looked at once each alone is right.
        return None;
    }
    clients(client_auth, client_ca.as_ref(), allowed_sans.as_ref(), out);
    versions(min_version, max_version.as_ref(), out);
    let values = |list: At<Vec<At<Curve>>>| list.value.into_iter().map(|at| at.value).collect();
    Some(Tls {
        certificate: certificate?,
        key: key?,
        client_auth,
        client_ca,
        allowed_sans: allowed_sans.map(|list| list.value.into_iter().map(|at| at.value).collect()),
        min_version,
        max_version: max_version.map_or(TlsVersion::Tls13, |at| at.value),
        cipher_suites,
        prefer_own_suites,
        curves: curves.map(values),
    })
}

/// The text under the first name, or the file that the second names; an empty one is none.
fn pem(s: &mut Section, [inline, file]: [&'static str; 2], folder: &Path, out: Out) -> Option<Pem> {
    let text = s.value(inline, &ANY_TEXT, out).filter(|at| !at.value.is_empty());
    let path = s.value(file, &ANY_TEXT, out).filter(|at| !at.value.is_empty());
    match (text, path) {
        (Some(_), Some(path)) => {
            out.push(complaint(
                path.line,
                file,
                format!("found beside {inline}, expected only one of the two"),
            ));
            None
        }
        (Some(At { line, value }), None) => Some(Pem { key: inline, line, text: PemText::Inline(value) }),
        (None, Some(At { line, value })) => {
            Some(Pem { key: file, line, text: PemText::File(folder.join(value)) })
        }
        (None, None) => None,
    }
}

fn missing(line: usize, pem: &Option<Pem>, [inline, file]: [&str; 2], out: Out) {
    let own = [inline, file].map(|key| format!("tls_server_config.{key}"));
    if pem.is_none() && !out.iter().any(|complaint| own.contains(&complaint.key)) {
        let message = format!("found neither {inline} nor {file}, expected one of them");
        out.push(Complaint::new(line, "tls_server_config".into(), message));
    }
}

/// Nobody relies on a certificate that no client is asked for.
fn clients(auth: ClientAuth, ca: Option<&Pem>, sans: Option<&At<Vec<At<String>>>>, out: Out) {
    if auth == ClientAuth::None {
        let expected = "found without a client_auth_type that asks clients for certificates, expected \
                        RequireAndVerifyClientCert beside it";
        out.extend(ca.map(|ca| ca.complaint(expected.into())));
        out.extend(sans.map(|sans| complaint(sans.line, "client_allowed_sans", expected)));
    }
    if let Some(sans) = sans.filter(|sans| sans.value.is_empty()) {
        let message =
            "found an empty list, which no client's certificate satisfies, expected at least one name";
        out.push(complaint(sans.line, "client_allowed_sans", message));
    }
}

fn versions(min: TlsVersion, max: Option<&At<TlsVersion>>, out: Out) {
    if let Some(max) = max.filter(|max| max.value < min) {
        let message = format!("found {}, expected min_version, which is {min}, or a later one", max.value);
        out.push(complaint(max.line, "max_version", message));
    }
}

impl Tls {
    /// RFC 9113, section 9.2.2: one of these suites every server of HTTP/2 over TLS 1.2 has.
    pub(super) fn can_speak_http2(&self, out: Out) {
        let needed = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];
        let Some(suites) = self.cipher_suites.as_ref().filter(|_| self.min_version < TlsVersion::Tls13)
        else {
            return;
        };
        if !suites.value.iter().any(|suite| needed.contains(&suite.value)) {
            let message = format!(
                "found neither {} nor {}, one of which HTTP/2 needs, expected one of them, or http2: false under \
                 http_server_config",
                needed[0], needed[1]
            );
            out.push(complaint(suites.line, "cipher_suites", message));
        }
    }
}
