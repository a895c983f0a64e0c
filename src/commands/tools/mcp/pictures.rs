//! Answers of a snapshot, or of the simulated AWS as it was at the start.

use crate::cli;
use crate::commands::source;
use crate::findings::facts::Facts;
use crate::findings::past::rooms;
use crate::findings::{self, Finding};
use crate::mcp::{Question, Tool};
use crate::model::ids::Scope;
use crate::model::matching::Index;
use crate::model::usage::InvocationId;
use crate::picture::survey::{Overrides, Survey};
use crate::picture::{Header, TargetPicture};
use crate::report::capacity::{self, Capacity};
use crate::report::quotas::{self, Filter};
use crate::report::{diagnose, envelope, explain, usage};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Of the simulated AWS is read as much, in seconds.
const USUAL: u64 = 6 * 3600;
/// So many models an error names.
const NAMED: usize = 20;

pub(super) struct Pictures {
    header: Header,
    overrides: Overrides,
    targets: Vec<TargetPicture>,
}

impl Pictures {
    pub(super) fn read(args: &cli::Mcp) -> Result<Pictures> {
        let mut targets = Vec::new();
        let header = source::read(&args.source, source::Since::or(args.since, USUAL), &mut |_, picture| {
            targets.push(picture);
            Ok(())
        })?;
        let overrides = source::overrides(&args.source, &header)?;
        Ok(Pictures { header, overrides, targets })
    }

    pub(super) fn answer(&self, tool: Tool, question: &Question) -> Result<Value> {
        let targets: Vec<&TargetPicture> =
            self.targets.iter().filter(|target| is_meant(target, question)).collect();
        ensure!(!targets.is_empty(), "no such account and region; there are: {}", self.places());
        let scope = question.scope.as_deref().map(scope).transpose()?;
        if let Some(model) = &question.model {
            self.know(&targets, model)?;
        }
        let mut body = match tool {
            Tool::Findings => json!({"findings": self.findings(&targets)}),
            Tool::Explain => json!({"ids": self.explain(&targets, question)?}),
            Tool::Headroom => json!({"targets": self.headroom(&targets, question, scope)?}),
            Tool::Quotas => {
                let filter = Filter { model: question.model.clone(), ..no_filter() };
                let of = |picture: &&TargetPicture| {
                    let survey = self.survey(picture);
                    let mut rows = quotas::rows(&survey, &filter);
                    // The filter also takes a part of an id or a name.
                    if let Some(wanted) = &question.model {
                        rows.retain(|row| {
                            row.model.as_ref().is_some_and(|model| *model.key.model == **wanted)
                        });
                    }
                    quotas::json(picture, &rows)
                };
                json!({"targets": targets.iter().map(of).collect::<Vec<_>>()})
            }
            Tool::Usage => {
                let of = |picture: &&TargetPicture| {
                    let survey = self.survey(picture);
                    let mut models = usage::models(&survey, question.model.as_deref());
                    // So does `about`.
                    if let Some(wanted) = &question.model {
                        models.retain(|usage| *usage.activity.model == **wanted);
                    }
                    usage::json(&survey, &models)
                };
                json!({"targets": targets.iter().map(of).collect::<Vec<_>>()})
            }
        };
        body["taken"] = self.header.taken.to_string().into();
        body["origin"] = self.header.origin.word().into();
        Ok(body)
    }

    fn survey<'a>(&self, picture: &'a TargetPicture) -> Survey<'a> {
        Survey::new(picture, &self.overrides, None)
    }

    fn places(&self) -> String {
        self.targets.iter().map(TargetPicture::title).collect::<Vec<_>>().join("; ")
    }

    /// Refuses what is no base model that is listed or called there, and names those that may be meant.
    fn know(&self, targets: &[&TargetPicture], model: &str) -> Result<()> {
        let mut known = BTreeSet::new();
        for picture in targets {
            known.extend(self.survey(picture).models());
        }
        if known.contains(model) {
            return Ok(());
        }
        let part = model.to_lowercase();
        let alike: Vec<String> = known.into_iter().filter(|id| id.to_lowercase().contains(&part)).collect();
        ensure!(!alike.is_empty(), "model: found {model:?}; no base model here contains it");
        let more = alike.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let alike = alike[..alike.len().min(NAMED)].join(", ");
        bail!("model: found {model:?}, expected a whole base model id; there are {alike}{more}")
    }

    fn findings(&self, targets: &[&TargetPicture]) -> Value {
        let (mut found, mut roomy) = (Vec::<Finding>::new(), Vec::new());
        for picture in targets {
            let survey = self.survey(picture);
            found.extend(findings::of(&Facts::of_survey(&survey, self.header.taken)));
            roomy.extend(rooms(&survey));
        }
        json!(diagnose::json(&findings::finish(found, &roomy)))
    }

    /// Every limit of a model, and how much of it was used.
    fn headroom(
        &self,
        targets: &[&TargetPicture],
        question: &Question,
        scope: Option<Scope>,
    ) -> Result<Vec<Value>> {
        let mut told = Vec::new();
        for picture in targets {
            let resolved =
                question.model_id.as_ref().map(|id| self.index(picture).resolve(&InvocationId::runtime(id)));
            let model =
                resolved.as_ref().and_then(|resolution| resolution.model.as_deref().map(String::from));
            let scope = scope.or(resolved.and_then(|resolution| resolution.scope));
            let Some(model) = question.model.clone().or(model) else { continue };
            let survey = self.survey(picture);
            let there = Capacity::of(&survey, |id| id == model);
            if there.is_empty() {
                continue;
            }
            let mut target = capacity::json(&survey, &there);
            if let (Some(scope), Some(models)) = (scope, target["models"].as_array_mut()) {
                models.retain(|model| model["scope"] == scope.word());
            }
            told.push(target);
        }
        ensure!(
            !told.is_empty(),
            "nothing is known of such a model here: give model or model_id, as the snapshot spells them"
        );
        Ok(told)
    }

    fn explain(&self, targets: &[&TargetPicture], question: &Question) -> Result<Vec<Value>> {
        let ids: Vec<String> = question.model_id.iter().cloned().collect();
        let of = |picture: &&TargetPicture| {
            let text = explain::json(&self.index(picture), &ids);
            let explained: Value = serde_json::from_str(&text).context("what explain says")?;
            let mut target = envelope::target(picture);
            target["explained"] = explained;
            Ok(target)
        };
        targets.iter().map(of).collect()
    }

    fn index(&self, picture: &TargetPicture) -> Index {
        let quotas = picture.quotas.clone().unwrap_or_default();
        let catalog = picture.catalog.clone().unwrap_or_default();
        Index::new(&quotas, &catalog, &self.overrides.rules)
    }
}

fn is_meant(picture: &TargetPicture, question: &Question) -> bool {
    let is_account = |account: &String| {
        **account == *picture.target.account_id || picture.account_name.as_ref() == Some(account)
    };
    question.account.as_ref().is_none_or(is_account)
        && question.region.as_ref().is_none_or(|region| **region == *picture.target.region)
}

fn scope(word: &str) -> Result<Scope> {
    let words = || Scope::ALL.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(", ");
    Scope::from_word(word).ok_or_else(|| anyhow!("scope: found {word:?}, expected one of {}", words()))
}

fn no_filter() -> Filter {
    Filter {
        model: None,
        scope: None,
        kind: None,
        state: None,
        below_default: false,
        unused: false,
        text: None,
    }
}
