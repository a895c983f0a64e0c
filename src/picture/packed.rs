//! One metric of one id over a span, kept small.
//!
//! 15 days of one metric are 21,600 minutes, and a target may have thousands of ids: as plain floats 10,000 ids
//! with nine metrics would take 15 GiB. Most of those minutes hold nothing, and the rest are counts that differ
//! little from one to the next: as runs of differences they take one or two bytes each, and the silent ones
//! nothing.

use crate::model::minutes::Cell;

/// Runs of cells. Each begins with its length and kind in one number; then follow its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed(Box<[u8]>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Unknown = 0,
    Absent = 1,
    /// Whole numbers, each as its difference to the one before.
    Whole = 2,
    Float = 3,
}

/// Whole numbers beyond are not all exact.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

fn kind(cell: Cell) -> Kind {
    match cell {
        Cell::Unknown => Kind::Unknown,
        Cell::Absent => Kind::Absent,
        Cell::Point(value) if value.fract() == 0.0 && value.abs() < MOST_WHOLE => Kind::Whole,
        Cell::Point(_) => Kind::Float,
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Small differences of either sign become small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

impl Packed {
    pub(crate) fn pack(cells: impl Iterator<Item = Cell>) -> Packed {
        let (mut bytes, mut values) = (Vec::new(), Vec::new());
        let (mut run, mut length, mut last) = (Kind::Unknown, 0_u64, 0_i64);
        for cell in cells {
            let kind = kind(cell);
            if kind != run {
                flush(&mut bytes, run, length, &mut values);
                (run, length) = (kind, 0);
            }
            length += 1;
            match (kind, cell) {
                (Kind::Whole, Cell::Point(value)) => {
                    put(&mut values, zigzag(value as i64 - last));
                    last = value as i64;
                }
                (Kind::Float, Cell::Point(value)) => values.extend(value.to_le_bytes()),
                _ => {}
            }
        }
        flush(&mut bytes, run, length, &mut values);
        Packed(bytes.into_boxed_slice())
    }

    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells { bytes: &self.0, kind: Kind::Unknown, left: 0, last: 0 }
    }

    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

fn flush(bytes: &mut Vec<u8>, run: Kind, length: u64, values: &mut Vec<u8>) {
    if length > 0 {
        put(bytes, length << 2 | run as u64);
        bytes.append(values);
    }
}

/// The cells of a column, one after another.
pub(crate) struct Cells<'a> {
    bytes: &'a [u8],
    kind: Kind,
    left: u64,
    last: i64,
}

impl Cells<'_> {
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        if self.left == 0 {
            let head = self.number()?;
            self.left = head >> 2;
            self.kind = [Kind::Unknown, Kind::Absent, Kind::Whole, Kind::Float][(head & 3) as usize];
        }
        self.left -= 1;
        Some(match self.kind {
            Kind::Unknown => Cell::Unknown,
            Kind::Absent => Cell::Absent,
            Kind::Whole => {
                self.last += unzigzag(self.number()?);
                Cell::Point(self.last as f64)
            }
            Kind::Float => {
                let (value, rest) = self.bytes.split_first_chunk::<8>()?;
                self.bytes = rest;
                Cell::Point(f64::from_le_bytes(*value))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = Cell> {
        let value = prop_oneof![
            (0..100_000_u32).prop_map(f64::from),
            0.0..1e6_f64,
            0.0..1e15_f64,
            Just(0.0),
            Just(9.9e14)
        ];
        prop_oneof![Just(Cell::Unknown), Just(Cell::Absent), value.prop_map(Cell::Point)]
    }

    proptest! {
        #[test]
        fn cells_come_back_as_they_were_packed(cells in prop::collection::vec(cell(), 0..300)) {
            let packed = Packed::pack(cells.iter().copied());
            prop_assert_eq!(packed.cells().collect::<Vec<_>>(), cells);
        }
    }

    #[test]
    fn fifteen_days_of_a_busy_minute_take_two_bytes_each_and_silence_takes_nothing() {
        let busy = (0..21_600).map(|n| Cell::Point(f64::from(850 + (n * 7919) % 50)));
        assert!(Packed::pack(busy).bytes() <= 2 * 21_600 + 8);
        assert!(Packed::pack((0..21_600).map(|_| Cell::Absent)).bytes() <= 4);
    }
}
