//! `probe`.

mod place;
mod results;
mod run;
mod watch;

use super::output::{print, terminal};
use crate::cli;
use crate::clock::Pace;
use crate::commands::setup::{load, run_async, stop_signal};
use crate::commands::simulated;
use crate::probe::{Dimension, HardLimits, Prices, Probe, Settings, rehearse};
use crate::report::probe as report;
use anyhow::{Result, ensure};
use place::Place;

/// The clock of the simulated AWS, in real time's.
const TIMES: u32 = 10;
/// What a run on the simulated AWS may do at most, where nothing else is told. It costs nothing.
const DEMO_LIMITS: HardLimits = HardLimits {
    requests: Some(100_000),
    tokens: Some(100_000_000),
    dollars: Some(1.0),
    minutes: Some(120.0),
};
const DEMO_PRICES: Prices = Prices { input: 0.0, output: 0.0 };

/// Says what a ramp would do, or makes its calls.
pub fn probe(args: cli::Probe) -> Result<()> {
    run_async(async {
        // Before anything is asked, so that Ctrl-C always ends it.
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let place = tokio::select! {
            () = &mut stop => return Ok(()),
            place = find(&args) => place?,
        };
        let settings = settings(&args, &place);
        let rehearsal = rehearse(&settings);
        if !args.yes {
            return print(&report::plan(&place.about, &rehearsal, terminal()));
        }
        ready(&args, &settings)?;
        results::ensure_none(&args.output)?;
        let watch = tokio::select! {
            () = &mut stop => return Ok(()),
            watch = place.watch(&args) => watch?,
        };
        let pace = place.pace;
        eprintln!("{}", report::watched(&place.about, &rehearsal));
        let probe = Probe::new(settings, pace.now());
        let probe = run::run(probe, &place, watch, pace, stop).await;
        results::write(&args.output, &place.about, &probe, &rehearsal)?;
        print(&report::summary(&place.about, &probe, &args.output.display().to_string(), terminal()))
    })
}

async fn find(args: &cli::Probe) -> Result<Place> {
    let (plan, times) = if args.demo {
        (simulated::quickened(args.seed.seed, TIMES).await?, TIMES)
    } else {
        (load(&args.config)?, 1)
    };
    Place::find(args, &plan, Pace::start(times)).await
}

fn settings(args: &cli::Probe, place: &Place) -> Settings {
    let mut dimensions = args.dimensions.clone();
    dimensions.sort();
    dimensions.dedup();
    if dimensions.is_empty() {
        dimensions = Dimension::ALL.to_vec();
    }
    let told = HardLimits {
        requests: args.most_requests,
        tokens: args.most_tokens,
        dollars: args.most_dollars,
        minutes: args.most_minutes,
    };
    let prices = args.input_price.zip(args.output_price).map(|(input, output)| Prices { input, output });
    let (limits, prices) = if args.demo {
        let limits = HardLimits {
            requests: told.requests.or(DEMO_LIMITS.requests),
            tokens: told.tokens.or(DEMO_LIMITS.tokens),
            dollars: told.dollars.or(DEMO_LIMITS.dollars),
            minutes: told.minutes.or(DEMO_LIMITS.minutes),
        };
        (limits, prices.or(Some(DEMO_PRICES)))
    } else {
        (told, prices)
    };
    let hold = args.hold as f64;
    let (predicted, largest_output) = (place.predicted, args.largest_output);
    Settings { dimensions, hold, limits, prices, predicted, largest_output }
}

/// Real calls need every limit.
fn ready(args: &cli::Probe, settings: &Settings) -> Result<()> {
    let HardLimits { requests, tokens, dollars, minutes } = settings.limits;
    let flags = [
        ("--most-requests", requests.is_none()),
        ("--most-tokens", tokens.is_none()),
        ("--most-dollars", dollars.is_none()),
        ("--most-minutes", minutes.is_none()),
    ];
    let missing: Vec<&str> =
        flags.into_iter().filter(|(_, is_missing)| *is_missing).map(|(flag, _)| flag).collect();
    ensure!(missing.is_empty(), "--yes makes real calls, and needs hard limits: give {}", missing.join(", "));
    ensure!(
        settings.prices.is_some(),
        "--most-dollars cannot be held: no API of AWS tells the prices of {}; give --input-price and --output-price, in \
         dollars per million tokens",
        args.model_id
    );
    Ok(())
}
