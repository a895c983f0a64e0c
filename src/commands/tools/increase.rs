//! `increase`.

use super::output::{Looked, print};
use super::quotas::word;
use crate::aws::increase::Requested;
use crate::cli::{self, DraftFormat};
use crate::clock::now;
use crate::commands::setup::run_async;
use crate::commands::source;
use crate::increase::{Draft, Wish, draft};
use crate::model::ids::Scope;
use crate::picture::survey::Survey;
use crate::report::{envelope, increase};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::json;
use std::io;

/// Growth compares two weeks, of which a part may not be settled yet; CloudWatch keeps no more minutes.
const TWO_WEEKS_AND_A_DAY: u64 = 15 * 86_400;

/// Drafts a request for more, and sends it where that is wanted and confirmed.
pub fn increase(args: cli::Increase) -> Result<()> {
    let wish = Wish {
        model: args.model.clone(),
        scope: word(&args.scope, "--scope", Scope::from_word, &Scope::CALLED)?,
        value: args.value,
        growth: args.growth,
        use_case: args.use_case.clone(),
        alarms: args.alarms.clone(),
    };
    let (mut drafts, mut looked) = (Vec::<Draft>::new(), Looked::default());
    let header = source::read(
        &args.source,
        source::Since::or(args.since, TWO_WEEKS_AND_A_DAY),
        &mut |header, picture| {
            let overrides = source::overrides(&args.source, header)?;
            let survey = Survey::new(&picture, &overrides, None);
            let drafted = draft(&survey, &wish).map_err(|why| anyhow!("{}: {why}", picture.place()))?;
            drafts.extend(drafted);
            looked.at(&picture);
            Ok(())
        },
    )?;
    let model = &args.model;
    let nothing = format!("no model that is called, or invocation id of a known model, contains {model:?}");
    ensure!(!drafts.is_empty(), "{}", looked.nothing(&nothing, &header));
    let draft = one(drafts)?;
    ensure!(draft.refusals.is_empty(), "{}", increase::refusal(&draft));
    ensure!(!header.masked, "account ids are masked in this snapshot: a request needs the real one");
    match args.format {
        _ if args.submit => submit(&args, &draft),
        DraftFormat::Markdown => print(&increase::markdown(&draft)),
        DraftFormat::Json => {
            print(&envelope::document("increase", &header, json!({"draft": increase::json(&draft)})))
        }
    }
}

/// A request is of one account and region.
fn one(mut drafts: Vec<Draft>) -> Result<Draft> {
    let place = |draft: &Draft| format!("{} in {}", draft.account, draft.target.region);
    match drafts.len() {
        1 => Ok(drafts.remove(0)),
        _ => {
            let places: Vec<String> = drafts.iter().map(place).collect();
            bail!(
                "one request is of one account and region, found {}: give --account and --region",
                places.join("; ")
            )
        }
    }
}

/// Asks AWS, after everything else that could be in the way.
fn submit(args: &cli::Increase, draft: &Draft) -> Result<()> {
    let code = &draft.quota.key.code;
    let value = draft.value.context("there is no value to ask for: give --value")?;
    let sent = run_async(async {
        let connection = source::connect(&args.source, &draft.target).await?;
        connection.ready(now()).await.map_err(|error| anyhow!("{}", error.message))?;
        connection.may_request().await.map_err(|error| {
            anyhow!(
                "{}: a policy may also allow this for single quotas only; nothing was sent",
                error.message
            )
        })?;
        print(&increase::markdown(draft))?;
        confirm(code)?;
        let sent = connection.request_increase(code, value).await;
        sent.map_err(|error| anyhow!("nothing was granted or opened: {}", error.message))
    })?;
    let Requested { id, status } = sent;
    print(&format!(
        "\nsent: request {id}, {status}. AWS opens a support case for it: answer it with the draft above.\n"
    ))
}

/// Whatever is read must be the quota's code, so that no stray key sends a request.
fn confirm(code: &str) -> Result<()> {
    eprint!("\nThis asks AWS for it. Type {code} to send it: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    ensure!(answer.trim() == code, "found {:?}, expected {code}: nothing was sent", answer.trim());
    Ok(())
}
