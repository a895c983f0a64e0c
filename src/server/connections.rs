//! Connections: how many there may be, how long a client may take, and who has to go for a newcomer.

mod handshake;
mod heard;
mod http;
mod phase;

use super::guard::{Guard, gated};
use super::listen::Listener;
use crate::telemetry::{Closed, Telemetry};
use axum::Router;
use heard::Heard;
use phase::Phase;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep};

/// More than any number of Prometheus servers, browsers and probes; few enough that their buffers stay small.
pub(super) const MOST: usize = 256;
/// Bytes of a request's head, and of what is buffered of a connection: browsers send two thousand.
const HEAD: usize = 16 * 1024;
/// Between two attempts to accept where the system cannot.
const PAUSE: Duration = Duration::from_secs(1);
/// Of handshakes that fail one is told in so long a time; the others are counted.
const TOLD: Duration = Duration::from_secs(10);

/// Why the server closed a connection, with what there is to say of it.
#[derive(Debug)]
struct End {
    closed: Closed,
    why: Option<String>,
}

impl From<Closed> for End {
    fn from(closed: Closed) -> End {
        End { closed, why: None }
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The connections that are open, each a task of its own.
struct Connections {
    door: Door,
    telemetry: Telemetry,
    most: usize,
    tasks: JoinSet<Option<End>>,
    open: HashMap<Id, (watch::Receiver<Phase>, AbortHandle)>,
    /// When a handshake that failed was told last.
    told: Option<Instant>,
}

/// What every connection is served with.
#[derive(Clone)]
struct Door {
    router: Router,
    guard: Guard,
    stopping: watch::Receiver<bool>,
}

/// Serves until `stopping` turns true, then finishes the open requests. At most `most` connections are open: a
/// newcomer takes the place of the one that has been idle for longest.
pub(super) async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    guard: Guard,
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
    let door = Door { router: gated(router, guard.clone()), guard, stopping: stopping.clone() };
    let mut connections = Connections { door, telemetry, most, tasks, open, told: None };
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
        let (phase, watched) = watch::channel(Phase::new());
        let (door, phase) = (self.door.clone(), Arc::new(phase));
        let task = match stream {
            Stream::Tcp(stream) => {
                // Or the end of an answer waits for the other side to confirm its beginning.
                let _ = stream.set_nodelay(true);
                self.tasks.spawn(attend(stream, door, phase))
            }
            Stream::Unix(stream) => self.tasks.spawn(attend(stream, door, phase)),
        };
        self.open.insert(task.id(), (watched, task));
        self.telemetry.set_connections(self.open.len());
    }

    /// Closes the connection that has been idle for longest; if none is, the one that is slowest.
    fn make_room(&mut self) {
        let longest = self.open.iter().max_by_key(|(_, (phase, _))| phase.borrow().goes_before());
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
        if let Some(End { closed, why }) = closed {
            self.telemetry.connection_closed(closed);
            self.tell(why);
        }
        Some(())
    }

    /// Whoever may connect can have handshakes fail as fast as they like: the log does not grow by each.
    fn tell(&mut self, why: Option<String>) {
        if let Some(why) = why.filter(|_| self.told.is_none_or(|told| told.elapsed() >= TOLD)) {
            self.told = Some(Instant::now());
            tracing::warn!(
                error = why,
                "a TLS handshake failed; of more within 10 s only the number is kept"
            );
        }
    }
}

/// Serves one connection, encrypted if that is wanted; returns why it was closed where its client did not do so.
async fn attend<S>(stream: S, door: Door, phase: Arc<watch::Sender<Phase>>) -> Option<End>
where
    S: handshake::Transport,
{
    let heard = Heard { stream, phase: phase.clone() };
    if !door.guard.is_tls() {
        phase.send_modify(Phase::wait);
        return http::one(heard, door, phase).await;
    }
    let deadline = phase.borrow().deadline().0;
    let stream = match handshake::shake(heard, &door, deadline).await? {
        Ok(stream) => stream,
        Err(end) => return Some(end),
    };
    phase.send_modify(Phase::ask);
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => http::two(stream, door, phase).await,
        _ => http::one(stream, door, phase).await,
    }
}
