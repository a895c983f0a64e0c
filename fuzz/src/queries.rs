//! Requests to everything that the exporter serves, over a small snapshot.

use super::world;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use bedrock_quota_exporter::config;
use bedrock_quota_exporter::plan::plan;
use bedrock_quota_exporter::server;
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::cell::OnceCell;
use tokio::runtime::{self, Runtime};

thread_local! {
    static SITE: OnceCell<(Runtime, TowerToHyperService<Router>)> = const { OnceCell::new() };
}

fn site() -> (Runtime, TowerToHyperService<Router>) {
    let runtime = runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let telemetry = Telemetry::new(Build { version: "test", revision: "", mode: "test" }, world::NOW);
    let plan = plan(&config::parse("test", "")).expect("defaults");
    let router = runtime.block_on(async { server::still(world::whole(), plan, telemetry) });
    (runtime, TowerToHyperService::new(router))
}

/// The method, a space and the path with its query; below it the headers, `name: value`. No answer may be the
/// server's own failure, and one that says it is JSON is JSON.
pub fn queries(bytes: &[u8]) {
    let Some(request) = request(bytes) else { return };
    SITE.with(|site| {
        let (runtime, site) = site.get_or_init(self::site);
        runtime.block_on(async {
            let answer = site.call(request).await.expect("infallible");
            let status = answer.status().as_u16();
            assert!(status < 500 || status == 503, "{status}");
            let is_json = answer.headers().get("content-type").is_some_and(|kind| kind == "application/json");
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a whole answer");
            if is_json && !body.is_empty() {
                serde_json::from_slice::<serde_json::Value>(&body).expect("JSON");
            }
        });
    });
}

/// `None` where no server would get to see it: hyper refuses such heads before the router.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..at], line[at + 1..].trim_ascii());
    }
    request.body(Body::empty()).ok()
}
