//! Whatever comes in: texts that are cut, doubled, spliced and spoilt, a fixed number of them, for every reader of the
//! exporter. None may panic, take long or grow.
//!
//! `BQE_MUTANTS=1000000 cargo test --release --test it -- --nocapture --test-threads=1 mutants::` tries as many of each, and
//! says what they took.

use crate::matching::shipped_quotas;
use bedrock_quota_exporter::config::{self, web};
use bedrock_quota_exporter::diagnosis::message;
use bedrock_quota_exporter::model::arn::Arn;
use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel};
use bedrock_quota_exporter::model::matching::{Index, Rules};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota};
use bedrock_quota_exporter::offline::{self, File};
use bedrock_quota_exporter::picture::file::Reader;
use bedrock_quota_exporter::plan::plan;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Unless BQE_MUTANTS says another number.
const MUTANTS: u64 = 1_000;
/// Longer than any of them takes on a machine that does much else.
const LONG: Duration = Duration::from_secs(5);
/// A reader of texts of a few kilobytes needs no more, in KiB.
const LARGE: u64 = 64 * 1024;

/// Numbers from a seed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    /// Two places in a text, in order.
    fn span(&mut self, len: usize) -> (usize, usize) {
        let (a, b) = (self.below(len + 1), self.below(len + 1));
        (a.min(b), a.max(b))
    }
}

/// What readers may trip over.
const WORDS: [&str; 40] = [
    "",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\0",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    "&a ",
    "*a",
    "!t ",
    "|\n",
    ">",
    "#",
    "${",
    "${A}",
    "${A:-",
    "null",
    "~",
    "-1",
    "1e999",
    "NaN",
    "18446744073709551616",
    "0x0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "\u{1f600}",
    "arn:aws:",
    "::",
    "%00",
    "999999999999999999999d",
];

/// One of the seeds, spoilt in up to four places.
fn mutant(seeds: &[String], dice: &mut Dice) -> String {
    let mut bytes = seeds[dice.below(seeds.len())].clone().into_bytes();
    for _ in 0..=dice.below(4) {
        let (from, until) = dice.span(bytes.len());
        match dice.below(6) {
            0 => drop(bytes.drain(from..until)),
            1 => bytes.truncate(from),
            2 => {
                let doubled = bytes[from..until].to_vec();
                drop(bytes.splice(from..from, doubled));
            }
            3 => {
                let other = seeds[dice.below(seeds.len())].as_bytes();
                let (a, b) = dice.span(other.len());
                drop(bytes.splice(from..until, other[a..b].iter().copied()));
            }
            4 => drop(bytes.splice(from..from, WORDS[dice.below(WORDS.len())].bytes())),
            _ => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The most memory that this process ever had, in KiB; 0 where nobody tells.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Hands `read` so many spoilt seeds.
fn spoil(name: &str, seeds: &[String], read: impl Fn(&str)) {
    let mutants = std::env::var("BQE_MUTANTS").map_or(MUTANTS, |number| number.parse().unwrap());
    let (mut dice, before, start) = (Dice(0), most_memory(), Instant::now());
    let mut slowest = Duration::ZERO;
    for _ in 0..mutants {
        let text = mutant(seeds, &mut dice);
        let since = Instant::now();
        assert!(catch_unwind(AssertUnwindSafe(|| read(&text))).is_ok(), "{name} panics: {text:?}");
        slowest = slowest.max(since.elapsed());
        assert!(since.elapsed() < LONG, "{name} takes {:?}: {text:?}", since.elapsed());
    }
    let (took, grown) = (start.elapsed(), most_memory().saturating_sub(before));
    println!("{name}: {mutants} in {took:.0?}, the slowest {slowest:.1?}, {grown} KiB more");
    // Only where no other test runs beside it is what the process grew by its own.
    assert!(std::env::var("BQE_MUTANTS").is_err() || grown < LARGE, "{name}: {grown} KiB");
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn configs() {
    let refused = crate::config::cases().into_iter().map(|(config, _)| config);
    let documented = file("docs/CONFIGURATION.md");
    let blocks =
        documented.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1.to_string());
    let seeds: Vec<String> = refused.chain(blocks).filter(|text| text.len() < 2048).collect();
    let lookup = |name: &str| (name == "A").then(|| "a\n- b: ${A}".to_string());
    spoil("configs", &seeds, |text| {
        let _ =
            plan(&config::parse_with("config.yaml", text, &lookup)).map_err(|refused| refused.to_string());
    });
}

#[test]
fn web_configs() {
    let whole = file("docs/CONFIGURATION.md");
    let blocks = whole.split("```yaml").skip(1).filter_map(|block| Some(block.split_once("```")?.0));
    let seeds: Vec<String> =
        blocks.filter(|block| block.contains("tls_server_config")).map(String::from).collect();
    assert!(!seeds.is_empty());
    spoil("web configs", &seeds, |text| {
        let _ = web::parse(Path::new("/etc/web.yml"), text).map_err(|refused| refused.to_string());
    });
}

#[test]
fn arns() {
    let seeds = texts(&[
        "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcdefghijkl",
        "arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.nova-pro-v1:0:24k",
        "arn:aws:iam::111122223333:role/path/reader",
    ]);
    spoil("arns", &seeds, |text| {
        let _ = Arn::parse(text).map(|arn| format!("{} {}", arn.kind(), arn.id()));
    });
}

#[test]
fn quota_names_and_model_ids() {
    let names: Vec<String> = shipped_quotas().quotas.iter().map(|quota| quota.name.clone()).collect();
    let ids = texts(&[
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "amazon.nova-pro-v1:0:24k",
        "openai.gpt-oss-120b",
    ]);
    let seeds = [names, ids].concat();
    spoil("quota names and model ids", &seeds, |text| {
        let quota = ServiceQuota { code: "L-00000001".into(), name: text.into(), ..ServiceQuota::default() };
        let model =
            FoundationModel { id: text.into(), name: Some(text.into()), ..FoundationModel::default() };
        let catalog = Catalog { models: Some(vec![Arc::new(model)]), ..Catalog::default() };
        let quotas = QuotaList { closed: Vec::new(), quotas: vec![Arc::new(quota)], requests: None };
        let _ = Index::new(&quotas, &catalog, &Rules::default());
    });
}

#[test]
fn lists_of_the_aws_cli() {
    let seeds = texts(&[
        r#"{"Quotas": [{"ServiceCode": "bedrock", "QuotaCode": "L-254CACF4", "QuotaName": "On-demand model inference requests per minute for Amazon Nova Pro", "Value": 100.0, "Adjustable": true, "UsageMetric": {"MetricNamespace": "AWS/Usage", "MetricName": "CallCount", "MetricDimensions": {"Class": "None"}, "MetricStatisticRecommendation": "Maximum"}, "ErrorReason": {"ErrorCode": "X", "ErrorMessage": "y"}}]}"#,
        r#"{"modelSummaries": [{"modelId": "amazon.nova-pro-v1:0", "modelName": "Nova Pro", "providerName": "Amazon", "inferenceTypesSupported": ["ON_DEMAND"], "modelLifecycle": {"status": "ACTIVE"}}]}"#,
        r#"{"inferenceProfileSummaries": [{"inferenceProfileId": "us.amazon.nova-pro-v1:0", "inferenceProfileArn": "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0", "models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"}], "status": "ACTIVE", "type": "SYSTEM_DEFINED"}]}"#,
    ]);
    spoil("lists of the AWS CLI", &seeds, |content| {
        let file = File { path: "list.json", content };
        let _ = offline::quotas(Some(file), Some(file), Some("us-east-1"));
        let _ = offline::models(file);
        let _ = offline::profiles(file, Some("us-east-1"));
        let _ = offline::deployments(file);
    });
}

#[test]
fn snapshots() {
    let seeds = [crate::tools::hostile::small_snapshot()];
    spoil("snapshots", &seeds, |text| {
        let Ok(mut reader) = Reader::new("snapshot", text.as_bytes()) else { return };
        while let Ok(Some(_)) = reader.target() {}
    });
}

#[test]
fn error_messages() {
    let seeds = texts(&[
        "An error occurred (ThrottlingException) when calling the Converse operation (reached max retries: 4): Too many tokens, please wait before trying again.",
        "Model is getting throttled. Try your request again. 429 503 529",
    ]);
    spoil("error messages", &seeds, |text| {
        let _ = message::read(text);
    });
}
