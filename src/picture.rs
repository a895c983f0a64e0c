//! The picture of accounts: quotas, catalog and the usage of a span, minute by minute. One value that every
//! tool around the daemon reads, whether it came from AWS, the simulated AWS or a file. Pure.

pub mod activity;
pub mod distribution;
pub mod file;
pub mod mask;
pub mod packed;
pub mod spent;
pub mod survey;

use crate::model::catalog::Catalog;
use crate::model::ids::{Target, words};
use crate::model::minutes::Cell;
use crate::model::observation::CollectError;
use crate::model::quota::QuotaList;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric, SeriesReading};
use packed::Packed;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// Where a picture was taken.
    Origin {
        Aws = "aws",
        /// The simulated AWS: no account's.
        Demo = "demo",
    }
}

/// What holds for all targets of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub taken: Timestamp,
    pub origin: Origin,
    /// Whether account ids and names were replaced.
    pub masked: bool,
    /// The tag of application profiles that names a team.
    pub team_tag: Option<String>,
}

/// One account in one region.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetPicture {
    pub target: Target,
    /// As the config calls the account.
    pub account_name: Option<String>,
    /// `None`: not read.
    pub quotas: Option<QuotaList>,
    pub catalog: Option<Catalog>,
    pub usage: Option<UsageSpan>,
    /// Invocation ids of which calls of the last two weeks were served by the reserved tier; `None`: not asked.
    pub reserved: Option<BTreeSet<String>>,
    /// What could not be read, and why.
    pub troubles: Vec<CollectError>,
}

/// The usage of a target over the minutes `from .. until`.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageSpan {
    pub from: Minute,
    pub until: Minute,
    /// Minutes from here on may still have grown after they were read.
    pub settled: Minute,
    /// Every id that CloudWatch listed, sorted.
    pub ids: Vec<IdSpan>,
}

/// The minutes of one invocation id.
#[derive(Clone, Debug, PartialEq)]
pub struct IdSpan {
    pub id: InvocationId,
    /// By metric, over the whole span. A Sum metric that is not here was listed by nobody, and is 0; any other
    /// is absent.
    pub columns: BTreeMap<Metric, Packed>,
}

impl TargetPicture {
    /// The account's name, or else its id.
    pub fn account(&self) -> &str {
        self.account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.target.account_id)
    }

    /// Account and region in short, for lines among others.
    pub fn place(&self) -> String {
        format!("{}, {}", self.account(), self.target.region)
    }

    /// Name, account and region, for headings.
    pub fn title(&self) -> String {
        let Target { account_id, region } = &self.target;
        match self.account() {
            name if name != &**account_id => format!("{name} ({account_id}), {region}"),
            _ => format!("{account_id}, {region}"),
        }
    }
}

impl UsageSpan {
    /// The number of minutes.
    pub fn len(&self) -> usize {
        (self.until.0 - self.from.0).max(0) as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of minutes that no longer grow.
    pub fn settled_len(&self) -> usize {
        (self.settled.min(self.until).0 - self.from.0).max(0) as usize
    }

    pub fn minute(&self, at: usize) -> Minute {
        self.from + at as i64
    }

    /// Its newest minutes alone, so many of them; all, if there are fewer.
    pub fn newest(self, minutes: usize) -> UsageSpan {
        let before = self.len().saturating_sub(minutes);
        if before == 0 {
            return self;
        }
        let pack = |column: &Packed| Packed::pack(column.cells().skip(before));
        let cut = |id: IdSpan| IdSpan {
            columns: id.columns.iter().map(|(metric, column)| (*metric, pack(column))).collect(),
            id: id.id,
        };
        UsageSpan { from: self.minute(before), ids: self.ids.into_iter().map(cut).collect(), ..self }
    }

    /// Puts CloudWatch's answers together, id by id. A metric that has two spellings is joined, never added.
    pub fn new(from: Minute, until: Minute, settled: Minute, readings: Vec<SeriesReading>) -> UsageSpan {
        let mut span = UsageSpan { from, until, settled, ids: Vec::new() };
        let mut ids: BTreeMap<InvocationId, BTreeMap<Metric, Packed>> = BTreeMap::new();
        for reading in readings {
            let cells = cells(&reading, from, span.len());
            let columns = ids.entry(reading.id).or_default();
            let metric = reading.metric.canonical();
            let packed = match columns.remove(&metric) {
                Some(other) => Packed::pack(other.cells().zip(cells).map(|(a, b)| a.or_spelled(b))),
                None => Packed::pack(cells.into_iter()),
            };
            columns.insert(metric, packed);
        }
        span.ids = ids.into_iter().map(|(id, columns)| IdSpan { id, columns }).collect();
        span
    }
}

/// One answer over a whole span; minutes that it does not cover are unknown.
fn cells(reading: &SeriesReading, from: Minute, len: usize) -> Vec<Cell> {
    let blank = if reading.complete { Cell::Absent } else { Cell::Unknown };
    let place = |minute: Minute| usize::try_from(minute.0 - from.0).ok().filter(|&at| at < len);
    let mut cells = vec![Cell::Unknown; len];
    let covered = reading.from.max(from).until(reading.until);
    covered.filter_map(place).for_each(|at| cells[at] = blank);
    for &(minute, value) in &reading.points {
        if let (Some(at), true) = (place(minute), value.is_finite() && value >= 0.0) {
            cells[at] = Cell::Point(value);
        }
    }
    cells
}

impl IdSpan {
    /// A metric minute by minute; `len`: of the span.
    pub(crate) fn cells(&self, metric: Metric, len: usize) -> Box<dyn Iterator<Item = Cell> + '_> {
        match self.columns.get(&metric) {
            Some(column) => Box::new(column.cells().chain(std::iter::repeat(Cell::Unknown)).take(len)),
            None if metric.is_sum() => Box::new(std::iter::repeat_n(Cell::Absent, len)),
            None => Box::new(std::iter::repeat_n(Cell::Unknown, len)),
        }
    }

    /// A Sum metric minute by minute; `None`: unknown.
    pub fn sums(&self, metric: Metric, len: usize) -> impl Iterator<Item = Option<f64>> + '_ {
        self.cells(metric, len).map(Cell::sum)
    }
}
