//! Answers with validators: whole, or target by target, so that a fleet's takes no more memory than one target's.

use crate::api::{Described, Query, Source, Unread};
use crate::model::state::TargetState;
use crate::server::site::Published;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::{Value, json};
use std::iter::once;
use std::sync::Arc;

/// A snapshot is the newest for some seconds at least.
const FRESH: &str = "private, max-age=5";

const JSON: &str = "application/json";

/// A list of what a snapshot knows.
#[derive(Serialize)]
pub(super) struct Listing<T> {
    /// When the snapshot was made, in seconds since the epoch.
    pub(super) snapshot_at: i64,
    pub(super) items: Vec<T>,
}

impl<T: Described> Described for Listing<T> {
    fn schema() -> Value {
        let (at, items) = (i64::schema(), Vec::<T>::schema());
        json!({
            "type": "object",
            "properties": {"snapshot_at": at, "items": items},
            "required": ["snapshot_at", "items"],
        })
    }
}

/// The schema of a list that also tells of which targets it knows too little.
pub(super) fn with_unread<T: Described>() -> Value {
    let mut schema = Listing::<T>::schema();
    schema["properties"]["unread"] = Vec::<Unread>::schema();
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("unread".into());
    }
    schema
}

/// What closes a list, with the targets of which it knows too little.
pub(super) fn tail(unread: &[Unread]) -> String {
    format!("],\"unread\":{}}}", json!(unread))
}

/// What the answers to a request are made of.
pub(super) fn source(published: &Published) -> Source<'_> {
    Source { snapshot: &published.snapshot, export: &published.export }
}

/// What of a target is listed.
pub(super) type ItemsOf<T> = fn(Source<'_>, &TargetState, &Query) -> Vec<T>;

/// The listing at once.
pub(super) fn whole(published: &Published, headers: &HeaderMap, listing: &impl Serialize) -> Response {
    answer(published, headers, JSON, || match serde_json::to_vec(listing) {
        Ok(text) => text.into(),
        Err(error) => Body::from_stream(stream::iter([Err::<Vec<u8>, _>(error)])),
    })
}

/// A text of that type.
pub(super) fn text(
    published: &Published,
    headers: &HeaderMap,
    kind: &'static str,
    text: impl FnOnce() -> String,
) -> Response {
    answer(published, headers, kind, || text().into())
}

/// The listing target by target; `tail` closes it.
pub(super) fn streamed<T: Serialize + 'static>(
    published: Published,
    headers: &HeaderMap,
    query: Query,
    items: ItemsOf<T>,
    tail: String,
) -> Response {
    let shown = published.clone();
    answer(&published, headers, JSON, || {
        let head = format!("{{\"snapshot_at\":{},\"items\":[", shown.snapshot.at.0);
        let targets: Vec<Arc<TargetState>> = source(&shown).targets(&query).cloned().collect();
        let mut is_first = true;
        let chunks = targets.into_iter().map(move |state| {
            let mut chunk = Vec::new();
            for item in items(source(&shown), &state, &query) {
                if !std::mem::take(&mut is_first) {
                    chunk.push(b',');
                }
                serde_json::to_writer(&mut chunk, &item)?;
            }
            Ok(chunk)
        });
        let chunks = once(Ok(head.into_bytes())).chain(chunks).chain(once(Ok(tail.into_bytes())));
        // One without bytes would end the body.
        let chunks = chunks
            .filter(|chunk: &serde_json::Result<Vec<u8>>| chunk.as_ref().map_or(true, |c| !c.is_empty()));
        Body::from_stream(stream::iter(chunks))
    })
}

/// What a client needs of an answer that it has already.
pub(super) const VALIDATORS: [HeaderName; 3] = [CACHE_CONTROL, ETAG, VARY];

/// Of the snapshot that all answers are made of. Weak: plain and compressed answers have the same.
pub(super) fn tag(published: &Published) -> String {
    format!("W/\"{:x}-{:x}\"", published.snapshot.at.0, published.serial)
}

/// Whether the client has the answer of that tag already.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
    let mut tags = known.flat_map(|value| value.split(',')).map(opaque);
    let tag = opaque(tag);
    tags.any(|known| known == tag || known == "*")
}

/// The body, or 304 where the client has that of this snapshot already.
fn answer(
    published: &Published,
    headers: &HeaderMap,
    kind: &'static str,
    body: impl FnOnce() -> Body,
) -> Response {
    let tag = tag(published);
    let cached = [
        (CACHE_CONTROL, FRESH.to_string()),
        (ETAG, tag.clone()),
        // What is kept is also sent compressed.
        (VARY, ACCEPT_ENCODING.to_string()),
    ];
    if is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    let typed = [(CONTENT_TYPE, kind), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (cached, typed, body()).into_response()
}
