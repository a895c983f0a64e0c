//! Finds by calls where refusals begin: which call is next, when it is enough, and what was found. Pure: what was
//! answered and the time, in seconds since the epoch, are arguments.
//!
//! ```text
//! Settings ─▶ Probe ─next(now)─▶ a call, or until when to wait, or the end
//!               ▲ answered, others, stop
//!               │
//!            ramps: rate (requests, tokens), burst (what max_tokens reserves) ─▶ book: steps, calls, what was spent
//! ```
//!
//! One dimension is ramped at a time, from a steady base. Each step is held; a refused call makes it step back, hold,
//! and try the refused step once more. What is refused again is sustained: while it lasts, the calls that get in are
//! counted, and they are the limit. That needs no guess of how Bedrock counts: whether by a bucket that fills evenly
//! or by the minute, no more gets in than the limit.

mod book;
mod burst;
mod call;
mod machine;
mod rate;
mod reached;
mod rehearsal;
mod settings;
mod spending;

pub use book::{Book, Step, StepKind};
pub use call::{Answer, Call, Dimension, Outcome, Record, Refusal, Used};
pub use machine::{End, Next, Probe, Seen};
pub use reached::{Finding, Reached};
pub use rehearsal::rehearse;
pub use settings::{HardLimits, Predicted, Prices, Settings};
pub use spending::{Bound, Spending};
