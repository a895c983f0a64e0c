//! The tools around the daemon, as a person runs them: on a snapshot of the demo held against the world that it
//! was made from, and on snapshots of a hostile world.

mod asked;
mod documents;
mod export;
mod files;
mod hostile;
mod increase;
mod provisioned;
mod report;
mod terminal;

use bedrock_quota_exporter::sim::world::World;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// Midnight, and 2 hours: day quotas are known from there on.
const SINCE: &str = "26h";

/// The demo's snapshot, saved once for all tests.
static SNAPSHOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = scratch("demo.jsonl.gz");
    let saved = run(&["snapshot", "save", "--demo", "--since", SINCE, path.to_str().unwrap()]);
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    let said = String::from_utf8_lossy(&saved.stdout).into_owned();
    assert!(said.contains("12 targets, 35 invocation ids, 26h of usage"), "{said}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "accounts and what they use are for their owner's eyes");
    path
});

/// A file of this test run.
fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"));
    command.args(args).env("COLUMNS", "80").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Exit code, standard output and standard error.
fn ran(args: &[&str]) -> (i32, String, String) {
    let output = run(args);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What a tool prints of the demo's snapshot.
fn of_demo(args: &[&str]) -> (i32, String) {
    let from = ["--from", SNAPSHOT.to_str().unwrap()];
    let (code, out, error) = ran(&[args, &from].concat());
    assert_eq!(error, "", "{args:?}");
    (code, out)
}

fn json(args: &[&str]) -> Value {
    let (_, out) = of_demo(&[args, &["--format", "json"]].concat());
    serde_json::from_str(&out).unwrap()
}

fn seconds(text: &Value) -> i64 {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text.as_str().unwrap(), format).unwrap().unix_timestamp()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Nearest rank, written another way than the tool's: sort, then count from below.
fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let least = values.len() as f64 * percent / 100.0;
    *sorted.iter().find(|value| sorted.iter().filter(|v| v <= value).count() as f64 >= least).unwrap()
}

/// One minute: requests, throttles, input, output, estimate, cache reads, cache writes.
type Truth = [f64; 7];

/// What all of some ids did minute by minute.
fn truth(account: &str, region: &str, ids: &[&str], minutes: std::ops::Range<i64>) -> Vec<Truth> {
    // These streams do not know when the demo's story began.
    let world = World::demo(1, 0);
    let account = world.account(account).unwrap();
    let region = world.region(&account.id, region).unwrap();
    let streams: Vec<_> = region.streams.iter().filter(|s| ids.contains(&s.model_id.as_str())).collect();
    assert!(streams.len() >= ids.len());
    let minute = |minute| {
        let tallies = streams.iter().map(|stream| world.flow(account, region, stream).tally(minute));
        tallies.fold([0.0; 7], |sum, tally| {
            let estimated = tally.estimated.unwrap_or(0);
            let calls = [tally.invocations, tally.throttles, tally.input, tally.output, estimated];
            let own: Vec<u64> = calls.into_iter().chain([tally.cache_read, tally.cache_write]).collect();
            std::array::from_fn(|at| sum[at] + own[at] as f64)
        })
    };
    minutes.map(minute).collect()
}

const HAIKU: [&str; 3] = ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "srch7f3k2m9q", "supp4d8w1x6z"];

#[test]
fn usage_is_the_worlds_truth_to_the_last_call() {
    let document = json(&["usage", "--account", "production", "--region", "us-east-1", "haiku"]);
    let target = &document["targets"][0];
    let minutes = seconds(&target["from"]) / 60..seconds(&target["until"]) / 60;
    assert!((1556..=1560).contains(&(minutes.end - minutes.start)), "{minutes:?}");
    let truth = truth("000000000000", "us-east-1", &HAIKU, minutes.clone());
    let model = &target["models"][0];
    assert_eq!(model["model"], "anthropic.claude-haiku-4-5-20251001-v1:0");
    let sum = |at: usize| truth.iter().map(|minute| minute[at]).sum::<f64>();
    for (at, key) in ["requests", "throttles", "input_tokens", "output_tokens"].iter().enumerate() {
        assert_eq!(number(&model["totals"][*key]), sum(at), "{key}");
    }
    let quota = |kind: &str| {
        let quotas = model["quotas"].as_array().unwrap();
        quotas.iter().find(|quota| quota["quota"] == kind).unwrap()
    };
    for (kind, at) in [("requests_per_minute", 0), ("tokens_per_minute", 4)] {
        let values: Vec<f64> = truth.iter().filter(|m| m[0] + m[1] > 0.0).map(|minute| minute[at]).collect();
        let quota = quota(kind);
        for (key, percent) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("max", 100.0)] {
            assert_eq!(number(&quota[key]), percentile(&values, percent), "{kind} {key}");
        }
        assert_eq!(number(&quota["minutes"]), values.len() as f64);
        let busiest = truth.iter().position(|m| m[at] == number(&quota["max"])).unwrap() as i64;
        assert_eq!(seconds(&quota["busiest_minute"]) / 60, minutes.start + busiest, "{kind}");
    }
    let ids = model["ids"].as_array().unwrap();
    let team = |id: &str| ids.iter().find(|other| other["id"] == id).unwrap()["team"].clone();
    assert_eq!(
        [team("srch7f3k2m9q"), team("supp4d8w1x6z"), team(HAIKU[0])],
        ["search".into(), "support".into(), Value::Null]
    );
    let week: f64 = model["week"].as_array().unwrap().iter().map(|hour| number(&hour["calls"])).sum();
    assert_eq!(week, sum(0) + sum(1));
}

#[test]
fn a_snapshot_is_cut_to_the_span_that_is_asked_for_and_never_stretched() {
    let usage = ["usage", "--account", "production", "--region", "us-east-1", "haiku"];
    let whole = json(&usage)["targets"][0].clone();
    let cut = json(&[&usage[..], &["--since", "2h"]].concat())["targets"][0].clone();
    let (from, until) = (seconds(&cut["from"]) / 60, seconds(&cut["until"]) / 60);
    assert_eq!(until, seconds(&whole["until"]) / 60, "the newest part of it");
    let saved = scratch("cut.jsonl");
    let (_, said) = of_demo(&["snapshot", "save", "--since", "2h", saved.to_str().unwrap()]);
    assert!(said.contains(", 2h of usage until "), "{said}");
    let truth = truth("000000000000", "us-east-1", &HAIKU, from..until);
    let requests = truth.iter().map(|minute| minute[0]).sum::<f64>();
    assert_eq!(number(&cut["models"][0]["totals"]["requests"]), requests);
    assert!(number(&whole["models"][0]["totals"]["requests"]) > 2.0 * requests, "without it, all of it");
    let again = ran(&[&usage[..], &["--from", saved.to_str().unwrap(), "--format", "json"]].concat()).1;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["targets"][0], cut, "as it was saved");
    for tool in ["usage", "diagnose", "report", "quotas", "provisioned", "chart"] {
        let (code, out, error) = ran(&[tool, "--since", "15d", "--from", SNAPSHOT.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (1, ""), "{tool}");
        let expected = "--since: found 15d, but the snapshot has 26h of usage of production (000000000000), ";
        assert!(error.contains(expected), "{tool}: {error}");
    }
}

#[test]
fn a_name_that_nothing_has_is_not_fine() {
    for (args, message) in [
        (&["diagnose", "sonet-4-6"][..], "no model that is listed or called contains \"sonet-4-6\""),
        (&["quotas", "zzz"], "no quota whose code or name contains \"zzz\""),
        (&["quotas", "--model", "sonet", "--format", "json"], "no quota of a model that contains \"sonet\""),
    ] {
        let (code, out, error) = ran(&[args, &["--from", SNAPSHOT.to_str().unwrap()]].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(error.contains(message), "{args:?}: {error}");
    }
    let (code, out) = of_demo(&["quotas", "--model", "SONNET", "--state", "error"]);
    assert!(code == 0 && out.contains("no such quota"), "there are such, in another state: {out}");
    let (code, out) = of_demo(&["diagnose", "--account", "production", "--region", "us-west-2", "titan"]);
    assert_eq!((code, out.as_str()), (0, "nothing that is known is wrong\n"));
    let of = |about| of_demo(&["diagnose", "--account", "production", "--region", "us-west-2", about]);
    let of_id = of("us.anthropic.claude-sonnet-4-6");
    assert!(of_id.0 == 3 && of_id == of("sonnet-4-6"), "an invocation id stands for its model: {of_id:?}");
}

#[test]
fn a_full_disk_leaves_the_old_page() {
    let (page, tables) = (scratch("full/report.html"), scratch("full/tables"));
    std::fs::create_dir_all(&tables).unwrap();
    let (page, picture) = (page.to_str().unwrap(), scratch("full/chart.svg"));
    let (table, picture) = (tables.join("quotas.csv"), picture.to_str().unwrap());
    // Files may hold no more than 512 bytes.
    let full = |args: &[&str]| {
        let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
        Command::new("sh")
            .args(["-c", limited, env!("CARGO_BIN_EXE_bedrock-quota-exporter")])
            .args(args)
            .args(["--from", SNAPSHOT.to_str().unwrap(), "--account", "production", "--region", "us-east-1"])
            .output()
            .unwrap()
    };
    for (args, file) in [
        (&["report", "--output", page][..], page),
        (&["chart", "--output", picture], picture),
        (&["report", "--csv", tables.to_str().unwrap()], table.to_str().unwrap()),
    ] {
        std::fs::write(file, "the old one").unwrap();
        let failed = full(args);
        let error = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{error}");
        assert!(error.contains(": cannot be written: "), "{error}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "the old one");
        let left = std::fs::read_dir(Path::new(file).parent().unwrap()).unwrap();
        let names: Vec<String> = left.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }
}

#[test]
fn quotas_are_as_the_account_has_them() {
    let document = json(&["quotas", "--account", "000000000001", "--region", "us-east-1", "L-15B8E632"]);
    let quota = &document["targets"][0]["quotas"][0];
    assert_eq!((number(&quota["limit"]), number(&quota["default"])), (600_000.0, 6_000_000.0));
    assert_eq!((&quota["family"], &quota["state"]), (&"Claude".into(), &"ok".into()));
    let (_, below) = of_demo(&["quotas", "--account", "research", "--below-default", "--format", "csv"]);
    assert!(below.contains(",600000,6000000,true,ok,"), "{below}");
    let (_, unused) =
        of_demo(&["quotas", "--account", "research", "--region", "us-east-1", "--unused", "Sonnet 4.6"]);
    assert!(!unused.contains("L-15B8E632"), "{unused}");
}

#[test]
fn two_regions_differ_where_they_do_and_the_same_file_never() {
    let sides = ["--diff", "production/us-west-2", "research/us-east-1"];
    let pairs = json(&[&["quotas"][..], &sides].concat())["pairs"].clone();
    let rows = pairs[0]["quotas"].as_array().unwrap().clone();
    let sonnet = rows.iter().find(|row| row["code"] == "L-15B8E632").unwrap();
    assert_eq!((number(&sonnet["a"]["value"]), number(&sonnet["b"]["value"])), (6e6, 6e5));
    assert!(rows.iter().all(|row| row["a"] != row["b"]));
    let path = SNAPSHOT.to_str().unwrap();
    let (code, same) = of_demo(&["quotas", "--diff", path, path]);
    assert_eq!((code, same.matches("no quota differs").count()), (0, 12), "{same}");
}

#[test]
fn every_refusal_has_the_cause_that_it_has_in_the_world() {
    let (code, out) = of_demo(&["diagnose", "--format", "csv"]);
    assert_eq!(code, 3);
    for line in [
        "\"production, us-east-1\",deepseek.r1-v1:0,cross_region,requests_per_minute,",
        "\"production, us-west-2\",anthropic.claude-sonnet-4-6,cross_region,reservation,",
        "\"research, us-east-1\",anthropic.claude-sonnet-4-6,cross_region,tokens_per_minute,",
        "\"research, ap-northeast-1\",anthropic.claude-sonnet-4-5-20250929-v1:0,global,tokens_per_day,",
        "\"labs, eu-central-1\",anthropic.claude-opus-4-8,cross_region,zero_quota,",
        "\"labs, us-east-1\",openai.gpt-oss-20b-1:0,on_demand,capacity,0,",
        // Refused together for want of the account's tokens of the day, which nobody can measure.
        "\"labs, eu-central-1\",amazon.nova-pro-v1:0,cross_region,unknown,",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
}

#[test]
fn the_max_tokens_that_lets_all_calls_in_is_worked_out() {
    let document = json(&["diagnose", "--account", "production", "--region", "us-west-2", "sonnet-4-6"]);
    let finding = &document["findings"][0];
    let minutes: Vec<i64> =
        finding["evidence"].as_array().unwrap().iter().map(|minute| seconds(&minute["at"]) / 60).collect();
    assert_eq!(minutes.len(), 15);
    let truth =
        truth("000000000000", "us-west-2", &["us.anthropic.claude-sonnet-4-6"], minutes[0]..minutes[14] + 1);
    let sum = |at: usize| truth.iter().map(|minute| minute[at]).sum::<f64>();
    let asked = (sum(0) + sum(1)) / 15.0;
    let fits = (6e6 / asked - sum(2) / sum(0)).floor();
    // The world's calls send 8,000 tokens and reserve 32,000 more; 250 a minute are asked for.
    assert!((15_000.0..17_000.0).contains(&fits), "{fits}");
    let how = finding["remedies"][0]["how"].as_str().unwrap();
    let shown = format!("{},{:03}", fits as i64 / 1000, fits as i64 % 1000);
    assert!(how.contains(&format!("A max_tokens of at most {shown} lets all")), "{fits}: {how}");
    // Three digits, as people read them.
    let (reserved, average) = (6e6 * 15.0 / sum(0) - sum(2) / sum(0), sum(3) / sum(0));
    let (reserved, average) = ((reserved / 100.0).round() / 10.0, (average / 10.0).round() / 100.0);
    let words = format!("about {reserved}k of max_tokens, while answers average {average}k");
    assert!(how.contains(&words), "{words}: {how}");
    // A fifth above what all calls would take, in whole millions.
    let wish = (6e6 * (sum(0) + sum(1)) / sum(0) * 1.2 / 1e6).ceil() * 1e6;
    let command = finding["remedies"].as_array().unwrap().last().unwrap()["command"].as_str().unwrap();
    let expected = format!("--quota-code L-15B8E632 --desired-value {wish} --region us-west-2");
    assert!(command.ends_with(&expected), "{command}: {expected}");
}

#[test]
fn the_page_shows_what_is_wrong_and_loads_nothing() {
    let (page, tables) = (scratch("report.html"), scratch("tables"));
    let (page, tables) = (page.to_str().unwrap(), tables.to_str().unwrap());
    let (code, _) = of_demo(&["report", "--output", page, "--csv", tables, "--fail-on", "zero_quota"]);
    assert_eq!(code, 3);
    let (code, _) = of_demo(&[
        "report",
        "--output",
        page,
        "--account",
        "labs",
        "--region",
        "us-east-1",
        "--fail-on",
        "zero_quota",
    ]);
    assert_eq!(code, 0, "no quota of zero there");
    of_demo(&["report", "--output", page]);
    let html = std::fs::read_to_string(page).unwrap();
    for part in [
        "max_tokens is reserved",
        "a limit of 0",
        "Who spends it",
        "gone5t2r8y4u",
        "llama-70b-search",
        "<svg",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for part in ["<script", "http://", "https://", "url("] {
        let html = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!html.contains(part), "{part}");
    }
    let requests = std::fs::read_to_string(Path::new(tables).join("requests.csv")).unwrap();
    assert!(requests.contains(",20000000,CASE_OPENED,"), "{requests}");
    let refused = requests.lines().find(|line| line.contains(",400,NOT_APPROVED,"));
    assert!(refused.is_some_and(|line| !line.ends_with(",-")), "when it was closed: {requests}");
}

#[test]
fn a_masked_snapshot_tells_everything_but_whose_it_is() {
    let masked = scratch("masked.jsonl");
    let path = masked.to_str().unwrap();
    of_demo(&["snapshot", "save", "--mask", path]);
    let text = std::fs::read_to_string(path).unwrap();
    for secret in ["000000000000", "000000000001", "000000000002", "production", "\"research\""] {
        assert!(!text.contains(secret), "{secret}");
    }
    let csv = |from: &str| ran(&["diagnose", "--from", from, "--format", "csv"]).1;
    let causes = |csv: String| {
        let mut rows: Vec<String> =
            csv.lines().map(|l| l.split('"').next_back().unwrap().to_string()).collect();
        rows.sort();
        rows
    };
    let (own, other) = (csv(SNAPSHOT.to_str().unwrap()), csv(path));
    assert!(other.contains("999900000001"), "{other}");
    assert_eq!(causes(other), causes(own));
}

#[test]
fn a_picture_is_drawn_for_each_model_of_one_target() {
    let (code, svg) = of_demo(&["chart", "--account", "production", "--region", "us-west-2"]);
    assert_eq!((code, svg.matches("<g transform").count()), (0, 4));
    for part in
        ["tokens per minute, limit 6M", "calls refused while settled use was 4", "no limit that its usage"]
    {
        assert!(svg.contains(part), "{part}");
    }
    let (_, svg) = of_demo(&["chart", "deepseek", "--account", "production", "--region", "us-east-1"]);
    assert!(
        svg.contains("400 requests per minute asked for: not approved on 2"),
        "a request that AWS closed: {svg}"
    );
    assert_eq!(svg.matches("<line class=\"asked\"").count(), 2, "in the legend, and where it was closed");
    let (code, out, error) = ran(&["chart", "--from", SNAPSHOT.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("give --account and --region"), "{error}");
}

#[test]
fn what_is_asked_wrongly_is_said_in_one_line() {
    let path = SNAPSHOT.to_str().unwrap();
    let (code, _, error) = ran(&["quotas", "--from", path, "--account", "nobody"]);
    assert_eq!(code, 1);
    assert!(error.contains("there are: production (000000000000), ap-northeast-1; "), "{error}");
    for args in [
        &["quotas", "--state", "moon"][..],
        &["increase", "--scope", "moon", "sonnet-4-6"],
        &["report", "--fail-on", "moon"],
    ] {
        let (code, out, error) = ran(&[args, &["--from", path]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {error}");
        assert!(error.contains(": found \"moon\", expected "), "{args:?}: {error}");
    }
    let (code, out, error) = ran(&["chart", "--from", path, "--most", "0"]);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert!(error.contains("--most") && error.contains("expected a number of models, 1 or more"), "{error}");
    let (code, _, error) = ran(&["quotas", "--from", path, "--scope", "everywhere"]);
    assert_eq!(code, 2);
    assert!(
        error.contains("--scope: found \"everywhere\", expected one of on_demand, cross_region"),
        "{error}"
    );
    assert_eq!(ran(&["quotas", "--since", "16d"]).0, 2);
    assert_eq!(ran(&["usage", "--from", "x", "--demo"]).0, 2);
    let (code, _, error) = ran(&["usage", "--from", "no-such-file"]);
    assert_eq!(code, 1);
    assert!(error.contains("no-such-file: cannot be read"), "{error}");
}

#[test]
fn completions_and_the_man_page_know_every_sub_command() {
    let (man, bash) = (ran(&["man"]).1, ran(&["completions", "bash"]).1);
    for command in ["serve", "explain", "quotas", "usage", "chart", "diagnose", "report", "snapshot"] {
        assert!(man.contains(&format!(".SH {}\n", command.to_uppercase())), "{command}");
        assert!(bash.contains(command), "{command}");
    }
}

#[test]
fn every_tool_shows_two_examples() {
    for tool in [
        "quotas",
        "usage",
        "chart",
        "diagnose",
        "report",
        "increase",
        "provisioned",
        "capacity",
        "explain",
        "export",
        "probe",
        "mcp",
        "snapshot save",
    ] {
        let args: Vec<&str> = tool.split(' ').chain(["--help"]).collect();
        let (_, help, _) = ran(&args);
        let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{help}"));
        assert_eq!(examples.matches(&format!("  bedrock-quota-exporter {tool} ")).count(), 2, "{help}");
    }
}

#[test]
fn what_an_error_means_is_told_in_every_format() {
    let of = |format| ran(&["diagnose", "--error", "HTTP 503", "--format", format]);
    let (code, csv, _) = of("csv");
    assert_eq!(code, 3);
    let rows: Vec<&str> = csv.lines().collect();
    assert!(
        rows.len() == 2 && rows[0] == "message,type,meaning,not,causes" && rows[1].contains(",capacity"),
        "{csv}"
    );
    assert!(of("table").1.contains("It is not: ") && of("json").1.contains("\"capacity\""));
    assert_eq!(ran(&["diagnose", "--error", "hello", "--format", "csv"]).1.lines().count(), 1, "unknown");
}

#[test]
fn a_number_is_read_back_as_it_was_written() {
    // One that a reader of JSON rounded to its neighbour.
    let written = 400.204_697_904_724_75_f64;
    let read: f64 = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
    assert_eq!(read.to_bits(), written.to_bits());
}
