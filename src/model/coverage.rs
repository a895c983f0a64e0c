//! Of every quota of the service: what measures it, or why nothing does.

use super::ids::{QuotaKind, Variant};
use super::listed::listed;
use super::matching::{Family, QuotaKey, family};
use super::meter::{MeasuredBy, Unmeasurable, meter};
use super::quota::ServiceQuota;

/// What measures a row. `model`: the series of the model that the row belongs to, and whether what CloudWatch publishes
/// of its ids measures it.
///
/// # Errors
/// Why nothing measures it.
pub fn coverage(row: &ServiceQuota, model: Option<(&QuotaKey, bool)>) -> Result<MeasuredBy, Unmeasurable> {
    let metered = meter(row);
    match (metered, model) {
        (Ok(meter), _) => Ok(meter.by),
        (_, Some((key, is_measurable))) => of_model(key, is_measurable),
        (Err(reason @ (Unmeasurable::Template | Unmeasurable::UnknownPeriod)), None) => Err(reason),
        (Err(_), None) if listed(&row.name).is_some() => Ok(MeasuredBy::Listed),
        (Err(_), None) => Err(of_name(&row.name)),
    }
}

fn of_model(key: &QuotaKey, is_measurable: bool) -> Result<MeasuredBy, Unmeasurable> {
    match key.kind {
        QuotaKind::BatchJobs | QuotaKind::ModelUnits => Ok(MeasuredBy::Listed),
        _ if is_measurable => Ok(MeasuredBy::Invocations),
        QuotaKind::AsyncConcurrentRequests | QuotaKind::ConcurrentRequests => Err(Unmeasurable::NotPublished),
        _ if key.variant == Variant::Standard => Err(Unmeasurable::UnknownBurndown),
        _ => Err(Unmeasurable::Inseparable),
    }
}

/// Why a row that is no model's, and has no metric, is not measured.
fn of_name(name: &str) -> Unmeasurable {
    let folded = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| folded.contains(word));
    match family(name) {
        Family::Unrecognized => Unmeasurable::Unrecognized,
        Family::CrossModelTokensPerDay => Unmeasurable::PriceWeighted,
        Family::OnDemand
        | Family::CrossRegion
        | Family::Global
        | Family::TokensPerDay
        | Family::Mantle
        | Family::CustomDeployment
        | Family::ModelUnits
        | Family::BatchJobs => Unmeasurable::NoModel,
        Family::BatchSize | Family::Evaluation => Unmeasurable::PerRequest,
        _ if says(&["requests per second", "throttle rate limit for "]) => Unmeasurable::NoUsageMetric,
        Family::Guardrails if says(&["text units per second"]) => Unmeasurable::Inseparable,
        _ if says(&["concurrent jobs", "executions per account", "max number of tokens", "scheduled "]) => {
            Unmeasurable::NotPublished
        }
        _ if says(&BOUNDS) => Unmeasurable::PerRequest,
        _ => Unmeasurable::NotCounted,
    }
}

/// Words of rows that bound one request, file, job or definition.
const BOUNDS: [&str; 8] = [
    " length ",
    " size",
    "maximum ",
    "records for a ",
    "files to ",
    "parameters per function",
    "characters in ",
    "nodes per flow",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::{self, File};
    use std::collections::BTreeMap;

    #[test]
    fn every_shipped_row_without_model_and_metric_has_a_reason() {
        let quotas = File { path: "quotas", content: include_str!("../../data/service-quotas.json") };
        let rows = offline::quotas(Some(quotas), None, None).unwrap().quotas;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| of_name(&row.name) != Unmeasurable::NoModel) {
            if let Err(reason) = coverage(row, None) {
                *reasons.entry(reason.word()).or_default() += 1;
            }
        }
        assert!(!reasons.contains_key("unrecognized"), "{reasons:?}");
        let mut not_counted: Vec<&str> = rows
            .iter()
            .filter(|row| coverage(row, None) == Err(Unmeasurable::NotCounted))
            .map(|row| row.name.as_str())
            .collect();
        not_counted.sort_unstable();
        insta::assert_debug_snapshot!(not_counted);
    }
}
