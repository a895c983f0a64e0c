//! The runtime: Converse, ConverseStream and InvokeModel, admitted as the quotas of their ids let them.

mod bodies;
mod eventstream;

use super::mishap;
use super::protocol::Protocol;
use super::query::unescape;
use super::refusal::{Refusal, unknown_operation};
use super::reply::Reply;
use crate::sim::call::ApiCall;
use crate::sim::desk::{Answering, Verdict};
use crate::sim::faults::Kind;
use crate::sim::handle::Sim;
use crate::sim::world::admission::{Asked, Hold, Lack, Used};
use crate::sim::world::live::{Invocable, most_output};
use crate::sim::world::noise;
use crate::sim::world::stream::Tally;
use axum::body::{Body, Bytes};
use axum::http::Method;
use axum::response::Response;
use bodies::{Answer, Form, Prompt};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;
use tokio::runtime::Handle;

/// What calls of the runtime are counted under; signatures say `bedrock`, as for the control plane.
pub const SERVICE: &str = "bedrock-runtime";
/// A prefix of fewer tokens is not cached.
const LEAST_CACHED: u64 = 1024;
/// Tokens of one delta of a stream.
const DELTA: u64 = 20;

/// The operation of a path, with the id in it.
pub fn route(method: &Method, path: &str) -> Option<(&'static str, Value)> {
    let (id, operation) =
        path.strip_prefix("/model/").filter(|_| method == Method::POST)?.rsplit_once('/')?;
    let operation = match operation {
        "converse" => "Converse",
        "converse-stream" => "ConverseStream",
        "invoke" => "InvokeModel",
        "invoke-with-response-stream" => "InvokeModelWithResponseStream",
        _ => return None,
    };
    Some((operation, json!({"modelId": unescape(id)})))
}

/// A call that was admitted and is under way. However it ends it is settled and counted.
struct Underway {
    sim: Sim,
    call: ApiCall,
    id: Invocable,
    hold: Hold,
    /// The prefix that is cached from now on, and the answer as far as it has come.
    prefix: Option<u64>,
    answer: Answer,
    streamed: bool,
}

/// Answers a call of the runtime.
pub async fn answer(sim: &Sim, call: &ApiCall, input: &Value, verdict: &Verdict) -> Response {
    match begin(sim, call, input, verdict).await {
        Ok((_, underway)) if underway.streamed => streamed(underway, verdict),
        Ok((form, underway)) => {
            tokio::time::sleep(Duration::from_millis(underway.answer.latency_ms)).await;
            let reply = whole(form, &underway);
            underway.end().await;
            mishap::during(sim, reply, verdict)
        }
        Err(refusal) => {
            mishap::during(sim, Reply::of(Protocol::Rest, &call.operation, Err(refusal)), verdict)
        }
    }
}

/// Lets a call in, or refuses and counts it.
async fn begin(
    sim: &Sim,
    call: &ApiCall,
    input: &Value,
    verdict: &Verdict,
) -> Result<(Form, Underway), Refusal> {
    let world = sim.world();
    let view = world.view(&call.account, &call.region, verdict.now);
    let view = view.ok_or_else(|| unknown_operation(&call.operation))?;
    let asked = input["modelId"].as_str().unwrap_or_default();
    let id = world
        .invocable(view.account, view.region, asked)
        .ok_or_else(|| invalid("The provided model identifier is invalid."))?;
    if let Some(refusal) = mishap::refusal(call, &verdict.faults) {
        count(sim, call, &id, verdict.now, &failure(refusal.status));
        return Err(refusal);
    }
    let form = form(&call.operation, &id.model)?;
    let prompt = form.read(input).map_err(|words| {
        count(sim, call, &id, verdict.now, &failure(400));
        invalid(words)
    })?;
    let limits = world.limits_left(view.account, view.region, &id.charges, verdict.now);
    let place = format!("{}/{}", call.account, call.region);
    let prefix =
        (prompt.cacheable >= LEAST_CACHED).then(|| prompt.prefix ^ noise::hash(&[&place, &id.model]));
    // The world is given back before the desk is asked, lest a change of it meanwhile copy it.
    drop(world);
    let max_tokens = prompt.max_tokens.unwrap_or_else(|| most_output(&id.model));
    let admitted = sim.desk().ask(move |books| {
        let now = books.clock.precise();
        let cached = prefix.is_some_and(|prefix| books.admission.is_cached(prefix, now));
        let answer = answer_to(&prompt, max_tokens, prefix.is_some(), cached, books.answering);
        let asked = Asked {
            input: answer.input as f64,
            cache_write: answer.cache_write as f64,
            max_tokens: max_tokens as f64,
        };
        books.admission.admit(&place, limits, asked, now).map(|hold| (hold, answer))
    });
    match admitted.await {
        Ok((hold, answer)) => {
            let (sim, call, streamed) = (sim.clone(), call.clone(), call.operation == "ConverseStream");
            Ok((form, Underway { sim, call, id, hold, prefix, answer, streamed }))
        }
        Err(lack) => {
            count(sim, call, &id, verdict.now, &failure(429));
            Err(throttled(lack))
        }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

fn throttled(lack: Lack) -> Refusal {
    Refusal::new(429, "ThrottlingException", lack.text())
}

fn form(operation: &str, model: &str) -> Result<Form, Refusal> {
    match operation {
        "Converse" | "ConverseStream" => Ok(Form::Converse),
        "InvokeModel" => Form::of_model(model)
            .ok_or_else(|| invalid(format!("The body of {model} is not simulated: use Converse."))),
        _ => Err(unknown_operation(operation)),
    }
}

/// What a model makes of a prompt: as many tokens as the admin says, or as it may.
fn answer_to(
    prompt: &Prompt,
    max_tokens: u64,
    cacheable: bool,
    cached: bool,
    answering: Answering,
) -> Answer {
    let output = answering.output_tokens.min(max_tokens);
    let (cache_read, cache_write) = match (cacheable, cached) {
        (false, _) => (0, 0),
        (true, true) => (prompt.cacheable, 0),
        (true, false) => (0, prompt.cacheable),
    };
    Answer {
        text: words(output),
        cut: output < answering.output_tokens,
        input: if cacheable { prompt.input } else { prompt.input + prompt.cacheable },
        output,
        cache_read,
        cache_write,
        latency_ms: answering.latency_ms,
    }
}

/// A text of so many tokens.
fn words(tokens: u64) -> String {
    "lorem ".repeat(tokens as usize).trim_end().into()
}

fn whole(form: Form, underway: &Underway) -> Reply {
    let Underway { answer, id, call, .. } = underway;
    let mut body = form.write(&id.model, answer);
    if call.operation == "Converse" {
        body["metrics"] = json!({"latencyMs": answer.latency_ms});
    }
    let mut reply = Reply::of(Protocol::Rest, &call.operation, Ok(body));
    if call.operation == "InvokeModel" {
        let header = |name, value: u64| (name, value.to_string());
        reply.headers.extend([
            header("x-amzn-bedrock-input-token-count", answer.input),
            header("x-amzn-bedrock-output-token-count", answer.output),
            header("x-amzn-bedrock-invocation-latency", answer.latency_ms),
        ]);
    }
    reply
}

/// A stream of events. One that breaks ends without its usage.
fn streamed(mut underway: Underway, verdict: &Verdict) -> Response {
    let whole = underway.answer.output.div_ceil(DELTA);
    let broken = verdict.faults.iter().find_map(|fault| match fault {
        Kind::StreamCut { after } => Some((*after, None)),
        Kind::StreamThrottled { after } => Some((*after, Some(Lack::Tokens.text()))),
        _ => None,
    });
    let deltas = broken.map_or(whole, |(after, _)| whole.min(after));
    let tokens_of = |delta: u64| (underway.answer.output - delta * DELTA).min(DELTA);
    let mut events = vec![eventstream::event("messageStart", &json!({"role": "assistant"}))];
    events.extend((0..deltas).map(|delta| {
        let text = words(tokens_of(delta)) + " ";
        eventstream::event("contentBlockDelta", &json!({"delta": {"text": text}, "contentBlockIndex": 0}))
    }));
    let mut cut = false;
    match broken {
        None => {
            let answer = &underway.answer;
            let metadata =
                json!({"usage": bodies::usage(answer), "metrics": {"latencyMs": answer.latency_ms}});
            events.push(eventstream::event("contentBlockStop", &json!({"contentBlockIndex": 0})));
            events.push(eventstream::event(
                "messageStop",
                &json!({"stopReason": bodies::stop_reason(answer.cut)}),
            ));
            events.push(eventstream::event("metadata", &metadata));
        }
        Some((_, Some(message))) => {
            events.push(eventstream::exception("throttlingException", &json!({"message": message})));
        }
        Some((_, None)) => cut = true,
    }
    underway.answer.output = underway.answer.output.min(deltas * DELTA);
    let pause = Duration::from_millis(underway.answer.latency_ms / events.len() as u64);
    let ending = Ending(Some(underway));
    let end = stream::once(async move {
        // Here the call ends, or where a client goes away and the stream is dropped before.
        drop(ending);
        cut.then(|| Err(io::Error::new(io::ErrorKind::ConnectionReset, "simulated")))
    });
    let sent = stream::iter(events).then(move |event| async move {
        tokio::time::sleep(pause).await;
        Ok(Bytes::from(event))
    });
    let body = Body::from_stream(sent.chain(end.filter_map(|broken| async move { broken })));
    let headers = vec![("content-type", eventstream::CONTENT_TYPE.to_string())];
    Reply { status: 200, headers, body: Vec::new() }.response(verdict.now, |_| body)
}

impl Underway {
    /// Settles the quotas and counts the call.
    async fn end(self) {
        let Underway { sim, call, id, hold, prefix, answer, streamed } = self;
        let burnt_output = answer.output as f64 * id.burndown;
        let used = Used { input: answer.input as f64, cache_write: answer.cache_write as f64, burnt_output };
        let now = sim.desk().ask(move |books| {
            let now = books.clock.precise();
            books.admission.settle(&hold, used, now);
            if let Some(prefix) = prefix {
                books.admission.keep_cached(prefix, now);
            }
            now
        });
        let now = now.await;
        let estimated = answer.input + answer.cache_write + burnt_output.round() as u64;
        let latency_ms = answer.latency_ms.max(1) as f64;
        let tally = Tally {
            invocations: 1,
            input: answer.input,
            output: answer.output,
            cache_read: answer.cache_read,
            cache_write: answer.cache_write,
            estimated: Some(estimated),
            latency_ms,
            first_token_ms: streamed.then_some(latency_ms / 4.0),
            ..Tally::default()
        };
        count(&sim, &call, &id, now as i64, &tally);
    }
}

/// The end of a streamed call, whenever this is dropped.
struct Ending(Option<Underway>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let (Some(underway), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(underway.end());
        }
    }
}

fn failure(status: u16) -> Tally {
    match status {
        429 => Tally { throttles: 1, ..Tally::default() },
        500.. => Tally { server_errors: 1, ..Tally::default() },
        _ => Tally { client_errors: 1, ..Tally::default() },
    }
}

/// Adds a call to the minutes that CloudWatch shows.
fn count(sim: &Sim, call: &ApiCall, id: &Invocable, now: i64, tally: &Tally) {
    sim.change(|world| world.record(&call.account, &call.region, id, now.div_euclid(60), tally));
}
