//! The binary, as a person runs it.

use super::SONNET;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn probe(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"));
    command.args(["probe", "--demo", "--account", "labs", "--region", "us-east-1"]).args(args).arg(SONNET);
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command
}

fn ran(args: &[&str]) -> (i32, String, String) {
    let output = probe(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn without_yes_it_says_what_it_would_do_and_sends_nothing() {
    let (code, out, error) = ran(&["--input-price", "3", "--output-price", "15"]);
    assert_eq!((code, error.as_str()), (0, ""));
    for said in [
        "requests a minute: 120, by L-559DCC33",
        "tokens a minute: 60k, by L-59759B4A",
        "Nothing was sent.",
        "--yes --most-requests",
        "$ AT MOST",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    for dimension in ["requests", "tokens", "reservation"] {
        assert!(out.lines().any(|line| line.starts_with(dimension)), "{out}");
    }
}

#[test]
fn the_plan_says_what_cut_it_short_and_offers_what_is_taken() {
    let said = |args: &[&str]| {
        let (code, out, error) = ran(args);
        assert_eq!((code, error.as_str()), (0, ""));
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let free = said(&[]);
    assert!(free.ends_with("--most-dollars 0.01"), "{free}");
    assert!(!free.contains("cut short"), "{free}");
    let dear = said(&["--input-price", "300", "--output-price", "1500"]);
    let cut = "The plan is cut short by the limit of dollars, 1 (a demo has one of its own where none is told): \
               --most-dollars tells another.";
    assert!(dear.contains(cut), "{dear}");
    assert!(!dear.contains("-0.0"), "{dear}");
    let told = said(&["--most-requests", "10"]);
    assert!(told.contains("cut short by the limit of requests, 10"), "{told}");
}

#[test]
fn a_run_ends_at_its_own_limit_and_leaves_its_results() {
    let folder = scratch("limit");
    let output = ["--output", folder.to_str().unwrap()];
    let (code, out, error) =
        ran(&[&["--yes", "--most-requests", "40", "--hold", "10s"], &output[..]].concat());
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("It ended at its own limit of requests (40)."), "{out}");
    let document: Value = serde_json::from_str(&read(&folder, "probe.json")).unwrap();
    assert_eq!((&document["end"], &document["spent"]["requests"]), (&"limit".into(), &40.into()));
    let timeline = read(&folder, "timeline.csv");
    assert_eq!(timeline.lines().count(), 41, "{timeline}");
    assert!(
        timeline.starts_with("sent,answered,dimension,step,level,request_id,result,status,error,message,")
    );
    assert!(read(&folder, "probe.svg").contains("predicted by the quota: 120"));
    let support = read(&folder, "support.md");
    assert!(support.contains("| Region | us-east-1 |") && support.contains("## Ramp: requests"), "{support}");
    let (code, _, error) = ran(&[&["--yes"], &output[..]].concat());
    assert_eq!(code, 1);
    assert!(error.contains("there are results already; give another --output"), "{error}");
}

#[test]
fn an_interrupted_run_ends_within_a_second_with_its_results() {
    let folder = scratch("interrupted");
    let output = ["--yes", "--output", folder.to_str().unwrap()];
    let mut running = probe(&output).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("calling ")));
    let kill = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let since = Instant::now();
    assert!(kill.success() && running.wait().unwrap().success());
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let document: Value = serde_json::from_str(&read(&folder, "probe.json")).unwrap();
    assert_eq!(document["end"], "interrupted");
}

#[test]
fn real_calls_want_every_limit_and_the_prices() {
    // Nothing is listening there; it is refused before anything is asked.
    let (code, _, error) = ran(&["--input-price", "3"]);
    assert_eq!(code, 2);
    assert!(error.contains("--output-price"), "{error}");
    let (code, _, error) = ran(&["--dimension", "latency"]);
    assert_eq!(code, 2);
    assert!(error.contains("expected one of requests, tokens, reservation"), "{error}");
}
