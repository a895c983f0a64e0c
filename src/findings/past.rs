//! The facts of a picture: what happened over its span.

mod traffic;

use super::case::{Case, Room, Share};
use super::facts::{Facts, Fill, UnmappedId, Unread};
use super::thresholds::NEAR_RATIO;
use crate::model::evaluate::together;
use crate::model::evaluate::utilization::exhaustion;
use crate::model::evaluation::Cause;
use crate::model::ids::{Endpoint, QuotaKind};
use crate::model::matching::ModelQuota;
use crate::model::time::Timestamp;
use crate::picture::activity::{Activity, Totals};
use crate::picture::survey::{Survey, SurveyedId};
use traffic::Traffic;

/// How full quotas are is asked of the last minutes, as the daemon does by default.
const LOOKBACK: usize = 30;

impl<'a> Facts<'a> {
    /// `now`: when the picture was taken.
    pub fn of_survey(survey: &'a Survey<'a>, now: Timestamp) -> Facts<'a> {
        let picture = survey.picture;
        let called = survey.ids.iter().filter_map(|id| id.resolution.model.as_deref());
        let requests = picture.quotas.as_ref().and_then(|list| list.requests.as_deref());
        Facts {
            target: picture.target.clone(),
            place: picture.place(),
            now,
            cases: Facts::cases_of(survey),
            unmapped: unmapped(survey),
            fills: survey.quotas.iter().filter_map(|quota| fill(survey, quota)).collect(),
            unread: unread(survey),
            // A file may be read years later.
            complete_until: None,
            catalog: picture.catalog.as_ref(),
            requests: requests.unwrap_or_default(),
            called: called.collect(),
        }
    }

    /// Refused and failed calls of the span, those with the most refused first.
    pub fn cases_of(survey: &Survey) -> Vec<Case> {
        let all = Activity::all(survey);
        let calls = all.iter().filter(|activity| activity.endpoint == Endpoint::Runtime);
        let (mut cases, mut suspects) = (Vec::new(), Vec::new());
        for traffic in calls.map(|activity| Traffic::new(survey, activity)) {
            if let Some(case) = traffic.case() {
                suspects.push(traffic.suspect(&case));
                cases.push(case);
            }
        }
        let has_day = survey.picture.quotas.as_ref().is_some_and(together::has_cross_model_day);
        for (case, together) in cases.iter_mut().zip(together::together(&suspects, has_day)) {
            case.together = together;
            if together > 0 {
                case.cause = Cause::Unknown;
            }
        }
        cases.sort_by(|a, b| b.throttles.total_cmp(&a.throttles));
        cases
    }
}

/// The places of a survey that have room in tokens and requests per minute.
pub fn rooms(survey: &Survey) -> Vec<Room> {
    let picture = survey.picture;
    let spent = survey.quotas.iter().filter(|quota| Share::is_spent_by_calls(&quota.key));
    let shares =
        spent.map(|quota| Share { key: &quota.key, limit: quota.limit, peak: survey.peak(&quota.key) });
    Room::all(shares, picture.quotas.as_ref(), &picture.target, &picture.place())
}

fn unmapped<'a>(survey: &'a Survey<'a>) -> Vec<UnmappedId<'a>> {
    let (len, settled) = (survey.usage().map_or(0, |usage| usage.len()), survey.settled());
    let called = |id: &&SurveyedId| Totals::of(id.span, len, settled).attempts() > 0.0;
    let ids = survey.ids.iter().filter(|id| id.resolution.unmapped.is_some()).filter(called);
    ids.filter_map(|id| {
        let reason = id.resolution.unmapped?;
        Some(UnmappedId { id: &id.span.id.id, reason, charges: &id.resolution.charges })
    })
    .collect()
}

fn unread(survey: &Survey) -> Option<Unread> {
    let troubles = &survey.picture.troubles;
    let mut names: Vec<&str> =
        troubles.iter().map(|trouble| trouble.message.split(": ").next().unwrap_or_default()).collect();
    names.dedup();
    let why = troubles.first().map(|trouble| trouble.message.clone())?;
    Some(Unread { what: names.join(", "), why })
}

/// How full a quota that is spent was at the end of the span; `None` where it is far from its limit, or not known.
fn fill(survey: &Survey, quota: &ModelQuota) -> Option<Fill> {
    let key = &quota.key;
    let limit = quota.limit.filter(|limit| *limit > 0.0 && survey.is_spent(key))?;
    let (spent, settled) = (survey.spent(key)?, survey.settled());
    let last = settled.checked_sub(1)?;
    let window = settled.saturating_sub(LOOKBACK)..settled;
    let shares: Vec<f64> = window.filter_map(|at| spent.value(at)).map(|value| value / limit).collect();
    let near = shares.iter().filter(|share| **share >= NEAR_RATIO).count();
    let day = key.kind == QuotaKind::TokensPerDay;
    let usage = spent.value(last).filter(|_| day);
    Some(Fill {
        key: key.clone(),
        limit: Some(limit),
        near_seconds: 60 * near as u64,
        peak_ratio: shares.into_iter().reduce(f64::max),
        usage,
        ratio: usage.map(|usage| usage / limit),
        exhaustion: usage.and_then(|usage| exhaustion(usage, limit, survey.usage()?.minute(last))),
    })
}
