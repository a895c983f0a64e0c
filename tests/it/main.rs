//! Everything a user would notice, in one binary.

mod accuracy;
mod explain;
mod matching;
