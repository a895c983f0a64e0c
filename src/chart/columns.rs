//! Where in a picture which minutes are.

use crate::model::time::Minute;

/// In pixels, at which every text is legible; a picture scales to any other width.
pub const WIDTH: f64 = 800.0;
/// How many columns of pixels a plot has, at most: more than one minute falls into each where a span is long.
const MOST_COLUMNS: usize = 360;
/// Lengths of a column, in minutes, that a person can name.
const COLUMNS: [usize; 8] = [1, 2, 5, 10, 15, 30, 60, 120];

/// Which minutes the columns of a plot hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Columns {
    pub from: Minute,
    /// Minutes in each.
    pub minutes: usize,
    pub count: usize,
}

impl Columns {
    pub fn new(from: Minute, length: usize) -> Columns {
        let fits = |minutes: &&usize| length.div_ceil(**minutes) <= MOST_COLUMNS;
        let minutes = *COLUMNS.iter().find(fits).unwrap_or(&COLUMNS[COLUMNS.len() - 1]);
        Columns { from, minutes, count: length.div_ceil(minutes).max(1) }
    }

    /// The places of minutes in a column.
    pub(super) fn places(self, column: usize) -> std::ops::Range<usize> {
        column * self.minutes..(column + 1) * self.minutes
    }
}
