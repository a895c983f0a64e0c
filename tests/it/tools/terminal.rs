//! What the tools print, and where: narrow terminals, pipes that close, files that are open already.

use super::{SNAPSHOT, command, scratch};
use std::fs::{self, File, OpenOptions};
use std::process::Stdio;

const PLACE: [&str; 4] = ["--account", "production", "--region", "us-west-2"];
const LISTS: [&str; 8] = [
    "explain",
    "--quotas",
    "data/service-quotas.json",
    "--models",
    "data/foundation-models.json",
    "--profiles",
    "data/inference-profiles.json",
    "--region",
];

/// The tools that print tables, all of the demo.
fn tables() -> Vec<Vec<&'static str>> {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    let of_demo = |args: &[&'static str]| [args, &from].concat();
    let mut all: Vec<Vec<&str>> =
        ["quotas", "usage", "diagnose", "provisioned"].map(|tool| of_demo(&[tool])).into();
    all.push(of_demo(&[&["usage", "sonnet-4-6"], &PLACE[..]].concat()));
    all.push(of_demo(&["capacity", "llama3-1-70b"]));
    all.push(of_demo(&["quotas", "--diff", "production/us-west-2", "research/us-east-1"]));
    let id = "us.anthropic.claude-opus-4-7";
    all.push([&LISTS[..], &["us-east-1", id]].concat());
    all.push([&LISTS[..], &["us-east-1", "--coverage"]].concat());
    all.push(vec!["check"]);
    all
}

fn printed(args: &[&str], columns: &str) -> String {
    let shown =
        command(args).env("COLUMNS", columns).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let error = String::from_utf8(shown.stderr).unwrap();
    assert!(
        [Some(0), Some(3)].contains(&shown.status.code()) && error.is_empty(),
        "{args:?} {columns}: {error}"
    );
    String::from_utf8(shown.stdout).unwrap()
}

#[test]
fn only_a_word_makes_a_line_longer_than_the_terminal_is_wide() {
    for args in tables() {
        // Names of columns have two words.
        assert!(!printed(&args, "1").is_empty());
        for width in [20, 30, 40, 60, 80, 200] {
            let text = printed(&args, &width.to_string());
            // A line for the shell is whole, for it is to be copied.
            let is_command =
                |line: &str| line.starts_with("aws ") || line.starts_with("bedrock-quota-exporter ");
            for line in text.lines().filter(|line| !is_command(line.trim_start())) {
                let word = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
                // The hours of the week are a picture: no less than six have room in a line.
                let least = if line.contains('█') || line.starts_with("     ") { 13 } else { word };
                assert!(line.chars().count() <= width.max(least), "{args:?} at {width}: {line:?}\n{text}");
            }
        }
    }
}

#[test]
fn words_are_whole_in_columns_however_narrow() {
    for width in [48, 60, 80] {
        let text = printed(&tables()[0], &width.to_string());
        for word in text.split_whitespace().filter(|word| word.len() <= 12) {
            let known = ["Cross-region", "inference", "requests", "Anthropic", "tokens", "minute"];
            let broken =
                known.iter().find(|known| known.starts_with(word) && **known != word && word.len() > 2);
            assert_eq!(broken, None, "at {width}: {word}");
        }
    }
}

#[test]
fn a_terminal_that_does_not_tell_its_width_is_no_narrow_one() {
    let args = &tables()[1];
    let whole = printed(args, "");
    for columns in ["0", "wide", "-3", "99999999999999999999"] {
        assert_eq!(printed(args, columns), whole, "COLUMNS={columns}");
    }
    assert!(whole.lines().any(|line| line.starts_with("MODEL ")), "{whole}");
}

#[test]
fn who_stops_reading_is_told_no_error() {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    let of_target = [&PLACE[..], &from].concat();
    let to = |args: &[&'static str]| [args, &of_target].concat();
    for args in [
        to(&["report"]),
        to(&["report", "--output", "/dev/stdout"]),
        to(&["report", "--output", "-"]),
        to(&["report", "--output", "/dev/fd/1"]),
        to(&["chart", "--output", "/dev/stdout"]),
        to(&["export", "--output", "/dev/stdout"]),
        to(&["snapshot", "save", "-"]),
        to(&["snapshot", "save", "/dev/stdout"]),
        to(&["quotas"]),
        to(&["usage", "--format", "csv"]),
        to(&["diagnose", "--format", "json"]),
        to(&["increase", "sonnet-4-6"]),
        to(&["capacity", "sonnet-4-6"]),
        vec!["demo", "--backfill", "5m", "--backfill.step", "5m", "--log.level", "error"],
        vec!["man"],
        vec!["completions", "zsh"],
        vec!["check"],
        vec!["report", "--help"],
    ] {
        let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before anything is written.
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let error = String::from_utf8(ended.stderr).unwrap();
        assert!([Some(0), Some(3)].contains(&ended.status.code()), "{args:?}: {:?} {error}", ended.status);
        assert_eq!(error, "", "{args:?}");
    }
}

#[test]
fn what_is_open_already_is_written_to_and_never_replaced() {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    let log = scratch("open.log");
    let opened = || OpenOptions::new().append(true).create(true).open(&log).unwrap();
    for (args, first) in [
        (&["report", "--output", "/dev/stdout"][..], "<!doctype html>"),
        (&["report", "--output", "-"], "<!doctype html>"),
        (&["export", "--output", "/dev/fd/1"], "{"),
        (&["snapshot", "save", "-"], "{\"snapshot\""),
    ] {
        fs::write(&log, "written before\n").unwrap();
        let all = [args, &PLACE, &from].concat();
        let done = command(&all).stdout(Stdio::from(opened())).output().unwrap();
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{args:?}: {error}");
        let text = fs::read_to_string(&log).unwrap();
        let added = text.strip_prefix("written before\n");
        assert!(added.is_some_and(|added| added.starts_with(first)), "{args:?}: {text:.200}");
    }
    let saved = scratch("streamed.jsonl");
    let stdout = Stdio::from(File::create(&saved).unwrap());
    let done =
        command(&[&["snapshot", "save", "-"], &PLACE[..], &from].concat()).stdout(stdout).output().unwrap();
    assert!(String::from_utf8_lossy(&done.stderr).starts_with("-: 1 target, "), "what is said is not in it");
    let again = command(&["usage", "--from", saved.to_str().unwrap()]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}
