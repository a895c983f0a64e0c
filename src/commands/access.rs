//! What an exporter behind a web configuration asks of a client: authorities that it is trusted by, a certificate, a user.

use crate::cli::Access;
use crate::config;
use crate::server::guard::is_valid_server;
use anyhow::{Context, Result, anyhow, bail, ensure};
use hyper::header::HeaderValue;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::io;
use std::path::Path;
use std::sync::Arc;

impl Access {
    /// The user, with the password from its file; marked as what no log may show.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>> {
        use base64::Engine;
        let (Some(user), Some(file)) = (&self.username, &self.password_file) else { return Ok(None) };
        let password = read(file)?;
        let told = format!("{user}:{}", password.trim_end_matches(['\r', '\n']));
        let told = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(told));
        let mut header = HeaderValue::from_str(&told)?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    /// A client that shows the certificate, if one is told.
    pub(super) fn client_config(&self, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        match (&self.cert_file, &self.key_file) {
            (Some(certificate), Some(key)) => {
                let wrong = || format!("{}: found no private key, expected one in PEM", key.display());
                let own = PrivateKeyDer::from_pem_slice(read(key)?.as_bytes()).ok().with_context(wrong)?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, own).with_context(|| certificate.display().to_string())
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    /// Takes an exporter whose certificate is of the told authorities; without any, of those that this machine trusts.
    pub(super) fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>> {
        let mut roots = RootCertStore::empty();
        let mut told = Vec::new();
        if let Some(path) = &self.ca_file {
            told = certificates(path)?;
            for certificate in &told {
                roots.add(certificate.clone()).with_context(|| path.display().to_string())?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            ensure!(
                !roots.is_empty(),
                "this machine trusts no authority, expected --tls.ca-file with the exporter's"
            );
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Arc::new(Authorities { chains, told }))
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path) -> Result<String> {
    config::read(path).map_err(|wrong| anyhow!("{}: {wrong}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match list {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => bail!("{}: found no certificate, expected one in PEM", path.display()),
    }
}

/// Follows chains to an authority. A certificate that is itself among those told needs no chain, even if it is an
/// authority's: that is what `openssl req -x509` makes.
#[derive(Debug)]
struct Authorities {
    chains: Arc<WebPkiServerVerifier>,
    told: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.told.iter().any(|told| told == certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return is_valid_server(certificate, now).map(|()| ServerCertVerified::assertion());
        }
        self.chains.verify_server_cert(certificate, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Why no connection came about, where that is TLS: in words, with the flag that helps.
pub(super) fn why_tls(error: &anyhow::Error) -> Option<String> {
    let tls = error.chain().find_map(|link| {
        let inner = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        link.downcast_ref::<Error>().or_else(|| inner.and_then(|inner| inner.downcast_ref()))
    });
    Some(match tls? {
        Error::InvalidCertificate(wrong) if is_untrusted(wrong) => {
            "nobody who is trusted has signed its certificate; --tls.ca-file names a file with its authority, or with \
             itself"
                .to_string()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is not one of that name; --url has to be as the certificate says".to_string(),
        Error::InvalidMessage(_) => "it does not speak TLS; is it http://?".to_string(),
        Error::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            "it wants a certificate; --tls.cert-file and --tls.key-file name one".to_string()
        }
        Error::AlertReceived(alert) => format!("it refuses, by the alert {alert:?}"),
        other => format!("TLS: {other}"),
    })
}

/// Also a certificate that signs itself is signed by nobody.
fn is_untrusted(wrong: &CertificateError) -> bool {
    match wrong {
        CertificateError::UnknownIssuer => true,
        CertificateError::Other(other) => other.to_string().contains("CaUsedAsEndEntity"),
        _ => false,
    }
}
