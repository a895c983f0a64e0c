//! What the ids of one model and scope did over a span, added up.

use super::IdSpan;
use super::survey::{Survey, SurveyedId};
use crate::model::ids::{Endpoint, Scope};
use crate::model::matching::QuotaKey;
use crate::model::time::Minute;
use crate::model::usage::Metric;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The ids of one model in one scope; an id whose model is unknown stands alone.
pub struct Activity<'a> {
    survey: &'a Survey<'a>,
    pub endpoint: Endpoint,
    /// The base model id, or the id whose model is unknown.
    pub model: Arc<str>,
    pub scope: Option<Scope>,
    pub is_mapped: bool,
    pub ids: Vec<&'a SurveyedId<'a>>,
}

/// Where a metric is added up.
type Sum = fn(&mut Totals) -> &mut f64;

/// What makes ids one group: endpoint, whether the model is known, model or id, scope.
type Group = (Endpoint, bool, Arc<str>, Option<Scope>);

/// Sums over the settled minutes that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    pub requests: f64,
    pub throttles: f64,
    pub client_errors: f64,
    pub server_errors: f64,
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    /// Minutes of an id and metric that could not be read: the sums may be larger.
    pub unread: usize,
}

impl Totals {
    /// Throttles / (requests + throttles); `None` without any.
    pub fn throttle_rate(&self) -> Option<f64> {
        let attempts = self.attempts();
        (attempts > 0.0).then(|| self.throttles / attempts)
    }

    pub fn attempts(&self) -> f64 {
        self.requests + self.throttles
    }

    pub fn add(&mut self, other: &Totals) {
        self.requests += other.requests;
        self.throttles += other.throttles;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.unread += other.unread;
    }

    /// Of one id, over its first `settled` minutes.
    pub fn of(id: &IdSpan, len: usize, settled: usize) -> Totals {
        let mut totals = Totals::default();
        let fields: [(Metric, Sum); 8] = [
            (Metric::Invocations, |totals| &mut totals.requests),
            (Metric::Throttles, |totals| &mut totals.throttles),
            (Metric::ClientErrors, |totals| &mut totals.client_errors),
            (Metric::ServerErrors, |totals| &mut totals.server_errors),
            (Metric::InputTokens, |totals| &mut totals.input),
            (Metric::OutputTokens, |totals| &mut totals.output),
            (Metric::CacheReadTokens, |totals| &mut totals.cache_read),
            (Metric::CacheWriteTokens, |totals| &mut totals.cache_write),
        ];
        for (metric, field) in fields {
            for sum in id.sums(metric, len).take(settled) {
                match sum {
                    Some(sum) => *field(&mut totals) += sum,
                    None => totals.unread += 1,
                }
            }
        }
        totals
    }
}

impl<'a> Activity<'a> {
    /// By model, scope and endpoint, those with traffic in the span first to last by their calls.
    pub fn all(survey: &'a Survey<'a>) -> Vec<Activity<'a>> {
        let mut groups: BTreeMap<Group, Vec<&SurveyedId>> = BTreeMap::new();
        for id in &survey.ids {
            let model = id.resolution.model.clone();
            let is_mapped = model.is_some();
            let name = model.unwrap_or_else(|| id.span.id.id.clone());
            let key = (id.span.id.endpoint, is_mapped, name, id.resolution.scope);
            groups.entry(key).or_default().push(id);
        }
        let activity = |((endpoint, is_mapped, model, scope), ids)| Activity {
            survey,
            endpoint,
            model,
            scope,
            is_mapped,
            ids,
        };
        let mut all: Vec<(f64, Activity)> = groups
            .into_iter()
            .map(activity)
            .map(|activity| (activity.totals().attempts(), activity))
            .collect();
        all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        all.into_iter().map(|(_, activity)| activity).collect()
    }

    fn len(&self) -> usize {
        self.survey.usage().map_or(0, |usage| usage.len())
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.ids.iter().for_each(|id| totals.add(&self.totals_of(id)));
        totals
    }

    pub fn totals_of(&self, id: &SurveyedId) -> Totals {
        Totals::of(id.span, self.len(), self.survey.settled())
    }

    /// A Sum metric of all ids together, minute by minute over the whole span; NaN: unknown.
    pub fn series(&self, metric: Metric) -> Vec<f64> {
        let mut series = vec![0.0; self.len()];
        for id in &self.ids {
            for (sum, value) in series.iter_mut().zip(id.span.sums(metric, self.len())) {
                *sum += value.unwrap_or(f64::NAN);
            }
        }
        series
    }

    /// The quotas that any of the ids spends, in order.
    pub fn quotas(&self) -> Vec<&QuotaKey> {
        let charges = self.ids.iter().flat_map(|id| &id.resolution.charges);
        let keys: BTreeSet<&QuotaKey> = charges.filter_map(|charge| charge.quota.as_ref()).collect();
        keys.into_iter().collect()
    }

    /// Minutes of the settled span with traffic, and the busiest of them with its calls, made and refused.
    pub fn busy(&self) -> (usize, Option<(Minute, f64)>) {
        let Some(usage) = self.survey.usage() else { return (0, None) };
        let (calls, throttles) = (self.series(Metric::Invocations), self.series(Metric::Throttles));
        let attempts = calls.iter().zip(&throttles).map(|(calls, throttles)| calls + throttles);
        let (mut minutes, mut busiest) = (0, None);
        for (at, attempts) in attempts.enumerate().take(self.survey.settled()) {
            if attempts > 0.0 {
                minutes += 1;
                if busiest.is_none_or(|(_, most)| attempts > most) {
                    busiest = Some((usage.minute(at), attempts));
                }
            }
        }
        (minutes, busiest)
    }

    /// Calls, made and refused, by weekday (Monday first) and hour of the day, UTC: their sum and the minutes
    /// that it is made of.
    pub fn week(&self) -> [[(f64, usize); 24]; 7] {
        let mut week = [[(0.0, 0); 24]; 7];
        let Some(usage) = self.survey.usage() else { return week };
        let (calls, throttles) = (self.series(Metric::Invocations), self.series(Metric::Throttles));
        for at in 0..self.survey.settled() {
            let attempts = calls[at] + throttles[at];
            let hours = usage.minute(at).0.div_euclid(60);
            // The epoch began on a Thursday.
            let weekday = (hours.div_euclid(24) + 3).rem_euclid(7) as usize;
            let hour = &mut week[weekday][hours.rem_euclid(24) as usize];
            if !attempts.is_nan() {
                *hour = (hour.0 + attempts, hour.1 + 1);
            }
        }
        week
    }
}
