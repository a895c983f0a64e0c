//! `quotas --diff`: two accounts, regions or snapshots, by quota code.

use crate::model::quota::{QuotaList, ServiceQuota};
use crate::picture::TargetPicture;
use crate::report::human;
use crate::report::sheet::{Field, Sheet, Tone, number, text, word};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;

/// What a list says of one quota code. Absent, 0, default and unknown are four different things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Held {
    /// The list was read, and has no such row.
    Absent,
    /// The applied value, 0 included.
    Applied(f64),
    /// Only AWS's default is listed: there is no applied value.
    Default(f64),
    /// There is a row, but no value to be trusted; or the list could not be read.
    Unknown,
}

impl Held {
    fn of(list: Option<&QuotaList>, code: &str) -> Held {
        let Some(list) = list else { return Held::Unknown };
        let found = list.quotas.binary_search_by(|quota| quota.code.as_str().cmp(code));
        let Ok(at) = found else { return Held::Absent };
        let ServiceQuota { listed, default, .. } = &*list.quotas[at];
        match (list.quotas[at].limit(), listed, default) {
            (Some(value), ..) => Held::Applied(value),
            (None, false, Some(default)) => Held::Default(*default),
            (None, ..) => Held::Unknown,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Held::Absent => "absent",
            Held::Applied(_) => "applied",
            Held::Default(_) => "default",
            Held::Unknown => "unknown",
        }
    }

    fn value(self) -> Option<f64> {
        match self {
            Held::Applied(value) | Held::Default(value) => Some(value),
            Held::Absent | Held::Unknown => None,
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Applied(value) => f.write_str(&human::exact(*value)),
            Held::Default(value) => write!(f, "{} (default)", human::exact(*value)),
            other => f.write_str(other.word()),
        }
    }
}

/// One quota code on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub code: String,
    pub name: String,
    pub a: Held,
    pub b: Held,
}

/// The codes of either side; `all`: also where both say the same.
pub fn differences(a: &TargetPicture, b: &TargetPicture, all: bool) -> Vec<Difference> {
    let (a, b) = (a.quotas.as_ref(), b.quotas.as_ref());
    let rows = || a.iter().chain(&b).flat_map(|list| &list.quotas);
    let codes: BTreeSet<&str> = rows().map(|row| row.code.as_str()).collect();
    let difference = |code: &str| {
        let (held_a, held_b) = (Held::of(a, code), Held::of(b, code));
        let name = rows().find(|row| row.code == code).map(|row| row.name.clone()).unwrap_or_default();
        Difference { code: code.to_string(), name, a: held_a, b: held_b }
    };
    let mut all_codes: Vec<Difference> =
        codes.into_iter().map(difference).filter(|difference| all || difference.a != difference.b).collect();
    all_codes.sort_by(|a, b| a.name.cmp(&b.name));
    all_codes
}

/// For a terminal, and for CSV.
pub fn sheet(differences: &[Difference]) -> Sheet {
    let mut sheet = Sheet::new(vec![text("QUOTA"), word("CODE"), number("A"), number("B"), number("B OF A")]);
    for Difference { code, name, a, b } in differences {
        let times = a.value().zip(b.value()).filter(|(a, _)| *a > 0.0).map(|(a, b)| b / a);
        let tone = match times {
            Some(times) if times < 1.0 => Tone::Warn,
            _ => Tone::Plain,
        };
        sheet.push(vec![
            Field::text(name),
            Field::text(code),
            Field::text(a.to_string()),
            Field::text(b.to_string()),
            Field::number(times, human::percent).toned(tone),
        ]);
    }
    sheet
}

/// For a program.
pub fn json(a: &TargetPicture, b: &TargetPicture, differences: &[Difference]) -> Value {
    use super::super::envelope;
    let held = |held: Held| json!({"state": held.word(), "value": envelope::number(held.value())});
    let difference = |difference: &Difference| {
        json!({
            "code": difference.code,
            "name": difference.name,
            "a": held(difference.a),
            "b": held(difference.b),
        })
    };
    json!({
        "a": envelope::target(a),
        "b": envelope::target(b),
        "quotas": differences.iter().map(difference).collect::<Vec<_>>(),
    })
}
