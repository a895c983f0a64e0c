//! Connections: how many there may be, how long a client may take, and who has to go for a newcomer.

use super::listen::Listener;
use crate::telemetry::{Closed, Telemetry};
use axum::Router;
use axum::body::HttpBody;
use axum::http::Response;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// More than any number of Prometheus servers, browsers and probes; few enough that their buffers stay small.
pub(super) const MOST: usize = 256;
/// Bytes of a request's head, and of what is buffered of a connection: browsers send two thousand.
const HEAD: usize = 16 * 1024;
/// A kept connection may be idle for so long: longer than Prometheus's intervals.
const WAITING: Duration = Duration::from_secs(5 * 60);
/// A request's head may take so long from its first byte.
const ASKING: Duration = Duration::from_secs(10);
/// An answer may take so long until its last byte is handed over; Prometheus itself gives up after 10 s by default.
const ANSWERING: Duration = Duration::from_secs(60);
/// Between two attempts to accept where the system cannot.
const PAUSE: Duration = Duration::from_secs(1);

/// What a connection is at. In this order they have to go where there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    Waiting,
    Asking,
    Answering,
}

#[derive(Clone, Copy, Debug)]
struct Phase {
    doing: Doing,
    since: Instant,
}

impl Phase {
    fn now(doing: Doing) -> Phase {
        Phase { doing, since: Instant::now() }
    }

    /// When it has taken too long, and what that is called.
    fn deadline(self) -> (Instant, Closed) {
        match self.doing {
            Doing::Waiting => (self.since + WAITING, Closed::Idle),
            Doing::Asking => (self.since + ASKING, Closed::SlowRequest),
            Doing::Answering => (self.since + ANSWERING, Closed::SlowAnswer),
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The connections that are open, each a task of its own.
struct Connections {
    router: Router,
    telemetry: Telemetry,
    stopping: watch::Receiver<bool>,
    most: usize,
    tasks: JoinSet<Option<Closed>>,
    open: HashMap<Id, (watch::Receiver<Phase>, AbortHandle)>,
}

/// Serves until `stopping` turns true, then finishes the open requests. At most `most` connections are open: a
/// newcomer takes the place of the one that has been idle for longest.
pub(super) async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    telemetry: Telemetry,
    most: usize,
    mut stopping: watch::Receiver<bool>,
) {
    let (arrive, mut arrivals) = mpsc::channel(1);
    let mut listening = JoinSet::new();
    for listener in listeners {
        listening.spawn(accept(listener, arrive.clone()));
    }
    let (tasks, open) = (JoinSet::new(), HashMap::new());
    let mut connections = Connections { router, telemetry, stopping: stopping.clone(), most, tasks, open };
    loop {
        tokio::select! {
            Some(stream) = arrivals.recv() => connections.welcome(stream),
            Some(_) = connections.gone() => {}
            _ = stopping.wait_for(|stop| *stop) => break,
        }
    }
    // Nobody comes any more, and whoever is here is answered.
    listening.shutdown().await;
    while connections.gone().await.is_some() {}
}

/// Hands over what comes in, one after another.
async fn accept(listener: Listener, arrive: mpsc::Sender<Stream>) {
    loop {
        let stream = match &listener {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        };
        match stream {
            Ok(stream) => {
                if arrive.send(stream).await.is_err() {
                    return;
                }
            }
            // Who went away while they waited is no trouble of ours.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

impl Connections {
    fn welcome(&mut self, stream: Stream) {
        if self.open.len() >= self.most {
            self.make_room();
        }
        let (phase, watched) = watch::channel(Phase::now(Doing::Waiting));
        let (router, stopping) = (self.router.clone(), self.stopping.clone());
        let task = match stream {
            Stream::Tcp(stream) => {
                // Or the end of an answer waits for the other side to confirm its beginning.
                let _ = stream.set_nodelay(true);
                self.tasks.spawn(attend(stream, router, phase, stopping))
            }
            Stream::Unix(stream) => self.tasks.spawn(attend(stream, router, phase, stopping)),
        };
        self.open.insert(task.id(), (watched, task));
        self.telemetry.set_connections(self.open.len());
    }

    /// Closes the connection that has been idle for longest; if none is, the one that is slowest.
    fn make_room(&mut self) {
        let longest = self.open.iter().max_by_key(|(_, (phase, _))| {
            let phase = *phase.borrow();
            (Reverse(phase.doing), phase.since.elapsed())
        });
        if let Some((&id, (_, task))) = longest {
            task.abort();
            self.open.remove(&id);
            self.telemetry.connection_closed(Closed::Limit);
        }
    }

    /// Waits until a connection has ended; `None` where there is none.
    async fn gone(&mut self) -> Option<()> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, closed) = ended.unwrap_or_else(|error| (error.id(), None));
        self.open.remove(&id);
        self.telemetry.set_connections(self.open.len());
        if let Some(closed) = closed {
            self.telemetry.connection_closed(closed);
        }
        Some(())
    }
}

/// Answers one connection; returns why it was closed where its client did not do so.
/// It speaks HTTP/1.1 alone: no scraper asks for HTTP/2 in clear text, and whoever does hides requests from
/// proxies.
async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    phase: watch::Sender<Phase>,
    mut stopping: watch::Receiver<bool>,
) -> Option<Closed> {
    let mut watched = phase.subscribe();
    let phase = Arc::new(phase);
    let (routed, answering) = (TowerToHyperService::new(router), phase.clone());
    let service = service_fn(move |request| {
        let (answer, answering) = (routed.call(request), Answering::new(answering.clone()));
        async move { answer.await.map(|answer| answering.until_read(answer)) }
    });
    let io = TokioIo::new(Heard { stream, phase });
    let http = http1::Builder::new().max_buf_size(HEAD).serve_connection(io, service);
    let (mut http, mut is_last) = (pin!(http), false);
    loop {
        let (deadline, reason) = watched.borrow_and_update().deadline();
        tokio::select! {
            _ = http.as_mut() => return None,
            Ok(()) = watched.changed() => {}
            () = sleep_until(deadline) => return Some(reason),
            _ = stopping.wait_for(|stop| *stop), if !is_last => {
                is_last = true;
                http.as_mut().graceful_shutdown();
            }
        }
    }
}

/// An answer under way, from its request to its last byte.
struct Answering(Arc<watch::Sender<Phase>>);

impl Answering {
    fn new(phase: Arc<watch::Sender<Phase>>) -> Answering {
        phase.send_replace(Phase::now(Doing::Answering));
        Answering(phase)
    }

    /// Keeps it under way until the body is dropped.
    fn until_read<B>(self, answer: Response<B>) -> Response<impl HttpBody<Data = B::Data, Error = B::Error>>
    where
        B: HttpBody,
    {
        answer.map(|body| {
            body.map_frame(move |frame| {
                let _under_way = &self;
                frame
            })
        })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.send_replace(Phase::now(Doing::Waiting));
    }
}

/// A stream that notes when a request begins.
struct Heard<S> {
    stream: S,
    phase: Arc<watch::Sender<Phase>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.phase.send_if_modified(|phase| {
                let begins = phase.doing == Doing::Waiting;
                if begins {
                    *phase = Phase::now(Doing::Asking);
                }
                begins
            });
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
