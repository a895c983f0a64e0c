//! Quotas, models, findings and targets as lists.

use super::described::described;
use super::source::{Place, Query, Source};
use crate::findings::case::Remedy;
use crate::findings::{self, Finding};
use crate::model::evaluation::IdStatus;
use crate::model::ids::Scope;
use crate::model::state::TargetState;
use std::collections::BTreeMap;

described! {
    /// A row of Service Quotas, as it is listed.
    QuotaItem {
        #[serde(flatten)]
        place: Place,
        quota_code: String,
        quota_name: String,
        /// The value in force. Null where none is listed, or AWS answered with an error.
        limit: Option<f64>,
        /// Null where AWS lists none.
        default: Option<f64>,
        /// Null where AWS does not say.
        adjustable: Option<bool>,
        /// What AWS answered in the value's place.
        error: Option<String>,
        /// What an open increase request asks for.
        requested: Option<f64>,
    }
}

/// Every row of a target's list of quotas; none before it was read.
pub fn quotas(source: Source<'_>, state: &TargetState, _: &Query) -> Vec<QuotaItem> {
    let Some(list) = state.quotas.as_ref().map(|read| &read.value) else { return Vec::new() };
    let requests = list.requests.iter().flatten();
    let requested: BTreeMap<&str, Option<f64>> =
        requests.map(|request| (&*request.quota_code, request.desired)).collect();
    let rows = list.quotas.iter();
    rows.map(|quota| QuotaItem {
        place: source.place(&state.target),
        quota_code: quota.code.clone(),
        quota_name: quota.name.clone(),
        limit: quota.limit(),
        default: quota.default,
        adjustable: quota.adjustable,
        error: quota.error.clone(),
        requested: requested.get(&*quota.code).copied().flatten(),
    })
    .collect()
}

described! {
    /// An invocation id, and what it means.
    ModelItem {
        #[serde(flatten)]
        place: Place,
        endpoint: &'static str,
        model_id: String,
        model: Option<String>,
        scope: Option<&'static str>,
        #[serde(rename = "type")]
        id_type: &'static str,
        confidence: &'static str,
        name: Option<String>,
        /// Why no quota is known for it.
        unmapped: Option<&'static str>,
        /// When its newest datapoint was, in seconds since the epoch.
        last_datapoint: Option<i64>,
    }
}

/// The invocation ids known at a target.
pub fn models(source: Source<'_>, state: &TargetState, query: &Query) -> Vec<ModelItem> {
    let wanted = |status: &&IdStatus| {
        let resolution = &status.resolution;
        query.model.as_deref().is_none_or(|model| resolution.model.as_deref() == Some(model))
            && query.model_id.as_deref().is_none_or(|id| *id == *status.id.id)
            && query.scope.as_deref().is_none_or(|scope| resolution.scope.map(Scope::word) == Some(scope))
    };
    state.evaluation.ids.iter().filter(wanted).map(|status| model(source, state, status)).collect()
}

fn model(source: Source<'_>, state: &TargetState, status: &IdStatus) -> ModelItem {
    let resolution = &status.resolution;
    ModelItem {
        place: source.place(&state.target),
        endpoint: status.id.endpoint.word(),
        model_id: status.id.id.to_string(),
        model: resolution.model.as_deref().map(String::from),
        scope: resolution.scope.map(Scope::word),
        id_type: resolution.id_type.word(),
        confidence: resolution.confidence.word(),
        name: resolution.name.clone(),
        unmapped: resolution.unmapped.map(|reason| reason.word()),
        last_datapoint: status.last_datapoint.map(|at| at.0),
    }
}

described! {
    /// Something that helps.
    RemedyItem {
        /// In a word or two; empty where `how` says it all.
        what: &'static str,
        how: String,
        /// A line for the shell, where one does it.
        command: Option<String>,
    }
}

described! {
    /// Something that is wrong.
    FindingItem {
        #[serde(flatten)]
        place: Place,
        severity: &'static str,
        model: Option<String>,
        scope: Option<&'static str>,
        quota: Option<&'static str>,
        quota_code: Option<String>,
        what: String,
        evidence: String,
        /// What helps, the cheapest first.
        remedies: Vec<RemedyItem>,
        /// The alert's name; its text is at `/runbooks/NAME`.
        runbook: &'static str,
    }
}

/// What was wrong when the snapshot was made: the most severe first, then by target.
pub fn findings(source: Source<'_>, query: &Query) -> Vec<FindingItem> {
    let all = findings::findings(source.snapshot, &source.export.account_names, source.snapshot.at);
    let asked_for = all.into_iter().filter(|finding| source.is_asked_for(&finding.target, query));
    asked_for.map(|finding| finding_item(source, finding)).collect()
}

fn remedy_item(Remedy { what, how, command }: Remedy) -> RemedyItem {
    RemedyItem { what, how, command }
}

fn finding_item(source: Source<'_>, finding: Finding) -> FindingItem {
    let Finding { severity, target, subject, what, evidence, remedies, runbook, .. } = finding;
    FindingItem {
        place: source.place(&target),
        severity: severity.word(),
        model: subject.model.as_deref().map(String::from),
        scope: subject.scope.map(Scope::word),
        quota: subject.quota.as_ref().map(|key| key.kind.word()),
        quota_code: subject.quota.as_ref().map(|key| key.code.to_string()),
        what,
        evidence,
        remedies: remedies.into_iter().map(remedy_item).collect(),
        runbook,
    }
}

described! {
    /// A target, and how reading it goes.
    TargetItem {
        #[serde(flatten)]
        place: Place,
        /// Seconds since the epoch.
        complete_until: Option<i64>,
        ids: usize,
        /// By collector: quotas, catalog, usage. Absent before the first attempt.
        collectors: BTreeMap<&'static str, CollectorItem>,
    }
}

described! {
    /// How a collector is doing.
    CollectorItem {
        /// Whether the last attempt brought everything.
        up: bool,
        /// Seconds since the epoch.
        last_success: Option<i64>,
        error: Option<String>,
    }
}

/// How reading a target goes.
pub fn target(source: Source<'_>, state: &TargetState, _: &Query) -> Vec<TargetItem> {
    let tried = state.collectors.iter().filter(|(_, status)| status.last_attempt.is_some());
    let collectors = tried.map(|(collector, status)| {
        let item = CollectorItem {
            up: status.up,
            last_success: status.last_success.map(|at| at.0),
            error: status.last_error.clone(),
        };
        (collector.word(), item)
    });
    vec![TargetItem {
        place: source.place(&state.target),
        complete_until: state.evaluation.complete_until.map(|at| at.0),
        ids: state.evaluation.ids.len(),
        collectors: collectors.collect(),
    }]
}
