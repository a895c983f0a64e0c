//! `quotas`: what an account may use, by model family, and how much of it was used.

pub mod diff;
mod family;

pub use family::family;

use super::human;
use super::sheet::{Field, Row, Sheet, Tone, number, text, word};
use crate::model::ids::{QuotaKind, Scope, State};
use crate::model::matching::ModelQuota;
use crate::model::quota::ServiceQuota;
use crate::picture::TargetPicture;
use crate::picture::survey::Survey;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which quotas are shown. What is `None` or `false` lets all through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub model: Option<String>,
    pub scope: Option<Scope>,
    pub kind: Option<QuotaKind>,
    pub state: Option<State>,
    pub below_default: bool,
    pub unused: bool,
    pub text: Option<String>,
}

/// One row of Service Quotas, with what is known of it.
pub struct QuotaRow<'a> {
    pub family: &'static str,
    pub quota: &'a ServiceQuota,
    /// What it limits, where it is a model's.
    pub model: Option<Arc<ModelQuota>>,
    pub state: State,
    /// The most that was spent in a minute of the span (day quotas: in a day); `None`: not known.
    pub peak: Option<f64>,
}

impl QuotaRow<'_> {
    /// Peak over limit.
    pub fn share(&self) -> Option<f64> {
        let limit = self.quota.limit().filter(|limit| *limit > 0.0)?;
        self.peak.map(|peak| peak / limit)
    }

    pub fn is_below_default(&self) -> bool {
        self.quota.limit().zip(self.quota.default).is_some_and(|(limit, default)| limit < default)
    }
}

/// The rows of a target that a filter lets through, by family and name.
pub fn rows<'a>(survey: &Survey<'a>, filter: &Filter) -> Vec<QuotaRow<'a>> {
    let models: BTreeMap<&str, &Arc<ModelQuota>> =
        survey.quotas.iter().map(|quota| (&*quota.key.code, quota)).collect();
    let quotas = survey.picture.quotas.iter().flat_map(|list| &list.quotas);
    let mut rows: Vec<QuotaRow> = quotas
        .map(|quota| (&**quota, models.get(quota.code.as_str()).copied()))
        .filter(|(quota, model)| filter.lets_list(quota, *model))
        .map(|(quota, model)| row(survey, quota, model))
        .filter(|row| filter.lets_known(row))
        .collect();
    rows.sort_by(|a, b| {
        (a.family, &a.quota.name, &a.quota.code).cmp(&(b.family, &b.quota.name, &b.quota.code))
    });
    // What no model has comes last.
    rows.sort_by_key(|row| row.family == family::GENERAL);
    rows
}

fn row<'a>(survey: &Survey<'a>, quota: &'a ServiceQuota, model: Option<&Arc<ModelQuota>>) -> QuotaRow<'a> {
    QuotaRow {
        family: family(&quota.name),
        quota,
        model: model.cloned(),
        state: model.map_or_else(|| listed_state(quota), |model| survey.state(model)),
        peak: model.and_then(|model| survey.peak(&model.key)),
    }
}

/// The state of a row that is no model's.
fn listed_state(quota: &ServiceQuota) -> State {
    match quota.applied {
        _ if quota.error.is_some() => State::Error,
        _ if !quota.listed => State::NotListed,
        Some(0.0) => State::Zero,
        None => State::Unknown,
        Some(_) => State::Ok,
    }
}

impl Filter {
    /// By the lists alone, so that the usage of others need not be added up.
    fn lets_list(&self, quota: &ServiceQuota, model: Option<&Arc<ModelQuota>>) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        let of_model =
            |part: &String| has(&quota.name, part) || model.is_some_and(|model| has(&model.key.model, part));
        let key = model.map(|model| &model.key);
        self.model.as_ref().is_none_or(of_model)
            && self.scope.is_none_or(|scope| key.is_some_and(|key| key.scope == scope))
            && self.kind.is_none_or(|kind| key.is_some_and(|key| key.kind == kind))
            && self.text.as_ref().is_none_or(|part| has(&quota.name, part) || has(&quota.code, part))
    }

    fn lets_known(&self, row: &QuotaRow) -> bool {
        self.state.is_none_or(|state| row.state == state)
            && (!self.below_default || row.is_below_default())
            && (!self.unused || row.peak == Some(0.0))
    }
}

/// The rows of one target for a terminal.
pub fn sheet(rows: &[QuotaRow]) -> Sheet {
    let mut sheet = Sheet::new(vec![
        text("QUOTA"),
        word("CODE"),
        number("LIMIT"),
        number("DEFAULT"),
        word("ADJ"),
        word("STATE"),
        number("PEAK"),
    ]);
    let mut family = "";
    for row in rows {
        if row.family != family {
            family = row.family;
            sheet.group(family);
        }
        sheet.push(fields(row));
    }
    sheet
}

fn fields(row: &QuotaRow) -> Vec<Field> {
    let quota = row.quota;
    let adjustable = quota.adjustable.map_or("-", |adjustable| if adjustable { "yes" } else { "no" });
    let limit = Field::number(quota.limit(), human::exact);
    vec![
        Field::text(&quota.name),
        Field::text(&quota.code),
        if row.is_below_default() { limit.toned(Tone::Warn) } else { limit },
        Field::number(quota.default, human::exact),
        Field::text(adjustable),
        Field::text(row.state.word()).toned(tone(row.state)),
        peak(row),
    ]
}

/// As a share of the limit, where there is one.
fn peak(row: &QuotaRow) -> Field {
    match (row.share(), row.peak) {
        (Some(share), _) => Field::number(Some(share), human::percent).toned(tone_of(share)),
        (None, peak) => Field::number(peak, human::rounded),
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Plain,
        State::Zero | State::Error => Tone::Bad,
        State::Unknown => Tone::Warn,
        State::NoSuchQuota | State::NotListed | State::Unmeasurable => Tone::Faint,
    }
}

/// How a share of a limit stands out.
pub(super) fn tone_of(share: f64) -> Tone {
    match share {
        share if share >= 0.9 => Tone::Bad,
        share if share >= 0.7 => Tone::Warn,
        0.0 => Tone::Faint,
        _ => Tone::Plain,
    }
}

/// The rows of several targets for a program.
pub fn csv_sheet() -> Sheet {
    let words = ["ACCOUNT ID", "REGION", "FAMILY", "CODE", "NAME", "MODEL", "SCOPE", "QUOTA"];
    let numbers = ["LIMIT", "DEFAULT"].map(number);
    let more = [word("ADJUSTABLE"), word("STATE"), number("PEAK")];
    Sheet::new(words.map(word).into_iter().chain(numbers).chain(more).collect())
}

/// Adds a target's rows.
pub fn push_csv(sheet: &mut Sheet, picture: &TargetPicture, rows: &[QuotaRow]) {
    for row in rows {
        let key = row.model.as_ref().map(|model| &model.key);
        let quota = row.quota;
        let plain = human::grouped;
        sheet.rows.push(Row::Fields(vec![
            Field::text(&*picture.target.account_id),
            Field::text(&*picture.target.region),
            Field::text(row.family),
            Field::text(&quota.code),
            Field::text(&quota.name),
            Field::text(key.map_or("", |key| &key.model)),
            Field::text(key.map_or("", |key| key.scope.word())),
            Field::text(key.map_or("", |key| key.kind.word())),
            Field::number(quota.limit(), plain),
            Field::number(quota.default, plain),
            Field::text(quota.adjustable.map_or("", |adjustable| if adjustable { "true" } else { "false" })),
            Field::text(row.state.word()),
            Field::number(row.peak, plain),
        ]));
    }
}

/// The rows of one target as JSON.
pub fn json(picture: &TargetPicture, rows: &[QuotaRow]) -> Value {
    let row = |row: &QuotaRow| {
        let key = row.model.as_ref().map(|model| &model.key);
        json!({
            "code": row.quota.code,
            "name": row.quota.name,
            "family": row.family,
            "model": key.map(|key| &*key.model),
            "endpoint": key.map(|key| key.endpoint.word()),
            "scope": key.map(|key| key.scope.word()),
            "variant": key.map(|key| key.variant.word()),
            "quota": key.map(|key| key.kind.word()),
            "limit": super::envelope::number(row.quota.limit()),
            "default": super::envelope::number(row.quota.default),
            "adjustable": row.quota.adjustable,
            "state": row.state.word(),
            "error": row.quota.error,
            "peak": super::envelope::number(row.peak),
        })
    };
    let mut target = super::envelope::target(picture);
    target["quotas"] = rows.iter().map(row).collect();
    target
}
