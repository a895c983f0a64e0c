//! `explain`: which quotas an invocation id spends, or why none is known.

use crate::model::catalog::Catalog;
use crate::model::ids::{QuotaKind, Scope, State};
use crate::model::matching::{Charge, IdType, Index, ModelQuota, Resolution, Rules};
use crate::model::usage::InvocationId;
use crate::offline::{self, File};
use serde_json::{Map, Number, Value, json};
use std::fmt::Write;
use std::sync::Arc;

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
    Table,
    Json,
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
        Format::Table => table(&index, ids),
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
    let object = |id: &String| {
        let explained = Explained::new(index, id);
        let quotas: Map<String, Value> =
            KINDS.iter().map(|kind| (kind.word().to_string(), explained.quota_json(*kind))).collect();
        let Resolution { model, scope, .. } = &explained.resolution;
        json!({
            "id": id,
            "model": model.as_deref(),
            "scope": scope.map(|s| s.word()),
            "quotas": quotas,
        })
    };
    let objects: Vec<Value> = ids.iter().map(object).collect();
    format!("{:#}\n", Value::Array(objects))
}

/// One block per id, one row per quantity.
pub fn table(index: &Index, ids: &[String]) -> String {
    let blocks: Vec<String> = ids.iter().map(|id| Explained::new(index, id).block()).collect();
    blocks.join("\n")
}

/// An id with everything it can be charged to, at either endpoint.
struct Explained<'a> {
    id: &'a str,
    resolution: Resolution,
    charges: Vec<(Charge, Option<Arc<ModelQuota>>)>,
}

impl<'a> Explained<'a> {
    fn new(index: &Index, id: &'a str) -> Explained<'a> {
        let resolution = index.resolve(&InvocationId::runtime(id));
        let mut charges = resolution.charges.clone();
        if resolution.id_type == IdType::Base && resolution.scope == Some(Scope::OnDemand) {
            charges.extend(index.resolve(&InvocationId::mantle(id)).charges);
        }
        let described = |charge: Charge| {
            let quota = charge.quota.as_ref().and_then(|key| index.describe(key));
            (charge, quota)
        };
        Explained { id, charges: charges.into_iter().map(described).collect(), resolution }
    }

    fn charge(&self, kind: QuotaKind) -> Option<&(Charge, Option<Arc<ModelQuota>>)> {
        self.charges.iter().find(|(charge, _)| charge.kind == kind)
    }

    /// State and reason of a quantity that the calls of this id do not spend.
    fn absent(&self, kind: QuotaKind) -> (State, &'static str) {
        match (self.resolution.id_type, kind) {
            (IdType::Imported, _) => (State::NoSuchQuota, "no quota counts the calls of imported models"),
            (IdType::Provisioned, _) => {
                (State::NoSuchQuota, "provisioned throughput spends model units only")
            }
            _ if self.resolution.model.is_none() => (State::Unknown, "its model is unknown"),
            (_, QuotaKind::InputTokensPerMinute | QuotaKind::OutputTokensPerMinute) => (
                State::NoSuchQuota,
                "limited at the bedrock-mantle endpoint only, which takes base model ids",
            ),
            _ => (State::NoSuchQuota, "ids with a context length spend model units only"),
        }
    }

    fn quota_json(&self, kind: QuotaKind) -> Value {
        let (charge, quota) = match self.charge(kind) {
            Some((charge, quota)) => (Some(charge), quota.as_ref()),
            None => (None, None),
        };
        let absent = self.absent(kind);
        json!({
            "code": quota.map(|q| &*q.key.code),
            "name": quota.map(|q| &*q.name),
            "limit": quota.and_then(|q| q.limit).and_then(whole_or_float),
            "default": quota.and_then(|q| q.default).and_then(whole_or_float),
            "state": charge.map_or(absent.0, |c| c.state).word(),
            "method": charge.and_then(|c| c.method).map(|m| m.word()),
            "reason": charge.map_or(absent.1, |c| &c.reason),
        })
    }

    fn block(&self) -> String {
        let Resolution { model, scope, id_type, confidence, name, unmapped, .. } = &self.resolution;
        let mut text = format!("{}\n", self.id);
        let scope = scope.map_or("unknown", |s| s.word());
        let model = model.as_deref().unwrap_or("unknown");
        let _ = write!(text, "  model {model}, scope {scope}, type {id_type}, confidence {confidence}");
        if let Some(name) = name {
            let _ = write!(text, ", name {name}");
        }
        if let Some(unmapped) = unmapped {
            let _ = write!(text, ", unmapped: {unmapped}");
        }
        text.push('\n');
        let (kinds, head) = (self.kinds(), ["QUOTA", "CODE", "LIMIT", "DEFAULT", "STATE", "MATCH"]);
        let cells: Vec<[String; 6]> = kinds.iter().map(|kind| self.cells(*kind)).collect();
        let width = |i: usize| cells.iter().map(|row| row[i].len()).max().unwrap_or(0).max(head[i].len());
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let mut line = |cells: [&str; 6], last: &str| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let padded: Vec<String> = padded.collect();
            let _ = writeln!(text, "  {}  {last}", padded.join("  "));
        };
        line(head, "REASON");
        for (kind, row) in kinds.iter().zip(&cells) {
            line(row.each_ref().map(String::as_str), &self.why(*kind));
        }
        text
    }

    /// The five, and whatever else was found.
    fn kinds(&self) -> Vec<QuotaKind> {
        let others = self.charges.iter().map(|(charge, _)| charge.kind).filter(|kind| !KINDS.contains(kind));
        KINDS.into_iter().chain(others).collect()
    }

    fn cells(&self, kind: QuotaKind) -> [String; 6] {
        let (charge, quota) = match self.charge(kind) {
            Some((charge, quota)) => (Some(charge), quota.as_ref()),
            None => (None, None),
        };
        let dash = || "-".to_string();
        let number = |value: Option<f64>| value.map_or_else(dash, |v| v.to_string());
        [
            kind.word().to_string(),
            quota.map_or_else(dash, |q| q.key.code.to_string()),
            number(quota.and_then(|q| q.limit)),
            number(quota.and_then(|q| q.default)),
            charge.map_or(self.absent(kind).0, |c| c.state).word().to_string(),
            charge.and_then(|c| c.method).map_or_else(dash, |m| m.word().to_string()),
        ]
    }

    fn why(&self, kind: QuotaKind) -> String {
        match self.charge(kind) {
            Some((charge, Some(quota))) => format!("“{}”: {}", quota.name, charge.reason),
            Some((charge, None)) => charge.reason.clone(),
            None => self.absent(kind).1.to_string(),
        }
    }
}

/// Limits are whole numbers in almost every row; 2000 reads better than 2000.0.
fn whole_or_float(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
