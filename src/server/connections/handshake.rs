//! The beginning of a connection that is to be encrypted.

use super::door::{Door, End, HEAD};
use super::heard::Heard;
use crate::telemetry::Closed;
use rustls::server::Acceptor;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS connection.
const HELLO: u8 = 0x16;
/// How long somebody who spoke HTTP may take to read that it is HTTPS here.
const FAREWELL: Duration = Duration::from_secs(1);

/// What connections are made of.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Waits for the first byte; returns whether it begins something else than TLS.
    fn is_clear_text(&self) -> impl Future<Output = bool> + Send;
}

impl Transport for TcpStream {
    async fn is_clear_text(&self) -> bool {
        let mut first = [HELLO];
        matches!(self.peek(&mut first).await, Ok(1)) && first[0] != HELLO
    }
}

/// Nobody takes a socket file for a place where HTTP is spoken by chance.
impl Transport for UnixStream {
    async fn is_clear_text(&self) -> bool {
        false
    }
}

/// Agrees upon TLS until `deadline`, by what the web configuration says now. `None` where the client went away, or the
/// exporter stops.
pub(super) async fn shake<S: Transport>(
    stream: Heard<S>,
    door: &Door,
    deadline: Instant,
) -> Option<Result<TlsStream<Heard<S>>, End>> {
    let mut stopping = door.stopping.clone();
    let shaken = tokio::select! {
        shaken = timeout_at(deadline, agreed(stream, door)) => shaken,
        _ = stopping.wait_for(|stop| *stop) => return None,
    };
    match shaken {
        Err(_) => Some(Err(Closed::SlowHandshake.into())),
        Ok(Ok(stream)) => Some(Ok(stream)),
        // Of an input that is wrong there is something to tell; anything else is a client that went away.
        Ok(Err(error)) if error.kind() != io::ErrorKind::InvalidData => None,
        Ok(Err(error)) => Some(Err(End { closed: Closed::Handshake, why: Some(error.to_string()) })),
    }
}

/// The files are read after the client's first message: who says nothing costs nothing.
async fn agreed<S: Transport>(stream: Heard<S>, door: &Door) -> io::Result<TlsStream<Heard<S>>> {
    if stream.stream.is_clear_text().await {
        let _ = timeout(FAREWELL, tell_where_it_is(stream)).await;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a client began in clear text"));
    }
    let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let policy = door.guard.policy().await;
    // It has TLS whatever the files say meanwhile.
    let tls = policy.tls.clone().ok_or(io::ErrorKind::ConnectionAborted)?;
    begun.into_stream(tls).await
}

async fn tell_where_it_is(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    // What was not read would have the answer thrown away; how much it is does not matter.
    let _ = stream.read(&mut [0; HEAD]).await?;
    stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nthis is HTTPS, and the request was HTTP\n").await?;
    stream.shutdown().await
}
