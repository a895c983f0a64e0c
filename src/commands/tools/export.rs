//! `export`.

use super::output::write;
use super::quotas::word;
use crate::api::Place;
use crate::cli;
use crate::commands::exporter::Exporter;
use crate::commands::setup::run_async;
use crate::commands::source;
use crate::gateway::{self, Deployment, Lists, Wanted};
use crate::model::ids::Scope;
use crate::picture::survey::Survey;
use crate::picture::{Header, TargetPicture};
use anyhow::{Context, Result, bail, ensure};

/// Writes the limits of what can be called.
pub fn export(args: cli::Export) -> Result<()> {
    let text = match &args.url {
        Some(url) => run_async(ask(&args, url))?,
        None => read(&args)?,
    };
    write(args.output.as_deref(), &text)
}

/// What a running exporter answers.
async fn ask(args: &cli::Export, url: &str) -> Result<String> {
    let cli::Takes { accounts, regions } = &args.source.takes;
    ensure!(accounts.len() < 2 && regions.len() < 2, "--url takes one --account and one --region at most");
    ensure!(args.source.config.path.is_none(), "--config.file says nothing where --url is asked");
    let share = args.share.to_string();
    let given = [
        ("format", Some(args.format.word())),
        ("share", Some(share.as_str())),
        ("account", accounts.first().map(String::as_str)),
        ("region", regions.first().map(String::as_str)),
        ("model", args.model.as_deref()),
        ("model_id", args.model_id.as_deref()),
        ("scope", args.scope.as_deref()),
    ];
    let query: Vec<(&str, &str)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let exporter = Exporter::new(url, &args.access)?;
    let text = exporter.text("export", &query, args.format.media_type()).await.map_err(anyhow::Error::msg)?;
    let format = args.format.word();
    ensure!(
        gateway::is_rendered(&text, args.format),
        "{url}: found {} of something else, expected an export for {format} of an exporter",
        args.format.media_type()
    );
    Ok(text)
}

/// From AWS, the simulated AWS or a snapshot. Use is not read, since it changes nothing.
fn read(args: &cli::Export) -> Result<String> {
    let scope = word(&args.scope, "--scope", Scope::from_word, Scope::ALL)?;
    let wanted = Wanted { model: args.model.clone(), model_id: args.model_id.clone(), scope };
    let mut all = Vec::new();
    source::read(&args.source, source::Since::NOTHING, &mut |header, picture| {
        all.extend(deployments(args, header, &picture, &wanted)?);
        Ok(())
    })?;
    ensure!(
        !all.is_empty(),
        "nothing of the kind can be called there: --model, --model-id and --scope say what"
    );
    Ok(gateway::render(&all, args.share, args.format))
}

/// A gateway would take what is missing for what is not limited: lists that were not read are an error.
fn deployments(
    args: &cli::Export,
    header: &Header,
    picture: &TargetPicture,
    wanted: &Wanted,
) -> Result<Vec<Deployment>> {
    let catalog = picture.catalog.as_ref().filter(|lists| lists.models.is_some() && lists.profiles.is_some());
    let (Some(catalog), Some(_)) = (catalog, &picture.quotas) else {
        let why =
            picture.troubles.first().map(|trouble| format!(": {}", trouble.message)).unwrap_or_default();
        bail!("{}: the quotas, models and profiles were not all read{why}", picture.title());
    };
    let overrides = source::overrides(&args.source, header).context("--config.file")?;
    let survey = Survey::new(picture, &overrides, None);
    let target = &picture.target;
    let lists = Lists {
        place: Place {
            account_id: target.account_id.to_string(),
            account_name: picture.account_name.clone().unwrap_or_else(|| target.account_id.to_string()),
            region: target.region.to_string(),
        },
        index: &survey.index,
        catalog,
        burndown: &overrides.burndown,
        at: header.taken,
    };
    Ok(gateway::deployments(&lists, wanted))
}
