//! What is known of one metric minute by minute, and how it is kept.

use crate::model::usage::Metric;

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

/// Cells one after another; what lies beyond the last is unknown. They are kept in the narrowest form that holds them
/// all: most columns are one cell over and over, or counts of a byte or two.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    /// The packed cell, and how often.
    Same(f64, usize),
    Bytes(Vec<u8>),
    Words(Vec<u16>),
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

/// A form that holds some packed cells exactly.
trait Form: Copy {
    fn of(packed: f64) -> Option<Self>;
    fn packed(self) -> f64;
}

/// Counts, with the two largest numbers for what is no count.
macro_rules! counts {
    ($of:ty) => {
        impl Form for $of {
            fn of(packed: f64) -> Option<$of> {
                match unpack(packed) {
                    Cell::Unknown => Some(<$of>::MAX),
                    Cell::Absent => Some(<$of>::MAX - 1),
                    Cell::Point(value) => {
                        let count = value as $of;
                        (f64::from(count) == value && count < <$of>::MAX - 1).then_some(count)
                    }
                }
            }

            fn packed(self) -> f64 {
                match self {
                    <$of>::MAX => UNKNOWN,
                    count if count == <$of>::MAX - 1 => ABSENT,
                    count => f64::from(count),
                }
            }
        }
    };
}
counts!(u8);
counts!(u16);

impl Form for f32 {
    fn of(packed: f64) -> Option<f32> {
        (packed.is_nan() || f64::from(packed as f32) == packed).then_some(packed as f32)
    }

    fn packed(self) -> f64 {
        f64::from(self)
    }
}

impl Form for f64 {
    fn of(packed: f64) -> Option<f64> {
        Some(packed)
    }

    fn packed(self) -> f64 {
        self
    }
}

/// Whether it fits.
fn put<T: Form>(cells: &mut Vec<T>, at: usize, packed: f64) -> bool {
    let (Some(unknown), Some(packed)) = (T::of(UNKNOWN), T::of(packed)) else { return false };
    if cells.len() <= at {
        cells.reserve_exact(at + 1 - cells.len());
        cells.resize(at + 1, unknown);
    }
    cells[at] = packed;
    true
}

fn all_in<T: Form>(all: &[f64]) -> Option<Vec<T>> {
    let fit = all.iter().all(|packed| T::of(*packed).is_some());
    fit.then(|| {
        let mut cells = Vec::with_capacity(all.len());
        cells.extend(all.iter().filter_map(|packed| T::of(*packed)));
        cells
    })
}

impl Cells {
    pub(super) fn new() -> Cells {
        Cells::Same(UNKNOWN, 0)
    }

    fn of(all: &[f64]) -> Cells {
        let first = all.first().copied().unwrap_or(UNKNOWN);
        if all.iter().all(|packed| unpack(*packed) == unpack(first)) {
            return Cells::Same(first, all.len());
        }
        let narrow = all_in(all).map(Cells::Bytes).or_else(|| all_in(all).map(Cells::Words));
        narrow.or_else(|| all_in(all).map(Cells::Short)).unwrap_or_else(|| Cells::Long(all.to_vec()))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Same(_, len) => *len,
            Cells::Bytes(cells) => cells.len(),
            Cells::Words(cells) => cells.len(),
            Cells::Short(cells) => cells.len(),
            Cells::Long(cells) => cells.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn get(&self, at: usize) -> Cell {
        fn packed<T: Form>(cells: &[T], at: usize) -> Option<f64> {
            cells.get(at).map(|cell| cell.packed())
        }
        let packed = match self {
            Cells::Same(packed, len) => (at < *len).then_some(*packed),
            Cells::Bytes(cells) => packed(cells, at),
            Cells::Words(cells) => packed(cells, at),
            Cells::Short(cells) => packed(cells, at),
            Cells::Long(cells) => packed(cells, at),
        };
        packed.map_or(Cell::Unknown, unpack)
    }

    fn all(&self, from: usize) -> Vec<f64> {
        (from..self.len()).map(|at| pack(self.get(at))).collect()
    }

    pub(super) fn set(&mut self, at: usize, cell: Cell) {
        let packed = pack(cell);
        let fits = match self {
            Cells::Same(all, len) if at <= *len && (*len == 0 || unpack(*all) == cell) => {
                (*all, *len) = (packed, (*len).max(at + 1));
                true
            }
            Cells::Same(..) => false,
            Cells::Bytes(cells) => put(cells, at, packed),
            Cells::Words(cells) => put(cells, at, packed),
            Cells::Short(cells) => put(cells, at, packed),
            Cells::Long(cells) => put(cells, at, packed),
        };
        if !fits {
            let mut all = self.all(0);
            put(&mut all, at, packed);
            *self = Cells::of(&all);
        }
    }

    /// Forgets the first `count`; the others may fit into a narrower form by now.
    pub(super) fn forget(&mut self, count: usize) {
        *self = Cells::of(&self.all(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = Cell> {
        let value = prop_oneof![
            (0..3_u32).prop_map(f64::from),
            (250..260_u32).prop_map(f64::from),
            (65_530..65_540_u32).prop_map(f64::from),
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
            cells.forget(forgotten);
            plain.drain(..forgotten);
            prop_assert_eq!(cells.len(), plain.len());
            prop_assert_eq!((0..100).map(|at| cells.get(at)).collect::<Vec<_>>(),
                (0..100).map(|at| plain.get(at).copied().unwrap_or(Cell::Unknown)).collect::<Vec<_>>());
        }
    }
}
