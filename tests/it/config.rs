//! What the user is told about a config: bad files and their exact messages, and the shipped example.

use bedrock_quota_exporter::cli::Cli;
use bedrock_quota_exporter::config::{self, Config};
use bedrock_quota_exporter::plan::plan;
use clap::CommandFactory;
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `check` says of a config, and its exit code, as of config.yaml in the current folder.
fn refused(config: &[u8]) -> (Option<i32>, String) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("refused-{number}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["check", "--config.file=config.yaml"])
        .env_clear()
        .envs([("REGION", "us-east-1"), ("EMPTY", ""), ("SECRET", "hunter2 ")])
        .current_dir(&folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "");
    let said = String::from_utf8(done.stderr).unwrap();
    let head = "bedrock-quota-exporter: the config is refused\n";
    (done.status.code(), said.strip_prefix(head).unwrap_or(&said).trim_end().to_string())
}

/// The cases of tests/it/config/refused.txt: a config, and what is said of it.
fn cases() -> Vec<(String, String)> {
    let blocks = include_str!("config/refused.txt").split("\n\n").filter(|block| !block.starts_with("##"));
    let case = |block: &str| {
        let (said, config): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("> "));
        let said: Vec<&str> = said.iter().map(|line| &line[2..]).collect();
        (config.join("\n") + "\n", said.join("\n"))
    };
    blocks.filter(|block| !block.trim().is_empty()).map(case).collect()
}

#[test]
fn every_bad_config_is_refused_in_exactly_these_words() {
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let differs = |(config, expected): &(String, String)| {
        let found = refused(config.as_bytes());
        (found != (Some(1), expected.clone()))
            .then(|| format!("{config}expected: {expected}\nfound: {found:?}\n"))
    };
    let half = cases.len() / 2;
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = [&cases[..half], &cases[half..]];
        let running = halves.map(|half| scope.spawn(|| half.iter().filter_map(differs).collect::<Vec<_>>()));
        running.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bytes_that_no_editor_shows_are_named() {
    let long = vec![b' '; (1 << 20) + 1];
    for (config, expected) in [
        (
            &b"usage: {interval: \"1m\0\"}"[..],
            ":1: found the control character U+0000, expected text without it",
        ),
        (b"usage:\n\0 {interval: 1m}", ":2: found the control character U+0000, expected text without it"),
        (
            b"usage:\n  interval: \x1b[31m1m",
            ":2: found the control character U+001B, expected text without it",
        ),
        (
            b"regions: [us-east-1]\n# Z\xfcrich\n",
            ": found the byte 0xfc in line 2, which is not UTF-8, expected UTF-8 text",
        ),
        (b"\xff\xfeu\0s\0a\0g\0e\0:\0", ": found UTF-16, expected UTF-8 text"),
        (b"\x1f\x8b\x08\0", ": found the byte 0x8b in line 1, which is not UTF-8, expected UTF-8 text"),
        (&long, ": larger than 1 MiB, which no config is"),
        // What Windows writes is read.
        (
            b"\xef\xbb\xbfusage:\r\n  interval: 5s\r\n",
            ":2: usage.interval: found \"5s\", expected a duration from 10s to 1d, such as 90s, 15m or 1h30m",
        ),
        (
            "usage:\u{a0}{interval: 1m}".as_bytes(),
            ":1: \"usage:\\u{a0}{interval\": unknown key, expected a space behind usage:",
        ),
        (
            "usage: {interval: 1m\u{200b}}".as_bytes(),
            ":1: usage.interval: found \"1m\\u{200b}\", expected a duration from 10s to 1d, such as 90s, 15m or 1h30m",
        ),
    ] {
        assert_eq!(refused(config), (Some(1), format!("config.yaml{expected}")));
    }
}

#[test]
fn a_file_without_a_word_is_refused_and_one_that_says_so_is_all_defaults() {
    let folder = std::env::temp_dir().join(format!("bqe-empty-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.yaml");
    for load in [config::load, config::load_again] {
        for empty in ["", " \n", "# regions: [us-east-1]\n\n# usage:\n", "---\n# none\n...\n"] {
            std::fs::write(&file, empty).unwrap();
            assert_eq!(
                load(Some(&file)).expect_err(empty).to_string(),
                format!(
                    "{}: found nothing, as in a file that is just being written; expected keys, or {{}} where all \
                     defaults are meant",
                    file.display()
                )
            );
        }
        std::fs::write(&file, "{}\n").unwrap();
        for path in [Some(&*file), Some(Path::new("/dev/null")), None] {
            assert_eq!(plan(&load(path).unwrap()).unwrap(), plan(&Config::default()).unwrap(), "{path:?}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_shipped_example_says_what_holds_without_a_config() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    let example = plan(&config::load(Some(&example)).unwrap()).unwrap();
    assert_eq!(example, plan(&Config::default()).unwrap());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let refused = |path: &Path| config::load(Some(path)).unwrap_err().to_string();
    assert_eq!(
        refused(Path::new("no/such.yaml")),
        "no/such.yaml: cannot be read: No such file or directory (os error 2)"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(refused(folder).starts_with(&format!("{}: cannot be read: ", folder.display())));
}

#[test]
fn the_documentation_names_every_key_and_every_flag() {
    let documentation = include_str!("../../docs/CONFIGURATION.md");
    for line in include_str!("../../config.example.yaml").lines() {
        let line = line.trim_start_matches(['#', ' ', '-']);
        let Some((key, rest)) = line.split_once(':') else { continue };
        if (rest.is_empty() || rest.starts_with(' '))
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let named = [format!("`{key}`"), format!(".{key}`"), format!("`{key}.")];
            assert!(named.iter().any(|name| documentation.contains(name)), "{key}");
        }
    }
    let cli = Cli::command();
    for argument in cli.get_subcommands().chain([&cli]).flat_map(|command| command.get_arguments()) {
        let (Some(flag), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let row = format!("| `--{flag}` | `{}` |", variable.to_str().unwrap());
        assert!(documentation.contains(&row), "{row}");
    }
}

proptest! {
    /// The example with lines cut out, doubled and spoilt: refused or planned, never a panic; and every
    /// complaint names a line of the text.
    #[test]
    fn no_text_makes_it_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[-#:{}\\[\\]&*!|> a-z0-9\"'\n\t]{0,6}", any::<bool>()), 0..8)
    ) {
        let example = include_str!("../../config.example.yaml");
        let keys = example.lines().filter(|line| !line.trim_start().starts_with("# "));
        let mut lines: Vec<String> = keys.map(|line| line.strip_prefix('#').unwrap_or(line).into()).collect();
        for (at, text, insert) in edits {
            let at = at.index(lines.len());
            if insert { lines[at].push_str(&text) } else { lines[at] = text }
        }
        let text = lines.join("\n");
        if let Err(refused) = plan(&config::parse("config.yaml", &text)) {
            prop_assert!(refused.list.iter().all(|c| (1..=text.lines().count() + 1).contains(&c.line)), "{refused}");
        }
    }
}
