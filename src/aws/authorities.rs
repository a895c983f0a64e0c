//! The authorities whose certificates are trusted: the system's, or those of a file that the environment names.

use crate::config::read_bytes;
use crate::readings::{PATIENCE, Readings};
use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// The variable that names a file of certificates to trust in place of the system's, as AWS's own tools read it.
pub(super) const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// Those that name where the system's are, for OpenSSL and for who follows it, as the SDK does.
const SYSTEM_FILE: &str = "SSL_CERT_FILE";
const SYSTEM_FOLDER: &str = "SSL_CERT_DIR";

/// Whom the environment wants to be trusted. An error names the variable.
pub(super) async fn trusted() -> Result<TrustStore> {
    if let Some(path) = set(CA_BUNDLE) {
        return read(CA_BUNDLE, path, bundle).await;
    }
    // The SDK reads them with its first connection, where it is called, and goes on without any.
    if let Some(path) = set(SYSTEM_FILE) {
        read(SYSTEM_FILE, path, |path| {
            read_bytes(path).map_err(Error::msg)?;
            of_system()
        })
        .await?;
    }
    if let Some(path) = set(SYSTEM_FOLDER) {
        read(SYSTEM_FOLDER, path, |_| of_system()).await?;
    }
    Ok(TrustStore::default())
}

fn set(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Reads what a variable names.
async fn read<T: Send + 'static>(variable: &str, path: PathBuf, read: fn(&Path) -> Result<T>) -> Result<T> {
    let own = path.clone();
    let done = Readings::new().read(PATIENCE, move || read(&own)).await;
    let done = done.unwrap_or_else(|hanging| Err(anyhow!("{hanging}")));
    done.with_context(|| format!("{variable}: {}", path.display()))
}

fn bundle(path: &Path) -> Result<TrustStore> {
    let pem = read_bytes(path).map_err(Error::msg)?;
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.context("found broken PEM, expected certificates")?;
        trusted.add(certificate).context("found a certificate that cannot be trusted")?;
    }
    if trusted.is_empty() {
        bail!(NONE);
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

const NONE: &str = "found no certificate, expected PEM that begins with -----BEGIN CERTIFICATE-----";

/// Whether there are any, by both variables, as the SDK will read them.
fn of_system() -> Result<()> {
    ensure!(!rustls_native_certs::load_native_certs().certs.is_empty(), NONE);
    Ok(())
}
