//! The admin's door, `/_sim/…`, in plain JSON: the clock, the faults, the counts of calls, the truth.

use super::call::{Call, Count};
use super::desk::Clock;
use super::faults::Fault;
use super::handle::Sim;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub fn router() -> Router<Sim> {
    Router::new()
        .route("/_sim/clock", get(clock).put(set_clock))
        .route("/_sim/faults", get(faults).put(set_faults).delete(clear_faults))
        .route("/_sim/calls", get(calls).delete(forget_calls))
        .route("/_sim/truth", get(truth))
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
    call: Call,
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
    let account = world.account(&asked.account).ok_or(StatusCode::NOT_FOUND)?;
    let region = world.region(&asked.account, &asked.region).ok_or(StatusCode::NOT_FOUND)?;
    let minutes = asked.from..asked.until.min(asked.from + 1440);
    let row = |minute| {
        json!({
            "minute": minute,
            "charge": world.charge(account, region, &asked.code, minute),
            "limit": world.limit(region, &asked.code, minute * 60),
        })
    };
    Ok(Json(minutes.map(row).collect()))
}
