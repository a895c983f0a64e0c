//! Converse of aws-sdk-bedrockruntime, every call let in by the quotas first.

use crate::{BadLimits, Estimator, Limiter, Limits, Step, Usage, backoff, may_retry};
use aws_sdk_bedrockruntime::config::Config;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::types::{ContentBlock, SystemContentBlock, ToolResultContentBlock};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// Models with their limits. Any number of tasks may call at once.
///
/// ```no_run
/// # async fn ask(client: aws_sdk_bedrockruntime::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_bedrockruntime::types::InferenceConfiguration;
/// use bedrock_quota_client::{Limits, Quotas};
///
/// let model = "us.anthropic.claude-sonnet-4-20250514-v1:0";
/// let limits = Limits { tokens_per_minute: Some(200_000.0), burndown: 5.0, ..Limits::default() };
/// let quotas = Quotas::new([(model, limits)])?;
/// let most = InferenceConfiguration::builder().max_tokens(500).build();
/// let answer = quotas.converse(client.converse().model_id(model).inference_config(most)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Quotas {
    models: HashMap<String, Model>,
    patience: Option<Duration>,
    clock: Clock,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// No limits were given for this model id.
    NoLimits(String),
    /// The request sets no `max_tokens`: Bedrock would reserve as many as the model can answer.
    NoMaxTokens,
    /// There was no room in time.
    TooLate,
    /// Bedrock's own error; one that passes was tried again before.
    Bedrock(Box<SdkError<ConverseError>>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::NoLimits(id) => write!(f, "no limits were given for {id:?}"),
            CallError::NoMaxTokens => {
                f.write_str("the request sets no max_tokens, so Bedrock reserves the model's maximum: set it")
            }
            CallError::TooLate => {
                f.write_str("there was no room in time for a call that reserves its max_tokens")
            }
            CallError::Bedrock(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CallError::Bedrock(error) => Some(&**error),
            _ => None,
        }
    }
}

impl Quotas {
    /// The limits of each model id; ids that spend the same quota need a share each.
    ///
    /// # Errors
    /// If a limit is none.
    pub fn new<'a>(limits: impl IntoIterator<Item = (&'a str, Limits)>) -> Result<Quotas, BadLimits> {
        let model = |(id, limits): (&str, Limits)| Ok((id.to_string(), Model::new(limits)?));
        let models = limits.into_iter().map(model).collect::<Result<_, BadLimits>>()?;
        Ok(Quotas { models, patience: None, clock: Clock::start() })
    }

    /// So long a call may take to get in, retries included.
    pub fn with_patience(self, patience: Duration) -> Quotas {
        Quotas { patience: Some(patience), ..self }
    }

    /// Waits for room and makes the call. The SDK's own retries are off, since nobody would see them: what passes is
    /// tried again here.
    ///
    /// # Errors
    /// If it never gets in, or Bedrock has an error that does not pass.
    pub async fn converse(&self, request: ConverseFluentBuilder) -> Result<ConverseOutput, CallError> {
        let id = request.get_model_id().clone().unwrap_or_default();
        let model = self.models.get(&id).ok_or(CallError::NoLimits(id))?;
        let config = request.get_inference_config().as_ref();
        let most = config.and_then(|config| config.max_tokens()).ok_or(CallError::NoMaxTokens)?;
        let characters = characters(&request);
        let deadline = self.patience.map(|patience| self.clock.now() + patience.as_secs_f64());
        let mut attempts = 0;
        loop {
            let place = self.enter(model, characters, f64::from(most), deadline).await?;
            let once = Config::builder().retry_config(RetryConfig::disabled());
            let error = match request.clone().customize().config_override(once).send().await {
                Ok(answer) => {
                    place.over(characters, usage(&answer));
                    return Ok(answer);
                }
                Err(error) => error,
            };
            attempts += 1;
            let pause = place.failed(&error, attempts);
            let is_late = |pause: f64| deadline.is_some_and(|deadline| self.clock.now() + pause >= deadline);
            match pause.filter(|pause| !is_late(*pause)) {
                Some(pause) => sleep(Duration::from_secs_f64(pause)).await,
                None => return Err(CallError::Bedrock(Box::new(error))),
            }
        }
    }

    async fn enter<'a>(
        &'a self,
        model: &'a Model,
        characters: usize,
        most: f64,
        deadline: Option<f64>,
    ) -> Result<Place<'a>, CallError> {
        let mut place = Place {
            model,
            clock: &self.clock,
            call: model.ask(characters, most, deadline),
            stage: Stage::Waits,
        };
        loop {
            let mut changed = pin!(model.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = self.clock.now();
            let wake = match model.step(place.call, now) {
                Turn::In => {
                    place.stage = Stage::UnderWay;
                    return Ok(place);
                }
                Turn::Late => return Err(CallError::TooLate),
                Turn::Waits(wake) => wake,
            };
            match wake {
                Some(at) => drop(timeout(Duration::from_secs_f64((at - now).max(0.0)), changed).await),
                None => changed.await,
            }
        }
    }
}

/// Seconds since the epoch, never set back.
#[derive(Debug)]
struct Clock {
    began: f64,
    since: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a day of quota is one of the wall clock")]
    fn start() -> Clock {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { began: began.as_secs_f64(), since: Instant::now() }
    }

    fn now(&self) -> f64 {
        self.began + self.since.elapsed().as_secs_f64()
    }
}

/// Names a call.
type Call = u64;

#[derive(Debug)]
struct Model {
    limits: Limits,
    line: Mutex<Line>,
    changed: Notify,
}

#[derive(Debug)]
struct Line {
    limiter: Limiter<Call>,
    estimator: Estimator,
    next: Call,
    /// Calls whose turn it is, or was, and that have not seen it yet.
    admitted: HashSet<Call>,
    expired: HashSet<Call>,
}

enum Turn {
    In,
    Late,
    /// When to look again.
    Waits(Option<f64>),
}

impl Model {
    fn new(limits: Limits) -> Result<Model, BadLimits> {
        let (admitted, expired) = (HashSet::new(), HashSet::new());
        let line = Line {
            limiter: Limiter::new(&limits)?,
            estimator: Estimator::default(),
            next: 0,
            admitted,
            expired,
        };
        Ok(Model { limits, line: Mutex::new(line), changed: Notify::new() })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, characters: usize, most: f64, deadline: Option<f64>) -> Call {
        let mut line = self.line();
        line.next += 1;
        let (call, tokens) = (line.next, line.estimator.tokens(characters) + most);
        line.limiter.ask(call, tokens, deadline);
        call
    }

    fn step(&self, call: Call, now: f64) -> Turn {
        let mut line = self.line();
        let Step { admitted, expired, wake } = line.limiter.step(now);
        if admitted.iter().chain(&expired).any(|other| *other != call) {
            self.changed.notify_waiters();
        }
        line.admitted.extend(admitted);
        line.expired.extend(expired);
        if line.admitted.remove(&call) {
            Turn::In
        } else if line.expired.remove(&call) {
            Turn::Late
        } else {
            Turn::Waits(wake)
        }
    }
}

#[derive(PartialEq)]
enum Stage {
    Waits,
    UnderWay,
    Over,
}

/// A call's place in line, and then in Bedrock. Whoever drops it goes away: what was under way keeps its reservation, since
/// nobody knows what it cost.
struct Place<'a> {
    model: &'a Model,
    clock: &'a Clock,
    call: Call,
    stage: Stage,
}

impl Place<'_> {
    fn over(mut self, characters: usize, usage: Option<Usage>) {
        // Without its usage it is held.
        let Some(usage) = usage else { return };
        self.stage = Stage::Over;
        let mut line = self.model.line();
        line.limiter.settle(self.clock.now(), &self.call, self.model.limits.charge(&usage));
        line.estimator.learn(characters, usage.input + usage.cache_write + usage.cache_read);
        drop(line);
        self.model.changed.notify_waiters();
    }

    /// Books an attempt; seconds until the next one, if there is any.
    fn failed(mut self, error: &SdkError<ConverseError>, attempts: u32) -> Option<f64> {
        // Whether Bedrock has seen a call without an answer nobody knows.
        let response = error.raw_response()?;
        self.stage = Stage::Over;
        let (status, code) = (response.status().as_u16(), error.code().unwrap_or_default());
        let now = self.clock.now();
        let mut line = self.model.line();
        if status == 429 && code != "ModelNotReadyException" {
            line.limiter.refused(now, &self.call);
        } else {
            line.limiter.settle(now, &self.call, 0.0);
        }
        drop(line);
        self.model.changed.notify_waiters();
        let asked = response.headers().get("retry-after").and_then(|seconds| seconds.parse::<f64>().ok());
        let asked = asked.filter(|seconds| seconds.is_finite());
        may_retry(status, code, attempts).then(|| backoff(attempts - 1, fastrand::f64(), asked))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.model.line();
        match self.stage {
            Stage::Over => return,
            Stage::UnderWay => line.limiter.hold(&self.call),
            Stage::Waits => {
                line.limiter.leave(&self.call);
                line.expired.remove(&self.call);
                if line.admitted.remove(&self.call) {
                    line.limiter.settle(self.clock.now(), &self.call, 0.0);
                }
            }
        }
        drop(line);
        self.model.changed.notify_waiters();
    }
}

/// Of all texts. Images and documents count as none: the estimator learns what they cost.
fn characters(request: &ConverseFluentBuilder) -> usize {
    let system = request.get_system().iter().flatten().filter_map(|block| match block {
        SystemContentBlock::Text(text) => Some(text.chars().count()),
        _ => None,
    });
    let blocks = request.get_messages().iter().flatten().flat_map(|message| message.content());
    system.sum::<usize>() + blocks.map(of_block).sum::<usize>()
}

fn of_block(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.chars().count(),
        ContentBlock::ToolResult(result) => {
            let texts = result.content().iter().filter_map(|content| match content {
                ToolResultContentBlock::Text(text) => Some(text.chars().count()),
                _ => None,
            });
            texts.sum()
        }
        _ => 0,
    }
}

fn usage(answer: &ConverseOutput) -> Option<Usage> {
    let tokens = |count: i32| count.max(0) as u64;
    answer.usage().map(|usage| Usage {
        input: tokens(usage.input_tokens()),
        output: tokens(usage.output_tokens()),
        cache_read: tokens(usage.cache_read_input_tokens().unwrap_or_default()),
        cache_write: tokens(usage.cache_write_input_tokens().unwrap_or_default()),
    })
}
