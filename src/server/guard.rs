//! Who may connect and ask, and how: the web configuration in force, read anew when its files change.

mod clients;
mod file;
mod gate;
mod policy;
mod tls;
mod users;

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
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// The files are small and on this machine; what takes longer is a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was read, `None` where it is what is in force; or what is wrong with it.
type Read = Result<Option<Policy>, String>;

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
    /// One that is under way, or was given up but holds its thread. There is never a second one beside it.
    reading: Option<JoinHandle<Read>>,
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
        let reading =
            tokio::task::spawn_blocking(move || Policy::read(&name).map_err(|wrong| wrong.to_string()));
        let policy = match timeout(PATIENCE, reading).await {
            Ok(done) => done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
            Err(_) => Err(hangs(&path)),
        };
        let policy = match policy {
            Ok(policy) => Arc::new(policy),
            Err(wrong) => bail!("the web config is refused\n{wrong}"),
        };
        tracing::info!(file = %path.display(), "the web config: {policy}");
        let (first, telemetry) = (policy.clone(), telemetry.clone());
        let file = File { path, policy, read, reading: None, fault: None, telemetry };
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
        if let Some(old) = &mut self.reading {
            // Whoever waited for it has waited long enough.
            let patience = if self.fault.is_some() { Duration::ZERO } else { PATIENCE };
            match timeout(patience, old).await {
                Ok(_) => self.reading = None,
                Err(_) => return self.keep(hangs(&self.path)),
            }
        }
        self.read = Instant::now();
        let (path, known) = (self.path.clone(), self.policy.clone());
        let reading = self.reading.insert(tokio::task::spawn_blocking(move || known.read_again(&path)));
        let Ok(done) = timeout(PATIENCE, reading).await else { return self.keep(hangs(&self.path)) };
        self.reading = None;
        match done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
            Ok(new) => self.adopt(new),
            Err(wrong) => self.keep(wrong),
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

fn hangs(path: &Path) -> String {
    format!(
        "{}: it and the files that it names cannot be read within {} s, expected files of a file system that answers",
        path.display(),
        PATIENCE.as_secs()
    )
}
