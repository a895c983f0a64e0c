//! The real binary with `--storage.path`: what it keeps, what it goes on from, and what it refuses.

use crate::served::{ONE, Scrape, Served, world};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of the test's own, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bqe-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(name: &str, file: &Path) -> Served {
    let flag = format!("--storage.path={}", file.display());
    Served::with(name, world(), ONE, Vec::new(), |command| command.arg(flag)).await
}

/// Until usage was read of all ids, and so their counters are there.
async fn counted(served: &Served) -> Scrape {
    served
        .until("the counters", |scrape| {
            scrape.lines("bedrock_invocations_total").next().is_some()
                && scrape.lines("bedrock_quota_tokens_total").next().is_some()
                && scrape.lines("bedrock_usage_complete_until_timestamp_seconds").next().is_some()
        })
        .await
}

fn stop(mut served: Served) {
    served.signal("-TERM");
    assert_eq!(served.exporter.wait().unwrap().code(), Some(0));
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// What the simulated AWS counted in these minutes.
fn truth(from: i64, until: i64) -> f64 {
    let world = world();
    let (account, region) = (&world.accounts[0], &world.accounts[0].regions[0]);
    let flow = world.flow(account, region, &region.streams[0]);
    (from..until).map(|minute| flow.tally(minute).invocations as f64).sum()
}

/// As if the process that left the file had stopped so many minutes before, when it had counted 1,000 of everything.
fn age(file: &Path, minutes: i64) -> i64 {
    let mut kept = read(file);
    let target = &mut kept["targets"][0];
    let from = target["counted_from"].as_i64().unwrap() - minutes;
    target["counted_from"] = json!(from);
    let id = &mut target["ids"][0];
    id["from"] = json!(from);
    for counter in id["metrics"].as_object_mut().unwrap().values_mut() {
        *counter = json!({"before": 1000.0, "total": 1000.0, "born": 60 * from});
    }
    let charge = json!({"total": 1000.0, "charged": 1000.0, "estimated": 0.0, "input": 0.0, "output": 0.0,
        "cache_write": 0.0, "since": 60 * from});
    id["charge"] = charge;
    std::fs::write(file, kept.to_string()).unwrap();
    from
}

#[tokio::test]
async fn counters_go_on_over_restarts_and_miss_no_minute() {
    let folder = Folder::new("storage");
    let file = folder.file("counters.json");
    let served = start("storage-1", &file).await;
    counted(&served).await;
    stop(served);
    let from = age(&file, 45);
    let (mut calls, mut tokens) = (1000.0, 1000.0);
    for process in 2..4 {
        let served = start(&format!("storage-{process}"), &file).await;
        let scrape = counted(&served).await;
        let until = scrape.value("bedrock_usage_complete_until_timestamp_seconds") as i64 / 60;
        let shown = scrape.value("bedrock_invocations_total");
        assert_eq!(shown, 1000.0 + truth(from, until), "process {process}: each minute once");
        let charged = scrape.value("bedrock_quota_tokens_total");
        assert!(shown >= calls && charged >= tokens, "process {process}: {shown} calls, {charged} tokens");
        (calls, tokens) = (shown, charged);
        let written = served.until("a writing", |scrape| {
            scrape.values("bedrock_exporter_storage_last_success_timestamp_seconds").len() == 1
        });
        written.await;
        stop(served);
    }
    assert!(tokens > 1000.0, "tokens are charged of the minutes in between");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "accounts and what they use are for their owner's eyes");
}

#[tokio::test]
async fn two_exporters_never_share_a_file() {
    let folder = Folder::new("storage-shared");
    let file = folder.file("counters.json");
    let served = start("storage-first", &file).await;
    let said = refused(&file);
    assert!(said.contains("another exporter keeps its counters there; expected a file of its own"), "{said}");
    stop(served);
    let next = start("storage-next", &file).await;
    stop(next);
}

/// What an exporter says that ends by itself.
fn refused(file: &Path) -> String {
    let ended = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
        .args(["serve", "--web.listen-address=127.0.0.1:0"])
        .arg(format!("--storage.path={}", file.display()))
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains(&file.display().to_string()), "{said}");
    said
}

#[test]
fn a_file_that_cannot_be_used_is_refused_in_words_and_left_as_it_is() {
    let folder = Folder::new("storage-refused");
    let table = [
        (
            "{\"file\":\"counters of bedrock-quota-ex",
            "damaged: EOF while parsing a string at line 1 column 37",
        ),
        ("", "damaged: EOF while parsing a value at line 1 column 0"),
        ("# HELP up\n", "damaged: expected value at line 1 column 1"),
        (
            "{\"file\":\"counters of bedrock-quota-exporter\",\"version\":9}",
            "its version is 9, that of this exporter 1",
        ),
    ];
    for (number, (text, expected)) in table.into_iter().enumerate() {
        let file = folder.file(&format!("{number}.json"));
        std::fs::write(&file, text).unwrap();
        let said = refused(&file);
        assert!(said.contains(expected), "{expected} in {said}");
        assert!(said.contains("expected the counters that an exporter has written"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let said = refused(&folder.0);
    assert!(said.contains("is a folder, expected the name of a file in it"), "{said}");
    let pipe = folder.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for other in [pipe, PathBuf::from("/dev/null")] {
        let said = refused(&other);
        assert!(said.contains("found a pipe or a device, expected a file"), "{said}");
        assert!(!PathBuf::from(format!("{}.lock", other.display())).exists(), "nothing is made beside it");
    }
    let circle = folder.file("circle");
    std::os::unix::fs::symlink("circle", &circle).unwrap();
    let said = refused(&circle);
    assert!(said.contains("found links in a circle, expected a file"), "{said}");
    let said = refused(&folder.file("0.json/counters.json"));
    assert!(said.contains("expected a folder that the exporter may write to"), "{said}");
    let said = refused(&folder.file("missing/counters.json"));
    assert!(said.contains("expected a folder that the exporter may write to"), "{said}");
}

#[tokio::test]
async fn a_link_leads_to_the_file_that_keeps_the_counters() {
    let folder = Folder::new("storage-link");
    let (link, file) = (folder.file("link"), folder.file("disk/counters.json"));
    std::fs::create_dir_all(folder.file("disk")).unwrap();
    std::os::unix::fs::symlink("disk/counters.json", &link).unwrap();
    let served = start("storage-linked", &link).await;
    counted(&served).await;
    // Two ways to one file are one file.
    let said = refused(&file);
    assert!(said.contains("another exporter keeps its counters there"), "{said}");
    stop(served);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink(), "the link is left as it is");
    let ids = &read(&file)["targets"][0]["ids"];
    assert_eq!(ids.as_array().map(Vec::len), Some(1), "{ids}");
}
