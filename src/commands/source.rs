//! Where the tools' picture comes from: AWS by the config, the simulated AWS in this process, or a file.

use super::setup::{load, run_async, telemetry};
use super::simulated;
use crate::aws::Connection;
use crate::cli;
use crate::clock::now;
use crate::daemon::fleet::explore::{Found, explore};
use crate::gather::{self, Lists};
use crate::model::budget::DOLLARS_PER_METRIC;
use crate::model::ids::Target;
use crate::model::observation::CollectError;
use crate::model::time::{Minute, Timestamp};
use crate::picture::file::Reader;
use crate::picture::survey::Overrides;
use crate::picture::{Header, Origin, TargetPicture};
use crate::plan::Plan;
use crate::report::human;
use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::bufread::MultiGzDecoder;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

/// What is read without a question costs less, in dollars.
const A_FEW_CENTS: f64 = 0.05;
/// Targets that are read at once.
const AT_ONCE: usize = 16;
/// Two bytes that begin every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How much of the past is read.
#[derive(Clone, Copy)]
pub(super) struct Since {
    /// Seconds, as they were asked for; 0: none.
    asked: Option<u64>,
    /// What is read of AWS where nothing was asked for; a snapshot is then read whole.
    usual: u64,
}

impl Since {
    /// No usage, of AWS.
    pub(super) const NOTHING: Since = Since { asked: None, usual: 0 };

    /// `asked` if it is there, else a day.
    pub(super) fn or_day(asked: Option<u64>) -> Since {
        Since { asked, usual: 86_400 }
    }

    /// `asked` if it is there, else so many seconds.
    pub(super) fn or(asked: Option<u64>, usual: u64) -> Since {
        Since { asked, usual }
    }
}

/// What is done with each target.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Header, TargetPicture) -> Result<()>;

/// What the config adds to the lists, and which tag names teams: the config's, else the snapshot's.
pub(super) fn overrides(source: &cli::Source, header: &Header) -> Result<Overrides> {
    let plan = load(&source.config)?;
    let tag = plan.export.team_tag.or_else(|| header.team_tag.clone());
    Ok(Overrides { rules: plan.settings.rules, burndown: plan.settings.burndown, team_tag: tag })
}

/// Reads every target that is taken, one after another.
pub(super) fn read(source: &cli::Source, since: Since, each: Each) -> Result<Header> {
    match &source.from {
        Some(path) => read_file(path, &source.takes, since, each),
        None => run_async(read_aws(source, since.asked.unwrap_or(since.usual), each)),
    }
}

/// Reads a snapshot.
///
/// # Errors
/// If it holds less of the past than was asked for.
#[expect(clippy::disallowed_methods, reason = "a tool's own file")]
pub(super) fn read_file(path: &Path, takes: &cli::Takes, since: Since, each: Each) -> Result<Header> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("{name}: cannot be read"))?;
    let mut file = BufReader::new(file);
    let is_gzip = file.fill_buf().with_context(|| format!("{name}: cannot be read"))?.starts_with(&GZIP);
    let input: Box<dyn BufRead> =
        if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let mut reader = Reader::new(&name, input).map_err(anyhow::Error::msg)?;
    let mut there = Vec::new();
    let mut taken = 0;
    while let Some(picture) = reader.target().map_err(anyhow::Error::msg)? {
        if takes.has(&picture.target, picture.account_name.as_deref()) {
            taken += 1;
            let picture = match since.asked {
                Some(asked) => newest(picture, asked).map_err(|why| anyhow!("{name}: {why}"))?,
                None => picture,
            };
            each(&reader.header, picture)?;
        } else {
            there.push(picture.title());
        }
    }
    ensure!(taken > 0, "{name}: {}", nothing_taken(takes, &there));
    Ok(reader.header)
}

/// A target with the newest part of its usage alone. `since`: seconds; 0: none.
fn newest(mut picture: TargetPicture, since: u64) -> Result<TargetPicture> {
    let Some(usage) = picture.usage.take().filter(|_| since > 0) else { return Ok(picture) };
    let minutes = (since / 60) as usize;
    ensure!(
        minutes <= usage.len(),
        "--since: found {}, but the snapshot has {} of usage of {}",
        human::duration(since),
        human::duration(60 * usage.len() as u64),
        picture.title()
    );
    picture.usage = Some(usage.newest(minutes));
    Ok(picture)
}

pub(super) fn nothing_taken(takes: &cli::Takes, there: &[String]) -> String {
    match (there, takes.accounts.is_empty() && takes.regions.is_empty()) {
        ([], true) => "there is no account in it".to_string(),
        _ => {
            format!("no account and region is as --account and --region say; there are: {}", there.join("; "))
        }
    }
}

impl cli::Takes {
    pub(super) fn has(&self, target: &Target, name: Option<&str>) -> bool {
        let account = |told: &String| *told == *target.account_id || Some(told.as_str()) == name;
        (self.accounts.is_empty() || self.accounts.iter().any(account))
            && (self.regions.is_empty() || self.regions.iter().any(|region| *region == *target.region))
    }
}

async fn read_aws(source: &cli::Source, since: u64, each: Each<'_>) -> Result<Header> {
    let plan = if source.demo { simulated::served(source.seed.seed).await? } else { load(&source.config)? };
    let origin = if source.demo { Origin::Demo } else { Origin::Aws };
    let telemetry = telemetry("tool");
    let at = now();
    let (found, failed) = explore(&plan, &telemetry, at).await?;
    for (target, error) in &failed {
        tracing::warn!(%target, class = %error.class, error = error.message, "not found");
    }
    let (taken, passed): (Vec<Found>, Vec<Found>) = found
        .into_iter()
        .partition(|found| source.takes.has(&found.connection.target, found.account_name.as_deref()));
    if taken.is_empty() {
        let there: Vec<String> = passed.iter().map(|found| found.connection.target.to_string()).collect();
        let why = failed.first().map(|(_, CollectError { message, .. })| message.clone());
        bail!("{}", why.unwrap_or_else(|| nothing_taken(&source.takes, &there)));
    }
    let header = Header { taken: at, origin, masked: false, team_tag: plan.export.team_tag.clone() };
    let lists = lists(taken, &plan, since > 0).await;
    if since > 0 {
        let metrics = lists.iter().map(Lists::metrics).sum();
        agree(metrics, source.yes || source.demo, io::stdin().is_terminal())?;
    }
    read_usage(lists, &plan, since, at, &mut |picture| each(&header, picture)).await?;
    Ok(header)
}

/// The way to the one target of a source, to ask AWS for something.
pub(super) async fn connect(source: &cli::Source, target: &Target) -> Result<Arc<Connection>> {
    let plan = if source.demo { simulated::served(source.seed.seed).await? } else { load(&source.config)? };
    let (found, _) = explore(&plan, &telemetry("tool"), now()).await?;
    let own = found.into_iter().map(|found| found.connection).find(|own| own.target == *target);
    own.with_context(|| format!("{target} is no longer there"))
}

async fn lists(found: Vec<Found>, plan: &Plan, usage: bool) -> Vec<Lists> {
    let bar = progress(found.len(), "lists of");
    let tags: Vec<String> = plan.export.team_tag.iter().cloned().collect();
    let rules = &plan.settings.rules;
    let reads = found.into_iter().map(|found| async {
        let lists = gather::lists(found, &tags, rules, usage).await;
        bar.inc(1);
        lists
    });
    let lists = futures_util::stream::iter(reads).buffered(AT_ONCE).collect().await;
    bar.finish_and_clear();
    lists
}

async fn read_usage(
    lists: Vec<Lists>,
    plan: &Plan,
    since: u64,
    at: Timestamp,
    each: &mut dyn FnMut(TargetPicture) -> Result<()>,
) -> Result<()> {
    let settings = &plan.settings;
    let (until, settled) = (settings.closed(at), settings.settled(at));
    let span = Minute(until.0 - since as i64 / 60)..until;
    let bar = progress(lists.len(), "usage of");
    let reads = lists.into_iter().map(|lists| {
        let span = if since > 0 { span.clone() } else { until..until };
        lists.read(span, settled, settings.delay, at)
    });
    let mut pictures = futures_util::stream::iter(reads).buffered(AT_ONCE);
    while let Some(picture) = pictures.next().await {
        bar.inc(1);
        each(picture)?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// A bar on standard error; nothing where that is no terminal.
fn progress(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "reading {what} {{pos}} of {{len}} targets {{wide_bar}} {{elapsed}}"
    ));
    ProgressBar::new(length as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Says what reading costs, and asks where that is more than a few cents.
fn agree(metrics: u64, agreed: bool, can_ask: bool) -> Result<()> {
    let dollars = metrics as f64 * DOLLARS_PER_METRIC;
    if agreed || dollars <= A_FEW_CENTS {
        return Ok(());
    }
    let metrics = human::grouped(metrics as f64);
    let cost = format!("CloudWatch bills ${dollars:.2} for it: {metrics} metrics at $0.01 per 1,000");
    if !can_ask {
        bail!("{cost}; give --yes to read them, or --account and --region to read less");
    }
    eprint!("{cost}. Read them? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(anyhow!("nothing was read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_few_cents_are_never_spent_without_a_word() {
        assert!(agree(5_000, false, false).is_ok(), "five cents");
        assert!(agree(500_000, true, false).is_ok(), "--yes");
        assert_eq!(
            agree(53_000, false, false).unwrap_err().to_string(),
            "CloudWatch bills $0.53 for it: 53,000 metrics at $0.01 per 1,000; give --yes to read them, or --account \
             and --region to read less"
        );
    }
}
