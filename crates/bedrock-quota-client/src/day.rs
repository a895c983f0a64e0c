//! Tokens of a day, which are charged when a call is over. Whether AWS's day is the UTC day is not documented.

/// In seconds.
const DAY: f64 = 86_400.0;

#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// `None`: there is no such quota.
    pub(crate) limit: Option<f64>,
    spent: f64,
    day: f64,
    now: f64,
}

impl Day {
    pub(crate) fn new(limit: Option<f64>) -> Day {
        Day { limit, spent: 0.0, day: 0.0, now: 0.0 }
    }

    /// `now`: seconds since the epoch.
    pub(crate) fn fill(&mut self, now: f64) {
        self.now = self.now.max(now);
        let day = (self.now / DAY).floor();
        if day != self.day {
            (self.day, self.spent) = (day, 0.0);
        }
    }

    pub(crate) fn spend(&mut self, tokens: f64) {
        self.spent += tokens;
    }

    /// Seconds until some are there. `None`: never.
    pub(crate) fn wait(&self) -> Option<f64> {
        match self.limit {
            Some(limit) if self.spent >= limit => (limit > 0.0).then(|| DAY - self.now.rem_euclid(DAY)),
            _ => Some(0.0),
        }
    }
}
