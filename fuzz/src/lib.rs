//! The readers of the exporter, for libFuzzer. Each target names its own, so that it is linked with nothing else.

// As tests/it/corpora.rs names it, so that what it is made of is found from both.
#[path = "readers.rs"]
pub mod readers;
#[path = "../../tests/it/world.rs"]
pub mod world;

/// Time that passes at once, whenever nothing else is to be done.
fn pause() {
    tokio::time::pause();
}
