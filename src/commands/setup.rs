//! What sub-commands begin with: the plan, the counters, a runtime.

use crate::cli;
use crate::clock;
use crate::config::{self, Complaints, Config};
use crate::plan::{self, Plan};
use crate::telemetry::{self, Build, Telemetry};
use anyhow::{Context, Result, anyhow};
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A fleet takes a tenth of a core; each thread more, of the 64 of a large machine, would have memory of its own.
const MOST_THREADS: usize = 4;

/// How long threads may take that cannot be stopped.
const LINGER: Duration = Duration::from_secs(1);

pub(super) fn load(file: &cli::ConfigFile) -> Result<Plan> {
    planned(config::load(file.path.as_deref()))
}

/// The config of who reads it again when asked to.
pub(super) fn load_again(file: &cli::ConfigFile) -> Result<Plan> {
    planned(config::load_again(file.path.as_deref()))
}

fn planned(config: Result<Config, Complaints>) -> Result<Plan> {
    let plan = config.and_then(|config| plan::plan(&config));
    plan.map_err(|complaints| anyhow!("the config is refused\n{complaints}"))
}

pub(super) fn telemetry(mode: &str) -> Telemetry {
    let build = Build { version: telemetry::VERSION, revision: telemetry::REVISION, mode };
    Telemetry::new(build, clock::now())
}

pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

pub(super) fn run_async<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let threads = available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let result = runtime.block_on(work);
    // A name that the resolver still looks up, on a thread of its own, must not hold the end up.
    runtime.shutdown_timeout(LINGER);
    result
}

/// Resolves at SIGTERM or SIGINT.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
