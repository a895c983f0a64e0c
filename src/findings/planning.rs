//! What ends soon, and what waits too long.

use super::thresholds::{COMMITMENT_DAYS, END_OF_LIFE_DAYS, INCREASE_DAYS};
use super::{Finding, Severity, Subject};
use crate::model::catalog::{FoundationModel, ProvisionedThroughput};
use crate::model::quota::IncreaseRequest;
use crate::model::state::TargetState;
use crate::model::time::Timestamp;
use crate::report::human::{date, duration, exact};
use std::collections::BTreeSet;

const DAY: u64 = 86_400;

pub(super) fn findings(state: &TargetState, now: Timestamp) -> Vec<Finding> {
    let catalog = state.catalog.as_ref().map(|read| &read.value);
    let models = catalog.iter().flat_map(|catalog| catalog.models.iter().flatten());
    let units = catalog.iter().flat_map(|catalog| catalog.provisioned.iter().flatten());
    let requests = state.quotas.iter().flat_map(|read| read.value.requests.iter().flatten());
    let called: BTreeSet<&str> =
        state.evaluation.ids.iter().filter_map(|id| id.resolution.model.as_deref()).collect();
    let models = models.filter(|model| called.contains(&*model.id));
    let mut all = Vec::new();
    all.extend(models.filter_map(|model| end_of_life(state, model, now)));
    all.extend(units.filter_map(|units| commitment(state, units, now)));
    all.extend(requests.filter_map(|request| open_request(state, request, now)));
    all
}

fn end_of_life(state: &TargetState, model: &FoundationModel, now: Timestamp) -> Option<Finding> {
    let end = model.end_of_life.filter(|end| end.since(now) < END_OF_LIFE_DAYS * DAY)?;
    let what = match end.since(now) {
        0 => "the model's life has ended".to_string(),
        left => format!("the model's life ends in {}", duration(left)),
    };
    Some(Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject { model: Some((&*model.id).into()), ..Subject::default() },
        what,
        evidence: format!("AWS names {} as its end of life, and the model is called.", date(end)),
        remedy: "Move the calls to its successor: after that day they fail, and no quota of a legacy model is raised."
            .to_string(),
        runbook: "BedrockModelNearEndOfLife",
    })
}

fn commitment(state: &TargetState, units: &ProvisionedThroughput, now: Timestamp) -> Option<Finding> {
    let end = units.commitment_expires.filter(|end| *end > now)?;
    (end.since(now) < COMMITMENT_DAYS * DAY).then(|| Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject { model: Some(units.id().into()), ..Subject::default() },
        what: format!(
            "the commitment of provisioned throughput {} ends in {}",
            units.name,
            duration(end.since(now))
        ),
        evidence: format!("{} model units, until {}.", exact(units.model_units), date(end)),
        remedy: "Renew it or let it go; it is billed by the hour afterwards.".to_string(),
        runbook: "BedrockProvisionedCommitmentEnding",
    })
}

fn open_request(state: &TargetState, request: &IncreaseRequest, now: Timestamp) -> Option<Finding> {
    let age = now.since(request.created?);
    (age > INCREASE_DAYS * DAY).then(|| Finding {
        severity: Severity::Warning,
        target: state.target.clone(),
        subject: Subject::default(),
        what: format!("an increase of {} has been open for {}", request.quota_code, duration(age)),
        evidence: format!(
            "{}, {} asked for.",
            request.status,
            request.desired.map_or("an unknown value".to_string(), exact)
        ),
        remedy: "Answer the support case if AWS waits for you, or ask there how it stands.".to_string(),
        runbook: "BedrockIncreaseRequestOld",
    })
}
