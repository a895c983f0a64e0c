//! One request of an exporter, as a health check makes it.

use crate::cli::Healthcheck;
use crate::config::{self, web};
use crate::server::listen::Address;
use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// More of an answer is not read.
const LONGEST: usize = 64 * 1024;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The status of GET `path`, and what is said with it.
pub(super) async fn get(address: &Address, path: &str, args: &Healthcheck) -> Result<(StatusCode, String)> {
    let authority = address.from_here().unwrap_or_else(|| "localhost".to_string());
    let mut stream: Box<dyn Stream> = match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        _ => Box::new(TcpStream::connect(&authority).await?),
    };
    if speaks_tls(args)? {
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_string())?;
        stream = Box::new(TlsConnector::from(Arc::new(client_config(args)?)).connect(name, stream).await?);
    }
    let mut request = Request::get(path).header(HOST, authority);
    if let (Some(user), Some(file)) = (&args.username, &args.password_file) {
        request = request.header(AUTHORIZATION, basic(user, &read(file)?));
    }
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asked = async move {
        let answer = client.send_request(request.body(Empty::<Bytes>::new())?).await?;
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|error| anyhow!(error))?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let password = password.trim_end_matches(['\r', '\n']);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn read(path: &Path) -> Result<String> {
    config::read(path).map_err(|wrong| anyhow!("{}: {wrong}", path.display()))
}

/// Whether a flag or the web config asks for TLS. One that is being changed and is wrong at the moment does not turn a
/// healthy exporter, which goes by what it said before, into one that is to be started again.
fn speaks_tls(args: &Healthcheck) -> Result<bool> {
    if args.ca_file.is_some() || args.cert_file.is_some() {
        return Ok(true);
    }
    let Some(path) = &args.web_config.web_config else { return Ok(false) };
    let text = read(path)?;
    Ok(match web::parse(path, &text) {
        Ok(config) => config.tls.is_some(),
        Err(_) => text.lines().any(|line| line.starts_with("tls_server_config:")),
    })
}

/// Without authorities every certificate will do, as it does for the probes of Kubernetes: it is asked whether the
/// exporter is alive, and of a place that is this machine.
fn client_config(args: &Healthcheck) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &args.ca_file {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| path.display().to_string())?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    match (&args.cert_file, &args.key_file) {
        (Some(certificate), Some(key)) => {
            let wrong = || format!("{}: found no private key, expected one in PEM", key.display());
            let own = PrivateKeyDer::from_pem_slice(read(key)?.as_bytes()).ok().with_context(wrong)?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, own).with_context(|| certificate.display().to_string())
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match list {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => bail!("{}: found no certificate, expected one in PEM", path.display()),
    }
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
