//! One request of a running exporter, on a connection of its own.

use crate::report::human::grouped;
use anyhow::{Result, anyhow};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// A way to an exporter.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The same way, encrypted, if `host` (a name, or an address without brackets) is there.
pub(super) async fn encrypted(
    stream: Box<dyn Stream>,
    host: &str,
    config: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>> {
    let name = ServerName::try_from(host.to_string())?;
    Ok(Box::new(TlsConnector::from(config).connect(name, stream).await?))
}

/// The answer; more bytes of it than that are an error, and so is one that ends before its end.
pub(super) async fn answer(
    stream: Box<dyn Stream>,
    request: Request<Empty<Bytes>>,
    longest: usize,
) -> Result<Response<Bytes>> {
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asked = async move {
        let (head, body) = client.send_request(request).await?.into_parts();
        let body = Limited::new(body, longest).collect().await.map_err(|error| {
            match error.is::<LengthLimitError>() {
                true => anyhow!("its answer has more than {} bytes", grouped(longest as f64)),
                false => anyhow!(error),
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}
