//! No files of src/ import each other in a circle: whoever reads one from the bottom up is never sent back.

use super::imports::paths;
use super::sources;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(circles(&sources()), Vec::<String>::new());
}

#[test]
fn a_circle_is_found_and_named() {
    let source = |code: &str| code.to_string();
    let house = BTreeMap::from([
        ("daemon.rs".to_string(), source("mod writer;\nuse crate::server;\nfn f() { writer::run() }")),
        (
            "daemon/writer.rs".to_string(),
            source("use crate::clock::now;\npub(super) fn f() { crate::server::Site {} }"),
        ),
        ("server.rs".to_string(), source("use super::clock;")),
        ("clock.rs".to_string(), source("use std::time::SystemTime; struct Clock; fn f() { Clock::new() }")),
        ("main.rs".to_string(), source("use bedrock_quota_exporter::{daemon, server};")),
    ]);
    assert_eq!(circles(&house), Vec::<String>::new());
    let broken = [
        ("clock.rs", "fn f() { crate::daemon::stop() }", "clock.rs, daemon.rs, daemon/writer.rs, server.rs"),
        ("daemon/writer.rs", "use super::Published;", "daemon.rs, daemon/writer.rs"),
        (
            "server.rs",
            "use crate::{clock::{self, Stopwatch}, daemon as work};\nfn f() { work::f() }",
            "daemon.rs, daemon/writer.rs, server.rs",
        ),
    ];
    for (file, code, circle) in broken {
        let mut house = house.clone();
        house.insert(file.to_string(), source(code));
        assert_eq!(circles(&house), [circle], "{file}: {code}");
    }
}

/// The groups of files each of which needs all others of its group.
fn circles(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> =
        sources.iter().map(|(file, source)| (file.as_str(), needed(file, source, sources))).collect();
    // A file that needs none of those left is in no circle, nor is one that none of those left needs.
    loop {
        let wanted: BTreeSet<&str> = needs.values().flatten().copied().collect();
        let left = needs.keys().copied().filter(|file| wanted.contains(file) && !needs[file].is_empty());
        let left: BTreeSet<&str> = left.collect();
        if left.len() == needs.len() {
            break;
        }
        needs.retain(|file, _| left.contains(file));
        needs.values_mut().for_each(|needed| needed.retain(|file| left.contains(file)));
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|file| (*file, reachable(file, &needs))).collect();
    let circle = |(file, below): (&&str, &BTreeSet<&str>)| {
        let group = below.iter().filter(|other| reached[*other].contains(file));
        group.copied().collect::<Vec<_>>().join(", ")
    };
    let circles: BTreeSet<String> = reached.iter().map(circle).filter(|circle| !circle.is_empty()).collect();
    circles.into_iter().collect()
}

fn reachable<'a>(file: &str, needs: &BTreeMap<&str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = needs[file].iter().copied().collect();
    while let Some(file) = next.pop() {
        if seen.insert(file) {
            next.extend(&needs[file]);
        }
    }
    seen
}

/// The other files whose items a file's own code names.
fn needed<'a>(file: &str, source: &str, sources: &'a BTreeMap<String, String>) -> BTreeSet<&'a str> {
    let module = file.trim_end_matches(".rs");
    let mut needed = BTreeSet::new();
    for path in paths(file, source) {
        let path = path.replace("bedrock_quota_exporter::", "crate::");
        let parts: Vec<&str> = match path.strip_prefix("crate::") {
            Some(rest) => rest.split("::").collect(),
            // A module of this file's own.
            None if path.contains("::") => module.split('/').chain(path.split("::")).collect(),
            None => continue,
        };
        let prefixes = (1..=parts.len()).rev().map(|length| parts[..length].join("/") + ".rs");
        let known = prefixes.into_iter().find_map(|prefix| sources.get_key_value(&prefix));
        needed.extend(known.map(|(other, _)| other.as_str()).filter(|other| *other != file));
    }
    needed
}
