//! A target's state, held against its quotas: one `Evaluation`.

mod ids;
mod parts;
mod quotas;
mod refusals;
mod service;
mod spending;
pub(crate) mod throttling;
pub(crate) mod together;
pub(crate) mod utilization;

pub(crate) use spending::UNMAPPED_AGE;

use super::evaluation::{Evaluation, QuotaStatus};
use super::settings::Settings;
use super::state::TargetState;
use super::time::Timestamp;
use parts::Parts;
use quotas::shared;
use service::{Service, prefer_own_metrics};
use spending::Spending;
use std::sync::Arc;

pub(crate) struct Evaluated {
    pub evaluation: Evaluation,
    /// Calls of a pool began to be refused.
    pub is_refused_anew: bool,
    /// Calls began to be refused below the limits known: one may have been cut.
    pub newly_refused: bool,
}

/// `beside`: the quotas of other targets, to be shared where they are equal.
pub(crate) fn evaluate<'a>(
    state: &'a TargetState,
    settings: &Settings,
    beside: impl Iterator<Item = &'a [Arc<QuotaStatus>]>,
    now: Timestamp,
) -> Evaluated {
    let memory = &state.memory;
    let spending = Spending::new(state, settings, now);
    let service = Service::new(state, settings, now);
    let (parts, overflows) = Parts::new(state, settings, now).statuses();
    let mut quotas = spending.quotas();
    let mut evaluation = Evaluation {
        service: service.quotas(),
        guardrails: service.guardrails(),
        batch: service.batch(),
        mantle: service.mantle(),
        parts,
        overflows,
        usage_known: spending.is_fresh() && memory.discovered.is_some(),
        complete_until: memory.complete_until,
        newest_datapoint: memory.newest_datapoint,
        models_in_use: spending.models_in_use(),
        ..Evaluation::default()
    };
    evaluation.model_rows_with_usage_metric = service.rows_with_usage_metric(&quotas);
    prefer_own_metrics(&mut quotas, &evaluation.service);
    let (mut is_refused_anew, mut newly_refused) = (false, false);
    if spending.is_fresh() {
        evaluation.ids = memory.ids.iter().map(|(id, known)| spending.id(id, known)).collect();
        evaluation.unmapped = spending.unmapped();
        let mut suspects = Vec::new();
        for (pool, ids) in spending.by_pool() {
            let status = spending.refusals(&quotas, pool, &ids);
            let is_new = spending.is_new(&status);
            is_refused_anew |= is_new;
            newly_refused |= is_new && !spending.is_at_limit(&quotas, &ids);
            suspects.push(spending.suspect(&status, &ids));
            evaluation.throttling.push(status);
        }
        spending.doubt_reservations(&mut evaluation.throttling, &suspects);
    }
    evaluation.quotas = shared(quotas, &state.evaluation.quotas, beside);
    Evaluated { evaluation, is_refused_anew, newly_refused }
}
