//! The sub-commands: from parsed arguments to a running or finished job.

use crate::cli;
use crate::config;
use crate::daemon;
use crate::plan::{self, Plan};
use crate::report;
use crate::server::Web;
use crate::sim;
use crate::telemetry::{Build, Telemetry};
use anyhow::{Context, Result, bail};
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves what the config says until SIGTERM or SIGINT.
pub fn serve(args: cli::Serve) -> Result<()> {
    let plan = load(&args.config)?;
    run_async(async {
        let listener = bind(args.web.address.listen_address).await?;
        daemon::run(plan, web(&args.web), telemetry("serve"), listener, stop_signal()?).await
    })
}

/// Prints what the config would do.
pub fn check(args: cli::Check) -> Result<()> {
    print!("{}", report::check::render(&load(&args.config)?, args.ids));
    Ok(())
}

/// The daemon against the simulated AWS, both in this process.
pub fn demo(args: cli::Demo) -> Result<()> {
    run_async(async {
        let aws = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let plan = plan::demo(&format!("http://{}", aws.local_addr()?), sim::demo::ACCOUNTS, sim::demo::REGIONS);
        let listener = bind(args.web.address.listen_address).await?;
        let world = sim::World::demo(args.seed.seed, daemon::now().0);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let simulated = tokio::spawn(sim::serve(aws, world, async {
            let _ = stopped.await;
        }));
        let result = daemon::run(plan, web(&args.web), telemetry("demo"), listener, stop_signal()?).await;
        drop(stop);
        simulated.abort();
        result
    })
}

/// The simulated AWS alone.
pub fn sim(args: cli::Sim) -> Result<()> {
    run_async(async {
        let listener = bind(args.listen).await?;
        let world = sim::World::demo(args.seed.seed, daemon::now().0);
        Ok(sim::serve(listener, world, stop_signal()?).await?)
    })
}
