//! What is known of one metric minute by minute, and how it is kept.

use crate::model::usage::Metric;

/// Room for the minutes of a few rounds, so that not every round allocates.
const SPARE: usize = 8;

/// What is known of one metric in one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Unread, or without a datapoint in an answer that was not complete.
    Unknown,
    /// No datapoint in a complete answer.
    Absent,
    Point(f64),
}

impl Cell {
    /// The value of a Sum metric, for which no datapoint means 0.
    pub(crate) fn sum(self) -> Option<f64> {
        match self {
            Cell::Unknown => None,
            Cell::Absent => Some(0.0),
            Cell::Point(value) => Some(value),
        }
    }

    pub(crate) fn point(self) -> Option<f64> {
        match self {
            Cell::Point(value) => Some(value),
            _ => None,
        }
    }

    /// What two answers about the same minute and spelling say together, the later one second. A Sum
    /// only ever grows, so a smaller or missing one is a stale answer.
    pub(super) fn then(self, metric: Metric, later: Cell) -> Cell {
        match (self, later) {
            (known, Cell::Unknown) => known,
            (Cell::Point(a), Cell::Point(b)) if metric.is_sum() => Cell::Point(a.max(b)),
            (Cell::Point(a), Cell::Absent) => Cell::Point(a),
            (_, later) => later,
        }
    }

    /// The two spellings of one metric: the same tokens under both names, so the larger and never the sum;
    /// unknown where either is.
    pub(crate) fn or_spelled(self, other: Cell) -> Cell {
        match (self, other) {
            (Cell::Unknown, _) | (_, Cell::Unknown) => Cell::Unknown,
            (Cell::Point(a), Cell::Point(b)) => Cell::Point(a.max(b)),
            (Cell::Absent, cell) | (cell, Cell::Absent) => cell,
        }
    }
}

/// Cells one after another; what lies beyond the last is unknown. Mostly they fit into 4 bytes each, as counts
/// of a minute do; the first that does not makes them 8 bytes each.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    Short(Vec<f32>),
    Long(Vec<f64>),
}

/// What stands for a cell without a value.
const UNKNOWN: f64 = f64::NAN;
const ABSENT: f64 = -1.0;

fn pack(cell: Cell) -> f64 {
    match cell {
        Cell::Unknown => UNKNOWN,
        Cell::Absent => ABSENT,
        Cell::Point(value) => value,
    }
}

fn unpack(packed: f64) -> Cell {
    if packed.is_nan() {
        Cell::Unknown
    } else if packed < 0.0 {
        Cell::Absent
    } else {
        Cell::Point(packed)
    }
}

fn fits(packed: f64) -> bool {
    packed.is_nan() || f64::from(packed as f32) == packed
}

fn put<T: Copy>(cells: &mut Vec<T>, at: usize, unknown: T, packed: T) {
    if cells.len() <= at {
        cells.reserve_exact(at + SPARE - cells.len());
        cells.resize(at + 1, unknown);
    }
    cells[at] = packed;
}

impl Cells {
    pub(super) fn new() -> Cells {
        Cells::Short(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Short(cells) => cells.len(),
            Cells::Long(cells) => cells.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn get(&self, at: usize) -> Cell {
        let packed = match self {
            Cells::Short(cells) => cells.get(at).copied().map(f64::from),
            Cells::Long(cells) => cells.get(at).copied(),
        };
        packed.map_or(Cell::Unknown, unpack)
    }

    pub(super) fn set(&mut self, at: usize, cell: Cell) {
        let packed = pack(cell);
        match self {
            Cells::Short(cells) if fits(packed) => put(cells, at, UNKNOWN as f32, packed as f32),
            Cells::Short(cells) => {
                let mut long = cells.iter().copied().map(f64::from).collect();
                put(&mut long, at, UNKNOWN, packed);
                *self = Cells::Long(long);
            }
            Cells::Long(cells) => put(cells, at, UNKNOWN, packed),
        }
    }

    /// Forgets the first `count`, and keeps room for `keep` and a few more.
    pub(super) fn forget(&mut self, count: usize, keep: usize) {
        match self {
            Cells::Short(cells) => {
                cells.drain(..count);
                cells.shrink_to(keep + SPARE);
            }
            Cells::Long(cells) => {
                cells.drain(..count);
                cells.shrink_to(keep + SPARE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = Cell> {
        let value = prop_oneof![
            (0..100_000_u32).prop_map(f64::from),
            Just(16_777_217.0),
            0.0..1e6_f64,
            0.0..1e15_f64,
            Just(-0.0)
        ];
        prop_oneof![Just(Cell::Unknown), Just(Cell::Absent), value.prop_map(Cell::Point)]
    }

    proptest! {
        #[test]
        fn cells_are_kept_as_they_were_put(
            puts in prop::collection::vec((0..90_usize, cell()), 0..200),
            forgotten in 0..90_usize,
        ) {
            let (mut cells, mut plain) = (Cells::new(), Vec::new());
            for &(at, cell) in &puts {
                cells.set(at, cell);
                if plain.len() <= at {
                    plain.resize(at + 1, Cell::Unknown);
                }
                plain[at] = cell;
            }
            let forgotten = forgotten.min(plain.len());
            cells.forget(forgotten, 10);
            plain.drain(..forgotten);
            prop_assert_eq!(cells.len(), plain.len());
            prop_assert_eq!((0..100).map(|at| cells.get(at)).collect::<Vec<_>>(),
                (0..100).map(|at| plain.get(at).copied().unwrap_or(Cell::Unknown)).collect::<Vec<_>>());
        }
    }
}
