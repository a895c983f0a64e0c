//! Why a request is not worth sending.

use super::draft::{Draft, Wish};
use crate::findings::case::Case;
use crate::model::ids::QuotaKind;
use crate::model::matching::ModelQuota;
use crate::picture::survey::Survey;
use crate::report::human::{date, exact, percent, rounded};

/// AWS takes so many open requests of an account and region.
const MOST_OPEN: usize = 20;
/// Below this share of the limit, growth included, nothing shows that more is needed.
const FAR_BELOW: f64 = 0.5;

/// Every reason there is.
pub(super) fn of(
    survey: &Survey,
    draft: &Draft,
    wish: &Wish,
    spent: Option<&ModelQuota>,
    case: Option<&Case>,
) -> Vec<String> {
    let all = [
        fixed(draft),
        open(survey, draft),
        legacy(survey, draft),
        too_low(draft),
        needless(draft, wish, spent, case),
    ];
    all.into_iter().flatten().collect()
}

fn fixed(draft: &Draft) -> Option<String> {
    (draft.quota.adjustable == Some(false))
        .then(|| format!("{} is not adjustable: AWS raises it for nobody by request", draft.quota.key.code))
}

fn open(survey: &Survey, draft: &Draft) -> Option<String> {
    let requests: Vec<_> =
        survey.picture.quotas.iter().flat_map(|list| list.requests.iter().flatten()).collect();
    let code = &*draft.quota.key.code;
    if let Some(request) = requests.iter().find(|request| request.quota_code == code) {
        let since = request.created.map_or(String::new(), |at| format!(" since {}", date(at)));
        let asked = request.desired.map_or("an unknown value".to_string(), exact);
        return Some(format!("a request for {code} is open already: {}{since}, for {asked}", request.status));
    }
    (requests.len() >= MOST_OPEN)
        .then(|| format!("{} requests are open, and AWS takes no more than {MOST_OPEN}", requests.len()))
}

fn legacy(survey: &Survey, draft: &Draft) -> Option<String> {
    let catalog = survey.picture.catalog.iter();
    let model = catalog
        .flat_map(|catalog| catalog.models.iter().flatten())
        .find(|model| *model.id == *draft.model && model.lifecycle.as_deref() == Some("LEGACY"))?;
    let ends = model.end_of_life.map_or(String::new(), |end| format!(", and ends on {}", date(end)));
    Some(format!("{} is a legacy model{ends}: AWS raises nothing for it", draft.model))
}

fn too_low(draft: &Draft) -> Option<String> {
    let value = draft.value?;
    let (default, limit) = (draft.quota.default, draft.quota.limit);
    if let Some(default) = default.filter(|default| value <= *default) {
        return Some(format!(
            "{} is not above AWS's default of {}, and AWS takes only what is",
            exact(value),
            exact(default)
        ));
    }
    let limit = limit.filter(|limit| value <= *limit)?;
    Some(format!("{} is not above the limit of {} that holds", exact(value), exact(limit)))
}

/// Without refusals, and with the busiest minute far below the limit.
fn needless(draft: &Draft, wish: &Wish, spent: Option<&ModelQuota>, case: Option<&Case>) -> Option<String> {
    if case.is_some_and(|case| case.throttles > 0.0) {
        return None;
    }
    let of_requests = draft.quota.key.kind == QuotaKind::RequestsPerMinute;
    let used = if of_requests { draft.demand.requests } else { draft.demand.tokens }?.max;
    let limit = if of_requests { draft.quota.limit } else { spent.and_then(|quota| quota.limit) };
    let limit = limit.filter(|limit| *limit > 0.0)?;
    let projected = draft.demand.growth.and_then(|growth| growth.projected()).unwrap_or(1.0);
    let grown = used * wish.growth.unwrap_or(projected);
    (grown < FAR_BELOW * limit).then(|| {
        format!(
            "no call was refused, and the busiest minute, growth included, is {} of {}: {} of the limit",
            rounded(grown),
            exact(limit),
            percent(grown / limit)
        )
    })
}
