//! What ends soon, and what waits too long.

use super::case::{Remedy, Subject};
use super::facts::Facts;
use super::finding::{Finding, Severity};
use super::thresholds::{COMMITMENT_DAYS, END_OF_LIFE_DAYS, INCREASE_DAYS};
use crate::model::catalog::{FoundationModel, ProvisionedThroughput};
use crate::model::quota::IncreaseRequest;
use crate::report::human::{about, date, exact};

const DAY: u64 = 86_400;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let catalog = facts.catalog.iter();
    let models = catalog.clone().flat_map(|catalog| catalog.models.iter().flatten());
    let units = catalog.flat_map(|catalog| catalog.provisioned.iter().flatten());
    let models = models.filter(|model| facts.called.contains(&*model.id));
    let mut all = Vec::new();
    all.extend(models.filter_map(|model| end_of_life(facts, model)));
    all.extend(units.filter_map(|units| commitment(facts, units)));
    all.extend(facts.requests.iter().filter_map(|request| open_request(facts, request)));
    all
}

fn end_of_life(facts: &Facts, model: &FoundationModel) -> Option<Finding> {
    let end = model.end_of_life.filter(|end| end.since(facts.now) < END_OF_LIFE_DAYS * DAY)?;
    let what = match end.since(facts.now) {
        0 => "the model's life has ended".to_string(),
        left => format!("the model's life ends in {}", about(left)),
    };
    Some(Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject { model: Some((&*model.id).into()), ..Subject::default() },
        what,
        evidence: format!("AWS names {} as its end of life, and the model is called.", date(end)),
        remedies: vec![Remedy::plain(
            "Move the calls to its successor: after that day they fail, and no quota of a legacy model is raised.",
        )],
        runbook: "BedrockModelNearEndOfLife",
        case: None,
    })
}

fn commitment(facts: &Facts, units: &ProvisionedThroughput) -> Option<Finding> {
    let end = units.commitment_expires.filter(|end| *end > facts.now)?;
    (end.since(facts.now) < COMMITMENT_DAYS * DAY).then(|| Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject { model: Some(units.id().into()), ..Subject::default() },
        what: format!(
            "the commitment of provisioned throughput {} ends in {}",
            units.name,
            about(end.since(facts.now))
        ),
        evidence: format!("{} model units, until {}.", exact(units.model_units), date(end)),
        remedies: vec![Remedy::plain("Renew it or let it go; it is billed by the hour afterwards.")],
        runbook: "BedrockProvisionedCommitmentEnding",
        case: None,
    })
}

fn open_request(facts: &Facts, request: &IncreaseRequest) -> Option<Finding> {
    let age = facts.now.since(request.created?);
    (age > INCREASE_DAYS * DAY).then(|| Finding {
        severity: Severity::Warning,
        target: facts.target.clone(),
        place: facts.place.clone(),
        subject: Subject::default(),
        what: format!("an increase of {} has been open for {}", request.quota_code, about(age)),
        evidence: format!(
            "{}, {} asked for.",
            request.status,
            request.desired.map_or("an unknown value".to_string(), exact)
        ),
        remedies: vec![Remedy::plain(
            "Answer the support case if AWS waits for you, or ask there how it stands.",
        )],
        runbook: "BedrockIncreaseRequestOld",
        case: None,
    })
}
