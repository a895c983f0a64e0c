//! Why calls are refused: one decision table, and what an error's text means. Pure.

pub mod causes;
pub mod message;
