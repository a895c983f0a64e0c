//! /api/v1 over HTTP: queries in, JSON with validators out.

mod answer;
mod description;
mod kept;
mod parameters;
mod problem;
mod rate_limit;

use super::site::{Published, Site};
use crate::api::described::described;
use crate::api::{
    self, Described, FindingItem, Headroom, MinutesItem, ModelItem, Query, QuotaItem, Source, TargetItem,
    ThrottledItem, Unread, Unsettled,
};
use crate::gateway::{self, Lists, Wanted};
use crate::model::ids::Scope;
use crate::model::observation::Collector;
use crate::model::state::TargetState;
use answer::{Listing, source, streamed, tail, text, whole, with_unread};
use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use description::Operation;
use parameters::{Asked, Given, OF_EXPORT, OF_HEADROOM, OF_MODELS, OF_TARGETS, Parameter, asked};
use problem::{Problem, no_such_path, only_get};
use rate_limit::rate_limits;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) use kept::{Kept, keep};
pub(super) use problem::busy;

/// What lists are made of.
const QUOTAS: &[Collector] = &[Collector::Quotas];
const USAGE: &[Collector] = &[Collector::Usage];
const BOTH: &[Collector] = &[Collector::Quotas, Collector::Usage];

/// So many targets a problem names.
const TOLD: usize = 5;

/// What can be asked for: as it is served, and as it is described.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "headroom",
        summary: "What is left of the quotas of a model, of those that calls of an invocation id spend, or of all",
        parameters: OF_HEADROOM,
        listing: HeadroomListing::schema,
        other_type: None,
        rate_limits: true,
        route: || get(headroom),
    },
    Operation {
        name: "throttled",
        summary: "Whose calls were refused within the last 15 minutes, and for what cause",
        parameters: OF_MODELS,
        listing: with_unread::<ThrottledItem>,
        other_type: None,
        rate_limits: false,
        route: || get(throttled),
    },
    Operation {
        name: "minutes",
        summary: "The calls of a model, or of an invocation id, minute by minute; one of the two must be named",
        parameters: OF_MODELS,
        listing: with_unread::<MinutesItem>,
        other_type: None,
        rate_limits: false,
        route: || get(minutes),
    },
    Operation {
        name: "export",
        summary: "What can be called, and the limits that its calls spend, in the form that a gateway reads",
        parameters: OF_EXPORT,
        listing: gateway::Document::schema,
        other_type: Some(gateway::Format::Litellm.media_type()),
        rate_limits: false,
        route: || get(export),
    },
    Operation {
        name: "quotas",
        summary: "Every row of Service Quotas, as it is listed",
        parameters: OF_TARGETS,
        listing: with_unread::<QuotaItem>,
        other_type: None,
        rate_limits: false,
        route: || get(quotas),
    },
    Operation {
        name: "models",
        summary: "Every invocation id known, and what it means",
        parameters: OF_MODELS,
        listing: with_unread::<ModelItem>,
        other_type: None,
        rate_limits: false,
        route: || get(models),
    },
    Operation {
        name: "findings",
        summary: "What was wrong when the snapshot was made, and what helps",
        parameters: OF_TARGETS,
        listing: Listing::<FindingItem>::schema,
        other_type: None,
        rate_limits: false,
        route: || get(findings),
    },
    Operation {
        name: "targets",
        summary: "The accounts and regions that are watched, and how reading them goes",
        parameters: OF_TARGETS,
        listing: Listing::<TargetItem>::schema,
        other_type: None,
        rate_limits: false,
        route: || get(targets),
    },
];

pub(super) fn router() -> Router<Site> {
    let routes = OPERATIONS.iter().map(|operation| (operation.path(), (operation.route)()));
    routes
        .fold(Router::new(), |router, (path, route)| router.route(&path, route))
        .route("/api/v1", get(index))
        .route("/api/v1/openapi.json", get(description))
        .method_not_allowed_fallback(only_get)
        .route("/api/{*path}", any(no_such_path))
}

/// The OpenAPI description of all this.
async fn description() -> impl IntoResponse {
    static DESCRIPTION: LazyLock<String> = LazyLock::new(|| description::openapi(OPERATIONS).to_string());
    ([(CONTENT_TYPE, "application/json"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], DESCRIPTION.as_str())
}

/// What there is, for whoever looks.
async fn index() -> impl IntoResponse {
    let operation = |operation: &Operation| {
        let parameters: Vec<&str> = operation.parameters.iter().map(|parameter| parameter.name).collect();
        json!({"path": operation.path(), "summary": operation.summary, "parameters": parameters})
    };
    let lists: Vec<Value> = OPERATIONS.iter().map(operation).collect();
    let index = json!({"description": "/api/v1/openapi.json", "lists": lists});
    ([(CONTENT_TYPE, "application/json"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], format!("{index:#}\n"))
}

described! {
    /// What is left of quotas.
    HeadroomListing {
        /// When the snapshot was made, in seconds since the epoch.
        snapshot_at: i64,
        items: Vec<Headroom>,
        /// What calls of `model_id` spend beside, from a quota that nobody can tell.
        unsettled: Vec<Unsettled>,
        /// Of what quotas or usage were not read: there may be more quotas, or what is used is null.
        unread: Vec<Unread>,
    }
}

async fn headroom(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, fullest, .. }, published) = ask(&site, given, OF_HEADROOM)?;
    if let Some(most) = fullest {
        let unread = unread(source(&published), &query, BOTH)?;
        let items = api::fullest(source(&published), &query, most);
        let (snapshot_at, unsettled) = (published.snapshot.at.0, Vec::new());
        let listing = HeadroomListing { snapshot_at, items, unsettled, unread };
        return Ok(whole(&published, &headers, &listing));
    }
    let parameter = match (&query.model, &query.model_id) {
        (_, Some(_)) => "model_id",
        (Some(_), None) => "model",
        (None, None) => {
            unread(source(&published), &query, QUOTAS)?;
            let unread = source(&published).unread(&query, BOTH);
            let tail = format!(r#"],"unsettled":[{}"#, tail(&unread));
            return Ok(streamed(published, &headers, query, api::headroom, tail));
        }
    };
    let source = source(&published);
    let (mut items, mut unsettled) = (Vec::new(), Vec::new());
    for state in source.targets(&query) {
        items.extend(api::headroom(source, state, &query));
        unsettled.extend(api::unsettled(source, state, &query));
    }
    if items.is_empty() {
        return Err(nothing_found(source, &query, parameter));
    }
    let limits = rate_limits(&items, query.model_id.is_some(), published.snapshot.at);
    let unread = source.unread(&query, BOTH);
    let listing = HeadroomListing { snapshot_at: published.snapshot.at.0, items, unsettled, unread };
    let mut response = whole(&published, &headers, &listing);
    response.headers_mut().extend(limits);
    Ok(response)
}

/// Why there is no quota to tell of: lists that were not read yet may name one.
fn nothing_found(source: Source<'_>, query: &Query, parameter: &str) -> Problem {
    let unread = source.unread(query, QUOTAS);
    if !unread.is_empty() {
        return not_read(&unread);
    }
    let why = api::why_none(source, query).map(|reason| format!(": {reason}")).unwrap_or_default();
    Problem::not_found(parameter, format!("no watched target has such a quota{why}"))
}

/// The targets of which not all was read that a list is made of. None at all is no list: nobody could tell it from one
/// of nothing.
fn unread(source: Source<'_>, query: &Query, needs: &[Collector]) -> Result<Vec<Unread>, Problem> {
    let unread = source.unread(query, needs);
    if source.is_any_read(query, needs) { Ok(unread) } else { Err(not_read(&unread)) }
}

fn not_read(unread: &[Unread]) -> Problem {
    let told = unread.iter().take(TOLD).map(|Unread { place, why }| {
        let api::Place { account_id, region, .. } = place;
        format!("{account_id} in {region}: {why}")
    });
    let mut told: Vec<String> = told.collect();
    if let more @ 1.. = unread.len().saturating_sub(TOLD) {
        told.push(format!("and {more} more"));
    }
    let detail = format!("not read yet, or not of late: {}", told.join(", "));
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// Refuses a model or an invocation id that no target knows.
fn known(source: Source<'_>, query: &Query) -> Result<(), Problem> {
    let of_model = Query { model_id: None, ..query.clone() };
    let nobody = |parameter: &str| {
        Err(Problem::not_found(parameter, format!("no watched target knows such a `{parameter}`")))
    };
    match (source.may_know(&of_model), source.may_know(query)) {
        (false, _) => nobody("model"),
        (true, false) => nobody("model_id"),
        (true, true) => Ok(()),
    }
}

/// A list made of usage alone, of the model or id that the query names.
fn of_usage<T: serde::Serialize + 'static>(
    published: Published,
    headers: &HeaderMap,
    query: Query,
    items: answer::ItemsOf<T>,
) -> Result<Response, Problem> {
    let unread = unread(source(&published), &query, USAGE)?;
    known(source(&published), &query)?;
    Ok(streamed(published, headers, query, items, tail(&unread)))
}

async fn throttled(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_MODELS)?;
    of_usage(published, &headers, query, api::throttled)
}

async fn minutes(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_MODELS)?;
    if query.model.is_none() && query.model_id.is_none() {
        return Err(Problem::bad("model", "`model` or `model_id` must say whose minutes".to_string()));
    }
    of_usage(published, &headers, query, api::minutes)
}

/// A gateway would take what is missing for what is not limited: lists that were not read are no answer.
async fn export(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, format, share, .. }, published) = ask(&site, given, OF_EXPORT)?;
    let source = source(&published);
    let wanted = Wanted {
        model: query.model.clone(),
        model_id: query.model_id.clone(),
        scope: query.scope.as_deref().and_then(Scope::from_word),
    };
    let mut deployments = Vec::new();
    for state in source.targets(&query) {
        let Some(lists) = lists(source, &published, state) else {
            let detail = format!("the quotas, models and profiles of {} were not all read yet", state.target);
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        };
        deployments.extend(gateway::deployments(&lists, &wanted));
    }
    if deployments.is_empty() {
        let parameter = if query.model_id.is_some() { "model_id" } else { "model" };
        return Err(Problem::not_found(parameter, "nothing of the kind can be called there".to_string()));
    }
    let format = format.unwrap_or(gateway::Format::Json);
    Ok(text(&published, &headers, format.media_type(), || {
        gateway::render(&deployments, share.unwrap_or(1.0), format)
    }))
}

fn lists<'a>(source: Source<'_>, published: &'a Published, state: &'a TargetState) -> Option<Lists<'a>> {
    let catalog = &state.catalog.as_ref()?.value;
    let is_read = state.quotas.is_some() && catalog.models.is_some() && catalog.profiles.is_some();
    is_read.then(|| Lists {
        place: source.place(&state.target),
        index: state.matching(),
        catalog,
        burndown: &published.plan.settings.burndown,
        at: published.snapshot.at,
    })
}

async fn quotas(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_TARGETS)?;
    let unread = unread(source(&published), &query, QUOTAS)?;
    Ok(streamed(published, &headers, query, api::quotas, tail(&unread)))
}

async fn models(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_MODELS)?;
    of_usage(published, &headers, query, api::models)
}

async fn findings(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_TARGETS)?;
    let items = api::findings(source(&published), &query);
    Ok(whole(&published, &headers, &Listing { snapshot_at: published.snapshot.at.0, items }))
}

async fn targets(State(site): State<Site>, headers: HeaderMap, given: Given) -> Result<Response, Problem> {
    let (Asked { query, .. }, published) = ask(&site, given, OF_TARGETS)?;
    Ok(streamed(published, &headers, query, api::target, "]}".to_string()))
}

/// What is asked for, and where it is to be found.
fn ask(site: &Site, given: Given, known: &[Parameter]) -> Result<(Asked, Published), Problem> {
    let asked = asked(given, known)?;
    let query = &asked.query;
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
    if let Some(region) = query.region.as_ref().filter(|_| !all.has_target(query)) {
        return Err(Problem::not_found("region", format!("region `{region}` is not watched there")));
    }
    Ok((asked, published))
}
