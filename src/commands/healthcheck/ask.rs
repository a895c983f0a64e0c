//! What an exporter says of its health.

use crate::cli::Healthcheck;
use crate::commands::access::provider;
use crate::commands::request::{Stream, answer, encrypted};
use crate::config::{self, web};
use crate::server::listen::Address;
use anyhow::{Result, anyhow};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};

/// More of an answer is not read.
const LONGEST: usize = 64 * 1024;

/// The status of GET `path`, and what is said with it.
pub(super) async fn get(address: &Address, path: &str, args: &Healthcheck) -> Result<(StatusCode, String)> {
    let authority = address.from_here().unwrap_or_else(|| "localhost".to_string());
    let mut stream: Box<dyn Stream> = match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        _ => Box::new(TcpStream::connect(&authority).await?),
    };
    if speaks_tls(args)? {
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let config = args.access.client_config(verifier(args)?)?;
        stream = encrypted(stream, host.trim_matches(['[', ']']), Arc::new(config)).await?;
    }
    let mut request = Request::get(path).header(HOST, authority);
    if let Some(user) = args.access.authorization()? {
        request = request.header(AUTHORIZATION, user);
    }
    let answer = answer(stream, request.body(Empty::<Bytes>::new())?, LONGEST).await?;
    Ok((answer.status(), String::from_utf8_lossy(answer.body()).into_owned()))
}

/// Whether a flag or the web config asks for TLS. One that is being changed and is wrong at the moment does not turn a
/// healthy exporter, which goes by what it said before, into one that is to be started again.
fn speaks_tls(args: &Healthcheck) -> Result<bool> {
    if args.access.ca_file.is_some() || args.access.cert_file.is_some() {
        return Ok(true);
    }
    let Some(path) = &args.web_config.web_config else { return Ok(false) };
    let text = config::read(path).map_err(|wrong| anyhow!("{}: {wrong}", path.display()))?;
    Ok(match web::parse(path, &text) {
        Ok(config) => config.tls.is_some(),
        Err(_) => text.lines().any(|line| line.starts_with("tls_server_config:")),
    })
}

/// Without authorities every certificate will do, as it does for the probes of Kubernetes: it is asked whether the
/// exporter is alive, and of a place that is this machine.
fn verifier(args: &Healthcheck) -> Result<Arc<dyn ServerCertVerifier>> {
    if args.access.ca_file.is_some() { args.access.verifier() } else { Ok(Arc::new(Anybody(provider()))) }
}

/// Takes any server for the exporter, if it has the key of the certificate that it shows.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
