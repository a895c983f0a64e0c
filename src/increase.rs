//! A request for more of a quota, drafted from what a picture shows: every field that AWS asks for, measured where it
//! can be and left blank where it cannot. Pure.

pub mod demand;
mod draft;
mod refusals;
mod value;

pub use draft::{Draft, Profile, Wish};

use crate::findings::case::Case;
use crate::findings::facts::Facts;
use crate::model::arn::Arn;
use crate::model::catalog::ProfileKind;
use crate::model::evaluation::Cause;
use crate::model::ids::{Endpoint, QuotaKind, Scope, Variant};
use crate::model::matching::ModelQuota;
use crate::model::usage::InvocationId;
use crate::picture::activity::Activity;
use crate::picture::survey::Survey;
use demand::Demand;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The draft for the one model that is meant; `None` where nobody calls such a model here.
///
/// # Errors
/// If several models are meant, or there is no quota to ask for.
pub fn draft(survey: &Survey, wish: &Wish) -> Result<Option<Draft>, String> {
    let Some(usage) = survey.usage() else { return Ok(None) };
    let all = Activity::all(survey);
    let Some(activity) = meant(&all, wish)? else { return Ok(None) };
    let scope = activity.scope.filter(|_| activity.endpoint == Endpoint::Runtime).ok_or_else(|| {
        let model = &activity.model;
        format!("{model}: quotas of the bedrock-mantle endpoint are raised through AWS's support form only")
    })?;
    let case = case(survey, activity);
    let spent = row(survey, &activity.model, scope, QuotaKind::TokensPerMinute);
    let (quota, advice) = asked_for(survey, activity, scope, case.as_ref())?;
    let mut draft = Draft {
        target: survey.picture.target.clone(),
        account: survey.picture.account().to_string(),
        model: activity.model.clone(),
        scope,
        use_case: wish.use_case.clone(),
        alarms: wish.alarms.clone(),
        quota,
        advice,
        value: None,
        reasoning: String::new(),
        ids: activity.ids.iter().map(|id| id.span.id.id.to_string()).collect(),
        profiles: profiles(survey, &activity.model),
        from: usage.from.start(),
        until: usage.minute(survey.settled()).start(),
        demand: Demand::of(survey, activity, spent.as_ref()),
        refusals: Vec::new(),
    };
    value::choose(&mut draft, wish, spent.as_deref(), case.as_ref());
    draft.refusals = refusals::of(survey, &draft, wish, spent.as_deref(), case.as_ref());
    Ok(Some(draft))
}

/// What was refused of those calls.
fn case(survey: &Survey, activity: &Activity) -> Option<Case> {
    let is_its = |case: &Case| {
        case.subject.model.as_ref() == Some(&activity.model) && case.subject.scope == activity.scope
    };
    Facts::cases_of(survey).into_iter().find(is_its)
}

/// The activity of the one model that is meant, that with the most calls.
fn meant<'a, 'b>(all: &'b [Activity<'a>], wish: &Wish) -> Result<Option<&'b Activity<'a>>, String> {
    let part = wish.model.to_lowercase();
    let has = |id: &str| id.to_lowercase().contains(&part);
    let is_meant = |activity: &&Activity| {
        activity.is_mapped
            && wish.scope.is_none_or(|scope| activity.scope == Some(scope))
            && (has(&activity.model) || activity.ids.iter().any(|id| has(&id.span.id.id)))
    };
    let runtime_first = |activity: &&Activity| activity.endpoint != Endpoint::Runtime;
    let mut found: Vec<&Activity> = all.iter().filter(is_meant).collect();
    found.sort_by_key(runtime_first);
    let models: BTreeSet<&str> = found.iter().map(|activity| &*activity.model).collect();
    let exact = found.iter().find(|activity| *activity.model == *wish.model).copied();
    if exact.is_none() && models.len() > 1 {
        let models: Vec<&str> = models.into_iter().collect();
        return Err(format!("one request is of one model, found {}: name one of them", models.join(", ")));
    }
    Ok(exact.or(found.first().copied()))
}

/// The plain row of a model that limits `kind` in a scope.
fn row(survey: &Survey, model: &str, scope: Scope, kind: QuotaKind) -> Option<Arc<ModelQuota>> {
    let is_it = |quota: &&Arc<ModelQuota>| {
        let key = &quota.key;
        *key.model == *model
            && (key.scope, key.kind, key.variant) == (scope, kind, Variant::Standard)
            && key.endpoint == Endpoint::Runtime
            && !key.code.is_empty()
    };
    survey.quotas.iter().find(is_it).cloned()
}

const CROSS_REGION: &str = "AWS advises to ask for the cross-region tokens per minute; requests per minute and tokens \
    per day are sized with it.";
const SIZED_WITH_CROSS_REGION: &str = "AWS sizes the other tokens per minute of a model, and its tokens per day, with \
    the cross-region tokens per minute: that is the quota to ask for.";

/// The quota to ask for: that of requests only where they are what is short and AWS raises it.
fn asked_for(
    survey: &Survey,
    activity: &Activity,
    scope: Scope,
    case: Option<&Case>,
) -> Result<(Arc<ModelQuota>, String), String> {
    let of = |scope, kind| row(survey, &activity.model, scope, kind);
    let raised = |quota: &Arc<ModelQuota>| quota.adjustable != Some(false);
    if case.is_some_and(|case| case.cause == Cause::RequestsPerMinute)
        && let Some(quota) = of(scope, QuotaKind::RequestsPerMinute).filter(raised)
    {
        return Ok((quota, "Requests per minute are what refuses the calls.".to_string()));
    }
    let own = of(scope, QuotaKind::TokensPerMinute);
    let cross = of(Scope::CrossRegion, QuotaKind::TokensPerMinute);
    let (quota, why) = match (scope, own, cross) {
        (Scope::OnDemand, _, Some(cross)) => (cross, SIZED_WITH_CROSS_REGION.to_string()),
        (Scope::CrossRegion, Some(own), _) => (own, CROSS_REGION.to_string()),
        (_, Some(own), _) => (own, format!("These calls spend the tokens per minute of the scope {scope}.")),
        (_, None, Some(cross)) => (cross, SIZED_WITH_CROSS_REGION.to_string()),
        (_, None, None) => {
            let (model, region) = (&activity.model, &survey.picture.target.region);
            let why = "no row of tokens per minute is listed";
            return Err(format!("{model}: {why} in {region}: there is nothing to ask for"));
        }
    };
    Ok((quota, why))
}

/// The system profiles of a model, across a geography and global.
fn profiles(survey: &Survey, model: &str) -> Vec<Profile> {
    let catalog = survey.picture.catalog.iter();
    let listed = catalog.flat_map(|catalog| catalog.profiles.iter().flatten());
    let of_model = listed.filter(|profile| {
        profile.kind == ProfileKind::SystemDefined
            && survey.index.resolve(&InvocationId::runtime(&profile.id)).model.as_deref() == Some(model)
    });
    let regions = |arns: &[String]| -> Vec<String> {
        let regions: BTreeSet<&str> =
            arns.iter().filter_map(|arn| Arn::parse(arn)).map(|arn| arn.region).collect();
        // A model's ARN without a region: it routes anywhere.
        let bound = !regions.contains("");
        regions.into_iter().filter(|_| bound).map(String::from).collect()
    };
    of_model
        .map(|profile| Profile { id: profile.id.clone(), regions: regions(&profile.model_arns) })
        .collect()
}
