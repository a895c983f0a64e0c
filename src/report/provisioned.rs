//! `provisioned`: what was bought, until when, and how much of it is used.

use super::envelope::{self, number as json_number};
use super::human::{self, exact, percent, rounded};
use super::sheet::{Field, Sheet, Tone, identifier, number, text, word};
use crate::model::arn::Arn;
use crate::model::catalog::ProvisionedThroughput;
use crate::model::usage::Metric;
use crate::picture::activity::Totals;
use crate::picture::distribution::Distribution;
use crate::picture::survey::{Survey, SurveyedId};
use serde_json::{Value, json};

/// What AWS's API can do with it, and what it cannot.
pub const NOTES: &str = "\
    CALLS/MIN and TOKENS/MIN are those of one unit, in nine of ten minutes with calls at most. Units cannot be changed \
    once they are bought: UpdateProvisionedModelThroughput changes the name, or the model among those made from the same \
    base. More units are another purchase; the update_provisioned_throughput of bedrock-runtime that tutorials call does \
    not exist. No API tells what a unit costs or how much it serves: the use per unit is measured.";

/// One purchase with its use.
pub struct Purchase<'a> {
    pub throughput: &'a ProvisionedThroughput,
    pub totals: Totals,
    /// Calls of a minute.
    pub requests: Option<Distribution>,
    /// Input and output tokens of a minute.
    pub tokens: Option<Distribution>,
}

impl Purchase<'_> {
    /// The base model's id.
    pub fn model(&self) -> &str {
        let arn = &self.throughput.foundation_model_arn;
        Arn::parse(arn).map_or(arn, |arn| arn.id())
    }

    fn per_unit(&self, of: &Option<Distribution>, part: fn(&Distribution) -> f64) -> Option<f64> {
        let units = Some(self.throughput.model_units).filter(|units| *units > 0.0)?;
        Some(part(of.as_ref()?) / units)
    }
}

/// Every purchase of a target; `None` where the list was not read.
pub fn purchases<'a>(survey: &'a Survey<'a>) -> Option<Vec<Purchase<'a>>> {
    let listed = survey.picture.catalog.as_ref()?.provisioned.as_ref()?;
    Some(listed.iter().map(|throughput| purchase(survey, throughput)).collect())
}

fn purchase<'a>(survey: &'a Survey<'a>, throughput: &'a ProvisionedThroughput) -> Purchase<'a> {
    // CloudWatch may call it by its ARN or by the last part of it.
    let is_its = |id: &&SurveyedId| [&*throughput.arn, throughput.id()].contains(&&*id.span.id.id);
    let ids: Vec<&SurveyedId> = survey.ids.iter().filter(is_its).collect();
    let len = survey.usage().map_or(0, |usage| usage.len());
    let mut totals = Totals::default();
    ids.iter().for_each(|id| totals.add(&Totals::of(id.span, len, survey.settled())));
    Purchase {
        throughput,
        totals,
        requests: busy_minutes(survey, &ids, &[Metric::Invocations]),
        tokens: busy_minutes(survey, &ids, &[Metric::InputTokens, Metric::OutputTokens]),
    }
}

/// The sums of some metrics in the settled minutes in which there were any.
fn busy_minutes(survey: &Survey, ids: &[&SurveyedId], metrics: &[Metric]) -> Option<Distribution> {
    let usage = survey.usage()?;
    let mut sums = vec![0.0; usage.len()];
    for (id, metric) in ids.iter().flat_map(|id| metrics.iter().map(move |metric| (id, *metric))) {
        for (sum, value) in sums.iter_mut().zip(id.span.sums(metric, usage.len())) {
            *sum += value.unwrap_or(f64::NAN);
        }
    }
    let settled = sums.into_iter().enumerate().take(survey.settled());
    Distribution::of(settled.filter(|(_, sum)| *sum > 0.0).map(|(at, sum)| (usage.minute(at), sum)))
}

/// The purchases of one target for a terminal.
pub fn sheet(purchases: &[Purchase]) -> Sheet {
    let mut sheet = Sheet::new(vec![
        identifier("NAME"),
        identifier("MODEL"),
        word("UNITS"),
        word("STATUS"),
        text("COMMITMENT"),
        number("CALLS"),
        number("REFUSED"),
        number("CALLS/MIN"),
        number("TOKENS/MIN"),
    ]);
    for purchase in purchases {
        let ProvisionedThroughput { name, model_units, desired_model_units, status, .. } =
            purchase.throughput;
        let units = if model_units == desired_model_units {
            exact(*model_units)
        } else {
            format!("{} → {}", exact(*model_units), exact(*desired_model_units))
        };
        let tone = if status == "InService" { Tone::Plain } else { Tone::Warn };
        let refused = if purchase.totals.throttles > 0.0 { Tone::Bad } else { Tone::Faint };
        sheet.push(vec![
            Field::text(name),
            Field::text(purchase.model()),
            Field::text(units),
            Field::text(status).toned(tone),
            Field::text(commitment(purchase.throughput)),
            Field::number(Some(purchase.totals.requests), rounded),
            Field::number(purchase.totals.throttle_rate(), percent).toned(refused),
            Field::number(purchase.per_unit(&purchase.requests, |d| d.p90), rounded),
            Field::number(purchase.per_unit(&purchase.tokens, |d| d.p90), rounded),
        ]);
    }
    sheet
}

/// For how long, and until when.
fn commitment(throughput: &ProvisionedThroughput) -> String {
    match (&throughput.commitment, throughput.commitment_expires) {
        (None, _) => "none: billed by the hour".to_string(),
        (Some(length), Some(end)) => format!("{length} until {}", human::date(end)),
        (Some(length), None) => length.clone(),
    }
}

/// The heads of the CSV.
pub fn csv_sheet() -> Sheet {
    let words =
        ["ACCOUNT ID", "REGION", "NAME", "ARN", "MODEL", "STATUS", "COMMITMENT", "COMMITMENT EXPIRES"];
    let numbers = [
        "MODEL UNITS",
        "DESIRED MODEL UNITS",
        "REQUESTS",
        "THROTTLES",
        "REQUESTS PER MINUTE AND UNIT P90",
        "TOKENS PER MINUTE AND UNIT P90",
    ];
    Sheet::new(words.map(word).into_iter().chain(numbers.map(number)).collect())
}

/// Adds a target's purchases.
pub fn push_csv(sheet: &mut Sheet, survey: &Survey, purchases: &[Purchase]) {
    let plain = |value: Option<f64>| Field::number(value, human::grouped);
    for purchase in purchases {
        let throughput = purchase.throughput;
        let expires = throughput.commitment_expires.map_or(String::new(), |end| end.to_string());
        sheet.push(vec![
            Field::text(&*survey.picture.target.account_id),
            Field::text(&*survey.picture.target.region),
            Field::text(&throughput.name),
            Field::text(&throughput.arn),
            Field::text(purchase.model()),
            Field::text(&throughput.status),
            Field::text(throughput.commitment.as_deref().unwrap_or("")),
            Field::text(expires),
            plain(Some(throughput.model_units)),
            plain(Some(throughput.desired_model_units)),
            plain(Some(purchase.totals.requests)),
            plain(Some(purchase.totals.throttles)),
            plain(purchase.per_unit(&purchase.requests, |d| d.p90)),
            plain(purchase.per_unit(&purchase.tokens, |d| d.p90)),
        ]);
    }
}

/// A target's purchases as JSON; `null`: not read.
pub fn json(survey: &Survey, purchases: Option<&[Purchase]>) -> Value {
    let mut target = envelope::target(survey.picture);
    target["provisioned"] = purchases.map(|all| all.iter().map(purchase_json).collect::<Vec<_>>()).into();
    target
}

/// One purchase as JSON.
pub fn purchase_json(purchase: &Purchase) -> Value {
    let throughput = purchase.throughput;
    let per_unit = |of: &Option<Distribution>| {
        of.as_ref().map(|_| {
            json!({
                "p50": json_number(purchase.per_unit(of, |d| d.p50)),
                "p90": json_number(purchase.per_unit(of, |d| d.p90)),
                "max": json_number(purchase.per_unit(of, |d| d.max)),
            })
        })
    };
    json!({
        "name": throughput.name,
        "arn": throughput.arn,
        "model": purchase.model(),
        "model_units": json_number(Some(throughput.model_units)),
        "desired_model_units": json_number(Some(throughput.desired_model_units)),
        "status": throughput.status,
        "commitment": throughput.commitment,
        "commitment_expires": throughput.commitment_expires.map(|end| end.to_string()),
        "requests": json_number(Some(purchase.totals.requests)),
        "throttles": json_number(Some(purchase.totals.throttles)),
        "requests_per_minute_and_unit": per_unit(&purchase.requests),
        "tokens_per_minute_and_unit": per_unit(&purchase.tokens),
    })
}
