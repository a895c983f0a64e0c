//! What the demo's accounts are written with: quota rows by their names, and streams in one line.

use crate::sim::world::lists::Lists;
use crate::sim::world::stream::{Call, Charge, Demand, Per, Stream};
use crate::sim::world::{Applied, QuotaChange, Region};
use std::sync::Arc;

pub const DAY: i64 = 86_400;
pub const ALWAYS: i64 = i64::MIN;
/// Calls a minute, at most: a day's tokens cannot all be spent in its first minutes.
const RUSH: f64 = 2000.0;

pub fn region(name: &str) -> Region {
    Region { name: name.into(), account_wide: true, ..Region::default() }
}

pub fn stream(model_id: &str, demand: Demand) -> Stream {
    Stream { model_id: model_id.into(), demand, ..Stream::default() }
}

pub fn daily(low: f64, high: f64) -> Demand {
    Demand::Daily { low, high, peak_hour: 16.0, bursts: 0.02 }
}

pub fn embeddings(rows: &Rows, id: &str, name: &str, rate: f64) -> Stream {
    Stream {
        call: Call { input: 180.0, output: 0.0, latency_ms: 90.0, ..Call::default() },
        charges: rows.on_demand(name),
        ..stream(id, daily(rate * 0.2, rate))
    }
}

/// A stream that takes 60 % of `limit`, its tokens per day, on every day but that of `until`: then it has taken
/// `share` of it by `until`, and calls are up to `after` for the rest of that day.
pub fn rush(stream: Stream, limit: f64, share: f64, until: i64, after: Stream) -> Vec<Stream> {
    let until = until - until.rem_euclid(60);
    let midnight = until - until.rem_euclid(DAY);
    let calls = |share: f64, seconds: i64| {
        let minutes = seconds.max(60) as f64 / 60.0;
        Demand::Steady((share * limit / stream.reserves(Per::Token) / minutes).min(RUSH))
    };
    let usual = |active| Stream { active, demand: calls(0.6, DAY), ..stream.clone() };
    vec![
        usual(ALWAYS..midnight),
        Stream { active: midnight..until, demand: calls(share, until - midnight), ..stream.clone() },
        Stream { active: until..midnight + DAY, ..after },
        usual(midnight + DAY..i64::MAX),
    ]
}

/// The public quota rows, looked up by name.
pub struct Rows(pub Arc<Lists>);

impl Rows {
    pub fn code(&self, name: &str) -> String {
        let row = self.0.quotas.iter().find(|q| q.name == name);
        row.unwrap_or_else(|| panic!("no quota is called {name:?}")).code.clone()
    }

    /// AWS's default of a row in a region.
    pub fn default_value(&self, name: &str, region: &str) -> f64 {
        let row = self.0.quota(&self.code(name));
        row.map_or(0.0, |row| self.0.default_value(row, region))
    }

    /// What has held for a row all along.
    pub fn holds(&self, name: &str, applied: Applied) -> QuotaChange {
        QuotaChange { code: self.code(name), from: ALWAYS, applied }
    }

    /// Charges to these rows.
    pub fn named(&self, names: &[&str]) -> Vec<Charge> {
        names.iter().map(|name| Charge { code: self.code(name), per: per(name) }).collect()
    }

    /// Charges to those of these rows that exist: many models have no requests quota.
    fn existing(&self, head: &str, model: &str) -> Vec<Charge> {
        let names = ["requests", "tokens"].map(|what| format!("{head} {what} per minute for {model}"));
        let rows = self.0.quotas.iter().filter(|q| names.iter().any(|n| q.name.eq_ignore_ascii_case(n)));
        rows.map(|q| Charge { code: q.code.clone(), per: per(&q.name) }).collect()
    }

    pub fn on_demand(&self, model: &str) -> Vec<Charge> {
        self.existing("On-demand model inference", model)
    }

    pub fn cross_region(&self, model: &str) -> Vec<Charge> {
        self.existing("Cross-region model inference", model)
    }

    pub fn global(&self, model: &str) -> Vec<Charge> {
        self.existing("Global cross-region model inference", model)
    }

    pub fn deployment(&self, model: &str) -> Vec<Charge> {
        self.existing("(Model customization) Sum of on demand custom model deployment", model)
    }
}

fn per(name: &str) -> Per {
    match name {
        n if n.contains("requests per minute") => Per::Request,
        n if n.contains("tokens per day") => Per::TokenOfTheDay,
        n if n.contains("Input tokens") => Per::InputToken,
        n if n.contains("Output tokens") => Per::OutputToken,
        _ => Per::Token,
    }
}
