//! Tokens of a day, which are charged when a call is over. Whether AWS's day is the UTC day is not documented.

/// In seconds.
const DAY: f64 = 86_400.0;

#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// `None`: there is no such quota.
    pub(crate) limit: Option<f64>,
    spent: f64,
    /// Since the epoch; `None` before any time was told.
    day: Option<f64>,
    now: f64,
}

impl Day {
    pub(crate) fn new(limit: Option<f64>) -> Day {
        Day { limit, spent: 0.0, day: None, now: 0.0 }
    }

    /// `now`: seconds since the epoch.
    pub(crate) fn fill(&mut self, now: f64) {
        self.now = self.now.max(now);
        let day = (self.now / DAY).floor();
        if self.day.is_some_and(|before| day > before) {
            self.spent = 0.0;
        }
        self.day = Some(self.day.map_or(day, |before| before.max(day)));
    }

    /// So much was used at a time (`None`: today), own calls included; own calls since then may have used more.
    pub(crate) fn learn(&mut self, used: f64, at: Option<f64>) {
        if let Some(at) = at {
            self.fill(at);
        }
        if at.is_none_or(|at| self.day == Some((at / DAY).floor())) {
            self.spent = self.spent.max(used);
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
