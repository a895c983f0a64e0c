//! The certificates of clients.

use crate::config::web::ClientAuth;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use std::net::IpAddr;
use std::sync::Arc;
use x509_parser::extensions::ExtendedKeyUsage;
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

/// Decides about the certificates of clients as the web configuration says.
#[derive(Debug)]
pub(super) struct Clients {
    auth: ClientAuth,
    /// Follows chains to an authority; `None` where there is none, and so no chain is good.
    chains: Option<Arc<dyn ClientCertVerifier>>,
    authorities: Vec<CertificateDer<'static>>,
    allowed_sans: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl Clients {
    /// `roots` are the same as `authorities`.
    pub(super) fn new(
        auth: ClientAuth,
        authorities: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
        allowed_sans: Option<Vec<String>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Clients, String> {
        let verifier =
            |roots| WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let chains =
            (!roots.is_empty()).then(|| verifier(roots)).transpose().map_err(|error| error.to_string())?;
        Ok(Clients { auth, chains, authorities, allowed_sans, provider })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.authorities.iter().any(|authority| authority == certificate) {
            return trusted_itself(certificate, now);
        }
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let chains = self.chains.as_ref().ok_or(unknown)?;
        chains.verify_client_cert(certificate, between, now).map(drop)
    }

    /// Whether one of its names is allowed.
    fn is_allowed(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(allowed) = &self.allowed_sans else { return Ok(()) };
        let names = names(&parsed(certificate)?);
        if names.iter().any(|name| allowed.contains(name)) {
            return Ok(());
        }
        tracing::debug!(?names, "a client's certificate has none of client_allowed_sans");
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }
}

fn parsed<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    let read = X509Certificate::from_der(certificate);
    read.map(|(_, certificate)| certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// A certificate that is itself among the authorities needs no chain, even if it is an authority's: that is what
/// `openssl req -x509` makes, and how few clients are often let in.
fn trusted_itself(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    is_valid(certificate, now, |usage| usage.client_auth)
}

/// The same of a server's.
pub(crate) fn is_valid_server(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    is_valid(certificate, now, |usage| usage.server_auth)
}

/// Whether its time is now, and it may be used so.
fn is_valid(
    certificate: &CertificateDer<'_>,
    now: UnixTime,
    may: impl Fn(&ExtendedKeyUsage<'_>) -> bool,
) -> Result<(), Error> {
    let certificate = parsed(certificate)?;
    let now = i64::try_from(now.as_secs()).ok().and_then(|seconds| ASN1Time::from_timestamp(seconds).ok());
    let now = now.ok_or(Error::FailedToGetCurrentTime)?;
    if !certificate.validity().is_valid_at(now) {
        let is_early = now < certificate.validity().not_before;
        let wrong = if is_early { CertificateError::NotValidYet } else { CertificateError::Expired };
        return Err(wrong.into());
    }
    let usage = certificate.extended_key_usage().map_err(|_| CertificateError::BadEncoding)?;
    if usage.is_none_or(|usage| usage.value.any || may(usage.value)) {
        Ok(())
    } else {
        Err(CertificateError::InvalidPurpose.into())
    }
}

/// Its subject alternative names as client_allowed_sans spells them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let spelled = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some(name.to_string())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_canonical().to_string()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(spelled).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

impl ClientCertVerifier for Clients {
    /// Who must have a name must have a certificate.
    fn client_auth_mandatory(&self) -> bool {
        let is_required = matches!(self.auth, ClientAuth::RequireAny | ClientAuth::RequireAndVerify);
        is_required || self.allowed_sans.is_some()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.as_ref().map_or(&[], |chains| chains.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if matches!(self.auth, ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify) {
            self.verify(end_entity, intermediates, now)?;
        }
        self.is_allowed(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
