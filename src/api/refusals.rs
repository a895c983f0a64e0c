//! Whose calls are refused now, and the calls of a model minute by minute.

use super::described::described;
use super::source::{Place, Query, Source};
use crate::model::evaluation::{Pool, ThrottleStatus};
use crate::model::ids::{Endpoint, Scope};
use crate::model::minutes::{Cell, History};
use crate::model::state::TargetState;
use crate::model::time::Minute;
use crate::model::usage::{InvocationId, Metric};
use std::collections::BTreeMap;
use std::ops::Range;

/// So many minutes are told at most; how many of them are kept depends on the look-back window.
const MINUTES: i64 = 60;

described! {
    /// A model and scope, or an invocation id that stands alone, whose calls were refused within the last 15 minutes.
    ThrottledItem {
        #[serde(flatten)]
        place: Place,
        model: Option<String>,
        scope: Option<&'static str>,
        /// Null but for an id that stands alone: one of which model or scope is not known, or that has a capacity of
        /// its own.
        model_id: Option<String>,
        cause: Option<&'static str>,
        /// Minutes of the last 15 in which calls were refused, in seconds.
        throttled_seconds: u64,
        /// Of the calls of the last 5 minutes, so many were refused, from 0 to 1.
        refused_share: Option<f64>,
        /// Calls of the last 5 minutes, made and refused.
        attempts: Option<f64>,
    }
}

/// What is refused at a target: the largest share of refused calls first.
pub fn throttled(source: Source<'_>, state: &TargetState, query: &Query) -> Vec<ThrottledItem> {
    let refused = state.evaluation.throttling.iter().filter(|status| {
        status.throttled_seconds > 0
            && is_wanted(&status.pool, query)
            && query.model_id.as_ref().is_none_or(|id| is_called_by(state, &status.pool, id))
    });
    let mut items: Vec<ThrottledItem> = refused.map(|status| throttled_item(source, state, status)).collect();
    items.sort_by(|a, b| b.refused_share.unwrap_or(0.0).total_cmp(&a.refused_share.unwrap_or(0.0)));
    items
}

fn throttled_item(source: Source<'_>, state: &TargetState, status: &ThrottleStatus) -> ThrottledItem {
    ThrottledItem {
        place: source.place(&state.target),
        model: status.pool.model.as_deref().map(String::from),
        scope: status.pool.scope.map(Scope::word),
        model_id: status.pool.id.as_ref().map(|id| id.id.to_string()),
        cause: status.cause.map(|cause| cause.word()),
        throttled_seconds: status.throttled_seconds,
        refused_share: status.ratio.first().map(|(_, ratio)| *ratio),
        attempts: status.attempts.first().map(|(_, attempts)| *attempts),
    }
}

fn is_wanted(pool: &Pool, query: &Query) -> bool {
    query.model.as_deref().is_none_or(|model| pool.model.as_deref() == Some(model))
        && query.scope.as_deref().is_none_or(|scope| pool.scope.map(Scope::word) == Some(scope))
}

/// Whether calls of an invocation id are among the pool's.
fn is_called_by(state: &TargetState, pool: &Pool, id: &str) -> bool {
    let id = InvocationId::runtime(id);
    state.memory.ids.get(&id).is_some_and(|known| Pool::of(&id, &known.resolution) == *pool)
}

described! {
    /// The calls of a model and scope, all its ids added up; of one id where `model_id` asks for it, or where it
    /// stands alone. Of the runtime endpoint: the other one publishes no refusals.
    MinutesItem {
        #[serde(flatten)]
        place: Place,
        model: Option<String>,
        scope: Option<&'static str>,
        /// Null where all ids of the model and scope are added up.
        model_id: Option<String>,
        /// The oldest first; at most 60.
        minutes: Vec<MinuteItem>,
    }
}

described! {
    /// One minute. Null is what is not known of every id.
    MinuteItem {
        /// Its first second, in seconds since the epoch.
        start: i64,
        /// Whether nothing of it can grow any more.
        settled: bool,
        /// Calls that were let in.
        requests: Option<f64>,
        throttled: Option<f64>,
        client_errors: Option<f64>,
        server_errors: Option<f64>,
        input_tokens: Option<f64>,
        output_tokens: Option<f64>,
        cache_write_tokens: Option<f64>,
    }
}

/// The minutes of what the query names at a target; nothing where it has no such calls.
pub fn minutes(source: Source<'_>, state: &TargetState, query: &Query) -> Vec<MinutesItem> {
    let mut groups: BTreeMap<Pool, Vec<&History>> = BTreeMap::new();
    for (id, known) in state.memory.ids.iter().filter(|(id, _)| id.endpoint == Endpoint::Runtime) {
        let mut pool = Pool::of(id, &known.resolution);
        if query.model_id.as_deref().is_some_and(|wanted| *wanted != *id.id) || !is_wanted(&pool, query) {
            continue;
        }
        if query.model_id.is_some() {
            pool.id = Some(id.clone());
        }
        groups.entry(pool).or_default().push(&known.history);
    }
    let end = source.snapshot.at.minute();
    let span = end - MINUTES..end;
    let items = groups.into_iter().map(|(pool, histories)| MinutesItem {
        place: source.place(&state.target),
        model: pool.model.as_deref().map(String::from),
        scope: pool.scope.map(Scope::word),
        model_id: pool.id.map(|id| id.id.to_string()),
        minutes: known_minutes(&histories, span.clone()),
    });
    items.collect()
}

/// Without those at both ends of which nothing is known.
fn known_minutes(histories: &[&History], span: Range<Minute>) -> Vec<MinuteItem> {
    let is_known = |at: &Minute| {
        let metrics = [Metric::Invocations, Metric::Throttles];
        histories.iter().any(|own| metrics.iter().any(|metric| own.cell(*metric, *at) != Cell::Unknown))
    };
    let mut all = span.start.until(span.end);
    let first = all.clone().find(is_known);
    let last = all.rfind(is_known);
    let Some((first, last)) = first.zip(last) else { return Vec::new() };
    first.until(last + 1).map(|at| minute(histories, at)).collect()
}

fn minute(histories: &[&History], at: Minute) -> MinuteItem {
    let sum = |metric| histories.iter().map(|history| value(history, metric, at)).sum();
    let is_settled = |history: &&History| {
        let metrics = [Metric::Invocations, Metric::Throttles];
        metrics.iter().all(|metric| history.settled_cell(*metric, at) != Cell::Unknown)
    };
    MinuteItem {
        start: at.start().0,
        settled: histories.iter().all(is_settled),
        requests: sum(Metric::Invocations),
        throttled: sum(Metric::Throttles),
        client_errors: sum(Metric::ClientErrors),
        server_errors: sum(Metric::ServerErrors),
        input_tokens: sum(Metric::InputTokens),
        output_tokens: sum(Metric::OutputTokens),
        cache_write_tokens: sum(Metric::CacheWriteTokens),
    }
}

/// What is known of an id's minute. While it may grow, no datapoint is not yet 0; and of an id that made no calls
/// its tokens need not be read.
fn value(history: &History, metric: Metric, at: Minute) -> Option<f64> {
    let of_tokens = [Metric::InputTokens, Metric::OutputTokens, Metric::CacheWriteTokens].contains(&metric);
    match history.settled_cell(metric, at) {
        Cell::Unknown if of_tokens && history.settled_cell(Metric::Invocations, at).sum() == Some(0.0) => {
            Some(0.0)
        }
        Cell::Unknown => history.cell(metric, at).point(),
        settled => settled.sum(),
    }
}
