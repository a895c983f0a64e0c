//! Whatever comes in: the texts that fuzzing began with, and those that it has found, for every reader of the exporter.
//! None may panic; `make fuzz` looks for more.

use crate::world;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/readers.rs"]
mod readers;

fn pause() {}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(of: &Path) -> BTreeSet<String> {
    fs::read_dir(of).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_reader_takes_every_text_of_its_corpus() {
    for (name, read) in readers::READERS {
        let seeds = folder().join("seeds").join(name);
        let texts = names(&seeds);
        assert!(!texts.is_empty(), "{name}");
        for text in texts {
            let bytes = fs::read(seeds.join(&text)).unwrap();
            let read = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
            assert!(read.is_ok(), "{name} panics at fuzz/seeds/{name}/{text}");
        }
    }
}

#[test]
fn every_reader_has_a_target_and_a_corpus() {
    let readers = || readers::READERS.iter().map(|(name, _)| name.to_string());
    let targets: BTreeSet<String> = readers().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), targets);
    assert_eq!(names(&folder().join("seeds")), readers().collect());
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    assert_eq!(built.map(|line| line.trim_end_matches('"').to_string()).collect::<BTreeSet<_>>(), targets);
}
