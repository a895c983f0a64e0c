//! Points in time, as CloudWatch and Prometheus count them.

use std::fmt;
use std::ops::{Add, Sub};

/// A point in time: whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The minute this second lies in.
    pub fn minute(self) -> Minute {
        Minute(self.0.div_euclid(60))
    }

    /// `self` less `seconds`.
    pub fn minus(self, seconds: u64) -> Timestamp {
        Timestamp(self.0 - seconds as i64)
    }

    /// `self` plus `seconds`.
    pub fn plus(self, seconds: u64) -> Timestamp {
        Timestamp(self.0 + seconds as i64)
    }

    /// Seconds from `earlier` to `self`; 0 where `earlier` is the later one.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0).max(0) as u64
    }

    /// Midnight UTC of this day. Whether AWS's day is this one is not documented.
    pub fn day_start(self) -> Timestamp {
        Timestamp(self.0.div_euclid(86_400) * 86_400)
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        match time::UtcDateTime::from_unix_timestamp(self.0).map(|t| t.format(format)) {
            Ok(Ok(text)) => f.write_str(&text),
            _ => write!(f, "@{}", self.0),
        }
    }
}

/// One CloudWatch minute: `Minute(n)` covers the seconds `60 n .. 60 n + 60` since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

impl Minute {
    /// Its first second, which is how CloudWatch stamps it.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0 * 60)
    }

    /// The second after its last.
    pub fn end(self) -> Timestamp {
        Timestamp(self.0 * 60 + 60)
    }

    /// The minutes `self .. end`.
    pub fn until(self, end: Minute) -> impl DoubleEndedIterator<Item = Minute> + Clone {
        (self.0..end.0).map(Minute)
    }
}

impl Add<i64> for Minute {
    type Output = Minute;
    fn add(self, minutes: i64) -> Minute {
        Minute(self.0 + minutes)
    }
}

impl Sub<i64> for Minute {
    type Output = Minute;
    fn sub(self, minutes: i64) -> Minute {
        Minute(self.0 - minutes)
    }
}
