//! Usage, as a snapshot file writes it: for each id and metric the runs of minutes with a value, and those that
//! could not be read. Every other minute was read and held nothing.

use super::text::{timestamp, word};
use crate::model::ids::Endpoint;
use crate::model::minutes::Cell;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric};
use crate::picture::packed::Packed;
use crate::picture::{IdSpan, UsageSpan};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// CloudWatch keeps minutes for 15 days; one more, for spans that begin at midnight.
const LONGEST_SPAN: i64 = 16 * 1440;
/// As the exporter itself bounds them.
const MOST_IDS: usize = 10_000;
const LONGEST_ID: usize = 1_024;
/// Beyond it a count is none.
const MOST: f64 = 1e15;

#[derive(Deserialize, Serialize)]
pub(super) struct RawUsage {
    from: String,
    until: String,
    settled: String,
    ids: Vec<RawId>,
}

#[derive(Deserialize, Serialize)]
struct RawId {
    endpoint: String,
    id: String,
    metrics: BTreeMap<String, RawColumn>,
}

/// Packed as soon as it is read, so that one metric alone is ever in memory as numbers.
#[derive(Deserialize, Serialize)]
struct RawColumn {
    #[serde(serialize_with = "write_points", deserialize_with = "read_points")]
    points: Points,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<(u32, u32)>,
}

enum Points {
    /// To be written.
    Packed(Packed),
    /// As read: the minute of the first value, and values one minute after another.
    Runs(Vec<(u32, Vec<f64>)>),
}

fn write_points<S: Serializer>(points: &Points, out: S) -> Result<S::Ok, S::Error> {
    let mut runs = out.serialize_seq(None)?;
    let mut run: (usize, Vec<Number>) = (0, Vec::new());
    let Points::Packed(packed) = points else { return runs.end() };
    for (at, cell) in packed.cells().chain([Cell::Absent]).enumerate() {
        match cell.point() {
            Some(value) if run.1.is_empty() => run = (at, vec![Number(value)]),
            Some(value) => run.1.push(Number(value)),
            None if !run.1.is_empty() => runs.serialize_element(&std::mem::take(&mut run))?,
            None => {}
        }
    }
    runs.end()
}

/// 2000 takes less room than 2000.0.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 { out.serialize_u64(self.0 as u64) } else { out.serialize_f64(self.0) }
    }
}

fn read_points<'de, D: Deserializer<'de>>(input: D) -> Result<Points, D::Error> {
    Vec::deserialize(input).map(Points::Runs)
}

impl From<&UsageSpan> for RawUsage {
    fn from(span: &UsageSpan) -> RawUsage {
        let column = |(metric, packed): (&Metric, &Packed)| {
            let raw = RawColumn { points: Points::Packed(packed.clone()), unread: unread(packed) };
            (metric.word().to_string(), raw)
        };
        let id = |id: &IdSpan| RawId {
            endpoint: id.id.endpoint.word().to_string(),
            id: id.id.id.to_string(),
            metrics: id.columns.iter().map(column).collect(),
        };
        RawUsage {
            from: span.from.start().to_string(),
            until: span.until.start().to_string(),
            settled: span.settled.start().to_string(),
            ids: span.ids.iter().map(id).collect(),
        }
    }
}

fn unread(packed: &Packed) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (at, _) in packed.cells().enumerate().filter(|(_, cell)| *cell == Cell::Unknown) {
        match runs.last_mut() {
            Some((from, count)) if *from + *count == at as u32 => *count += 1,
            _ => runs.push((at as u32, 1)),
        }
    }
    runs
}

impl RawUsage {
    pub(super) fn into_span(self) -> Result<UsageSpan, String> {
        let (from, until) = (minute(&self.from)?, minute(&self.until)?);
        if !(0..=LONGEST_SPAN).contains(&(until.0 - from.0)) {
            let (from, until) = (&self.from, &self.until);
            return Err(format!("usage: found {from} to {until}, expected at most 16 days, forwards"));
        }
        if self.ids.len() > MOST_IDS {
            return Err(format!("usage: found {} ids, expected at most {MOST_IDS}", self.ids.len()));
        }
        let mut span = UsageSpan { from, until, settled: minute(&self.settled)?, ids: Vec::new() };
        let ids: Result<Vec<IdSpan>, String> =
            self.ids.into_iter().map(|id| id.into_id(span.len())).collect();
        span.ids = ids?;
        span.ids.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(twice) = span.ids.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(format!("usage: found {:?} twice, expected once", twice[0].id.id));
        }
        Ok(span)
    }
}

fn minute(text: &str) -> Result<Minute, String> {
    let at: Timestamp = timestamp(text)?;
    Ok(at.minute())
}

impl RawId {
    fn into_id(self, len: usize) -> Result<IdSpan, String> {
        if self.id.is_empty() || self.id.len() > LONGEST_ID {
            return Err(format!("usage: found an id of {} bytes, expected 1 to {LONGEST_ID}", self.id.len()));
        }
        let endpoint = word(Endpoint::from_word, "endpoint", &self.endpoint)?;
        let mut columns = BTreeMap::new();
        for (name, column) in self.metrics {
            let metric = word(Metric::from_word, "metrics", &name)?;
            let cells = column.cells(len).map_err(|error| format!("{name} of {:?}: {error}", self.id))?;
            columns.insert(metric, Packed::pack(cells.into_iter()));
        }
        Ok(IdSpan { id: InvocationId { endpoint, id: self.id.as_str().into() }, columns })
    }
}

impl RawColumn {
    fn cells(self, len: usize) -> Result<Vec<Cell>, String> {
        let mut cells = vec![Cell::Absent; len];
        let beyond = |at: u32| format!("found minute {at}, expected less than {len}: the span's");
        for (from, count) in self.unread {
            let end = from as usize + count as usize;
            cells.get_mut(from as usize..end).ok_or_else(|| beyond(from))?.fill(Cell::Unknown);
        }
        let Points::Runs(runs) = self.points else { return Ok(cells) };
        for (from, values) in runs {
            let end = from as usize + values.len();
            let places = cells.get_mut(from as usize..end).ok_or_else(|| beyond(from))?;
            for (place, value) in places.iter_mut().zip(values) {
                if !(0.0..MOST).contains(&value) {
                    return Err(format!("found {value}, expected a count from 0 to {MOST:e}"));
                }
                *place = Cell::Point(value);
            }
        }
        Ok(cells)
    }
}
