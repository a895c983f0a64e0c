//! /api/v1 over HTTP: queries in, JSON with validators out.

mod answer;
mod description;
mod parameters;
mod problem;
mod rate_limit;

use super::site::{Published, Site};
use crate::api::described::described;
use crate::api::{
    self, Described, FindingItem, Headroom, ModelItem, Query, QuotaItem, Source, TargetItem, Unsettled,
};
use answer::{Listing, source, streamed, whole};
use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use description::Operation;
use parameters::{Given, OF_MODELS, OF_TARGETS, Parameter, query};
use problem::{Problem, no_such_path, only_get};
use rate_limit::rate_limits;
use std::sync::LazyLock;

pub(super) use problem::busy;

/// What can be asked for: as it is served, and as it is described.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "headroom",
        summary: "What is left of the quotas of a model, of those that calls of an invocation id spend, or of all",
        parameters: OF_MODELS,
        listing: HeadroomListing::schema,
        route: || get(headroom),
    },
    Operation {
        name: "quotas",
        summary: "Every row of Service Quotas, as it is listed",
        parameters: OF_TARGETS,
        listing: Listing::<QuotaItem>::schema,
        route: || get(quotas),
    },
    Operation {
        name: "models",
        summary: "Every invocation id known, and what it means",
        parameters: OF_MODELS,
        listing: Listing::<ModelItem>::schema,
        route: || get(models),
    },
    Operation {
        name: "findings",
        summary: "What was wrong when the snapshot was made, and what helps",
        parameters: OF_TARGETS,
        listing: Listing::<FindingItem>::schema,
        route: || get(findings),
    },
    Operation {
        name: "targets",
        summary: "The accounts and regions that are watched, and how reading them goes",
        parameters: OF_TARGETS,
        listing: Listing::<TargetItem>::schema,
        route: || get(targets),
    },
];

pub(super) fn router() -> Router<Site> {
    let routes = OPERATIONS.iter().map(|operation| (operation.path(), (operation.route)()));
    routes
        .fold(Router::new(), |router, (path, route)| router.route(&path, route))
        .route("/api/v1/openapi.json", get(description))
        .method_not_allowed_fallback(only_get)
        .route("/api/{*path}", any(no_such_path))
}

/// The OpenAPI description of all this.
async fn description() -> impl IntoResponse {
    static DESCRIPTION: LazyLock<String> = LazyLock::new(|| description::openapi(OPERATIONS).to_string());
    ([(CONTENT_TYPE, "application/json"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], DESCRIPTION.as_str())
}

described! {
    /// What is left of quotas.
    HeadroomListing {
        /// When the snapshot was made, in seconds since the epoch.
        snapshot_at: i64,
        items: Vec<Headroom>,
        /// What calls of `model_id` spend beside, from a quota that nobody can tell.
        unsettled: Vec<Unsettled>,
    }
}

async fn headroom(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (query, published) = ask(&site, given, OF_MODELS)?;
    let parameter = match (&query.model, &query.model_id) {
        (_, Some(_)) => "model_id",
        (Some(_), None) => "model",
        (None, None) => {
            return Ok(streamed(published, &headers, query, api::headroom, r#"],"unsettled":[]}"#));
        }
    };
    let source = source(&published);
    let (mut items, mut unsettled) = (Vec::new(), Vec::new());
    for state in source.targets(&query) {
        items.extend(api::headroom(source, state, &query));
        unsettled.extend(api::unsettled(source, state, &query));
    }
    if items.is_empty() {
        return Err(nothing_found(source, &query, parameter, &unsettled));
    }
    let limits = rate_limits(&items, query.model_id.is_some(), published.snapshot.at);
    let listing = HeadroomListing { snapshot_at: published.snapshot.at.0, items, unsettled };
    let mut response = whole(&published, &headers, &listing);
    response.headers_mut().extend(limits);
    Ok(response)
}

/// Why there is no quota to tell of: lists that were not read yet may name one.
fn nothing_found(source: Source<'_>, query: &Query, parameter: &str, unsettled: &[Unsettled]) -> Problem {
    let unread = source.unread(query);
    if !unread.is_empty() {
        let detail = format!("the quotas of {} were not read yet", unread.join(", "));
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    }
    let why = unsettled.first().map(|first| format!(": {}", first.reason)).unwrap_or_default();
    Problem::not_found(parameter, format!("no watched target has such a quota{why}"))
}

async fn quotas(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (query, published) = ask(&site, given, OF_TARGETS)?;
    Ok(streamed(published, &headers, query, api::quotas, "]}"))
}

async fn models(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (query, published) = ask(&site, given, OF_MODELS)?;
    Ok(streamed(published, &headers, query, api::models, "]}"))
}

async fn findings(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (query, published) = ask(&site, given, OF_TARGETS)?;
    let items = api::findings(source(&published), &query);
    Ok(whole(&published, &headers, &Listing { snapshot_at: published.snapshot.at.0, items }))
}

async fn targets(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (query, published) = ask(&site, given, OF_TARGETS)?;
    Ok(streamed(published, &headers, query, api::target, "]}"))
}

/// What is asked for, and where it is to be found.
fn ask(site: &Site, given: Given, known: &[Parameter]) -> Result<(Query, Published), Problem> {
    let query = query(given, known)?;
    let published = site.published.borrow().clone();
    let all = source(&published);
    if !published.explored || !all.has_target(&Query::default()) {
        let detail = "the first round is under way: no target is known yet".to_string();
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let account = Query { account: query.account.clone(), ..Query::default() };
    if let Some(name) = query.account.as_ref().filter(|_| !all.has_target(&account)) {
        return Err(Problem::not_found("account", format!("no watched account has the id or name `{name}`")));
    }
    if let Some(region) = query.region.as_ref().filter(|_| !all.has_target(&query)) {
        return Err(Problem::not_found("region", format!("region `{region}` is not watched there")));
    }
    Ok((query, published))
}
