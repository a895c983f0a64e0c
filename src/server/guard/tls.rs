//! The server's side of TLS, by rustls.

use super::clients::Clients;
use crate::config::web::{ClientAuth, Curve, Pem, PemText, Tls, TlsVersion};
use crate::config::{self, Complaint};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use std::sync::Arc;

/// The texts that the section names, read.
pub(super) struct Read {
    certificate: String,
    key: String,
    client_ca: Option<String>,
}

impl Read {
    pub(super) fn new(tls: &Tls) -> Result<Read, Complaint> {
        Ok(Read {
            certificate: text(&tls.certificate)?,
            key: text(&tls.key)?,
            client_ca: tls.client_ca.as_ref().map(text).transpose()?,
        })
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        [self.certificate.as_str(), &self.key].into_iter().chain(self.client_ca.as_deref())
    }
}

fn text(pem: &Pem) -> Result<String, Complaint> {
    match &pem.text {
        PemText::Inline(text) => Ok(text.clone()),
        PemText::File(path) => {
            config::read_again(path).map_err(|wrong| pem.complaint(format!("{}: {wrong}", path.display())))
        }
    }
}

/// What connections are made of.
pub(super) fn server_config(tls: &Tls, read: &Read, http2: bool) -> Result<ServerConfig, Complaint> {
    let provider = Arc::new(provider(tls));
    let certified = certified(tls, read, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(tls))
        .map_err(|error| {
            tls.certificate.complaint(format!("found settings that allow no connection: {error}"))
        })?;
    let builder = match clients(tls, read, provider)? {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
    };
    let only = rustls::sign::SingleCertAndKey::from(certified);
    let mut config = builder.with_cert_resolver(Arc::new(only));
    config.ignore_client_order = tls.prefer_own_suites;
    let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// The certificate with its key.
fn certified(tls: &Tls, read: &Read, provider: &CryptoProvider) -> Result<CertifiedKey, Complaint> {
    let certificates = certificates(&tls.certificate, &read.certificate)?;
    let certified = CertifiedKey::new(certificates, private_key(&tls.key, &read.key, provider)?);
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(tls.key.complaint("found the key of another certificate, expected the certificate's".into()))
        }
        // Kinds of keys that do not tell their public half are believed.
        Ok(()) | Err(rustls::Error::InconsistentKeys(_)) => Ok(certified),
        Err(error) => {
            let message = format!("found a certificate that cannot be used ({error}), expected another");
            Err(tls.certificate.complaint(message))
        }
    }
}

fn versions(tls: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::Tls12, &version::TLS12), (TlsVersion::Tls13, &version::TLS13)];
    let asked = tls.min_version..=tls.max_version;
    all.into_iter().filter(|(version, _)| asked.contains(version)).map(|(_, version)| version).collect()
}

/// The suites and curves that are asked for, in that order. All of TLS 1.3's suites are always there: a list of
/// suites is about TLS 1.2.
fn provider(tls: &Tls) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(asked) = &tls.cipher_suites {
        let all = std::mem::take(&mut provider.cipher_suites);
        let (newest, older): (Vec<_>, Vec<_>) = all.into_iter().partition(|suite| suite.tls13().is_some());
        let named = |name: &str| older.iter().find(|suite| format!("{:?}", suite.suite()) == name).copied();
        provider.cipher_suites = newest;
        provider.cipher_suites.extend(asked.value.iter().filter_map(|suite| named(suite.value)));
    }
    if let Some(asked) = &tls.curves {
        let group = |curve: &Curve| match curve {
            Curve::P256 => aws_lc_rs::kx_group::SECP256R1,
            Curve::P384 => aws_lc_rs::kx_group::SECP384R1,
            Curve::X25519 => aws_lc_rs::kx_group::X25519,
        };
        provider.kx_groups = asked.iter().map(group).collect();
    }
    provider
}

fn certificates(pem: &Pem, text: &str) -> Result<Vec<CertificateDer<'static>>, Complaint> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let wrong = |found: &str| pem.complaint(format!("found {found}, expected a certificate in PEM"));
    match read {
        Ok(list) if list.is_empty() => Err(wrong("no certificate")),
        Ok(list) => Ok(list),
        Err(error) => Err(wrong(broken(&error))),
    }
}

fn private_key(
    pem: &Pem,
    text: &str,
    provider: &CryptoProvider,
) -> Result<Arc<dyn rustls::sign::SigningKey>, Complaint> {
    let wrong = |found: &str| pem.complaint(format!("found {found}, expected a private key in PEM"));
    let key = match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => key,
        Err(pem::Error::NoItemsFound) if text.contains("ENCRYPTED PRIVATE KEY-----") => {
            return Err(wrong("a key that is encrypted"));
        }
        Err(pem::Error::NoItemsFound) => return Err(wrong("no key")),
        Err(error) => return Err(wrong(broken(&error))),
    };
    let load = provider.key_provider.load_private_key(key);
    load.map_err(|_| {
        wrong("a key of another kind than RSA of 2048 bits or more, ECDSA P-256, P-384 or P-521, or Ed25519")
    })
}

/// What is wrong with a text in PEM, nothing of it repeated.
fn broken(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "PEM without an END line",
        pem::Error::IllegalSectionStart { .. } => "PEM with a broken BEGIN line",
        _ => "PEM that is no base64",
    }
}

/// Who verifies the certificates of clients, where they are asked for any.
fn clients(tls: &Tls, read: &Read, provider: Arc<CryptoProvider>) -> Result<Option<Clients>, Complaint> {
    if tls.client_auth == ClientAuth::None {
        return Ok(None);
    }
    let mut authorities = Vec::new();
    let mut roots = RootCertStore::empty();
    if let (Some(pem), Some(text)) = (&tls.client_ca, &read.client_ca) {
        authorities = certificates(pem, text)?;
        for certificate in &authorities {
            let wrong = |error| pem.complaint(format!("found a certificate that cannot be used: {error}"));
            roots.add(certificate.clone()).map_err(wrong)?;
        }
    }
    let clients = Clients::new(tls.client_auth, authorities, roots, tls.allowed_sans.clone(), provider);
    clients.map(Some).map_err(|error| Complaint::new(0, "tls_server_config".into(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::web::CIPHER_SUITES;

    #[test]
    fn every_suite_that_may_be_listed_is_there() {
        let names: Vec<String> = aws_lc_rs::default_provider()
            .cipher_suites
            .iter()
            .map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
            .collect();
        for suite in CIPHER_SUITES {
            assert!(names.iter().any(|name| name == suite), "{suite} in {names:?}");
        }
        assert_eq!(names.len(), CIPHER_SUITES.len());
    }
}
