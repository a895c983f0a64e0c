//! HTTP on a connection, within its bounds.

use super::phase::{Answering, Phase};
use super::{Door, End, HEAD};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// Requests of one HTTP/2 connection that are answered at once: a scraper has one, a browser a few.
const STREAMS: u32 = 8;
/// Bytes that a client may send of a request's body before it is read. No request here has one.
const WINDOW: u32 = 64 * 1024;

/// HTTP/1.1. In clear text there is nothing else: no scraper asks for HTTP/2 there, and whoever does hides requests
/// from proxies.
pub(super) async fn one<S>(stream: S, door: Door, phase: Arc<watch::Sender<Phase>>) -> Option<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(answers(door.router, phase.clone()));
    let http = http1::Builder::new().max_buf_size(HEAD).serve_connection(TokioIo::new(stream), service);
    within_bounds(pin!(http), http1::Connection::graceful_shutdown, phase, door.stopping).await
}

/// HTTP/2. Frames that are no requests are let through as an idle connection's; the requests themselves are bounded
/// as those of HTTP/1.1 are.
pub(super) async fn two<S>(stream: S, door: Door, phase: Arc<watch::Sender<Phase>>) -> Option<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    phase.send_modify(Phase::mix);
    let service = service_fn(answers(door.router, phase.clone()));
    let http = http2::Builder::new(Streams::default())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD as u32)
        .max_send_buf_size(HEAD)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    within_bounds(pin!(http), http2::Connection::graceful_shutdown, phase, door.stopping).await
}

/// Answers requests; the connection knows which are under way.
fn answers(router: Router, phase: Arc<watch::Sender<Phase>>) -> impl Fn(Request<Incoming>) -> Answer + Clone {
    let routed = TowerToHyperService::new(router);
    move |request| {
        let (answer, answering) = (routed.call(request), Answering::new(phase.clone()));
        Box::pin(async move { answer.await.map(|answer| answering.until_read(answer).map(Body::new)) })
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Drives a connection until it ends, takes too long, or is asked to end and has answered.
async fn within_bounds<C, E>(
    mut connection: Pin<&mut C>,
    shut_down: fn(Pin<&mut C>),
    phase: Arc<watch::Sender<Phase>>,
    mut stopping: watch::Receiver<bool>,
) -> Option<End>
where
    C: Future<Output = Result<(), E>>,
{
    let mut watched = phase.subscribe();
    let mut is_last = false;
    loop {
        let (deadline, reason) = watched.borrow_and_update().deadline();
        tokio::select! {
            _ = &mut connection => return None,
            _ = watched.changed() => {}
            () = sleep_until(deadline) => return Some(reason.into()),
            _ = stopping.wait_for(|stop| *stop), if !is_last => {
                is_last = true;
                shut_down(connection.as_mut());
            }
        }
    }
}

/// The answers under way of an HTTP/2 connection: they end with it.
#[derive(Clone, Default)]
struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while streams.try_join_next().is_some() {}
        streams.spawn(stream);
    }
}
