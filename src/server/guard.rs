//! Who may connect and ask, and how: the web configuration in force, read anew when its files change.

mod clients;
mod gate;
mod policy;
mod tls;
mod users;

use crate::readings::{Hanging, Readings};
use crate::telemetry::Telemetry;
use anyhow::{Result, bail};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
pub(crate) use clients::is_valid_server;
pub(crate) use policy::Policy;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The files are small and on this machine; what takes longer is a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is not tried again after that.
const REST: Duration = Duration::from_secs(30);

/// The web configuration in force. Its clones are one.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    first: Arc<Policy>,
    /// `None` where there is no web configuration: everybody may ask everything, unencrypted.
    file: Option<Arc<Mutex<File>>>,
    gate: Arc<gate::Gate>,
}

struct File {
    path: PathBuf,
    policy: Arc<Policy>,
    /// When the newest reading began.
    read: Instant,
    readings: Readings,
    /// When the newest reading was given up; `None`: it ended.
    hung: Option<Instant>,
    /// What was wrong with the newest reading, if anything.
    fault: Option<String>,
    telemetry: Telemetry,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.path).field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl Guard {
    /// Reads the file, if there is any. How it went later is told to `telemetry`.
    pub async fn open(path: Option<PathBuf>, telemetry: &Telemetry) -> Result<Guard> {
        let Some(path) = path else { return Ok(Guard::default()) };
        let (name, read) = (path.clone(), Instant::now());
        let readings = Readings::new();
        let policy = readings.read(PATIENCE, move || Policy::read(&name).map_err(|wrong| wrong.to_string()));
        let policy = policy.await.unwrap_or_else(|hanging| Err(hangs(&path, hanging)));
        let policy = match policy {
            Ok(policy) => Arc::new(policy),
            Err(wrong) => bail!("the web config is refused\n{wrong}"),
        };
        tracing::info!(file = %path.display(), "the web config: {policy}");
        let (first, telemetry) = (policy.clone(), telemetry.clone());
        let file = File { path, policy, read, readings, hung: None, fault: None, telemetry };
        Ok(Guard { first, file: Some(Arc::new(Mutex::new(file))), gate: Arc::default() })
    }

    /// Whether connections are encrypted; that is settled at the start.
    pub(super) fn is_tls(&self) -> bool {
        self.first.tls.is_some()
    }

    /// What is in force now: what the files say, or what they said last while something is wrong with them.
    /// Who asks while they are read shares the reading that begins next.
    pub(super) async fn policy(&self) -> Arc<Policy> {
        let Some(file) = &self.file else { return self.first.clone() };
        let asked = Instant::now();
        let mut file = file.lock().await;
        if file.read < asked {
            file.read_again().await;
        }
        file.policy.clone()
    }
}

/// The router behind the gate: nothing of it is answered without.
pub(super) fn gated(router: Router, guard: Guard) -> Router {
    router.layer(middleware::from_fn_with_state(guard, pass))
}

async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let policy = guard.policy().await;
    let mut answer = match guard.gate.refuses(&policy, request.headers()).await {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in &policy.headers {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    answer
}

impl File {
    async fn read_again(&mut self) {
        // Whoever waited for a file that hangs has waited long enough, for a while.
        if self.hung.is_some_and(|at| at.elapsed() < REST) {
            return;
        }
        self.read = Instant::now();
        let (path, known) = (self.path.clone(), self.policy.clone());
        let done = self.readings.read(PATIENCE, move || known.read_again(&path)).await;
        self.hung = done.is_err().then(Instant::now);
        match done {
            Ok(Ok(new)) => self.adopt(new),
            Ok(Err(wrong)) => self.keep(wrong),
            Err(hanging) => self.keep(hangs(&self.path, hanging)),
        }
    }

    fn adopt(&mut self, new: Option<Policy>) {
        let was_bad = self.fault.take().is_some();
        if new.is_some() || was_bad {
            self.telemetry.web_config_reloaded(true);
        }
        if let Some(new) = new {
            tracing::info!(file = %self.path.display(), "the web config was read anew: {new}");
            self.policy = Arc::new(new);
        }
    }

    /// What was in force stays so; each fault is told once.
    fn keep(&mut self, fault: String) {
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!("the web config was not read anew, what it said before stays in force\n{fault}");
            self.telemetry.web_config_reloaded(false);
            self.fault = Some(fault);
        }
    }
}

fn hangs(path: &Path, hanging: Hanging) -> String {
    format!("{}: it or a file that it names {hanging}", path.display())
}
