//! The sub-commands: from parsed arguments to a running or finished job.

mod access;
mod backfill;
mod exporter;
mod healthcheck;
mod live;
mod openmetrics;
mod request;
mod setup;
mod simulated;
mod source;
mod tools;
mod top;

pub use tools::{
    capacity, chart, completions, diagnose, export, increase, man, mcp, probe, provisioned, quotas, report,
    snapshot, usage,
};
pub use top::top;

use crate::aws::{self, Environment};
use crate::cli;
use crate::clock;
use crate::daemon::{self, Source};
use crate::model::ids::Target;
use crate::model::matching::Index;
use crate::model::partition;
use crate::offline::File;
use crate::plan::{Credentials, Plan};
use crate::report;
use crate::report::explain::{ExplainInputs, Shape};
use crate::report::sheet::fitted;
use crate::server::Web;
use crate::server::guard::{Guard, Policy};
use crate::server::listen::{self, Address, Listener};
use crate::sim::policy::Allowed;
use crate::sim::{self, Sim, world::World};
use crate::telemetry::Telemetry;
use anyhow::{Context, Result, bail};
use setup::{bind, load, load_again, run_async, stop_signal, telemetry};
use simulated::demo_plan;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tools::print;

/// Serves what the config says until SIGTERM or SIGINT.
pub fn serve(args: cli::Serve) -> Result<()> {
    let shard = args.slice.shard;
    let (flags, telemetry) = (args.web, telemetry("serve"));
    let storage = args.storage_path;
    let load = move || load_again(&args.config).map(|plan| Plan { shard, ..plan });
    let read: daemon::Read = Arc::new(move || load().map_err(|error| error.to_string()));
    run_async(async {
        // Before anything that may hang: a container's first process gets no signal that it does not listen for.
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let plan = tokio::select! {
            () = &mut stop => return Ok(()),
            plan = daemon::read(&read) => plan.map_err(anyhow::Error::msg)?,
        };
        let storage = tokio::select! {
            () = &mut stop => return Ok(()),
            storage = daemon::stored(storage) => storage?,
        };
        let web = tokio::select! {
            () = &mut stop => return Ok(()),
            web = web(&flags, &telemetry) => web?,
        };
        let listeners = listeners(&flags).await?;
        daemon::run(Source { plan, read, storage }, web, telemetry, listeners, stop).await
    })
}

/// Prints what the config would do.
pub fn check(args: cli::Check) -> Result<()> {
    let plan = Plan { shard: args.slice.shard, ..load(&args.config)? };
    let web_config = args.web_config.web_config.as_deref().map(checked_web_config).transpose()?;
    if let Some(contradiction) = aws::probe::contradictions(&plan) {
        bail!("the config and the environment contradict each other: {contradiction}");
    }
    run_async(check_environment(&plan))?;
    let told = report::check::render(&plan, args.ids) + &web_config.unwrap_or_default();
    print(&fitted(&told, tools::terminal().width))?;
    if !args.live {
        return Ok(());
    }
    let found = run_async(live::check(&plan, &telemetry("check"), clock::now()))?;
    print(&fitted(&report::live::render(&found), tools::terminal().width))?;
    match report::live::failures(&found) {
        0 => Ok(()),
        failures => bail!("{failures} of what the config needs cannot be done"),
    }
}

/// Refuses what `serve` would: a proxy, an authority or an endpoint that is none. AWS is not asked.
async fn check_environment(plan: &Plan) -> Result<()> {
    let region = Some(partition::home("aws"));
    Environment::load(&plan.aws, region, &telemetry("check")).await?.check_profiles(plan).await
}

/// The daemon against the simulated AWS, both in this process; or the past that it would have had.
pub fn demo(args: cli::Demo) -> Result<()> {
    run_async(async {
        let aws = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let start = clock::now();
        let world = World::demo(args.seed.seed, start.0);
        let plan = demo_plan(&format!("http://{}", aws.local_addr()?), &world)?;
        if let Some(length) = args.backfill.length {
            let instance = instance(&args.web.address.listen_addresses);
            let span = backfill::Span { end: start, length, step: args.backfill.step, instance };
            return backfill::run(aws, world, plan, telemetry("demo"), span).await;
        }
        let again = plan.clone();
        let read: daemon::Read = Arc::new(move || Ok(again.clone()));
        let telemetry = telemetry("demo");
        let web = web(&args.web, &telemetry).await?;
        let listeners = listeners(&args.web).await?;
        let simulated = tokio::spawn(sim::serve(aws, world, std::future::pending()));
        let source = Source { plan, read, storage: None };
        let result = daemon::run(source, web, telemetry, listeners, stop_signal()?).await;
        simulated.abort();
        result
    })
}

/// The label `instance` of a scrape of this machine.
fn instance(addresses: &[Address]) -> String {
    addresses.iter().find_map(Address::from_here).unwrap_or_else(|| "localhost".to_string())
}

/// The simulated AWS alone.
pub fn sim(args: cli::Sim) -> Result<()> {
    let allowed = if args.policies.is_empty() { None } else { Some(allowed(&args.policies)?) };
    run_async(async {
        let listener = bind(args.listen).await?;
        tracing::info!(address = %listener.local_addr()?, "simulating AWS");
        let now = clock::now().0;
        let world = World::demo(args.seed.seed, now);
        let world = if args.irregular { world.made_irregular(now) } else { world };
        let sim = Sim::new(world);
        sim.set_allowed(allowed).await;
        sim.serve(listener, stop_signal()?).await
    })
}

#[expect(clippy::disallowed_methods, reason = "the files that the user names")]
fn allowed(policies: &[PathBuf]) -> Result<Allowed> {
    let mut allowed = Allowed::default();
    for path in policies {
        let document =
            std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        allowed
            .add(&document)
            .with_context(|| format!("{}: not a policy that is simulated", path.display()))?;
    }
    Ok(allowed)
}

/// Which quotas invocation ids spend: from the AWS CLI's JSON where any is given, else live.
pub fn explain(args: cli::Explain) -> Result<()> {
    let plan = load(&args.config)?;
    let ids = match &args.ids[..] {
        [] if !args.coverage => ids_from(std::io::stdin().lock())?,
        given => given.to_vec(),
    };
    let files = [&args.quotas, &args.defaults, &args.models, &args.profiles, &args.deployments];
    let index = if files.iter().all(|file| file.is_none()) {
        run_async(live_index(&plan, args.region.as_deref()))?
    } else {
        offline_index(&args, &plan)?
    };
    print(&match args.format {
        cli::ExplainFormat::Table if args.coverage => {
            report::coverage::table(&index).render(tools::terminal())
        }
        cli::ExplainFormat::Json if args.coverage => report::coverage::json(&index),
        cli::ExplainFormat::Table => {
            let shape = Shape { width: tools::terminal().width, all: args.all };
            report::explain::table(&index, &ids, shape)
        }
        cli::ExplainFormat::Json => report::explain::json(&index, &ids),
    })
}

fn ids_from(input: impl BufRead) -> Result<Vec<String>> {
    let lines = input.lines().collect::<std::io::Result<Vec<_>>>().context("standard input")?;
    Ok(lines.iter().map(|line| line.trim().to_string()).filter(|line| !line.is_empty()).collect())
}

#[expect(clippy::disallowed_methods, reason = "the files that the user names")]
fn offline_index(args: &cli::Explain, plan: &Plan) -> Result<Index> {
    let read = |path: &Option<PathBuf>| -> Result<Option<(String, String)>> {
        let Some(path) = path else { return Ok(None) };
        let name = path.display().to_string();
        let content = std::fs::read_to_string(path).with_context(|| format!("{name}: cannot be read"))?;
        Ok(Some((name, content)))
    };
    let (quotas, defaults, models) = (read(&args.quotas)?, read(&args.defaults)?, read(&args.models)?);
    let (profiles, deployments) = (read(&args.profiles)?, read(&args.deployments)?);
    let inputs = ExplainInputs {
        quotas: file(&quotas),
        defaults: file(&defaults),
        models: file(&models),
        profiles: file(&profiles),
        deployments: file(&deployments),
        region: args.region.as_deref(),
    };
    report::explain::index(&inputs, &plan.settings.rules).map_err(anyhow::Error::msg)
}

fn file(read: &Option<(String, String)>) -> Option<File<'_>> {
    read.as_ref().map(|(path, content)| File { path, content })
}

/// The lists of the plan's first account, in `region` or its first region; of the current credentials'
/// account where the plan finds its accounts.
async fn live_index(plan: &Plan, region: Option<&str>) -> Result<Index> {
    let account = plan.accounts.first();
    let found = plan.organization.as_ref().map(|organization| &organization.regions);
    let regions = account.map(|account| &account.regions).or(found);
    let region = region.or(regions.and_then(|regions| regions.listed().first()).map(String::as_str));
    let telemetry = telemetry("explain");
    let environment = Environment::load(&plan.aws, region, &telemetry).await?;
    environment.check_profiles(plan).await?;
    let own = environment.region();
    let region = region.or(own.as_deref()).context("no region: give --region, or set AWS_REGION")?;
    let credentials = account.map_or(&Credentials::Default, |account| &account.credentials);
    let session = environment.session(credentials).await;
    let connection = session.connect(&Target::new("", region));
    let ((quotas, quota_errors), (catalog, catalog_errors)) =
        tokio::join!(connection.quotas(), connection.catalog(&[], BTreeSet::new()));
    for error in quota_errors.iter().chain(&catalog_errors) {
        tracing::warn!(class = %error.class, error = error.message, "not read");
    }
    let quotas = quotas.context("the quotas could not be read")?;
    Ok(Index::new(&quotas, &catalog.unwrap_or_default(), &plan.settings.rules))
}

/// Asks a running exporter for its health.
pub fn healthcheck(args: cli::Healthcheck) -> Result<()> {
    run_async(healthcheck::run(args))
}

async fn web(args: &cli::Web, telemetry: &Telemetry) -> Result<Web> {
    Ok(Web {
        telemetry_path: args.telemetry_path.clone(),
        enable_lifecycle: args.enable_lifecycle,
        enable_api: args.enable_api,
        guard: Guard::open(args.config.web_config.clone(), telemetry).await?,
    })
}

async fn listeners(args: &cli::Web) -> Result<Vec<Listener>> {
    if args.systemd_socket {
        listen::from_systemd()
    } else {
        listen::bind(&args.address.listen_addresses).await
    }
}

/// What a web config comes to, or what is wrong with it.
fn checked_web_config(path: &Path) -> Result<String> {
    match Policy::read(path) {
        Ok(policy) => Ok(format!("\nThe web config {}: {policy}.\n", path.display())),
        Err(complaints) => bail!("the web config is refused\n{complaints}"),
    }
}
