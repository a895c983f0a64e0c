//! The front desk: every request passes it. It tells the time, keeps to AWS's rates, names the faults
//! that apply and counts calls. One task owns its books; the rest of the sim asks it.

use super::call::{ApiCall, Count};
use super::faults::{Fault, Kind};
use super::policy::Allowed;
use super::world::admission::Admission;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

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
    /// It shows `at` where real time is `since`, and goes so many times as fast; 0: it stands. In milliseconds.
    Paced { at: i64, since: i64, times: u32 },
}

impl Clock {
    /// Simulated seconds since the epoch.
    pub fn now(self) -> i64 {
        match self {
            Clock::Running { offset } => real_time() + offset,
            Clock::Fixed { now } => now,
            Clock::Paced { .. } => self.precise().floor() as i64,
        }
    }

    /// The same with fractions of a second, which buckets need.
    pub fn precise(self) -> f64 {
        match self {
            Clock::Running { offset } => since_epoch().as_secs_f64() + offset as f64,
            Clock::Fixed { now } => now as f64,
            Clock::Paced { at, since, times } => {
                let passed = since_epoch().as_millis() as i64 - since;
                (at + passed * i64::from(times)) as f64 / 1e3
            }
        }
    }

    /// From now on so many times as fast as real time.
    pub fn paced(self, times: u32) -> Clock {
        let at = (self.precise() * 1e3) as i64;
        Clock::Paced { at, since: since_epoch().as_millis() as i64, times }
    }

    /// So many seconds later, running or standing as before.
    pub fn advanced(self, seconds: i64) -> Clock {
        match self {
            Clock::Running { offset } => Clock::Running { offset: offset + seconds },
            Clock::Fixed { now } => Clock::Fixed { now: now + seconds },
            Clock::Paced { at, since, times } => Clock::Paced { at: at + seconds * 1000, since, times },
        }
    }
}

/// Seconds since the epoch by the machine's own clock.
pub fn real_time() -> i64 {
    since_epoch().as_secs() as i64
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator knows nothing of the exporter, its clock neither"
)]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How the models of the runtime answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answering {
    /// The length of an answer that max_tokens does not cut.
    pub output_tokens: u64,
    /// Real milliseconds, whatever the simulated clock does.
    pub latency_ms: u64,
}

impl Default for Answering {
    fn default() -> Answering {
        Answering { output_tokens: 200, latency_ms: 0 }
    }
}

/// What the desk keeps.
pub struct Books {
    pub clock: Clock,
    pub answering: Answering,
    pub admission: Admission,
    pub faults: Vec<Fault>,
    /// `None`: everything.
    pub allowed: Option<Allowed>,
    pub calls: BTreeMap<ApiCall, Count>,
    buckets: HashMap<ApiCall, Bucket>,
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
                answering: Answering::default(),
                admission: Admission::default(),
                faults: Vec::new(),
                allowed: None,
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
    pub fn admit(&mut self, call: ApiCall, metrics: u64) -> Verdict {
        let throttled = self.rates && !self.take_token(&call);
        let denied = self.allowed.as_ref().is_some_and(|allowed| !allowed.allows(&call));
        let faults = self.faults.iter().filter(|f| f.hits(&call)).map(|f| f.kind.clone());
        let faults = denied.then_some(Kind::AccessDenied).into_iter().chain(faults).collect();
        let count = self.calls.entry(call).or_default();
        count.calls += 1;
        count.throttled += u64::from(throttled);
        count.metrics += if throttled { 0 } else { metrics };
        Verdict { now: self.clock.now(), throttled, faults }
    }

    #[expect(clippy::disallowed_methods, reason = "rates are real, whatever the simulated clock shows")]
    fn take_token(&mut self, call: &ApiCall) -> bool {
        let (rate, now) = (rate(&call.service, &call.operation), Instant::now());
        self.buckets.entry(call.clone()).or_insert(Bucket { tokens: rate, filled: now }).take(rate, now)
    }
}

impl Bucket {
    /// Takes a token, if there is one; `rate` come back each second, and more are never kept.
    fn take(&mut self, rate: f64, now: Instant) -> bool {
        let gained = (now - self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + gained).min(rate);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(enough));
        enough
    }
}

/// Calls per second that AWS allows per account and region. For the control plane of Bedrock, for STS, Organizations
/// and OAM the numbers are cautious guesses.
fn rate(service: &str, operation: &str) -> f64 {
    match (service, operation) {
        ("monitoring", "GetMetricData") => 500.0,
        ("monitoring", _) => 25.0,
        ("servicequotas", "ListRequestedServiceQuotaChangeHistory") => 5.0,
        ("servicequotas", operation) if operation.starts_with("Get") => 5.0,
        ("servicequotas", _) => 10.0,
        ("bedrock", _) => 10.0,
        // Quotas hold these back, no rate of the API.
        ("bedrock-runtime", _) => 1e9,
        ("organizations", _) => 4.0,
        ("account", _) => 5.0,
        ("oam", _) => 10.0,
        _ => 100.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, region: &str) -> ApiCall {
        ApiCall {
            service: "servicequotas".into(),
            operation: operation.into(),
            account: "000000000000".into(),
            region: region.into(),
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any start will do")]
    fn a_bucket_gives_so_many_tokens_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: 10.0, filled: start };
        let mut taken =
            |millis| (0..20).filter(|_| bucket.take(10.0, start + Duration::from_millis(millis))).count();
        assert_eq!([taken(0), taken(50), taken(350), taken(60_000)], [10, 0, 3, 10]);
    }

    #[tokio::test]
    async fn each_api_account_and_region_has_its_rate_and_count() {
        let desk = Desk::open(true);
        let (quotas, elsewhere) =
            (call("ListServiceQuotas", "us-east-1"), call("ListServiceQuotas", "us-west-2"));
        // 300 calls at once, where 10 a second are allowed, take less than 20 seconds.
        for _ in 0..300 {
            let quotas = quotas.clone();
            desk.ask(move |books| books.admit(quotas, 0)).await;
        }
        let asked = elsewhere.clone();
        assert!(!desk.ask(move |books| books.admit(asked, 0)).await.throttled);
        let calls = desk.ask(|books| books.calls.clone()).await;
        assert_eq!((calls[&quotas].calls, calls[&elsewhere].calls), (300, 1));
        assert!((100..=290).contains(&calls[&quotas].throttled), "{calls:?}");
    }

    #[test]
    fn the_clock_runs_stands_and_moves() {
        let fixed = Clock::Fixed { now: 1000 };
        assert_eq!(fixed.advanced(60).now(), 1060);
        let ahead = Clock::Running { offset: 0 }.advanced(86_400);
        assert_eq!(ahead, Clock::Running { offset: 86_400 });
        assert!(ahead.now() >= real_time() + 86_399);
        let stands = Clock::Paced { at: 1_500, since: 0, times: 0 };
        assert_eq!((stands.now(), stands.advanced(2).precise()), (1, 3.5));
        let since = since_epoch().as_millis() as i64 - 1000;
        let runs = Clock::Paced { at: 0, since, times: 20 };
        assert!((20..25).contains(&runs.now()), "{}", runs.now());
    }
}
