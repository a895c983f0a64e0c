//! Converse of aws-sdk-bedrockruntime, every call let in by the quotas first.

mod clock;
mod line;
mod message;
mod statistics;

use crate::{BadLimits, Limits};
use aws_sdk_bedrockruntime::config::Config;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use clock::Clock;
use line::{Model, Place, Turn};
use message::{characters, usage};
use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};

pub use statistics::Statistics;

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
    /// The request sets no `max_tokens`, and nothing tells the model's maximum, which Bedrock would reserve.
    NoMaxTokens,
    /// There was no room in time.
    TooLate,
    /// These quotas are 0: no call will ever be admitted.
    ZeroQuota(Vec<&'static str>),
    /// Bedrock's own error; one that passes was tried again before.
    Bedrock(Box<SdkError<ConverseError>>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::NoLimits(id) => write!(f, "no limits were given for {id:?}"),
            CallError::NoMaxTokens => f.write_str(
                "the request sets no max_tokens, so Bedrock reserves the model's maximum: set it, or give \
                 max_output_tokens in Limits",
            ),
            CallError::TooLate => {
                f.write_str("there was no room in time for a call that reserves its max_tokens")
            }
            CallError::ZeroQuota(names) => {
                write!(f, "the quota is 0: {}; no call will ever be admitted", names.join(", "))
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

    /// Other limits hold for a model from now on.
    ///
    /// # Errors
    /// If a limit is none, or no limits were given for the model before; then nothing changes.
    pub fn set_limits(&self, model_id: &str, limits: Limits) -> Result<(), String> {
        let model = self.model(model_id).map_err(|error| error.to_string())?;
        model.set_limits(self.clock.now(), limits).map_err(|error| error.to_string())
    }

    /// Takes a model's limits from an answer of an exporter's API, as [`Limits::of_headroom`] does; they hold from now on,
    /// with what the API does not tell as it was: burndown, share, max_output_tokens. Where there is no answer, or one that
    /// is refused, the last known limits go on holding: what is unknown is no missing limit. [`Statistics::stale`] then says
    /// why, until an answer tells limits again.
    ///
    /// # Errors
    /// If no limits were given for the model before.
    #[cfg(feature = "headroom")]
    pub fn refresh_limits(
        &self,
        model_id: &str,
        answer: Result<&serde_json::Value, impl fmt::Display>,
    ) -> Result<(), CallError> {
        let model = self.model(model_id)?;
        let known = model.line().limits;
        let told = answer.map_err(|error| error.to_string());
        let told = told.and_then(|answer| Limits::of_headroom(answer, known.burndown, None));
        let Limits { share, max_output_tokens, .. } = known;
        let told = told.map(|limits| Limits { share, max_output_tokens, ..limits });
        let taken = told.and_then(|limits| self.set_limits(model_id, limits));
        if let Err(why) = taken {
            model.line().stale = Some(why);
        }
        Ok(())
    }

    /// What a model is held to.
    pub fn limits(&self, model_id: &str) -> Option<Limits> {
        self.models.get(model_id).map(|model| model.line().limits)
    }

    /// What became of calls until now.
    pub fn statistics(&self) -> Statistics {
        let mut all = Statistics::default();
        for (id, model) in &self.models {
            let line = model.line();
            let stale = line.stale.iter().map(|why| (id.clone(), why.clone())).collect();
            all.add(Statistics { stale, ..line.statistics.clone() });
        }
        all
    }

    fn model(&self, id: &str) -> Result<&Model, CallError> {
        self.models.get(id).ok_or_else(|| CallError::NoLimits(id.to_string()))
    }

    /// Waits for room and makes the call. The SDK's own retries are off, since nobody would see them: what passes is
    /// tried again here.
    ///
    /// # Errors
    /// If it never gets in, or Bedrock has an error that does not pass.
    pub async fn converse(&self, request: ConverseFluentBuilder) -> Result<ConverseOutput, CallError> {
        let id = request.get_model_id().clone().unwrap_or_default();
        let model = self.model(&id)?;
        let config = request.get_inference_config().as_ref();
        let most = config.and_then(|config| config.max_tokens()).map(f64::from);
        let most =
            most.or(model.line().limits.max_output_tokens.map(f64::from)).ok_or(CallError::NoMaxTokens)?;
        let characters = characters(&request);
        let deadline = self.patience.map(|patience| self.clock.now() + patience.as_secs_f64());
        let mut attempts = 0;
        loop {
            let place = self.enter(model, characters, most, deadline).await?;
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
            let Some(pause) = pause.filter(|pause| !is_late(*pause)) else {
                model.line().statistics.failures += 1;
                return Err(CallError::Bedrock(Box::new(error)));
            };
            model.count_retry(pause);
            sleep(Duration::from_secs_f64(pause)).await;
        }
    }

    async fn enter<'a>(
        &'a self,
        model: &'a Model,
        characters: usize,
        most: f64,
        deadline: Option<f64>,
    ) -> Result<Place<'a>, CallError> {
        let since = self.clock.now();
        let mut place = model.ask(&self.clock, characters, most, deadline);
        loop {
            let mut changed = pin!(model.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = self.clock.now();
            let wake = match place.step(now) {
                Turn::In => {
                    model.line().statistics.waited_seconds += now - since;
                    return Ok(place);
                }
                Turn::Late => {
                    let mut line = model.line();
                    line.statistics.waited_seconds += now - since;
                    line.statistics.failures += 1;
                    let zero = line.limits.zero();
                    return Err(if zero.is_empty() {
                        CallError::TooLate
                    } else {
                        CallError::ZeroQuota(zero)
                    });
                }
                Turn::Waits(wake) => wake,
            };
            match wake {
                Some(at) => drop(timeout(Duration::from_secs_f64((at - now).max(0.0)), changed).await),
                None => changed.await,
            }
        }
    }
}
