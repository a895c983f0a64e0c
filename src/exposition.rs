//! Snapshot → Prometheus text (format 0.0.4). Rendered afresh each time, never updated: what vanishes
//! in AWS vanishes here, and what is unknown is absent.
//!
//! The modules, in reading order; each knows only those above it:

pub mod export;
pub mod family;
pub(crate) mod text;
mod view;

pub mod row;

pub mod families;

mod render;

mod compress;

pub use compress::{Plain, Rendered, compress};
pub use export::{Export, ProjectName, QuotaExport};
pub use render::render;
