//! The front desk: every request passes it. It tells the time, keeps to AWS's rates, names the faults
//! that apply and counts calls. One task owns its books; the rest of the sim asks it.

use super::faults::{Fault, Kind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// As in the credential scope: `monitoring`, `servicequotas`, `bedrock`, `sts`.
    pub service: String,
    pub operation: String,
    pub account: String,
    pub region: String,
}

/// How often a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Requests, refused ones included.
    pub calls: u64,
    /// Requests refused because they came too fast.
    pub throttled: u64,
    /// Metrics that AWS would bill: per request and metric, one for up to five statistics.
    pub metrics: u64,
}

/// What the desk says to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Simulated seconds since the epoch.
    pub now: i64,
    pub throttled: bool,
    pub faults: Vec<Kind>,
}

/// Simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Real time plus so many seconds.
    Running { offset: i64 },
    /// It stands still.
    Fixed { now: i64 },
}

impl Clock {
    /// Simulated seconds since the epoch.
    pub fn now(self) -> i64 {
        match self {
            Clock::Running { offset } => real_time() + offset,
            Clock::Fixed { now } => now,
        }
    }

    /// So many seconds later, running or standing as before.
    pub fn advanced(self, seconds: i64) -> Clock {
        match self {
            Clock::Running { offset } => Clock::Running { offset: offset + seconds },
            Clock::Fixed { now } => Clock::Fixed { now: now + seconds },
        }
    }
}

/// Seconds since the epoch by the machine's own clock.
pub fn real_time() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// What the desk keeps.
pub struct Books {
    pub clock: Clock,
    pub faults: Vec<Fault>,
    pub calls: BTreeMap<Call, Count>,
    buckets: HashMap<Call, Bucket>,
    rates: bool,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

type Job = Box<dyn FnOnce(&mut Books) + Send>;

/// A way to ask the desk; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Desk {
    /// Opens the desk: a task that lives as long as anybody can ask it.
    pub fn open(rates: bool) -> Desk {
        let (jobs, mut inbox) = mpsc::unbounded_channel::<Job>();
        tokio::spawn(async move {
            let mut books = Books {
                clock: Clock::Running { offset: 0 },
                faults: Vec::new(),
                calls: BTreeMap::new(),
                buckets: HashMap::new(),
                rates,
            };
            while let Some(job) = inbox.recv().await {
                job(&mut books);
            }
        });
        Desk { jobs }
    }

    /// Runs `job` at the desk and hands back what it says.
    pub async fn ask<T: Send + 'static>(&self, job: impl FnOnce(&mut Books) -> T + Send + 'static) -> T {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |books| {
            let _ = reply.send(job(books));
        });
        let _ = self.jobs.send(job);
        answer.await.expect("the desk's task ends only when nobody can ask it")
    }
}

impl Books {
    /// Counts a request that asks for so many billable metrics, and says what becomes of it.
    pub fn admit(&mut self, call: Call, metrics: u64) -> Verdict {
        let throttled = self.rates && !self.take_token(&call);
        let faults = self.faults.iter().filter(|f| f.hits(&call)).map(|f| f.kind.clone()).collect();
        let count = self.calls.entry(call).or_default();
        count.calls += 1;
        count.throttled += u64::from(throttled);
        count.metrics += if throttled { 0 } else { metrics };
        Verdict { now: self.clock.now(), throttled, faults }
    }

    fn take_token(&mut self, call: &Call) -> bool {
        let rate = rate(&call.service, &call.operation);
        let now = Instant::now();
        let bucket = self.buckets.entry(call.clone()).or_insert(Bucket { tokens: rate, filled: now });
        let gained = (now - bucket.filled).as_secs_f64() * rate;
        bucket.tokens = (bucket.tokens + gained).min(rate);
        bucket.filled = now;
        let enough = bucket.tokens >= 1.0;
        bucket.tokens -= f64::from(u8::from(enough));
        enough
    }
}

/// Calls per second that AWS allows per account and region. The control plane of Bedrock and STS
/// publish none: the numbers are cautious.
fn rate(service: &str, operation: &str) -> f64 {
    match (service, operation) {
        ("monitoring", "GetMetricData") => 500.0,
        ("monitoring", _) => 25.0,
        ("servicequotas", "ListRequestedServiceQuotaChangeHistory") => 5.0,
        ("servicequotas", operation) if operation.starts_with("Get") => 5.0,
        ("servicequotas", _) => 10.0,
        ("bedrock", _) => 10.0,
        _ => 100.0,
    }
}
