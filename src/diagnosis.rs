//! Why calls are refused, and what helps: one decision table, what an error's text means, and the findings of a
//! picture with their evidence. Pure.

pub mod causes;
pub mod finding;
pub mod findings;
pub mod message;
pub mod remedies;
