//! HTTP: /metrics, the status page, health.

use crate::clock;
use crate::exposition::{Export, Rendered};
use crate::model::snapshot::Snapshot;
use crate::plan::Plan;
use crate::report::runbooks;
use crate::report::status::{self, Exporter};
use crate::telemetry::Telemetry;
use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

/// The Prometheus text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the web flags say.
#[derive(Clone, Debug)]
pub struct Web {
    pub telemetry_path: String,
    /// Whether POST /-/reload is served.
    pub enable_lifecycle: bool,
}

/// What a scrape is sent.
#[derive(Clone, Default)]
pub(crate) struct Page {
    /// `None` before the first rendering.
    pub(crate) rendered: Option<Arc<Rendered>>,
    /// Whether every collector of every target had been tried when it was rendered, or before.
    pub(crate) complete: bool,
}

/// Somebody who wants a reload, waiting to hear how it went.
pub(crate) type ReloadRequest = oneshot::Sender<std::result::Result<(), String>>;

/// What a scrape shows belongs together: no scrape mixes two configs.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) plan: Arc<Plan>,
    /// The plan's, with the names of accounts that only AWS could tell.
    pub(crate) export: Arc<Export>,
    /// Whether all lists of what there is to watch have been asked for.
    pub(crate) explored: bool,
}

/// What the handlers read.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) web: Web,
    pub(crate) telemetry: Telemetry,
    pub(crate) published: watch::Receiver<Published>,
    pub(crate) rendered: watch::Receiver<Page>,
    pub(crate) reload: mpsc::Sender<ReloadRequest>,
}

/// Serves until `stopping` turns true, then finishes the open requests.
pub(crate) async fn serve(
    listener: TcpListener,
    site: Site,
    mut stopping: watch::Receiver<bool>,
) -> Result<()> {
    let mut router = Router::new()
        .route("/", get(index))
        .route(&site.web.telemetry_path, get(metrics))
        .route("/runbooks/{name}", get(runbook))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready));
    if site.web.enable_lifecycle {
        router = router.route("/-/reload", post(reload));
    }
    let router = router.with_state(site);
    let stopped = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    Ok(axum::serve(listener, router).with_graceful_shutdown(stopped).await?)
}

/// Sends what was rendered, with the exporter's own small part behind it.
async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let (own, rendered) = {
        // While the page is held, what the exporter says of its plan is of the same plan.
        let page = site.rendered.borrow();
        (site.telemetry.render(), page.rendered.clone())
    };
    let typed = [(CONTENT_TYPE, TEXT), (VARY, "accept-encoding"), (CACHE_CONTROL, "no-store")];
    match rendered {
        None => (typed, own).into_response(),
        Some(rendered) if takes_gzip(&headers) => {
            let (head, tail) = rendered.gzip(&own);
            let parts = head.map(Bytes::from_owner).chain([Bytes::from(tail)]).map(Ok::<_, Infallible>);
            (typed, [(CONTENT_ENCODING, "gzip")], Body::from_stream(stream::iter(parts))).into_response()
        }
        Some(rendered) => {
            let parts = rendered.plain().chain([Ok(own.into_bytes())]);
            (typed, Body::from_stream(stream::iter(parts))).into_response()
        }
    }
}

/// Whether the client takes gzip: named, and not at q=0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let refused = |part: &str| part.strip_prefix("q=").and_then(|q| q.parse::<f64>().ok()) == Some(0.0);
        matches!(parts.next(), Some("gzip" | "*")) && !parts.any(refused)
    })
}

/// No script, nothing from elsewhere, in no frame: whatever a name may hold, it stays text.
const STATUS_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

async fn index(State(site): State<Site>) -> Response {
    let Published { snapshot, plan, export, .. } = site.published.borrow().clone();
    let (run, (loaded, loaded_at)) = (site.telemetry.run(), site.telemetry.last_load());
    let exporter = Exporter {
        version: run.version.clone(),
        revision: run.revision.clone(),
        mode: run.mode.clone(),
        started: run.started,
        dollars: site.telemetry.dollars(),
        budget: plan.settings.budget,
        loaded,
        loaded_at,
    };
    let page = status::Page {
        snapshot: &snapshot,
        export: &export,
        exporter: &exporter,
        metrics: &site.web.telemetry_path,
        now: clock::now(),
    };
    let headers = [
        (CONTENT_SECURITY_POLICY, STATUS_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(page.html())).into_response()
}

async fn runbook(Path(name): Path<String>) -> Response {
    let plain = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    match runbooks::runbook(name.trim_end_matches(".md")) {
        Some(text) => (plain, text).into_response(),
        None => (StatusCode::NOT_FOUND, plain, "no such runbook\n").into_response(),
    }
}

async fn healthy() -> &'static str {
    "OK\n"
}

/// 200 once every collector of every target has been tried and the result can be scraped.
async fn ready(State(site): State<Site>) -> (StatusCode, &'static str) {
    if site.rendered.borrow().complete {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the first round is under way\n")
    }
}

/// 200 once the new config is in force; 400 with every complaint where it is not.
async fn reload(State(site): State<Site>) -> (StatusCode, String) {
    let (request, answer) = oneshot::channel();
    let sent = site.reload.send(request).await.is_ok();
    match answer.await {
        Ok(Ok(())) if sent => (StatusCode::OK, "reloaded\n".to_string()),
        Ok(Err(complaints)) => (StatusCode::BAD_REQUEST, complaints + "\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_where_it_is_taken() {
        let header = |value: &'static str| HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
        assert!(takes_gzip(&header("gzip")));
        assert!(takes_gzip(&header("deflate, gzip;q=0.5")));
        assert!(takes_gzip(&header("*")));
        assert!(!takes_gzip(&header("gzip;q=0")));
        assert!(!takes_gzip(&header("br")));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
