//! Answers are kept while the snapshot that they are made of is the newest: whoever asks the same again is sent the same,
//! and of many who ask at once one has it made. It is compressed once as well, when the first asks who takes gzip.

use super::answer::{VALIDATORS, is_known, tag};
use crate::exposition::Rendered;
use crate::server::encoding::takes_gzip;
use crate::server::site::Published;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, ETAG};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// More questions than the clients of one exporter have; a scan of made-up ones stays small.
const MOST: usize = 1024;
/// All of them together, in bytes. A model's quotas in 250 targets are about two million.
const ROOM: usize = 16 << 20;
/// A longer one is sent piece by piece, as it is made.
const LONGEST: usize = ROOM / 4;
/// A shorter one fits into a packet as it is.
const LEAST_GZIP: usize = 1400;

/// What is kept. Its clones are one.
#[derive(Clone)]
pub(in crate::server) struct Kept {
    published: watch::Receiver<Published>,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    /// Of the snapshot that all of them are made of.
    tag: String,
    places: HashMap<Uri, Place>,
    bytes: usize,
}

/// An answer, once there is one. Locked while it is made.
type Place = Arc<tokio::sync::Mutex<Option<Answer>>>;

struct Answer {
    headers: HeaderMap,
    body: Bytes,
    /// Once somebody took it.
    gzip: Option<Bytes>,
}

impl Kept {
    pub(in crate::server) fn new(published: watch::Receiver<Published>) -> Kept {
        Kept { published, shelf: Arc::default() }
    }

    /// Where the answer to a question is kept; `None` where there is no more room.
    fn place(&self, tag: &str, question: &Uri) -> Option<Place> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.tag != tag {
            *shelf = Shelf { tag: tag.to_string(), ..Shelf::default() };
        }
        if let Some(place) = shelf.places.get(question) {
            return Some(place.clone());
        }
        let has_room = shelf.places.len() < MOST && shelf.bytes < ROOM;
        has_room.then(|| shelf.places.entry(question.clone()).or_default().clone())
    }

    fn count(&self, tag: &str, bytes: usize) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.tag == tag {
            shelf.bytes += bytes;
        }
    }
}

/// Answers with what is kept, or keeps what is answered.
pub(in crate::server) async fn keep(State(kept): State<Kept>, request: Request, next: Next) -> Response {
    let tag = tag(&kept.published.borrow());
    let place = (request.method() == Method::GET).then(|| kept.place(&tag, request.uri())).flatten();
    let Some(place) = place else { return next.run(request).await };
    let mut kept_answer = place.lock().await;
    if let Some(answer) = &mut *kept_answer {
        return kept.send(answer, request.headers(), &tag).await;
    }
    let asked = request.headers().clone();
    let response = next.run(request).await;
    // A snapshot may have been published meanwhile.
    let is_of_it = response.headers().get(ETAG).is_some_and(|own| own.as_bytes() == tag.as_bytes());
    if response.status() != StatusCode::OK || !is_of_it {
        return response;
    }
    match whole(response).await {
        Ok(made) => {
            kept.count(&tag, made.body.len());
            kept.send(kept_answer.insert(made), &asked, &tag).await
        }
        Err(response) => response,
    }
}

impl Kept {
    /// As it was asked for: compressed, or not at all where the client has it already.
    async fn send(&self, answer: &mut Answer, asked: &HeaderMap, tag: &str) -> Response {
        if is_known(asked, tag) {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            for name in VALIDATORS {
                response.headers_mut().extend(answer.headers.get(&name).map(|value| (name, value.clone())));
            }
            return response;
        }
        let is_gzip = takes_gzip(asked) && answer.body.len() >= LEAST_GZIP;
        if is_gzip && answer.gzip.is_none() {
            let plain = answer.body.clone();
            // A fleet's answer takes its time.
            answer.gzip = tokio::task::spawn_blocking(move || gzip(&plain)).await.ok().flatten();
            self.count(tag, answer.gzip.as_ref().map_or(0, Bytes::len));
        }
        let gzip = answer.gzip.as_ref().filter(|_| is_gzip);
        let body = gzip.unwrap_or(&answer.body);
        let mut response = (answer.headers.clone(), body.clone()).into_response();
        if gzip.is_some() {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// `None` where what was compressed cannot be read again.
fn gzip(plain: &[u8]) -> Option<Bytes> {
    let rendered = Rendered::new(|out| out.write_all(plain).map(|()| 0)).ok()?;
    let (head, tail) = rendered.gzip("");
    let mut whole = Vec::with_capacity(rendered.size() + tail.len());
    head.for_each(|piece| whole.extend_from_slice(piece.as_ref()));
    whole.extend(tail);
    Some(whole.into())
}

/// The answer at once; what is too long for that, or breaks off, goes on as it was.
async fn whole(response: Response) -> Result<Answer, Response> {
    let (parts, body) = response.into_parts();
    let (mut pieces, mut read) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) if read.len() + piece.len() <= LONGEST => read.extend_from_slice(&piece),
            piece => {
                let begun = stream::iter([Ok(Bytes::from(read)), piece]);
                return Err(Response::from_parts(parts, Body::from_stream(begun.chain(pieces))));
            }
        }
    }
    Ok(Answer { headers: parts.headers, body: read.into(), gzip: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::plan::plan;
    use axum::Router;
    use axum::http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use futures_util::future::join_all;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use std::io::{self, Read};
    use std::sync::atomic::{AtomicUsize, Ordering};

    type Made = Arc<AtomicUsize>;

    fn published(serial: u64) -> Published {
        let plan = Arc::new(plan(&config::parse("test", "")).expect("defaults"));
        let (snapshot, export, awaited) = (Arc::default(), Arc::default(), Arc::default());
        Published { serial, snapshot, plan, export, explored: true, awaited, config: "".into() }
    }

    /// What is asked there counts how often an answer was made.
    fn site() -> (watch::Sender<Published>, Made, TowerToHyperService<Router>) {
        let (publish, shown) = watch::channel(published(1));
        let made = Made::default();
        let (counter, seen) = (made.clone(), shown.clone());
        let answer = move |uri: Uri| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let tag = tag(&seen.borrow());
            async move {
                tokio::task::yield_now().await;
                let pieces = match uri.path() {
                    "/long" => vec![Ok(Bytes::from(vec![b'x'; LONGEST])), Ok(Bytes::from("end"))],
                    "/wide" => vec![Ok(Bytes::from(number.to_string().repeat(LEAST_GZIP)))],
                    "/broken" => vec![Ok(Bytes::from("begun")), Err(io::Error::other("a bug"))],
                    _ => vec![Ok(Bytes::from(format!("{number}")))],
                };
                let status = if uri.path() == "/wrong" { StatusCode::NOT_FOUND } else { StatusCode::OK };
                (status, [(ETAG, tag)], Body::from_stream(stream::iter(pieces))).into_response()
            }
        };
        let kept = from_fn_with_state(Kept::new(shown), keep);
        (publish, made, TowerToHyperService::new(Router::new().route("/{*path}", get(answer)).layer(kept)))
    }

    async fn ask(site: &TowerToHyperService<Router>, path: &str, known: &str) -> Response {
        let request = Request::get(path).header(IF_NONE_MATCH, known).body(Body::empty()).unwrap();
        site.call(request).await.unwrap()
    }

    async fn told(site: &TowerToHyperService<Router>, path: &str) -> Result<Bytes, axum::Error> {
        axum::body::to_bytes(ask(site, path, "").await.into_body(), usize::MAX).await
    }

    #[tokio::test]
    async fn an_answer_is_made_once_for_each_question_and_snapshot() {
        let (publish, made, site) = site();
        let all = join_all((0..8).map(|_| told(&site, "/list?model=a"))).await;
        assert!(all.iter().all(|told| told.as_ref().unwrap() == "0"), "{all:?}");
        assert_eq!(told(&site, "/list?model=b").await.unwrap(), "1", "another question");
        let old = ask(&site, "/list?model=a", "").await.headers()[ETAG].clone();
        let same = ask(&site, "/list?model=a", old.to_str().unwrap()).await;
        assert_eq!((same.status(), &same.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &old));
        assert_eq!(made.load(Ordering::SeqCst), 2);
        publish.send(published(2)).unwrap();
        let new = ask(&site, "/list?model=a", old.to_str().unwrap()).await;
        assert_eq!(new.status(), StatusCode::OK, "what the client has is of the snapshot before");
        assert_eq!(told(&site, "/list?model=a").await.unwrap(), "2");
    }

    #[tokio::test]
    async fn who_takes_gzip_is_sent_the_same_compressed_once() {
        let (_publish, made, site) = site();
        let asked = async |path: &str, encoding: &str, known: &str| {
            let request = Request::get(path).header(ACCEPT_ENCODING, encoding).header(IF_NONE_MATCH, known);
            site.call(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        let (mut bodies, mut tags) = (Vec::new(), Vec::new());
        for encoding in ["gzip", "gzip;q=0", "gzip, br"] {
            let answer = asked("/wide", encoding, "").await;
            tags.push(answer.headers()[ETAG].to_str().unwrap().to_string());
            assert_eq!(answer.headers().contains_key(CONTENT_ENCODING), encoding != "gzip;q=0");
            bodies.push(axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap());
        }
        let plain = "0".repeat(LEAST_GZIP);
        assert_eq!(bodies[1], plain);
        assert!(bodies[0] == bodies[2] && bodies[0].len() < 100, "{bodies:?}");
        let mut inflated = String::new();
        flate2::read::GzDecoder::new(&*bodies[0]).read_to_string(&mut inflated).unwrap();
        assert_eq!(inflated, plain);
        assert!(tags.iter().all(|tag| *tag == tags[0] && tag.starts_with("W/")), "{tags:?}");
        assert_eq!(asked("/wide", "gzip", &tags[0]).await.status(), StatusCode::NOT_MODIFIED);
        assert!(!asked("/list", "gzip", "").await.headers().contains_key(CONTENT_ENCODING), "too short");
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn errors_and_what_is_long_or_breaks_off_come_as_they_are_made() {
        let (_publish, made, site) = site();
        for _ in 0..2 {
            assert_eq!(ask(&site, "/wrong", "").await.status(), StatusCode::NOT_FOUND);
            let long = told(&site, "/long").await.unwrap();
            assert!(long.len() == LONGEST + 3 && long.ends_with(b"xend"), "{}", long.len());
            assert!(told(&site, "/broken").await.is_err(), "half an answer is none");
        }
        assert_eq!(made.load(Ordering::SeqCst), 6, "none of them is kept");
    }

    #[tokio::test]
    async fn made_up_questions_take_no_more_than_their_room() {
        let (_publish, made, site) = site();
        for number in 0..MOST + 10 {
            told(&site, &format!("/list?model={number}")).await.unwrap();
        }
        assert_eq!(told(&site, "/list?model=0").await.unwrap(), "0", "kept");
        let last = format!("/list?model={}", MOST + 9);
        assert_ne!(told(&site, &last).await.unwrap(), told(&site, &last).await.unwrap(), "made anew");
        assert_eq!(made.load(Ordering::SeqCst), MOST + 12);
    }
}
