//! The admin's door, `/_sim/…`, in plain JSON: the clock, the faults, the counts of calls, the truth,
//! and what of the world can be changed while it is served.

use super::call::{ApiCall, Count};
use super::desk::{Answering, Clock};
use super::faults::Fault;
use super::handle::Sim;
use super::world::{Applied, Hidden, Publishing, QuotaChange};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub fn router() -> Router<Sim> {
    Router::new()
        .route("/_sim/clock", get(clock).put(set_clock))
        .route("/_sim/faults", get(faults).put(set_faults).delete(clear_faults))
        .route("/_sim/calls", get(calls).delete(forget_calls))
        .route("/_sim/truth", get(truth))
        .route("/_sim/publishing", get(publishing).put(set_publishing))
        .route("/_sim/quotas", put(set_quotas))
        .route("/_sim/hidden", put(set_hidden))
        .route("/_sim/runtime", get(answering).put(set_answering))
}

async fn clock(State(sim): State<Sim>) -> Json<Value> {
    let clock = sim.clock().await;
    Json(json!({"now": clock.now(), "fixed": matches!(clock, Clock::Fixed { .. })}))
}

/// `{"now": …}` stops the clock, `{"offset": …}` lets it run apart from real time, `{"advance": …}`
/// moves it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum SetClock {
    Now(i64),
    Offset(i64),
    Advance(i64),
}

async fn set_clock(state: State<Sim>, Json(wish): Json<SetClock>) -> Json<Value> {
    let clock = match wish {
        SetClock::Now(now) => Clock::Fixed { now },
        SetClock::Offset(offset) => Clock::Running { offset },
        SetClock::Advance(seconds) => state.clock().await.advanced(seconds),
    };
    state.set_clock(clock).await;
    self::clock(state).await
}

async fn faults(State(sim): State<Sim>) -> Json<Vec<Fault>> {
    Json(sim.faults().await)
}

async fn set_faults(State(sim): State<Sim>, Json(faults): Json<Vec<Fault>>) -> StatusCode {
    sim.set_faults(faults).await;
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(sim): State<Sim>) -> StatusCode {
    sim.set_faults(Vec::new()).await;
    StatusCode::NO_CONTENT
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    call: ApiCall,
    #[serde(flatten)]
    count: Count,
}

async fn calls(State(sim): State<Sim>) -> Json<Vec<Row>> {
    Json(sim.calls().await.into_iter().map(|(call, count)| Row { call, count }).collect())
}

async fn forget_calls(State(sim): State<Sim>) -> StatusCode {
    sim.forget_calls().await;
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Truth {
    account: String,
    region: String,
    code: String,
    /// Minutes since the epoch.
    from: i64,
    until: i64,
}

/// What a quota is charged, minute by minute.
async fn truth(State(sim): State<Sim>, Query(asked): Query<Truth>) -> Result<Json<Value>, StatusCode> {
    let world = sim.world();
    let minutes = asked.from..asked.until.min(asked.from + 1440);
    let account = world.account(&asked.account).ok_or(StatusCode::NOT_FOUND)?;
    let region = world.region(&asked.account, &asked.region).ok_or(StatusCode::NOT_FOUND)?;
    let row = |minute| {
        json!({
            "minute": minute,
            "charge": world.charge(account, region, &asked.code, minute),
            "limit": world.limit(region, &asked.code, minute * 60),
        })
    };
    Ok(Json(minutes.map(row).collect()))
}

async fn publishing(State(sim): State<Sim>) -> Json<Publishing> {
    Json(sim.world().publishing.clone())
}

async fn answering(State(sim): State<Sim>) -> Json<Answering> {
    Json(sim.desk().ask(|books| books.answering).await)
}

/// How the runtime's models answer; what is not said is as usual.
async fn set_answering(state: State<Sim>, Json(wish): Json<Answering>) -> Json<Answering> {
    state.desk().ask(move |books| books.answering = wish).await;
    answering(state).await
}

/// The name of a way of publishing, or its members; what is not said is as usual.
#[derive(Deserialize)]
#[serde(untagged)]
enum SetPublishing {
    Named(Manner),
    Told(Publishing),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Manner {
    Regular,
    Irregular,
    AtOnce,
}

async fn set_publishing(state: State<Sim>, Json(wish): Json<SetPublishing>) -> Json<Publishing> {
    let wanted = match wish {
        SetPublishing::Named(Manner::Regular) => Publishing::default(),
        SetPublishing::Named(Manner::Irregular) => Publishing::irregular(),
        SetPublishing::Named(Manner::AtOnce) => Publishing::at_once(),
        SetPublishing::Told(wanted) => wanted,
    };
    state.change(|world| world.publishing = wanted);
    publishing(state).await
}

/// A limit that holds from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetQuota {
    account: String,
    region: String,
    code: String,
    value: f64,
}

async fn set_quotas(State(sim): State<Sim>, Json(wishes): Json<Vec<SetQuota>>) -> StatusCode {
    let (world, from) = (sim.world(), sim.clock().await.now());
    let unknown = |wish: &SetQuota| {
        world.region(&wish.account, &wish.region).is_none() || world.lists.quota(&wish.code).is_none()
    };
    if wishes.iter().any(unknown) {
        return StatusCode::NOT_FOUND;
    }
    sim.change(|world| {
        for SetQuota { account, region, code, value } in wishes {
            let region = world.region_mut(&account, &region).into_iter();
            let change = QuotaChange { code, from, applied: Applied::Value(value) };
            region.for_each(|region| region.set_quota(change.clone()));
        }
    });
    StatusCode::NO_CONTENT
}

/// A quota row, profile, deployment or imported model that lists leave out for a while, in seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetHidden {
    account: String,
    region: String,
    name: String,
    from: i64,
    until: i64,
}

/// Replaces all that is hidden.
async fn set_hidden(State(sim): State<Sim>, Json(wishes): Json<Vec<SetHidden>>) -> StatusCode {
    let world = sim.world();
    if wishes.iter().any(|wish| world.region(&wish.account, &wish.region).is_none()) {
        return StatusCode::NOT_FOUND;
    }
    sim.change(|world| {
        world.accounts.iter_mut().flat_map(|a| &mut a.regions).for_each(|region| region.hidden.clear());
        for SetHidden { account, region, name, from, until } in wishes {
            let region = world.region_mut(&account, &region).into_iter();
            region.for_each(|region| region.hidden.push(Hidden { name: name.clone(), during: from..until }));
        }
    });
    StatusCode::NO_CONTENT
}
