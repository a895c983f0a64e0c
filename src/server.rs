//! HTTP: /metrics, the status page, health.

mod api;
mod connections;
mod encoding;
pub mod guard;
pub mod listen;
mod site;

use crate::clock;
use crate::model::snapshot::Snapshot;
use crate::plan::Plan;
use crate::report::runbooks;
use crate::report::status::{self, Exporter};
use crate::telemetry::Telemetry;
use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use encoding::takes_gzip;
use futures_util::stream;
use listen::Listener;
pub use site::Web;
pub(crate) use site::{Page, Published, ReloadRequest, Site};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

/// The Prometheus text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Pages other than the metrics that are made at once; more wait for so long, while scrapes and probes go on.
const PAGES: usize = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// The writer turns at least every half minute, whatever AWS does; after so long without it is stuck.
const STUCK: Duration = Duration::from_secs(5 * 60);

/// Serves until `stopping` turns true, then finishes the open requests. `files`: how many files the process may
/// have open; a connection is one.
pub(crate) async fn serve(
    listeners: Vec<Listener>,
    site: Site,
    files: u64,
    stopping: watch::Receiver<bool>,
) -> Result<()> {
    // The other half is for AWS.
    let most = connections::MOST.min(files as usize / 2);
    let (guard, telemetry) = (site.web.guard.clone(), site.telemetry.clone());
    let router = router(site, Arc::new(Places { free: Semaphore::new(PAGES), patience: PATIENCE }));
    connections::serve(listeners, router, guard, telemetry, most, stopping).await;
    Ok(())
}

/// What is answered of a snapshot that never changes, without a socket and its guard.
pub fn still(snapshot: Snapshot, plan: Plan, telemetry: Telemetry) -> Router {
    let places = Places { free: Semaphore::new(PAGES), patience: PATIENCE };
    router(Site::still(snapshot, plan, telemetry), Arc::new(places))
}

/// Places for requests that are not as urgent as a scrape or a probe, and how long one of them waits for a place.
struct Places {
    free: Semaphore,
    patience: Duration,
}

fn router(site: Site, places: Arc<Places>) -> Router {
    let mut aside = Router::new().route("/", get(index)).route("/runbooks/{name}", get(runbook));
    if site.web.enable_lifecycle {
        let lifecycle = Router::new().route("/-/reload", post(reload)).route("/-/config", get(config));
        aside = aside.merge(lifecycle.layer(middleware::from_fn(from_here)));
    }
    let urgent = Router::new()
        .route(&site.web.telemetry_path, get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready));
    let few = middleware::from_fn_with_state(places, one_of_few);
    let mut all = urgent.merge(aside.layer(few.clone()));
    if site.web.enable_api {
        let kept = api::Kept::new(site.published.clone());
        // What is kept needs no place.
        all = all.merge(api::router().layer(few).layer(middleware::from_fn_with_state(kept, api::keep)));
    }
    all.with_state(site)
}

/// Waits for a place.
async fn one_of_few(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    match timeout(places.patience, places.free.acquire()).await {
        Ok(Ok(_place)) => next.run(request).await,
        _ if is_api => api::busy(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")], "too many requests\n").into_response(),
    }
}

/// Refuses what a page of another site has a browser send: it would reach an exporter that only the browser's
/// network reaches. Whoever is no browser sends no Origin.
async fn from_here(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let of_page =
        text(ORIGIN).map(|origin| origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned()));
    let is_foreign = of_page.is_some_and(|page| page.as_ref().map(|page| page.as_str()) != text(HOST));
    if is_foreign {
        return (StatusCode::FORBIDDEN, "a request of another site's page is refused\n").into_response();
    }
    next.run(request).await
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

/// No script, nothing from elsewhere, in no frame: whatever a name may hold, it stays text.
const STATUS_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Made off the runtime's threads: a fleet's page takes its time.
async fn index(State(site): State<Site>) -> Response {
    let page = tokio::task::spawn_blocking(move || status_page(&site)).await;
    let page = page.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    let headers = [
        (CONTENT_SECURITY_POLICY, STATUS_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(page)).into_response()
}

fn status_page(site: &Site) -> String {
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
        api: site.web.enable_api,
        now: clock::now(),
    };
    page.html()
}

async fn runbook(Path(name): Path<String>) -> Response {
    let plain = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    match runbooks::runbook(name.trim_end_matches(".md")) {
        Some(text) => (plain, text).into_response(),
        None => (StatusCode::NOT_FOUND, plain, "no such runbook\n").into_response(),
    }
}

/// 200 unless the writer is stuck, which only a restart heals.
async fn healthy(State(site): State<Site>) -> (StatusCode, String) {
    health(site.turned.borrow().elapsed())
}

/// `since`: how long ago the writer last turned.
fn health(since: Duration) -> (StatusCode, String) {
    if since < STUCK {
        (StatusCode::OK, "OK\n".to_string())
    } else {
        let seconds = since.as_secs();
        (StatusCode::SERVICE_UNAVAILABLE, format!("the writer has not turned for {seconds} s\n"))
    }
}

/// 200 once every collector of every target has been tried, something of every account could be read, and the
/// result can be scraped.
async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    if site.rendered.borrow().ready {
        return (StatusCode::OK, "ready\n".to_string());
    }
    let Published { snapshot, explored, awaited, .. } = site.published.borrow().clone();
    let unread = snapshot.unread(&awaited);
    let why = if !explored {
        "the organization's accounts are not known yet".to_string()
    } else if !snapshot.first_round_done() {
        let waiting = if unread.is_empty() { "" } else { ": nothing was read yet of " };
        format!("the first round is under way{waiting}{}", some(&unread))
    } else if unread.is_empty() {
        "the first page is being made".to_string()
    } else {
        format!("nothing could be read of {}", some(&unread))
    };
    (StatusCode::SERVICE_UNAVAILABLE, why + "\n")
}

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names[..names.len().min(SHOWN)].join(", ") + &more
}

/// The configuration that is in force, its defaults filled in, without its secrets.
async fn config(State(site): State<Site>) -> impl IntoResponse {
    let text = site.published.borrow().config.to_string();
    ([(CONTENT_TYPE, "application/yaml"), (CACHE_CONTROL, "no-store")], text)
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
    use crate::config;
    use crate::model::time::Timestamp;
    use crate::plan::plan;
    use crate::telemetry::Build;
    use axum::body::Body;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    /// A site of its own channels, with so many places for pages.
    fn site(places: usize) -> TowerToHyperService<Router> {
        let plan = plan(&config::parse("test", "")).expect("defaults");
        let build = Build { version: "test", revision: "", mode: "test" };
        let site = Site::still(Snapshot::default(), plan, Telemetry::new(build, Timestamp(0)));
        let places = Places { free: Semaphore::new(places), patience: Duration::from_millis(10) };
        TowerToHyperService::new(router(site, Arc::new(places)))
    }

    async fn status(site: &TowerToHyperService<Router>, request: &str, headers: &[(&str, &str)]) -> u16 {
        let (method, path) = request.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = site.call(request.body(Body::empty()).unwrap()).await.unwrap();
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn metrics_and_probes_are_answered_though_all_places_are_taken() {
        let site = site(0);
        assert_eq!(status(&site, "GET /metrics", &[]).await, 200);
        assert_eq!(status(&site, "GET /-/healthy", &[]).await, 200);
        assert_eq!(status(&site, "GET /", &[]).await, 503, "after its patience");
        assert_eq!(status(&site, "GET /api/v1/targets", &[]).await, 503, "after its patience");
    }

    #[test]
    fn it_is_not_alive_once_the_writer_has_not_turned_for_long() {
        assert_eq!(health(STUCK - Duration::from_secs(1)).0, StatusCode::OK);
        let (status, why) = health(STUCK);
        assert_eq!(
            (status, why.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "the writer has not turned for 300 s\n")
        );
    }

    #[tokio::test]
    async fn the_lifecycle_endpoint_refuses_pages_of_other_sites() {
        let site = site(1);
        let asked = async |request, origin: &str| {
            status(&site, request, &[("host", "exporter:10469"), ("origin", origin)]).await
        };
        let foreign =
            ["https://example.org", "null", "http://exporter:80", "http://exporter:10469.example.org", "?"];
        for foreign in foreign {
            assert_eq!(asked("POST /-/reload", foreign).await, 403, "{foreign}");
            assert_eq!(asked("GET /-/config", foreign).await, 403, "{foreign}");
        }
        assert_eq!(asked("GET /-/config", "http://exporter:10469").await, 200);
        assert_eq!(status(&site, "GET /-/config", &[]).await, 200, "no browser, no Origin");
    }
}
