//! The terminal view of a running exporter: what its API answers becomes a state, and a state becomes a frame. Pure.

pub mod answers;
mod detail;
mod draw;
mod overview;
pub mod painter;
mod pen;
pub mod screen;

pub use painter::Painter;
pub use screen::{Key, Screen};
