//! Every family whose samples come from the snapshot: the one table that /metrics, docs/METRICS.md and the tests
//! of the dashboards and alerts are made from.

mod catalog;
mod collection;
mod inventory;
mod parts;
mod quotas;
mod service;
mod throttling;
mod usage;

use super::row::Row;

/// The tables by theme, in the order in which they are written.
const TABLES: &[&[Row]] = &[
    collection::ACCOUNTS,
    quotas::ROWS,
    inventory::ROWS,
    service::QUOTAS,
    service::PROBE,
    usage::GAUGES,
    usage::LATENCIES,
    usage::COUNTERS,
    parts::BY_TIER,
    parts::OVERFLOW,
    parts::BY_PROJECT,
    parts::PROJECTS_INFO,
    throttling::ROWS,
    service::RUNTIME,
    service::MANTLE,
    catalog::ROWS,
    collection::ROWS,
];

/// Every row, in the order in which families are written.
pub fn all() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}
