//! Streams: what each invocation id is asked for, and what its calls are like.
//!
//! Everything in here is about one stream alone; what quotas let through of it is traffic's.

use super::noise;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

/// The calls to one invocation id. Several streams with one id add up.
#[derive(Clone, Debug)]
pub struct Stream {
    pub endpoint: Endpoint,
    /// CloudWatch's ModelId; the dimension Model for [`Endpoint::Mantle`].
    pub model_id: String,
    /// The span in which there are calls at all, in seconds.
    pub active: Range<i64>,
    pub demand: Demand,
    pub call: Call,
    pub charges: Vec<Charge>,
    /// How many tokens of quota one output token settles to.
    pub burndown: f64,
    /// EstimatedTPMQuotaUsage is published.
    pub estimated: bool,
    /// The share of calls refused for want of something that no minute's limit tells: tokens of the day.
    pub refused: f64,
    /// How often clients try a refused call again, within the minute.
    pub retries: u64,
    /// LegacyModelInvocations is published.
    pub legacy: bool,
    /// Cache metrics are spelled CacheReadInputTokens and CacheWriteInputTokens, as some of AWS's tables have it.
    pub cache_tokens_spelling: bool,
    /// Service tiers: series with ServiceTier and ResolvedServiceTier.
    pub tiers: Vec<Tier>,
    /// Project and its share of the calls: series with Project beside ModelId. AWS does not say whether it has them.
    pub projects: Vec<(String, f64)>,
    /// Context window and its share of the calls: series with ContextWindow.
    pub context_windows: Vec<(String, f64)>,
    /// Size of the images made: series with ImageSize and BucketedStepSize.
    pub image_size: Option<String>,
    /// Metrics that CloudWatch shows later than the others.
    pub late: Vec<Late>,
    /// Its minutes are those of calls that the runtime was asked for.
    pub live: bool,
}

/// A service tier that calls ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    pub asked: String,
    /// The tier that served them: another one when a reserved tier overflows.
    pub resolved: String,
    /// Its share of the stream's calls.
    pub share: f64,
}

impl Tier {
    /// A tier that serves its calls itself.
    pub fn new(name: &str, share: f64) -> Tier {
        Tier { asked: name.into(), resolved: name.into(), share }
    }
}

/// A metric of a stream that comes later than [`Publishing`](super::Publishing) says.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    /// Its name, such as `EstimatedTPMQuotaUsage`.
    pub metric: String,
    /// Seconds that each of its points is later.
    pub published: i64,
    /// Seconds that ListMetrics shows it later than its first point; `i64::MAX`: never.
    pub listed: i64,
}

impl Late {
    /// A metric that ListMetrics shows so many seconds after its first point.
    pub fn listed(metric: &str, seconds: i64) -> Late {
        Late { metric: metric.into(), published: 0, listed: seconds }
    }

    /// A metric whose points are so many seconds later than those of other metrics.
    pub fn published(metric: &str, seconds: i64) -> Late {
        Late { metric: metric.into(), published: seconds, listed: 0 }
    }
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            endpoint: Endpoint::Runtime,
            model_id: String::new(),
            active: i64::MIN..i64::MAX,
            demand: Demand::Steady(0.0),
            call: Call::default(),
            charges: Vec::new(),
            burndown: 1.0,
            estimated: true,
            refused: 0.0,
            retries: 0,
            legacy: false,
            cache_tokens_spelling: false,
            tiers: Vec::new(),
            context_windows: Vec::new(),
            image_size: None,
            projects: Vec::new(),
            late: Vec::new(),
            live: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// CloudWatch namespace `AWS/Bedrock`.
    Runtime,
    /// CloudWatch namespace `AWS/BedrockMantle`.
    Mantle { project: String },
}

/// Calls per minute that clients want to make.
#[derive(Clone, Debug)]
pub enum Demand {
    /// The same all day, within 3 %.
    Steady(f64),
    /// Between `low` at night and `high` at `peak_hour` (UTC), noisy; every so often (`bursts`: a
    /// share of the time) twice as much for five minutes.
    Daily { low: f64, high: f64, peak_hour: f64, bursts: f64 },
    /// Exactly these minutes (since the epoch); limits and shapes of calls do not matter.
    Table(BTreeMap<i64, Tally>),
}

/// The average call of a stream.
#[derive(Clone, Debug)]
pub struct Call {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    /// The client's max_tokens, which are reserved at admission. 0: only what the call settles to.
    pub max_tokens: f64,
    pub images: f64,
    pub latency_ms: f64,
    /// TimeToFirstToken, which only streaming calls have.
    pub first_token_ms: Option<f64>,
    /// The shares of admitted calls that fail.
    pub client_errors: f64,
    pub server_errors: f64,
}

impl Default for Call {
    fn default() -> Call {
        Call {
            input: 1000.0,
            output: 250.0,
            cache_read: 0.0,
            cache_write: 0.0,
            max_tokens: 0.0,
            images: 0.0,
            latency_ms: 2500.0,
            first_token_ms: None,
            client_errors: 0.0,
            server_errors: 0.0,
        }
    }
}

impl Tally {
    /// The counts of both, with the mean latencies of all calls that succeeded.
    pub(super) fn and(&self, other: &Tally) -> Tally {
        let calls = [self.invocations as f64, other.invocations as f64];
        let mean = |ours: f64, theirs: f64| {
            let sum = calls[0] * ours + calls[1] * theirs;
            if sum > 0.0 { sum / (calls[0] + calls[1]) } else { 0.0 }
        };
        let first_token_ms = match (self.first_token_ms, other.first_token_ms) {
            (Some(ours), Some(theirs)) => Some(mean(ours, theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let estimated = match (self.estimated, other.estimated) {
            (None, None) => None,
            (ours, theirs) => Some(ours.unwrap_or(0) + theirs.unwrap_or(0)),
        };
        Tally {
            invocations: self.invocations + other.invocations,
            throttles: self.throttles + other.throttles,
            client_errors: self.client_errors + other.client_errors,
            server_errors: self.server_errors + other.server_errors,
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
            images: self.images + other.images,
            legacy: self.legacy + other.legacy,
            estimated,
            latency_ms: mean(self.latency_ms, other.latency_ms),
            first_token_ms,
        }
    }
}

impl Call {
    /// Tells whether no call ever succeeds.
    pub(super) fn always_fails(&self) -> bool {
        self.client_errors >= 1.0 || self.server_errors >= 1.0
    }
}

/// A quota that a stream's calls are held to.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    pub code: String,
    pub per: Per,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    Request,
    Token,
    InputToken,
    OutputToken,
    /// Counted; what is refused for want of them is told by [`Stream::refused`].
    TokenOfTheDay,
}

/// What the metric Invocations counts. AWS contradicts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invocations {
    /// Calls that succeeded.
    #[default]
    Successful,
    /// Calls that were accepted, those that failed later included.
    Accepted,
}

impl Invocations {
    pub(super) fn of(self, tally: &Tally) -> u64 {
        match self {
            Invocations::Successful => tally.invocations,
            Invocations::Accepted => tally.invocations + tally.client_errors + tally.server_errors,
        }
    }
}

/// What CloudWatch counts of one minute, once it is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Calls that succeeded.
    pub invocations: u64,
    pub throttles: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub images: u64,
    pub legacy: u64,
    /// EstimatedTPMQuotaUsage, where the id has it.
    pub estimated: Option<u64>,
    /// Mean latency of the calls that succeeded.
    pub latency_ms: f64,
    pub first_token_ms: Option<f64>,
}

impl Stream {
    /// How many calls clients want to make in a minute.
    pub(super) fn asked(&self, key: u64, minute: i64) -> u64 {
        if !self.active.contains(&(minute * 60)) {
            return 0;
        }
        let noise = noise::unit(key, minute);
        let rate = match &self.demand {
            Demand::Steady(rate) => rate * (0.97 + 0.06 * noise),
            Demand::Daily { low, high, peak_hour, bursts } => {
                let hours = (minute.rem_euclid(1440)) as f64 / 60.0 - peak_hour;
                let level = low + (high - low) * (0.5 + 0.5 * (hours * TAU / 24.0).cos());
                let burst = noise::unit(!key, minute.div_euclid(5)) < *bursts;
                level * (0.85 + 0.3 * noise) * if burst { 2.0 } else { 1.0 }
            }
            Demand::Table(minutes) => {
                return minutes.get(&minute).map_or(0, |t| t.invocations + t.throttles);
            }
        };
        (rate + noise::unit(noise::mix(key), minute)).floor() as u64
    }

    pub(super) fn asked_at_most(&self) -> f64 {
        1.0 + match &self.demand {
            Demand::Steady(rate) => rate * 1.03,
            Demand::Daily { low, high, bursts, .. } => {
                low.max(*high) * if *bursts > 0.0 { 2.3 } else { 1.15 }
            }
            Demand::Table(minutes) => {
                minutes.values().map(|t| t.invocations + t.throttles).max().unwrap_or(0) as f64
            }
        }
    }

    /// What one call takes of a quota when it is admitted.
    pub fn reserves(&self, per: Per) -> f64 {
        let call = &self.call;
        match per {
            Per::Request => 1.0,
            Per::Token if call.max_tokens > 0.0 => call.input + call.cache_write + call.max_tokens,
            Per::Token => call.input + call.cache_write + call.output * self.burndown,
            Per::InputToken => call.input,
            Per::OutputToken => call.output,
            Per::TokenOfTheDay => 0.0,
        }
    }

    /// What a minute has taken of a quota when all its calls are settled. Calls that are accepted and fail take
    /// of a requests quota where Invocations counts them.
    pub(super) fn settled(&self, tally: &Tally, per: Per, invocations: Invocations) -> f64 {
        match per {
            Per::Request => invocations.of(tally) as f64,
            Per::Token | Per::TokenOfTheDay => {
                self.tokens_charged(tally.input + tally.cache_write, tally.output)
            }
            Per::InputToken => tally.input as f64,
            Per::OutputToken => tally.output as f64,
        }
    }

    fn tokens_charged(&self, input: u64, output: u64) -> f64 {
        input as f64 + (output as f64 * self.burndown).round()
    }

    pub(super) fn settle(&self, key: u64, minute: i64, asked: u64, admitted: f64) -> Tally {
        let call = &self.call;
        let wobble = |salt: u64, spread: f64| 1.0 + spread * (2.0 * noise::unit(key ^ salt, minute) - 1.0);
        // Stochastic rounding, so that small shares of few calls still happen now and then.
        let some =
            |share: f64, salt: u64| (admitted * share + noise::unit(key ^ salt, minute)).floor() as u64;
        let server_errors = some(call.server_errors, 1).min(admitted as u64);
        let client_errors = some(call.client_errors, 2).min(admitted as u64 - server_errors);
        let invocations = admitted as u64 - server_errors - client_errors;
        let tokens = |each: f64, salt: u64| (invocations as f64 * each * wobble(salt, 0.02)).round() as u64;
        let (input, output) = (tokens(call.input, 3), tokens(call.output, 4));
        let cache_write = tokens(call.cache_write, 5);
        let estimated = self.tokens_charged(input + cache_write, output) as u64;
        Tally {
            invocations,
            throttles: (asked - admitted as u64) * (1 + self.retries),
            client_errors,
            server_errors,
            input,
            output,
            cache_read: tokens(call.cache_read, 6),
            cache_write,
            images: (invocations as f64 * call.images).round() as u64,
            legacy: if self.legacy { invocations } else { 0 },
            estimated: self.estimated.then_some(estimated),
            latency_ms: call.latency_ms * wobble(7, 0.15),
            first_token_ms: call.first_token_ms.map(|ms| ms * wobble(8, 0.15)),
        }
    }
}
