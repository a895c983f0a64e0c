//! `explain`: which quotas an invocation id spends, or why none is known.

use super::safe::printable;
use super::sheet::{stacked, wrapped};
use crate::model::catalog::Catalog;
use crate::model::ids::{Method, QuotaKind, Scope, State};
use crate::model::matching::{IdType, Index, Resolution, Rules, Unmapped};
use crate::model::usage::InvocationId;
use crate::offline::{self, File};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Text below an id stands a little to the right.
const INDENT: usize = 2;

/// The quantities that are always reported, matched or not.
const KINDS: [QuotaKind; 5] = [
    QuotaKind::RequestsPerMinute,
    QuotaKind::TokensPerMinute,
    QuotaKind::TokensPerDay,
    QuotaKind::InputTokensPerMinute,
    QuotaKind::OutputTokensPerMinute,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table(Shape),
    Json,
}

/// How the table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Of the terminal, in columns.
    pub width: usize,
    /// Also quantities that calls of such an id cannot spend.
    pub all: bool,
}

/// The files of an offline reading, as the AWS CLI prints them. A list without a file counts as not read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExplainInputs<'a> {
    pub quotas: Option<File<'a>>,
    pub defaults: Option<File<'a>>,
    pub models: Option<File<'a>>,
    pub profiles: Option<File<'a>>,
    pub deployments: Option<File<'a>>,
    /// Which of a row's values by region to take.
    pub region: Option<&'a str>,
}

/// Explains `ids` from files alone.
///
/// # Errors
/// One message for the first file that is not what it should be.
pub fn run(inputs: &ExplainInputs, rules: &Rules, ids: &[String], format: Format) -> Result<String, String> {
    let index = index(inputs, rules)?;
    Ok(match format {
        Format::Table(shape) => table(&index, ids, shape),
        Format::Json => json(&index, ids),
    })
}

/// Joins the lists of `inputs`.
///
/// # Errors
/// One message for the first file that is not what it should be.
pub fn index(inputs: &ExplainInputs, rules: &Rules) -> Result<Index, String> {
    let quotas = offline::quotas(inputs.quotas, inputs.defaults, inputs.region)?;
    let catalog = Catalog {
        models: inputs.models.map(offline::models).transpose()?,
        profiles: inputs.profiles.map(|file| offline::profiles(file, inputs.region)).transpose()?,
        deployments: inputs.deployments.map(offline::deployments).transpose()?,
        ..Catalog::default()
    };
    Ok(Index::new(&quotas, &catalog, rules))
}

/// An array of objects, one per id, in the order of `ids`.
pub fn json(index: &Index, ids: &[String]) -> String {
    let explained: Vec<Explanation> = ids.iter().map(|id| Explanation::new(index, id)).collect();
    let text =
        serde_json::to_string_pretty(&explained).expect("keys are strings, and writing to memory works");
    text + "\n"
}

/// One block per id, one row per quantity, and its reason below it.
pub fn table(index: &Index, ids: &[String], shape: Shape) -> String {
    let blocks: Vec<String> = ids.iter().map(|id| Explanation::new(index, id).block(shape)).collect();
    blocks.join("\n")
}

/// What is known of an id: the value that both forms show.
#[derive(Serialize)]
struct Explanation<'a> {
    id: &'a str,
    model: Option<String>,
    scope: Option<&'static str>,
    #[serde(rename = "type")]
    id_type: &'static str,
    confidence: &'static str,
    /// The name of a profile, deployment or provisioned throughput.
    name: Option<String>,
    /// Why no quota could be found for it.
    unmapped: Option<&'static str>,
    /// The quantities of [`KINDS`], and whatever else calls of the id spend.
    quotas: BTreeMap<&'static str, Quantity>,
    /// The words of `quotas`, in the order of the table.
    #[serde(skip)]
    order: Vec<&'static str>,
}

/// What calls of the id spend of one quantity.
#[derive(Serialize)]
struct Quantity {
    code: Option<String>,
    /// The name of the row.
    name: Option<String>,
    #[serde(serialize_with = "whole_or_float")]
    limit: Option<f64>,
    #[serde(serialize_with = "whole_or_float")]
    default: Option<f64>,
    state: &'static str,
    method: Option<&'static str>,
    /// Why it is this row, or none.
    reason: String,
    /// Whether calls of such an id could spend it at all.
    #[serde(skip)]
    applies: bool,
}

impl<'a> Explanation<'a> {
    /// Everything the id can be charged to, at either endpoint.
    fn new(index: &Index, id: &'a str) -> Explanation<'a> {
        let resolution = index.resolve(&InvocationId::runtime(id));
        let mut charges = resolution.charges.clone();
        if resolution.id_type == IdType::Base && resolution.scope == Some(Scope::OnDemand) {
            charges.extend(index.resolve(&InvocationId::mantle(id)).charges);
        }
        let (mut quotas, mut order) = (BTreeMap::new(), Vec::new());
        for charge in charges {
            let row = charge.quota.as_ref().and_then(|key| index.describe(key));
            let row = row.as_deref();
            let quantity = Quantity {
                code: row.map(|row| row.key.code.to_string()),
                name: row.map(|row| row.name.clone()),
                limit: row.and_then(|row| row.limit),
                default: row.and_then(|row| row.default),
                state: charge.state.word(),
                method: charge.method.map(Method::word),
                reason: charge.reason,
                applies: true,
            };
            order.push(charge.kind);
            quotas.entry(charge.kind.word()).or_insert(quantity);
        }
        for kind in KINDS {
            quotas.entry(kind.word()).or_insert_with(|| absent(&resolution, kind));
        }
        let others = order.into_iter().filter(|kind| !KINDS.contains(kind));
        let order = KINDS.into_iter().chain(others).map(QuotaKind::word).collect();
        let Resolution { id_type, model, scope, confidence, name, unmapped, .. } = resolution;
        Explanation {
            id,
            model: model.map(|model| model.to_string()),
            scope: scope.map(Scope::word),
            id_type: id_type.word(),
            confidence: confidence.word(),
            name,
            unmapped: unmapped.map(Unmapped::word),
            quotas,
            order,
        }
    }

    fn block(&self, shape: Shape) -> String {
        let quantities = self.order.iter().map(|kind| (*kind, &self.quotas[kind]));
        let shown: Vec<(&str, &Quantity)> =
            quantities.filter(|(_, quantity)| shape.all || quantity.applies).collect();
        let rows: Vec<[String; 5]> = shown.iter().map(|(kind, quantity)| quantity.cells(kind)).collect();
        let head = ["QUOTA", "CODE", "LIMIT", "DEFAULT", "STATE"].map(String::from);
        let width = |column: usize| [&head].into_iter().chain(&rows).map(|row| row[column].len()).max();
        let line = |cells: &[String; 5]| {
            let padded =
                cells.iter().enumerate().map(|(at, cell)| format!("  {cell:0$}", width(at).unwrap_or(0)));
            format!("{}\n", padded.collect::<String>().trim_end())
        };
        let mut text = self.title(shape.width);
        if let Some(hidden) = self.order.iter().map(|kind| &self.quotas[kind]).find(|_| shown.is_empty()) {
            return text + &wrapped(&hidden.reason, shape.width, INDENT);
        }
        let fits =
            [&head].into_iter().chain(&rows).all(|row| line(row).trim_end().chars().count() <= shape.width);
        if fits {
            text += &line(&head);
        }
        for (row, (_, quantity)) in rows.iter().zip(&shown) {
            let fields = head.iter().zip(row).map(|(name, cell)| (&**name, &**cell));
            text += &if fits { line(row) } else { stacked(fields, shape.width, INDENT) };
            text += &wrapped(&quantity.why(), shape.width, 3 * INDENT);
        }
        text
    }

    /// The id, and below it what it means.
    fn title(&self, width: usize) -> String {
        let Explanation { id, id_type, confidence, .. } = self;
        let scope = self.scope.unwrap_or("unknown");
        let model = self.model.as_deref().unwrap_or("unknown");
        let mut text = format!("model {model}, scope {scope}, type {id_type}, confidence {confidence}");
        if let Some(name) = &self.name {
            let _ = write!(text, ", name {name}");
        }
        if let Some(unmapped) = self.unmapped {
            let _ = write!(text, ", unmapped: {unmapped}");
        }
        format!("{}\n{}", printable(id), wrapped(&text, width, INDENT))
    }
}

impl Quantity {
    /// The cells of its row of the table.
    fn cells(&self, kind: &str) -> [String; 5] {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |value| value.to_string());
        let code = self.code.as_deref().unwrap_or("-").to_string();
        [kind.to_string(), code, number(self.limit), number(self.default), self.state.to_string()]
    }

    /// The row's name, and why it is this one, or none.
    fn why(&self) -> String {
        match (&self.name, self.method) {
            (Some(name), Some(method)) => format!("“{name}”, by {method}: {}", self.reason),
            _ => self.reason.clone(),
        }
    }
}

/// A quantity that the calls of an id do not spend, with the reason.
fn absent(resolution: &Resolution, kind: QuotaKind) -> Quantity {
    let (state, reason) = match (resolution.id_type, kind) {
        (IdType::Imported, _) => (State::NoSuchQuota, "no quota counts the calls of imported models"),
        (IdType::Provisioned, _) => (State::NoSuchQuota, "provisioned throughput spends model units only"),
        _ if resolution.model.is_none() => (State::Unknown, "its model is unknown"),
        (_, QuotaKind::InputTokensPerMinute | QuotaKind::OutputTokensPerMinute) => {
            (State::NoSuchQuota, "limited at the bedrock-mantle endpoint only, which takes base model ids")
        }
        _ => (State::NoSuchQuota, "ids with a context length spend model units only"),
    };
    Quantity {
        code: None,
        name: None,
        limit: None,
        default: None,
        state: state.word(),
        method: None,
        reason: reason.to_string(),
        applies: state != State::NoSuchQuota,
    }
}

/// Limits are whole numbers in almost every row; 2000 reads better than 2000.0.
fn whole_or_float<S: Serializer>(value: &Option<f64>, out: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => out.serialize_i64(*value as i64),
        Some(value) if value.is_finite() => out.serialize_f64(*value),
        _ => out.serialize_none(),
    }
}
