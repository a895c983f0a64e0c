//! `usage`: what models were asked for over a span, what was refused, and how full their quotas were.

mod week;

use super::envelope;
use super::human::{self, exact, grouped, percent, rounded};
use super::quotas::tone_of;
use super::sheet::{Field, Head, Sheet, Terminal, Tone, heading, identifier, number, text, word, wrapped};
use crate::model::ids::State;
use crate::model::matching::{ModelQuota, QuotaKey};
use crate::model::time::Minute;
use crate::picture::TargetPicture;
use crate::picture::activity::{Activity, Totals};
use crate::picture::distribution::Distribution;
use crate::picture::survey::{Survey, SurveyedId};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// One quota with how its minutes were spent.
pub struct QuotaUsage {
    pub quota: Arc<ModelQuota>,
    /// In units of the quota; `None`: not known, or no traffic.
    pub distribution: Option<Distribution>,
    /// The most that settled in a minute in which calls were refused.
    pub ceiling: Option<f64>,
    pub state: &'static str,
}

impl QuotaUsage {
    pub fn limit(&self) -> Option<f64> {
        self.quota.limit.filter(|limit| *limit > 0.0)
    }

    /// The distribution in shares of the limit.
    pub fn shares(&self) -> Option<Distribution> {
        Some(self.distribution?.over(self.limit()?))
    }
}

/// One model in one scope, with everything that is told of it.
pub struct ModelUsage<'a> {
    pub activity: Activity<'a>,
    pub totals: Totals,
    pub quotas: Vec<QuotaUsage>,
    pub minutes: usize,
    pub busiest: Option<(Minute, f64)>,
}

impl ModelUsage<'_> {
    /// The largest share of any limit in any minute.
    pub fn fullest(&self) -> Option<f64> {
        let shares = self.quotas.iter().filter_map(|quota| Some(quota.shares()?.max));
        shares.reduce(f64::max)
    }

    pub fn scope(&self) -> &'static str {
        self.activity.scope.map_or("unknown", |scope| scope.word())
    }
}

/// The models of a survey; `about`: only those whose id, or one of whose invocation ids, contains it.
pub fn models<'a>(survey: &'a Survey<'a>, about: Option<&str>) -> Vec<ModelUsage<'a>> {
    let has = |id: &str| about.is_none_or(|part| id.to_lowercase().contains(&part.to_lowercase()));
    let is_meant =
        |activity: &Activity| has(&activity.model) || activity.ids.iter().any(|id| has(&id.span.id.id));
    let all = Activity::all(survey).into_iter().filter(is_meant);
    all.map(|activity| model(survey, activity))
        .filter(|usage| about.is_some() || usage.totals.attempts() > 0.0)
        .collect()
}

fn model<'a>(survey: &'a Survey<'a>, activity: Activity<'a>) -> ModelUsage<'a> {
    let quotas = activity.quotas().into_iter().filter_map(|key| quota(survey, key)).collect();
    let (minutes, busiest) = activity.busy();
    ModelUsage { totals: activity.totals(), quotas, minutes, busiest, activity }
}

/// How a quota was spent; `None` for one that there is not.
pub fn quota(survey: &Survey, key: &QuotaKey) -> Option<QuotaUsage> {
    let quota = survey.quota(key)?.clone();
    let spent = if key.code.is_empty() { None } else { survey.spent(key) };
    let settled = survey.settled();
    Some(QuotaUsage {
        distribution: spent.as_ref().and_then(|spent| spent.distribution(settled)),
        ceiling: spent.as_ref().and_then(|spent| spent.ceiling(settled)),
        state: survey.state(&quota).word(),
        quota,
    })
}

/// Every model of a target in one table.
pub fn summary(models: &[ModelUsage]) -> Sheet {
    let mut sheet = Sheet::new(vec![
        identifier("MODEL"),
        word("SCOPE"),
        number("REQUESTS"),
        number("THROTTLED"),
        number("TOKENS IN"),
        number("OUT"),
        number("FULLEST"),
    ]);
    for usage in models {
        let Totals { requests, throttles, input, output, .. } = usage.totals;
        sheet.push(vec![
            Field::text(&*usage.activity.model),
            Field::text(usage.scope()),
            Field::number(Some(requests), rounded),
            Field::number(usage.totals.throttle_rate(), percent).toned(refused(throttles)),
            Field::number(Some(input), rounded),
            Field::number(Some(output), rounded),
            share(usage.fullest()),
        ]);
    }
    sheet
}

fn refused(throttles: f64) -> Tone {
    if throttles > 0.0 { Tone::Bad } else { Tone::Faint }
}

fn share(share: Option<f64>) -> Field {
    let field = Field::number(share, percent);
    share.map_or(field.clone(), |share| field.toned(tone_of(share)))
}

/// One model in full.
pub fn detail(survey: &Survey, usage: &ModelUsage, terminal: Terminal) -> String {
    let Activity { model, endpoint, .. } = &usage.activity;
    let mut out = heading(&format!("{model}, {}, {endpoint} endpoint", usage.scope()), terminal);
    let totals = &usage.totals;
    let rate = totals.throttle_rate().map_or("-".to_string(), percent);
    let mut tell = |line: String| out += &wrapped(&line, terminal.width, 2);
    tell(format!(
        "requests {}, throttles {} ({rate} of all calls), client errors {}, server errors {}",
        grouped(totals.requests),
        grouped(totals.throttles),
        grouped(totals.client_errors),
        grouped(totals.server_errors)
    ));
    tell(format!(
        "tokens: input {}, output {}, cache read {}, cache write {}",
        rounded(totals.input),
        rounded(totals.output),
        rounded(totals.cache_read),
        rounded(totals.cache_write)
    ));
    tell(minutes(survey, usage));
    out += "\n";
    out += &quota_sheet(&usage.quotas).render(terminal);
    out += "\n";
    out += &id_sheet(usage).render(terminal);
    out + "\n" + &week::render(&usage.activity.week(), terminal)
}

fn minutes(survey: &Survey, usage: &ModelUsage) -> String {
    let (settled, minutes) = (survey.settled(), human::grouped(usage.minutes as f64));
    let mut line = format!("traffic in {minutes} of {}", human::count(settled, "minute"));
    if let Some((minute, calls)) = usage.busiest {
        let _ = write!(line, "; busiest: {}, {} calls", human::minute(minute.start()), exact(calls));
    }
    if usage.totals.unread > 0 {
        line += "; some minutes could not be read: sums may be larger";
    }
    line
}

/// Percentiles of the minutes with traffic, in shares of the limit where there is one.
pub fn quota_sheet(quotas: &[QuotaUsage]) -> Sheet {
    let heads: [Head; 8] = [
        word("QUOTA"),
        word("CODE"),
        number("LIMIT"),
        number("P50"),
        number("P90"),
        number("P99"),
        number("MAX"),
        number("CEILING"),
    ];
    let mut sheet = Sheet::new(heads.to_vec());
    for usage in quotas {
        let QuotaUsage { quota, distribution, ceiling, state, .. } = usage;
        let mut fields = vec![Field::text(quota.key.kind.word())];
        fields.push(Field::text(if quota.key.code.is_empty() { "-" } else { &quota.key.code }));
        match usage.limit() {
            Some(limit) => fields.push(Field::number(Some(limit), exact)),
            // The word of the state is wider than the column of a terminal of 80 has room for.
            None if *state == State::NoSuchQuota.word() => fields.push(Field::text("none")),
            None => fields.push(Field::text(*state)),
        }
        let limit = usage.limit();
        let shown = |value: Option<f64>| match limit {
            Some(limit) => share(value.map(|value| value / limit)),
            None => Field::number(value, rounded),
        };
        let parts: [fn(&Distribution) -> f64; 4] = [|d| d.p50, |d| d.p90, |d| d.p99, |d| d.max];
        fields.extend(parts.map(|part| shown(distribution.as_ref().map(part))));
        fields.push(shown(*ceiling));
        sheet.push(fields);
    }
    sheet
}

/// Who makes the calls.
fn id_sheet(usage: &ModelUsage) -> Sheet {
    let mut sheet = Sheet::new(vec![
        identifier("INVOCATION ID"),
        text("NAME"),
        text("TEAM"),
        number("REQUESTS"),
        number("SHARE"),
        number("THROTTLED"),
    ]);
    for id in &usage.activity.ids {
        let totals = usage.activity.totals_of(id);
        let of_all = totals.attempts() / usage.totals.attempts();
        sheet.push(vec![
            Field::text(&*id.span.id.id),
            Field::text(id.resolution.name.as_deref().unwrap_or("-")),
            Field::text(id.team.as_deref().unwrap_or("-")),
            Field::number(Some(totals.requests), rounded),
            Field::number(Some(of_all).filter(|share| share.is_finite()), percent),
            Field::number(Some(totals.throttles), rounded).toned(refused(totals.throttles)),
        ]);
    }
    sheet
}

/// The heads of the CSV: one row for each invocation id.
pub fn csv_sheet() -> Sheet {
    let words = ["ACCOUNT ID", "REGION", "ENDPOINT", "MODEL", "SCOPE", "INVOCATION ID", "NAME", "TEAM"];
    let numbers = [
        "REQUESTS",
        "THROTTLES",
        "CLIENT ERRORS",
        "SERVER ERRORS",
        "INPUT TOKENS",
        "OUTPUT TOKENS",
        "CACHE READ TOKENS",
        "CACHE WRITE TOKENS",
    ];
    Sheet::new(words.map(word).into_iter().chain(numbers.map(number)).collect())
}

/// Adds a target's ids.
pub fn push_csv(sheet: &mut Sheet, picture: &TargetPicture, models: &[ModelUsage]) {
    for usage in models {
        for id in &usage.activity.ids {
            let totals = usage.activity.totals_of(id);
            let mut fields = vec![
                Field::text(&*picture.target.account_id),
                Field::text(&*picture.target.region),
                Field::text(usage.activity.endpoint.word()),
                Field::text(if usage.activity.is_mapped { &*usage.activity.model } else { "" }),
                Field::text(usage.activity.scope.map_or("", |scope| scope.word())),
                Field::text(&*id.span.id.id),
                Field::text(id.resolution.name.as_deref().unwrap_or("")),
                Field::text(id.team.as_deref().unwrap_or("")),
            ];
            fields.extend(numbers(&totals).map(|(_, value)| Field::number(Some(value), human::grouped)));
            sheet.push(fields);
        }
    }
}

fn numbers(totals: &Totals) -> [(&'static str, f64); 8] {
    [
        ("requests", totals.requests),
        ("throttles", totals.throttles),
        ("client_errors", totals.client_errors),
        ("server_errors", totals.server_errors),
        ("input_tokens", totals.input),
        ("output_tokens", totals.output),
        ("cache_read_tokens", totals.cache_read),
        ("cache_write_tokens", totals.cache_write),
    ]
}

fn totals_json(totals: &Totals) -> Value {
    let sums = numbers(totals).map(|(name, value)| (name.to_string(), envelope::number(Some(value))));
    let mut object: Value = Value::Object(sums.into_iter().collect());
    object["throttle_rate"] = envelope::number(totals.throttle_rate());
    object["unread_minutes"] = Value::from(totals.unread);
    object
}

/// A target's models as JSON.
pub fn json(survey: &Survey, models: &[ModelUsage]) -> Value {
    let mut target = envelope::target(survey.picture);
    let usage = survey.usage();
    target["from"] = usage.map_or(Value::Null, |usage| usage.from.start().to_string().into());
    target["until"] =
        usage.map_or(Value::Null, |usage| usage.minute(survey.settled()).start().to_string().into());
    target["models"] = models.iter().map(model_json).collect();
    target
}

fn model_json(usage: &ModelUsage) -> Value {
    json!({
        "model": if usage.activity.is_mapped { Value::from(&*usage.activity.model) } else { Value::Null },
        "endpoint": usage.activity.endpoint.word(),
        "scope": usage.activity.scope.map(|scope| scope.word()),
        "totals": totals_json(&usage.totals),
        "minutes_with_traffic": usage.minutes,
        "busiest_minute": usage.busiest.map(|(minute, calls)| json!({
            "at": minute.start().to_string(),
            "calls": envelope::number(Some(calls)),
        })),
        "quotas": usage.quotas.iter().map(quota_json).collect::<Vec<_>>(),
        "ids": usage.activity.ids.iter().map(|id| id_json(usage, id)).collect::<Vec<_>>(),
        "week": week::json(&usage.activity.week()),
    })
}

pub(super) fn quota_json(usage: &QuotaUsage) -> Value {
    let QuotaUsage { quota, distribution, ceiling, state } = usage;
    json!({
        "quota": quota.key.kind.word(),
        "code": if quota.key.code.is_empty() { None } else { Some(&*quota.key.code) },
        "state": state,
        "limit": envelope::number(quota.limit),
        "minutes": distribution.map(|d| d.minutes),
        "p50": envelope::number(distribution.map(|d| d.p50)),
        "p90": envelope::number(distribution.map(|d| d.p90)),
        "p99": envelope::number(distribution.map(|d| d.p99)),
        "max": envelope::number(distribution.map(|d| d.max)),
        "busiest_minute": distribution.map(|d| d.busiest.start().to_string()),
        "ceiling": envelope::number(*ceiling),
    })
}

fn id_json(usage: &ModelUsage, id: &SurveyedId) -> Value {
    json!({
        "id": &*id.span.id.id,
        "type": id.resolution.id_type.word(),
        "name": id.resolution.name,
        "team": id.team,
        "unmapped": id.resolution.unmapped.map(|reason| reason.word()),
        "totals": totals_json(&usage.activity.totals_of(id)),
    })
}
