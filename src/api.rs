//! What /api/v1 answers: a snapshot as values for software. Pure; what is not known is null, never 0.

pub(crate) mod described;
mod headroom;
mod lists;
mod refusals;
mod safe_rate;
mod source;

pub use described::Described;
pub use headroom::{Headroom, Unsettled, fullest, headroom, unsettled, why_none};
pub use lists::{
    CollectorItem, FindingItem, ModelItem, QuotaItem, RemedyItem, TargetItem, findings, models, quotas,
    target,
};
pub use refusals::{MinuteItem, MinutesItem, ThrottledItem, minutes, throttled};
pub use safe_rate::SafeRate;
pub use source::{Place, Query, Source, Unread};
